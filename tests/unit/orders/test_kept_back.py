"""An owner who decides when an order is filled: kept from filling until more is known, then filled
by its owner. All that such an order can take is a mark that is within the fill window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from oracle_world import Pyth
from order_world import (
    SIZE,
    SOON,
    WAD,
    Desk,
    Order,
    OrderReason,
    OrderStatus,
    hash_of,
    refused,
    reverts,
)

from bulkhead.deploy.params import abi
from bulkhead.model.oracles import PythPrice

MARK = 2_000 * WAD
WINDOW = 24

# ---- by whom, and how it is let go


def unpaid(desk: Desk, sign: int) -> tuple[Order, Callable[[], object]]:
    """Nobody gains by filling it."""
    return desk.order(size=sign * SIZE, keeper_fee=0), lambda: None


def without_margin(desk: Desk, sign: int) -> tuple[Order, Callable[[], object]]:
    """It can't be filled before its owner tops its vault up."""
    w = desk.w
    order = desk.order(size=sign * SIZE, margin=w.one)

    def let_go() -> None:
        id_ = desk.state(order).positionId
        desk.send(desk.market.addMargin, id_, 3_000 * w.one, by=w.alice)

    return order, let_go


def without_delegation(desk: Desk, sign: int) -> tuple[Order, Callable[[], object]]:
    """It can't be filled before the book may trade again."""
    w = desk.w
    order = desk.order(size=sign * SIZE)

    def let_go() -> None:
        desk.send(desk.market.setDelegate, 0, desk.book, SOON, by=w.alice)

    return order, let_go


@pytest.mark.parametrize("late", [0, 1], ids=["within", "after"])
@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("way", [unpaid, without_margin, without_delegation])
def test_kept_back__takes_a_known_mark_within_the_window_alone(
    new_desk: Callable[..., Desk],
    way: Callable[[Desk, int], tuple[Order, Callable[[], object]]],
    sign: int,
    late: int,
) -> None:
    """Whoever knows the next round fills at the last one while that is in the window: what moves
    in it is theirs. Afterwards the order fills at the next round, and has gained nothing."""
    desk = new_desk(delayed_only=1, order_delay_secs=12, fill_window_secs=WINDOW)
    w = desk.w
    order, let_go = way(desk, sign)
    desk.place(order)
    if way is without_delegation:
        desk.send(desk.market.setDelegate, 0, desk.book, 0, by=w.alice)
    w.tick(seconds=1_000)
    if way is not unpaid:
        with reverts():  # the keeper tries in vain
            desk.execute(order)
    round_at, next_mark = w.now, MARK + sign * MARK // 200
    w.at(round_at + WINDOW + late)
    let_go()
    if late:
        with refused(OrderReason.MARK_TOO_OLD, w.now, round_at + WINDOW):
            desk.execute(order)
        w.set(next_mark)
    desk.execute(order)
    id_ = desk.state(order).positionId
    w.tick(next_mark)
    basis = desk.market.position(id_).basis
    gained = sign * SIZE * next_mark // WAD - basis
    assert (gained > 0) == (not late)


def test_a_stopped_token_stops_no_exit(new_desk: Callable[..., Desk]) -> None:
    """Where all trades are delayed and the token pays nobody, an order without a fee closes."""
    desk = new_desk(token="PausableToken", delayed_only=1)
    w = desk.w
    id_ = desk.opened()
    desk.place(desk.exit(id_))
    w.token.setPaused(1)
    free = desk.exit(id_, keeper_fee=0)
    desk.place(free)
    desk.due()
    desk.execute(free)
    assert desk.market.position(id_).size == 0


