"""An owner who decides when an order is filled: kept from filling until more is known, then filled
by its owner. Anybody fills or ends such an order at the first mark that is in time, and all that it
can take where nobody does is a mark that is within the fill window."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from oracle_world import Pyth
from order_world import (
    ANY,
    SIZE,
    SOON,
    WAD,
    Desk,
    Order,
    OrderKind,
    OrderReason,
    OrderStatus,
    Reason,
    hash_of,
    market_refuses,
    refused,
    reverts,
)

from bulkhead.chain.errors import ChainError
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


# ---- and how anybody ends it


def with_a_rest_too_small(desk: Desk, sign: int) -> tuple[Order, Callable[[], object]]:
    """It would leave less of the position than may be, before its owner adds to it."""
    id_ = desk.opened(sign)
    order = desk.on(id_, size=-sign * (SIZE - 1), reduce_only=True)

    def let_go() -> None:
        desk.send(desk.market.increase, id_, sign * WAD, ANY[sign], SOON, by=desk.w.alice)

    return order, let_go


KEPT = [without_margin, without_delegation, with_a_rest_too_small]


def kept(
    desk: Desk,
    way: Callable[[Desk, int], tuple[Order, Callable[[], object]]],
    sign: int,
    **over: Any,
) -> tuple[Order, Callable[[], object]]:
    """Placed, and kept from filling; no mark has been in time yet."""
    found, let_go = way(desk, sign)
    order = replace(found, **over)
    desk.seen[hash_of(order)] = order
    desk.place(order)
    if way is without_delegation:
        desk.send(desk.market.setDelegate, 0, desk.book, 0, by=desk.w.alice)
    return order, let_go


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("way", KEPT)
def test_kept_back__anybody_ends_it_at_the_first_mark_in_time(
    desk: Desk, way: Callable[[Desk, int], tuple[Order, Callable[[], object]]], sign: int
) -> None:
    w = desk.w
    order, let_go = kept(desk, way, sign, keeper_fee=7)
    with refused(OrderReason.NOT_OVER, w.now, order.expiry):
        desk.release(order)  # no mark is in time yet
    desk.due()
    had = desk.balance(w.keeper), desk.balance(w.alice)
    told = desk.event(desk.release(order), "OrderReleased")
    assert (told.fee, told.refund) == (1, 6)
    assert (desk.balance(w.keeper), desk.balance(w.alice)) == (had[0] + 1, had[1] + 6)
    assert desk.lock(desk.state(order).positionId) == 0
    let_go()
    with refused(OrderReason.WRONG_STATUS, OrderStatus.RELEASED, OrderStatus.PLACED):
        desk.execute(order)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_kept_back__too_little_equity_for_a_part__anybody_ends_it(desk: Desk, sign: int) -> None:
    """A part so small that what it leaves is still below maintenance margin."""
    id_ = desk.opened(sign)
    order = desk.on(id_, size=-sign * SIZE // 100, reduce_only=True)
    desk.place(order)
    desk.due(MARK - sign * MARK * 13 // 100)
    with market_refuses(Reason.EQUITY_TOO_LOW):
        desk.execute(order)
    told = desk.event(desk.release(order), "OrderReleased")
    assert (told.fee, told.refund) == (1, 6)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("way", KEPT)
def test_kept_back__let_go_in_time__stays(
    desk: Desk, way: Callable[[Desk, int], tuple[Order, Callable[[], object]]], sign: int
) -> None:
    """Who mends it before anybody has ended it has an order that fills."""
    order, let_go = kept(desk, way, sign)
    desk.due()
    let_go()
    with refused(OrderReason.NOT_OVER):
        desk.release(order)
    desk.execute(order)


@pytest.mark.parametrize("way", KEPT)
def test_kept_back__not_due__stays(
    new_desk: Callable[..., Desk], way: Callable[[Desk, int], tuple[Order, Callable[[], object]]]
) -> None:
    """A mark one second too early or too old, a trigger one unit off."""
    desk = new_desk(order_delay_secs=12, fill_window_secs=WINDOW)
    w = desk.w
    limit = {"kind": OrderKind.LIMIT, "trigger_price": MARK}
    sign = 1 if way is not with_a_rest_too_small else -1  # each a buy
    order, _ = kept(desk, way, sign, **limit)
    placed = desk.state(order).changedAt
    w.at(placed + 12)
    w.set(MARK)
    with refused(OrderReason.NOT_OVER):
        desk.release(order)  # a mark of that second is not later than the delay
    w.tick(MARK + 1, seconds=1)
    with refused(OrderReason.NOT_OVER):
        desk.release(order)
    w.tick(MARK, seconds=1)
    w.at(w.now + WINDOW + 1)
    with refused(OrderReason.NOT_OVER):
        desk.release(order)
    w.set(MARK, published=w.now - WINDOW)
    desk.release(order)


def test_refused_for_what_is_not_the_owner_s__stays(desk: Desk) -> None:
    """The limit that the owner set, the market's state, a dead oracle."""
    w = desk.w
    limited, plain = desk.order(price_limit=MARK // 2), desk.order()
    desk.place(limited)
    desk.place(plain)
    desk.due()
    for order in (limited, plain):
        with refused(OrderReason.NOT_OVER):
            desk.release(order)
    w.market.enterReduceOnly(sender=w.guardian)
    with market_refuses(Reason.MODE_FORBIDS):
        desk.execute(plain)
    with refused(OrderReason.NOT_OVER):
        desk.release(plain)
    poor = desk.order(margin=1)
    desk.place(poor)
    w.at(w.now + desk.delay + 1)
    w.silence()
    with refused(OrderReason.NOT_OVER):
        desk.release(poor)


@pytest.mark.parametrize("way", KEPT)
def test_kept_back__no_mark_of_this_block__stays(
    desk: Desk, way: Callable[[Desk, int], tuple[Order, Callable[[], object]]]
) -> None:
    """The held mark is in time and reaches the trigger, but nothing could fill at it any more:
    the oracle says nothing, or has gone back to a round before it."""
    w = desk.w
    order, _ = kept(desk, way, 1)
    desk.due()
    w.market.accrue(sender=w.keeper)
    w.at(w.now + 1)
    w.silence()
    with refused(OrderReason.NOT_OVER):
        desk.release(order)
    w.speak()
    w.set(MARK, published=w.now - 2)
    with refused(OrderReason.NOT_OVER):
        desk.release(order)
    w.set(MARK)
    desk.release(order)


def test_little_gas_never_ends_an_order(desk: Desk) -> None:
    """Whatever the gas: a good order is not ended, and one kept back only with enough."""
    good, poor = desk.order(), desk.order(margin=1)
    desk.place(good)
    desk.place(poor)
    desk.due()
    ended = []
    for gas in range(60_000, 560_000, 10_000):
        for place, one in enumerate((good, poor)):
            args = one.as_tuple(), desk.w.keeper
            with desk.w.rpc.isolated(), suppress(ChainError):
                desk.send(desk.book.release, *args, by=desk.w.keeper, gas=gas)
                ended.append(place)
    assert ended
    assert set(ended) == {1}


def test_the_attempt_is_the_book_s_alone(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    desk.due()
    with reverts("NotSelf", caller=desk.w.keeper):
        desk.send(desk.book.attempt, order.as_tuple(), 1, SIZE, True, by=desk.w.keeper)


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
