"""What a run counts, in a form that workers can send and that adds up."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bulkhead.errors import BulkheadError
from bulkhead.fuzz.coverage import KINDS, MONEY, OTHERS, SIDES, missing
from bulkhead.fuzz.laws.catalogue import ELSEWHERE, LAWS
from bulkhead.fuzz.parties import CALLS, Cell

STATM = Path("/proc/self/statm")
PARTS = 6  # of a run, after each of which the memory is looked at


def rss_mb() -> float:
    """Memory that this process holds now (MB); 0 where the system does not tell it so."""
    if not STATM.exists():
        return 0.0
    pages = int(STATM.read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


@dataclass
class Report:
    """Sums of one worker, or of all."""

    calls: int = 0  # transactions and views
    steps: int = 0
    sequences: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    boundary: Counter[str] = field(default_factory=Counter)
    coverage: Counter[Cell] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    worst: int = 0  # largest bad debt of one liquidation (dollars)
    gas: dict[str, int] = field(default_factory=dict)  # the most that I-33's calls used
    memory_mb: list[float] = field(default_factory=list)  # held after each sixth of the time

    def add(self, other: Report) -> None:
        """Another worker's."""
        self.calls += other.calls
        self.steps += other.steps
        self.sequences += other.sequences
        self.worst = max(self.worst, other.worst)
        self.burn(other.gas)
        both = zip_longest(self.memory_mb, other.memory_mb, fillvalue=0.0)
        self.memory_mb = [round(one + two, 1) for one, two in both]
        for mine, theirs in (
            (self.checks, other.checks),
            (self.boundary, other.boundary),
            (self.coverage, other.coverage),
            (self.outcomes, other.outcomes),
        ):
            mine.update(theirs)  # type: ignore[arg-type]

    def burn(self, gas: Mapping[str, int]) -> None:
        """More gas that calls used."""
        for name, most in gas.items():
            self.gas[name] = max(most, self.gas.get(name, 0))

    @property
    def cells(self) -> int:
        """Logical-coverage buckets that were reached."""
        return sum(1 for times in self.coverage.values() if times)

    def missing(self) -> list[Cell]:
        """Reachable buckets that were not."""
        return missing(self.coverage)

    def unchecked(self, engine: str, only: Iterable[str] = ()) -> list[str]:
        """Laws that were asked for, or all that the engine shows something of, without a check."""
        asked = set(only) or {name for name in LAWS if ELSEWHERE.get(name, engine) == engine}
        return [name for name in LAWS if name in asked and not self.checks[name]]

    def record(self, only: Iterable[str] = ()) -> dict[str, Any]:
        """For --json."""
        chosen = set(only)
        return {
            "calls": self.calls,
            "steps": self.steps,
            "sequences": self.sequences,
            "worst_bad_debt": self.worst,
            "worst_gas": self.gas,
            "memory_mb": self.memory_mb,
            "laws": {
                name: {"checks": self.checks[name], "boundary": self.boundary[name]}
                for name in LAWS
                if not chosen or name in chosen
            },
            "coverage": {
                f"{side} {money} {kind}": self.coverage[side, money, kind]
                for side in SIDES
                for money in MONEY
                for kind in KINDS
            }
            | {" ".join(cell): self.coverage[cell] for cell in (*OTHERS, *CALLS)},
            "missing": [" ".join(cell) for cell in self.missing()],
            "outcomes": dict(sorted(self.outcomes.items())),
        }


@dataclass(frozen=True)
class Failure:
    """A broken law, with the fewest steps that break it."""

    law: str
    text: str  # expected and got
    story: tuple[str, ...]  # who did what, and what was said
    after_seconds: float  # of the run
    after_steps: int
    record: dict[str, Any]  # the counterexample's file


class HarnessFailed(BulkheadError):
    """Something that is no law's went wrong. The record is of what was played until then; None
    where nothing is known of it."""

    def __init__(self, text: str, record: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.record = record
