"""Orders: who places them, who fills them, and who plays with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from bulkhead.fuzz.moves.base import usable
from bulkhead.fuzz.moves.trading import Trading
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, DELEGATE, EVE, FOREVER, KEEPER, OWNERS, USERS
from bulkhead.fuzz.signing import SIGNATURES
from bulkhead.fuzz.stage import BOOK_CALL, HALTING, LISTING_TOKEN, MOLE, REFUSING
from bulkhead.model.order_types import NOTHING, Order, OrderKind, OrderStatus, hash_of
from bulkhead.model.orders import OrderBook
from bulkhead.model.wad import WAD

_GROUPS = (NOTHING, NOTHING, NOTHING, b"\x01" * 32, b"\x02" * 32)


class Ordering(Trading):
    """What owners, keepers and cheats do with the book."""

    @property
    def book(self) -> OrderBook:
        """The book's model."""
        return self.world.site.orders

    def placed(self) -> list[Order]:
        """Orders that wait."""
        states, kept = self.book.states, self.book.orders
        return [kept[one] for one, state in states.items() if state.status == OrderStatus.PLACED]

    def _any(self) -> Order | None:
        """An order, mostly one that waits."""
        placed = self.placed()
        known = placed if placed and self.read.byte() < 230 else list(self.book.orders.values())
        return self.read.pick(known) if known else None

    def ordering(self) -> Iterator[Op]:
        """Any of what follows."""
        waits = len(self.placed())
        some = waits > 0
        refund = 8 if self.world.setting.token in REFUSING else 2
        options = (
            (14 if waits < 8 else 4, self.order),
            (5 if waits < 12 else 1, self.bracket),
            (22 if some else 2, self.fill),
            (7 if some else 1, self.edit),
            (4, self.hasty),
            (5, self.cancel),
            (5 if some else 1, self.release),
            (5 if some else 1, self.upset),
            (9, self.handed_on),
            (6, self.misnamed),
            (8, self.withheld),
            (3 if some else 1, self.guarded),
            (4 if some else 1, self.trail),
            (12 if any(self.book.refunds.values()) else refund, self.refund),
        )
        armed = MOLE in self.world.stage.contracts
        if armed:  # what the book pays for calls the book, what the market pays for the market
            yield self.op("arm", KEEPER, (BOOK_CALL, 1))
        yield from self.read.weighted(options)()
        if armed:
            yield self.op("arm", KEEPER, (self.market_call(), 1))

    # ---- placing

    def _order(self, owner: str, size: int, id_: int = 0, **terms: object) -> Order:
        """An order of any kind; on a new position, or as the position stands."""
        read, world = self.read, self.world
        reduce = bool(terms.get("reduce_only"))
        kinds = (OrderKind.MARKET, OrderKind.MARKET, OrderKind.LIMIT, OrderKind.STOP)
        drawn = read.pick((*kinds, OrderKind.TRAILING_STOP) if reduce else kinds)
        kind = terms.get("kind", drawn)
        mark: int = world.site.reading.mark
        near = mark + read.pick((0, 1, -1, mark // 200, -mark // 200, mark // 30, -mark // 30))
        trails = kind == OrderKind.TRAILING_STOP
        trigger = 0 if kind == OrderKind.MARKET or (trails and read.byte() % 2) else near
        delay = world.params.order_delay_secs
        lives = (delay + 1, delay + 60, 3_600, 10**5, 10**6, 10**6)
        margin = 0
        if not reduce:
            leverage = read.pick((3, 6, 12, 18))
            margin = abs(size) * mark // WAD // leverage // world.unit
        held = self.twin.position(id_)
        usual: dict[str, object] = {
            "epoch": self.twin.core.epochs.get(id_, 0),
            "phase": held.phase,
            "kind": kind,
            "trigger_price": trigger,
            "trail": read.pick((1, WAD // 1_000, WAD // 50, WAD - 1)) if trails else 0,
            "price_limit": self.limit(size),
            "margin": margin,
            "keeper_fee": read.pick((0, 1, 3, 4, 7, world.dollars(1))),
            "expiry": world.now + read.pick(lives),
            "group": read.pick(_GROUPS),
            "salt": len(world.played) << 16 | read.word(),
        }
        return Order(owner=owner, position_id=id_, size=size, **{**usual, **terms})  # type: ignore[arg-type]

    def _place(self, order: Order) -> Iterator[Op]:
        choice = self.read.byte()
        if choice < 90 and order.owner in self.world.stage.signers:
            how = SIGNATURES[0] if choice < 60 else SIGNATURES[choice % len(SIGNATURES)]
            yield self.op("place_signed", self.read.pick(USERS), (order, how), self.wait())
        else:
            caller = order.owner if choice < 245 else self.read.pick(USERS)
            yield self.op("place_order", caller, (order,), self.wait())

    def order(self) -> Iterator[Op]:
        """On a new position, or on one that is there: more of it, or less."""
        read, choice = self.read, self.read.byte()
        id_ = self.some()
        held = self.twin.position(id_)
        if choice < 80 or held.owner not in self.world.stage.people:
            yield from self._place(self._order(self._who(), self._size()))
            return
        size = held.size * (1 + read.byte() % 30) // 20 or self._size()
        if held.size and choice < 210:
            order = self._order(held.owner, -size, id_, reduce_only=True)
        else:
            order = self._order(held.owner, size, id_, reduce_only=choice > 250)
        if choice % 16 == 0:  # what is wrong with it is told
            wrong = (
                {"epoch": order.epoch + 1},
                {"phase": order.phase + 1},
                {"size": 0},
                {"trail": WAD},
                {"margin": 2**200},
                {"keeper_fee": 2**200},
                {"expiry": self.world.now},
                {"expiry": 2**60},
                {"parent": b"\x07" * 32},
                {"parent": read.pick(tuple(self.book.orders) or (b"\x08" * 32,))},
                {"owner": EVE},
                {"kind": OrderKind.TRAILING_STOP},
                {"trigger_price": 2**100},
            )
            order = replace(order, **read.pick(wrong))  # type: ignore[arg-type]
        yield from self._place(order)

    def bracket(self) -> Iterator[Op]:
        """An entry, a stop-loss and a take-profit, one of which ends the other."""
        read, mark = self.read, self.world.site.reading.mark
        owner, size = self._who(), self._size()
        sign = 1 if size > 0 else -1
        entry = self._order(owner, size, kind=OrderKind.MARKET, trigger_price=0, group=NOTHING)
        group = (len(self.world.played) + 1).to_bytes(32, "big")
        yield from self._place(entry)
        far = mark // read.pick((500, 100, 30))
        for kind, step in ((OrderKind.LIMIT, far), (OrderKind.STOP, -far)):
            child = self._order(
                owner,
                -size * read.pick((1, 1, 2)) // read.pick((1, 1, 2)),
                reduce_only=True,
                kind=kind,
                trigger_price=mark + sign * step,
                trail=0,
                phase=1,
                parent=hash_of(entry),
                group=group,
                expiry=self.world.now + 10**6,
            )
            yield from self._place(child)
        if read.byte() < 200:
            yield from self._fill(entry)
            yield from self._fill(child)

    # ---- filling

    def _published(self, order: Order) -> Iterator[Op]:
        """A mark at the edge of an order's trigger, published at the edge of its delay."""
        read, world = self.read, self.world
        state = self.book.state(hash_of(order))
        start = max(state.at, self.book.state(order.parent).at) or world.now
        first = start + world.params.order_delay_secs + 1
        edge = first + read.pick((-1, 0, 0, 0, 0, 1, 30))
        mark = order.trigger_price or world.site.reading.mark
        if order.kind == OrderKind.TRAILING_STOP and state.best:
            turn = WAD - order.trail if order.size < 0 else WAD + order.trail
            mark = state.best * turn // WAD
        mark += read.pick((-1, 0, 0, 1, mark // 100, -mark // 100))
        if not usable(mark):
            return
        wait = max(0, edge - world.now)
        lag = max(0, world.now + wait - edge) if read.byte() < 40 else 0
        yield self.op("set_price", args=(mark, 0, lag, 0), wait=wait)

    def _late(self) -> int:
        """Mostly at once; else at the edge of the window."""
        world = self.world
        edge = world.site.reading.published_at + world.params.fill_window_secs
        return max(0, edge - world.now + self.near()) if self.read.byte() < 25 else 0

    def _fill(self, order: Order) -> Iterator[Op]:
        yield from self._published(order)
        site, to = self.world.site, KEEPER
        if self.read.byte() > 245:
            to = self.read.pick((EVE, site.book.address, site.pool.address, "0x" + "0" * 40))
        yield self.op("execute_order", self.read.pick(USERS), (order, to), self._late())

    def fill(self) -> Iterator[Op]:
        """One that waits, or several at once."""
        order = self._any()
        if order is None:
            yield from self.order()
            return
        if self.read.byte() < 50:
            yield from self._published(order)
            orders = tuple(self.placed()[:4]) or (order,)
            yield self.op("execute_orders", KEEPER, (orders, KEEPER), self._late())
        else:
            yield from self._fill(order)

    def hasty(self) -> Iterator[Op]:
        """Somebody sees the next mark, orders, and fills before it is too late to be unfair."""
        read, mark = self.read, self.world.site.reading.mark
        yield from self.accrue()
        order = self._order(self._who(), self._size(), kind=OrderKind.MARKET, trigger_price=0)
        yield self.op("place_order", order.owner, (order,))
        to = (order, order.owner)
        if read.byte() % 2:
            yield self.op("execute_order", order.owner, to)
        ahead = mark + mark // 40 * (1 if order.size > 0 else -1)
        delay = self.world.params.order_delay_secs
        for wait in (delay * read.byte() // 255, 1):
            yield self.op("set_price", args=(ahead, 0, read.byte() % 3, 0), wait=wait)
            yield self.op("execute_order", order.owner, to)

    # ---- changing one's mind

    def edit(self) -> Iterator[Op]:
        """An order is made better for its owner whenever the mark says so, and tried at once."""
        order, read, world = self._any(), self.read, self.world
        if order is None:
            return
        if read.byte() < 128:
            yield from self._published(order)
        mark = world.site.reading.mark
        kept = self.book.state(hash_of(order)).position_id
        changes: tuple[dict[str, object], ...] = (
            {"size": order.size * 2},
            {"size": -order.size, "price_limit": ANY_BUY if order.size < 0 else 0},
            {"price_limit": mark},
            {"margin": order.margin + world.dollars(50)},
            {"margin": order.margin // 2},
            {"keeper_fee": order.keeper_fee + 5},
            {"kind": OrderKind.MARKET, "trigger_price": 0, "trail": 0},
            {"expiry": world.now + 10_000},
            {"position_id": kept},
        )
        change = {"position_id": kept, **read.pick(changes)}
        if read.byte() < 40:
            del change["position_id"]
        edited = replace(order, salt=len(world.played) << 16, **change)  # type: ignore[arg-type]
        caller = order.owner if read.byte() < 245 else read.pick(USERS)
        yield self.op("edit_order", caller, (order, edited))
        if read.byte() < 200:
            yield self.op("execute_order", order.owner, (edited, order.owner))
        if read.byte() < 40:
            yield from self._fill(edited)

    def misnamed(self) -> Iterator[Op]:
        """An edit whose new order is for another position, parent, group or owner."""
        read, world, order, id_ = self.read, self.world, self._any(), self.some()
        held = self.twin.position(id_)
        if order is None or (held.size and read.byte() < 128):
            if held.owner not in world.stage.people:
                return
            order = self._growing(held.owner, id_)
            yield self.op("place_order", order.owner, (order,))
        kept = self.book.state(hash_of(order)).position_id
        mine = [i for i in world.ids if i != kept and self.twin.position(i).owner == order.owner]
        other = read.pick(mine or world.ids)
        up = read.pick(tuple(self.book.orders) or (hash_of(order),))
        changes: tuple[dict[str, object], ...] = (
            {"position_id": other},
            {"position_id": other},
            {"position_id": other, "parent": up},
            {"parent": up},
            {"parent": up, "position_id": 0},
            {"group": read.pick(_GROUPS)},
            {"owner": read.pick(OWNERS)},
        )
        change = {"position_id": kept, "salt": len(world.played) << 16, **read.pick(changes)}
        edited = replace(order, **change)  # type: ignore[arg-type]
        yield self.op("edit_order", order.owner, (order, edited))
        if read.byte() < 100:
            yield self.op("cancel_order", order.owner, (edited,))
        else:
            yield from self._fill(edited)

    def handed_on(self) -> Iterator[Op]:
        """A position changes hands while its seller's order waits; its buyer orders too, with
        margin; then either, the buyer's delegate and keepers do what they can with both."""
        read, world, id_ = self.read, self.world, self.some()
        held = self.twin.position(id_)
        seller = held.owner
        if held.size == 0 or seller not in world.stage.people:
            return
        buyer = read.pick([who for who in OWNERS if who != seller])
        old = self._growing(seller, id_)
        yield self.op("place_order", seller, (old,))
        yield self.op("transfer_position", seller, (id_, buyer), self.wait())
        scope = read.pick((0, id_))
        yield self.op("set_delegate", buyer, (scope, self.book.address, FOREVER))
        if read.byte() < 128:
            yield self.op("set_delegate", buyer, (scope, DELEGATE, FOREVER))
        new = self._growing(buyer, id_)
        yield self.op("place_order", buyer, (new,))
        salt = len(world.played) << 16
        mine = {"owner": buyer, "epoch": new.epoch, "phase": new.phase}
        edited = (replace(old, salt=salt), replace(old, salt=salt, **mine))  # type: ignore[arg-type]
        rivals = (buyer, DELEGATE, buyer, DELEGATE, EVE)
        acts: tuple[Callable[[], Op], ...] = (
            lambda: self.op("cancel_order", seller, (old,)),
            lambda: self.op("cancel_order", seller, (old,)),
            lambda: self.op("edit_order", seller, (old, edited[0])),
            lambda: self.op("release_order", KEEPER, (old, KEEPER)),
            lambda: self.op("cancel_order", read.pick(rivals), (old,)),
            lambda: self.op("cancel_order", read.pick(rivals), (old,)),
            lambda: self.op("edit_order", read.pick(rivals), (old, read.pick(edited))),
            lambda: self.op("cancel_order", read.pick((seller, DELEGATE)), (new,)),
            lambda: self.op("execute_orders", KEEPER, ((old, new), KEEPER)),
        )
        for _ in range(2 + read.byte() % 3):
            yield read.pick(acts)()
        free = self.twin.withdrawable(id_) + read.pick((0, 0, 1))
        yield self.op("remove_margin", buyer, (id_, max(1, free), buyer))
        yield from self._fill(new)
        yield self.op("release_order", KEEPER, (old, KEEPER))

    def _growing(self, owner: str, id_: int) -> Order:
        """More of a position, with margin."""
        size = self.twin.position(id_).size * (1 + self.read.byte() % 10) // 20
        margin = 1 + self.world.dollars(1 + self.read.byte() % 200)
        return self._order(owner, size, id_, margin=margin, group=NOTHING)

    def cancel(self) -> Iterator[Op]:
        """By its owner, by signature, by a stranger; placed or not; twice."""
        order, read = self._any(), self.read
        if order is None or read.byte() < 20:
            order = self._order(self._who(), self._size())
        if order.owner in self.world.stage.signers and read.byte() < 100:
            how = read.pick((*SIGNATURES[:1] * 3, *SIGNATURES))
            yield self.op("cancel_signed", read.pick(USERS), (order, how), self.wait())
        else:
            caller = order.owner if read.byte() < 245 else read.pick(USERS)
            yield self.op("cancel_order", caller, (order,), self.wait())
        if read.byte() < 60:
            yield read.pick(
                (
                    self.op("cancel_order", order.owner, (order,)),
                    self.op("place_order", order.owner, (order,)),
                    self.op("release_order", EVE, (order, EVE)),
                    self.op("execute_order", EVE, (order, EVE)),
                )
            )

    def release(self) -> Iterator[Op]:
        """Cleaning up, at the edge of the expiry."""
        order, read = self._any(), self.read
        if order is None:
            return
        wait = max(0, order.expiry - self.world.now + self.near())
        wait = wait if wait < 90_000 and read.byte() < 190 else 0
        to = EVE if read.byte() < 245 else order.owner
        yield self.op("release_order", EVE, (order, to), wait)

    def upset(self) -> Iterator[Op]:
        """What becomes of an order whose position is passed on, and back, closed, opened."""
        order, read = self._any(), self.read
        if order is None:
            return
        id_ = self.book.state(hash_of(order)).position_id
        held = self.twin.position(id_)
        if MOLE in self.world.stage.contracts:
            return  # it is armed against the book
        limit = 0 if held.size > 0 else ANY_BUY
        choice = read.byte() % 4
        if choice == 0 and held.owner in self.world.stage.people:
            to = read.pick([who for who in OWNERS if who != held.owner])
            yield self.op("transfer_position", held.owner, (id_, to))
            if read.byte() < 128:
                yield self.op("transfer_position", to, (id_, held.owner))
        elif choice == 1 and held.size:
            yield self.op("close", held.owner, (id_, limit, 2**40))
        elif choice == 2 and held.size == 0:
            size = self._size()
            amount = abs(size) * self.twin.state.mark // WAD // 4 // self.world.unit
            buys = ANY_BUY if size > 0 else 0
            yield self.op("open", held.owner, (id_, size, amount, buys, 2**40))
        else:
            delegate = (read.pick((0, id_)), self.book.address, read.pick((0, 0, 2**40)))
            yield self.op("set_delegate", held.owner, delegate)
            yield self.op("free_lock", EVE, (id_, self.book.address))
            free = self.twin.withdrawable(id_)
            yield self.op("remove_margin", held.owner, (id_, max(1, free), held.owner))
        yield from self._fill(order)
        yield self.op("release_order", EVE, (order, EVE))

    def withheld(self) -> Iterator[Op]:
        """An order comes due that its owner keeps from filling: a rival ends it, if it may."""
        read, world, choice = self.read, self.world, self.read.byte() % 8
        waiting, id_ = self.placed(), self.some()
        held = self.twin.position(id_)
        theirs = held.size and held.owner in world.stage.people
        if choice < 3 and waiting:
            order = read.pick(waiting)
        elif choice < 5 and theirs:  # its part leaves too little of the position, or just enough
            left = -(-world.params.min_notional * WAD // self.twin.state.mark)
            left = left * read.pick((1, 1, 3)) // read.pick((1, 2)) + self.near()
            size = max(1, abs(held.size) - left) * (-1 if held.size > 0 else 1)
            order = self._order(held.owner, size, id_, reduce_only=True)
            yield from self._place(order)
        else:  # it has less margin than it needs, or a limit that never holds
            grows = theirs and choice % 2
            size = held.size * (1 + read.byte() % 4) if grows else self._size()
            terms: dict[str, object] = {"margin": read.pick((0, 1, world.dollars(100)))}
            if read.byte() < 60:
                terms = {"price_limit": 1 if size > 0 else ANY_BUY}
            owner, at = (held.owner, id_) if grows else (self._who(), 0)
            order = self._order(owner, size, at, **terms)
            yield from self._place(order)
        yield from self._published(order)
        trust = ("set_delegate", order.owner)
        revokes = choice < 3 or read.byte() < 30
        if revokes:
            expiry = read.pick((0, 0, world.now - 1, world.now))
            yield self.op(*trust, (0, self.book.address, expiry))
        rival, to = read.pick((EVE, KEEPER)), read.pick((EVE, EVE, order.owner))
        yield self.op("release_order", rival, (order, to), self._late())
        if revokes:
            yield self.op(*trust, (0, self.book.address, FOREVER))
        if read.byte() < 128:
            yield self.op("execute_order", order.owner, (order, KEEPER))
            yield self.op("release_order", rival, (order, to), self.wait())

    def guarded(self) -> Iterator[Op]:
        """The margin of an order that waits can't be taken out."""
        order, read = self._any(), self.read
        if order is None or MOLE in self.world.stage.contracts:
            return
        id_ = self.book.state(hash_of(order)).position_id
        yield from self.accrue()
        amount = max(1, self.twin.withdrawable(id_) + read.pick((0, 1)))
        yield self.op("remove_margin", order.owner, (id_, amount, self.receiver(order.owner, id_)))

    def trail(self) -> Iterator[Op]:
        """A trailing stop follows the mark, and falls."""
        trailing = [one for one in self.placed() if one.kind == OrderKind.TRAILING_STOP]
        read = self.read
        order = read.pick(trailing) if trailing and read.byte() < 200 else self._any()
        if order is None or read.byte() < 60:
            id_ = self.some()
            p = self.twin.position(id_)
            terms = {"reduce_only": True, "kind": OrderKind.TRAILING_STOP}
            order = self._order(p.owner, -p.size, id_, **terms)
            yield from self._place(order)
        for _ in range(1 + read.byte() % 3):
            yield from self._published(order)
            yield self.op("advance_order", EVE, (order,), self._late())
        if read.byte() < 128:
            yield from self._fill(order)

    def refund(self) -> Iterator[Op]:
        """What a token refused, more than once, is claimed, for oneself or another; and again."""
        read, token = self.read, self.world.setting.token
        waits = [who for who, amount in self.book.refunds.items() if amount]
        who = read.pick(waits or OWNERS)
        refusing = token in REFUSING and (not waits or read.byte() < 60)
        if refusing:
            halting = token in HALTING
            stop = ("halt", KEEPER, (True,)) if halting else ("block", EVE, (who, True, False))
            paying = [one for one in self.placed() if one.owner == who and one.keeper_fee][:2]
            for fee in range(len(paying), 2):
                order = self._order(who, self._size(), keeper_fee=fee + 3, group=NOTHING)
                paying.append(order)
                yield self.op("place_order", who, (order,))
            yield self.op(*stop)
            for order in paying:
                yield self.op("cancel_order", who, (order,))
            if halting:
                yield self.op("halt", KEEPER, (False,))
        to = who if read.byte() < 70 else read.pick((*USERS, self.book.address))
        yield self.op("claim_refund", who, (to,), self.wait())
        if read.byte() < 128:
            yield self.op("claim_refund", who, (KEEPER,))
        if refusing and token == LISTING_TOKEN:
            yield self.op("block", EVE, (who, False, False))
