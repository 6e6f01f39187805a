"""Funding against the twin, at the edges of its clamp, and what it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.model import funding, volatility
from bulkhead.model.types import Config, Mode, State

from .cases import abi_state, ask, config, pick, state

Harness = Callable[[str], Contract]
NUMBER = 300
SEEDS = st.integers(0, 2**64 - 1)
AGES = 2**36


@pytest.fixture(scope="module")
def library(harness: Harness) -> Contract:
    return harness("Funding")


def accrued(s: State, cfg: Config, now: int) -> State:
    """The twin's state after an accrual."""
    elapsed = now - s.accrued_at
    if elapsed <= 0 or s.mode >= Mode.FINAL:
        return s
    rate, grown = funding.advance(s.funding_rate, s.skew, s.mark, elapsed, cfg)
    return replace(
        s,
        accrued_at=now,
        funding_rate=rate,
        funding_index=funding.indexed(s.funding_index, grown),
        ramp=volatility.ramped(s.ramp, volatility.target(s.variance, cfg), elapsed, cfg),
    )


def moments(rng: Random, cfg: Config, states: list[State], ages: int = AGES) -> list[int]:
    """Times that often end where the clamp of the rate bites, or a second beside."""
    found = []
    for s in states:
        speed = funding.velocity(s.skew, cfg)
        bites = []
        if speed:
            bound = cfg.max_rate if speed > 0 else -cfg.max_rate
            bites = [(bound - s.funding_rate) // speed]
        found.append(s.accrued_at + pick(rng, 0, ages, bites))
    return found


def check(found: object, wanted: State) -> None:
    values = abi_state(wanted)
    for name, value in values.items():
        assert getattr(found, name) == value, name


@given(seed=SEEDS, wild=st.booleans())
def test_accrue__clamp_edges_and_extremes__equals_the_twin(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    times = moments(rng, cfg, states)
    found, _ = ask(library, "accrue", cfg, states, times)
    for got, s, now in zip(found, states, times, strict=True):
        check(got, accrued(s, cfg, now))
        assert abs(got.fundingRate) <= cfg.max_rate


@given(seed=SEEDS)
def test_accrue__in_pieces__is_once_but_for_rounding(library: Contract, seed: int) -> None:
    """Each piece truncates the index once and the integral of the clamp once more."""
    rng = Random(seed)
    cfg = config(rng)
    states = [state(rng, cfg) for _ in range(NUMBER // 3)]
    times = moments(rng, cfg, states, 2**25)
    once, _ = ask(library, "accrue", cfg, states, times)
    pieces = 3
    current = states
    for k in range(1, pieces + 1):
        steps = [
            s.accrued_at + (now - s.accrued_at) * k // pieces
            for s, now in zip(states, times, strict=True)
        ]
        found, _ = ask(library, "accrue", cfg, current, steps)
        current = [
            replace(
                s,
                accrued_at=got.accruedAt,
                funding_rate=got.fundingRate,
                funding_index=got.fundingIndex,
                ramp=got.ramp,
            )
            for s, got in zip(current, found, strict=True)
        ]
    for s, got in zip(current, once, strict=True):
        assert s.funding_rate == got.fundingRate
        assert s.accrued_at == got.accruedAt
        # at most 1 a piece, and one truncated Ray of the split, valued at the mark
        assert abs(s.funding_index - got.fundingIndex) <= pieces + 1 + s.mark // 10**27
        assert s.ramp <= got.ramp + pieces


@pytest.mark.parametrize("mode", [Mode.FINAL, Mode.SETTLED])
def test_accrue__after_the_final_price__does_nothing(library: Contract, mode: Mode) -> None:
    rng = Random(1)
    cfg = config(rng)
    states = [replace(state(rng, cfg), mode=mode) for _ in range(50)]
    found, _ = ask(library, "accrue", cfg, states, [s.accrued_at + 3600 for s in states])
    for got, s in zip(found, states, strict=True):
        check(got, s)


def test_accrue__index_at_its_end__stops_and_comes_back(library: Contract) -> None:
    """A mark out of this world can drive the index to the end of its bits, but blocks no exit."""
    rng = Random(4)
    cfg = replace(config(rng), max_rate=10**21, max_velocity=10**18)
    one = replace(state(rng, cfg), mark=2**96 - 1, funding_index=0, funding_rate=0)
    for sign in (1, -1):
        long, short = (cfg.skew_scale, 0) if sign > 0 else (0, cfg.skew_scale)
        s = replace(one, size_long=long, size_short=short)
        (got,), _ = ask(library, "accrue", cfg, [s], [s.accrued_at + 10**8])
        assert got.fundingIndex == sign * (2**87 - 1)
        back = replace(s, funding_index=got.fundingIndex, funding_rate=-sign * cfg.max_rate)
        (got,), _ = ask(library, "accrue", cfg, [back], [s.accrued_at + 60])
        assert abs(got.fundingIndex) < 2**87 - 1


@given(seed=SEEDS, wild=st.booleans())
def test_psi__any_rate__equals_the_twin(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    found, _ = ask(library, "psi", cfg, states)
    assert found == [funding.psi(s.mark, s.funding_rate, cfg) for s in states]
