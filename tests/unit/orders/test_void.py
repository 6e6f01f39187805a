"""What an order is bound to: owner, epoch and phase of its position, its parent. Once one of them
is gone it can never fill, and anybody cleans it up without pay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from order_world import (
    SIZE,
    SOON,
    WAD,
    Desk,
    Order,
    OrderKind,
    OrderReason,
    OrderStatus,
    hash_of,
    refused,
    reverts,
)

from bulkhead.model.types import LiquidationResult

MARK = 2_000 * WAD
SIGNS = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


def is_void(desk: Desk, order: Order, reason: OrderReason, actual: int, limit: int) -> None:
    """It neither fills nor can be edited; released, everything goes back, and it is over."""
    with refused(reason, actual, limit):
        desk.execute(order)
    assert desk.check(order, MARK) == (reason, actual, limit, 0)
    with refused(reason, actual, limit):
        desk.edit(order, desk.on(desk.state(order).positionId, owner=order.owner, size=WAD))
    before, paid = desk.balance(order.owner), desk.balance(desk.w.keeper)
    released = desk.event(desk.release(order), "OrderReleased")
    assert (released.fee, released.refund, released.keeper) == (0, 7, desk.w.keeper)
    assert desk.balance(order.owner) == before + 7
    assert desk.balance(desk.w.keeper) == paid
    assert desk.status(order) == OrderStatus.RELEASED


def test_transferred(desk: Desk) -> None:
    """Void for the new owner, and for the old one even if the position comes back; the new
    owner's locks are not touched."""
    w = desk.w
    id_ = desk.opened()
    one, two = desk.on(id_, size=WAD, margin=500), desk.exit(id_)
    desk.place(one)
    desk.place(two)
    desk.send(desk.market.transferPosition, id_, w.bob, by=w.alice)
    assert desk.lock(id_) == 0
    theirs = desk.on(id_, size=WAD, margin=300)
    desk.place(theirs)
    assert (theirs.owner, theirs.epoch) == (w.bob, 1)
    desk.due()
    is_void(desk, one, OrderReason.WRONG_OWNER, int(w.bob, 16), int(w.alice, 16))
    assert desk.lock(id_) == 300
    desk.cancel(theirs)
    desk.send(desk.market.transferPosition, id_, w.alice, by=w.bob)
    is_void(desk, two, OrderReason.WRONG_EPOCH, 2, 0)


def test_transferred_to_its_own_owner(desk: Desk) -> None:
    w = desk.w
    id_ = desk.opened()
    order = desk.on(id_, size=WAD, margin=500)
    desk.place(order)
    desk.send(desk.market.transferPosition, id_, w.alice, by=w.alice)
    desk.remove(id_, 500)  # the lock went with its epoch
    desk.due()
    is_void(desk, order, OrderReason.WRONG_EPOCH, 1, 0)


def test_the_old_owner_cancels_after_a_transfer(desk: Desk) -> None:
    """And nobody else: not the new owner, not the position's delegate."""
    w = desk.w
    id_ = desk.opened()
    order = desk.exit(id_)
    desk.place(order)
    desk.send(desk.market.setDelegate, id_, w.dave, SOON, by=w.alice)
    desk.send(desk.market.transferPosition, id_, w.bob, by=w.alice)
    for who in (w.bob, w.dave):
        with reverts("NotAuthorised", owner=w.alice, caller=who):
            desk.cancel(order, by=who)
    desk.cancel(order)


@SIGNS
@pytest.mark.parametrize("reopened", [False, True])
def test_closed_and_opened_again(desk: Desk, sign: int, reopened: bool) -> None:
    id_ = desk.opened(sign)
    orders = [desk.on(id_, size=sign * WAD, margin=500), desk.exit(id_)]
    for order in orders:
        desk.place(order)
    desk.close(id_)
    if reopened:
        desk.trade(id_, sign * SIZE)
    desk.due()
    for order in orders:
        is_void(desk, order, OrderReason.WRONG_PHASE, 3 if reopened else 2, 1)
    assert desk.lock(id_) == 0


