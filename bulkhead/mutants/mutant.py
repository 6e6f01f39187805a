"""What a mutant is, and the catalogue of those written by hand."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bulkhead.errors import BadInput

CATALOGUE = Path(__file__).parent / "catalogue"
NEUTRAL = "neutral"
GENERATED = "generated"
_FIELDS = {"id", "file", "find", "replace", "breaks", "law", "within", "equivalent"}


@dataclass(frozen=True)
class Mutant:
    """One change. `find` is a whole expression or whole statements, once in its file (or, if it is
    named, once in the function or modifier `within`)."""

    id: str
    area: str
    file: str
    find: str
    replace: str
    breaks: str  # what goes wrong; of a neutral one: why nothing does
    law: str = ""  # that should notice
    within: str = ""
    equivalent: str = ""  # why no behaviour can differ, where that is so
    at: int = -1  # where it is in its file (bytes), if that is known already

    @property
    def neutral(self) -> bool:
        """A change that must not be noticed."""
        return self.area == NEUTRAL

    @property
    def semantic(self) -> bool:
        """Written by hand to break something."""
        return self.area not in (NEUTRAL, GENERATED)

    @property
    def switch(self) -> int:
        """The number that turns it on, never 0: a part of its id's hash, so that one more mutant
        changes no other's code."""
        return int.from_bytes(hashlib.sha256(self.id.encode()).digest()[:4], "big") | 1 << 31


def load(folder: Path = CATALOGUE) -> list[Mutant]:
    """The catalogue: one file for each area."""
    found: list[Mutant] = []
    for path in sorted(folder.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
            unknown = set(row) - _FIELDS
            if unknown:
                raise BadInput(f"{path.name} {row.get('id')}", sorted(unknown), "known fields only")
            found.append(Mutant(area=path.stem, **row))
    _distinct(found)
    return found


def _distinct(mutants: Iterable[Mutant]) -> None:
    ids: set[str] = set()
    switches: set[int] = set()
    for mutant in mutants:
        if mutant.id in ids or mutant.switch in switches:
            raise BadInput("mutant", mutant.id, "an id that no other has")
        ids.add(mutant.id)
        switches.add(mutant.switch)


@lru_cache(maxsize=1)
def catalogue() -> tuple[Mutant, ...]:
    """The project's."""
    return tuple(load())
