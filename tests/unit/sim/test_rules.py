"""Other ways to liquidate: each does what it says, on the same books."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sim_world import CRASH, a_day

from bulkhead.chain.binaries import ROOT
from bulkhead.errors import BadInput
from bulkhead.model import MarketModel
from bulkhead.model.errors import Refused
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reading
from bulkhead.model.wad import WAD
from bulkhead.sim.rules import RULES, Fixed, Flagged, Halves, Ruled, Staged, rule
from bulkhead.sim.run import simulate
from bulkhead.sim.vary import varied

LP, TRADER, KEEPER = (f"0x{tag:040x}" for tag in (0x11, 0x22, 0x33))
ONE = 10**6


class Stand:
    """A market under a rule, with one long of a notional of 2,000 a coin at 20x."""

    def __init__(self, model: type[Ruled], coins: int) -> None:
        self.time = 1_700_000_000
        params = replace(eth_usd(), mu_max=WAD)
        self.twin = model(params, 6, initial_mark=2_000 * WAD, now=self.time)
        self.twin.give(LP, 10_000_000 * ONE)
        self.twin.give(TRADER, 1_000_000 * ONE)
        self.tick(2_000)
        self.twin.pool.request_deposit(LP, 10_000_000 * ONE, LP, LP)
        self.tick(2_000, 700)
        self.twin.accrue(LP)
        margin = coins * 2_000 * ONE * 54 // 1_000
        self.id = self.twin.open(TRADER, 0, coins * WAD, margin, 2**128, 2**40).value

    def tick(self, price: float, seconds: int = 12) -> None:
        self.time += seconds
        self.twin.now = self.time
        self.twin.oracle = Reading(round(price * 100) * WAD // 100, 0, self.time)

    def keep(self) -> Is:
        found: Is = self.twin.liquidate_many(KEEPER, (self.id,), KEEPER).value[0]
        return found

    @property
    def size(self) -> int:
        return self.twin.position(self.id).size


def test_fixed__at_two_percent__waits_and_at_one_closes_all() -> None:
    s = Stand(Fixed, 10)
    s.tick(1_935)  # equity 2 % of notional: the market's own rule would act
    assert (s.keep(), s.size) == (Is.HEALTHY, 10 * WAD)
    s.tick(1_905)
    assert (s.keep(), s.size) == (Is.FULL, 0)


def test_halves__below_maintenance__closes_half_each_time() -> None:
    s = Stand(Halves, 16)
    s.tick(1_930)
    assert (s.keep(), s.size) == (Is.PARTIAL, 8 * WAD)
    assert s.keep() == Is.HEALTHY
    s.tick(1_890)
    assert (s.keep(), s.size) == (Is.PARTIAL, 4 * WAD)


def test_staged__a_large_position__loses_a_fifth_then_all() -> None:
    s = Stand(Staged, 60)
    s.tick(1_920)
    assert (s.keep(), s.size) == (Is.PARTIAL, 48 * WAD)
    s.tick(1_905, 12)
    assert (s.keep(), s.size) == (Is.HEALTHY, 48 * WAD)
    s.tick(1_905, 18)
    assert (s.keep(), s.size) == (Is.FULL, 0)


def test_staged__a_small_position__is_closed_at_once() -> None:
    s = Stand(Staged, 10)
    s.tick(1_930)
    assert (s.keep(), s.size) == (Is.FULL, 0)


def test_staged__a_recovery__forgets_the_first_step() -> None:
    s = Stand(Staged, 80)
    s.tick(1_920)
    assert s.keep() == Is.PARTIAL
    s.tick(2_000, 60)
    assert s.keep() == Is.HEALTHY
    s.tick(1_905, 60)
    assert s.keep() == Is.PARTIAL


def test_staged__a_step_long_ago__is_forgotten() -> None:
    s = Stand(Staged, 80)
    s.tick(1_920)
    assert s.keep() == Is.PARTIAL
    s.tick(1_905, 601)
    assert s.keep() == Is.PARTIAL


def test_flagged__a_position__is_closed_only_when_the_flag_is_old() -> None:
    s = Stand(Flagged, 10)
    s.tick(1_930)
    assert (s.keep(), s.size) == (Is.HEALTHY, 10 * WAD)
    s.tick(1_930, 59)
    assert (s.keep(), s.size) == (Is.HEALTHY, 10 * WAD)
    s.tick(1_930, 1)
    assert (s.keep(), s.size) == (Is.FULL, 0)


def test_rules__the_flag_of_a_refused_transaction__is_undone() -> None:
    s = Stand(Flagged, 10)
    s.tick(1_930)
    s.twin.accrue(LP)
    s.twin.oracle = Reading(1_929 * WAD, 0, s.time + 1)  # renewed, and nothing liquidated
    with pytest.raises(Refused):
        s.keep()
    assert s.twin.since == {}


@pytest.mark.parametrize("name", RULES)
def test_rules__a_crash__books_stay_whole(name: str) -> None:
    """The same crash and crowd under each rule: bad debt is what fund and pool bore."""
    changed = varied(ROOT / "markets" / "eth-usd.yaml", RULES[name].changes)
    found = simulate(replace(a_day(*CRASH), market=changed, rule=name), 1)
    assert found.liquidations > 10
    assert found.bad_debt == pytest.approx(found.bad_debt_insurance + found.bad_debt_pool)
    assert found.opened == 60
    partial = found.partial > 0
    assert partial == (name in ("bulkhead", "no-mu", "halves", "staged"))


def test_rules__names__differ() -> None:
    assert len({one.title for one in RULES.values()}) == len(RULES)
    for before, after in pairwise(RULES.values()):
        assert (before.model, dict(before.changes)) != (after.model, dict(after.changes))
    assert rule("bulkhead").model is MarketModel
    with pytest.raises(BadInput, match="one of bulkhead"):
        rule("none")


def test_ruled__without_a_rule__is_no_rule() -> None:
    with pytest.raises(TypeError, match=r"abstract method .?closed"):
        Stand(Ruled, 10)
