"""Axes: round numbers for ticks, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def nice_step(span: float, ticks: int) -> float:
    """A round distance between about `ticks` ticks."""
    if span <= 0:
        return 1.0
    raw = span / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in _STEPS if step * power >= raw * 0.999)


@dataclass(frozen=True)
class Axis:
    """A linear axis from values to pixels; `ticks` are the round values on it."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def value_axis(
    values: Iterable[float], start: float, end: float, zero: bool, ticks: int = 5
) -> Axis:
    """An axis that holds all values, between round numbers; with zero if asked."""
    found = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(found), max(found)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(abs(high), abs(low), 1e-12):
        pad = abs(high) * 0.05 or 1.0
        low, high = (low if zero and low == 0 else low - pad), high + pad
    step = nice_step(high - low, ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(place * step, 12) for place in range(first, last + 1))
    return Axis(marks[0], marks[-1], start, end, marks)


def number(value: float, digits: int | None = None) -> str:
    """A number for people: grouped, short, with a real minus."""
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 1000 or size == int(size) else 2 if size >= 1 else 4
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\u2212") if text not in ("-0", "") else "0"
