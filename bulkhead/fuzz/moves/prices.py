"""Prices, time, outages, and the endings they bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bulkhead.fuzz.foresight import at_mark
from bulkhead.fuzz.laws import base as sums
from bulkhead.fuzz.laws.base import Terms
from bulkhead.fuzz.moves.base import Moves, usable
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import KEEPER, PRICE, USERS
from bulkhead.fuzz.probe import Pos
from bulkhead.model.wad import WAD

MIN_MARK, MAX_MARK = 10**9, 2**96 - 1
LINES = 16  # looks along lines before a search halves


class Prices(Moves):
    """What the oracle says, and what keepers make of it."""

    def idle(self) -> Iterator[Op]:
        """Time passes."""
        waits = (1, 59, 60, 601, 901, 3_600, 86_401)
        yield self.op("accrue", KEEPER, (), self.read.pick(waits))

    def _price(self, mark: int, lag: int = 0, wait: int | None = None) -> Op:
        choice = self.read.byte()
        most = self.world.params.max_spread
        spread = most + 1 if choice == 255 else (0, 0, most // 10, most)[choice % 4]
        resumed = self.world.now - self.read.byte() if choice in (253, 254) else 0
        wait = self.wait() if wait is None else wait
        return self.op("set_price", args=(mark, spread, lag, resumed), wait=wait)

    def price(self) -> Iterator[Op]:
        """Small moves, gaps, and a return to where it began."""
        mark, choice = self.world.site.reading.mark, self.read.byte()
        step = self.read.word()
        if choice < 110:
            mark += mark * (step - 32_768) // 3_276_800  # within 1 %
        elif choice < 180:
            mark += mark * (step - 32_768) // 400_000  # within 8 %
        elif choice < 215:
            mark = mark * 100 // (101 + step % 60)
        elif choice < 250:
            mark = mark * (101 + step % 90) // 100
        else:
            mark = PRICE
        if not usable(mark):
            mark = PRICE if step % 20 else mark
        lag = step % 7 if choice % 16 == 0 else 0
        yield self._price(mark, lag)
        if step % 3:
            yield self.op("accrue", KEEPER)

    def solved_price(self) -> Iterator[Op]:
        """The mark at which somebody's equity lands on what it needs, and one tick either side."""
        id_ = self.some()
        if self.position(id_).size == 0:
            return
        yield self.op("accrue", KEEPER, (), self.wait())
        yield from self._land(id_, self.read.pick((0, 0, 0, 1, 2, 3)))

    def _land(self, id_: int, which: int) -> Iterator[Op]:
        """Somebody's equity lands on one of `_needs`, or a tick either side, and is judged."""
        yield self._price(self.twin.state.mark, wait=1)
        found = at_mark(self.world)
        if found is None:
            return
        edge = turning_mark(self.position(id_), found[0], which)
        if not usable(edge):
            return
        mark = edge + self.read.pick((-1, 0, 1))
        yield self.op("set_price", args=(mark, found[0].spread, 0, 0))
        yield self._liquidate(id_)

    def solved_margin(self) -> Iterator[Op]:
        """A donation after which somebody's equity is MM, one unit less or one more."""
        ill = self.ill()
        id_ = self.read.pick(ill) if ill else self.some()
        found = at_mark(self.world)
        p = self.position(id_)
        if p.size == 0 or found is None:
            return
        short = sums.up(-sums.surplus(p, found[0]), self.world.unit)
        amount = short + self.read.pick((-1, 0, 1))
        if short > 0 and amount > 0:
            vault = self.world.vault(id_)
            yield self.op("send", self.read.pick(USERS), (vault, amount))
        yield self._liquidate(id_)

    def storm(self) -> Iterator[Op]:
        """A move that makes the larger side rich."""
        s = self.twin.state
        step = self.read.byte()
        factor = 120 + step if s.size_long > s.size_short else 90 - step * 70 // 255
        args = (PRICE * factor // 100, 0, 0, 0)
        yield self.op("set_price", args=args, wait=1 + self.wait())
        yield self.op("accrue", KEEPER)

    def renewal(self) -> Iterator[Op]:
        """A second mark in one block: for liquidations only."""
        id_ = self.some()
        mark = self.world.site.reading.mark
        yield self._price(mark, lag=5, wait=12)
        yield self.op("accrue", KEEPER)
        factor = 80 + self.read.byte() % 41
        yield self.op("set_price", args=(self.world.site.reading.mark * factor // 100, 0, 0, 0))
        yield self._liquidate(id_)
        choice = self.read.byte() % 3
        if choice == 0:
            yield self.op("add_margin", KEEPER, (id_, self.amount()))
        elif choice == 1:
            yield from self.liquidate()
        else:
            yield from self.accrue()

    def renewed_many(self) -> Iterator[Op]:
        """A second mark in one block, brought by the liquidation of several who are ill by so
        little that a part of each is closed."""
        read, id_ = self.read, self.some()
        yield self._price(self.world.site.reading.mark, lag=5, wait=12)
        yield self.op("accrue", KEEPER)
        found, p = at_mark(self.world), self.position(id_)
        if found is None or p.size == 0:
            return
        t, edge = found[0], turning_mark(p, found[0])
        step = 1 + edge // read.pick((10**18, 10**9, 10_000, 2_000))
        mark = edge - step if p.size > 0 else edge + step
        if not usable(mark):
            return
        then = t._replace(mark=mark)
        held = [(each, self.position(each)) for each in self.held()]
        little = [i for i, q in held if _slack(q, then, 0) < 0 <= _slack(q, then, 2)]
        ids = tuple(little[: 1 + read.byte() % 4]) or (id_,)
        if read.byte() < 60:
            ids += (self.some(),)
        yield self.op("set_price", args=(mark, t.spread, 0, 0))
        yield self.op("liquidate_many", KEEPER, (ids, KEEPER))

    def outage(self) -> Iterator[Op]:
        """The oracle (or the sequencer) fails; later it says when it came back."""
        if self.world.site.failure:
            now, mark = self.world.now, self.world.site.reading.mark
            yield self.op("set_price", args=(mark, 0, 0, now), wait=5)
            yield self._liquidate(self.some())
        else:
            yield self.op("fail_oracle", args=(1 + self.read.byte() % 5,), wait=self.wait())

    # ---- liquidation

    def _liquidate(self, id_: int) -> Op:
        keeper = to = KEEPER
        if self.read.byte() >= 200:
            keeper, to = self.read.pick(USERS), self.read.pick(USERS)
        return self.op("liquidate", keeper, (id_, to), self.read.pick((0, 0, 0, 1)))

    def liquidate(self) -> Iterator[Op]:
        """Somebody ill, if there is."""
        ill = self.ill()
        yield self._liquidate(self.read.pick(ill) if ill else self.some())

    def liquidate_many(self) -> Iterator[Op]:
        """Some, in any order, twice perhaps, with an unknown one."""
        ids = tuple(self.some() for _ in range(1 + self.read.byte() % 5))
        if self.read.byte() > 200:
            ids += (99, ids[0])
        yield self.op("liquidate_many", KEEPER, (ids, KEEPER), self.wait())

    def deleverage(self) -> Iterator[Op]:
        """Winners go."""
        mark = self.twin.state.mark
        ahead = [i for i in self.held() if self.twin.core.ledger(i).claim(mark) > 0]
        id_ = self.read.pick(ahead) if ahead else self.some()
        yield self.op("deleverage", KEEPER, (id_,), self.wait())


def _slack(p: Pos, t: Terms, which: int) -> int:
    """How far equity is above: MM, a Wad's unit, the deep share of MM, the target (Wad)."""
    price = t.price(p.size)
    have = sums.equity(p, t, price)
    if which == 1:
        return have - 1
    if which == 3:
        return have - sums.target(p.size, price, t)
    need = sums.maintenance(p.size, price, t)
    return have - (sums.up(t.deep_ratio * need, WAD) if which == 2 else need)


def turning_mark(p: Pos, t: Terms, which: int = 0) -> int:
    """For a long the lowest mark at which it holds, for a short the highest."""

    def value(mark: int) -> int:
        return _slack(p, t._replace(mark=mark), which)

    return last_held(value, t.mark, p.size > 0)


def last_held(value: Callable[[int], int], start: int, rising: bool) -> int:
    """The end of the half line of marks from 1 to 2^96 at which a monotone value is not below 0.

    A line through the last two looks leads near it, ever longer steps to its other side; halving
    where that takes long.
    """
    bad, good = (0, 2**96) if rising else (2**96 + 1, 1)
    guess, stride = start, start >> 8
    last: tuple[int, int] | None = None
    looks = 0
    while abs(good - bad) > 1:
        looks += 1
        guess = min(max(guess, min(good, bad) + 1), max(good, bad) - 1)
        now = value(guess)
        if now >= 0:
            good = guess
        else:
            bad = guess
        root = guess
        if last is not None:
            stride = 4 * stride if (now >= 0) == (last[1] >= 0) else 1
            if now != last[1]:
                root = guess - now * (guess - last[0]) // (now - last[1])
        last = guess, now
        guess = root + (stride if rising == (now < 0) else -stride)
        if looks > LINES:
            guess = (good + bad) // 2
    return good
