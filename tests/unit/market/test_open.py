"""open: what it takes, what it refuses, in every number of decimals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import Reason

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@SIDES
def test_opens_and_closes(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    assert w.market.position(id_).size == sign * 50 * WAD
    w.tick(2_010 * WAD)
    w.ok("increase", w.alice, id_, sign * 7 * WAD, ANY[sign], SOON)
    w.tick(1_990 * WAD)
    w.ok("decrease", w.alice, id_, -sign * 13 * WAD, ANY[-sign], SOON)
    w.tick(2_001 * WAD, seconds=3_600)
    w.ok("settle", w.bob, id_)
    w.close(w.alice, id_)
    w.ok("remove_margin", w.alice, id_, w.twin.margin(id_), w.alice)


def refused(w: World, reason: Reason | str, *args: object, who: str = "") -> None:
    w.no(reason, "open", who or w.alice, *args)


def test_refuses_what_it_says(world: World) -> None:
    w, size, margin = world, 50 * WAD, 8_000 * world.one
    refused(w, Reason.DEADLINE_PASSED, 0, size, margin, ANY[1], w.now - 1)
    w.ok("open", w.alice, 0, size, margin, ANY[1], w.now)
    refused(w, "UnknownPosition", 9, size, margin, ANY[1], SOON)
    refused(w, "NotAuthorised", 1, size, margin, ANY[1], SOON, who=w.bob)
    refused(w, Reason.NOT_FLAT, 1, size, margin, ANY[1], SOON)
    refused(w, Reason.ZERO_AMOUNT, 0, 0, margin, ANY[1], SOON)
    refused(w, Reason.PRICE_LIMIT, 0, size, margin, 2_000 * WAD, SOON)
    refused(w, Reason.PRICE_LIMIT, 0, -size, margin, 2_001 * WAD, SOON)
    refused(w, Reason.NOTIONAL_TOO_SMALL, 0, WAD // 2 - 1, margin, ANY[1], SOON)
    refused(w, Reason.SKEW_TOO_LARGE, 0, 4_001 * WAD, margin * 200, ANY[1], SOON)
    refused(w, Reason.MARGIN_TOO_LOW, 0, size, margin // 2, ANY[1], SOON)
    refused(w, Reason.MARGIN_TOO_LOW, 0, size, 0, ANY[1], SOON)
    refused(w, "TransferRefused", 0, size, margin, ANY[1], SOON, who=w.dave)


def test_price_limit_is_the_fill_itself(world: World) -> None:
    w = world
    w.tick(spread=10**15)
    for sign in (1, -1):
        with w.branch() as b:
            fill = (
                b.ok("open", b.alice, 0, sign * 50 * WAD, 8_000 * b.one, ANY[sign], SOON)
                .event("PositionChanged")
                .fill
            )
        args = (0, sign * 50 * WAD, 8_000 * w.one)
        refused(w, Reason.PRICE_LIMIT, *args, fill - sign, SOON)
        with w.branch() as b:
            b.ok("open", b.alice, *args, fill, SOON)


@SIDES
def test_margin_to_the_unit(world: World, sign: int) -> None:
    """The least margin that opens, and one unit less."""
    w, args = world, (0, sign * 50 * WAD)
    low, high = 0, 20_000 * w.one
    w.twin.now, w.twin.oracle = w.now, w.reading
    while high - low > 1:
        middle = (low + high) // 2
        found = w.twin.preview("open", w.alice, *args, middle, ANY[sign], SOON)
        low, high = (middle, high) if isinstance(found, Exception) else (low, middle)
    refused(w, Reason.MARGIN_TOO_LOW, *args, low, ANY[sign], SOON)
    w.ok("open", w.alice, *args, high, ANY[sign], SOON)


def test_sizes_that_fit_no_word(world: World) -> None:
    w = world
    for size in (2**127, -(2**127), 2**255 - 1, -(2**255)):
        done = w.market.open.prepare(0, size, 0, ANY[1 if size > 0 else -1], SOON, sender=w.alice)
        receipt = w.rpc.send(done.to, done.data, sender=w.alice, check=False)
        assert not receipt.ok
        assert w._refused(w.rpc.revert_data(receipt.hash)).startswith("Refused(30,")
    refused(w, Reason.SKEW_TOO_LARGE, 0, 4_001 * WAD, 0, ANY[1], SOON)


def test_open_interest(new_world: Callable[..., World]) -> None:
    w, half = new_world(max_open_interest=3_000_000 * WAD), 750 * WAD
    refused(w, Reason.OPEN_INTEREST_TOO_LARGE, 0, 2 * half + 1, 900_000 * w.one, ANY[1], SOON)
    w.open(w.alice, 2 * half, 900_000 * w.one)
    w.open(w.bob, -2 * half, 900_000 * w.one)
    refused(w, Reason.OPEN_INTEREST_TOO_LARGE, 0, -WAD, 9_000 * w.one, ANY[-1], SOON)


def test_utilisation(new_world: Callable[..., World]) -> None:
    w = new_world(liquidity=100_000)
    refused(w, Reason.UTILISATION_TOO_HIGH, 0, 51 * WAD, 50_000 * w.one, ANY[1], SOON)
    w.open(w.alice, 49 * WAD, 50_000 * w.one)


def test_an_empty_pool_opens_nothing(new_world: Callable[..., World]) -> None:
    w = new_world(liquidity=0)
    refused(w, Reason.UTILISATION_TOO_HIGH, 0, WAD, 50_000 * w.one, ANY[1], SOON)


def test_oracle_refusals(world: World) -> None:
    w, args = world, (0, 50 * WAD, 8_000 * world.one, ANY[1], SOON)
    w.tick()
    held = w.twin.state.published_at
    for reading, reason in (
        ((2_000 * WAD, 0, held - 1), Reason.PRICE_BACKWARDS),
        ((10**9 - 1, 0, w.now), Reason.PRICE_OUT_OF_RANGE),
        ((2**96, 0, w.now), Reason.PRICE_OUT_OF_RANGE),
        ((2_000 * WAD, w.params.max_spread + 1, w.now), Reason.SPREAD_TOO_WIDE),
    ):
        w.set(*reading)
        refused(w, reason, *args)
    w.silence()
    refused(w, "PriceInvalid", *args)
    w.speak()
    w.set(2_000 * WAD, w.params.max_spread)
    w.ok("open", w.alice, *args)


def test_modes_and_grace(world: World) -> None:
    w, args = world, (0, 50 * WAD, 8_000 * world.one, ANY[1], SOON)
    w.ok("enter_reduce_only", w.guardian)
    refused(w, Reason.MODE_FORBIDS, *args)
    w.ok("leave_reduce_only", w.governance)
    refused(w, Reason.IN_GRACE, *args)
    w.tick(seconds=w.params.grace_secs - 1)
    refused(w, Reason.IN_GRACE, *args)
    w.tick(seconds=1)
    w.ok("open", w.alice, *args)


def test_reopens_the_same_vault(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 8_000 * w.one)
    w.close(w.alice, id_)
    w.ok("open", w.alice, id_, -20 * WAD, 0, ANY[-1], SOON)
    assert w.market.position(id_).size == -20 * WAD


def test_margin_waiting_in_the_vault_counts(world: World) -> None:
    """A vault may be funded before it exists."""
    w = world
    id_ = w.ok("reserve", w.bob, w.alice).value
    w.send(w.bob, w.twin.core.vault(id_), 8_000 * w.one)
    w.ok("open", w.alice, id_, 50 * WAD, 0, ANY[1], SOON)
    with w.branch() as b:
        b.ok("set_delegate", b.alice, 0, b.bob, SOON)
