"""The order lens says what executing does: every field, and every refusal with its numbers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from market_world import ANY, WAD
from order_world import SIZE, Desk

from bulkhead.chain.contract import deploy, events
from bulkhead.chain.decode import registry
from bulkhead.chain.errors import Reverted
from bulkhead.model.order_types import Order, OrderKind, OrderReason, OrderStatus, hash_of
from bulkhead.model.types import Reason

USD = 10**6
DUE = {
    OrderReason.TOO_EARLY,
    OrderReason.MARK_TOO_OLD,
    OrderReason.NO_TRIGGER,
    OrderReason.TRIGGER_NOT_REACHED,
}


class Foresight:
    """The order lens beside a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk, rpc = desk, desk.w.rpc
        self.lens = deploy(rpc, "OrderLens", sender=desk.w.deployer)
        self.market_lens = deploy(rpc, "MarketLens", sender=desk.w.deployer)

    def ask(self, order: Order) -> Any:
        return self.lens.previewOrder(self.desk.book, order.as_tuple())

    def play(self, order: Order) -> Any:
        """Asks, executes, and compares everything there is to compare."""
        said = self.ask(order)
        try:
            receipt = self.desk.execute(order)
        except Reverted as problem:
            self._refused(said, problem)
            return said
        what = f"{order}: {said}"
        assert said.executes, what
        assert (said.reason, said.actual, said.limit) == (0, 0, 0), what
        filled = self.desk.event(receipt, "OrderFilled")
        (event,) = events(receipt, "PositionChanged")
        trade = said.trade
        assert (trade.allowed, trade.failure) == (True, b""), what
        assert (filled.size, filled.mark) == (said.size, trade.mark), what
        for field in ("fill", "fee", "fundingPaid"):
            assert getattr(trade, field) == getattr(event, field), f"{field} of {what}"
        now = self.market_lens.positionsOf(self.desk.market, [trade.position.id])[0]
        for field in now._fields:
            assert getattr(trade.position, field) == getattr(now, field), f"{field} of {what}"
        return said

    def _refused(self, said: Any, problem: Reverted) -> None:
        what = f"{said}: {problem}"
        error = registry().error(problem.data)
        assert error is not None, what
        assert not said.executes, what
        told = dict(error.args)
        if error.name == "OrderRefused":
            assert (said.reason, said.actual, said.limit) == tuple(told.values()), what
            assert said.trade.allowed == (OrderReason(said.reason) in DUE), what
            return
        assert (said.reason, said.trade.allowed) == (0, False), what
        if error.name == "Refused":
            trade = said.trade
            assert (trade.reason, trade.actual, trade.limit) == tuple(told.values()), what
            assert not trade.failure, what
        else:
            assert said.trade.failure == problem.data, what


@pytest.fixture
def sight(desk: Desk) -> Foresight:
    return Foresight(desk)


@pytest.mark.parametrize("seed", range(3))
def test_whole_walk(new_desk: Callable[..., Desk], seed: int) -> None:
    """Orders of every kind through random prices: executed, or refused as foretold."""
    dice = random.Random(seed)
    desk = new_desk(liquidity=10_000_000 if seed else 300_000)
    sight, w = Foresight(desk), desk.w
    ids: list[int] = []
    orders: list[Order] = []
    price, ends = 2_000, Counter[str]()
    for _ in range(70):
        if dice.random() < 0.5:
            price = price * dice.randint(970, 1031) // 1000
            w.tick(price * WAD, seconds=dice.choice([1, 5, 13, 60, 60, 700]))
        if dice.random() < 0.6:
            orders.append(_placed(dice, desk, ids, price))
        if not orders:
            continue
        placed = [one for one in orders if desk.status(one) == OrderStatus.PLACED]
        one = dice.choice(placed if placed and dice.random() < 0.9 else orders)
        if one.kind == OrderKind.TRAILING_STOP and dice.random() < 0.5:
            desk.book.advance.send(one.as_tuple(), sender=w.dave, check=False)
        said = sight.play(one)
        if said.executes:
            ends["filled"] += 1
            ids.append(said.trade.position.id)
        elif said.reason:
            ends[OrderReason(said.reason).name] += 1
        else:
            ends["market"] += 1
    assert ends["filled"] >= 6, ends
    assert ends["market"] >= 1, ends
    assert len(ends) >= 6, ends


