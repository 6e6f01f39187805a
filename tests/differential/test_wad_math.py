"""WadMath against Python's own integers, and its casts at their edges."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.chain.errors import reverts

from .cases import DECIMALS, WAD, pick

Harness = Callable[[str], Contract]
NUMBER = 1_000
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def wad_math(harness: Harness) -> Contract:
    return harness("WadMath")


@given(seed=SEEDS)
def test_signed_quotients__any_signs__round_as_named(wad_math: Contract, seed: int) -> None:
    rng = Random(seed)
    a = [pick(rng, -(2**255) + 1, 2**255 - 1) for _ in range(NUMBER)]
    b = [pick(rng, -(2**200), 2**200, (1, -1, WAD)) or 1 for _ in range(NUMBER)]
    down, up, size = wad_math.signed(a, b)
    exact = [Fraction(x, y) for x, y in zip(a, b, strict=True)]
    assert down == [floor(x) for x in exact]
    assert up == [ceil(x) for x in exact]
    assert size == [abs(x) for x in a]


@given(seed=SEEDS)
def test_signed_products__below_2_255__round_as_named(wad_math: Contract, seed: int) -> None:
    rng = Random(seed)
    a = [pick(rng, -(2**127), 2**127, (WAD, -WAD)) for _ in range(NUMBER)]
    b = [pick(rng, -(2**127), 2**127, (WAD, -WAD)) for _ in range(NUMBER)]
    down, up = wad_math.signedProducts(a, b)
    exact = [Fraction(x * y, WAD) for x, y in zip(a, b, strict=True)]
    assert down == [floor(x) for x in exact]
    assert up == [ceil(x) for x in exact]


@given(seed=SEEDS)
def test_products__below_2_256__round_as_named(wad_math: Contract, seed: int) -> None:
    rng = Random(seed)
    a = [pick(rng, 0, 2**128 - 1, (WAD,)) for _ in range(NUMBER)]
    b = [pick(rng, 0, 2**128 - 1, (WAD,)) for _ in range(NUMBER)]
    down, up = wad_math.products(a, b)
    exact = [Fraction(x * y, WAD) for x, y in zip(a, b, strict=True)]
    assert down == [floor(x) for x in exact]
    assert up == [ceil(x) for x in exact]


@given(seed=SEEDS)
def test_tokens__every_unit__owed_up_paid_down(wad_math: Contract, seed: int) -> None:
    rng = Random(seed)
    units = [10 ** (18 - rng.choice(DECIMALS)) for _ in range(NUMBER)]
    a = [pick(rng, 0, 2**256 - 1, [unit * k for k in (1, 7)]) for unit in units]
    down, up = wad_math.quotients(a, units)
    assert down == [x // unit for x, unit in zip(a, units, strict=True)]
    assert up == [-(-x // unit) for x, unit in zip(a, units, strict=True)]


def test_signed_quotient__by_zero__panics(wad_math: Contract) -> None:
    with reverts("Panic"):
        wad_math.signed([1], [0])
