"""The laws of orders, step by step, from the laws' own account of the book (ghost.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bulkhead.fuzz.ghost import Ghost, Known
from bulkhead.fuzz.laws import differential
from bulkhead.fuzz.laws import orders as laws
from bulkhead.fuzz.laws.base import Terms, execution
from bulkhead.fuzz.ops import BOOK_CALLS, PAYING, Op
from bulkhead.fuzz.people import FOREVER
from bulkhead.fuzz.probe import BOOK, OWN, Sight
from bulkhead.fuzz.signing import SIGNATURES, valid
from bulkhead.fuzz.speech import values
from bulkhead.fuzz.stage import Site
from bulkhead.fuzz.world import Step, World
from bulkhead.model.order_types import NOTHING, Order, OrderKind, OrderStatus, hash_of

_FILLS = ("execute_order", "execute_orders")


def orders_of(op: Op) -> tuple[Order, ...]:
    """The orders that an op is about."""
    if op.name not in BOOK_CALLS or op.name == "claim_refund":
        return ()
    first = op.args[0]
    if isinstance(first, tuple):
        return first
    return op.args[:2] if op.name == "edit_order" else (first,)


def as_trade(step: Step, ghost: Ghost, before: Sight, after: Sight) -> Step:
    """An order's fill as the trade it is, so that every law of trades holds for it too."""
    if step.op.name != "execute_order":
        return step
    order = step.op.args[0]
    id_ = ghost.known(order).id
    if id_ not in before.positions:
        return step  # never placed: the laws of orders say so
    was, now = before.positions[id_].size, after.positions[id_].size
    args: tuple[int, ...] = (id_, now - was, order.price_limit, FOREVER)
    name = "increase" if abs(now) > abs(was) else "decrease"
    if was == 0:
        name, args = "open", (id_, now, 0, order.price_limit, FOREVER)
    elif now == 0:
        name, args = "close", (id_, order.price_limit, FOREVER)
    return replace(step, op=Op(name, step.op.actor, args, step.op.wait, step.op.market))


def _vaults(seen: Sight) -> int:
    """What all of a market's vaults hold (token units)."""
    return sum(p.margin for p in seen.positions.values()) + sum(seen.ahead)


