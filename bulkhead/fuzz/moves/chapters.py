"""Chapters: what a part of the sequences begin with, to get where chance seldom does.

Each is a short script, drawn in its parts, out of moves that anybody can make at any time:
*ruin*, where winners take more than the pool has; *winding up*, the end of a dead market and what
comes after it; *knife edge*, where claims are a share of the cash to the wei; *queue*, where
providers join batches that are filled in parts; *trickle*, where what is left of a batch is next to
nothing, twice and more, while somebody waits from the first. Ordinary moves follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from bulkhead.fuzz.foresight import at_mark, filled
from bulkhead.fuzz.laws.base import up
from bulkhead.fuzz.moves.base import Move, usable
from bulkhead.fuzz.moves.orders import Ordering
from bulkhead.fuzz.moves.others import Others
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import (
    ANY_BUY,
    EVE,
    FOREVER,
    GOVERNANCE,
    KEEPER,
    PRICE,
)
from bulkhead.fuzz.stage import HALTING, LISTING_TOKEN
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

DAY = 86_400
NOTHING_LEFT = 10**9  # a fill that leaves less than a part in so many begins a generation
TRIES = 4  # at a mark that meets a share of the cash to the wei


class Chapters(Ordering, Others):
    """How sequences get to rare states, and what matters there."""

    def chapter(self) -> Iterator[Op]:
        """One of them."""
        yield from self.read.pick(self.chapters())()

    def chapters(self) -> tuple[Move, ...]:
        """All of them, some more than once."""
        return (
            *(self.ruin, self.ruin, self.winding_up, self.winding_up),
            *(self.knife_edge, self.queue, self.trickle, self.trickle),
        )

    def _rounds(self, count: int, options: tuple[tuple[int, Move], ...]) -> Iterator[Op]:
        for _ in range(count):
            if self.read.empty:
                return
            yield from self.read.weighted(options)()

    def _again(self, wait: int) -> Iterator[Op]:
        """The price as it was, as of now, and accepted."""
        yield self.op("set_price", args=(self.world.site.reading.mark, 0, 0, 0), wait=wait)
        yield self.op("accrue", KEEPER)

    def _ahead(self) -> list[int]:
        """Who wins."""
        mark, ledger = self.twin.state.mark, self.twin.core.ledger
        return [id_ for id_ in self.held() if ledger(id_).claim(mark) > 0]

    def _behind(self) -> list[int]:
        """Who loses."""
        mark, ledger = self.twin.state.mark, self.twin.core.ledger
        return [id_ for id_ in self.held() if ledger(id_).claim(mark) < 0]

    # ---- ruin

    def ruin(self) -> Iterator[Op]:
        """Winners take more than the pool has: tickets, paid bit by bit as losers pay in."""
        long = self.read.byte() < 200
        yield from self._crowd(long)
        yield from self._windfall(long)
        for _ in range(2 + self.read.byte() % 5):
            yield from self._cash_in()
        if self.read.byte() % 3 == 0:
            yield from self._drought()
        yield from self._rounds(5 + self.read.byte() % 12, self._poor())

    def _poor(self) -> tuple[tuple[int, Move], ...]:
        """What happens while tickets are open."""
        token = self.world.setting.token
        return (
            (12, self.draw),
            (6, self._pay_in),
            (3, self.liquidate),
            (3, self._cash_in),
            (2, self.price),
            (2, self.solved_price),
            (2, self.provide),
            (1, self.epoch),
            (4 if token == LISTING_TOKEN else 0, self.blacklist),
            (4 if token in HALTING else 0, self.halt),
        )

    def _crowd(self, long: bool) -> Iterator[Op]:
        """More on one side, as far as the pool allows."""
        twin, world, read = self.twin, self.world, self.read
        for _ in range(read.byte() % 4):
            s, p = twin.state, world.params
            side = (s.size_long if long else s.size_short) * s.mark // WAD
            most = min(p.max_open_interest, p.max_utilisation * max(0, twin.nav()) // WAD) - side
            lean = p.max_skew - (s.skew if long else -s.skew)
            size = min(most * WAD // s.mark, lean) // (2 + read.byte() % 4)
            if size * s.mark < p.min_notional * WAD:
                return
            margin = size * s.mark // WAD // (3 + read.byte() % 10) // world.unit
            args = (0, size if long else -size, margin, ANY_BUY if long else 0, FOREVER)
            yield self.op("open", self._who(), args, self.wait())

    def _rich(self, long: bool, cash: int) -> int:
        """The mark at which a side's claim is so much (Wad); the last usable one beyond it."""
        s = self.twin.state
        size, basis = (s.size_long, s.basis_long) if long else (-s.size_short, s.basis_short)
        mark = s.funding_index + (cash + basis) * WAD // size if size else 0
        return mark if usable(mark) else PRICE * 19 if long else PRICE // 19

    def _windfall(self, long: bool) -> Iterator[Op]:
        """A side's claims are as much as the cash, or more."""
        cash = self.twin.state.cash * self.world.unit * (10 + self.read.byte() % 16) // 10
        mark = self._rich(long, cash)
        yield self.op("set_price", args=(mark, 0, 0, 0), wait=1 + self.wait())
        yield self.op("accrue", KEEPER)

    def _cash_in(self) -> Iterator[Op]:
        """A winner leaves, or is made to."""
        ahead = self._ahead()
        if not ahead:
            return
        id_, choice = self.read.pick(ahead), self.read.byte()
        owner, size = self.twin.position(id_).owner, self.twin.position(id_).size
        limit = 0 if size > 0 else ANY_BUY
        if choice < 64 or self.world.params.delayed_only:
            yield self.op("deleverage", KEEPER, (id_,), self.wait())
        elif choice < 224:
            yield self.op("close", owner, (id_, limit, FOREVER), self.wait())
        else:
            delta = -size * (choice - 223) // 40
            yield self.op("decrease", owner, (id_, delta, limit, FOREVER), self.wait())

    def _pay_in(self) -> Iterator[Op]:
        """A loser's loss is collected: at a mark of this block, or without one."""
        behind = self._behind()
        id_, choice = self.read.pick(behind) if behind else self.some(), self.read.byte()
        if choice < 48:
            yield self.op("fail_oracle", args=(1 + choice % 5,), wait=1)
            yield self.op("settle", EVE, (id_,))
        if choice > 200:
            amount = self.world.dollars(1) * (choice - 200) * 40 + choice
            yield self.op("send", EVE, (self.world.vault(id_), amount))
        yield self.op("set_price", args=(self.world.site.reading.mark, 0, 0, 0), wait=1)
        yield self.op("settle", EVE, (id_,))

    def _drought(self) -> Iterator[Op]:
        """Funding of weeks eats what winners keep in their vaults; then they leave with nothing to
        pay their costs from."""
        yield from self._again(DAY * (3 + self.read.byte() % 28))
        for id_ in self._ahead()[:6]:
            yield self.op("settle", KEEPER, (id_,))
        for _ in range(1 + self.read.byte() % 3):
            ahead = self._ahead()
            if not ahead:
                return
            dry = min(ahead, key=self.twin.margin)
            if self.read.byte() % 2:
                limit = 0 if self.twin.position(dry).size > 0 else ANY_BUY
                yield self.op("close", self.twin.position(dry).owner, (dry, limit, FOREVER))
            else:
                yield from self._land(dry, self.read.pick((0, 2, 2)))

    # ---- winding up

    def winding_up(self) -> Iterator[Op]:
        """A dead market: silence, the final price, everybody's settlement, and late money."""
        read = self.read
        if read.byte() % 2:
            yield from self._crowd(True)
            yield from self._windfall(True)
            for _ in range(read.byte() % 4):
                yield from self._cash_in()
            yield from self._rounds(read.byte() % 5, ((2, self._pay_in), (3, self.draw)))
        yield from self._joining()
        yield self.op("fail_oracle", args=(1 + read.byte() % 5,), wait=self.wait())
        yield from self._rounds(read.byte() % 4, ((2, self._silent), (1, self.draw)))
        yield from self._announced()
        if self.twin.state.mode != Mode.FINAL:
            return
        yield from self._joining()
        while self.held() and not read.empty:
            yield from self._refused()
            yield self.op("settle_final", EVE, (read.pick(self.held()),), self.wait())
            if read.byte() < 60:
                moves = self.draw, self._joining, self._joining, self._silent, self.too_late
                yield from read.pick(moves)()
        yield from self._rounds(6 + read.byte() % 10, self._settled())

    def _silent(self) -> Iterator[Op]:
        """Somebody's settlement without a mark."""
        behind = self._behind()
        id_ = self.read.pick(behind) if behind else self.some()
        yield self.op("settle", EVE, (id_,), self.wait())

    def _announced(self) -> Iterator[Op]:
        """Any final price; often one at which the pool can't pay all."""
        wait, s, read = self.world.params.dead_after_secs, self.twin.state, self.read
        yield self.op("accrue", KEEPER, (), wait)
        long, factor = read.byte() < 180, read.byte()
        if factor < 190:
            mark = self._rich(long, s.cash * self.world.unit * (8 + factor % 20) // 10)
        else:
            mark = s.mark * factor // 220
        yield self.op("announce_final", GOVERNANCE, (mark,))
        yield from self.too_soon()
        yield self.op("execute_final", EVE, (), wait)

    def _refused(self) -> Iterator[Op]:
        """Where the token can, it now and then serves a vault no more, or nobody."""
        token, read = self.world.setting.token, self.read
        if token == LISTING_TOKEN and read.byte() < 70:
            yield self.op("block", EVE, (self.world.vault(self.some()), True, True))
        elif token in HALTING and read.byte() < 70:
            yield self.op("halt", KEEPER, (not self.twin.core.halted,))

    def late(self) -> Iterator[Op]:
        """What happens in a settled market."""
        yield from self.read.weighted(self._settled())()

    def _settled(self) -> tuple[tuple[int, Move], ...]:
        core = self.twin.core
        kept = core.halted or core.refuse_from or any(map(self._owes, self.world.ids))
        return (
            (8, self.draw),
            (12 if kept else 1, self._relent),
            (8, self.provide),
            (14 if self.twin.pool.deposits.queue.amount else 0, self._take_back),
            (5, self.punctual),
            (2, self.remove),
            (1, self.donate),
            (1, self.sweep),
            (1, self.too_late),
            (1, self.idle),
        )

    def _relent(self) -> Iterator[Op]:
        """The token serves everybody again, and what it kept back comes in late; part of it is
        gone perhaps, or there is more."""
        core, read = self.twin.core, self.read
        if core.halted:
            yield self.op("halt", KEEPER, (False,))
        if core.refuse_from:
            yield self.op("block", EVE, (read.pick(sorted(core.refuse_from)), False, False))
        owing = [id_ for id_ in self.world.ids if self._owes(id_)]
        id_ = read.pick(owing) if owing else self.some()
        choice = read.byte()
        if choice < 40:
            yield self.op("send", EVE, (self.world.vault(id_), self.amount()))
        elif choice < 80 and self.world.setting.token == LISTING_TOKEN:
            yield from self.destroy()
        yield self.op("settle", EVE, (id_,), self.wait())

    def _take_back(self) -> Iterator[Op]:
        """Deposits that nothing will price, and the second in which they were due."""
        for who in self.world.stage.providers:
            yield self.op("refund_deposit", who, (who, who), self.wait())
        if self.read.byte() < 180:
            yield from self.punctual()

    # ---- knife edge

    def knife_edge(self) -> Iterator[Op]:
        """A small lean and a large move: the fewer coins lean, the more sums a mark can hit."""
        for _ in range(1 + self.read.byte() % 3):
            yield from self._lean()
            yield from self.brink()
            yield from self._cash_in()

    def _lean(self) -> Iterator[Op]:
        """A trade after which one side outweighs the other by little: the longs, or the shorts as
        far as a price can fall."""
        twin, world = self.twin, self.world
        s, p, part = twin.state, world.params, self.read.byte()
        goal = p.adl_start * s.cash * world.unit // WAD
        if part < 170:
            goal += s.basis_long + s.basis_short
            size = goal * WAD // (PRICE * (3 + part % 14)) - s.skew
        else:
            size = -goal * WAD * 20 // (PRICE * (10 + part % 9)) - s.skew
        if abs(size) * s.mark < p.min_notional * WAD:
            return
        margin = abs(size) * s.mark // WAD // 3 // world.unit
        args = (0, size, margin, ANY_BUY if size > 0 else 0, FOREVER)
        yield self.op("open", self._who(), args, self.wait())

    def brink(self) -> Iterator[Op]:
        """The mark at which the traders' claims are adlStart of the cash (or all of it), to the
        wei if there is one, and a tick past it."""
        share = self.read.pick((self.world.params.adl_start,) * 3 + (WAD,))
        mark, exact = 0, False
        for left in reversed(range(TRIES)):
            yield self.op("set_price", args=(self.world.site.reading.mark, 0, 0, 0), wait=1)
            found = at_mark(self.world)
            if found is None:
                return
            mark, exact = self._meets(share, found[0].index)
            if exact or not left or not usable(mark):
                break
            yield from self._shave()
        if not usable(mark):
            return
        mark += 0 if exact and self.read.byte() < 160 else self.near()
        yield self.op("set_price", args=(mark, 0, 0, 0))
        yield from self.deleverage()

    def _meets(self, share: int, index: int) -> tuple[int, bool]:
        """The first mark where the claims reach a share of the cash, and whether they meet it."""
        s = self.twin.state
        skew = abs(s.skew)
        goal, rest = divmod(share * s.cash * self.world.unit, WAD)
        goal += s.basis_long + s.basis_short
        if skew == 0:
            return 0, False
        way = (goal - 1) * WAD // skew + 1
        way = way if s.skew > 0 else -way
        return index + way, rest == 0 and up(s.skew * way, WAD) == goal

    def _shave(self) -> Iterator[Op]:
        """A sliver of a trade, or funding: the sums are others then."""
        id_ = self.some()
        size = self.twin.position(id_).size
        if size == 0 or self.world.params.delayed_only:
            yield self.op("settle", KEEPER, (id_,))
            return
        delta = -size * (1 + self.read.byte() % 9) // 1_000
        limit = 0 if size > 0 else ANY_BUY
        yield self.op("decrease", self.twin.position(id_).owner, (id_, delta, limit, FOREVER))

    # ---- queue

    def queue(self) -> Iterator[Op]:
        """Providers come and go, one after the other, as the pool can pay them bit by bit."""
        read = self.read
        if read.byte() % 2:
            yield from self.operate()
        for _ in range(3 + read.byte() % 5):
            yield from self._joining()
            yield from self.punctual()
            yield from self._room()
            if read.byte() % 2:
                yield from self.provide()

    def _joining(self) -> Iterator[Op]:
        """Each provider asks in, out, or not."""
        pool, read = self.twin.pool, self.read
        for who in self.world.stage.providers[:: 1 if read.byte() % 2 else -1]:
            choice, part = read.byte() % 4, 1 + read.byte() % 20
            if choice == 0:
                amount = self.world.dollars(500 * part) + choice
                yield self.op("request_deposit", who, (amount, who, who), self.wait())
            elif choice < 3:
                amount = pool.shares.get(who, 0) * part // 20
                yield self.op("request_redeem", who, (amount, who, who), self.wait())

    def _room(self) -> Iterator[Op]:
        """Somebody leaves or comes: the pool is more or less free."""
        yield from self.read.pick((self.close, self.decrease, self.open, self.idle))()

    # ---- trickle

    def trickle(self) -> Iterator[Op]:
        """Fill after fill leaves next to nothing of what waits, while others join and one who was
        there from the first claims nothing; then it claims."""
        read, pool = self.read, self.twin.pool
        providers = self.world.stage.providers[:: 1 if read.byte() % 2 else -1]
        first, other = providers[0], providers[1]
        yield from self._leaves(first, 15 + read.byte() % 6)
        for _ in range(2 + read.byte() % 3):
            yield from self._leaves(other, 4 + read.byte() % 14)
            yield from self._filled_up()
            amount = self.world.dollars(1_000 * (10 + read.byte()))
            yield self.op("request_deposit", other, (amount, other, other))
            if pool.deposits.queue.amount:
                yield from self._again(max(1, pool.deposits.queue.due_at + 1 - self.world.now))
            most = pool.deposits.folded(other).assets
            yield self.op("deposit", other, (most, other, other))
        account = pool.redemptions.folded(first)
        name, most = read.pick((("redeem", account.shares), ("withdraw", account.assets)))
        yield self.op(name, first, (most // read.pick((1, 1, 2)), first, first))

    def _leaves(self, who: str, part: int) -> Iterator[Op]:
        """Somebody asks to redeem so many twentieths."""
        amount = self.twin.pool.shares.get(who, 0) * part // 20
        yield self.op("request_redeem", who, (amount, who, who))

    def _filled_up(self) -> Iterator[Op]:
        """A mark at which the pool can pay all that waits but next to nothing."""
        queue, world, least = self.twin.pool.redemptions.queue, self.world, NOTHING_LEFT
        if not queue.amount:
            return
        mark, wait = world.site.reading.mark, max(1, queue.due_at + 1 - world.now)
        yield self.op("set_price", args=(mark, 0, 0, 0), wait=wait)
        pause = world.params.pricing_wait_secs + 1
        goal = least * self.read.pick((1, 1, 1, 10**3, 10**9))

        def full(mark: int) -> bool | None:
            found = filled(world, mark, pause)
            return None if found is None else found[1] * goal < found[0]

        s = self.twin.state  # two marks that are nearer than this are worth the same
        same = world.unit * WAD // (s.size_long + s.size_short + 1) // 4
        parts = (1, 2, 4, 6, 7, 8, 9, 10, 12, 16, 32)
        found = _border(full, [mark * each // 8 for each in parts], same)
        yield self.op("set_price", args=(found or mark, 0, 0, 0))
        yield self.op("accrue", KEEPER)
        yield from self._again(pause)


def _border(full: Callable[[int], bool | None], marks: list[int], same: int) -> int:
    """Where all is paid to one side; of two neighbours (a mark apart, or `same`) the one where a
    rest may be left; 0 if there is none."""
    seen = [(mark, full(mark)) for mark in marks if usable(mark)]
    for (low, below), (high, above) in pairwise(seen):
        if below is None or above is None or below == above:
            continue
        while high - low > max(1, same):
            middle = (low + high) // 2
            if full(middle) == below:
                low = middle
            else:
                high = middle
        return low if below else high
    return 0
