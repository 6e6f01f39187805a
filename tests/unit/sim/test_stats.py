"""Intervals cover as often as they say, and funds are as large as they must be."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bulkhead.sim import stats

DRAW = np.random.default_rng(1)


def covered(count: int, level: float, times: int = 200) -> float:
    """How often the interval of a quantile holds the true one, for uniform values."""
    hits = 0
    for _ in range(times):
        found = stats.quantile(DRAW.random(count), level)
        hits += found.low <= level <= found.high
    return hits / times


@pytest.mark.parametrize(("count", "level"), [(50, 0.5), (200, 0.95), (1_000, 0.99), (30, 0.99)])
def test_quantile__interval__holds_the_truth_as_often_as_it_says(count: int, level: float) -> None:
    assert covered(count, level) >= 0.92


def test_quantile__too_few_runs__says_that_it_does_not_know() -> None:
    found = stats.quantile(np.arange(10.0), 0.99)
    assert found.value == 9.0
    assert found.high == math.inf


@pytest.mark.parametrize("count", [100, 1_730])
def test_mean__interval__holds_the_truth_about_as_often_as_it_says(count: int) -> None:
    draw, hits = np.random.default_rng(count), 0
    for _ in range(60):
        found = stats.mean(draw.exponential(1.0, count))
        hits += found.low <= 1.0 <= found.high
    assert hits / 60 >= 0.90


@pytest.mark.parametrize(("count", "chance"), [(5, 0.3), (60, 0.95), (1_000, 0.99)])
def test_binomial_below__small_and_large__are_exact(count: int, chance: float) -> None:
    exact = np.cumsum(
        [math.comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(count + 1)]
    )
    assert stats.binomial_below(count, chance) == pytest.approx(exact, abs=1e-9)


def test_fund_size__enough_runs__is_safe_as_often_as_it_says() -> None:
    safe = 0
    for _ in range(300):
        found = stats.fund_size(DRAW.random(500).tolist(), 0.99)
        assert found.safe >= found.value
        safe += found.safe >= 0.99
    assert safe / 300 >= 0.92


def test_fund_size__too_few_runs__says_how_many_are_needed() -> None:
    found = stats.fund_size(DRAW.random(100).tolist(), 0.99)
    assert found.safe == math.inf
    assert found.runs_needed == 299
    assert stats.fund_size(DRAW.random(299).tolist(), 0.99).safe < math.inf


def test_spread__values__are_plain_and_json() -> None:
    found = stats.spread([0.0] * 90 + [1.0] * 9 + [5.0])
    assert (found.median, found.highest, found.share, found.top) == (0.0, 5.0, 0.1, 5.0)
    assert (found.lowest, found.p01.value, found.p05.value) == (0.0, 0.0, 0.0)
    assert found.mean.value == pytest.approx(0.14)
    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert record["p99"]["high"] is None
