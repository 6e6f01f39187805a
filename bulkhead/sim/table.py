"""All positions side by side: who is below maintenance margin, exactly, at the cost of a glance.

Each position's equity and maintenance margin are computed at every mark in double precision, with
a bound on their error (`Health.slack`). Where the double says "healthy by more than the bound" the
position is healthy: nothing more need be asked. Every other one is computed again with the twin's
own integers. So the answer is the twin's for each position at each mark, to the last unit; the
doubles only decide whose integers are needed.

The bound. A double of an integer, a product and a sum are each off by at most u = 2^-53 of their
size. Equity = rest + size * move: three roundings in the product, one in `rest`, one in the sum.
Maintenance = max over the rows of (rate * notional - offset) * multiplier, the margin table being
convex and continuous: at most eight roundings. Both are below 16u times the sizes that are added
up; `SLACK` is 64u. The integers themselves round by a few wei, which `DUST` covers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bulkhead.model import impact, margin
from bulkhead.model.types import Config, Row
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.backend import Held, View

Floats: TypeAlias = NDArray[np.float64]
SLACK = 2.0**-47
DUST = 1e-15
SMALLEST = 256  # positions that a table has room for at first


@dataclass(frozen=True)
class Requirement:
    """What a liquidation rule demands: rows of a margin table, and whether volatility scales it."""

    rows: tuple[Row, ...]
    min_notional: int
    scaled: bool = True

    @classmethod
    def of(cls, cfg: Config) -> Requirement:
        """The market's own."""
        return cls(cfg.table, cfg.min_notional)

    def multiplier(self, view: View) -> int:
        """The multiplier in force (Wad)."""
        return view.ramp if self.scaled else WAD

    def needed(self, notional: int, view: View) -> int:
        """Maintenance margin of a notional (Wad, up)."""
        base = margin.base_mm(notional, self.rows, self.min_notional)
        return ceil_div(base * self.multiplier(view), WAD * WAD)


@dataclass(frozen=True)
class Health:
    """Every position at a view; index is id - 1. Quote units; flat positions need 0."""

    open: NDArray[np.bool_]
    notional: Floats
    equity: Floats
    needed: Floats
    slack: Floats

    @property
    def doubtful(self) -> NDArray[np.intp]:
        """Indices of those that are not surely healthy."""
        found: NDArray[np.intp] = np.flatnonzero(
            self.open & (self.equity - self.needed <= self.slack)
        )
        return found


def favourable(view: View, size: int) -> int:
    """The mark moved by half the spread in the trader's favour (Wad)."""
    half = impact.half_spread(view.mark, view.spread)
    return view.mark + half if size > 0 else max(1, view.mark - half)


class Table:
    """Positions by id. Memory grows with the most ids ever held, with nothing else."""

    def __init__(self, requirement: Requirement, unit: int) -> None:
        self.requirement, self.unit = requirement, unit
        self.held: list[Held] = []
        self._size = np.zeros(SMALLEST)
        self._rest = np.zeros(SMALLEST)  # vault less basis
        self._rows = [(row.mm_rate / WAD, row.d_mm / WAD**2) for row in requirement.rows]

    def __len__(self) -> int:
        return len(self.held)

    def put(self, found: Iterable[Held]) -> None:
        """Positions as they are now; ids follow one another without a gap."""
        for one in found:
            place = one.id - 1
            if place == len(self.held):
                self._grow()
                self.held.append(one)
            else:
                self.held[place] = one
            self._size[place] = one.size / WAD
            self._rest[place] = (one.margin * self.unit - one.basis) / WAD

    def _grow(self) -> None:
        if len(self.held) == len(self._size):
            self._size = np.concatenate((self._size, np.zeros_like(self._size)))
            self._rest = np.concatenate((self._rest, np.zeros_like(self._rest)))

    def get(self, id_: int) -> Held:
        """A position as last seen."""
        return self.held[id_ - 1]

    def health(self, view: View) -> Health:
        """Every position at this view."""
        count = len(self.held)
        size, rest = self._size[:count], self._rest[:count]
        long, index = size > 0, view.funding_index
        above, below = favourable(view, 1), favourable(view, -1)
        amount = np.abs(size)
        gain = size * np.where(long, (above - index) / WAD, (below - index) / WAD)
        notional = amount * np.where(long, above / WAD, below / WAD)
        scale = self.requirement.multiplier(view) / WAD
        base = np.maximum(notional, self.requirement.min_notional / WAD)
        needed = np.zeros(count)
        for rate, offset in self._rows:
            np.maximum(needed, base * rate - offset, out=needed)
        rate, offset = self._rows[-1]
        needed *= scale
        sizes = np.abs(rest) + np.abs(gain) + (base * rate + offset) * scale
        open_ = amount > 0
        return Health(open_, notional, rest + gain, needed * open_, SLACK * sizes + DUST)

    def exact(self, id_: int, view: View) -> tuple[int, int, int]:
        """(equity, maintenance margin, favourable price) with the twin's integers (Wad)."""
        one = self.get(id_)
        price = favourable(view, one.size)
        claim = one.size * (price - view.funding_index) // WAD - one.basis
        notional = ceil_div(abs(one.size) * price, WAD)
        return one.margin * self.unit + claim, self.requirement.needed(notional, view), price

    def below(self, view: View, health: Health | None = None) -> list[int]:
        """Ids below maintenance margin, exactly. `health` where it is known already."""
        found = []
        for place in (health or self.health(view)).doubtful.tolist():
            equity, needed, _ = self.exact(place + 1, view)
            if equity < needed:
                found.append(place + 1)
        return found
