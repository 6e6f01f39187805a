"""I-50: the model foretells everything."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from bulkhead.fuzz.laws.base import hold

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


def i_50_view(name: str, found: object, expected: object) -> bool:
    """A view equals the model."""
    if found != expected:
        hold("I-50", False, f"{name} is {found}, the model says {expected}")
    return False
