"""Filling: which marks count, at which triggers, at what price; who is paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from order_world import (
    NOTHING,
    SIZE,
    SOON,
    WAD,
    Desk,
    OrderKind,
    OrderReason,
    OrderStatus,
    Reason,
    hash_of,
    market_refuses,
    refused,
    reverts,
)

from bulkhead.chain.contract import events

MARK = 2_000 * WAD
SIGNS = pytest.mark.parametrize("sign", [1, -1], ids=["buy", "sale"])


# ---- time


def test_the_first_mark_that_counts(desk: Desk) -> None:
    """Published one second after the delay, not at its end; and no earlier however late it is."""
    order = desk.order()
    desk.place(order)
    first = desk.w.now + desk.delay + 1
    desk.w.tick(seconds=desk.delay)
    with refused(OrderReason.TOO_EARLY, first - 1, first):
        desk.execute(order)
    desk.w.at(desk.w.now + 1)
    with refused(OrderReason.TOO_EARLY, first - 1, first):
        desk.execute(order)
    desk.w.set(MARK)
    desk.execute(order)
    assert desk.state(order).changedAt == first


def test_the_last_second_of_a_mark(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    desk.due()
    published = desk.w.now
    desk.w.at(published + desk.window + 1)
    with refused(OrderReason.MARK_TOO_OLD, desk.w.now, published + desk.window):
        desk.execute(order)
    with desk.w.branch():
        desk.w.set(MARK, published=published + 1)
        desk.execute(order)
    desk.w.set(MARK, published=published)


def test_a_mark_as_old_as_may_be(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    desk.due()
    desk.w.at(desk.w.now + desk.window)
    desk.execute(order)


def test_never_in_the_second_it_was_placed(new_desk: Callable[..., Desk]) -> None:
    """Not even without a delay: its mark must be newer."""
    desk = new_desk(order_delay_secs=0)
    order = desk.order()
    desk.place(order)
    now = desk.w.now
    desk.w.set(MARK)
    with refused(OrderReason.TOO_EARLY, now, now + 1):
        desk.execute(order)
    desk.w.tick(seconds=1)
    desk.execute(order)


def test_where_all_trades_are_delayed(new_desk: Callable[..., Desk]) -> None:
    """Open, add, reduce and close go through the book, and only through it."""
    desk = new_desk(delayed_only=1)
    id_ = desk.opened()
    with market_refuses(Reason.ORDERS_ONLY):
        desk.close(id_)
    desk.fill(desk.on(id_, size=WAD))
    desk.fill(desk.on(id_, size=-WAD, reduce_only=True))
    desk.fill(desk.exit(id_))
    assert desk.market.position(id_).size == 0
    desk.remove(id_, desk.margin(id_))


def test_expiry_is_the_last_second(desk: Desk) -> None:
    first = desk.w.now + desk.delay + 1
    order, late = desk.order(expiry=first), desk.order(expiry=first - 1)
    desk.place(order)
    desk.place(late)
    desk.due()
    with refused(OrderReason.EXPIRED, first, first - 1):
        desk.execute(late)
    desk.execute(order)


@pytest.mark.parametrize("failure", range(1, 9))
def test_no_mark_no_fill(desk: Desk, failure: int) -> None:
    order = desk.order()
    desk.place(order)
    desk.due()
    desk.w.oracle.setFailure(failure)
    with reverts():
        desk.execute(order, gas=3_000_000)
    assert desk.status(order) == OrderStatus.PLACED
    desk.w.speak()
    desk.execute(order)


# ---- price


@SIGNS
@pytest.mark.parametrize("reduces", [False, True], ids=["opens", "closes"])
@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.STOP])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_triggers(desk: Desk, sign: int, reduces: bool, kind: OrderKind, off: int) -> None:
    """A buy's limit and a sale's stop fill at or below the trigger, the others at or above; at
    the mark, whatever the trigger is."""
    id_ = desk.opened(-sign) if reduces else 0
    terms = {"kind": kind, "trigger_price": MARK}
    order = desk.exit(id_, **terms) if reduces else desk.order(size=sign * SIZE, **terms)
    desk.place(order)
    desk.due(MARK + off)
    below = (sign > 0) == (kind == OrderKind.LIMIT)
    if off != 0 and (off > 0) == below:
        found = desk.check(order, MARK + off)
        assert found == (OrderReason.TRIGGER_NOT_REACHED, MARK + off, MARK, sign * SIZE)
        with refused(OrderReason.TRIGGER_NOT_REACHED, MARK + off, MARK):
            desk.execute(order)
        return
    assert desk.check(order, MARK + off) == (OrderReason.NONE, 0, 0, sign * SIZE)
    filled = desk.event(desk.execute(order), "OrderFilled")
    assert (filled.mark, filled.size, filled.fee) == (MARK + off, sign * SIZE, 7)
    assert desk.market.position(filled.positionId).size == (0 if reduces else sign * SIZE)


@SIGNS
def test_the_mark_not_the_trigger_is_the_price(desk: Desk, sign: int) -> None:
    """Far beyond the trigger it fills where an order without one does, better or worse."""
    for kind, away in ((OrderKind.LIMIT, -sign), (OrderKind.STOP, sign)):
        with desk.w.branch():
            plain = desk.order(size=sign * SIZE)
            other = desk.order(size=sign * SIZE, kind=kind, trigger_price=MARK)
            fills = []
            desk.place(plain)
            desk.place(other)
            desk.due(MARK + away * MARK // 50)
            for order in (plain, other):
                with desk.w.branch():
                    receipt = desk.execute(order)
                    fills.append(events(receipt, "PositionChanged")[0].fill)
            assert fills[0] == fills[1]
            assert abs(fills[0] - MARK) > MARK // 60


@SIGNS
def test_the_price_limit_holds(desk: Desk, sign: int) -> None:
    """Of the fill, spread and impact included, to the last unit; on the way in, up and out."""
    w = desk.w
    id_ = desk.opened(sign)
    for make, size in (
        (lambda **over: desk.order(size=sign * SIZE, **over), sign),
        (lambda **over: desk.on(id_, size=sign * WAD, **over), sign),
        (lambda **over: desk.on(id_, size=-sign * WAD, reduce_only=True, **over), -sign),
        (lambda **over: desk.exit(id_, **over), -sign),
    ):
        with w.branch():
            probe = make()
            desk.place(probe)
            desk.w.tick(seconds=desk.delay + 1, spread=WAD // 1_000)
            fill = events(desk.execute(probe), "PositionChanged")[0].fill
            assert (fill > MARK) == (size > 0)
        for over, held in ((0, True), (1, False)):
            with w.branch():
                order = make(price_limit=fill - size * over)
                desk.place(order)
                desk.w.tick(seconds=desk.delay + 1, spread=WAD // 1_000)
                if held:
                    desk.execute(order)
                else:
                    with market_refuses(Reason.PRICE_LIMIT):
                        desk.execute(order)


@pytest.mark.parametrize("way", ["execute", "many"])
def test_the_keeper_is_paid_once(desk: Desk, way: str) -> None:
    w = desk.w
    order = desk.order()
    desk.place(order)
    desk.due()
    before = desk.balance(w.dave)
    if way == "execute":
        desk.execute(order, to=w.dave)
    else:
        orders = [order.as_tuple()] * 3
        desk.send(desk.book.executeMany, orders, w.dave, by=w.keeper)
    assert desk.balance(w.dave) == before + 7
    with refused(OrderReason.WRONG_STATUS, OrderStatus.FILLED, OrderStatus.PLACED):
        desk.execute(order, to=w.dave)
    assert desk.balance(w.dave) == before + 7


# ---- what is traded


@SIGNS
def test_kinds_of_trade(desk: Desk, sign: int) -> None:
    id_ = desk.opened(sign)
    assert desk.market.position(id_).size == sign * SIZE
    assert desk.lock(id_) == 0
    desk.fill(desk.on(id_, size=sign * WAD, margin=50))
    assert desk.market.position(id_).size == sign * (SIZE + WAD)
    desk.fill(desk.on(id_, size=-sign * 2 * WAD, reduce_only=True))
    assert desk.market.position(id_).size == sign * (SIZE - WAD)
    desk.fill(desk.exit(id_))
    assert desk.market.position(id_).size == 0
    desk.fill(desk.on(id_, size=-sign * SIZE))
    assert desk.market.position(id_).size == -sign * SIZE


@SIGNS
@pytest.mark.parametrize("left", [SIZE - 1, SIZE, SIZE + 1])
def test_reduce_only_takes_what_is_left(desk: Desk, sign: int, left: int) -> None:
    """Never more than there is, so it can't flip; a part of it stays a part."""
    id_ = desk.opened(sign)
    desk.trade(id_, sign * 5 * WAD)
    order = desk.on(id_, size=-sign * SIZE, reduce_only=True)
    desk.place(order)
    held = desk.market.position(id_).size
    desk.trade(id_, sign * left - held)
    desk.due()
    traded = min(left, SIZE)
    if left == SIZE + 1:  # one unit would stay: less than the least position
        with market_refuses(Reason.NOTIONAL_TOO_SMALL):
            desk.execute(order)
        return
    filled = desk.event(desk.execute(order), "OrderFilled")
    assert filled.size == -sign * traded
    assert desk.market.position(id_).size == 0


