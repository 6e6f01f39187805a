"""Volatility and the multipliers against the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.model import volatility
from bulkhead.model.types import Config, State
from bulkhead.model.wad import ceil_div, ln_wad

from .cases import MARK_MAX, MARK_MIN, WAD, abi_state, ask, config, pick, state

Harness = Callable[[str], Contract]
NUMBER = 300
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def library(harness: Harness) -> Contract:
    return harness("Volatility")


def sampled(s: State, cfg: Config, mark: int, published_at: int) -> State:
    """The twin's state after a sample."""
    elapsed = published_at - s.sampled_at
    if elapsed < max(1, cfg.sample_interval_secs):
        return s
    ln = ln_wad(mark)
    variance = volatility.sampled(s.variance, ln - s.ln_sample, elapsed, cfg)
    return replace(s, variance=variance, ln_sample=ln, sampled_at=published_at)


@given(seed=SEEDS, wild=st.booleans())
def test_sample__any_mark_and_age__equals_the_twin(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    marks = [pick(rng, MARK_MIN, MARK_MAX, (s.mark, 2**95, WAD)) for s in states]
    edges = (cfg.sample_interval_secs, 41 * cfg.tau_secs, cfg.tau_secs)
    times = [s.sampled_at + pick(rng, 0, 2**36, edges) for s in states]
    found, _ = ask(library, "sample", cfg, states, marks, times)
    for got, s, mark, at in zip(found, states, marks, times, strict=True):
        for name, value in abi_state(sampled(s, cfg, mark, at)).items():
            assert getattr(got, name) == value, name


def test_sample__against_floats__is_the_formula(library: Contract) -> None:
    rng = Random(7)
    cfg = config(rng)
    states = [replace(state(rng, cfg), ln_sample=ln_wad(2_000 * WAD)) for _ in range(200)]
    marks = [rng.randint(1_900 * WAD, 2_100 * WAD) for _ in states]
    times = [s.sampled_at + cfg.sample_interval_secs + rng.randint(0, 600) for s in states]
    found, _ = ask(library, "sample", cfg, states, marks, times)
    for got, s, mark, at in zip(found, states, marks, times, strict=True):
        elapsed = at - s.sampled_at
        decay = exp(-elapsed / cfg.tau_secs)
        one = log(mark / 2_000 / WAD) ** 2 * 31_536_000 / elapsed
        wanted = s.variance / WAD * decay + one * (1 - decay)
        assert got.variance / WAD == pytest.approx(min(wanted, 2**80 / WAD), rel=1e-9)


@given(seed=SEEDS, wild=st.booleans())
def test_advance_ramp__any_target__equals_the_twin(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    ages = [pick(rng, 1, 2**36, (3600, 3599)) for _ in states]
    target, ramp, _ = ask(library, "advanceRamp", cfg, states, ages)
    goals = [volatility.target(s.variance, cfg) for s in states]
    assert target == goals
    assert ramp == [
        volatility.ramped(s.ramp, goal, age, cfg)
        for s, goal, age in zip(states, goals, ages, strict=True)
    ]


@given(seed=SEEDS, wild=st.booleans())
def test_mu_im__any_nav_and_side__equals_the_twin(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    larger = [ceil_div(max(s.size_long, s.size_short) * s.mark, WAD) for s in states]
    navs = []
    for used in larger:
        kink = used * WAD // max(1, cfg.depth_kink) * WAD // cfg.max_utilisation
        navs.append(pick(rng, -(2**160), 2**189, (0, min(used, 2**189), min(kink, 2**189))))
    found, _ = ask(library, "muIm", cfg, states, navs)
    assert found == [
        volatility.mu_im(s.variance, s.ramp, used, nav, cfg)
        for s, used, nav in zip(states, larger, navs, strict=True)
    ]
