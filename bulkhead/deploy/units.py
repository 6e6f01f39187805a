"""Quantities as people write them, parsed exactly into the integers of the contracts.

`5 bp`, `0.25 %`, `2/3`, `500k USD`, `4,000 ETH`, `10 min`, `0.05 % / h`, `9 / day2`. A decimal must
fit the integer to the last digit; only what divides (`2/3`, anything per time) is rounded, down.
"""

from __future__ import annotations

import re
from fractions import Fraction

WAD = 10**18
RAY = 10**27

_NUMBER = re.compile(
    r"([+-]?)(\d[\d,_]*)(\.\d+)?(?:\s*/\s*(\d+))?((?:[kMB](?![A-Za-z]))?)(?![0-9.])"
)
_SCALES = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}
_RATIOS = {"": Fraction(1), "%": Fraction(1, 100), "bp": Fraction(1, 10_000)}
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+|\d+(_\d+)*")
SECONDS = {
    "s": 1,
    "min": 60,
    "h": 3_600,
    "hour": 3_600,
    "hours": 3_600,
    "day": 86_400,
    "days": 86_400,
}


class UnitError(ValueError):
    """A quantity can't be read; the message says what would be accepted."""


def number(text: str) -> tuple[Fraction, str, bool]:
    """The leading number, the rest of the text, and whether it was written as a division."""
    found = _NUMBER.match(text.strip())
    if found is None:
        raise UnitError("a number is wanted, such as 5, 2.5, 1,000, 500k or 2/3")
    sign, whole, decimals, divisor, scale = found.groups()
    if not _GROUPED.fullmatch(whole):
        raise UnitError("commas go between groups of three digits")
    value = Fraction(whole.replace(",", "").replace("_", "") + (decimals or "")) * _SCALES[scale]
    if divisor is not None:
        if int(divisor) == 0:
            raise UnitError("a division by 0 is no number")
        value /= int(divisor)
    return (-value if sign == "-" else value), text.strip()[found.end() :].strip(), bool(divisor)


def _whole(value: Fraction, scale: int, divides: bool) -> int:
    scaled = value * scale
    if scaled.denominator != 1 and not divides:
        digits = len(str(scale)) - 1
        raise UnitError(f"it has more digits than fit: {digits} decimals are kept")
    if scaled < 0:
        raise UnitError("it must not be negative")
    return int(scaled)  # rounds down what divides


def _ratio(value: Fraction, unit: str, extra: str = "") -> Fraction:
    if unit not in _RATIOS:
        raise UnitError(f"unit {unit!r}{extra} is unknown: write a plain number, % or bp")
    return value * _RATIOS[unit]


def ratio(text: str) -> int:
    """A share, in Wad: `0.3`, `2/3`, `0.25 %`, `5 bp`."""
    value, unit, divides = number(text)
    return _whole(_ratio(value, unit), WAD, divides)


def amount(text: str, unit: str) -> int:
    """An amount of a named unit, in Wad: `500k USD`, `4,000 ETH`."""
    value, given, divides = number(text)
    if given != unit:
        raise UnitError(f"{unit} is wanted, {given or 'no unit'} is given")
    return _whole(value, WAD, divides)


def duration(text: str) -> int:
    """Whole seconds: `30 s`, `10 min`, `24 h`, `3 days`."""
    value, unit, _ = number(text)
    if unit not in SECONDS:
        raise UnitError(f"unit {unit or 'none'} is unknown: write s, min, h or days")
    seconds = value * SECONDS[unit]
    if seconds.denominator != 1 or seconds < 0:
        raise UnitError("whole seconds, not negative, are wanted")
    return int(seconds)


def count(text: str) -> int:
    """A whole number: `3`, `400k`."""
    value, unit, _ = number(text)
    if unit:
        raise UnitError(f"no unit is wanted, {unit!r} is given")
    if value.denominator != 1 or value < 0:
        raise UnitError("a whole number, not negative, is wanted")
    return int(value)


def _per(text: str, power: str) -> tuple[str, int]:
    """Split `0.05 % / h` into its front and the seconds of its unit of time."""
    front, slash, back = text.rpartition("/")
    unit = back.strip()
    if not slash or not unit.endswith(power) or unit.removesuffix(power) not in SECONDS:
        raise UnitError(f"a unit of time is wanted at the end, such as / h{power} or / day{power}")
    return front, SECONDS[unit.removesuffix(power)]


def rate(text: str) -> int:
    """A ratio per time, in Ray per second, rounded down: `0.05 % / h`."""
    front, secs = _per(text, "")
    value, unit, _ = number(front)
    return _whole(_ratio(value, unit) / secs, RAY, True)


def velocity(text: str) -> int:
    """A ratio per time squared, in Ray per second squared, rounded down: `9 / day2`."""
    front, secs = _per(text, "2")
    value, unit, _ = number(front)
    return _whole(_ratio(value, unit) / secs**2, RAY, True)


def hourly(text: str) -> int:
    """A ratio per time, in Wad per hour, rounded down: `1 / h`."""
    front, secs = _per(text, "")
    value, unit, _ = number(front)
    return _whole(_ratio(value, unit) * 3_600 / secs, WAD, True)
