"""A vault that a loss or funding drained paid no liquidator. It keeps the least reward now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import WAD, World

from bulkhead.model.types import LiquidationResult as Is

DECIMALS = pytest.mark.parametrize("decimals", [0, 6, 18])
SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


def floor_of(w: World) -> int:
    """rewardFloor in token units."""
    return int(w.params.reward_floor // w.twin.core.cfg.unit)


def open_ticket(w: World, sign: int) -> int:
    """A market that owes a ticket, and a position on side `sign` that is far under water."""
    if sign < 0:
        winner = w.open(w.alice, 100 * WAD, 40_000 * w.one)
        loser = w.open(w.carol, -50 * WAD, 9_000 * w.one)
        w.tick(8_000 * WAD, seconds=600)
    else:  # the pool loses to a long first: else a fall costs it no more than it has
        first = w.open(w.bob, 100 * WAD, 40_000 * w.one)
        winner = w.open(w.alice, -190 * WAD, 500_000 * w.one)
        w.tick(4_000 * WAD, seconds=600)
        w.close(w.bob, first)
        loser = w.open(w.carol, 30 * WAD, 20_000 * w.one)
        w.tick(100 * WAD, seconds=600)
    w.close(w.alice, winner)
    owed, paid, *_ = w.market.ticketTotals()
    assert owed > paid
    return loser


def paid_for(w: World, id_: int) -> int:
    """Liquidates a position without equity; returns what the keeper got."""
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.FULL
    assert done.event("BadDebt").amount > 0
    assert w.market.position(id_).size == 0
    return int(done.event("PositionChanged").payout)


@DECIMALS
@SIDES
@pytest.mark.parametrize("settled", [False, True])
def test_settled_loss_leaves_the_reward(
    new_world: Callable[..., World], decimals: int, sign: int, settled: bool
) -> None:
    """While tickets are open anyone may settle a ruined position; its keeper is paid still."""
    w = new_world(decimals=decimals, liquidity=400_000)
    loser = open_ticket(w, sign)
    if settled:
        w.ok("settle", w.bob, loser)
        assert w.twin.margin(loser) == floor_of(w)
        w.ok("settle", w.bob, loser)
        assert w.twin.margin(loser) == floor_of(w)
    assert paid_for(w, loser) == floor_of(w)


@DECIMALS
@SIDES
@pytest.mark.parametrize("over", [0, 1, 2])
def test_settle_takes_what_is_above_the_reward(
    new_world: Callable[..., World], decimals: int, sign: int, over: int
) -> None:
    """At the floor nothing moves; each unit above it does."""
    w = new_world(decimals=decimals, liquidity=400_000)
    loser = open_ticket(w, sign)
    w.ok("settle", w.bob, loser)
    if over:
        w.ok("add_margin", w.bob, loser, over)
    before = w.market.ticketTotals()[1], w.twin.nav()
    w.ok("settle", w.bob, loser)
    assert w.twin.margin(loser) == floor_of(w)
    assert (w.market.ticketTotals()[1], w.twin.nav()) == (before[0] + over, before[1])


@DECIMALS
@SIDES
@pytest.mark.parametrize("touched", [False, True], ids=["at once", "before"])
def test_funding_leaves_the_reward(
    new_world: Callable[..., World], decimals: int, sign: int, touched: bool
) -> None:
    """Funding ate the vault of a position in profit, then the mark jumped through its claim."""
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, sign * 500 * WAD, 72_000 * w.one)
    w.tick((2_000 + sign * 300) * WAD)
    w.ok("settle", w.bob, id_)
    assert w.twin.margin(id_) > floor_of(w)
    w.tick(seconds=1_000_000)
    if touched:
        w.ok("settle", w.bob, id_)
        assert w.twin.margin(id_) == floor_of(w)
        assert w.twin.position(id_).basis > 0 or sign < 0
    w.tick((2_000 - sign * 300) * WAD)
    assert paid_for(w, id_) == floor_of(w)
