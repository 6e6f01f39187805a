"""liquidate and liquidateMany: when, how much, who is paid, who bears what is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, Done, World

from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reading, Reason
from bulkhead.model.wad import ceil_div

DECIMALS = pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


def held(w: World, sign: int, margin: int = 6_000, size: int = 50) -> int:
    """A position of 100,000 notional by default."""
    return w.open(w.alice, sign * size * WAD, margin * w.one)


def deficit(w: World, id_: int) -> int:
    """Token units under maintenance margin at the oracle's price, as a liquidator sees it."""
    w.twin.now, w.twin.oracle = w.now, w.reading
    found = w.twin.preview("transfer_position", w.twin.position(id_).owner, id_, w.dave)
    if not isinstance(found, Exception):
        return 0
    _, equity, need = found.args
    return ceil_div(need - equity, w.twin.core.cfg.unit)


def hit(w: World, id_: int) -> Done:
    return w.ok("liquidate", w.keeper, id_, w.keeper)


@DECIMALS
@SIDES
def test_exactly_below_maintenance(
    new_world: Callable[..., World], decimals: int, sign: int
) -> None:
    """Equity at MM is healthy, one unit of margin less is not."""
    w = new_world(decimals=decimals)
    id_ = held(w, sign)
    w.tick((2_000 - sign * 80) * WAD, spread=3 * 10**14)
    missing = deficit(w, id_)
    assert missing > 0
    with w.branch() as b:
        b.ok("add_margin", b.bob, id_, missing)
        b.no(Reason.HEALTHY, "liquidate", b.keeper, id_, b.keeper)
        b.ok("transfer_position", b.alice, id_, b.dave)
    if missing > 1:
        w.ok("add_margin", w.bob, id_, missing - 1)
    w.no(Reason.LIQUIDATABLE, "transfer_position", w.alice, id_, w.dave)
    hit(w, id_)


@SIDES
def test_exactly_below_maintenance_by_price(world: World, sign: int) -> None:
    """The last healthy mark, and one beyond it."""
    w = world
    id_ = held(w, sign)
    w.tick()
    low, high = 0, 200 * WAD
    while high - low > 1:
        middle = (low + high) // 2
        w.reading = Reading(2_000 * WAD - sign * middle, 0, w.now)
        low, high = (low, middle) if deficit(w, id_) else (middle, high)
    w.set(2_000 * WAD - sign * low)
    with w.branch() as b:
        b.no(Reason.HEALTHY, "liquidate", b.keeper, id_, b.keeper)
    w.set(2_000 * WAD - sign * high)
    hit(w, id_)


@DECIMALS
@SIDES
@pytest.mark.parametrize("fall", [75, 82, 90, 100, 110, 119, 121, 150, 400])
def test_every_depth(new_world: Callable[..., World], decimals: int, sign: int, fall: int) -> None:
    """Partial, full, bad debt; a second liquidation finds nothing to do."""
    w = new_world(decimals=decimals)
    id_ = held(w, sign)
    held_bob = w.open(w.bob, -sign * 20 * WAD, 20_000 * w.one)
    w.tick((2_000 - sign * fall) * WAD, spread=2 * 10**14)
    if not deficit(w, id_):
        w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
        return
    done = hit(w, id_)
    if done.value == Is.PARTIAL:
        w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
        w.close(w.alice, id_)
    else:
        w.no(Reason.IS_FLAT, "liquidate", w.keeper, id_, w.keeper)
        assert w.twin.position(id_).basis == 0
    w.close(w.bob, held_bob)


def test_partial_restores_target(world: World) -> None:
    w = world
    id_ = held(w, 1)
    w.tick(1_925 * WAD)
    done = hit(w, id_)
    assert done.value == Is.PARTIAL
    _, _, target = w.twin.requirements(id_)
    assert 0 <= w.twin.equity(id_) - target < 20 * 10**12
    assert 0 < w.market.position(id_).size < 50 * WAD


def test_bad_debt_waterfall(world: World) -> None:
    """Unswept insurance first, then the fund, then the pool."""
    w = world
    for funded in (0, 100, 100_000):
        with w.branch() as b:
            id_ = held(b, 1)
            if funded:
                b.token.mint(b.fund.address, funded * b.one)
                b.twin.give(b.fund.address, funded * b.one)
            b.tick(1_800 * WAD)
            share = b.twin.state.insurance_due
            debt = hit(b, id_).event("BadDebt")
            assert debt.amount == debt.fromInsurance + debt.fromPool
            assert debt.fromInsurance == min(debt.amount, share + funded * b.one)


@pytest.mark.parametrize("size", [1, 50, 1_500, 3_000])
def test_reward_between_floor_and_cap(world: World, size: int) -> None:
    w = world
    id_ = held(w, 1, margin=size * 300, size=size)
    w.tick(1_720 * WAD)
    event = hit(w, id_).event("PositionChanged")
    assert 5 * w.one <= event.payout <= 1_000 * w.one


