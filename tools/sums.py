"""Polynomials over integers, with bounds: what integers.py makes of words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import z3

Monomial = tuple[str, ...]
Window = tuple[int, int]


@dataclass(frozen=True)
class Poly:
    """A sum of products of integers, and between what it lies."""

    terms: tuple[tuple[Monomial, int], ...]
    low: int
    high: int

    @property
    def constant(self) -> bool:
        """Whether it has one value only."""
        return self.low == self.high


class Sums:
    """The integers of one query, what they are bound by, and what was said about them."""

    unknown: Callable[[str], Any] = staticmethod(z3.Int)

    def __init__(self) -> None:
        self._keep: list[Any] = []  # z3 numbers terms anew once they are gone
        self.clear()

    def clear(self) -> None:
        """Begins anew."""
        self.bounds: dict[str, Window] = {}
        self.side: list[Any] = []
        self._known: dict[Any, Any] = {}
        self.products: dict[Monomial, Any] = {}  # unknowns for products of unknowns
        self.factors: dict[Any, tuple[Poly, Poly]] = {}  # of sums, by the terms of their product

    def _poly(
        self, sums: dict[Monomial, int], low: int | None = None, high: int | None = None
    ) -> Poly:
        terms = tuple(sorted((mono, factor) for mono, factor in sums.items() if factor))
        least = most = 0
        for mono, factor in terms:
            ends = self._of_monomial(mono)
            least += min(factor * end for end in ends)
            most += max(factor * end for end in ends)
        return Poly(
            terms,
            least if low is None else max(least, low),
            most if high is None else min(most, high),
        )

    def _of_monomial(self, mono: Monomial) -> Window:
        low = high = 1
        for place, name in enumerate(mono):
            if place and name == mono[place - 1] and mono.count(name) == len(mono) == 2:
                ends = self.bounds[name]
                squares = [end * end for end in ends]
                return (0 if ends[0] <= 0 <= ends[1] else min(squares)), max(squares)
            ends_ = [a * b for a in (low, high) for b in self.bounds[name]]
            low, high = min(ends_), max(ends_)
        return low, high

    def number(self, value: int) -> Poly:
        """A constant."""
        return Poly((((), value),) if value else (), value, value)

    def fresh(self, low: int, high: int, name: str = "") -> Poly:
        """A new integer between two ends."""
        name = name or f"i{len(self.bounds)}"
        self.bounds[name] = (low, high)
        return self._poly({(name,): 1})

    def add(self, a: Poly, b: Poly, factor: int = 1) -> Poly:
        """a + factor b."""
        sums = dict(a.terms)
        for mono, value in b.terms:
            sums[mono] = sums.get(mono, 0) + factor * value
        ends = (factor * b.low, factor * b.high)
        return self._poly(sums, a.low + min(ends), a.high + max(ends))

    def multiply(self, a: Poly, b: Poly) -> Poly:
        """a b; of large factors as one integer each, so that nothing blows up."""
        if len(a.terms) * len(b.terms) > 64:
            a, b = (each if len(each.terms) < 8 else self._named(each) for each in (a, b))
        sums: dict[Monomial, int] = {}
        for one, x in a.terms:
            for two, y in b.terms:
                mono = tuple(sorted(one + two))
                sums[mono] = sums.get(mono, 0) + x * y
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        found = self._poly(sums, min(ends), max(ends))
        if not a.constant and not b.constant:
            self.factors[found.terms] = a, b
        return found

    def _named(self, a: Poly) -> Poly:
        key = ("named", a.terms)
        if key not in self._known:
            self._known[key] = self.fresh(a.low, a.high)
            self.side.append(self.expression(self._known[key]) == self.expression(a))
        return self._known[key]

    def expression(self, a: Poly) -> Any:
        """For the solver; products of unknowns are unknowns until `solve` says what they are."""
        key = ("expression", a.terms)
        if key not in self._known:
            self._known[key] = self._expression(a)
        return self._known[key]

    def _expression(self, a: Poly) -> Any:
        found: Any = z3.IntVal(0)
        for mono, factor in a.terms:
            if not mono:
                part: Any = z3.IntVal(1)
            elif len(mono) == 1:
                part = self.unknown(mono[0])
            else:
                part = self.products.setdefault(mono, self.unknown("*".join(mono)))
            found = found + factor * part
        return found

    def choose(self, condition: Any, a: Poly, b: Poly) -> Poly:
        """condition ? a : b."""
        if z3.is_true(condition) or a == b:
            return a
        if z3.is_false(condition):
            return b
        self._keep.append(condition)
        key = ("choose", condition.get_id(), a.terms, b.terms)
        if key not in self._known:
            found = self.fresh(min(a.low, b.low), max(a.high, b.high))
            value = self.expression(found)
            self.side.append(
                z3.If(condition, value == self.expression(a), value == self.expression(b))
            )
            self._known[key] = found
        return self._known[key]

    def compare(self, a: Poly, b: Poly, less: int) -> Any:
        """a + less <= b."""
        gap = self.add(b, a, -1)
        if gap.low >= less:
            return z3.BoolVal(True)
        if gap.high < less:
            return z3.BoolVal(False)
        return self.expression(gap) >= less
