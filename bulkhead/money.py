"""Amounts for people: exact decimals of integers."""

from __future__ import annotations

from fractions import Fraction

WAD = 10**18


def tokens(amount: int, decimals: int, places: int = 2) -> str:
    """Token units with thousands separators, rounded to the nearest place."""
    return wad(amount * 10 ** (18 - decimals), places)


def wad(amount: int, places: int = 2) -> str:
    """A Wad with thousands separators, rounded to the nearest place."""
    scaled = round(Fraction(abs(amount) * 10**places, WAD))
    whole, part = divmod(scaled, 10**places)
    text = f"{whole:,}" + (f".{part:0{places}d}" if places else "")
    return f"-{text}" if amount < 0 and scaled else text


def percent(part: int, whole: int, places: int = 4) -> str:
    """A share of something, in percent."""
    if whole == 0:
        return "0 %"
    return f"{float(Fraction(part * 100, whole)):.{places}f} %"
