"""Placing: what is taken, kept and refused. No price is read for any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from order_world import (
    SIZE,
    SOON,
    WAD,
    Desk,
    OrderKind,
    OrderReason,
    OrderStatus,
    hash_of,
    refused,
    reverts,
)

TOP = 2**112 - 1
SIGNS = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


@SIGNS
def test_an_order_on_a_new_position(desk: Desk, sign: int) -> None:
    w, one = desk.w, desk.w.one
    w.silence()
    before, id_ = desk.balance(w.alice), desk.market.state().nextId
    order = desk.order(size=sign * SIZE)
    desk.place(order)
    assert desk.market.position(id_).owner == w.alice
    assert (desk.market.position(id_).size, desk.market.position(id_).phase) == (0, 0)
    assert desk.margin(id_) == desk.lock(id_) == 3_000 * one
    assert desk.balance(desk.book.address) == 7
    assert before - desk.balance(w.alice) == 3_000 * one + 7
    assert desk.book.hashOf(order.as_tuple()) == hash_of(order)


def test_orders_on_an_open_position(desk: Desk) -> None:
    id_ = desk.opened()
    margin = desk.margin(id_)
    more = desk.on(id_, size=WAD, margin=500)
    desk.place(more)
    desk.place(desk.exit(id_))
    assert (desk.margin(id_), desk.lock(id_)) == (margin + 500, 500)
    assert desk.state(more).positionId == id_


def test_neither_margin_nor_fee(desk: Desk) -> None:
    before = desk.balance(desk.w.alice)
    desk.place(desk.order(margin=0, keeper_fee=0))
    assert desk.balance(desk.w.alice) == before


@pytest.mark.parametrize(
    ("over", "reason", "actual", "limit"),
    [
        ({"size": 0}, OrderReason.BAD_SIZE, 0, TOP),
        ({"size": TOP + 1}, OrderReason.BAD_SIZE, TOP + 1, TOP),
        ({"size": -TOP - 1}, OrderReason.BAD_SIZE, -TOP - 1, TOP),
        ({"kind": 3, "trail": 1}, OrderReason.NOT_REDUCE_ONLY, 3, 2),
        ({"trigger_price": 1}, OrderReason.BAD_TRIGGER, 1, 0),
        ({"kind": 1}, OrderReason.BAD_TRIGGER, 0, 1),
        ({"kind": 2}, OrderReason.BAD_TRIGGER, 0, 1),
        ({"kind": 1, "trigger_price": 2**96}, OrderReason.BAD_TRIGGER, 2**96, 2**96 - 1),
        ({"trail": 1}, OrderReason.BAD_TRIGGER, 1, 0),
        ({"kind": 2, "trigger_price": 1, "trail": 1}, OrderReason.BAD_TRIGGER, 1, 0),
        ({"kind": 3, "reduce_only": True}, OrderReason.BAD_TRIGGER, 0, 1),
        (
            {"kind": 3, "reduce_only": True, "trail": WAD},
            *(OrderReason.BAD_TRIGGER, WAD, WAD - 1),
        ),
        ({"reduce_only": True, "margin": 1}, OrderReason.BAD_MARGIN, 1, 0),
        ({"margin": 2**128}, OrderReason.BAD_MARGIN, 2**128, 2**128 - 1),
        ({"margin": 2**256 - 1}, OrderReason.BAD_MARGIN, 2**255 - 1, 2**128 - 1),
        ({"keeper_fee": 2**128}, OrderReason.BAD_FEE, 2**128, 2**128 - 1),
        ({"expiry": 2**40}, OrderReason.BAD_EXPIRY, 2**40, 2**40 - 1),
    ],
)
def test_shape(
    desk: Desk, over: dict[str, Any], reason: OrderReason, actual: int, limit: int
) -> None:
    with refused(reason, actual, limit):
        desk.place(desk.order(**over))
    assert desk.market.state().nextId == 1  # nothing was reserved


def test_expiry_lies_ahead(desk: Desk) -> None:
    now = desk.w.now
    with refused(OrderReason.BAD_EXPIRY, now, now + 1):
        desk.place(desk.order(expiry=now))
    desk.place(desk.order(expiry=now + 1))
    desk.place(desk.order(expiry=2**40 - 1))


@pytest.mark.parametrize(
    "over",
    [
        {"size": TOP},
        {"size": -TOP},
        {"kind": 1, "trigger_price": 1},
        {"kind": 2, "trigger_price": 2**96 - 1},
    ],
)
def test_shape_at_its_bounds(desk: Desk, over: dict[str, Any]) -> None:
    desk.place(desk.order(**over))


@pytest.mark.parametrize("trail", [1, WAD - 1])
@pytest.mark.parametrize("price", [0, 1, 2**96 - 1])
def test_a_trailing_stop_at_its_bounds(desk: Desk, trail: int, price: int) -> None:
    id_ = desk.opened()
    desk.place(desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=trail, trigger_price=price))


def test_the_largest_margin_and_fee_are_the_token_s_to_refuse(desk: Desk) -> None:
    for over in ({"margin": 2**128 - 1}, {"keeper_fee": 2**128 - 1}):
        with reverts("ERC20InsufficientBalance"):
            desk.place(desk.order(**over))


# ---- bound to a position


def test_bound_to_owner_epoch_and_phase(desk: Desk) -> None:
    w = desk.w
    id_ = desk.opened()
    alice, bob = int(w.alice, 16), int(w.bob, 16)
    with refused(OrderReason.WRONG_OWNER, alice, bob):
        desk.place(desk.exit(id_, owner=w.bob))
    with refused(OrderReason.WRONG_OWNER, 0, alice):
        desk.place(desk.order(position_id=id_ + 1))
    with refused(OrderReason.WRONG_EPOCH, 0, 1):
        desk.place(desk.exit(id_, epoch=1))
    for phase in (0, 2, 2**256 - 1):
        with refused(OrderReason.WRONG_PHASE, 1, min(phase, 2**255 - 1)):
            desk.place(desk.exit(id_, phase=phase))
    with refused(OrderReason.WRONG_EPOCH, 0, 1):
        desk.place(desk.order(epoch=1))
    with refused(OrderReason.WRONG_PHASE, 0, 1):
        desk.place(desk.order(phase=1))
    desk.place(desk.exit(id_))


@SIGNS
def test_direction(desk: Desk, sign: int) -> None:
    id_ = desk.opened(sign)
    with refused(OrderReason.WRONG_DIRECTION, -sign * WAD, sign * SIZE):
        desk.place(desk.on(id_, size=-sign * WAD))
    with refused(OrderReason.WRONG_DIRECTION, sign * WAD, sign * SIZE):
        desk.place(desk.on(id_, size=sign * WAD, reduce_only=True))
    desk.place(desk.on(id_, size=sign * WAD))
    desk.place(desk.on(id_, size=-sign * TOP, reduce_only=True))
    with refused(OrderReason.NOTHING_TO_REDUCE, 0, 1):
        desk.place(desk.order(size=sign * WAD, reduce_only=True))


# ---- by whom, and who pays


def test_a_stranger_is_refused(desk: Desk) -> None:
    w = desk.w
    id_ = desk.opened()
    for order in (desk.order(), desk.exit(id_)):
        with reverts("NotAuthorised", owner=w.alice, caller=w.bob):
            desk.place(order, by=w.bob)


@pytest.mark.parametrize("of_all", [True, False])
def test_a_delegate_places_and_pays(desk: Desk, of_all: bool) -> None:
    w = desk.w
    id_ = desk.opened()
    desk.send(desk.market.setDelegate, 0 if of_all else id_, w.bob, w.now + 1, by=w.alice)
    rich, paid = desk.balance(w.alice), desk.balance(w.bob)
    desk.place(desk.on(id_, size=WAD, margin=100), by=w.bob)
    assert (desk.balance(w.alice), paid - desk.balance(w.bob)) == (rich, 107)
    order = desk.order()
    if of_all:
        desk.place(order, by=w.bob)
    else:
        with reverts("NotAuthorised"):
            desk.place(order, by=w.bob)
    w.tick(seconds=1)
    desk.place(desk.on(id_, size=WAD), by=w.bob)
    w.tick(seconds=1)
    for late in (desk.on(id_, size=WAD), desk.order()):
        with reverts("NotAuthorised"):
            desk.place(late, by=w.bob)


def test_a_delegate_of_one_owner_is_none_of_another(desk: Desk) -> None:
    """Bob's own position does not let Bob place for Alice, nor Alice's delegate on Bob's."""
    w = desk.w
    id_ = desk.fill(desk.order(owner=w.bob))
    with reverts("NotAuthorised", owner=w.alice, caller=w.bob):
        desk.place(desk.on(id_, owner=w.alice), by=w.bob)
    desk.send(desk.market.setDelegate, 0, w.carol, SOON, by=w.alice)
    with refused(OrderReason.WRONG_OWNER):
        desk.place(desk.on(id_, owner=w.alice), by=w.carol)


