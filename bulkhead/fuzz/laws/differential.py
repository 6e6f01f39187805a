"""I-50: the model foretells everything."""

from __future__ import annotations

from bulkhead.fuzz.laws.base import hold


def i_50_outcome(found: str, foretold: str) -> bool:
    """A call's success or refusal, with all its values."""
    if found != foretold:
        hold("I-50", False, f"the chain says {found}, the model {foretold}")
    return False


def i_50_view(name: str, found: object, expected: object) -> bool:
    """A view equals the model."""
    if found != expected:
        hold("I-50", False, f"{name} is {found}, the model says {expected}")
    return False
