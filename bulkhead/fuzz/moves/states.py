"""States that no ordinary sequence comes to, in general form: vaults that are empty while their
positions win, batches of all kinds at once, margin tables with other knots, an impact that changes
while the skew is past its cap, vaults that a token serves in part, locks and refunds of more than
one order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bulkhead.fuzz.laws import base as sums
from bulkhead.fuzz.moves.base import Move, enough, usable
from bulkhead.fuzz.moves.chapters import Chapters
from bulkhead.fuzz.moves.edges import Edges
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, EVE, FOREVER, GOVERNANCE, KEEPER, OWNERS, PRICE
from bulkhead.fuzz.stage import HALTING, LISTING_TOKEN, MOLE
from bulkhead.model.config import BRACKETS_MAX
from bulkhead.model.order_types import NOTHING, Order, OrderKind
from bulkhead.model.types import UNBOUNDED, Bracket, Params
from bulkhead.model.wad import WAD

MOST_OF_A_BATCH = 7


class States(Chapters, Edges):
    """Gets there, and does there what anybody can."""

    def chapters(self) -> tuple[Move, ...]:
        """With those of emptied and of cornered vaults."""
        return (*super().chapters(), *(self.emptied,) * 3, self.cornered)

    # ---- empty vaults

    def emptied(self) -> Iterator[Op]:
        """A side's winners take all cash and wait for a little more; losses on the other side are
        collected, and come back as claims: vaults hold nothing, or a little, and their positions
        win. Then whatever takes from a vault."""
        read, core, s = self.read, self.twin.core, self.twin.state
        long, before = read.byte() < 128, s.mark
        others = [i for i in self.held() if (core.positions[i].size > 0) != long]
        more = read.pick((101, 101, 102, 103, 105, 110, 140))
        away = self._rich(long, s.cash * self.world.unit * more // 100)
        if not others or not usable(away):
            return
        if read.byte() < 150:  # nothing is kept back for keepers
            bare = replace(self.world.params, reward_floor=0, margin_call_reward=0)
            yield self.op("set_params", GOVERNANCE, (bare,))
        yield self.op("set_price", args=(away, 0, 0, 0), wait=1)
        yield self.op("accrue", KEEPER)
        yield from self._all_out(long)
        first = read.byte() % len(others)
        losers = (others[first:] + others[:first])[: 1 + read.byte() % 4]
        yield from self._collected(losers[0], losers)
        yield self.op("set_price", args=(before, 0, 0, 0), wait=12)
        yield self.op("accrue", KEEPER)
        for _ in range(3 + read.byte() % 4):
            yield from self._of_empty(read.pick(losers))

    def _all_out(self, long: bool) -> Iterator[Op]:
        """All winners of a side leave, the largest first, until no cash is left."""
        core, s = self.twin.core, self.twin.state
        sizes = {i: abs(core.positions[i].size) for i in self._ahead()}
        side = [i for i in sizes if (core.positions[i].size > 0) == long]
        limit = 0 if long else ANY_BUY
        for id_ in sorted(side, key=lambda one: -sizes[one]):
            if s.cash == 0:
                return
            if self.world.params.delayed_only:
                yield self.op("deleverage", KEEPER, (id_,))
            else:
                yield self.op("close", core.positions[id_].owner, (id_, limit, FOREVER))

    def _collected(self, id_: int, losers: list[int]) -> Iterator[Op]:
        """The mark at which somebody's loss is its margin, or nearly; losses are collected."""
        core, held = self.twin.core, self.twin.core.positions[id_]
        if held.size == 0:
            return
        part = self.read.pick((20, 20, 20, 19, 21, 10))
        lost = core.margin(id_) * self.world.unit * part // 20
        # claim = size x (mark - index) - basis
        mark = self.twin.state.funding_index + (held.basis - lost) * WAD // held.size
        if not usable(mark):
            return
        yield self.op("set_price", args=(mark, 0, 0, 0), wait=12)
        yield self.op("accrue", KEEPER)
        for each in losers:
            yield self.op("settle", EVE, (each,))

    def _of_empty(self, id_: int) -> Iterator[Op]:
        """What takes from an empty vault: a sliver or a part less, a way out, a liquidation of one
        or of many, deleveraging, funding."""
        read, held = self.read, self.twin.position(id_)
        sign = 1 if held.size > 0 else -1
        limit = 0 if held.size > 0 else ANY_BUY
        choice = read.byte() % 16
        if held.size == 0:
            yield from self.mixed_batch()
        elif choice < 6:
            least = read.pick((1, 1 + read.word(), abs(held.size) // 10**6, abs(held.size) // 20))
            args = (id_, -sign * max(1, least), limit, FOREVER)
            yield self.op("decrease", held.owner, args)
        elif choice < 8:
            yield from self._land(id_, read.pick((0, 2, 2, 1)))
        elif choice < 12:
            yield from self.mixed_batch(id_)
        elif choice < 13:
            yield self.op("close", held.owner, (id_, limit, FOREVER))
        elif choice < 14:
            yield self.op("deleverage", KEEPER, (id_,))
        else:
            yield from self._again(read.pick((60, 3_600, 43_200)))
            yield self.op("settle", EVE, (id_,))

    # ---- batches

    def mixed_batch(self, worst: int = 0) -> Iterator[Op]:
        """One batch of everybody in drawn order: ill by little or much, frozen, well, flat, twice,
        unknown. worst: who is made ill."""
        world, read, twin = self.world, self.read, self.twin
        yield from self._worsen(worst or self.some())
        token, known = world.setting.token, (*world.ids, twin.state.next_id)
        turn = 2 * read.byte() + 1
        ids = sorted(known, key=lambda one: one * turn % 257)[: 2 + read.byte() % MOST_OF_A_BATCH]
        if worst and worst not in ids:
            ids.insert(read.byte() % len(ids), worst)
        if read.byte() < 30:
            ids.append(read.pick((ids[0], 0, 2**32 - 1)))
        frozen = []
        if token == LISTING_TOKEN and read.byte() < 128:
            frozen = [world.vault(read.pick(ids)) for _ in range(1 + read.byte() % 2)]
            for vault in frozen:
                yield self.op("block", EVE, (vault, *self._listed()))
        halts = token in HALTING and not twin.core.halted and read.byte() < 128
        if halts:
            yield self.op("halt", KEEPER, (True,))
        yield self.op("liquidate_many", KEEPER, (tuple(ids), KEEPER))
        if halts:
            yield self.op("halt", KEEPER, (False,))
        for vault in frozen:
            yield self.op("block", EVE, (vault, False, False))

    def _listed(self) -> tuple[bool, bool]:
        """Whether one may not be paid, and may not pay."""
        return self.read.pick(((True, True), (True, False), (False, True), (True, True)))

    # ---- margin tables

    def tables(self) -> Iterator[Op]:
        """Governance puts a knot into the margin table, takes one out or moves one, near somebody's
        notional or anywhere down to a wei, and other rates with it; then those whom it concerns."""
        now, id_ = self.world.params, self.some()
        changed = self._table(now, id_)
        yield self.op("set_params", GOVERNANCE, (replace(now, brackets=changed),), self.wait())
        if self.read.byte() < 60:
            yield self.op("set_params", GOVERNANCE, (now,), self.wait())
        yield self.read.pick((self._liquidate(id_), self._priced()))
        if self.read.byte() < 128:
            yield from self._land(id_, self.read.pick((0, 2, 3)))

    def _table(self, now: Params, id_: int) -> tuple[Bracket, ...]:
        read, rows = self.read, list(now.brackets)
        worth = sums.notional(self.twin.position(id_).size, self.twin.state.mark)
        ends = [row.upper_notional for row in rows[:-1]]
        knot = read.pick(
            (
                *(1 + read.word(),) * 4,
                *(10 ** (read.byte() % 27), max(1, now.min_notional + self.near())),
                *(max(0, worth + self.near()), worth // 2),  # 0, of a flat one, is refused
                *[1 + end * (50 + read.byte() % 100) // 100 for end in ends],
            )
        )
        at = len([end for end in ends if end < knot])  # the row that has it
        choice, factor = read.byte() % 8, read.pick((20, 21, 21, 21, 19))
        if choice < 4:
            rows.insert(at, replace(rows[at], upper_notional=knot))
        elif choice < 6 and ends:
            rows.pop(read.byte() % len(ends))
        elif choice < 7 and ends:
            moved = read.byte() % len(ends)
            rows[moved] = replace(rows[moved], upper_notional=knot)
        first = read.pick((0, at, at + 1))  # rows below it are cheaper, or it and all above dearer
        for k, row in enumerate(rows):
            if (k >= first) == (factor > 20):
                im, mm = row.im_rate * factor // 20, row.mm_rate * factor // 20
                rows[k] = replace(row, im_rate=min(WAD, im), mm_rate=mm)
        if read.byte() < 25:  # one that is refused
            row = read.pick(rows)
            rows[rows.index(row)] = read.pick(
                (
                    replace(row, mm_rate=row.im_rate),
                    replace(row, im_rate=WAD + 1),
                    replace(row, upper_notional=1),
                    replace(row, upper_notional=UNBOUNDED),
                    replace(row, mm_rate=row.mm_rate // 2),
                )
            )
            rows += rows[-1:] * (read.byte() % (BRACKETS_MAX + 1))
        return tuple(rows)

    # ---- impacts

    def impacts(self) -> Iterator[Op]:
        """The skew's cap is lowered below the skew, mostly; then its impact gets as steep or as
        flat as the fees allow, a unit less or a unit more."""
        read, skew = self.read, abs(self.twin.state.skew)
        if read.byte() < 200:
            lower = read.pick((0, 0, skew // 8, skew // 2, max(0, skew - 1)))
            now = replace(self.world.params, max_skew=min(lower, self.world.params.max_skew))
            yield self.op("set_params", GOVERNANCE, (now,), self.wait())
        now = self.world.params
        if read.byte() < 100:  # no more than the fees of a swing
            most = (now.taker_fee + now.maker_fee) // 2 + self.near()
            room = max(0, most) * now.skew_scale // WAD
            bound = replace(now, max_impact=max(0, most), max_skew=min(room, now.max_skew))
            yield self.op("set_params", GOVERNANCE, (bound,), self.wait())
            return
        name, up = read.pick(("skew_scale", "skew_scale", "max_impact")), read.byte() < 100
        value: int = getattr(now, name)

        def changed(step: int) -> tuple[Params]:
            new = {name: value + step if up else max(1, value - step)}
            return (replace(now, **new),)  # type: ignore[arg-type]

        found = self.edge("set_params", GOVERNANCE, changed, value * (4 if up else 1))
        step = max(0, found + read.pick((0, 1, 1, -1)))
        yield self.op("set_params", GOVERNANCE, changed(step), self.wait())
        yield self._priced()

    # ---- tokens that serve in part

    def cornered(self) -> Iterator[Op]:
        """Winners are deleveraged, while there is cash or hardly any, where the token lets their
        vaults be paid, or pay, no more; and asked again once it does."""
        world, read = self.world, self.read
        yield from self._lean()
        yield self.op("accrue", KEEPER, (), 1)
        share = read.pick((world.params.adl_start, WAD, WAD * 6 // 5))
        mark, _ = self._meets(share, self.twin.state.funding_index)
        mark = mark * (1_000 + (1 if self.twin.state.skew > 0 else -1) * read.byte()) // 1_000
        if not 0 < mark < PRICE * 20:
            return
        yield self.op("set_price", args=(mark, 0, 0, 0), wait=1)
        yield self.op("accrue", KEEPER)
        token = world.setting.token
        for _ in range(1 + read.byte() % 3):
            ahead = self._ahead()
            if not ahead:
                return
            id_ = read.pick((max(ahead, key=self._gain), read.pick(ahead)))
            vault = world.vault(id_)
            if token == LISTING_TOKEN:
                yield self.op("block", EVE, (vault, *self._listed()))
            elif token in HALTING:
                yield self.op("halt", KEEPER, (True,))
            yield self.op("deleverage", KEEPER, (id_,))
            if read.byte() < 60:
                yield self.op("liquidate_many", KEEPER, ((id_, read.pick(ahead)), KEEPER))
            if token == LISTING_TOKEN:
                yield self.op("block", EVE, (vault, False, False))
            elif token in HALTING:
                yield self.op("halt", KEEPER, (False,))
            yield self.op("settle", EVE, (id_,))

    def _gain(self, id_: int) -> int:
        """What somebody wins with each coin."""
        mark, ledger = self.twin.state.mark, self.twin.core.ledger(id_)
        return int(ledger.claim(mark) * WAD // abs(ledger.size))

    def gifted(self) -> Iterator[Op]:
        """A flat vault, or one that is not there yet, was given something; then it is opened, with
        as much of one's own as is needed, the fee, nearly nothing or nothing, while the token lets
        the vault be paid or pay, or not."""
        world, read, twin = self.world, self.read, self.twin
        yield from self._again(1)
        flat = [i for i in world.ids if not twin.position(i).size]
        id_ = read.pick(flat) if flat and read.byte() < 160 else 0
        owner = twin.position(id_).owner if id_ else read.pick(OWNERS)
        size = self._size()
        need, vault = enough(world, size), world.vault(id_ or twin.state.next_id)
        fee = -(-abs(size) * twin.state.mark // WAD * world.params.taker_fee // WAD) // world.unit
        gift = read.pick((1, need, need + fee, 2 * need))
        yield self.op("send", read.pick(OWNERS), (vault, gift))
        listed = world.setting.token == LISTING_TOKEN and read.byte() < 200
        if listed:
            yield self.op(
                "block", EVE, (vault, False, True) if read.byte() < 200 else (vault, True, False)
            )
        rest = (need, need, 2 * need, fee, fee // 2, 1, 0) if gift >= need else (need, 2 * need)
        limit = ANY_BUY if size > 0 else 0
        yield self.op("open", owner, (id_, size, read.pick(rest), limit, FOREVER))
        if listed:
            yield self.op("block", EVE, (vault, False, False))

    # ---- the book

    def relocked(self) -> Iterator[Op]:
        """The book is dismissed, its lock freed, and it is named again; the same owner's next order
        locks less, as much or more; then the old order ends in any way, and the new one."""
        read, id_ = self.read, self.some()
        held = self.twin.position(id_)
        owner = held.owner
        if held.size == 0 or owner not in self.world.stage.people:
            return
        if MOLE in self.world.stage.contracts:
            return  # it is armed against the market
        old = self._growing(owner, id_)
        yield self.op("place_order", owner, (old,))
        scope = read.pick((0, 0, 0, id_))
        yield self.op("set_delegate", owner, (scope, self.book.address, 0))
        if read.byte() < 220:
            yield self.op("free_lock", EVE, (id_, self.book.address))
        yield self.op("set_delegate", owner, (scope, self.book.address, FOREVER))
        margin = read.pick((1, old.margin // 2, old.margin - 1, old.margin, 2 * old.margin))
        new = replace(self._growing(owner, id_), margin=max(1, margin))
        if read.byte() < 220:
            yield self.op("place_order", owner, (new,))
        for order in (old, new) if read.byte() < 200 else (new, old):
            yield from self._ended(order)
        free = max(1, self.twin.withdrawable(id_) + read.pick((0, 1)))
        yield self.op("remove_margin", owner, (id_, free, owner))

    def _ended(self, order: Order) -> Iterator[Op]:
        """It is cancelled, edited, filled or released."""
        choice, owner = self.read.byte() % 8, order.owner
        if choice < 3:
            yield self.op("cancel_order", owner, (order,))
        elif choice < 4:
            edited = replace(order, salt=len(self.world.played) << 16, margin=order.margin // 2)
            yield self.op("edit_order", owner, (order, edited))
        elif choice < 5:
            wait = max(0, order.expiry - self.world.now + 1)
            yield self.op("release_order", EVE, (order, EVE), wait if wait < 90_000 else 0)
        else:
            yield from self._fill(order)

    def refused_twice(self) -> Iterator[Op]:
        """An owner whom the token does not pay ends two or three orders; then it claims."""
        read, who = self.read, self.read.pick(OWNERS)
        orders = []
        for _ in range(2 + read.byte() % 2):
            fee = 1 + self.world.dollars(read.byte() % 4)
            free: dict[str, object] = {"kind": OrderKind.MARKET, "trigger_price": 0}
            order = self._order(who, self._size(), 0, **free, group=NOTHING, keeper_fee=fee)
            orders.append(order)
            yield self.op("place_order", who, (order,))
        yield self.op("block", EVE, (who, True, False))
        for order in orders:
            yield from self._ended(order)
        if read.byte() < 60:
            yield self.op("claim_refund", who, (who,))
        yield self.op("block", EVE, (who, False, False))
        yield self.op("claim_refund", who, (read.pick((who, KEEPER)),))
        yield self.op("claim_refund", who, (who,))