def test_the_market_s_rules_hold(desk: Desk) -> None:
    """Too little margin: nothing happens, nobody is paid; after a top-up it fills."""
    w = desk.w
    order = desk.order(margin=w.one)
    desk.place(order)
    desk.due()
    with market_refuses(Reason.MARGIN_TOO_LOW):
        desk.execute(order)
    id_ = desk.state(order).positionId
    desk.send(desk.market.addMargin, id_, 3_000 * w.one, by=w.alice)
    desk.execute(order)


def test_exits_fill_when_risk_may_not_be_added(desk: Desk) -> None:
    id_ = desk.opened()
    add, out = desk.on(id_, size=WAD), desk.exit(id_)
    desk.place(add)
    desk.place(out)
    desk.send(desk.market.enterReduceOnly, by=desk.w.guardian)
    desk.due()
    with market_refuses(Reason.MODE_FORBIDS):
        desk.execute(add)
    desk.execute(out)


def test_without_the_delegation_nothing_fills(desk: Desk) -> None:
    w = desk.w
    order = desk.order()
    desk.place(order)
    desk.send(desk.market.setDelegate, 0, desk.book, 0, by=w.alice)
    desk.due()
    with reverts("NotAuthorised"):
        desk.execute(order)
    desk.send(desk.market.setDelegate, 0, desk.book, SOON, by=w.alice)
    desk.execute(order)


