"""Requirements against the twin, at the ends of brackets, and their order."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.contract import Contract
from bulkhead.model import margin
from bulkhead.model.types import Config

from .cases import RAMP_MAX, WAD, ask, config, pick

Harness = Callable[[str], Contract]
NUMBER = 1_000
SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def library(harness: Harness) -> Contract:
    return harness("MarginTable")


def notionals(rng: Random, cfg: Config) -> list[int]:
    knots = [row.upper for row in cfg.table] + [cfg.min_notional]
    return [pick(rng, 1, 2**150 - 1, knots) for _ in range(NUMBER)]


@given(seed=SEEDS, wild=st.booleans())
def test_requirements__knots_and_extremes__equal_the_twin(
    library: Contract, seed: int, wild: bool
) -> None:
    rng = Random(seed)
    cfg = config(rng, wild)
    sizes = notionals(rng, cfg)
    mus = [pick(rng, 1, RAMP_MAX, (WAD,)) for _ in sizes]
    for name in ("im", "mm", "tm"):
        found, _ = ask(library, name, cfg, sizes, mus)
        twin = getattr(margin, name)
        assert found == [twin(n, mu, cfg) for n, mu in zip(sizes, mus, strict=True)], name


@given(seed=SEEDS, wild=st.booleans())
def test_requirements__against_exact_sums__are_the_least_that_holds(
    library: Contract, seed: int, wild: bool
) -> None:
    """The table as income tax: the sum over brackets, without any d."""
    rng = Random(seed)
    cfg = config(rng, wild)
    sizes = notionals(rng, cfg)
    mus = [pick(rng, 1, RAMP_MAX, (WAD,)) for _ in sizes]
    found = {name: ask(library, name, cfg, sizes, mus)[0] for name in ("im", "mm", "tm")}
    for k, (n, mu) in enumerate(zip(sizes, mus, strict=True)):
        n = max(n, cfg.min_notional)
        im_sum = mm_sum = below = 0
        for row in cfg.table:
            last = row is cfg.table[-1]
            width = (n if last else min(n, row.upper)) - below
            if width > 0:
                im_sum += row.im_rate * width
                mm_sum += row.mm_rate * width
            below = row.upper
        mm = Fraction(mm_sum * mu, WAD**2)
        assert mm <= found["mm"][k] < mm + 1
        tm = mm * (WAD + cfg.buffer) / WAD
        assert tm <= found["tm"][k] < tm + 1
        im = Fraction(im_sum * mu, WAD**2)
        assert im <= found["im"][k] < im + 1 + Fraction(mu, WAD)
        assert found["mm"][k] <= min(found["tm"][k], found["im"][k])


def test_requirements__flat__are_nothing(library: Contract) -> None:
    cfg = config(Random(3))
    for name in ("im", "mm", "tm"):
        assert ask(library, name, cfg, [0], [WAD])[0] == [0]
