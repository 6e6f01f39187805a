"""Cancelling, editing, releasing, and every step from every status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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

MARK = 2_000 * WAD


def changed(desk: Desk, order: Order, **over: Any) -> Order:
    """The same order but for some fields, with a salt of its own."""
    found = replace(order, **{"salt": len(desk.seen) + 500} | over)
    desk.seen[hash_of(found)] = found
    return found


# ---- statuses


def trail(desk: Desk) -> Order:
    """A trailing stop that fills at once where it is due."""
    id_ = desk.opened()
    return desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=1, trigger_price=2**96 - 1)


def bring(desk: Desk, order: Order, status: OrderStatus) -> None:
    """An order into a status, at a moment where it is due."""
    if status != OrderStatus.NONE:
        desk.place(order)
    desk.due()
    if status == OrderStatus.FILLED:
        desk.execute(order)
    elif status == OrderStatus.CANCELLED:
        desk.cancel(order)
    elif status == OrderStatus.RELEASED:
        desk.w.at(order.expiry + 1)
        desk.release(order)
    assert desk.status(order) == status


ACTIONS: dict[str, tuple[Callable[[Desk, Order], object], set[OrderStatus], OrderStatus]] = {
    "place": (lambda d, o: d.place(o), {OrderStatus.NONE}, OrderStatus.NONE),
    "cancel": (
        lambda d, o: d.cancel(o),
        {OrderStatus.NONE, OrderStatus.PLACED},
        OrderStatus.PLACED,
    ),
    "edit": (
        lambda d, o: d.edit(o, changed(d, o)),
        {OrderStatus.PLACED},
        OrderStatus.PLACED,
    ),
    "execute": (lambda d, o: d.execute(o), {OrderStatus.PLACED}, OrderStatus.PLACED),
    "advance": (lambda d, o: d.advance(o), {OrderStatus.PLACED}, OrderStatus.PLACED),
    "release": (lambda d, o: d.release(o), set(), OrderStatus.PLACED),
}


@pytest.mark.parametrize("status", list(OrderStatus))
@pytest.mark.parametrize("action", ACTIONS)
def test_every_step_from_every_status(desk: Desk, status: OrderStatus, action: str) -> None:
    act, allowed, wanted = ACTIONS[action]
    order = trail(desk)
    bring(desk, order, status)
    if status in allowed:
        act(desk, order)
        return
    if (action, status) == ("release", OrderStatus.PLACED):
        with refused(OrderReason.NOT_OVER, desk.w.now, order.expiry):
            act(desk, order)
        return
    before = desk.state(order)
    with refused(OrderReason.WRONG_STATUS, status, wanted):
        act(desk, order)
    assert desk.state(order) == before
    if status != OrderStatus.PLACED:
        assert desk.check(order, MARK)[:2] == (OrderReason.WRONG_STATUS, status)


# ---- cancelling


def test_cancel_needs_no_price(desk: Desk) -> None:
    w = desk.w
    id_ = desk.opened()
    orders = [desk.order(), desk.on(id_, size=WAD, margin=500), desk.exit(id_)]
    for order in orders:
        desk.place(order)
    new = desk.state(orders[0]).positionId
    w.oracle.setFailure(8)  # burns all gas
    w.at(w.now + 10**7)
    for order in orders:
        before = desk.balance(w.alice)
        assert desk.event(desk.cancel(order), "OrderCancelled").refund == 7
        assert desk.balance(w.alice) == before + 7
    desk.remove(new, 3_000 * w.one)
    assert desk.margin(new) == 0


def test_cancel_before_placing(desk: Desk) -> None:
    """Kills a signature that is out in the world; nothing is paid."""
    order = desk.order()
    assert desk.event(desk.cancel(order), "OrderCancelled").refund == 0
    assert desk.status(order) == OrderStatus.CANCELLED
    with refused(OrderReason.WRONG_STATUS, OrderStatus.CANCELLED, OrderStatus.NONE):
        desk.place(order)


def test_who_cancels(desk: Desk) -> None:
    w = desk.w
    id_ = desk.opened()
    for order, placed in ((desk.exit(id_), True), (desk.exit(id_), False), (desk.order(), False)):
        if placed:
            desk.place(order)
        for who in (w.bob, w.keeper):
            with reverts("NotAuthorised", owner=w.alice, caller=who):
                desk.cancel(order, by=who)
    desk.send(desk.market.setDelegate, id_, w.bob, SOON, by=w.alice)
    placed, unplaced, new = desk.exit(id_), desk.exit(id_), desk.order()
    desk.place(placed)
    desk.place(new)
    desk.cancel(placed, by=w.bob)
    desk.cancel(unplaced, by=w.bob)
    with reverts("NotAuthorised"):  # another position
        desk.cancel(new, by=w.bob)
    desk.send(desk.market.setDelegate, 0, w.carol, SOON, by=w.alice)
    desk.cancel(new, by=w.carol)
    desk.cancel(desk.order(), by=w.carol)


# ---- releasing


@pytest.mark.parametrize(("fee", "share"), [(0, 0), (3, 0), (4, 1), (7, 1), (8, 2)])
def test_an_expired_order(desk: Desk, fee: int, share: int) -> None:
    """A quarter of the fee, rounded down, to who cleans up, and not before it has expired."""
    w = desk.w
    order = desk.order(keeper_fee=fee)
    desk.place(order)
    id_ = desk.state(order).positionId
    w.at(order.expiry)
    with refused(OrderReason.NOT_OVER, order.expiry, order.expiry):
        desk.release(order)
    w.at(order.expiry + 1)
    w.silence()
    mine, keeper = desk.balance(w.alice), desk.balance(w.keeper)
    released = desk.event(desk.release(order), "OrderReleased")
    assert (released.fee, released.refund) == (share, fee - share)
    assert desk.balance(w.alice) - mine == fee - share
    assert desk.balance(w.keeper) - keeper == share
    desk.remove(id_, 3_000 * w.one)


def test_an_expired_order_of_a_former_owner(desk: Desk) -> None:
    """Its refund is still its owner's; no lock of the new owner's is touched."""
    w = desk.w
    id_ = desk.opened()
    order = desk.on(id_, size=WAD, margin=500)
    desk.place(order)
    desk.send(desk.market.transferPosition, id_, w.bob, by=w.alice)
    theirs = desk.on(id_, size=WAD, margin=200, expiry=SOON // 2)
    desk.place(theirs)
    w.at(order.expiry + 1)
    before = desk.balance(w.alice)
    assert desk.event(desk.release(order), "OrderReleased").fee == 1
    assert (desk.balance(w.alice) - before, desk.lock(id_)) == (6, 200)


# ---- editing


@pytest.mark.parametrize("margin", [0, 2_000, 3_000, 4_000])
@pytest.mark.parametrize("fee", [0, 7, 9])
@pytest.mark.parametrize("named", [True, False], ids=["named", "taken over"])
def test_edit_an_opening_order(desk: Desk, margin: int, fee: int, named: bool) -> None:
    """The caller pays what it has more of margin; what it has less is free in the vault."""
    w, one = desk.w, desk.w.one
    order = desk.order()
    desk.place(order)
    id_ = desk.state(order).positionId
    w.tick(seconds=5)
    edited = changed(
        desk,
        order,
        margin=margin * one,
        keeper_fee=fee,
        size=-SIZE,
        price_limit=0,
        position_id=id_ if named else 0,
    )
    before = desk.balance(w.alice)
    receipt = desk.edit(order, edited)
    assert desk.event(receipt, "OrderCancelled").refund == 7
    assert desk.event(receipt, "OrderPlaced").orderHash == hash_of(edited)
    more = max(0, margin - 3_000) * one
    assert before - desk.balance(w.alice) == more + fee - 7
    assert (desk.margin(id_), desk.lock(id_)) == (max(margin, 3_000) * one, margin * one)
    assert (desk.status(order), desk.state(edited).positionId) == (OrderStatus.CANCELLED, id_)
    free = desk.margin(id_) - margin * one
    if free:
        desk.remove(id_, free)
    w.tick(seconds=desk.delay)
    with refused(OrderReason.TOO_EARLY, w.now, w.now + 1) if margin else reverts():
        desk.execute(edited)


def test_an_edit_waits_anew(desk: Desk) -> None:
    """No mark that was seen before the edit fills what it made."""
    order = desk.order()
    desk.place(order)
    desk.due()
    edited = changed(desk, order)
    desk.edit(order, edited)
    now = desk.w.now
    with refused(OrderReason.TOO_EARLY, now, now + desk.delay + 1):
        desk.execute(edited)
    desk.due()
    desk.execute(edited)


def test_edit_on_an_open_position(desk: Desk) -> None:
    id_ = desk.opened()
    stop = desk.exit(id_, kind=OrderKind.STOP, trigger_price=MARK - WAD)
    desk.place(stop)
    profit = desk.exit(id_, kind=OrderKind.LIMIT, trigger_price=MARK + WAD)
    desk.edit(stop, profit)
    more = desk.on(id_, size=WAD, margin=600)
    desk.edit(profit, more)
    assert desk.lock(id_) == 600
    desk.edit(more, desk.exit(id_))
    assert desk.lock(id_) == 0


def test_what_an_edit_can_t_change(desk: Desk) -> None:
    w = desk.w
    order, other = desk.order(), desk.order()
    parent = desk.place(order)
    desk.place(other)
    mine, elsewhere = desk.state(order).positionId, desk.state(other).positionId
    bob = changed(desk, order, owner=w.bob)
    with refused(OrderReason.WRONG_OWNER, int(w.bob, 16), int(w.alice, 16)):
        desk.edit(order, bob)
    with refused(OrderReason.BAD_PARENT, mine, elsewhere):
        desk.edit(order, changed(desk, order, position_id=elsewhere))
    with refused(OrderReason.BAD_PARENT, mine, elsewhere):
        desk.edit(order, changed(desk, order, parent=hash_of(other)))
    with refused(OrderReason.WRONG_STATUS, OrderStatus.CANCELLED, OrderStatus.NONE):
        desk.edit(order, order)
    with refused(OrderReason.WRONG_STATUS, OrderStatus.PLACED, OrderStatus.NONE):
        desk.edit(order, changed(desk, other, salt=other.salt))
    with refused(OrderReason.PARENT_NOT_FILLED, OrderStatus.CANCELLED, OrderStatus.FILLED):
        desk.edit(order, changed(desk, order, parent=parent))
    with refused(OrderReason.BAD_SIZE):
        desk.edit(order, changed(desk, order, size=0))
    with refused(OrderReason.WRONG_PHASE, 0, 1):
        desk.edit(order, changed(desk, order, phase=1))
    with reverts("NotAuthorised"):
        desk.edit(order, changed(desk, order), by=w.bob)


def test_a_delegate_edits_and_pays(desk: Desk) -> None:
    """The old fee goes to the owner, the new one is the delegate's."""
    w = desk.w
    order = desk.order()
    desk.place(order)
    desk.send(desk.market.setDelegate, 0, w.bob, SOON, by=w.alice)
    mine, theirs = desk.balance(w.alice), desk.balance(w.bob)
    edited = changed(desk, order, keeper_fee=9, margin=3_000 * w.one + 5)
    desk.edit(order, edited, by=w.bob)
    assert desk.balance(w.alice) - mine == 7
    assert theirs - desk.balance(w.bob) == 14


