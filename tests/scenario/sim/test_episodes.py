"""Real crashes, where their files are there: the ranking of the rules, and the calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sim_world import FOUND

from bulkhead.chain.binaries import ROOT
from bulkhead.prices import read
from bulkhead.sim import calibration
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.rules import RULES
from bulkhead.sim.run import simulate
from bulkhead.sim.scenario import Scenario
from bulkhead.sim.vary import varied

FOLDER = ROOT.parent / "shared" / "data"
MINUTES = "ethusdt_1m_2021-04-20_2021-05-20.csv.gz"
ROUNDS = "chainlink_ethusd_rounds_2023-04-05_2024-01-29.csv.gz"
GAS = "ethgas_10m_2020-03-12.csv.gz"
GAS_PRICES = "ethusd_10m_2020-03-12.csv.gz"


def there(name: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"skipped: {name} is not there")
    return path


def test_may_2021__one_crash_one_crowd__our_rule_leaves_the_pool_less_bad_debt() -> None:
    """Four hours in which the price fell by a third and came back."""
    history = read(there(MINUTES), "2021-05-19T11:00", "2021-05-19T15:00")
    debts = {}
    for name in ("bulkhead", "no-mu", "fixed", "halves", "flagged"):
        market = varied(ROOT / "markets" / "eth-usd.yaml", RULES[name].changes)
        day = Scenario(
            market=market,
            oracle=FOUND.oracle,
            gas=replace(FOUND.gas, scale=0.01),
            history=history,
            crowd=CrowdTerms(count=150),
            rule=name,
        )
        debts[name] = sum(simulate(day, seed).bad_debt for seed in range(3))
    assert debts["bulkhead"] < debts["no-mu"] < debts["fixed"]
    assert debts["bulkhead"] < min(debts["halves"], debts["flagged"])


def test_defaults__from_the_same_files__are_found_again() -> None:
    """What the repository holds is what its command makes of these files."""
    minutes = there(MINUTES)
    found = calibration.calibrate(
        history=read(minutes, max_gap=20_000),
        history_file=minutes,
        rounds=there(ROUNDS),
        gas=there(GAS),
        gas_prices=there(GAS_PRICES),
    )
    assert FOUND.command.startswith(found.command)
    assert replace(found, command=FOUND.command) == FOUND
