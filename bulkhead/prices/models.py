"""Models of a price: GBM, Merton's jumps, regimes of volatility, and a block bootstrap of history.

A model draws logarithmic returns from the generator it is handed, and from nothing else: the same
generator state gives the same path. Floats live here and end in `path`: what leaves is a
`PricePath` of integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bulkhead.errors import BadInput
from bulkhead.prices.path import DECIMALS, PricePath

YEAR = 31_536_000.0
MAX_STEPS = 1_000_000
CENT = 10 ** (DECIMALS - 2)
Floats: TypeAlias = NDArray[np.float64]


class Model(Protocol):
    """Where returns come from."""

    def returns(self, draw: np.random.Generator, count: int, step: int) -> Floats:
        """`count` logarithmic returns over `step` seconds each."""


def noise(draw: np.random.Generator, count: int, sigma: float | Floats, step: float) -> Floats:
    """Normal returns of a volatility per year."""
    found: Floats = draw.standard_normal(count) * sigma * np.sqrt(step / YEAR)
    return found


def jumps(
    draw: np.random.Generator, count: int, chance: float, mean: float, sigma: float
) -> Floats:
    """Normal jumps, each step having one with a `chance`."""
    hits = draw.random(count) < chance
    found: Floats = np.where(hits, draw.normal(mean, sigma, count), 0.0)
    return found


def prices(start: float, returns: Floats) -> tuple[int, ...]:
    """Answers from the first price on, to the cent as an exchange quotes them."""
    floats = start * np.exp(np.concatenate(([0.0], np.cumsum(returns))))
    return tuple(round(round(float(price), 2) * 100) * CENT for price in floats)


@dataclass(frozen=True)
class Gbm:
    """Geometric Brownian motion. `sigma` and `drift` per year; the drift is of the logarithm."""

    sigma: float
    drift: float = 0.0

    def returns(self, draw: np.random.Generator, count: int, step: int) -> Floats:
        """Independent normal returns."""
        found: Floats = self.drift * step / YEAR + noise(draw, count, self.sigma, step)
        return found


@dataclass(frozen=True)
class Merton:
    """GBM with jumps: `jumps_per_year` of them, normal in the logarithm."""

    sigma: float
    jumps_per_year: float
    jump_mean: float
    jump_sigma: float
    drift: float = 0.0

    def returns(self, draw: np.random.Generator, count: int, step: int) -> Floats:
        """At most one jump a step: steps are short beside the time between jumps."""
        calm = self.drift * step / YEAR + noise(draw, count, self.sigma, step)
        chance = self.jumps_per_year * step / YEAR
        found: Floats = calm + jumps(draw, count, chance, self.jump_mean, self.jump_sigma)
        return found


@dataclass(frozen=True)
class Regimes:
    """Normal returns whose volatility switches, a Markov chain in steps of `step_secs`.

    `sigmas` per year and by state; `moves[i][j]` is the chance to go from i to j in one step.
    """

    sigmas: tuple[float, ...]
    moves: tuple[tuple[float, ...], ...]
    step_secs: int

    def returns(self, draw: np.random.Generator, count: int, step: int) -> Floats:
        """Starts in the chain's stationary distribution."""
        chain = np.linalg.matrix_power(np.array(self.moves), max(1, round(step / self.step_secs)))
        ends = np.cumsum(chain, axis=1)
        state = int(np.searchsorted(np.cumsum(self.stationary()), draw.random()))
        last = len(self.sigmas) - 1
        states = np.empty(count, dtype=np.intp)
        for place, mark in enumerate(draw.random(count)):
            state = min(int(np.searchsorted(ends[state], mark)), last)
            states[place] = state
        return noise(draw, count, np.array(self.sigmas)[states], step)

    def stationary(self) -> Floats:
        """Share of time in each state."""
        found: Floats = np.linalg.matrix_power(np.array(self.moves), 1 << 20)[0]
        return found


@dataclass(frozen=True)
class Bootstrap:
    """Stretches of a history, `block` returns long, put together anew."""

    history: PricePath
    block: int

    def __post_init__(self) -> None:
        most = len(self.history) - 1
        if not 1 <= self.block <= most:
            limit = f"1 to {most}, the returns of {self.history.source}"
            raise BadInput("returns in a block of the bootstrap", self.block, limit)
        if len(self._starts()) == 0:
            limit = f"{self.history.source} has no stretch of {self.block} returns without a gap"
            raise BadInput("returns in a block of the bootstrap", self.block, limit)

    def _starts(self) -> NDArray[np.intp]:
        """Where a block may start: no gap of the history inside."""
        odd = np.cumsum(np.concatenate(([0], np.diff(self.history.times) != self.step)))
        found: NDArray[np.intp] = np.flatnonzero(odd[self.block :] == odd[: -self.block])
        return found

    @property
    def step(self) -> int:
        """Seconds between the history's prices: the step of every path drawn from it."""
        return int(np.median(np.diff(self.history.times)))

    def returns(self, draw: np.random.Generator, count: int, step: int) -> Floats:
        """Blocks start anywhere that no gap follows; the last one is cut."""
        if step != self.step:
            raise BadInput("step of the path", f"{step} s", f"{self.step} s, as the history has it")
        known = np.diff(np.log(np.array(self.history.answers, dtype=np.float64)))
        starts = draw.choice(self._starts(), -(-count // self.block))
        found: Floats = known[(starts[:, None] + np.arange(self.block)).ravel()[:count]]
        return found


def path(
    model: Model, draw: np.random.Generator, *, start: float, time: int, steps: int, step: int
) -> PricePath:
    """A path of `steps` prices, `step` seconds apart, from `start` at `time` (unix seconds) on."""
    if not 2 <= steps <= MAX_STEPS:
        raise BadInput("prices of a path", steps, f"2 to {MAX_STEPS}")
    if step < 1:
        raise BadInput("step of the path", f"{step} s", "at least 1 s")
    returns = model.returns(draw, steps - 1, step)
    times = tuple(range(time, time + steps * step, step))
    return PricePath(type(model).__name__.lower(), times, prices(start, returns))
