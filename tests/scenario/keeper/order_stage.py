"""Orders on a stage: people who place them, and what the twin's rules say of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keeper_stage import ANY, SOON, WAD, Stage, addresses

from bulkhead.chain.contract import Contract, at, events
from bulkhead.keeper.service import Keeper
from bulkhead.model import order_rules
from bulkhead.model.order_types import Order, OrderKind, OrderStatus, hash_of

USD = 10**6
FEE = 20 * USD


@dataclass
class Desk:
    """The stage's order book and everything that was placed in it."""

    stage: Stage
    placed: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        stage = self.stage
        self.book: Contract = at(stage.rpc, "OrderBook", stage.market.ORDER_BOOK())
        for who in stage.people[6:9]:
            stage.market.setDelegate(0, self.book.address, SOON, sender=who)
            stage.system.token.approve(self.book.address, 2**256 - 1, sender=who)

    def place(self, kind: OrderKind, size: float, trigger: float = 0, **more: Any) -> Order:
        """By the seventh of the people, unless another `who` is named: a new position, or an exit
        of position `of`."""
        stage, who = self.stage, more.pop("who", 6)
        signed = round(size * 10**9) * 10**9
        given: dict[str, Any] = {
            "owner": stage.people[who].lower(),
            "kind": kind,
            "size": signed,
            "trigger_price": round(trigger * 10**6) * 10**12,
            "price_limit": ANY[signed > 0],
            "keeper_fee": FEE,
            "expiry": stage.rpc.time() + 86_400,
            "salt": len(self.placed),
        }
        of = more.pop("of", 0)
        if of:
            held = stage.market.position(of)
            given |= {"position_id": of, "epoch": stage.market.epochOf(of), "phase": held.phase}
            given["reduce_only"] = True
        else:
            given["margin"] = 1_000 * USD
        order = Order(**given | more)
        self.book.place(order.as_tuple(), sender=stage.people[who])
        self.placed.append(order)
        return order

    def status(self, order: Order) -> OrderStatus:
        """In the book."""
        return OrderStatus(self.book.orderState(hash_of(order)).status)

    def with_status(self, status: OrderStatus) -> set[bytes]:
        """Hashes of those that stand so."""
        return {hash_of(one) for one in self.placed if self.status(one) == status}

    def foretold(self) -> set[bytes]:
        """Hashes of placed orders that the twin's rules call due at the market's mark."""
        stage = self.stage
        view = stage.system.lens.marketView(stage.market.address).state
        cfg = stage.market.config()
        found = set()
        for one in self.placed:
            kept = self.book.orderState(hash_of(one))
            position = stage.market.position(kept.positionId)
            first = kept.changedAt + cfg.orderDelaySecs + 1
            if (
                kept.status == OrderStatus.PLACED
                and view.publishedAt >= first
                and order_rules.traded(one, position.size)[0] is None
                and order_rules.triggered(one, kept.best, view.mark) is None
            ):
                found.add(hash_of(one))
        return found

    def fills(self) -> list[Any]:
        """Every fill so far, as events."""
        return events(self.stage.rpc.logs(start=0, of=self.book.address), "OrderFilled")

    def earned(self, place: int = 0) -> int:
        """By a keeper (token units)."""
        return int(self.stage.system.token.balanceOf(addresses()[place]))


def same_orders(desk: Desk, keeper: Keeper) -> None:
    """The keeper's memory and database hold what the book does."""
    seat = keeper.seats[0]
    kept = {row.hash: row for row in seat.store.orders()}
    placed = desk.with_status(OrderStatus.PLACED)
    live = {h for h, row in kept.items() if row.status == OrderStatus.PLACED}
    assert live == {"0x" + one.hex() for one in placed}
    assert set(seat.watch.orders.orders) == live
    for one in placed:
        state, row = desk.book.orderState(one), kept["0x" + one.hex()]
        assert (row.changed_at, row.position, row.best) == (
            state.changedAt, state.positionId, state.best,
        )  # fmt: skip


def mixed(desk: Desk, count: int = 30) -> None:
    """Orders of every kind, spread over prices around 2,000."""
    stage = desk.stage
    longs = [stage.open(1, 400) for _ in range(count // 3)]
    for place, id_ in enumerate(longs):  # exits: stops, take-profits, trailing stops in turn
        level = 2_000 + (-1 if place % 3 == 0 else 1) * (4 + 3 * place)
        kinds = (OrderKind.STOP, OrderKind.LIMIT, OrderKind.TRAILING_STOP)
        kind = kinds[place % 3]
        if kind == OrderKind.TRAILING_STOP:
            desk.place(kind, -1, 0, of=id_, trail=(5 + place) * WAD // 1_000)
        else:
            desk.place(kind, -1, level, of=id_)
    for place in range(count - len(longs)):
        side = 1 if place % 2 else -1
        away = 3 + 2 * place
        who = 7 + place % 2
        if place % 5 == 0:
            desk.place(OrderKind.MARKET, side, who=who)
        elif place % 5 < 3:
            desk.place(OrderKind.LIMIT, side, 2_000 - side * away, who=who)
        else:
            desk.place(OrderKind.STOP, side, 2_000 + side * away, who=who)


__all__ = ["FEE", "USD", "WAD", "Desk", "Order", "OrderKind", "OrderStatus", "mixed", "same_orders"]
