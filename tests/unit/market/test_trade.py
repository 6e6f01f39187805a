"""increase, decrease, close, closeAndWithdraw."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import Reason

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


@pytest.fixture(params=[1, -1], ids=["long", "short"])
def held(world: World, request: pytest.FixtureRequest) -> tuple[World, int, int]:
    """A position of 50 ETH with 8,000 margin: world, id, sign."""
    sign = request.param
    return world, world.open(world.alice, sign * 50 * WAD, 8_000 * world.one), sign


def test_refusals_of_a_change(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    for action, away in (("increase", 1), ("decrease", -1)):
        delta, limit = sign * away * WAD, ANY[sign * away]
        w.no(Reason.DEADLINE_PASSED, action, w.alice, id_, delta, limit, w.now - 1)
        w.no("UnknownPosition", action, w.alice, 7, delta, limit, SOON)
        w.no("NotAuthorised", action, w.bob, id_, delta, limit, SOON)
        w.no(Reason.ZERO_AMOUNT, action, w.alice, id_, 0, limit, SOON)
        w.no(Reason.WRONG_DIRECTION, action, w.alice, id_, -delta, limit, SOON)
        w.no(Reason.PRICE_LIMIT, action, w.alice, id_, delta, ANY[-sign * away], SOON)
    w.no(Reason.WOULD_FLIP, "decrease", w.alice, id_, -sign * (50 * WAD + 1), ANY[-sign], SOON)
    w.no(Reason.MARGIN_TOO_LOW, "increase", w.alice, id_, sign * 40 * WAD, ANY[sign], SOON)
    w.no(
        Reason.NOTIONAL_TOO_SMALL,
        "decrease",
        w.alice,
        id_,
        -sign * (50 * WAD - WAD // 4),
        ANY[-sign],
        SOON,
    )
    w.close(w.alice, id_)
    for action in ("increase", "decrease"):
        w.no(Reason.IS_FLAT, action, w.alice, id_, WAD, ANY[1], SOON)


def test_increase_needs_normal_and_no_grace(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    w.ok("enter_reduce_only", w.guardian)
    w.no(Reason.MODE_FORBIDS, "increase", w.alice, id_, sign * WAD, ANY[sign], SOON)
    w.ok("decrease", w.alice, id_, -sign * WAD, ANY[-sign], SOON)
    w.ok("leave_reduce_only", w.governance)
    w.no(Reason.IN_GRACE, "increase", w.alice, id_, sign * WAD, ANY[sign], SOON)
    w.ok("decrease", w.alice, id_, -sign * WAD, ANY[-sign], SOON)
    w.close(w.alice, id_)


@pytest.mark.parametrize("move", [1, -1], ids=["profit", "loss"])
@pytest.mark.parametrize("decimals", [0, 2, 8, 18])
@SIDES
def test_decrease_and_close(
    new_world: Callable[..., World], decimals: int, sign: int, move: int
) -> None:
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, sign * 50 * WAD, 9_000 * w.one)
    other = w.open(w.bob, -sign * 20 * WAD, 9_000 * w.one)
    w.tick((2_000 + 37 * sign * move) * WAD + 12345, seconds=5_000, spread=7 * 10**14)
    w.ok("decrease", w.alice, id_, -sign * 17 * WAD - 1, ANY[-sign], SOON)
    w.tick((2_000 + 41 * sign * move) * WAD + 777, seconds=5_000, spread=3 * 10**14)
    w.ok("decrease", w.alice, id_, w.twin.position(id_).size * -1, ANY[-sign], SOON)
    w.tick(seconds=60)
    w.ok("close_and_withdraw", w.bob, other, ANY[sign], SOON, w.carol)
    w.ok("remove_margin", w.alice, id_, w.twin.margin(id_), w.alice)


def test_decrease_must_hold_maintenance(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    w.tick((2_000 - sign * 130) * WAD)
    w.no(Reason.EQUITY_TOO_LOW, "decrease", w.alice, id_, -sign * WAD, ANY[-sign], SOON)
    w.close(w.alice, id_)


def test_close_needs_equity_after_costs(held: tuple[World, int, int]) -> None:
    """Down to equity 0 after costs, and not a unit below."""
    w, id_, sign = held
    w.tick((2_000 - sign * 160) * WAD)
    w.no(Reason.EQUITY_TOO_LOW, "close", w.alice, id_, ANY[-sign], SOON)
    refusal = w.do("close", w.alice, id_, ANY[-sign], SOON).refusal
    assert refusal is not None
    missing = -(refusal.args[1] // w.twin.core.cfg.unit)
    w.ok("add_margin", w.bob, id_, missing - 1)
    w.no(Reason.EQUITY_TOO_LOW, "close", w.alice, id_, ANY[-sign], SOON)
    w.ok("add_margin", w.bob, id_, 1)
    w.close(w.alice, id_)
    assert w.twin.margin(id_) == 0


def test_close_refusals(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    limit = ANY[-sign]
    for action, more in (("close", ()), ("close_and_withdraw", (w.alice,))):
        w.no(Reason.DEADLINE_PASSED, action, w.alice, id_, limit, w.now - 1, *more)
        w.no("UnknownPosition", action, w.alice, 5, limit, SOON, *more)
        w.no("NotAuthorised", action, w.bob, id_, limit, SOON, *more)
        w.no(Reason.PRICE_LIMIT, action, w.alice, id_, ANY[sign], SOON, *more)
    for bad in ("0x" + "0" * 40, w.market.address, w.pool.address, w.fund.address):
        w.no(Reason.BAD_RECEIVER, "close_and_withdraw", w.alice, id_, limit, SOON, bad)
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.no("NotAuthorised", "close_and_withdraw", w.bob, id_, limit, SOON, w.bob)
    w.ok("close", w.bob, id_, limit, SOON)
    w.no(Reason.IS_FLAT, "close", w.alice, id_, limit, SOON)
    w.no(Reason.IS_FLAT, "close_and_withdraw", w.alice, id_, limit, SOON, w.alice)


def test_exits_need_a_mark(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    w.tick()
    w.silence()
    w.no("PriceInvalid", "close", w.alice, id_, ANY[-sign], SOON)
    w.no("PriceInvalid", "decrease", w.alice, id_, -sign * WAD, ANY[-sign], SOON)
    w.no("PriceInvalid", "remove_margin", w.alice, id_, 1, w.alice)
    w.ok("add_margin", w.alice, id_, 1)
    w.ok("settle", w.alice, id_)


def test_locks_stay_when_closing(held: tuple[World, int, int]) -> None:
    w, id_, sign = held
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.ok("set_lock", w.bob, id_, 1_000 * w.one)
    paid = w.ok("close_and_withdraw", w.alice, id_, ANY[-sign], SOON, w.alice).value
    assert w.twin.margin(id_) == 1_000 * w.one
    assert paid > 6_000 * w.one
    w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 1, w.alice)
