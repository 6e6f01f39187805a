"""A market's order book and its twin: every call is made on both, and everything compared.

`Desk.do` is to the book what `World.do` is to the market, and compares the whole market too.
"""

from __future__ import annotations

from typing import Any

from market_world import ANY, OURS, SOON, Done, World, plain

from bulkhead.chain.contract import Event, at, events
from bulkhead.model.errors import ModelError, OracleError
from bulkhead.model.order_types import (
    NAME,
    VERSION,
    Domain,
    Order,
    OrderReason,
    OrderRefused,
    OrderStatus,
    hash_of,
)
from bulkhead.model.orders import OrderBook
from bulkhead.model.types import Reason, camel
from bulkhead.sim.moves import error_text

WAD = 10**18
TOLD = OURS | {
    *("OrderPlaced", "OrderFilled", "OrderCancelled", "OrderReleased", "TrailAdvanced"),
    *("RefundKept", "RefundClaimed"),
}
_RETURN = ("place", "place_signed", "edit", "claim_refund", "execute", "execute_many")


class Desk:
    """The book of a world; its traders have made it a delegate of all their positions."""

    def __init__(self, world: World) -> None:
        self.world, self.rpc = world, world.rpc
        world.bring_book()
        self.book = at(world.rpc, "OrderBook", world.market.ORDER_BOOK())
        domain = Domain(NAME, VERSION, world.rpc.chain_id(), self.book.address)
        self.twin = OrderBook(world.twin, domain)
        world.watched.append(self.book.address)
        self.fee = world.one
        self._salt = 0
        for who in (world.alice, world.bob, world.carol, world.keeper):
            world.token.approve(self.book.address, 2**256 - 1, sender=who)
            world.ok("set_delegate", who, 0, self.book.address, SOON)

    @property
    def delay(self) -> int:
        """Seconds that a mark must be younger than an order."""
        return self.world.params.order_delay_secs

    def order(self, owner: str, size: int, id_: int = 0, **terms: Any) -> Order:
        """An order of `size` whole units on a position as it stands (0: a new one)."""
        self._salt += 1
        world, held = self.world, self.world.twin.position(id_)
        usual: dict[str, Any] = {
            "epoch": world.twin.core.epochs.get(id_, 0),
            "phase": held.phase,
            "price_limit": ANY[1 if size > 0 else -1],
            "margin": 0 if terms.get("reduce_only") else abs(size) * 500 * world.one,
            "keeper_fee": self.fee,
            "expiry": world.now + 10_000,
            "salt": self._salt,
        }
        return Order(owner=owner, position_id=id_, size=size * WAD, **usual | terms)

    def reduce(self, id_: int, size: int, **terms: Any) -> Order:
        """A reduce-only order of the position's owner."""
        owner = self.world.twin.position(id_).owner
        return self.order(owner, size, id_, reduce_only=True, **terms)

    # ---------------------------------------------------------------- both worlds

    def do(self, action: str, caller: str, *args: Any, signature: bytes = b"") -> Done:
        """One call on chain and twin; compares everything. A signature goes to the chain, whether
        it is valid to the twin."""
        world = self.world
        world.twin.now, world.twin.oracle = world.now, world.reading
        result, refusal = None, None
        try:
            result = getattr(self.twin, action)(caller, *args)
        except ModelError as error:
            refusal = error
        function = getattr(self.book, camel(action))
        given = [_given(arg) for arg in args]
        if action.endswith("signed"):
            given[-1] = signature
        receipt = function.send(*given, sender=caller, gas=15_000_000, check=False)
        said = "" if receipt.ok else world._refused(world.rpc.revert_data(receipt.hash))
        what = f"{action}{args}"
        world._same_refusal(what, said, refusal)
        found = tuple(one for one in events(receipt) if one.name in TOLD)
        value = None
        if result is not None:
            self._same_events(what, found, result.events)
            value = plain(result.value)
            if action in _RETURN:
                answer = plain(function.decode(world.rpc.revert_data(receipt.hash)))
                assert answer == value, f"{what} returned {answer}, not {value}"
        self.compare(what)
        return Done(refusal, value, found, int(receipt.gas_used))

    def ok(self, action: str, caller: str, *args: Any, **more: Any) -> Done:
        """`do`, and it must succeed."""
        done = self.do(action, caller, *args, **more)
        assert done.refusal is None, f"{action}: {error_text(done.refusal)}"
        return done

    def no(
        self, error: OrderReason | Reason | str, action: str, caller: str, *args: Any, **more: Any
    ) -> ModelError:
        """`do`, and it must be refused: by book or market, or by the error of this name."""
        refusal = self.do(action, caller, *args, **more).refusal
        assert refusal is not None, f"{action} was allowed"
        if isinstance(error, str):
            name = refusal.args[0] if isinstance(refusal, OracleError) else refusal.name
            assert name == error, error_text(refusal)
            return refusal
        assert isinstance(refusal, OrderRefused) == isinstance(error, OrderReason)
        assert refusal.args[0] == error, error_text(refusal)
        return refusal

    def place(self, order: Order, caller: str = "") -> Order:
        """By its owner unless said."""
        self.ok("place", caller or order.owner, order)
        return order

    def fill(self, order: Order, mark: int | None = None) -> Done:
        """At a mark published as soon as it counts."""
        self.world.tick(mark, self.delay + 1)
        return self.ok("execute", self.world.keeper, order, self.world.keeper)

    def _same_events(self, what: str, found: tuple[Event, ...], foretold: Any) -> None:
        ours = [one for one in foretold if one[0] in TOLD]
        names = [one.name for one in found], [name for name, _ in ours]
        assert names[0] == names[1], f"{what}: events {names[0]}, twin {names[1]}"
        for event, (name, values) in zip(found, ours, strict=True):
            given = {key.rstrip("_"): plain(value) for key, value in event.args.items()}
            given.pop("configStore", None)
            wanted = {key: plain(_given(value)) for key, value in values.items()}
            assert given == wanted, f"{what}: {name} {given}, twin {wanted}"

    # ---------------------------------------------------------------- comparing

    def compare(self, what: str = "") -> None:
        """All of the market, every order, its hash, its group, every refund, every lock."""
        self.world.compare(what)
        book, twin, world = self.book, self.twin, self.world
        mark, published = world.twin.state.mark, world.twin.state.published_at
        for order_hash, order in twin.orders.items():
            assert hash_of(order) == book.hashOf(order.as_tuple()) == order_hash
            kept = twin.state(order_hash)
            there = plain((kept.status, kept.at, kept.position_id, kept.best))
            here = plain(tuple(book.orderState(order_hash)))
            assert here == there, f"after {what}: order {order}: chain {here}, twin {there}"
            used = book.groupUsedBy(order.owner, order.group)
            assert used == twin.group_used_by(order.owner, order.group), f"after {what}"
            if kept.status != OrderStatus.PLACED:
                continue
            here = plain(tuple(book.check(order.as_tuple(), mark, published)))
            there = plain(twin.check(order, mark, published))
            assert here == there, f"after {what}: check of {order}: chain {here}, twin {there}"
        for who in (world.alice, world.bob, world.carol):
            assert book.refundOf(who) == twin.refund_of(who), f"after {what}"
        for id_ in range(1, world.twin.state.next_id):
            locked = world.market.lockOf(id_, book.address)
            assert locked == world.twin.lock_of(id_, book.address), f"after {what}: lock of {id_}"
        placed = (one for one in twin.orders.items() if self.waits(one[0]))
        owed = sum(order.keeper_fee for _, order in placed) + sum(twin.refunds.values())
        assert world.token.balanceOf(book.address) == owed, f"after {what}: the book's tokens"

    def waits(self, order_hash: bytes) -> bool:
        """Whether an order is placed."""
        return self.twin.state(order_hash).status == OrderStatus.PLACED


def _given(value: Any) -> Any:
    """As the chain takes it."""
    if isinstance(value, Order):
        return value.as_tuple()
    if isinstance(value, (list, tuple)):
        return [_given(part) for part in value]
    return value
