"""Impact against the twin, and what a potential promises."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.model import impact
from bulkhead.model.types import Config, State
from bulkhead.model.wad import ceil_div

from .cases import WAD, ask, config, pick, state

Harness = Callable[[str], Contract]
NUMBER = 300
SEEDS = st.integers(0, 2**64 - 1)
DELTA_MAX = 2**127 - 1


@pytest.fixture(scope="module")
def library(harness: Harness) -> Contract:
    return harness("Impact")


def deltas(rng: Random, cfg: Config, states: list[State]) -> list[int]:
    """Size changes that often end on a knot of the potential, on balance, or just beside."""
    knee = cfg.max_impact * cfg.skew_scale // WAD
    found = []
    for s in states:
        knots = (-s.skew, knee - s.skew, -knee - s.skew, s.skew, -2 * s.skew)
        found.append(pick(rng, -DELTA_MAX, DELTA_MAX, knots) or 1)
    return found


@given(seed=SEEDS, wild=st.booleans())
def test_phi__knots_and_extremes__equals_the_twin(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    knee = cfg.max_impact * cfg.skew_scale // WAD
    knots = (0, knee, -knee, cfg.skew_scale)
    skews = [pick(rng, -(2**128), 2**128, knots) for _ in range(1_000)]
    found, _ = ask(library, "phi", cfg, skews)
    assert found == [impact.phi(skew, cfg) for skew in skews]
    # marginal impact never exceeds m: the potential is m-Lipschitz up to its rounding
    near, _ = ask(library, "phi", cfg, [skew + 1 for skew in skews])
    assert all(abs(a - b) <= 2 for a, b in zip(found, near, strict=True))


@given(seed=SEEDS, wild=st.booleans())
def test_quote__any_state__equals_the_twin(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    changes = deltas(rng, cfg, states)
    basis, fill, fee, _ = ask(library, "quote", cfg, states, changes)
    for k, (s, delta) in enumerate(zip(states, changes, strict=True)):
        twin = impact.trade(s.mark, s.spread, s.skew, delta, cfg)
        moved = ceil_div(delta * (s.mark - s.funding_index), WAD) + twin.cost
        assert (basis[k], fill[k], fee[k]) == (moved, twin.fill, twin.fee_wad)


@given(seed=SEEDS, wild=st.booleans())
def test_quote__against_exact_values__never_favours_the_trader(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    changes = deltas(rng, cfg, states)
    basis, fill, fee, _ = ask(library, "quote", cfg, states, changes)
    for k, (s, delta) in enumerate(zip(states, changes, strict=True)):
        moved = impact.phi(s.skew + delta, cfg) - impact.phi(s.skew, cfg)
        half = Fraction(s.mark * s.spread, 2 * WAD)
        exact = Fraction(s.mark * moved, WAD) + abs(delta) * half / WAD
        assert basis[k] >= Fraction(delta * (s.mark - s.funding_index), WAD) + exact
        price = s.mark + exact * WAD / delta
        assert fill[k] >= price if delta > 0 else fill[k] <= max(0, price)
        shrinks = min(abs(delta), abs(s.skew)) if delta * s.skew < 0 else 0
        rate = (abs(delta) - shrinks) * cfg.taker_fee + shrinks * cfg.maker_fee
        assert fee[k] >= Fraction(fill[k] * rate, WAD * WAD)


@given(seed=SEEDS, wild=st.booleans())
def test_quote__in_two_parts__never_gains(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    whole = [state(rng, cfg, wild) for _ in range(NUMBER)]
    changes = [pick(rng, -(2**100), 2**100) or 2 for _ in whole]
    first = [c // 2 or 1 for c in changes]
    later = []
    for s, c in zip(whole, first, strict=True):
        moved = dict(vars(s))
        moved["size_long" if c > 0 else "size_short"] += abs(c)
        later.append(State(**moved))
    rest = [c - f or f for c, f in zip(changes, first, strict=True)]
    total = ask(library, "quote", cfg, whole, [f + r for f, r in zip(first, rest, strict=True)])[0]
    parts = [ask(library, "quote", cfg, s, d)[0] for s, d in ((whole, first), (later, rest))]
    for one, a, b in zip(total, *parts, strict=True):
        assert a + b >= one


@given(seed=SEEDS, wild=st.booleans())
def test_close_cost__any_position__equals_the_twin(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    sizes = deltas(rng, cfg, states)
    found, _ = ask(library, "closeCost", cfg, states, sizes)
    assert found == [
        impact.unwinding(s.skew, size, cfg) for s, size in zip(states, sizes, strict=True)
    ]
