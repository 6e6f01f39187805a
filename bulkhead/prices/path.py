"""A price path: moments and prices as a feed would publish them, integers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from bulkhead.errors import BadInput

DECIMALS = 8  # of an answer, as Chainlink's dollar feeds have it
WAD_PER_ANSWER = 10_000_000_000
BLOCK_SECS = 12  # a chain takes one mark per block: closer prices replace one another


@dataclass(frozen=True)
class PricePath:
    """Prices in time order. `times` are unix seconds, `answers` have 8 decimals."""

    source: str
    times: tuple[int, ...]
    answers: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.answers):
            raise BadInput(self.source, f"{len(self.times)} times", f"{len(self.answers)} prices")
        for before, after in pairwise(self.times):
            if after <= before:
                raise BadInput(self.source, f"time {after} after {before}", "times must rise")
        if self.answers and min(self.answers) <= 0:
            raise BadInput(self.source, f"price {min(self.answers)}", "prices must be positive")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration(self) -> int:
        """Seconds from the first to the last price."""
        return self.times[-1] - self.times[0]

    def wad(self, place: int) -> int:
        """One price at 18 decimals."""
        return self.answers[place] * WAD_PER_ANSWER

    def first(self, count: int) -> PricePath:
        """The same path, cut after `count` prices."""
        return replace(self, times=self.times[:count], answers=self.answers[:count])

    def thinned(self, secs: int = BLOCK_SECS) -> PricePath:
        """Of prices closer than `secs` the last one stays: a block has one mark."""
        times: list[int] = []
        answers: list[int] = []
        for time, answer in zip(self.times, self.answers, strict=True):
            if times and time - times[-1] < secs:
                answers[-1] = answer
            else:
                times.append(time)
                answers.append(answer)
        return replace(self, times=tuple(times), answers=tuple(answers))


def moment(text: str, what: str) -> int:
    """Unix seconds of `2021-05-19`, `2021-05-19T12:30` (UTC where no zone is given) or a number."""
    clean = text.strip()
    if clean.isascii() and clean.isdigit():
        return int(clean)
    try:
        found = datetime.fromisoformat(clean)
    except ValueError:
        limit = "a day (2021-05-19), a moment (2021-05-19T12:30, UTC) or unix seconds"
        raise BadInput(what, repr(text), limit) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def label(time: int) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"


def median(values: Sequence[int]) -> int:
    """The middle value; the lower one of two."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0
