"""Whole runs on the twin: reproducible, and each actor does what it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sim_world import CRASH, FOUND, a_day

from bulkhead.errors import BadInput
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.keepers import KeeperTerms
from bulkhead.sim.oracle import OracleTerms, Outage
from bulkhead.sim.others import AttackerTerms, ProviderTerms
from bulkhead.sim.outcome import Outcome
from bulkhead.sim.run import ready, simulate
from bulkhead.sim.twin import TwinBackend


def test_simulate__same_seed__gives_the_same_outcome() -> None:
    day = a_day(model=FOUND.regimes, hours=4)
    assert simulate(day, 5).record() == simulate(day, 5).record()
    assert simulate(day, 5).record() != simulate(day, 6).record()


def test_simulate__a_crash__adds_up() -> None:
    run = ready(a_day(*CRASH), np.random.default_rng(1), charts=True)
    found = run.engine.run()
    assert found.liquidations > 10
    assert 0 < found.partial < found.liquidations
    assert found.bad_debt == pytest.approx(found.bad_debt_insurance + found.bad_debt_pool)
    assert 0 < found.wrongly_liquidated <= found.liquidated_notional
    assert found.liquidation_loss >= found.keeper_rewards > found.keeper_gas > 0
    assert found.peak_open_interest > 5e6
    assert found.lowest_mark == pytest.approx(1_900, rel=0.01)
    assert len(run.samples) == found.steps
    backend = run.engine.backend
    assert isinstance(backend, TwinBackend)
    twin = backend.twin
    paid_out = sum(twin.balance(one.account) for one in run.engine.actors.keepers)
    assert paid_out / 1e6 == pytest.approx(found.keeper_rewards)


def test_simulate__steady_price__liquidates_nobody() -> None:
    found = simulate(a_day(2_500, 2_500, 2_500, 2_500), 1)
    assert (found.liquidations, found.bad_debt, found.open_deficit) == (0, 0.0, 0.0)
    assert found.opened == 60
    assert found.lp_result > 0  # fees


def crash_with(**given: object) -> Outcome:
    return simulate(a_day(*CRASH, **given), 2)


def test_keepers__late_ones__leave_more_bad_debt() -> None:
    quick = crash_with(keepers=(KeeperTerms(latency=1),))
    late = crash_with(keepers=(KeeperTerms(latency=1_500),))
    assert late.bad_debt > quick.bad_debt


@pytest.mark.parametrize(
    "terms", [KeeperTerms(capital=0.0), KeeperTerms(most_gwei=0.01), KeeperTerms(least_profit=1e6)]
)
def test_keepers__no_capital_or_too_dear__do_nothing(terms: KeeperTerms) -> None:
    found = crash_with(keepers=(terms,))
    assert found.liquidations == 0
    assert found.keeper_skipped > 0
    assert found.keeper_gas == 0
    assert found.open_deficit > 0


def test_providers__a_loss__makes_the_timid_flee() -> None:
    rising = (2_500, 2_500, 2_700, 3_000)
    crowd = CrowdTerms(count=60, long_share=1.0)
    providers = (ProviderTerms(0.6, 0.9), ProviderTerms(0.4, 0.01))
    found = simulate(a_day(*rising, providers=providers, crowd=crowd), 1)
    assert found.lp_fled == 1
    assert found.lp_return < -0.01


def test_attacker__a_lagging_feed__is_worth_its_capital() -> None:
    wild = tuple(2_500 + 40 * (-1) ** place for place in range(12))
    slow = replace(FOUND.oracle, latency_mean=60.0)
    found = simulate(a_day(*wild, oracle=slow, attacker=AttackerTerms(capital=100_000)), 1)
    assert found.attacker_trades > 3
    assert found.attacker_result > 0


def test_attacker__an_ideal_feed__has_nothing_to_attack() -> None:
    ideal = OracleTerms(heartbeat=3_600, deviation=0.0, latency_mean=0.0, block=12)
    found = simulate(a_day(*CRASH, oracle=ideal, attacker=AttackerTerms(capital=100_000)), 1)
    assert (found.attacker_trades, found.attacker_result) == (0, 0.0)


def test_outage__in_a_crash__grace_comes_before_liquidation() -> None:
    silent = replace(FOUND.oracle, outages=(Outage(1_900, 7_000),))
    found = simulate(a_day(*CRASH, oracle=silent), 1)
    assert found.refused > 0  # whoever wants to act on a stale price
    assert found.liquidations > 0
    plain = simulate(a_day(*CRASH), 1)
    assert found.bad_debt + found.open_deficit > plain.bad_debt


def test_adl__traders_win_more_than_the_pool_has__closes_them() -> None:
    soaring = (2_500, 2_500, 3_500, 5_000, 6_500, 6_500)
    crowd = CrowdTerms(count=60, long_share=1.0, fill=0.9, styles=(1.0, 0.0, 0.0, 0.0))
    found = simulate(a_day(*soaring, crowd=crowd, liquidity=0.6), 1)
    assert found.adl > 0
    assert found.adl_notional > 0


@pytest.mark.parametrize(
    "given",
    [
        {"hours": 0.0},
        {"step": 0},
        {"liquidity": 0.0},
        {"insurance": -1.0},
        {"keepers": ()},
        {"providers": (ProviderTerms(0.5, 0.1),)},
        {"history": None, "model": None},
    ],
)
def test_scenario__impossible__is_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        a_day(**{"model": FOUND.gbm, **given})


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (CrowdTerms, {"count": 0}),
        (CrowdTerms, {"fill": 1.5}),
        (CrowdTerms, {"leverages": ((0.5, 3),)}),
        (CrowdTerms, {"styles": (1.0, 1.0, 0.0, 0.0)}),
        (KeeperTerms, {"latency": 0}),
        (KeeperTerms, {"batch": 0}),
        (AttackerTerms, {"capital": -1.0}),
        (ProviderTerms, {"share": 0.0, "flees_at": 0.1}),
    ],
)
def test_terms__impossible__are_refused(kind: type, given: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        kind(**given)