# ---- trailing stops


@SIGNS
def test_a_trailing_stop_follows(desk: Desk, sign: int) -> None:
    """`sign` is the position's: its stop follows from below, or from above."""
    id_ = desk.opened(sign)
    trail = WAD // 100 + 1
    order = desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=trail)
    desk.place(order)
    desk.w.tick(MARK + sign * 100 * WAD, seconds=desk.delay)
    first = desk.w.now + 1
    with refused(OrderReason.TOO_EARLY, first - 1, first):
        desk.advance(order)
    desk.due(MARK)
    with refused(OrderReason.NO_TRIGGER, 0, 1):
        desk.execute(order)
    published = desk.w.now
    desk.w.at(published + desk.window + 1)
    with refused(OrderReason.MARK_TOO_OLD, desk.w.now, published + desk.window):
        desk.advance(order)
    desk.w.set(MARK)
    assert desk.event(desk.advance(order), "TrailAdvanced").best == MARK
    for better in (MARK, MARK - sign):
        desk.w.tick(better)
        with refused(OrderReason.NOT_ADVANCING, better, MARK):
            desk.advance(order)
    best = MARK + sign * (100 * WAD + 7)
    desk.w.tick(best)
    desk.advance(order)
    assert desk.state(order).best == best
    level = best * (WAD - trail) // WAD if sign > 0 else -(-best * (WAD + trail) // WAD)
    assert best * (WAD - sign * trail) % WAD != 0  # the rounding shows
    desk.w.tick(level + sign)
    with refused(OrderReason.TRIGGER_NOT_REACHED, level + sign, level):
        desk.execute(order)
    desk.w.tick(level)
    desk.execute(order)
    assert desk.market.position(id_).size == 0


