"""Positions by liquidation price, so that a price tick touches only those it can reach.

Each position has a key: the favourable price at which its equity meets its maintenance margin, at a
reference moment (funding F0, multiplier r0). A long can be liquidated below its key, a short above.
With A = F - worth/size (worth = margin - basis; a short alike with the signs turned) and
G(p) = MM(|size| p)/|size| at multiplier 1, the key p0 solves p0 - A0 = r0 G(p0) (long).

Funding and multiplier drift from the reference; keys do not follow, they are bounded. G rises, is
convex, and is no steeper than the steepest rate m, so with D = (F - F0) + (r - r0) G(p0):

    long:   liquidatable at p  =>  p < p0 + D / (1 - r m)  for D >= 0,   p < p0 + D  else
    short:  liquidatable at p  =>  p > p0 - E              for E >= 0,   p > p0 - E / (1 + r m) else
            with E = (r - r0) G(p0) - (F - F0)

Keys are kept in groups within which G(p0) is known to lie in [a p0 + low, a p0 + high]; a group's
bound is then one number, and what it reaches is one end of a sorted array. Keys and bounds are
padded by more than floats can err: nobody is missed; the few too many are the lens's to sort out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bulkhead.keeper.terms import Moment, Table

Floats: TypeAlias = NDArray[np.float64]
Ids: TypeAlias = NDArray[np.int64]
WAD = 10**18
RELATIVE = 1e-12  # thousands of times what the few operations on doubles can err
WEI = 8e-18  # roundings of equity and requirement, in whole units
FIRST, WILD, BINS = 0, 1, 2  # groups: in the first bracket; nothing known about G; by G
REACH = 64  # bins hold G from 4^-64 to 4^64
DRIFT = 0.002  # of the mark: looser bounds than this make a rebuild worth it
LEAST_NEWS = 4_096  # entries beside the sorted arrays before they are merged


@dataclass
class Group:
    """Sorted keys with their ids, and what came since they were sorted. G is in
    [a p0 + low, a p0 + high]."""

    a: float
    low: float
    high: float
    keys: Floats = field(default_factory=lambda: np.empty(0))
    ids: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    dead: int = 0
    news: list[tuple[float, int]] = field(default_factory=list)
    ends: tuple[float, float] = (np.inf, -np.inf)  # lowest and highest sorted key

    def sort(self, keys: Floats, ids: Ids) -> None:
        """Takes these entries and no others."""
        order = np.argsort(keys, kind="stable")
        self.keys, self.ids = keys[order], ids[order]
        self.alive = np.ones(len(ids), bool)
        self.ends = (float(self.keys[0]), float(self.keys[-1]))

    def remove(self, key: float, id_: int) -> None:
        """Takes an entry out that is there."""
        place = bisect_left(self.news, (key, id_))
        if place < len(self.news) and self.news[place] == (key, id_):
            del self.news[place]
            return
        start, end = (int(self.keys.searchsorted(key, side)) for side in ("left", "right"))
        self.alive[start + int(np.flatnonzero(self.ids[start:end] == id_)[0])] = False
        self.dead += 1

    def reached(self, side: int, bound: float, found: list[Ids]) -> None:
        """Adds ids with keys at or above the bound (longs), at or below it (shorts)."""
        if side > 0 and self.ends[1] >= bound:
            part = slice(int(self.keys.searchsorted(bound, "left")), None)
            found.append(self.ids[part][self.alive[part]] if self.dead else self.ids[part])
        elif side < 0 and self.ends[0] <= bound:
            part = slice(0, int(self.keys.searchsorted(bound, "right")))
            found.append(self.ids[part][self.alive[part]] if self.dead else self.ids[part])
        if self.news:
            if side > 0:
                new = self.news[bisect_left(self.news, (bound, -1)) :]
            else:
                new = self.news[: bisect_right(self.news, (bound, WAD))]
            if new:
                found.append(np.array([id_ for _, id_ in new], np.int64))


class PositionIndex:
    """All open positions of one market. Sizes and worths are handed in as Wad integers."""

    def __init__(self, table: Table, moment: Moment) -> None:
        self.table = table
        self.reference = moment
        self.size: Floats = np.zeros(1)  # by id; 0: flat or unknown
        self.worth: Floats = np.zeros(1)
        self.key: Floats = np.full(1, np.nan)
        self.group = np.zeros(1, np.int16)
        self._groups: dict[int, dict[int, Group]] = {1: {}, -1: {}}
        self._news = 0

    def __len__(self) -> int:
        return int(np.count_nonzero(self.size))

    # ---- changes

    def _room(self, id_: int) -> None:
        have = len(self.size)
        if id_ < have:
            return
        more = max(id_ + 1, have * 5 // 4) - have
        self.size = np.concatenate([self.size, np.zeros(more)])
        self.worth = np.concatenate([self.worth, np.zeros(more)])
        self.key = np.concatenate([self.key, np.full(more, np.nan)])
        self.group = np.concatenate([self.group, np.zeros(more, np.int16)])

    def put(self, id_: int, size: int, worth: int) -> None:
        """A position as it is now; size 0 takes it out. `worth` = margin - basis (Wad)."""
        self._room(id_)
        if (size / WAD, worth / WAD) == (self.size[id_], self.worth[id_]):
            return
        if self.size[id_]:
            held = self._groups[1 if self.size[id_] > 0 else -1][int(self.group[id_])]
            held.remove(float(self.key[id_]), id_)
            self._news += size == 0  # gaps cost a look as much as news do
        self.size[id_], self.worth[id_] = size / WAD, worth / WAD
        if size == 0:
            self.key[id_] = np.nan
            return
        side = 1 if size > 0 else -1
        keys, groups = self._keys(np.array([id_]), side)
        self.key[id_], self.group[id_] = keys[0], groups[0]
        insort(self._group_of(side, int(groups[0])).news, (float(keys[0]), id_))
        self._news += 1

    def _group_of(self, side: int, number: int) -> Group:
        found = self._groups[side].get(number)
        if found is None:
            if number == FIRST:
                found = Group(self.table.lines[1].rate, 0.0, 0.0)
            elif number == WILD:
                found = Group(0.0, 0.0, np.inf)
            else:
                power = number - BINS - REACH
                found = Group(0.0, 4.0**power * 0.998, 4.0 ** (power + 1) * 1.001)
            self._groups[side][number] = found
        return found

    def load(self, ids: Any, sizes: Any, worths: Any) -> None:
        """Replaces everything; arrays in whole units (floats)."""
        top = int(ids.max()) + 1 if len(ids) else 1
        self.size, self.worth = np.zeros(top), np.zeros(top)
        self.group = np.zeros(top, np.int16)
        self.size[ids], self.worth[ids] = sizes, worths
        self.rebuild(self.reference)

    def rebuild(self, moment: Moment, table: Table | None = None) -> None:
        """Sorts everything anew, with this moment as the reference. O(n log n)."""
        self.reference = moment
        self.table = table or self.table
        self.key = np.full(len(self.size), np.nan)
        self._news = 0
        for side in (1, -1):
            ids = np.flatnonzero(self.size > 0 if side > 0 else self.size < 0)
            keys, groups = self._keys(ids, side)
            self.key[ids], self.group[ids] = keys, groups
            self._groups[side] = {}
            for number in np.unique(groups):
                chosen = groups == number
                self._group_of(side, int(number)).sort(keys[chosen], ids[chosen])

    def drifted(self, moment: Moment) -> bool:
        """Whether a rebuild is worth its time: bounds have become loose, or much has changed."""
        spent = abs(moment.ramp - self.reference.ramp) * self.table.steepest
        moved = abs(moment.funding - self.reference.funding)
        loose = spent * moment.mark + moved * moment.ramp * self.table.steepest
        return loose > DRIFT * moment.mark or self._news > max(LEAST_NEWS, len(self.size) // 16)

    # ---- keys

    def _keys(self, ids: Ids, side: int) -> tuple[Floats, NDArray[np.int16]]:
        """Key (padded outward) and group of each position of one side."""
        size, ref = np.abs(self.size[ids]), self.reference
        owed = -self.worth[ids] / size * side  # A without funding
        key = np.full(len(ids), -np.inf if side > 0 else np.inf)
        broken = False
        for line in self.table.lines:
            slope = 1 - side * ref.ramp * line.rate
            if slope <= 0:
                broken = True
                continue
            top = owed + ref.funding - side * ref.ramp * line.offset / size
            key = np.maximum(key, top / slope) if side > 0 else np.minimum(key, top / slope)
        steep = max(1e-6, 1 - ref.ramp * self.table.steepest) if side > 0 else 1.0
        largest = max(abs(line.offset) for line in self.table.lines)
        scale = np.abs(owed) + abs(ref.funding) + ref.ramp * largest / size
        pad = (WEI / size + RELATIVE * scale) / steep
        padded = key + side * pad
        if broken:
            return np.full(len(ids), np.inf), np.full(len(ids), WILD, np.int16)
        return padded, self._group(padded, key, size)

    def _group(self, padded: Floats, key: Floats, size: Floats) -> NDArray[np.int16]:
        """By what is known of G at the key, padded or not."""
        high, low = self._requirement(padded, size), self._requirement(key, size)
        high, low = np.maximum(high, low), np.minimum(high, low)
        with np.errstate(divide="ignore"):
            power = np.floor(np.log2(high) / 2)
        groups = np.where(np.abs(power) < REACH, power + BINS + REACH, WILD).astype(np.int16)
        groups[low < high * 0.999] = WILD
        first = np.ones(len(groups), bool)
        for notional in (padded * size, key * size):
            first &= (notional >= self.table.knee) & (notional <= self.table.first_end)
        groups[first] = FIRST
        return groups

    def _requirement(self, price: Floats, size: Floats) -> Floats:
        """G: maintenance margin per size at multiplier 1."""
        found = np.full(len(price), -np.inf)
        for line in self.table.lines:
            found = np.maximum(found, line.rate * price - line.offset / size)
        return found

    # ---- queries

    def candidates(self, moment: Moment) -> Ids:
        """Ids of all that may be liquidatable now. O(log n + what is found)."""
        found: list[Ids] = []
        for side in (1, -1):
            bound = self._bounds(side, moment)
            for group in self._groups[side].values():
                group.reached(side, bound(group), found)
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _bounds(self, side: int, moment: Moment) -> Callable[[Group], float]:
        """For each group the key that just can't be reached yet; see the module's text."""
        price, steep = moment.favourable(side), moment.ramp * self.table.steepest
        everybody = -np.inf if side > 0 else np.inf
        if side > 0 and steep >= 1:
            return lambda group: everybody
        funding = moment.funding - self.reference.funding
        ramp = moment.ramp - self.reference.ramp
        up, down = max(0.0, ramp), max(0.0, -ramp)
        grows = 1 / (1 - steep) if side > 0 else 1.0  # what multiplies a positive D or E
        falls = 1.0 if side > 0 else 1 / (1 + steep)
        plus, minus = max(0.0, side * funding), max(0.0, -side * funding)
        slack = RELATIVE * (abs(funding) + price)

        def bound(group: Group) -> float:
            if up and group.high == np.inf:
                return everybody
            factor = 1 + side * (grows * up - falls * down) * group.a
            if factor <= 0:
                return everybody
            moved = grows * (plus + (up * group.high if up else 0.0))
            moved -= falls * (minus + down * group.low)
            key = (price - side * moved) / factor
            return key - side * (slack + RELATIVE * abs(key))

        return bound
