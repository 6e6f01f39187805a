"""The laws (docs/invariants.md), each a function of plain values."""

from bulkhead.fuzz.laws.base import WAD, Broken, Terms

__all__ = ["WAD", "Broken", "Terms"]
