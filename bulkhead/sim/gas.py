"""What gas costs: it rises with volatility, because everybody wants a block at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bulkhead.errors import BadInput

MOST_SCALE = 1e6


@dataclass(frozen=True)
class GasTerms:
    """ln(gwei) = base + slope * volatility + noise; the noise keeps `memory` of itself an hour.

    `volatility` is per year, as the market's own average has it. `scale` multiplies the price: 1 is
    a chain like Ethereum's first layer, a rollup is far below. `most` is the highest price (gwei)
    before the scale: a market for blocks has an end, a straight line has none.
    """

    base: float
    slope: float
    noise: float
    memory: float
    most: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.memory < 1:
            raise BadInput("memory of the gas price", self.memory, "0 to below 1")
        if not 0 <= self.scale <= MOST_SCALE:
            raise BadInput("gas scale", self.scale, f"0 to {MOST_SCALE:.0f}")


class GasPrice:
    """The price over time; one draw each time it is asked at a later moment."""

    def __init__(self, terms: GasTerms, draw: np.random.Generator) -> None:
        self._terms, self._draw = terms, draw
        self._noise = float(draw.normal(0.0, terms.noise))
        self._at: int | None = None

    def gwei(self, time: int, volatility: float) -> float:
        """Gwei at a moment, given the market's volatility per year."""
        terms = self._terms
        if self._at is not None and time > self._at:
            keep = terms.memory ** ((time - self._at) / 3_600)
            shock = float(self._draw.normal(0.0, terms.noise))
            self._noise = keep * self._noise + (1 - keep * keep) ** 0.5 * shock
        if self._at is None or time > self._at:
            self._at = time
        raw = float(np.exp(terms.base + terms.slope * volatility + self._noise))
        return min(raw, terms.most) * terms.scale
