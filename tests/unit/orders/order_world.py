"""An order book over a market, and people who trade through it.

Every transaction of a test goes through `Desk.send`, which then looks whether the book holds
exactly the fees of the placed orders and the refunds that wait, and locks exactly their margins.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from eth_account import Account
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, Event, Function, at, deploy, events
from bulkhead.chain.errors import Reverted, reverts
from bulkhead.chain.rpc import Receipt
from bulkhead.model.order_types import (
    NOTHING,
    Order,
    OrderKind,
    OrderReason,
    OrderStatus,
    hash_of,
)
from bulkhead.model.types import Reason

KEY = "0x" + "5e" * 32
OTHER_KEY = "0x" + "7a" * 32
SIZE = 10 * WAD
GAS = 15_000_000


def refused(
    reason: OrderReason, actual: Any = None, limit: Any = None
) -> AbstractContextManager[Any]:
    """The book refuses, by this reason and with these values where they are given."""
    given = {"actual": actual, "limit": limit}
    return reverts(
        "OrderRefused",
        reason=reason,
        **{key: value for key, value in given.items() if value is not None},
    )


def market_refuses(reason: Reason) -> AbstractContextManager[Any]:
    """The market refuses, by this reason."""
    return reverts("Refused", reason=reason)


class Desk:
    """One book, its market, its people: Alice and Bob let it trade for them, Carol does not."""

    def __init__(self, world: World) -> None:
        self.w, self.market = world, world.market
        world.bring_book()
        self.book: Contract = at(world.rpc, "OrderBook", world.book)
        _, self.delay, self.window = self.market.orderTerms()
        self.seen: dict[bytes, Order] = {}
        self.owners = [world.alice, world.bob, world.carol]
        self.locks = True  # nobody has freed the book's locks behind its back
        self.signer = Account.from_key(KEY).address.lower()
        world.rpc.impersonate(self.signer)
        world.rpc.set_balance(self.signer, 10**20)
        world.token.mint(self.signer, 100_000 * world.one)
        self.owners.append(self.signer)
        for who in (*self.owners, world.keeper):
            world.token.approve(self.book, 2**256 - 1, sender=who)
        for who in (world.alice, world.bob, self.signer):
            self.market.setDelegate(0, self.book, SOON, sender=who)

    # ---------------------------------------------------------------- sending, and looking

    def send(self, function: Function, *args: Any, by: str, gas: int = GAS) -> Receipt:
        """A transaction; then everything is looked at, and a refusal raised."""
        receipt = function.send(*args, sender=by, gas=gas, check=False)
        self.conserved()
        if not receipt.ok:
            raise Reverted(self.w.rpc.revert_data(receipt.hash), receipt=receipt)
        return receipt

    def conserved(self) -> None:
        """The book holds fees of placed orders and kept refunds, and locks their margin."""
        owed = sum(self.book.refundOf(who) for who in self.owners)
        locks: dict[int, int] = {}
        for order_hash, order in self.seen.items():
            state = self.book.orderState(order_hash)
            id_ = state.positionId
            locks.setdefault(id_, 0)
            if state.status != OrderStatus.PLACED:
                continue
            owed += order.keeper_fee
            if self.market.epochOf(id_) == order.epoch:
                locks[id_] += order.margin
        held = self.w.token.balanceOf(self.book)
        assert held == owed, f"the book holds {held}, owes {owed}"
        if not self.locks:
            return
        for id_, margin in locks.items():
            found = self.market.lockOf(id_, self.book) if id_ else 0
            assert found == margin, f"{found} of position {id_} is locked, not {margin}"

    def event(self, receipt: Receipt, name: str) -> Event:
        """The book's one event of this name."""
        found = events(receipt, name, of=self.book)
        assert len(found) == 1, f"{len(found)} events {name}"
        return found[0]

    # ---------------------------------------------------------------- orders

    def order(self, **over: Any) -> Order:
        """Alice's: opens ten long with 3,000 of margin, and pays 7 units."""
        size = over.get("size", SIZE)
        given: dict[str, Any] = {
            "owner": self.w.alice,
            "size": size,
            "price_limit": ANY[1 if size > 0 else -1],
            "margin": 0 if over.get("reduce_only") else 3_000 * self.w.one,
            "keeper_fee": 7,
            "expiry": self.w.now + 3_600,
            "salt": len(self.seen),
        }
        found = Order(**given | over)
        self.seen[hash_of(found)] = found
        return found

    def on(self, id_: int, **over: Any) -> Order:
        """An order on a position as it is now: its owner, epoch and phase."""
        held = self.market.position(id_)
        bound = {"owner": held.owner, "position_id": id_, "epoch": self.market.epochOf(id_)}
        return self.order(**bound | {"phase": held.phase} | over)

    def exit(self, id_: int, **over: Any) -> Order:
        """A reduce-only order over all of a position."""
        size = -self.market.position(id_).size
        return self.on(id_, **{"reduce_only": True, "size": size} | over)

    def place(self, order: Order, by: str | None = None) -> bytes:
        """Placed by its owner, or whom is said."""
        receipt = self.send(self.book.place, order.as_tuple(), by=by or order.owner)
        order_hash = hash_of(order)
        placed = self.event(receipt, "OrderPlaced")
        assert (placed.orderHash, placed.owner) == (order_hash, order.owner)
        assert tuple(placed.order) == order.as_tuple()
        state = self.state(order)
        assert (state.status, state.changedAt) == (OrderStatus.PLACED, self.w.now)
        assert (state.positionId, state.best) == (placed.positionId, 0)
        return order_hash

    def cancel(self, order: Order, by: str | None = None) -> Receipt:
        return self.send(self.book.cancel, order.as_tuple(), by=by or order.owner)

    def edit(self, order: Order, edited: Order, by: str | None = None) -> Receipt:
        args = (order.as_tuple(), edited.as_tuple())
        return self.send(self.book.edit, *args, by=by or order.owner)

    def execute(self, order: Order, to: str | None = None, **more: Any) -> Receipt:
        """By the keeper."""
        keeper = self.w.keeper
        return self.send(self.book.execute, order.as_tuple(), to or keeper, by=keeper, **more)

    def release(self, order: Order) -> Receipt:
        """By the keeper."""
        return self.send(self.book.release, order.as_tuple(), self.w.keeper, by=self.w.keeper)

    def advance(self, order: Order) -> Receipt:
        """By somebody."""
        return self.send(self.book.advance, order.as_tuple(), by=self.w.dave)

    def fill(self, order: Order, mark: int | None = None) -> int:
        """Placed, due at this mark, executed; the position."""
        self.place(order)
        self.due(mark)
        self.execute(order)
        return int(self.state(order).positionId)

    def opened(self, sign: int = 1, **over: Any) -> int:
        """A position of Alice's that an order opened."""
        return self.fill(self.order(size=sign * SIZE, **over))

    def state(self, order: Order) -> Any:
        return self.book.orderState(hash_of(order))

    def status(self, order: Order) -> OrderStatus:
        return OrderStatus(self.state(order).status)

    def check(self, order: Order, mark: int, published: int | None = None) -> tuple[Any, ...]:
        """The view's (reason, actual, limit, size)."""
        when = self.w.now if published is None else published
        return tuple(self.book.check(order.as_tuple(), mark, when))

    # ---------------------------------------------------------------- time and money

    def due(self, mark: int | None = None) -> None:
        """The first moment at which a mark of that moment counts for an order of now."""
        self.w.tick(mark, seconds=self.delay + 1)

    def balance(self, who: str) -> int:
        return int(self.w.token.balanceOf(who))

    def margin(self, id_: int) -> int:
        return self.balance(self.market.vaultOf(id_))

    def lock(self, id_: int) -> int:
        return int(self.market.lockOf(id_, self.book))

    def remove(self, id_: int, amount: int, by: str | None = None) -> Receipt:
        """The owner takes margin out."""
        who = by or self.w.alice
        return self.send(self.market.removeMargin, id_, amount, who, by=who)

    def close(self, id_: int, by: str | None = None) -> Receipt:
        """Directly at the market."""
        limit = ANY[-1 if self.market.position(id_).size > 0 else 1]
        return self.send(self.market.close, id_, limit, SOON, by=by or self.w.alice)

    def trade(self, id_: int, size: int, by: str | None = None) -> Receipt:
        """Open, increase or decrease directly at the market."""
        limit, who = ANY[1 if size > 0 else -1], by or self.w.alice
        held = self.market.position(id_).size
        if held == 0:
            return self.send(self.market.open, id_, size, 0, limit, SOON, by=who)
        change = self.market.increase if held * size > 0 else self.market.decrease
        return self.send(change, id_, size, limit, SOON, by=who)

    # ---------------------------------------------------------------- signatures

    def domain(self) -> dict[str, Any]:
        """The book's on this chain."""
        return {
            "name": "Bulkhead OrderBook",
            "version": "1",
            "chainId": self.w.rpc.chain_id(),
            "verifyingContract": self.book.address,
        }

    def sign(self, order: Order, key: str = KEY, **domain: Any) -> bytes:
        """By typed data, as a wallet shows it."""
        kinds = [
            *(("owner", "address"), ("positionId", "uint256"), ("epoch", "uint256")),
            *(("phase", "uint256"), ("kind", "uint8"), ("reduceOnly", "bool"), ("size", "int256")),
            *(("triggerPrice", "uint256"), ("trail", "uint256"), ("priceLimit", "uint256")),
            *(("margin", "uint256"), ("keeperFee", "uint256"), ("expiry", "uint256")),
            *(("parent", "bytes32"), ("group", "bytes32"), ("salt", "uint256")),
        ]
        values = dict(zip((name for name, _ in kinds), order.as_tuple(), strict=True))
        return self._signed(key, "Order", kinds, values, domain)

    def sign_cancel(self, order: Order, key: str = KEY, **domain: Any) -> bytes:
        values = {"orderHash": hash_of(order)}
        return self._signed(key, "Cancel", [("orderHash", "bytes32")], values, domain)

    def _signed(
        self,
        key: str,
        name: str,
        kinds: list[tuple[str, str]],
        values: dict[str, Any],
        domain: dict[str, Any],
    ) -> bytes:
        types = {name: [{"name": field, "type": kind} for field, kind in kinds]}
        signed = Account.sign_typed_data(key, self.domain() | domain, types, values)
        return bytes(signed.signature)

    def place_signed(self, order: Order, signature: bytes, **more: Any) -> Receipt:
        """Handed in by the keeper."""
        args = (order.as_tuple(), signature)
        return self.send(self.book.placeSigned, *args, by=self.w.keeper, **more)

    def cancel_signed(self, order: Order, signature: bytes, **more: Any) -> Receipt:
        """Handed in by the keeper."""
        args = (order.as_tuple(), signature)
        return self.send(self.book.cancelSigned, *args, by=self.w.keeper, **more)

    def wallet(self) -> Contract:
        """A contract that owns and signs, rich, and lets the book trade for it."""
        w = self.w
        wallet = deploy(w.rpc, "SignerWallet", sender=w.deployer).as_(w.deployer)
        w.token.mint(wallet, 100_000 * w.one)
        self.owners.append(wallet.address)
        wallet.run(w.token, w.token.approve.encode(self.book, 2**256 - 1))
        wallet.run(self.market, self.market.setDelegate.encode(0, self.book, SOON))
        return wallet


__all__ = [
    "ANY",
    "KEY",
    "NOTHING",
    "OTHER_KEY",
    "SIZE",
    "SOON",
    "WAD",
    "Desk",
    "Order",
    "OrderKind",
    "OrderReason",
    "OrderStatus",
    "Reason",
    "hash_of",
    "market_refuses",
    "refused",
    "reverts",
]
