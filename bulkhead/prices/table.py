"""Price files: CSV or CSV.GZ, read completely and refused with line numbers before any use.

The first line names the columns: `unix_seconds,open,high,low,close,volume` (the close is used) or
`unix_seconds,price`.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from bulkhead.errors import BadInput, BadInputs
from bulkhead.prices.path import DECIMALS, PricePath, label, median, moment

CANDLES = ("unix_seconds", "open", "high", "low", "close", "volume")
TICKS = ("unix_seconds", "price")
SHOWN = 20  # problems named one by one
GAPS_OF_MEDIAN = 5  # without --max-gap: this many usual steps
MIN_GAP_SECS = 60
MAX_JUMP = 5  # times from one row to the next: more is a lost digit, not a market
HIGHEST = Decimal(10) ** 10
LOWEST = Decimal(1).scaleb(-DECIMALS)
_LAST_SECOND = 2**40


@dataclass
class _Rows:
    """Rows read so far, and what is wrong with the file."""

    source: str
    lines: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    prices: list[Decimal] = field(default_factory=list)
    problems: list[BadInput] = field(default_factory=list)
    total: int = 0

    def refuse(self, line: int, value: object, limit: str) -> None:
        self.total += 1
        if len(self.problems) < SHOWN:
            self.problems.append(BadInput(f"line {line}", value, limit))

    def check(self) -> None:
        if self.total:
            raise BadInputs(self.source, self.problems, self.total)


def lines_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line; says so where the file can't be read."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            for cells in reader:
                yield reader.line_num, cells
    except FileNotFoundError:
        raise BadInput("price file", path, "there is no such file") from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as problem:
        raise BadInput("price file", path, f"it can't be read: {problem}") from None


def number_of(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _price(rows: _Rows, line: int, cells: list[str], candle: bool) -> Decimal | None:
    """The row's price, or a problem noted."""
    names = CANDLES[1:] if candle else TICKS[1:]
    values: dict[str, Decimal] = {}
    for name, text in zip(names, cells[1:], strict=True):
        value = number_of(text)
        if value is None:
            rows.refuse(line, f"{name} {text!r}", "a plain number is wanted")
            return None
        low = Decimal(0) if name == "volume" else LOWEST
        if value < low or (name != "volume" and value > HIGHEST):
            rows.refuse(line, f"{name} {text.strip()}", f"at least {low:f}, prices at most 1e10")
            return None
        values[name] = value
    if not candle:
        return values["price"]
    inside = values["low"] <= min(values["open"], values["close"])
    if not inside or values["high"] < max(values["open"], values["close"]):
        rows.refuse(line, ",".join(cells[1:5]), "low <= open, close <= high is wanted")
        return None
    return values["close"]


def _row(rows: _Rows, line: int, cells: list[str], candle: bool) -> None:
    wanted = len(CANDLES if candle else TICKS)
    if len(cells) != wanted:
        rows.refuse(line, f"{len(cells)} columns", f"{wanted} are wanted")
        return
    text = cells[0].strip()
    if not (text.isascii() and text.isdigit()) or int(text) >= _LAST_SECOND:
        rows.refuse(line, f"unix_seconds {cells[0]!r}", "whole seconds since 1970 are wanted")
        return
    price = _price(rows, line, cells, candle)
    if price is None:
        return
    time = int(text)
    if rows.times and time <= rows.times[-1]:
        rows.refuse(line, f"unix_seconds {time}", f"it must be after {rows.times[-1]}")
        return
    if rows.prices and not 1 <= price / rows.prices[-1] * MAX_JUMP <= MAX_JUMP**2:
        limit = f"within {MAX_JUMP} times the price before it, {rows.prices[-1]}"
        rows.refuse(line, f"price {price}", limit)
        return
    rows.lines.append(line)
    rows.times.append(time)
    rows.prices.append(price)


def _parse(path: Path) -> _Rows:
    rows = _Rows(str(path))
    lines = lines_of(path)
    _, header = next(lines, (1, []))
    names = tuple(cell.strip().lstrip("\ufeff") for cell in header)
    if names not in (CANDLES, TICKS):
        limit = f"{','.join(CANDLES)} or {','.join(TICKS)} is wanted"
        raise BadInput(f"{path}, line 1", repr(",".join(header)), limit)
    for line, cells in lines:
        if cells:
            _row(rows, line, cells, names == CANDLES)
        else:
            rows.refuse(line, "an empty line", "a row is wanted")
    rows.check()
    return rows


def _window(rows: _Rows, start: str | None, end: str | None) -> slice:
    """The rows of [start, end), which must lie inside what the file covers."""
    first, last = rows.times[0], rows.times[-1]
    begin = first if start is None else moment(start, "FROM")
    stop = last + 1 if end is None else moment(end, "TO")
    usual = median([b - a for a, b in pairwise(rows.times)])
    if begin < first or begin > last:
        raise BadInput("FROM", label(begin), f"{label(first)} to {label(last)} is in the file")
    if begin >= stop:
        raise BadInput("FROM", label(begin), f"before TO, {label(stop)}")
    if stop > last + max(usual, 1):
        raise BadInput("TO", label(stop), f"at most {label(last + usual)}, where the file ends")
    inside = [place for place, time in enumerate(rows.times) if begin <= time < stop]
    if len(inside) < 2:
        raise BadInput("FROM..TO", f"{len(inside)} rows", "at least 2 rows are wanted")
    return slice(inside[0], inside[-1] + 1)


def _check_gaps(rows: _Rows, part: slice, max_gap: int | None) -> None:
    times, lines = rows.times[part], rows.lines[part]
    steps = [after - before for before, after in pairwise(times)]
    limit = max(MIN_GAP_SECS, GAPS_OF_MEDIAN * median(steps)) if max_gap is None else max_gap
    for place, step in enumerate(steps):
        if step > limit:
            value = f"a gap of {step} s from {label(times[place])} to {label(times[place + 1])}"
            text = f"at most {limit} s (--max-gap), or choose a window without it"
            rows.refuse(lines[place + 1], value, text)
    rows.check()


def read(
    path: Path, start: str | None = None, end: str | None = None, max_gap: int | None = None
) -> PricePath:
    """Prices of a file from `start` up to `end` (days, moments or unix seconds, UTC).

    The whole file must be well-formed; gaps longer than `max_gap` seconds (default: five usual
    steps) are refused inside the window only.
    """
    if max_gap is not None and max_gap < 1:
        raise BadInput("--max-gap", max_gap, "at least 1 second")
    rows = _parse(path)
    if len(rows.times) < 2:
        raise BadInput(str(path), f"{len(rows.times)} rows", "at least 2 rows are wanted")
    part = _window(rows, start, end)
    _check_gaps(rows, part, max_gap)
    answers = tuple(round(price.scaleb(DECIMALS)) for price in rows.prices[part])
    return PricePath(path.name, tuple(rows.times[part]), answers)