@SIGNS
def test_where_a_trailing_stop_starts(desk: Desk, sign: int) -> None:
    """The trigger given holds until what follows the best mark is nearer."""
    id_ = desk.opened(sign)
    start = MARK - sign * 50 * WAD
    order = desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=WAD // 20, trigger_price=start)
    desk.place(order)
    desk.due(start + sign)
    assert desk.check(order, start + sign)[:3] == (
        *(OrderReason.TRIGGER_NOT_REACHED, start + sign, start),
    )
    assert desk.check(order, start)[0] == OrderReason.NONE
    desk.w.tick(MARK)
    desk.advance(order)  # five per cent away: the start is nearer
    assert desk.check(order, start + sign)[2] == start
    desk.w.tick(MARK + sign * 100 * WAD)
    desk.advance(order)
    nearer = (MARK + sign * 100 * WAD) * (20 - sign) // 20
    assert desk.check(order, nearer + sign)[:3] == (
        *(OrderReason.TRIGGER_NOT_REACHED, nearer + sign, nearer),
    )
    assert desk.check(order, nearer)[0] == OrderReason.NONE


def test_only_a_trailing_stop_advances(desk: Desk) -> None:
    id_ = desk.opened()
    order = desk.exit(id_, kind=OrderKind.STOP, trigger_price=MARK)
    desk.place(order)
    desk.due()
    with refused(OrderReason.BAD_TRIGGER, 0, 1):
        desk.advance(order)


def test_a_trailing_stop_does_not_outlive_its_position(desk: Desk) -> None:
    id_ = desk.opened()
    order = desk.exit(id_, kind=OrderKind.TRAILING_STOP, trail=WAD // 10)
    desk.place(order)
    desk.close(id_)
    desk.due()
    with refused(OrderReason.WRONG_PHASE, 2, 1):
        desk.advance(order)
    last = desk.exit(desk.opened(), kind=OrderKind.TRAILING_STOP, trail=1, expiry=desk.w.now + 10)
    desk.place(last)
    desk.w.tick(seconds=11)
    with refused(OrderReason.EXPIRED, last.expiry + 1, last.expiry):
        desk.advance(last)


# ---- groups


def test_one_of_a_group_is_filled(desk: Desk) -> None:
    w, group = desk.w, b"\7" * 32
    id_ = desk.opened()
    half = {"size": -SIZE // 2, "reduce_only": True, "group": group}
    one, two = desk.on(id_, **half), desk.on(id_, **half)
    theirs = desk.order(owner=w.bob, group=group)
    for order in (one, two, theirs):
        desk.place(order)
    assert desk.book.groupUsedBy(w.alice, group) == NOTHING
    desk.due()
    desk.execute(two)
    assert desk.book.groupUsedBy(w.alice, group) == hash_of(two)
    assert desk.check(one, MARK) == (OrderReason.GROUP_USED, 1, 0, 0)
    with refused(OrderReason.GROUP_USED, 1, 0):
        desk.execute(one)
    with refused(OrderReason.GROUP_USED, 1, 0):
        desk.place(desk.on(id_, **half))
    refund = desk.balance(w.alice)
    released = desk.event(desk.release(one), "OrderReleased")
    assert (released.fee, released.refund) == (0, 7)
    assert desk.balance(w.alice) == refund + 7
    desk.execute(theirs)  # another owner's group of the same name
    desk.place(desk.on(id_, size=-WAD, reduce_only=True))  # and no group is no group


def test_an_order_that_fails_uses_no_group(desk: Desk) -> None:
    group = b"\7" * 32
    poor: Any = desk.order(margin=1, group=group)
    good = desk.order(group=group)
    desk.place(poor)
    desk.place(good)
    desk.due()
    with market_refuses(Reason.MARGIN_TOO_LOW):
        desk.execute(poor)
    desk.execute(good)
