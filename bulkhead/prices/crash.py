"""The built-in price path: a calm day, a slide, a crash with jumps, a rebound. Seeded.

Floats live here and end here: what leaves is a `PricePath` of integers. A feed publishes at its
heartbeat while the market is calm and with every move while it is not, so calm blocks are minutes
apart and those of the crash one minute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bulkhead.errors import BadInput
from bulkhead.prices.models import Floats, jumps, noise, prices
from bulkhead.prices.path import PricePath

START = 1_736_121_600  # 2025-01-06 00:00 UTC
START_PRICE = 2_500.0
MIN_BLOCKS = 20
MAX_BLOCKS = 100_000


@dataclass(frozen=True)
class Phase:
    """A stretch of the path: its share of the blocks, its pace and how the price moves in it."""

    name: str
    share: float  # of all blocks
    step: int  # seconds between prices
    drift: float  # logarithm of the price, over the whole phase
    sigma: float  # per year
    jumps: float  # expected number over the whole phase
    jump: float  # mean size, logarithm


PHASES = (
    Phase("calm", 0.30, 360, 0.012, 0.55, 0, 0.0),
    Phase("slide", 0.14, 180, -0.075, 1.4, 2, -0.010),
    Phase("crash", 0.20, 60, -0.270, 4.2, 7, -0.014),
    Phase("rebound", 0.12, 60, 0.160, 3.6, 3, 0.010),
    Phase("aftershock", 0.10, 120, -0.045, 2.2, 2, -0.008),
    Phase("calm again", 0.14, 360, 0.010, 0.8, 0, 0.0),
)


def _lengths(blocks: int) -> list[int]:
    """Blocks of each phase; the last one takes what rounding leaves."""
    lengths = [max(1, int(phase.share * blocks)) for phase in PHASES[:-1]]
    return [*lengths, blocks - 1 - sum(lengths)]


def _returns(phase: Phase, count: int, shock: np.random.Generator) -> Floats:
    """Logarithmic returns of one phase."""
    calm = noise(shock, count, phase.sigma, phase.step)
    # A short path has fewer steps, not a smaller crash: the noise's sum is taken out of the drift.
    calm -= calm.mean()
    hits = jumps(shock, count, phase.jumps / count, phase.jump, abs(phase.jump) / 2 + 1e-9)
    steps: Floats = phase.drift / count + calm + hits
    return steps


def crash(seed: int, blocks: int) -> PricePath:
    """A path of `blocks` prices; the same seed and length give the same path."""
    if not MIN_BLOCKS <= blocks <= MAX_BLOCKS:
        raise BadInput("blocks", blocks, f"{MIN_BLOCKS} to {MAX_BLOCKS}")
    shock = np.random.default_rng(seed)
    returns: list[float] = []
    times = [START]
    for phase, count in zip(PHASES, _lengths(blocks), strict=True):
        returns += _returns(phase, count, shock).tolist()
        times += [times[-1] + phase.step * (place + 1) for place in range(count)]
    return PricePath(
        source=f"built-in crash, seed {seed}",
        times=tuple(times),
        answers=prices(START_PRICE, np.array(returns)),
    )