def test_drained_vault_with_a_profit_pays_its_keeper(world: World) -> None:
    """Funding ate the vault, the claim is positive: fees come out of the claim."""
    w = world
    id_ = held(w, 1, margin=72_000, size=500)
    w.tick(2_060 * WAD, seconds=40_000)
    w.ok("settle", w.bob, id_)
    for _ in range(20):
        w.tick(seconds=40_000)
        w.ok("settle", w.bob, id_)
        if deficit(w, id_):
            break
    assert deficit(w, id_)
    assert hit(w, id_).event("PositionChanged").payout > 0


def test_refusals(world: World) -> None:
    w = world
    id_ = held(w, 1)
    w.no("UnknownPosition", "liquidate", w.keeper, 9, w.keeper)
    vault = w.twin.core.vault(id_)
    for bad in ("0x" + "0" * 40, w.market.address, w.pool.address, w.fund.address, vault):
        w.no(Reason.BAD_RECEIVER, "liquidate", w.keeper, id_, bad)
        w.no(Reason.BAD_RECEIVER, "liquidate_many", w.keeper, (id_,), bad)
    w.tick(1_900 * WAD)
    w.silence()
    w.no("PriceInvalid", "liquidate", w.keeper, id_, w.keeper)
    w.no("PriceInvalid", "liquidate_many", w.keeper, (id_,), w.keeper)
    w.speak()
    w.tick(1_900 * WAD, spread=w.params.max_spread + 1)
    w.no(Reason.SPREAD_TOO_WIDE, "liquidate", w.keeper, id_, w.keeper)


def test_grace(world: World) -> None:
    """After an outage only what is worth nothing is liquidated."""
    w = world
    id_, broke = held(w, 1), held(w, 1, margin=5_600)
    w.tick(1_915 * WAD)
    w.set(1_915 * WAD, resumed=w.now)
    w.ok("accrue", w.bob)
    w.no(Reason.IN_GRACE, "liquidate", w.keeper, id_, w.keeper)
    w.tick(1_884 * WAD)
    done = w.ok("liquidate_many", w.keeper, (id_, broke), w.keeper)
    assert done.value == (Is.IN_GRACE, Is.FULL)
    w.tick(1_915 * WAD, seconds=w.params.grace_secs - 13)
    w.no(Reason.IN_GRACE, "liquidate", w.keeper, id_, w.keeper)
    w.tick(1_915 * WAD, seconds=1)
    hit(w, id_)


def test_many(world: World) -> None:
    w = world
    ids = [held(w, 1), held(w, -1), held(w, 1, 12_000), held(w, 1, 9_000)]
    flat = w.ok("reserve", w.bob, w.bob).value
    w.tick(1_900 * WAD)
    done = w.ok("liquidate_many", w.keeper, (*ids, flat, 99, ids[0], 0), w.bob)
    assert done.value == (
        *(Is.FULL, Is.HEALTHY, Is.HEALTHY, Is.HEALTHY, Is.FLAT, Is.UNKNOWN, Is.FLAT, Is.UNKNOWN),
    )
    w.ok("liquidate_many", w.keeper, (), w.keeper)
    w.ok("liquidate_many", w.keeper, (ids[1],), w.keeper)


def test_a_second_mark_in_the_block(world: World) -> None:
    """A liquidation may bring a strictly newer mark; then the block is for liquidations alone."""
    w = world
    id_, other = held(w, 1), held(w, 1, 7_000)
    w.tick()
    w.ok("accrue", w.bob)
    w.set(1_910 * WAD)
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    w.at(w.now + 12)
    w.set(2_000 * WAD, published=w.now - 5)
    w.ok("accrue", w.bob)
    w.set(1_990 * WAD, published=w.now - 4)
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    w.no(Reason.NOTHING_LIQUIDATED, "liquidate_many", w.keeper, (id_, other), w.keeper)
    w.set(1_910 * WAD, published=w.now - 3)
    hit(w, id_)
    assert w.market.state().renewed
    limits = (ANY[-1], SOON)
    only = Reason.BLOCK_IS_LIQUIDATION_ONLY
    w.no(only, "open", w.bob, 0, 50 * WAD, 9_000 * w.one, ANY[1], SOON)
    w.no(only, "increase", w.alice, other, WAD, ANY[1], SOON)
    w.no(only, "decrease", w.alice, other, -WAD, *limits)
    w.no(only, "close", w.alice, other, *limits)
    w.no(only, "close_and_withdraw", w.alice, other, *limits, w.alice)
    w.no(only, "remove_margin", w.alice, other, 1, w.alice)
    w.no(only, "transfer_position", w.alice, other, w.bob)
    w.no(only, "deleverage", w.bob, other)
    w.no(only, "settle", w.bob, other)
    w.no(only, "accrue", w.bob)
    w.ok("add_margin", w.bob, other, 1)
    w.set(1_880 * WAD, published=w.now - 2)
    hit(w, other)
    w.tick(1_900 * WAD, seconds=1)
    w.ok("accrue", w.bob)
    assert not w.market.state().renewed


def test_liquidation_works_in_reduce_only(world: World) -> None:
    w = world
    id_ = held(w, 1)
    w.ok("enter_reduce_only", w.guardian)
    w.tick(1_910 * WAD)
    hit(w, id_)
