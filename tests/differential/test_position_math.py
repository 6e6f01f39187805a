"""Values of positions, sides and the pool against the twin and against exact fractions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.model import impact, pricing
from bulkhead.model.types import Config, Mode, State

from .cases import SIZE_MAX, WAD, ask, config, pick, state

Harness = Callable[[str], Contract]
NUMBER = 300
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def library(harness: Harness) -> Contract:
    return harness("PositionMath")


def market(s: State, cfg: Config, tickets: int) -> Any:
    """As much of the twin's core as pricing reads."""
    return SimpleNamespace(state=s, cfg=cfg, totals=SimpleNamespace(owed=tickets, paid=0))


def emptied(s: State) -> State:
    """What is left of a market when all is settled: at most debts that a token keeps back."""
    return replace(s, size_long=0, size_short=0, basis_long=abs(s.basis_long), basis_short=0)


@given(seed=SEEDS, wild=st.booleans())
def test_value__any_position__is_exact_and_directed(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    positions = [
        (pick(rng, -SIZE_MAX, SIZE_MAX), pick(rng, -(2**127), 2**127 - 1), pick(rng, 0, 2**128 - 1))
        for _ in states
    ]
    found, _ = ask(library, "value", cfg, states, positions)
    for got, s, (size, basis, balance) in zip(found, states, positions, strict=True):
        half = impact.half_spread(s.mark, s.spread)
        assert half == ceil(Fraction(s.mark * s.spread, 2 * WAD))
        price = s.mark + half if size >= 0 else max(1, s.mark - half)
        claim = floor(Fraction(size * (price - s.funding_index), WAD)) - basis
        assert got.price == price
        assert got.notional == ceil(Fraction(abs(size) * price, WAD))
        assert got.claim == claim
        assert got.equity == balance * cfg.unit + claim


def test_equity__of_an_absurd_balance__stops_at_2_128(library: Contract) -> None:
    rng = Random(5)
    cfg = config(rng)
    states = [state(rng, cfg) for _ in range(2)]
    found, _ = ask(library, "value", cfg, states, [(0, 0, 2**256 - 1), (0, 0, 2**128)])
    assert [got.equity for got in found] == [(2**128 - 1) * cfg.unit] * 2


@given(seed=SEEDS, wild=st.booleans())
def test_pool__any_state__equals_the_twin(library: Contract, seed: int, wild: bool) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    states = [state(rng, cfg, wild) for _ in range(NUMBER)]
    tame = [emptied(s) if s.mode == Mode.SETTLED else s for s in states]
    tickets = [pick(rng, 0, 2**128 - 1) if wild else rng.choice((0, s.cash)) for s in tame]
    found, _, _ = ask(library, "pool", cfg, tame, tickets)
    for got, s, owed in zip(found, tame, tickets, strict=True):
        twin = market(s, cfg, owed)
        assert got.netClaim == pricing.net_claim(twin)
        assert got.claimLong == pricing.side_claim(twin, 1)
        assert got.claimShort == pricing.side_claim(twin, -1)
        assert got.notionalLong == pricing.side_notional(twin, 1)
        assert got.notionalShort == pricing.side_notional(twin, -1)
        assert got.nav == pricing.nav(twin)
        assert got.free == pricing.free_liquidity(twin)


@given(seed=SEEDS)
def test_claims__of_one_side__never_add_up_to_more_than_the_side(
    library: Contract, seed: int
) -> None:
    """The parts are rounded down, so the pool never owes its traders more than it knows of."""
    rng = Random(seed)
    cfg = config(rng)
    one = state(rng, cfg)
    parts = [(rng.randint(1, 10**24), rng.randint(-(10**27), 10**27)) for _ in range(50)]
    for sign in (1, -1):
        size = sum(part[0] for part in parts)
        basis = sum(part[1] for part in parts)
        fields = ("size_long", "basis_long") if sign > 0 else ("size_short", "basis_short")
        flat = dict(
            zip(("size_long", "basis_long", "size_short", "basis_short"), (0,) * 4, strict=True)
        )
        side = State(**{**vars(one), **flat, fields[0]: size, fields[1]: basis, "spread": 0})
        values, _ = ask(library, "value", cfg, [side] * 50, [(sign * s, b, 0) for s, b in parts])
        pool, _, _ = ask(library, "pool", cfg, [side], [0])
        total = sum(got.claim for got in values)
        assert total <= (pool[0].claimLong if sign > 0 else pool[0].claimShort)
        assert total <= pool[0].netClaim <= total + 51