@SIGNS
def test_liquidated(desk: Desk, sign: int) -> None:
    """Its margin too may be gone then: the lock is no protection from that."""
    w = desk.w
    id_ = desk.opened(sign, margin=1_500 * w.one)
    more, out = desk.on(id_, size=sign * WAD, margin=300 * w.one), desk.exit(id_)
    desk.place(more)
    desk.place(out)
    desk.w.tick(MARK - sign * 170 * WAD)
    desk.send(desk.market.liquidate, id_, w.keeper, by=w.keeper)
    assert desk.market.position(id_).phase == 2
    desk.due()
    for order in (more, out):
        is_void(desk, order, OrderReason.WRONG_PHASE, 2, 1)
    left = desk.margin(id_)
    if left:
        desk.remove(id_, left)


@SIGNS
def test_liquidated_in_part(desk: Desk, sign: int) -> None:
    """It is the same position: what is left is reduced."""
    w = desk.w
    id_ = desk.fill(desk.order(size=sign * 100 * WAD, margin=11_000 * w.one))
    order = desk.exit(id_)
    desk.place(order)
    desk.w.tick(MARK - sign * 65 * WAD)
    result = desk.market.liquidate.call(id_, w.keeper, sender=w.keeper)
    assert result == LiquidationResult.PARTIAL
    desk.send(desk.market.liquidate, id_, w.keeper, by=w.keeper)
    left = desk.market.position(id_).size
    assert 0 < abs(left) < 100 * WAD
    desk.due()
    assert desk.event(desk.execute(order), "OrderFilled").size == -left
    assert desk.market.position(id_).size == 0


def test_a_flat_position_that_was_opened_otherwise(desk: Desk) -> None:
    """An opening order does not open on top of what its owner opened."""
    order = desk.order()
    desk.place(order)
    id_ = desk.state(order).positionId
    desk.trade(id_, SIZE)
    desk.due()
    is_void(desk, order, OrderReason.WRONG_PHASE, 1, 0)
    assert desk.lock(id_) == 0


def test_an_order_that_still_may_fill_is_not_over(desk: Desk) -> None:
    """Not even where it can't fill now: a trailing stop without trigger, a pending child."""
    order = desk.order()
    parent = desk.place(order)
    child = desk.order(parent=parent, phase=1, reduce_only=True, size=-SIZE)
    desk.place(child)
    desk.due()
    for one in (order, child):
        with refused(OrderReason.NOT_OVER, desk.w.now, one.expiry):
            desk.release(one)


# ---- parents


def bracket(desk: Desk, **over: object) -> tuple[Order, Order]:
    """An entry, and an exit that waits for it."""
    entry = desk.order()
    parent = desk.place(entry)
    exit_ = desk.order(**{"parent": parent, "phase": 1, "size": -SIZE, "reduce_only": True} | over)
    return entry, exit_


def test_a_child_waits_for_its_parent(desk: Desk) -> None:
    """And its delay begins when that is filled."""
    entry, child = bracket(desk)
    desk.place(child)
    assert desk.state(child).positionId == desk.state(entry).positionId
    desk.due()
    with refused(OrderReason.PARENT_NOT_FILLED, OrderStatus.PLACED, OrderStatus.FILLED):
        desk.execute(child)
    desk.execute(entry)
    filled = desk.w.now
    with refused(OrderReason.TOO_EARLY, filled, filled + desk.delay + 1):
        desk.execute(child)
    desk.w.tick(seconds=desk.delay)
    with refused(OrderReason.TOO_EARLY, filled + desk.delay, filled + desk.delay + 1):
        desk.execute(child)
    desk.w.tick(seconds=1)
    desk.execute(child)


def test_a_child_placed_after_its_parent_s_fill_waits_from_then(desk: Desk) -> None:
    entry = desk.order()
    id_ = desk.fill(entry)
    desk.w.tick(seconds=50)
    child = desk.exit(id_, parent=hash_of(entry))
    desk.place(child)
    placed = desk.w.now
    desk.w.tick(seconds=desk.delay)
    with refused(OrderReason.TOO_EARLY, placed + desk.delay, placed + desk.delay + 1):
        desk.execute(child)
    desk.w.tick(seconds=1)
    desk.execute(child)