def test_an_expired_order_is_edited_back_to_life(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    desk.w.at(order.expiry + 1)
    edited = changed(desk, order, expiry=desk.w.now + 3_600)
    desk.edit(order, edited)
    desk.due()
    desk.execute(edited)


# ---- locks


def test_margin_that_waits_can_t_be_removed(desk: Desk) -> None:
    """Until its order ends, however it ends; another's order on the id keeps its own."""
    w, one = desk.w, desk.w.one
    orders = [desk.order()]
    desk.place(orders[0])
    id_ = desk.state(orders[0]).positionId
    for margin in (100, 20, 3):
        orders.append(desk.on(id_, size=SIZE, margin=margin * one))
        desk.place(orders[-1])
    left = 3_123 * one
    for order in orders:
        assert (desk.margin(id_), desk.lock(id_)) == (left, left)
        with reverts("Refused", actual=1, limit=0):
            desk.remove(id_, 1)
        desk.cancel(order)
        left -= order.margin
        with reverts("Refused", actual=order.margin + 1, limit=order.margin):
            desk.remove(id_, order.margin + 1)
        desk.remove(id_, order.margin)
    assert w.market.lockedOf(id_) == 0


def test_a_fill_frees_its_own_margin_alone(desk: Desk) -> None:
    one = desk.w.one
    entry = desk.order()
    id_ = desk.fill(entry)
    adds = [desk.on(id_, size=WAD, margin=margin * one) for margin in (100, 20)]
    for order in adds:
        desk.place(order)
    desk.due()
    desk.execute(adds[0])
    assert desk.lock(id_) == 20 * one
    desk.close(id_)
    desk.remove(id_, desk.margin(id_) - 20 * one)
    with reverts("Refused", actual=1, limit=0):
        desk.remove(id_, 1)
    desk.release(adds[1])
    desk.remove(id_, 20 * one)


def test_revoked_locks(desk: Desk) -> None:
    """Who revokes the book may take the margin; orders end all the same, and what is placed
    afterwards is locked anew."""
    w, one = desk.w, desk.w.one
    order, other = desk.order(), desk.order()
    desk.place(order)
    desk.place(other)
    id_ = desk.state(order).positionId
    desk.send(desk.market.setDelegate, 0, desk.book, 0, by=w.alice)
    desk.locks = False
    desk.send(desk.market.freeLock, id_, desk.book, by=w.dave)
    desk.remove(id_, 3_000 * one)
    desk.cancel(order)
    assert desk.lock(id_) == 0
    desk.cancel(other)  # not freed: lowered without the delegation
    assert desk.lock(desk.state(other).positionId) == 0
    desk.send(desk.market.setDelegate, 0, desk.book, SOON, by=w.alice)
    desk.place(desk.on(id_, size=SIZE, margin=50))
    assert desk.lock(id_) == 50


def test_a_lock_falls_to_nothing_at_the_least(desk: Desk) -> None:
    """Freed and locked anew in between: the earlier order's end takes the later one's lock."""
    w = desk.w
    id_ = desk.opened()
    first, second = desk.on(id_, size=WAD, margin=500), desk.on(id_, size=WAD, margin=200)
    desk.place(first)
    desk.locks = False
    desk.send(desk.market.setDelegate, id_, desk.book, 0, by=w.alice)  # frees its lock
    assert desk.lock(id_) == 0
    desk.place(second)  # a delegate of all it still is
    desk.cancel(first)
    assert desk.lock(id_) == 0
    desk.cancel(second)
