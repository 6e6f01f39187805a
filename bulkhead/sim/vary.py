"""Markets that differ from a market file in a few parameters: the points of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path

from bulkhead.deploy.params import DIRECT, read
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.units import UnitError, number
from bulkhead.errors import BadInput
from bulkhead.model.wad import WAD

LEVERAGE = "leverage"  # a name of its own: scales the whole margin table
MOST_POINTS = 500
MOST_LEVERAGE = 100
FLOORS = 5  # maintenance margin of the smallest position, in least rewards of a keeper


def varied(path: Path, changes: Mapping[str, str]) -> MarketFile:
    """The market file with these fields changed.

    `leverage` sets the highest leverage: all rates of the margin table are scaled alike, and the
    smallest notional with them, so that its maintenance margin still pays a keeper.
    """
    plain = DIRECT | {name: value for name, value in changes.items() if name != LEVERAGE}
    market = read(path, plain)
    if LEVERAGE not in changes:
        return market
    return read(path, {**plain, **_scaled(market, _leverage(changes[LEVERAGE]))})


def _leverage(text: str) -> Fraction:
    try:
        value, unit, _ = number(text.removesuffix("x"))
    except UnitError as problem:
        raise BadInput(LEVERAGE, text, str(problem)) from None
    if unit or not 1 < value <= MOST_LEVERAGE:
        raise BadInput(LEVERAGE, text, f"above 1, at most {MOST_LEVERAGE}")
    return value


def _scaled(market: MarketFile, leverage: Fraction) -> dict[str, str]:
    rows = market.margin.brackets
    factor = 1 / leverage / Fraction(rows[0].initial, WAD)
    found: dict[str, str] = {}
    for place, row in enumerate(rows):
        for name in ("initial", "maintenance"):
            rate = min(Fraction(1), Fraction(getattr(row, name), WAD) * factor)
            here = f"margin.brackets.{place}.{name}"
            found[here] = f"{rate.numerator}/{rate.denominator}"
    smallest = Fraction(market.liquidation.reward_floor * FLOORS * WAD, rows[0].maintenance)
    least = max(Fraction(market.margin.min_notional), smallest / factor)
    found["margin.min_notional"] = f"{-(-least // WAD)} {market.quote}"
    return found


def grid(specs: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of `name=value,value,...`; one empty change where nothing is given."""
    axes: list[tuple[str, list[str]]] = []
    for spec in specs:
        name, sign, values = spec.partition("=")
        found = [value.strip() for value in values.split(",")]
        if not sign or not name.strip() or not all(found):
            raise BadInput("--grid", spec, "name=value,value,... is wanted (1k, not 1,000)")
        if name.strip() in (one for one, _ in axes):
            raise BadInput("--grid", spec, "each parameter stands once")
        axes.append((name.strip(), found))
    points = [
        dict(zip((name for name, _ in axes), values, strict=True))
        for values in product(*(values for _, values in axes))
    ]
    if len(points) > MOST_POINTS:
        raise BadInput("--grid", f"{len(points)} points", f"at most {MOST_POINTS}")
    return points