@pytest.mark.parametrize("delay", [4, 5])
def test_a_feed_ahead_of_the_chain__asks_for_five_seconds_of_delay(
    new_desk: Callable[..., Desk], delay: int
) -> None:
    """Pyth's prices may be 5 s ahead of the block and count as of it. Who placed an order when
    that was out has seen a price that fills it where the delay is shorter, else none."""
    desk = new_desk(order_delay_secs=delay)
    w = desk.w
    pyth = Pyth(w.rpc, w.deployer)
    terms = abi(replace(w.params, oracle=pyth.adapter.address))
    w.market.setParams(terms, sender=w.governance)
    order = desk.order()
    desk.place(order)
    known = PythPrice(2_000 * 10**8, 10**7, -8, w.now + 5)
    w.at(w.now + delay + 1)
    pyth.push(known)
    if delay < 5:
        desk.execute(order)
        return
    with refused(OrderReason.TOO_EARLY, w.now - 1, w.now):
        desk.execute(order)


# ---- a delegate's orders


def test_a_delegate_s_orders_outlive_it(desk: Desk) -> None:
    """Revoking a delegate ends none of its orders: the owner cancels them, or revokes the book."""
    w = desk.w
    id_ = desk.opened()
    desk.send(desk.market.setDelegate, id_, w.dave, SOON, by=w.alice)
    w.give(w.dave, 100)
    w.token.approve(desk.book, 100, sender=w.dave)
    orders = [desk.on(id_, size=-WAD, reduce_only=True) for _ in range(2)]
    for order in orders:
        desk.place(order, by=w.dave)
    desk.send(desk.market.setDelegate, id_, w.dave, 0, by=w.alice)
    with reverts("NotAuthorised", owner=w.alice, caller=w.dave):
        desk.cancel(orders[0], by=w.dave)
    desk.due()
    desk.execute(orders[0])
    desk.cancel(orders[1])
    assert desk.market.position(id_).size == SIZE - WAD


# ---- a phase that lies ahead


def test_void_but_not_released__lives_in_the_phase_it_names(desk: Desk) -> None:
    """A child that names a later phase than its parent's fill brings is void, and alive once that
    phase has come, if nobody has released it."""
    entry = desk.order()
    parent = desk.place(entry)
    terms = {"parent": parent, "phase": 3, "size": -SIZE, "reduce_only": True}
    kept, gone = desk.order(**terms), desk.order(**terms)
    for order in (kept, gone):
        desk.place(order)
    desk.due()
    desk.execute(entry)
    id_ = desk.state(entry).positionId
    desk.release(gone)
    desk.due()
    with refused(OrderReason.WRONG_PHASE, 1, 3):
        desk.execute(kept)
    desk.close(id_)
    desk.trade(id_, SIZE)
    desk.due()
    desk.execute(kept)
    assert desk.market.position(id_).size == 0
    assert desk.status(gone) == OrderStatus.RELEASED


# ---- odd receivers, odd bits


def test_a_fee_to_the_book_is_lost_to_who_named_it(desk: Desk) -> None:
    """It stays there beyond what is owed, and no other order's fee or refund is touched."""
    w = desk.w
    orders = [desk.order(), desk.order()]
    for order in orders:
        desk.place(order)
    desk.due()
    desk.book.execute(orders[0].as_tuple(), desk.book.address, sender=w.keeper)
    assert desk.balance(desk.book.address) == 14
    desk.book.cancel(orders[1].as_tuple(), sender=w.alice)
    assert desk.balance(desk.book.address) == 7


@pytest.mark.parametrize("word", [0, 4, 5], ids=["owner", "kind", "reduceOnly"])
def test_dirty_words_have_no_identity(desk: Desk, word: int) -> None:
    """An order is hashed as it is read: bits beyond a type make no second order of it."""
    w = desk.w
    order = desk.order()
    data = bytearray(desk.book.place.encode(order.as_tuple()))
    at = 4 + 32 * word
    data[at + (0 if word == 0 else 30)] |= 1
    with reverts():
        w.rpc.call(desk.book.address, bytes(data), sender=w.alice)
    data[at + (0 if word == 0 else 30)] ^= 1
    assert w.rpc.call(desk.book.address, bytes(data), sender=w.alice) == hash_of(order)
