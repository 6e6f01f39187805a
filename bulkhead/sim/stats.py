"""Distributions of outcomes: means, quantiles and tails, each with its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
CONFIDENCE = 0.95  # of intervals
RESAMPLES = 2_000
MANY = 300  # values: of more, the means of so many groups are resampled:
GROUPS = 100
SEED = 20_250_101  # of the resampling: the same outcomes give the same intervals


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval. An end that the runs can't tell is infinite."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """The distribution of one number over runs. `top` is the mean of the highest 1 %."""

    mean: Estimate
    p01: Estimate
    p05: Estimate
    median: float
    p95: Estimate
    p99: Estimate
    top: float
    lowest: float
    highest: float
    share: float  # of the runs in which it is not 0

    def record(self) -> dict[str, Any]:
        """By name; infinities as null, which JSON has."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: plain(one) for name, one in value.items()}
            return value if math.isfinite(value) else None

        found: dict[str, Any] = plain(asdict(self))
        return found


def mean(values: Floats) -> Estimate:
    """The mean; its interval by resampling, for outcomes are anything but normal.

    Of many values the means of equal groups are resampled: as independent, and fewer.
    """
    draw = np.random.default_rng(SEED)
    groups = np.array_split(values, GROUPS if len(values) > MANY else len(values))
    means, sizes = np.array([one.mean() for one in groups]), np.array([len(one) for one in groups])
    # Resampling n of n is drawing how often each is taken.
    count = len(groups)
    taken = draw.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) * sizes
    resampled = taken @ means / taken.sum(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Estimate(float(values.mean()), float(low), float(high))


def binomial_below(count: int, chance: float) -> Floats:
    """P(X <= k) for k = 0 .. count, X binomial."""
    k = np.arange(count + 1)
    logs = np.array([math.lgamma(one + 1) for one in range(count + 1)])
    terms = logs[count] - logs[k] - logs[count - k]
    found: Floats = np.cumsum(
        np.exp(terms + k * math.log(chance) + (count - k) * math.log1p(-chance))
    )
    return found


def quantile(values: Floats, level: float) -> Estimate:
    """A quantile; its interval from the order of the values alone, whatever their law.

    The number of values at or below the true quantile is binomial, so the interval's ends are two
    of the values; where there are too few runs to have one, the end is infinite.
    """
    ordered, count = np.sort(values), len(values)
    below = binomial_below(count, level)
    tail = (1 - CONFIDENCE) / 2
    first = int(np.searchsorted(below, tail, side="right"))  # P(X < first) <= tail
    last = int(np.searchsorted(below, 1 - tail)) + 1  # P(X >= last) <= tail
    at = min(count - 1, max(0, math.ceil(level * count) - 1))
    return Estimate(
        float(ordered[at]),
        float(ordered[first - 1]) if first >= 1 else -math.inf,
        float(ordered[last - 1]) if last <= count else math.inf,
    )


def spread(values: Sequence[float]) -> Spread:
    """Everything about one number."""
    found = np.array(values, dtype=np.float64)
    tail = np.sort(found)[-max(1, len(found) // 100) :]
    return Spread(
        mean=mean(found),
        p01=quantile(found, 0.01),
        p05=quantile(found, 0.05),
        median=float(np.median(found)),
        p95=quantile(found, 0.95),
        p99=quantile(found, 0.99),
        top=float(tail.mean()),
        lowest=float(found.min()),
        highest=float(found.max()),
        share=float(np.count_nonzero(found) / len(found)),
    )


@dataclass(frozen=True)
class FundSize:
    """The fund that covers a `level` of the runs; `safe` with 95 % certainty about that level."""

    level: float
    value: float
    safe: float  # infinite: `runs_needed` would tell
    runs_needed: int


def fund_size(drawdowns: Sequence[float], level: float) -> FundSize:
    """From each run's drawdown, the pool's part included: what an endless fund would have lost."""
    found = np.array(drawdowns, dtype=np.float64)
    size = quantile(found, level)
    # One-sided: the highest of n exceeds the quantile with probability 1 - level^n.
    below = binomial_below(len(found), level)
    place = int(np.searchsorted(below, CONFIDENCE)) + 1
    safe = float(np.sort(found)[place - 1]) if place <= len(found) else math.inf
    return FundSize(level, size.value, safe, math.ceil(math.log(1 - CONFIDENCE) / math.log(level)))
