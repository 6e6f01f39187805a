"""A fall in steps, each too small to be called large, is a large move all the same."""

from __future__ import annotations

from market_world import WAD, World

from bulkhead.model.types import LiquidationResult as Is

STEPS = (1_955, 1_911, 1_868)  # each less than the 2.5 % of mm_1 under the one before


def leaving(w: World) -> tuple[int, int]:
    """A long of the most leverage, and a liquidity provider about to leave; (id, due moment)."""
    id_ = w.open(w.alice, 200 * WAD, 21_000 * w.one)
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp] // 2, w.lp, w.lp)
    due = w.now + w.params.redeem_delay_secs
    w.tick(seconds=w.params.redeem_delay_secs - 30)
    w.ok("accrue", w.keeper)
    return id_, due


def test_nobody_leaves_in_the_middle_of_a_stepwise_fall(world: World) -> None:
    """Else who leaves is paid as if a bankrupt position would still pay its loss."""
    w = world
    id_, due = leaving(w)
    for mark in STEPS:
        w.tick(mark * WAD, seconds=12)
        w.ok("accrue", w.keeper)
    assert w.now > due
    assert w.twin.equity(id_) < 0
    assert w.pool.redemptionReserve() == 0
    assert w.market.state().jumpAt == w.now
    before = w.twin.nav()
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.FULL
    assert done.event("BadDebt").fromPool > 0
    assert w.twin.nav() < before
    w.tick(seconds=w.params.pricing_wait_secs - 1)
    w.ok("accrue", w.keeper)
    assert w.pool.redemptionReserve() == 0
    total = w.twin.nav() // w.twin.core.cfg.unit
    w.tick(seconds=1)
    w.ok("accrue", w.keeper)
    assert 0 <= total // 2 - w.pool.redemptionReserve() <= total // 10**9 + 1


def test_a_slide_that_leaves_keepers_a_sample_each_holds_nobody_up(world: World) -> None:
    """A position that went bankrupt was liquidatable a sample before: nobody need wait."""
    w = world
    leaving(w)
    for mark in STEPS[:2]:
        w.tick(mark * WAD, seconds=w.params.sample_interval_secs)
        w.ok("accrue", w.keeper)
    assert w.market.state().jumpAt < w.now
    assert w.pool.redemptionReserve() > 0