def test_the_book_must_be_a_delegate(desk: Desk) -> None:
    w, book = desk.w, int(desk.book.address, 16)
    with refused(OrderReason.NOT_DELEGATE, book, 0):
        desk.place(desk.order(owner=w.carol))
    desk.send(desk.market.setDelegate, 0, desk.book, w.now, by=w.carol)
    desk.place(desk.order(owner=w.carol))
    w.tick(seconds=1)
    with refused(OrderReason.NOT_DELEGATE, book, 0):
        desk.place(desk.order(owner=w.carol))
    id_ = desk.market.state().nextId
    desk.send(desk.market.reserve, w.carol, by=w.carol)
    desk.send(desk.market.setDelegate, id_, desk.book, SOON, by=w.carol)
    desk.place(desk.on(id_, size=SIZE))


def test_an_identity_is_used_once(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    with refused(OrderReason.WRONG_STATUS, OrderStatus.PLACED, OrderStatus.NONE):
        desk.place(order)
    desk.place(desk.order(salt=99))
    other = replace(order, salt=order.salt + 1_000)
    desk.seen[hash_of(other)] = other
    desk.place(other)
    assert len({hash_of(order), hash_of(other)}) == 2


def test_a_token_that_takes_a_fee_is_refused(new_desk: Any) -> None:
    desk = new_desk(token="FeeToken")
    desk.place(desk.order())
    desk.w.token.setFee(100)
    margin = 3_000 * desk.w.one
    with reverts("WrongAmountReceived", received=margin * 99 // 100, asked=margin):
        desk.place(desk.order())
    with reverts("WrongAmountReceived", received=99, asked=100):
        desk.place(desk.order(margin=0, keeper_fee=100))
    desk.place(desk.order(margin=0, keeper_fee=0))


def test_without_allowance(desk: Desk) -> None:
    desk.w.token.approve(desk.book, 3_000 * desk.w.one, sender=desk.w.alice)
    with reverts("ERC20InsufficientAllowance"):  # the fee's
        desk.place(desk.order())
    desk.place(desk.order(keeper_fee=0))
