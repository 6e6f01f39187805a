"""A market's terms and moment as the index needs them: lines of the margin table, price, funding.

Maintenance margin before its multiplier is convex and piecewise linear in the notional, so it is
the largest of its lines `rate x N - offset`, the flat one below minNotional among them. Floats are
in whole units (1.0 is one ETH, one dollar): the index only has to name everybody who *may* be
liquidatable, the lens says who is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.model import margin
from bulkhead.model.types import Bracket, Config, Row

WAD = 10**18


@dataclass(frozen=True)
class Line:
    """`rate * N - offset`, in whole units."""

    rate: float
    offset: float


@dataclass(frozen=True)
class Table:
    """Maintenance margin at multiplier 1: the largest of `lines`; the first is the flat one.

    `knee` and `first_end` bound the notionals where it is plain `lines[1].rate * N`.
    """

    lines: tuple[Line, ...]
    knee: float
    first_end: float

    @classmethod
    def of(cls, rows: Sequence[Row], min_notional: int) -> Table:
        """From the table as the market keeps it (Wad, offsets at 1e36)."""
        flat = margin.base_mm(0, tuple(rows), min_notional)
        lines = [Line(0.0, -flat / 1e36)]
        lines += [Line(row.mm_rate / WAD, row.d_mm / 1e36) for row in rows]
        return cls(tuple(lines), min_notional / WAD, rows[0].upper / WAD)

    @classmethod
    def of_config(cls, cfg: Config) -> Table:
        """From the twin's configuration."""
        return cls.of(cfg.table, cfg.min_notional)

    @classmethod
    def of_brackets(cls, brackets: tuple[Bracket, ...], min_notional: int) -> Table:
        """From a market file's brackets."""
        return cls.of(margin.rows(brackets), min_notional)

    @property
    def steepest(self) -> float:
        """The highest rate."""
        return max(line.rate for line in self.lines)


@dataclass(frozen=True)
class Moment:
    """What a price tick brings, in whole units. `spread` is the full width, relative."""

    mark: float
    spread: float
    funding: float  # F, the cumulative index
    ramp: float  # multiplier of maintenance margin

    @classmethod
    def of(cls, mark: int, spread: int, funding_index: int, ramp: int) -> Moment:
        """From Wad."""
        return cls(mark / WAD, spread / WAD, funding_index / WAD, ramp / WAD)

    @classmethod
    def of_state(cls, state: Any) -> Moment:
        """From a State as the lens returns it."""
        return cls.of(state.mark, state.spread, state.fundingIndex, state.ramp)

    def favourable(self, side: int) -> float:
        """The price that a liquidation of this side is valued at, moved outward by the rounding of
        at most two Wad units, so that nobody is missed by it."""
        half = self.mark * self.spread / 2
        slack = 2 / WAD + 1e-12 * self.mark
        return self.mark + half - slack if side > 0 else max(1 / WAD, self.mark - half) + slack