@pytest.mark.parametrize("phase", [0, 2, 3])
def test_a_child_of_another_phase(desk: Desk, phase: int) -> None:
    """Placed whatever its phase is, void once its parent is filled."""
    entry, child = bracket(desk, phase=phase)
    desk.place(child)
    desk.due()
    desk.execute(entry)
    desk.due()
    is_void(desk, child, OrderReason.WRONG_PHASE, 1, phase)


def ended_by_cancel(desk: Desk, order: Order) -> None:
    desk.cancel(order)


def ended_by_edit(desk: Desk, order: Order) -> None:
    desk.edit(order, desk.order())


def ended_by_expiry(desk: Desk, order: Order) -> None:
    desk.w.at(order.expiry + 1)
    desk.release(order)


def ended_by_void(desk: Desk, order: Order) -> None:
    id_ = desk.state(order).positionId
    desk.trade(id_, SIZE)
    desk.release(order)


@pytest.mark.parametrize("end", [ended_by_cancel, ended_by_edit, ended_by_expiry, ended_by_void])
def test_a_child_of_a_parent_that_ended(desk: Desk, end: Callable[[Desk, Order], None]) -> None:
    entry, child = bracket(desk, expiry=SOON // 2)
    desk.place(child)
    end(desk, entry)
    status = desk.status(entry)
    assert status in (OrderStatus.CANCELLED, OrderStatus.RELEASED)
    with refused(OrderReason.PARENT_NOT_FILLED, status, OrderStatus.FILLED):
        desk.place(desk.order(parent=hash_of(entry)))
    is_void(desk, child, OrderReason.PARENT_NOT_FILLED, status, OrderStatus.FILLED)


def test_a_parent_must_be_known_and_of_the_same_position(desk: Desk) -> None:
    w = desk.w
    first, child = bracket(desk)
    other = desk.order()
    desk.place(other)
    mine, theirs = (desk.state(one).positionId for one in (first, other))
    with refused(OrderReason.PARENT_NOT_FILLED, OrderStatus.NONE, OrderStatus.FILLED):
        desk.place(desk.order(parent=b"\1" * 32))
    with refused(OrderReason.BAD_PARENT, mine, theirs):
        desk.place(desk.order(parent=hash_of(first), position_id=theirs))
    desk.place(desk.order(parent=hash_of(first), position_id=mine, phase=1))
    with refused(OrderReason.WRONG_OWNER):  # Bob's child on Alice's position
        desk.place(desk.order(owner=w.bob, parent=hash_of(first)))
    desk.place(child)


def test_a_parent_of_an_owner_before(desk: Desk) -> None:
    """What a former owner filled is filled: the new one's child only has to fit the position."""
    w = desk.w
    entry = desk.order()
    id_ = desk.fill(entry)
    desk.send(desk.market.transferPosition, id_, w.bob, by=w.alice)
    child = desk.exit(id_, parent=hash_of(entry))
    desk.place(child)
    desk.due()
    desk.execute(child)


def test_a_child_in_the_wrong_direction_is_never_filled_nor_void(desk: Desk) -> None:
    entry, child = bracket(desk, size=SIZE)
    desk.place(child)
    desk.due()
    desk.execute(entry)
    desk.due()
    with refused(OrderReason.WRONG_DIRECTION, SIZE, SIZE):
        desk.execute(child)
    with refused(OrderReason.NOT_OVER):
        desk.release(child)
    desk.cancel(child)


def test_a_child_that_adds(desk: Desk) -> None:
    """Pyramiding: a stop that adds once the entry is filled, its margin locked from the start."""
    w = desk.w
    entry, child = bracket(
        desk,
        kind=OrderKind.STOP,
        trigger_price=MARK + WAD,
        size=SIZE,
        reduce_only=False,
        margin=2_000 * w.one,
    )
    desk.place(child)
    id_ = desk.state(entry).positionId
    assert desk.lock(id_) == 5_000 * w.one
    desk.due()
    desk.execute(entry)
    assert desk.lock(id_) == 2_000 * w.one
    desk.due(MARK + WAD)
    desk.execute(child)
    assert (desk.market.position(id_).size, desk.lock(id_)) == (2 * SIZE, 0)
