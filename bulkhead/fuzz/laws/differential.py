"""I-50: the model foretells everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from bulkhead.fuzz.laws.base import WAD, Terms, hold, notional, surplus
from bulkhead.fuzz.probe import Pos

Event = tuple[str, dict[str, Any]]  # name, values


def i_50_outcome(found: str, foretold: str) -> bool:
    """A call's success or refusal, with all its values."""
    if found != foretold:
        hold("I-50", False, f"the chain says {found}, the model {foretold}")
    return False


def i_50_events(found: list[Event], foretold: list[Event]) -> bool:
    """What a call's events say, and in which order."""
    if found != foretold:
        differing = [pair for pair in zip_longest(found, foretold) if pair[0] != pair[1]]
        hold("I-50", False, "events: the chain {}, the model {}".format(*differing[0]))
    return False


def i_50_preview(name: str, said: Mapping[str, Any], done: Mapping[str, Any]) -> bool:
    """What a lens said of an action is what it did, value by value."""
    for key, value in done.items():
        if said[key] != value:
            hold("I-50", False, f"{name} says {key} {said[key]}, it was {value}")
    return False


def below_maintenance(positions: Iterable[Pos], t: Terms, mark: int) -> int:
    """Notional of the positions that would be below MM at a mark (Wad)."""
    t = t._replace(mark=mark)
    return sum([notional(p.size, mark) for p in positions if surplus(p, t) < 0])


def i_50_liquidation_price(p: Pos, t: Terms, price: int) -> bool:
    """At the price that a lens names, and beyond, a position can be liquidated; short of it, not. A
    tick is what equity resolves; 0: at no mark."""
    sign, tick = (1, -1)[p.size < 0], 10**6 + 4 * WAD // abs(p.size)
    if price == 0:
        edge = 1 if sign > 0 else 2**96 - 1
        well = surplus(p, t._replace(mark=edge + sign * tick)) >= 0
        hold("I-50", well, f"liquidatable at some mark, the lens says at none: {p}")
        return False
    beyond, short = price - sign * tick, price + sign * tick
    if beyond > 0:
        hold("I-50", surplus(p, t._replace(mark=beyond)) < 0, f"well beyond {price}: {p}")
    if short > 0:
        hold("I-50", surplus(p, t._replace(mark=short)) >= 0, f"ill short of {price}: {p}")
    return True


def i_50_view(name: str, found: object, expected: object) -> bool:
    """A view equals the model."""
    if found != expected:
        hold("I-50", False, f"{name} is {found}, the model says {expected}")
    return False
