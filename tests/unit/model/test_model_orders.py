"""The order book's twin: hand-worked cases of its times, triggers, money and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from model_world import ANY_BUY, FOREVER, KEEPER, MARK, OWNER, RIVAL, World

from bulkhead.model import OracleError, Reading, Refused
from bulkhead.model.errors import TransferRefused
from bulkhead.model.order_types import (
    NAME,
    NOTHING,
    VERSION,
    BadSignature,
    Domain,
    NotAuthorised,
    Order,
    OrderKind,
    OrderReason,
    OrderRefused,
    OrderStatus,
    hash_of,
)
from bulkhead.model.orders import OrderBook
from bulkhead.model.types import Reason
from bulkhead.model.wad import WAD

DELAY, WINDOW = 5, 60
BOOK = f"0x{0xB00C << 144 | 7:040x}"
ONE = 10**6
FEE = 2 * ONE + 3  # a quarter of it is 500,000.75 units
SALE_OR_BUY = pytest.mark.parametrize("sign", [1, -1])


class Desk(World):
    """A market with its book; the owner has made the book a delegate."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(order_delay_secs=DELAY, fill_window_secs=WINDOW, **changes)
        self.book = OrderBook(self.m, Domain(NAME, VERSION, 31337, BOOK))
        self.m.core.contracts.add(BOOK)
        self.m.set_delegate(OWNER, 0, BOOK, FOREVER)

    def order(self, size: int = 10, **terms: Any) -> Order:
        """A market order to open; whole units of size."""
        limit = ANY_BUY if size > 0 else 0
        usual: dict[str, Any] = {"price_limit": limit, "expiry": self.m.now + 1000}
        usual |= {"keeper_fee": FEE, "margin": 5_000 * ONE}
        if terms.get("reduce_only"):
            usual["margin"] = 0
        return Order(owner=OWNER, size=size * WAD, **usual | terms)

    def reduce(self, id_: int, size: int, **terms: Any) -> Order:
        """A reduce-only order on an open position."""
        terms = {"phase": self.m.position(id_).phase, **terms}
        return self.order(size, position_id=id_, reduce_only=True, **terms)

    def place(self, order: Order) -> Order:
        """By its owner."""
        assert self.book.place(OWNER, order).value == hash_of(order)
        return order

    def later(self, mark: int = MARK, seconds: int = DELAY + 1) -> None:
        """A mark published that much later."""
        self.m.now += seconds
        self.publish(mark)

    def execute(self, order: Order) -> int:
        """By the keeper."""
        return int(self.book.execute(KEEPER, order, KEEPER).value)

    def refused(self, action: str, caller: str, *args: Any) -> tuple[OrderReason, int, int]:
        """The book's refusal, which changes nothing."""
        before = self.everything()
        with pytest.raises(OrderRefused) as caught:
            getattr(self.book, action)(caller, *args)
        assert self.everything() == before
        found = caught.value
        return found.reason, found.actual, found.limit

    def everything(self) -> tuple[Any, ...]:
        """All that an action could change."""
        core, book = self.m.core, self.book
        stores = (core.balances, core.positions, core.lock_sums, book.states, book.groups)
        return dict(core.state.__dict__), *(dict(store) for store in (*stores, book.refunds))

    def status(self, order: Order) -> OrderStatus:
        """Where an order stands."""
        return self.book.state(hash_of(order)).status


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_place_and_execute__opening__margin_in_the_vault_fee_to_the_keeper(desk: Desk) -> None:
    before, keepers = desk.m.balance(OWNER), desk.m.balance(KEEPER)
    order = desk.place(desk.order(10))
    assert desk.m.balance(OWNER) == before - 5_000 * ONE - FEE
    assert (desk.m.margin(1), desk.m.balance(BOOK)) == (5_000 * ONE, FEE)
    assert desk.m.lock_of(1, BOOK) == 5_000 * ONE
    assert desk.m.withdrawable(1) == 0
    desk.later()
    assert desk.execute(order) == 10 * WAD
    assert desk.m.position(1).size == 10 * WAD
    assert (desk.m.balance(BOOK), desk.m.lock_of(1, BOOK)) == (0, 0)
    assert desk.m.balance(KEEPER) == keepers + FEE
    # 30,000 notional, potential 10^2 / 2 / 800,000 = 0.0000625 of impact, 5 bp of 30,000.1875
    assert desk.m.margin(1) == 5_000 * ONE - 15_000_094
    assert desk.refused("execute", KEEPER, order, KEEPER) == (OrderReason.WRONG_STATUS, 2, 1)


