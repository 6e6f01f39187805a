"""Weaves all mutants into the sources, each behind its switch.

An expression E that a mutant changes to R becomes `(SWITCH == 7 ? R : E)`, statements become
`if (SWITCH == 7) { R } else { E }`. SWITCH is the address of an empty library: linking sets it, and
the compiler can't know it. With switch 0 the code does what it did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bulkhead.errors import BadInput, BulkheadError
from bulkhead.mutants.mutant import Mutant
from bulkhead.mutants.syntax import Span, Unit, span

SWITCH_NAME = "MutantSwitch"
SWITCH_FILE = f"contracts/{SWITCH_NAME}.sol"
SWITCH_SOURCE = f"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Its address says which mutant is on.
library {SWITCH_NAME} {{}}
"""
_PRAGMA = re.compile(rb"^pragma solidity [^;]*;\n", re.M)


class DoesNotApply(BadInput):
    """A mutant whose text is not in its file exactly once, or is not a whole piece of code."""


class Overlap(BulkheadError):
    """Two mutants share a part of their places."""


@dataclass(frozen=True)
class Placed:
    """A mutant and where it is."""

    mutant: Mutant
    place: Span
    statements: bool


def place(unit: Unit, mutant: Mutant) -> Placed:
    """Where a mutant goes; refuses what is not there exactly once, or is no whole piece."""
    wanted = mutant.find.encode()
    if mutant.at >= 0:
        starts = [mutant.at]
    else:
        starts = []
        for low, high in _regions(unit, mutant):
            at = unit.text.find(wanted, low, high)
            while at >= 0:
                starts.append(at)
                at = unit.text.find(wanted, at + 1, high)
    where = f"{mutant.file}{' ' + mutant.within if mutant.within else ''}"
    if len(starts) != 1:
        raise DoesNotApply(mutant.id, mutant.find, f"once in {where}, not {len(starts)} times")
    found = (starts[0], starts[0] + len(wanted))
    if unit.is_expression(found):
        return Placed(mutant, found, False)
    if unit.is_statements(found):
        return Placed(mutant, found, True)
    raise DoesNotApply(mutant.id, mutant.find, f"a whole expression or statements in {where}")


def _regions(unit: Unit, mutant: Mutant) -> list[Span]:
    if not mutant.within:
        return [(0, len(unit.text))]
    return [span(node) for node in unit.functions.get(mutant.within, ())]


def place_all(units: dict[str, Unit], mutants: Iterable[Mutant]) -> dict[str, list[Placed]]:
    """By file."""
    found: dict[str, list[Placed]] = {}
    for mutant in mutants:
        found.setdefault(mutant.file, []).append(place(units[mutant.file], mutant))
    return found


def weave(unit: Unit, placed: Sequence[Placed]) -> str:
    """The file with all its mutants."""
    ordered = sorted(placed, key=lambda each: (each.place[0], -each.place[1], each.mutant.id))
    _check(ordered)
    body = _render(unit.text, 0, len(unit.text), ordered)
    return imported(body, SWITCH_NAME, SWITCH_FILE)


def imported(text: bytes, name: str, file: str) -> str:
    """The text with one import more, before its others."""
    pragma = _PRAGMA.search(text)
    assert pragma is not None
    end = pragma.end()
    return (text[:end] + f'import {{{name}}} from "{file}";\n'.encode() + text[end:]).decode()


def _check(ordered: Sequence[Placed]) -> None:
    open_: list[Placed] = []
    for each in ordered:
        open_ = [other for other in open_ if other.place[1] > each.place[0]]
        for other in open_:
            if other.place[1] < each.place[1]:
                raise Overlap(
                    f"{other.mutant.id} and {each.mutant.id} overlap in {each.mutant.file}"
                )
        open_.append(each)


def _render(text: bytes, start: int, end: int, placed: Sequence[Placed]) -> bytes:
    """`text[start:end]` with the mutants inside it; outer ones come first."""
    out, at, rest = b"", start, list(placed)
    while rest:
        first = rest[0]
        low, high = first.place
        inside = [each for each in rest[1:] if each.place[0] < high]
        rest = [each for each in rest[1:] if each.place[0] >= high]
        out += text[at:low] + _switched(text, first, inside)
        at = high
    return out + text[at:end]


def _switched(text: bytes, placed: Placed, inside: Sequence[Placed]) -> bytes:
    mutant = placed.mutant
    was = _render(text, *placed.place, inside)
    on = f"uint160(address({SWITCH_NAME})) == {mutant.switch}".encode()
    new = mutant.replace.encode()
    if placed.statements:
        return b"if (" + on + b") { " + new + b" } else { " + was + b" }"
    return b"(" + on + b" ? " + new + b" : " + was + b")"