def _placed(dice: random.Random, desk: Desk, ids: list[int], price: int) -> Order:
    """An order that the book takes: of a kind, on a position or a new one, near the price."""
    w = desk.w
    while True:
        kind = dice.choice(list(OrderKind))
        side = dice.choice([1, -1])
        size = side * dice.randint(1, 30) * SIZE // 10
        level = 0 if kind == OrderKind.MARKET else price * dice.randint(980, 1020) * WAD // 1000
        limit = ANY[side] if dice.random() < 0.8 else price * WAD
        more: dict[str, Any] = {
            "kind": kind, "size": size, "trigger_price": level, "price_limit": limit,
            "expiry": w.now + dice.choice([300, 20_000, 20_000]),
            "margin": dice.choice([300, 3_000, 9_000]) * USD,
        }  # fmt: skip
        if kind == OrderKind.TRAILING_STOP:
            more |= {"trail": WAD // 100, "trigger_price": dice.choice([0, level])}
        if kind == OrderKind.TRAILING_STOP or (ids and dice.random() < 0.4):
            more |= {"reduce_only": True, "margin": 0}
        if ids and (more.get("reduce_only") or dice.random() < 0.3):
            order = desk.on(dice.choice(ids), **more)
        elif more.get("reduce_only"):
            continue
        else:
            order = desk.order(**more)
        if desk.book.place.send(order.as_tuple(), sender=w.alice, check=False).ok:
            return order
        desk.seen.pop(hash_of(order))


def reason(sight: Foresight, order: Order, want: OrderReason | Reason) -> Any:
    said = sight.play(order)
    if isinstance(want, OrderReason):
        assert OrderReason(said.reason) == want
    else:
        assert (said.reason, Reason(said.trade.reason)) == (0, want)
    return said


def test_reasons_of_the_book(sight: Foresight) -> None:
    desk, w = sight.desk, sight.desk.w
    unknown = desk.order()
    reason(sight, unknown, OrderReason.WRONG_STATUS)
    desk.place(unknown)
    early = reason(sight, unknown, OrderReason.TOO_EARLY)
    assert early.trade.fill > early.trade.mark  # what it would be filled at, were it time
    desk.due()
    w.at(w.now + desk.window + 1)
    reason(sight, unknown, OrderReason.MARK_TOO_OLD)
    w.at(unknown.expiry + 1)
    reason(sight, unknown, OrderReason.EXPIRED)
    id_ = desk.opened()
    stop = desk.exit(id_, kind=OrderKind.STOP, trigger_price=1_900 * WAD)
    trail = desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=WAD // 100)
    for one in (stop, trail):
        desk.place(one)
    desk.due(2_000 * WAD)
    reason(sight, stop, OrderReason.TRIGGER_NOT_REACHED)
    reason(sight, trail, OrderReason.NO_TRIGGER)
    desk.close(id_)
    reason(sight, stop, OrderReason.WRONG_PHASE)


def test_reasons_of_the_market(sight: Foresight) -> None:
    desk, w = sight.desk, sight.desk.w
    dear = desk.order(price_limit=1_500 * WAD)
    thin = desk.order(margin=100 * USD)
    huge = desk.order(size=w.params.max_skew + WAD, margin=90_000 * USD)
    for one in (dear, thin, huge):
        desk.place(one)
    desk.due()
    reason(sight, dear, Reason.PRICE_LIMIT)
    reason(sight, thin, Reason.MARGIN_TOO_LOW)
    reason(sight, huge, Reason.SKEW_TOO_LARGE)
    desk.market.enterReduceOnly(sender=w.guardian)
    reason(sight, thin, Reason.MODE_FORBIDS)


def test_revoked_book__is_the_markets_error(sight: Foresight) -> None:
    desk, w = sight.desk, sight.desk.w
    one = desk.order()
    desk.place(one)
    desk.due()
    desk.market.setDelegate(0, desk.book, 0, sender=w.alice)
    said = sight.play(one)
    error = registry().error(said.trade.failure)
    assert error is not None
    assert error.name == "NotAuthorised"


def test_no_price__is_the_oracles_error(sight: Foresight) -> None:
    desk, w = sight.desk, sight.desk.w
    one = desk.order()
    desk.place(one)
    w.at(w.now + desk.delay + 1)
    w.silence()
    said = sight.play(one)
    assert said.trade.failure


def test_delayed_only__the_book_may(new_desk: Callable[..., Desk]) -> None:
    """Where nobody else trades, the book's orders are foretold all the same."""
    desk = new_desk(delayed_only=1)
    sight = Foresight(desk)
    one = desk.order()
    desk.place(one)
    desk.due()
    assert sight.play(one).executes
    id_ = desk.state(one).positionId
    exit_ = desk.exit(id_)
    desk.place(exit_)
    desk.due(2_010 * WAD)
    said = sight.play(exit_)
    assert said.executes
    assert said.trade.position.size == 0


def test_locked_margin__is_shown_free_after_the_fill(sight: Foresight) -> None:
    """Of two orders' margin on one position, that of the one that waits stays locked."""
    desk = sight.desk
    id_ = desk.opened()
    first, second = (desk.on(id_, size=SIZE, margin=3_000 * USD) for _ in range(2))
    desk.place(first)
    desk.place(second)
    desk.due()
    assert sight.play(first).trade.position.locks == 3_000 * USD
    assert sight.play(second).trade.position.locks == 0
