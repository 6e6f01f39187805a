"""Choices read from a blob."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


class Steady(Generic[T]):
    """Options whose weights never change."""

    def __init__(self, options: Sequence[tuple[int, T]]) -> None:
        self._options = [option for _, option in options]
        self._ends = [*accumulate(weight for weight, _ in options)]
        self.sum = self._ends[-1]

    def at(self, place: int) -> T:
        """The one at this place below the sum."""
        return self._options[bisect_right(self._ends, place)]


class Bytes:
    """Choices read from a blob."""

    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.at = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.blob)

    def byte(self) -> int:
        """0 to 255; 0 at the end."""
        at = self.at
        if at >= len(self.blob):
            return 0
        self.at = at + 1
        return self.blob[at]

    def word(self) -> int:
        """0 to 65,535."""
        return self.byte() << 8 | self.byte()

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.byte() % len(options)]

    def weighted(self, options: Sequence[tuple[int, T]], steady: Steady[T] | None = None) -> T:
        """One of them by weight. steady: more of them, whose weights never change."""
        total = sum([weight for weight, _ in options]) + (steady.sum if steady else 0)
        place = self.word() % total
        for weight, option in options:
            if place < weight:
                return option
            place -= weight
        assert steady is not None
        return steady.at(place)