class Orders:
    """Judges what was done to a book, and keeps the account."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def step(self, world: World, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        """After every success: the laws, then the account."""
        place = world.sites.index(step.site)
        ghost, op = world.ghosts[place], step.op
        if op.name in BOOK_CALLS:
            if op.args and op.args[-1] in SIGNATURES:
                order, how = op.args
                good = valid(order, how, world.stage.signers)
                self.bench.hold(laws.i_43_signed, good, how)
            due = Payments(step)
            ghost = self._called(world, step, ghost, due, before, after, t)
            ghost = replace(ghost, gifts=ghost.gifts + due.stays)
            many = len(world.sites) > 1  # who is in both may have been paid in the other
            moved, owed = changes(step, before, after, many), due.named(many)
            self.bench.hold(laws.i_43_paid, moved, owed)
        elif op.name == "transfer_position":
            epochs = {**ghost.epochs, op.args[0]: ghost.epoch(op.args[0]) + 1}
            ghost = replace(ghost, epochs=epochs)
        elif op.name == "send" and op.args[0] == step.site.book.address:
            came = after.balances[BOOK] - before.balances[BOOK]  # a token may send nothing
            ghost = replace(ghost, gifts=ghost.gifts + came)
        elif op.name == "destroy":
            id_ = step.site.twin.core.vaults.get(op.args[0], 0)
            flat = id_ in before.positions and not before.positions[id_].size
            ghost = ghost.lost(_vaults(before) - _vaults(after), id_ if flat else 0)
        elif op.name == "settle" and op.args[0] in ghost.missing:
            ghost = ghost.settled(op.args[0])
        elif op.name == "remove_margin":
            self._removed(step, ghost, before, after)
        elif op.name == "set_delegate" and op.args[1] == step.site.book.address:
            ghost = ghost.delegated(op.actor, op.args[0], op.args[2])
        if op.name in PAYING and step.site.book.address in op.args:  # nobody's any more
            came = after.balances[BOOK] - before.balances[BOOK]
            ghost = replace(ghost, gifts=ghost.gifts + came)
        if frees(op) == step.site.book.address:
            ghost = replace(ghost, loose=ghost.loose | {op.args[0]})
        world.ghosts[place] = ghost

    def states(self, world: World, step: Step) -> None:
        """What the book says of the orders that an op was about is what the model says."""
        if step.simulated or step.op.name not in BOOK_CALLS:
            return
        view_orders(self.bench, world, step.site, orders_of(step.op))

    # ---- what was done

    def _called(
        self,
        world: World,
        step: Step,
        ghost: Ghost,
        due: Payments,
        before: Sight,
        after: Sight,
        t: Terms,
    ) -> Ghost:
        op, orders = step.op, orders_of(step.op)
        name = op.name
        if name in ("place_order", "place_signed"):
            payer = op.actor if name == "place_order" else orders[0].owner
            return self._placed(orders[0], payer, 0, ghost, due, before)
        if name in ("cancel_order", "cancel_signed"):
            return self._cancelled(orders[0], ghost, due)
        if name == "edit_order":
            old = ghost.known(orders[0])
            made_for = (orders[0].owner, orders[0].epoch)
            bound = old.id and (before.owner(old.id), ghost.epoch(old.id)) == made_for
            ahead = orders[0].margin if bound and old.status == OrderStatus.PLACED else 0
            ghost = self._cancelled(orders[0], ghost, due)
            return self._placed(orders[1], op.actor, ahead, ghost, due, before, old.id)
        if name in _FILLS:
            return self._filled(step, orders, ghost, due, before, after, t)
        if name == "release_order":
            return self._released(step, orders[0], ghost, due, before, after, t)
        if name == "advance_order":
            return self._advanced(world, step, ghost, after)
        waits = ghost.kept.get(op.actor, 0)
        due.pay(op.args[0], waits)
        return replace(ghost, kept={**ghost.kept, op.actor: 0})

    def _placed(
        self,
        order: Order,
        payer: str,
        ahead: int,
        ghost: Ghost,
        due: Payments,
        before: Sight,
        replaced: int = 0,
    ) -> Ghost:
        self.bench.hold(laws.i_43_once, order, ghost.known(order).status)
        parent = ghost.parent(order)
        id_ = order.position_id or (parent.id if parent else replaced) or before.state["next_id"]
        paid = max(0, order.margin - (ahead if id_ == replaced else 0))
        due.take(payer, order.keeper_fee, paid)
        return ghost.placed(order, due.now, id_)

    def _cancelled(self, order: Order, ghost: Ghost, due: Payments) -> Ghost:
        one = ghost.known(order)
        alive = one.status in (OrderStatus.NONE, OrderStatus.PLACED)
        self.bench.hold(laws.i_43_ended, order, alive)
        fee = order.keeper_fee if one.status == OrderStatus.PLACED else 0
        kept = due.refund(order.owner, fee)
        return ghost.ended(order, OrderStatus.CANCELLED, kept)

    def _filled(
        self,
        step: Step,
        orders: Sequence[Order],
        ghost: Ghost,
        due: Payments,
        before: Sight,
        after: Sight,
        t: Terms,
    ) -> Ghost:
        sizes = values(step.found)  # traded (Wad)
        filled = [(order, size) for order, size in zip(orders, sizes, strict=True) if size]
        many = len(filled) > 1
        for order, size in filled:
            one = ghost.known(order)
            self._fair(step, one, ghost, after)
            if not many and one.id:
                self._bound(one, ghost, before)
                self._traded(one, size, before, after, t)
            due.pay(step.op.args[1], order.keeper_fee)
            ghost = ghost.filled(order, step.now)
        traded: Counter[int] = Counter()
        for order, size in filled:
            traded[ghost.known(order).id] += size
        for id_, size in traded.items() if many else ():
            moved = after.positions[id_].size - before.positions[id_].size
            self.bench.hold(laws.i_43_sum, moved, size)
        return ghost

    def _fair(self, step: Step, one: Known, ghost: Ghost, after: Sight) -> None:
        """Whether an order could be filled at this mark now, wherever its position stands."""
        p, s, hold = step.params[1], after.state, self.bench.hold
        hold(laws.i_43_open, one.order, one.status, step.now)
        parent = ghost.parent(one.order)
        status = None if laws.parent_of(one.order) is None else parent.status if parent else 0
        used = None if one.order.group == NOTHING else ghost.used(one.order)
        hold(laws.i_43_alone, used, status)
        start, published = ghost.start(one), s["published_at"]
        times = (p.order_delay_secs, p.fill_window_secs)
        hold(laws.i_43_time, start, published, step.now, *times)
        hold(laws.i_43_fresh, s["accepted_at"], step.now)
        hold(laws.i_43_trigger, one.order, one.best, s["mark"])

    def _bound(self, one: Known, ghost: Ghost, before: Sight) -> None:
        position = (before.owner(one.id), ghost.epoch(one.id), before.phase(one.id))
        self.bench.hold(laws.i_43_bound, one.order, position)

    def _traded(self, one: Known, size: int, before: Sight, after: Sight, t: Terms) -> None:
        was, now = before.positions[one.id].size, after.positions[one.id].size
        self.bench.hold(laws.i_43_size, one.order, was, now, size)
        skew = before.state["size_long"] - before.state["size_short"]
        fill = execution(size, t._replace(skew=skew))[1]
        self.bench.hold(laws.i_43_limit, one.order, fill)

    def _released(
        self,
        step: Step,
        order: Order,
        ghost: Ghost,
        due: Payments,
        before: Sight,
        after: Sight,
        t: Terms,
    ) -> Ghost:
        one = ghost.known(order)
        self.bench.hold(laws.i_43_ended, order, one.status == OrderStatus.PLACED)
        expired, void = step.now > order.expiry, _void(one, ghost, before)
        if not expired and not void:
            self._fair(step, one, ghost, after)
            self._bound(one, ghost, before)
            s = after.state  # nothing was traded: it is as the trade would have found it
            sides = (s["size_long"], s["size_short"])
            funds = (s["cash"], after.market["nav"], s["variance"])
            trusted = ghost.trusted(one, step.now)
            was, p = after.positions[one.id], step.params[1]
            self.bench.hold(laws.i_43_kept, order, was, t, sides, funds, p, trusted)
        fee = order.keeper_fee // 4 if expired or not void else 0
        due.pay(step.op.args[1], fee)
        kept = due.refund(order.owner, order.keeper_fee - fee)
        return ghost.ended(order, OrderStatus.RELEASED, kept)

    def _advanced(self, world: World, step: Step, ghost: Ghost, after: Sight) -> Ghost:
        order: Order = step.op.args[0]
        one, s, p = ghost.known(order), after.state, step.params[1]
        trails = order.kind == OrderKind.TRAILING_STOP
        self.bench.hold(laws.i_43_ended, order, trails and one.status == OrderStatus.PLACED)
        times = (p.order_delay_secs, p.fill_window_secs)
        self.bench.hold(laws.i_43_time, ghost.start(one), s["published_at"], step.now, *times)
        best = s["mark"] if step.simulated else kept(world, step.site, order)[3]
        self.bench.hold(laws.i_43_best, order, one.best, best, s["mark"])
        return ghost.with_order(replace(one, best=best))

    def _removed(self, step: Step, ghost: Ghost, before: Sight, after: Sight) -> None:
        id_ = step.op.args[0]
        locked = ghost.locked(id_, before.owner(id_))
        margins = (before.positions[id_].margin, after.positions[id_].margin)
        if locked and id_ not in ghost.loose:
            self.bench.hold(laws.i_43_margin, *margins, locked)


def meant(world: World, step: Step) -> str:
    """An op's name; of the end of an order that is neither expired nor void, which needs a mark,
    `release_due`."""
    if step.op.name != "release_order" or step.before is None:
        return step.op.name
    ghost, order = world.ghosts[world.sites.index(step.site)], step.op.args[0]
    over = step.now > order.expiry or _void(ghost.known(order), ghost, step.before)
    return "release_order" if over else "release_due"


class Payments:
    """What a call should move between the book, people and the treasury (token units)."""

    def __init__(self, step: Step) -> None:
        self.core, self.now, self.site = step.site.twin.core, step.now, step.site
        self.book = step.site.book.address
        self.due: Counter[str] = Counter()
        self.stays = 0  # paid to the book itself: nobody's any more

    def take(self, payer: str, fee: int, margin: int) -> None:
        """From who places an order: its fee to the book, its margin to a vault."""
        self.due[payer] -= fee + margin
        self.due[self.book] += fee

    def pay(self, to: str, amount: int) -> None:
        """Out of the book."""
        self.due[self.book] -= amount
        self.due[to] += amount
        self.stays += amount if to == self.book else 0

    def refund(self, owner: str, amount: int) -> int:
        """Out of the book, unless the token refuses. Returns what is kept."""
        if amount and not self.core.passes(self.book, owner):
            return amount
        self.pay(owner, amount)
        return 0

    def named(self, own: bool) -> dict[str, int]:
        """By account; the pool and vaults aside. own: only accounts of this market."""
        holders = self.site.layout.holders[1 : OWN if own else None]
        return {who: amount for who, amount in self.due.items() if amount and who in holders}


def changes(step: Step, before: Sight, after: Sight, own: bool) -> dict[str, int]:
    """What each account but the pool has more, or less."""
    held = zip(step.site.layout.holders, before.balances, after.balances, strict=True)
    rows = list(held)[1 : OWN if own else None]
    return {who: now - was for who, was, now in rows if now != was}


def frees(op: Op) -> str:
    """Whose lock on a position an op frees without asking."""
    freed = op.name == "free_lock" or (op.name == "set_delegate" and op.args[2] == 0)
    return str(op.args[1]) if freed else ""


def kept(world: World, site: Site, order: Order) -> tuple[int, ...]:
    """What a book keeps of an order: (status, at, position, best)."""
    view = site.book.orderState.method
    answer = world.engine.view(site.book.address, view.encode((hash_of(order),)))
    return tuple(int(value) for value in view.decode(answer.data))


def view_orders(bench: Any, world: World, site: Site, orders: Sequence[Order]) -> None:
    """Holds what a book says of orders to its model."""
    for order in orders:
        order_hash, found = hash_of(order), kept(world, site, order)
        state = site.orders.state(order_hash)
        expected = (int(state.status), state.at, state.position_id, state.best)
        name = f"order {order_hash.hex()[:8]} (status, at, position, best)"
        bench.hold(differential.i_50_view, name if found != expected else "", found, expected)


def _void(one: Known, ghost: Ghost, before: Sight) -> bool:
    """Whether an order can never be filled again."""
    order, parent = one.order, ghost.parent(one.order)
    if (before.owner(one.id), ghost.epoch(one.id)) != (order.owner, order.epoch):
        return True
    ended = (OrderStatus.CANCELLED, OrderStatus.RELEASED)
    if ghost.used(order) or (parent and parent.status in ended):
        return True
    waits = parent is not None and parent.status != OrderStatus.FILLED
    return not waits and before.phase(one.id) != order.phase
