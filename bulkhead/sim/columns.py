"""Columns of numbers out of a CSV or CSV.GZ file, refused with line numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bulkhead.errors import BadInput, BadInputs
from bulkhead.prices.table import SHOWN, lines_of, number_of


@dataclass(frozen=True)
class Source:
    """A file that numbers came from."""

    name: str
    sha256: str
    rows: int


def source(path: Path, rows: int) -> Source:
    """Name and hash of a file."""
    return Source(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), rows)


def read_columns(path: Path, wanted: Sequence[str]) -> dict[str, list[Decimal]]:
    """The named columns; other columns are ignored. `unix_seconds` must not fall."""
    rows = lines_of(path)
    _, header = next(rows, (1, []))
    names = [cell.strip().lstrip("\ufeff") for cell in header]
    missing = [name for name in wanted if name not in names]
    if missing:
        limit = f"columns {','.join(wanted)} are wanted"
        raise BadInput(f"{path}, line 1", repr(",".join(header)), limit)
    places = [names.index(name) for name in wanted]
    found: dict[str, list[Decimal]] = {name: [] for name in wanted}
    problems: list[BadInput] = []
    for line, cells in rows:
        values = [number_of(cells[place]) if place < len(cells) else None for place in places]
        for name, value in zip(wanted, values, strict=True):
            if value is None or value < 0:
                problems.append(BadInput(f"line {line}", f"{name}", "a plain number is wanted"))
                break
            if name == "unix_seconds" and found[name] and value < found[name][-1]:
                problems.append(BadInput(f"line {line}", f"time {value}", "time must not fall"))
                break
            found[name].append(value)
    if problems:
        raise BadInputs(str(path), problems[:SHOWN], len(problems))
    return found
