"""KI-6: a vault emptied toward open tickets pays its liquidator nothing, and still closes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import WAD, World

LIQUIDITY = 400_000


@pytest.mark.parametrize("settled", [False, True])
def test_settled_loss_leaves_no_reward(new_world: Callable[..., World], settled: bool) -> None:
    w = new_world(liquidity=LIQUIDITY)
    winner = w.open(w.alice, 100 * WAD, 40_000 * w.one)
    loser = w.open(w.carol, -50 * WAD, 9_000 * w.one)
    w.tick(8_000 * WAD, seconds=600)
    w.close(w.alice, winner)
    owed, paid, *_ = w.market.ticketTotals()
    assert owed > paid
    if settled:
        w.ok("settle", w.bob, loser)
        assert w.twin.margin(loser) == 0
    done = w.ok("liquidate", w.keeper, loser, w.keeper)
    reward = done.event("PositionChanged").payout
    assert reward == (0 if settled else w.params.reward_floor // w.twin.core.cfg.unit)
    assert done.event("BadDebt").amount > 0
    assert w.market.position(loser).size == 0
