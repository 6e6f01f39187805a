"""Choices read from a blob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


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

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """One of them by weight."""
        place = self.word() % sum([weight for weight, _ in options])
        for weight, option in options:
            if place < weight:
                return option
            place -= weight
        raise AssertionError
