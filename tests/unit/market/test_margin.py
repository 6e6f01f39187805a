"""addMargin, removeMargin, settle, accrue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import Reason

MAX = 2**256 - 1


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize("sign", [1, -1])
def test_removes_exactly_what_is_free(
    new_world: Callable[..., World], decimals: int, sign: int
) -> None:
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, sign * 50 * WAD, 20_000 * w.one)
    for move in (13, -11):
        w.tick((2_000 + move) * WAD + 5, seconds=3_600)
        w.ok("accrue", w.bob)
        spare = w.twin.withdrawable(id_)
        assert spare > 0
        with w.branch() as b:
            b.no(Reason.MARGIN_TOO_LOW, "remove_margin", b.alice, id_, spare + 1, b.alice)
            b.ok("remove_margin", b.alice, id_, spare, b.dave)
        w.ok("remove_margin", w.alice, id_, spare // 2, w.alice)


def test_refusals(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 20_000 * w.one)
    w.no("UnknownPosition", "add_margin", w.bob, 4, 1)
    w.no(Reason.ZERO_AMOUNT, "add_margin", w.bob, id_, 0)
    w.no("TransferRefused", "add_margin", w.dave, id_, 1)
    w.no("UnknownPosition", "remove_margin", w.alice, 4, 1, w.alice)
    w.no("NotAuthorised", "remove_margin", w.bob, id_, 1, w.bob)
    w.no(Reason.ZERO_AMOUNT, "remove_margin", w.alice, id_, 0, w.alice)
    for bad in ("0x" + "0" * 40, w.market.address, w.pool.address, w.fund.address):
        w.no(Reason.BAD_RECEIVER, "remove_margin", w.alice, id_, 1, bad)
    for amount in (w.twin.margin(id_) + 1, 2**255 - 1):
        w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, amount, w.alice)
    w.ok("enter_reduce_only", w.guardian)
    w.no(Reason.MODE_FORBIDS, "remove_margin", w.alice, id_, 1, w.alice)
    w.ok("leave_reduce_only", w.governance)
    w.no(Reason.IN_GRACE, "remove_margin", w.alice, id_, 1, w.alice)
    w.ok("add_margin", w.bob, id_, 1)
    w.close(w.alice, id_)
    w.ok("remove_margin", w.alice, id_, 1, w.alice)
    w.no("UnknownPosition", "settle", w.alice, 4)


def test_flat_margin_leaves_without_a_price(world: World) -> None:
    """Also from a position that was never opened, and through ReduceOnly."""
    w = world
    id_ = w.ok("reserve", w.bob, w.alice).value
    w.ok("add_margin", w.bob, id_, 500)
    w.tick()
    w.silence()
    w.ok("enter_reduce_only", w.guardian)
    w.ok("remove_margin", w.alice, id_, 200, w.dave)
    w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 301, w.alice)
    w.ok("remove_margin", w.alice, id_, 300, w.alice)


def test_profit_does_not_count(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 8_000 * w.one)
    w.tick(3_000 * WAD)
    w.no(Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, 7_000 * w.one, w.alice)


def test_locks_hold_margin_back(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 20_000 * w.one)
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.ok("set_lock", w.bob, id_, 12_000 * w.one)
    spare = w.twin.withdrawable(id_)
    w.no(Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, spare + 1, w.alice)
    w.ok("remove_margin", w.alice, id_, spare, w.alice)
    w.ok("set_lock", w.bob, id_, 10**12 * w.one)
    w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 1, w.alice)


@pytest.mark.parametrize("sign", [1, -1])
def test_funding_is_settled_both_ways(world: World, sign: int) -> None:
    w = world
    payer = w.open(w.alice, sign * 500 * WAD, 150_000 * w.one)
    taker = w.open(w.bob, -sign * 100 * WAD, 30_000 * w.one)
    w.tick(seconds=40_000)
    assert w.ok("settle", w.carol, payer).event("PositionChanged").fundingPaid > 0
    assert w.ok("settle", w.carol, taker).event("PositionChanged").fundingPaid < 0
    assert w.ok("settle", w.carol, payer).event("PositionChanged").fundingPaid == 0


def test_accrual_without_a_mark(world: World) -> None:
    w = world
    w.open(w.alice, 500 * WAD, 150_000 * w.one)
    for failure in (1, 2, 5, 7, 8):
        w.tick(seconds=1_000)
        w.silence(failure)
        w.ok("accrue", w.bob)
        w.ok("accrue", w.bob)
        w.speak()
    w.set(2_001 * WAD, w.params.max_spread + 1)
    w.ok("accrue", w.bob)
    w.set(2_001 * WAD)
    w.ok("accrue", w.bob)
    assert w.market.state().mark == 2_001 * WAD


def test_accruing_in_pieces_is_accruing_once(world: World) -> None:
    w = world
    w.open(w.alice, 900 * WAD, 300_000 * w.one)
    ends = []
    for pieces in (1, 10):
        with w.branch() as b:
            b.silence()
            for _ in range(pieces):
                b.at(b.now + 50_000 // pieces)
                b.ok("accrue", b.bob)
            ends.append(b.market.state())
    assert ends[0].fundingRate == ends[1].fundingRate
    assert abs(ends[0].fundingIndex - ends[1].fundingIndex) <= 10


def test_settle_in_every_order(world: World) -> None:
    """Settling first changes nothing that follows."""
    w = world
    id_ = w.open(w.alice, 500 * WAD, 150_000 * w.one)
    w.tick(2_005 * WAD, seconds=9_000)
    ends = []
    for first in (False, True):
        with w.branch() as b:
            if first:
                b.ok("settle", b.bob, id_)
            b.ok("decrease", b.alice, id_, -99 * WAD, ANY[-1], SOON)
            ends.append((b.twin.margin(id_), b.twin.position(id_), b.twin.state.cash))
    assert ends[0] == ends[1]