def test_execute__mark_published_at_the_delay__one_second_later_only(desk: Desk) -> None:
    order, start = desk.place(desk.order()), desk.m.now
    desk.later(seconds=DELAY)
    last = (OrderReason.TOO_EARLY, start + DELAY, start + DELAY + 1)
    assert desk.refused("execute", KEEPER, order, KEEPER) == last
    desk.later(seconds=1)
    assert desk.execute(order)


def test_execute__old_mark__only_within_the_window(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.later()
    published = desk.m.now
    desk.m.now = published + WINDOW + 1
    limit = (OrderReason.MARK_TOO_OLD, published + WINDOW + 1, published + WINDOW)
    assert desk.refused("execute", KEEPER, order, KEEPER) == limit
    desk.m.now -= 1
    assert desk.execute(order)


@SALE_OR_BUY
def test_execute__trigger__at_equality_but_not_beside(desk: Desk, sign: int) -> None:
    step, trigger = sign, MARK
    for kind, wrong in ((OrderKind.LIMIT, MARK + step), (OrderKind.STOP, MARK - step)):
        order = desk.place(desk.order(sign * 10, kind=kind, trigger_price=trigger))
        desk.later(wrong)
        limit = (OrderReason.TRIGGER_NOT_REACHED, wrong, trigger)
        assert desk.refused("execute", KEEPER, order, KEEPER) == limit
        desk.later(MARK)
        assert desk.execute(order) == sign * 10 * WAD


def test_execute__price_limit__the_markets_own_refusal(desk: Desk) -> None:
    order = desk.place(desk.order(10, price_limit=MARK))
    desk.later()
    with pytest.raises(Refused) as caught:
        desk.execute(order)
    assert caught.value.reason == Reason.PRICE_LIMIT
    assert desk.status(order) == OrderStatus.PLACED


@SALE_OR_BUY
def test_reduce_only__more_than_is_left__takes_what_is_left(desk: Desk, sign: int) -> None:
    id_ = desk.open(sign * 10 * WAD, 5_000)
    order = desk.place(desk.reduce(id_, -sign * 25))
    desk.later()
    assert desk.book.check(order, MARK, desk.m.now) == (OrderReason.NONE, 0, 0, -sign * 10 * WAD)
    assert desk.execute(order) == -sign * 10 * WAD
    assert desk.m.position(id_).size == 0


def test_direction__each_against_the_position__refused(desk: Desk) -> None:
    id_ = desk.open(10 * WAD, 5_000)
    phase = desk.m.position(id_).phase
    adds = desk.order(-1, position_id=id_, phase=phase)
    same = desk.reduce(id_, 1)
    flat = int(desk.m.reserve(OWNER, OWNER).value)
    nothing = desk.reduce(flat, -1)
    wrong = OrderReason.WRONG_DIRECTION
    assert desk.refused("place", OWNER, adds) == (wrong, -WAD, 10 * WAD)
    assert desk.refused("place", OWNER, same) == (wrong, WAD, 10 * WAD)
    none = (OrderReason.NOTHING_TO_REDUCE, 0, 1)
    assert desk.refused("place", OWNER, nothing) == none


def test_direction__of_a_child__judged_when_its_parent_was_filled(desk: Desk) -> None:
    entry = desk.place(desk.order(10))
    child = desk.place(desk.order(-1, parent=hash_of(entry), phase=1, margin=0))
    desk.later()
    desk.execute(entry)
    desk.later()
    wrong = (OrderReason.WRONG_DIRECTION, -WAD, 10 * WAD)
    assert desk.refused("execute", KEEPER, child, KEEPER) == wrong
    assert desk.refused("release", KEEPER, child, KEEPER)[0] == OrderReason.NOT_OVER


def test_trailing_stop__follows_the_best_mark_and_never_back(desk: Desk) -> None:
    id_ = desk.open(10 * WAD, 5_000)
    order = desk.reduce(id_, -10, kind=OrderKind.TRAILING_STOP, trail=WAD // 10)
    desk.place(order)
    desk.later()
    assert desk.refused("execute", KEEPER, order, KEEPER) == (OrderReason.NO_TRIGGER, 0, 1)
    desk.book.advance(RIVAL, order)
    top = 3_100 * WAD + 7
    desk.later(top, 1)
    desk.book.advance(RIVAL, order)
    desk.later(top, 1)
    assert desk.refused("advance", RIVAL, order) == (OrderReason.NOT_ADVANCING, top, top)
    level = 2_790 * WAD + 6  # 0.9 x (3,100e18 + 7) = 2,790e18 + 6.3
    desk.later(level + 1, 1)
    limit = (OrderReason.TRIGGER_NOT_REACHED, level + 1, level)
    assert desk.refused("execute", KEEPER, order, KEEPER) == limit
    desk.later(level, 1)
    assert desk.execute(order) == -10 * WAD


def test_trailing_stop__of_a_short__level_rounds_up_and_the_nearer_one_counts(desk: Desk) -> None:
    id_ = desk.open(-10 * WAD, 5_000)
    start = 3_200 * WAD
    order = desk.reduce(id_, 10, kind=OrderKind.TRAILING_STOP, trail=WAD // 10, trigger_price=start)
    desk.place(order)
    desk.later()
    assert desk.book.check(order, MARK, desk.m.now)[:3] == (
        OrderReason.TRIGGER_NOT_REACHED,
        MARK,
        start,
    )
    low = 2_900 * WAD + 1
    desk.later(low, 1)
    desk.book.advance(RIVAL, order)
    level = 3_190 * WAD + 2  # 1.1 x (2,900e18 + 1) = 3,190e18 + 1.1
    assert desk.book.check(order, MARK, desk.m.now)[2] == level
    desk.later(level, 1)
    assert desk.execute(order) == 10 * WAD


def test_advance__mark_as_old_as_the_order__refused(desk: Desk) -> None:
    id_ = desk.open(10 * WAD, 5_000)
    order = desk.reduce(id_, -10, kind=OrderKind.TRAILING_STOP, trail=WAD // 10)
    start = desk.m.now
    desk.place(order)
    early = (OrderReason.TOO_EARLY, start, start + DELAY + 1)
    assert desk.refused("advance", KEEPER, order) == early
    plain = desk.place(desk.reduce(id_, -1))
    desk.later()
    assert desk.refused("advance", KEEPER, plain) == (OrderReason.BAD_TRIGGER, 0, 1)


def test_bracket__children_wait_for_the_entry_and_one_ends_the_other(desk: Desk) -> None:
    entry = desk.place(desk.order(10))
    parent, group = hash_of(entry), b"\x01" * 32
    child = {"reduce_only": True, "parent": parent, "group": group, "phase": 1}
    profit = desk.place(desk.order(-10, kind=OrderKind.LIMIT, trigger_price=MARK + 100, **child))
    loss = desk.place(desk.order(-10, kind=OrderKind.STOP, trigger_price=MARK - 100, **child))
    assert desk.book.state(hash_of(loss)).position_id == 1
    desk.later(MARK - 100)
    waits = (OrderReason.PARENT_NOT_FILLED, int(OrderStatus.PLACED), int(OrderStatus.FILLED))
    assert desk.refused("execute", KEEPER, loss, KEEPER) == waits
    desk.execute(entry)
    filled = desk.m.now
    early = (OrderReason.TOO_EARLY, filled, filled + DELAY + 1)
    assert desk.refused("execute", KEEPER, loss, KEEPER) == early
    desk.later(MARK - 100)
    assert desk.execute(loss) == -10 * WAD
    assert desk.book.group_used_by(OWNER, group) == hash_of(loss)
    owner = desk.m.balance(OWNER)
    assert desk.refused("execute", KEEPER, profit, KEEPER) == (OrderReason.GROUP_USED, 1, 0)
    desk.book.release(KEEPER, profit, KEEPER)
    assert desk.m.balance(OWNER) == owner + FEE
    assert desk.m.balance(BOOK) == 0


def test_group__partly_reduced__the_other_is_void(desk: Desk) -> None:
    id_ = desk.open(10 * WAD, 5_000)
    one = desk.place(desk.reduce(id_, -5, group=b"\x02" * 32))
    other = desk.place(desk.reduce(id_, -5, group=b"\x02" * 32, salt=1))
    desk.later()
    desk.execute(one)
    assert desk.refused("execute", KEEPER, other, KEEPER) == (OrderReason.GROUP_USED, 1, 0)
    desk.book.release(KEEPER, other, RIVAL)
    assert desk.status(other) == OrderStatus.RELEASED


def test_parent_cancelled__child_is_void_and_all_of_its_fee_returns(desk: Desk) -> None:
    entry = desk.place(desk.order(10))
    child = desk.order(-10, reduce_only=True, parent=hash_of(entry), phase=1)
    desk.place(child)
    over = (OrderReason.NOT_OVER, desk.m.now, child.expiry)
    assert desk.refused("release", KEEPER, child, KEEPER) == over
    desk.book.cancel(OWNER, entry)
    owner = desk.m.balance(OWNER)
    desk.book.release(KEEPER, child, KEEPER)
    assert desk.m.balance(OWNER) == owner + FEE


def test_release__expired__a_quarter_rounded_down_to_the_cleaner(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.m.now = order.expiry
    over = (OrderReason.NOT_OVER, order.expiry, order.expiry)
    assert desk.refused("release", KEEPER, order, KEEPER) == over
    desk.m.now += 1
    owner, keeper = desk.m.balance(OWNER), desk.m.balance(KEEPER)
    desk.publish(MARK)
    late = (OrderReason.EXPIRED, order.expiry + 1, order.expiry)
    assert desk.refused("execute", KEEPER, order, KEEPER) == late
    desk.book.release(KEEPER, order, KEEPER)
    assert desk.m.balance(KEEPER) == keeper + 500_000
    assert desk.m.balance(OWNER) == owner + 1_500_003
    assert (desk.m.balance(BOOK), desk.m.lock_of(1, BOOK)) == (0, 0)
    assert desk.m.withdrawable(1) == 5_000 * ONE


def test_transfer__order_and_its_lock_are_void(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.m.transfer_position(OWNER, 1, RIVAL)
    desk.later()
    owner = (OrderReason.WRONG_OWNER, int(RIVAL, 16), int(OWNER, 16))
    assert desk.refused("execute", KEEPER, order, KEEPER) == owner
    desk.m.transfer_position(RIVAL, 1, OWNER)
    assert desk.refused("execute", KEEPER, order, KEEPER) == (OrderReason.WRONG_EPOCH, 2, 0)
    events = desk.book.cancel(OWNER, order).events
    assert [name for name, _ in events] == ["OrderCancelled"]  # no lock is touched


def test_phase__opened_and_closed_since__void(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.m.open(OWNER, 1, 10 * WAD, 0, ANY_BUY, FOREVER)
    desk.later()
    assert desk.refused("execute", KEEPER, order, KEEPER) == (OrderReason.WRONG_PHASE, 1, 0)
    desk.m.close(OWNER, 1, 0, FOREVER)
    assert desk.refused("execute", KEEPER, order, KEEPER) == (OrderReason.WRONG_PHASE, 2, 0)
    other = desk.order(position_id=1, salt=1)
    assert desk.refused("place", OWNER, other) == (OrderReason.WRONG_PHASE, 2, 0)
    desk.book.release(KEEPER, order, KEEPER)
    assert desk.m.lock_of(1, BOOK) == 0


def test_edit__starts_anew_and_takes_the_margin_over(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.later()
    before, start = desk.m.balance(OWNER), desk.m.now
    edited = replace(order, position_id=1, margin=6_000 * ONE, keeper_fee=ONE, salt=1)
    desk.book.edit(OWNER, order, edited)
    assert desk.m.balance(OWNER) == before - 1_000 * ONE + FEE - ONE
    assert (desk.m.lock_of(1, BOOK), desk.m.margin(1)) == (6_000 * ONE, 6_000 * ONE)
    assert desk.status(order) == OrderStatus.CANCELLED
    early = (OrderReason.TOO_EARLY, start, start + DELAY + 1)
    assert desk.refused("execute", KEEPER, edited, KEEPER) == early
    less = replace(edited, margin=1_000 * ONE, salt=2)
    desk.book.edit(OWNER, edited, less)  # what it needs no longer is free in the vault
    assert (desk.m.lock_of(1, BOOK), desk.m.margin(1)) == (1_000 * ONE, 6_000 * ONE)


def test_edit__void_order_or_another_position__refused(desk: Desk) -> None:
    order = desk.place(desk.order())
    other = int(desk.m.reserve(OWNER, OWNER).value)
    moved = replace(order, position_id=other, salt=1)
    assert desk.refused("edit", OWNER, order, moved) == (OrderReason.BAD_PARENT, 1, other)
    given = replace(order, owner=RIVAL, salt=1)
    owners = (OrderReason.WRONG_OWNER, int(RIVAL, 16), int(OWNER, 16))
    assert desk.refused("edit", OWNER, order, given) == owners
    desk.m.transfer_position(OWNER, 1, RIVAL)
    desk.m.transfer_position(RIVAL, 1, OWNER)
    void = (OrderReason.WRONG_EPOCH, 2, 0)
    anew = replace(order, epoch=2, salt=1)
    assert desk.refused("edit", OWNER, order, anew) == void
    none = (OrderReason.WRONG_STATUS, int(OrderStatus.NONE), int(OrderStatus.PLACED))
    assert desk.refused("edit", OWNER, anew, replace(anew, salt=2)) == none


def test_hash__once_for_ever(desk: Desk) -> None:
    order = desk.order()
    desk.book.cancel(OWNER, order)
    cancelled = (OrderReason.WRONG_STATUS, int(OrderStatus.CANCELLED), 0)
    assert desk.refused("place", OWNER, order) == cancelled
    assert desk.refused("place_signed", RIVAL, order, True) == cancelled
    assert desk.refused("cancel", OWNER, order)[:2] == cancelled[:2]


def test_signatures__owner_pays_and_wrong_ones_are_refused(desk: Desk) -> None:
    order, before = desk.order(), desk.m.balance(RIVAL)
    with pytest.raises(BadSignature) as caught:
        desk.book.place_signed(RIVAL, order, False)
    assert caught.value.args == (OWNER, desk.book.domain.place_digest(order))
    desk.book.place_signed(RIVAL, order, True)
    assert desk.m.balance(RIVAL) == before
    with pytest.raises(BadSignature):
        desk.book.cancel_signed(RIVAL, order, False)
    desk.book.cancel_signed(RIVAL, order, True)
    assert desk.m.balance(BOOK) == 0


def test_authority__strangers_refused_delegates_pay(desk: Desk) -> None:
    order = desk.order()
    for action in ("place", "cancel"):
        with pytest.raises(NotAuthorised) as caught:
            getattr(desk.book, action)(RIVAL, order)
        assert caught.value.args == (OWNER, RIVAL)
    desk.m.set_delegate(OWNER, 0, RIVAL, FOREVER)
    before = desk.m.balance(RIVAL)
    desk.book.place(RIVAL, order)
    assert desk.m.balance(RIVAL) == before - 5_000 * ONE - FEE
    owner = desk.m.balance(OWNER)
    desk.book.cancel(RIVAL, order)
    assert desk.m.balance(OWNER) == owner + FEE
    desk.m.set_delegate(OWNER, 0, BOOK, 0)
    refused = (OrderReason.NOT_DELEGATE, int(BOOK, 16), 0)
    assert desk.refused("place", OWNER, desk.order(salt=2)) == refused


def test_refusing_token__refund_waits(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.m.core.refuse_to.add(OWNER)
    events = desk.book.cancel(OWNER, order).events
    assert events[-1] == ("RefundKept", {"owner": OWNER, "amount": FEE})
    assert (desk.book.refund_of(OWNER), desk.m.balance(BOOK)) == (FEE, FEE)
    with pytest.raises(TransferRefused):
        desk.book.claim_refund(OWNER, OWNER)
    before = desk.m.balance(RIVAL)
    claimed = desk.book.claim_refund(OWNER, RIVAL)
    assert claimed.value == FEE
    told = {"owner": OWNER, "to": RIVAL, "amount": FEE}
    assert list(claimed.events) == [("RefundClaimed", told)]
    assert desk.m.balance(RIVAL) == before + FEE
    nothing = desk.book.claim_refund(OWNER, RIVAL)
    assert (nothing.value, list(nothing.events)) == (0, [])


def test_execute_many__skips_what_cannot_be_filled(desk: Desk) -> None:
    good = desk.place(desk.order(10))
    due = desk.order(10, kind=OrderKind.LIMIT, trigger_price=MARK - 1, salt=1)
    bad = desk.place(due)
    desk.later()
    orders = (bad, good, good, desk.order(10, salt=9))
    assert desk.book.execute_many(KEEPER, orders, KEEPER).value == [0, 10 * WAD, 0, 0]


def test_failing_oracle__no_fill_but_cancel(desk: Desk) -> None:
    order = desk.place(desk.order())
    desk.m.now += DELAY + 1
    desk.m.oracle = OracleError("PriceInvalid", (0,))
    with pytest.raises(OracleError):
        desk.execute(order)
    desk.book.cancel(OWNER, order)
    desk.m.oracle = Reading(MARK, 0, desk.m.now)
    assert desk.m.balance(BOOK) == 0


BAD = (
    ({"size": 0}, OrderReason.BAD_SIZE, 0, 2**112 - 1),
    ({"size": 2**112}, OrderReason.BAD_SIZE, 2**112, 2**112 - 1),
    ({"trigger_price": 1}, OrderReason.BAD_TRIGGER, 1, 0),
    ({"kind": OrderKind.LIMIT}, OrderReason.BAD_TRIGGER, 0, 1),
    ({"trail": 1}, OrderReason.BAD_TRIGGER, 1, 0),
    ({"kind": OrderKind.TRAILING_STOP}, OrderReason.NOT_REDUCE_ONLY, 3, 2),
    (
        {"kind": OrderKind.TRAILING_STOP, "reduce_only": True, "margin": 0, "trail": WAD},
        OrderReason.BAD_TRIGGER,
        WAD,
        WAD - 1,
    ),
    ({"reduce_only": True}, OrderReason.BAD_MARGIN, 5_000 * ONE, 0),
)


@pytest.mark.parametrize(("terms", "reason", "actual", "limit"), BAD)
def test_place__malformed__refused(
    desk: Desk, terms: dict[str, Any], reason: OrderReason, actual: int, limit: int
) -> None:
    order = replace(desk.order(), **terms)
    assert desk.refused("place", OWNER, order) == (reason, actual, limit)


def test_place__times_and_parents__refused(desk: Desk) -> None:
    now = desk.m.now
    late = (OrderReason.BAD_EXPIRY, now, now + 1)
    assert desk.refused("place", OWNER, desk.order(expiry=now)) == late
    orphan = desk.order(parent=b"\x05" * 32)
    assert desk.refused("place", OWNER, orphan) == (OrderReason.PARENT_NOT_FILLED, 0, 2)
    entry = desk.place(desk.order())
    other = int(desk.m.reserve(OWNER, OWNER).value)
    wrong = desk.order(parent=hash_of(entry), position_id=other, salt=1)
    assert desk.refused("place", OWNER, wrong) == (OrderReason.BAD_PARENT, 1, other)
    nobody = (OrderReason.WRONG_OWNER, 0, int(OWNER, 16))
    assert desk.refused("place", OWNER, desk.order(position_id=99)) == nobody
    assert desk.book.group_used_by(OWNER, NOTHING) == NOTHING
