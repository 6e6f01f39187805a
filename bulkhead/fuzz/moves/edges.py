"""Corners: where a partial liquidation just holds, a reading just counts, a bound just binds, a
payment is refused half-way, or nobody has the money left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bulkhead.fuzz.foresight import at_mark
from bulkhead.fuzz.laws import base as sums
from bulkhead.fuzz.laws.base import Terms
from bulkhead.fuzz.moves.base import usable
from bulkhead.fuzz.moves.prices import MAX_MARK, MIN_MARK, Prices, turning_mark
from bulkhead.fuzz.moves.trading import Trading
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import (
    ANY_BUY,
    DELAY,
    EVE,
    FOREVER,
    GOVERNANCE,
    KEEPER,
    OWNERS,
    TREASURY,
)
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.stage import ACTOR
from bulkhead.model import liquidation
from bulkhead.model.types import UNBOUNDED, Config
from bulkhead.model.wad import WAD

Edge = Callable[[int], bool]


class Edges(Trading, Prices):
    """What happens rarely, brought about on purpose."""

    # ---- partial liquidations

    def _small(self) -> Iterator[Op]:
        """A position a few times the least notional."""
        size = self.world.params.min_notional * (2 + self.read.byte() % 5) * WAD
        size = size // self.twin.state.mark * (1 if self.read.byte() % 2 else -1)
        margin = abs(size) * self.twin.state.mark // WAD // 14 // self.world.unit
        limit = ANY_BUY if size > 0 else 0
        yield self.op("open", self.read.pick(OWNERS), (0, size, margin, limit, FOREVER), 1)

    def remainder(self) -> Iterator[Op]:
        """The mark at which a partial liquidation leaves just the least notional or a bracket's
        end, or closes what makes the keeper's reward its floor or cap."""
        world, read = self.world, self.read
        least, mark = world.params.min_notional, self.twin.state.mark
        held = self.held()
        small = [i for i in held if abs(self.twin.position(i).size) * mark < 7 * least * WAD]
        if not small or read.byte() < 40:
            yield from self._small()
            small = self.held()[-1:]
        id_ = read.pick(small if small and read.byte() < 170 else held or (0,))
        yield self.op("accrue", KEEPER, (), self.wait())
        yield self._price(self.twin.state.mark, wait=1)
        found, p = at_mark(world), self.position(id_)
        if found is None or p.size == 0:
            return
        t = found[0]
        first, last = (turning_mark(p, t, which) for which in (0, 2))
        first += -1 if p.size > 0 else 1  # ill, and not deep under MM
        turn = self._turn(p, t, first, last, self._limit(p, t))
        if turn is not None and usable(turn):
            spread = found[0].spread
            yield self.op("set_price", args=(turn + read.pick((-1, 0, 0, 1)), spread, 0, 0))
            yield self._liquidate(id_)

    def _limit(self, p: Pos, t: Terms) -> int:
        """The most notional that may be closed; mostly what a partial liquidation can at all."""
        if self.read.byte() < 180 or t.keeper_rate == 0:
            return UNBOUNDED
        n = sums.notional(p.size, t.mark)
        ends = [n - row[0] for row in t.table if row[0] < n]
        ends += [end * WAD // t.keeper_rate for end in (t.reward_floor, t.reward_cap)]
        return self.read.pick(ends)

    def _turn(self, p: Pos, t: Terms, first: int, last: int, most: int) -> int | None:
        """The last mark from `first` to `last` at which a part of at most `most` is closed."""
        cfg: Config = self.twin.core.cfg

        def holds(mark: int) -> bool:
            at = t._replace(mark=mark)
            price = at.price(p.size)
            costs = liquidation.costs(at.spread, at.skew, p.size, cfg)
            have = sums.equity(p, at, price)
            closed = liquidation.closed_size(have, p.size, price, at.ramp, costs)
            return closed is not None and sums.notional(closed, price) <= most

        if not holds(first) or holds(last):
            return None
        while abs(last - first) > 1:
            middle = (first + last) // 2
            first, last = (middle, last) if holds(middle) else (first, middle)
        return first

    # ---- the skew's corners

    def crossing(self) -> Iterator[Op]:
        """A trade that takes the skew to the knee of its impact, to its cap or to nothing."""
        id_, p = self.some(), self.world.params
        size, skew = self.twin.position(id_).size, self.twin.state.skew
        knee = p.max_impact * p.skew_scale // WAD
        past = knee * 5 // 4
        goals = (knee, -knee, past, -past, p.max_skew, -p.max_skew, 0)
        goal = self.read.pick(goals) + self.near()
        delta = goal - skew
        if size == 0 or delta == 0:
            return
        limit = ANY_BUY if delta > 0 else 0
        if delta * size < 0:
            delta = max(-size, delta) if size > 0 else min(-size, delta)
        name = "decrease" if delta * size < 0 else "increase"
        yield self.op(name, self.owner(id_), (id_, delta, limit, FOREVER), self.wait())

    # ---- readings

    def extremes(self) -> Iterator[Op]:
        """A reading at an end of what is taken, or past it; then those who need a mark."""
        world, read = self.world, self.read
        s, p, mark = self.twin.state, world.params, world.site.reading.mark
        wait = read.pick((1, 12, 60))
        now = world.now + wait
        back = now - s.published_at
        mark, spread, lag, resumed = read.pick(
            (
                (MIN_MARK - 1, 0, 0, 0),
                (MAX_MARK + 1, 0, 0, 0),
                (2**256 - 1, 0, 0, 0),
                (0, 0, 0, 0),
                (mark, p.max_spread + self.near(), 0, 0),
                (mark, 2**255, 0, 0),
                (mark, 0, back + self.near(), 0),
                (mark, 0, back, now),
                (mark, 0, 0, now + self.near()),
                (mark, 0, 0, now + 1 + read.word()),
                (mark, 0, 0, 2**256 - 1),
                (mark, 0, 0, now - p.grace_secs + self.near()),
            )
        )
        if read.byte() == 0:
            mark = read.pick((MIN_MARK, MAX_MARK))
        args = (mark, max(0, spread), lag, max(0, resumed))
        yield self.op("set_price", args=args, wait=wait)
        yield self._priced()
        choice = read.byte()
        if choice < 120 and s.resumed_at:
            rest = s.resumed_at + p.grace_secs - world.now + self.near()
            yield self.op("accrue", KEEPER, (), max(0, rest))
            yield self._priced()
        if world.site.reading.mark != s.mark or choice < 200:
            yield self.op("set_price", args=(s.mark, 0, 0, 0), wait=1)

    def _priced(self) -> Op:
        """Somebody who needs a mark, or takes one where there is one."""
        id_ = self.some()
        p = self.twin.position(id_)
        delta = -p.size // 20
        return self.read.pick(
            (
                self.op("accrue", KEEPER),
                self.op("settle", KEEPER, (id_,)),
                self.op("increase", p.owner, (id_, p.size // 50, self.limit(p.size), FOREVER)),
                self.op("decrease", p.owner, (id_, delta, self.limit(delta), FOREVER)),
                self._liquidate(id_),
            )
        )

    # ---- governance

    def bounds(self) -> Iterator[Op]:
        """A bound moves to what it bounds, or below; then those whom it binds."""
        world, read, s = self.world, self.read, self.twin.state
        yield self.op("accrue", KEEPER, (), read.pick((0, 0, 3_600, 43_200)))
        p, near, id_ = world.params, self.near(), self.some()
        side = sums.notional(max(s.size_long, s.size_short), s.mark)
        worth = sums.notional(self.twin.position(id_).size, s.mark)
        rate = abs(s.funding_rate)
        since = world.now + DELAY - s.resumed_at
        options: tuple[dict[str, Any], ...] = (
            {"max_rate": rate // 2},
            {"max_rate": max(0, rate + near)},
            {"max_open_interest": max(1, side + near)},
            {"max_open_interest": max(1, side // 2)},
            {"max_skew": max(0, abs(s.skew) + near)},
            {"max_spread": max(0, s.spread + near)},
            {"min_notional": max(1, worth + near)},
            {"grace_secs": min(86_400, max(0, since + near))},
            {"reward_cap": p.reward_floor, "margin_call_reward": p.reward_floor},
            {"margin_call_reward": 0},
            {"deep_ratio": read.pick((0, WAD))},
            {"max_utilisation": max(1, p.max_utilisation // 3)},
        )
        changed = replace(p, **read.pick(options))
        yield self.op("set_params", GOVERNANCE, (changed,), self.wait())
        yield self._priced()
        yield from read.pick((self.open, self.increase, self.solved_price, self.largest))()

    # ---- who is paid

    def refused(self) -> Iterator[Op]:
        """Somebody is to be paid, or to pay, whom the token refuses just then."""
        world, read, site = self.world, self.read, self.world.site
        ends, skew, core = read.byte() % 3, self.twin.state.skew, self.twin.core
        paying = [i for i in self.held() if core.positions[i].size * skew > 0]
        id_ = self.some() if ends or not paying else read.pick(paying)
        owner, vault = self.twin.position(id_).owner, world.vault(id_)
        if ends:
            yield from self._worsen(id_)
        pool = site.pool.address
        paid = (KEEPER, KEEPER, owner, vault, site.fund, TREASURY)
        who = read.pick((pool, pool, pool, *paid))
        yield self.op("block", EVE, (who, True, read.byte() < 60))
        if ends:
            yield self.op("liquidate", KEEPER, (id_, KEEPER))
        else:
            yield self.op("accrue", KEEPER, (), read.pick((0, 600, 3_600, 86_400)))
            free = max(1, self.twin.withdrawable(id_) // read.pick((1, 2)))
            size = self.twin.position(id_).size
            limit, to = 0 if size > 0 else ANY_BUY, self.receiver(owner, id_)
            yield self.op(
                *read.pick(
                    (
                        *(("remove_margin", owner, (id_, free, to)),) * 3,
                        ("settle", KEEPER, (id_,)),
                        ("decrease", owner, (id_, -size // 2, limit, FOREVER)),
                        ("close", owner, (id_, limit, FOREVER)),
                        ("close_and_withdraw", owner, (id_, limit, FOREVER, to)),
                        ("deleverage", KEEPER, (id_,)),
                        ("sweep_fees", EVE, ()),
                    )
                )
            )
        again = read.pick(
            (
                self.op("settle", KEEPER, (id_,)),
                self.op("remove_margin", owner, (id_, self.amount(), owner)),
                self._liquidate(self.some()),
            )
        )
        if read.byte() < 60:
            yield again
        yield self.op("block", EVE, (who, False, False))
        yield again

    def _worsen(self, id_: int) -> Iterator[Op]:
        """A mark at which somebody's equity lies under MM, the deep share of it, or nothing."""
        yield self.op("accrue", KEEPER, (), self.wait())
        yield self._price(self.twin.state.mark, wait=1)
        found, p = at_mark(self.world), self.position(id_)
        if found is None or p.size == 0:
            return
        edge = turning_mark(p, found[0], self.read.pick((0, 0, 2, 1, 1)))
        step = 1 + edge // self.read.pick((10**9, 3_000, 100))
        mark = edge - step if p.size > 0 else edge + step
        if usable(mark):
            yield self.op("set_price", args=(mark, found[0].spread, 0, 0))

    def _eaten(self, id_: int) -> Iterator[Op]:
        """A margin is collected while a ticket waits, for a loss that comes back as a claim; or
        funding eats it up to what the price brings."""
        core, read, s = self.twin.core, self.read, self.twin.state
        held, mark = core.positions[id_], s.mark
        if held.size == 0:
            return
        if read.byte() < 170:
            away = mark - (core.margin(id_) * self.world.unit + WAD) * WAD // held.size
            for at in (away, mark):
                yield self.op("set_price", args=(max(1, at), 0, 0, 0), wait=12)
                yield self.op("accrue", KEEPER)
                if at == away:
                    yield self.op("settle", KEEPER, (id_,))
            return
        for _ in range(1 + read.byte() % 4):
            yield self.op("accrue", KEEPER, (), read.pick((3_600, 14_400, 43_200)))
            owed = s.funding_index - core.positions[id_].funding_entry
            yield self.op("set_price", args=(max(1, s.mark + owed), 0, 0, 0), wait=1)
            yield self.op("settle", KEEPER, (id_,))

    def drained(self) -> Iterator[Op]:
        """Winners take all cash and wait for more, while one on the other side loses its margin
        but not its claim: it can't pay what it is charged."""
        read, core, s = self.read, self.twin.core, self.twin.state
        sign, before = read.pick((1, 1, -1)), s.mark
        sizes = {i: core.positions[i].size * sign for i in self.held()}
        winners = sorted((i for i in sizes if sizes[i] > 0), key=lambda i: -sizes[i])
        others = [i for i in sizes if sizes[i] < 0]
        if not winners or not others:
            return
        gain = s.cash * self.world.unit * 3 // 2 * WAD // sum(sizes[i] for i in winners)
        away = max(before // 16, before + sign * gain)
        if not usable(away):
            return
        yield self.op("set_price", args=(away, 0, 0, 0), wait=1)
        for winner in winners:
            if s.cash == 0:
                break
            limit = 0 if sign > 0 else ANY_BUY
            yield self.op("close", core.positions[winner].owner, (winner, limit, FOREVER))
        yield self.op("set_price", args=(before, 0, 0, 0), wait=12)
        yield self.op("accrue", KEEPER)
        id_ = read.pick(others)
        yield from self._eaten(id_)
        p = core.positions[id_]
        delta = -p.size * (1 + read.byte() % 18) // 20
        args = (id_, delta, 0 if delta < 0 else ANY_BUY, FOREVER)
        yield self.op("decrease", p.owner, args)
        yield from self._worsen(id_)
        yield self._liquidate(id_)

    # ---- margin calls

    def scheme(self) -> Iterator[Op]:
        """An owner that is called tops up by just enough, a unit more or less, or by what lacks
        the keeper's reward; and trades, settles or sweeps before the liquidation goes on."""
        world, read = self.world, self.read
        actor = world.stage.contracts[ACTOR].address
        core = self.twin.core
        mine = [i for i in self.held() if core.positions[i].owner == actor]
        if len(mine) < 2 or read.byte() < 20:
            size = self._size()
            margin = abs(size) * self.twin.state.mark // WAD // 14 // world.unit
            limit = ANY_BUY if size > 0 else 0
            yield self.op("open", actor, (0, size, margin, limit, FOREVER), self.wait())
            mine = [i for i in self.held() if core.positions[i].owner == actor]
            if not mine:
                return
        id_, other = read.pick(mine), read.pick(mine)
        yield self.op("set_margin_call", actor, (id_, True))
        yield from self._worsen(id_)
        found, p = at_mark(world), self.position(id_)
        if found is None:
            return
        acts = [self._act(actor, other) for _ in range(read.byte() % 2)]
        price = found[0].price(p.size)
        goal = sums.target(p.size, price, found[0])
        reward = world.params.margin_call_reward
        lacks = goal - sums.equity(p, found[0], price)
        enough = sums.up(lacks + read.pick((reward, reward, reward // 2, 0)), world.unit)
        amount = read.pick((enough, enough, enough, enough // 2, 0)) + self.near()
        if amount > 0:
            acts.insert(read.byte() % 2, ("send", world.vault(id_), amount))
        if read.byte() < 64:  # whoever tops up is let in no further
            acts = [("add_margin", id_, 1 + self.amount() % 10**12), self._act(actor, id_)]
        yield self.op("plan", "", (tuple(acts),))
        if read.byte() < 210:
            yield self.op("liquidate", KEEPER, (id_, KEEPER))
        else:
            yield self.op("liquidate_many", KEEPER, (tuple(mine), KEEPER))
        if read.byte() < 200:
            yield self.op("plan", "", ((),))

    def _act(self, actor: str, id_: int) -> tuple[Any, ...]:
        """Something small: a margin call has little gas."""
        size = self.twin.position(id_).size
        delta = size * (self.read.byte() % 21 - 15) // 20
        name = "increase" if delta * size > 0 else "decrease"
        limit = ANY_BUY if delta > 0 else 0
        return self.read.pick(
            (
                ("settle", self.some()),
                ("sweep_fees",),
                ("accrue",),
                ("add_margin", self.some(), 1 + self.amount() % 10**12),
                ("remove_margin", id_, max(1, self.twin.withdrawable(id_)), actor),
                (name, id_, delta, limit, FOREVER),
                ("close", id_, 0 if size > 0 else ANY_BUY, FOREVER),
                ("liquidate", self.some(), actor),
                ("set_margin_call", id_, False),
                ("transfer_position", id_, EVE),
            )
        )
