"""Which lines and branches of the core a fuzz run reaches.

forge's coverage knows only forge's own tests, and compiles without the optimiser that these
contracts need. Here every statement and every condition of the core gets a mark: a call to an
address without code, which changes nothing, is allowed in views and in pure functions that are told
to look away, and which the EVM remembers even where the transaction reverts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.fuzz.revm import Revm
from bulkhead.fuzz.runner import Worker
from bulkhead.mutants.build import DEPLOYED, FOLDER, Woven, compiled, copy_sources, link
from bulkhead.mutants.operators import CORE
from bulkhead.mutants.syntax import Node, Unit, parse, span, walk
from bulkhead.mutants.trial import plan
from bulkhead.mutants.weave import imported

PAGE = Path(__file__).parent / "coverage_page.md"
MARKER_FILE = "contracts/Marker.sol"
MARKS = 0xC0 << 152  # the address of the first mark
MARKER = f"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Leaves marks: calls to addresses without code.
library Marker {{
    function hit(uint256 mark) internal pure {{
        _pure(_call)(mark);
    }}

    function either(uint256 mark, bool condition) internal pure returns (bool) {{
        _pure(_call)(condition ? mark : mark + 1);
        return condition;
    }}

    function _call(uint256 mark) private view {{
        assembly ("memory-safe") {{
            pop(staticcall(gas(), add({MARKS}, mark), 0, 0, 0, 0))
        }}
    }}

    function _pure(function(uint256) internal view f)
        private
        pure
        returns (function(uint256) internal pure g)
    {{
        assembly ("memory-safe") {{
            g := f
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Mark:
    """A place that a run may reach."""

    number: int
    file: str
    line: int
    function: str
    kind: str  # "statement", "true" or "false"


@dataclass(frozen=True)
class Marked:
    """A file with its marks."""

    text: str
    marks: list[Mark]


Insert = tuple[int, int, int, str]  # place, closings first, order, text


def mark(unit: Unit, first: int) -> Marked:
    """Marks every statement and condition of a file's functions, with numbers from `first` on."""
    inserts: list[Insert] = []
    marks: list[Mark] = []

    def number(node: Node, function: str, *kinds: str) -> int:
        line = unit.text.count(b"\n", 0, span(node)[0]) + 1
        found = first + len(marks)
        for kind in kinds:
            marks.append(Mark(first + len(marks), unit.name, line, function, kind))
        return found

    def around(start: int, before: str, end: int, after: str) -> None:
        order = len(inserts)
        inserts.append((start, 1, order, before))
        if after:
            inserts.append((end, 0, -order, after))

    for nodes in unit.functions.values():
        for function in nodes:
            if not function.get("body"):
                continue
            name = function["name"] or function["kind"]
            for node in walk(function["body"]):
                for statement, bare in _statements(node):
                    start, end = unit.statement(statement)
                    hit = f"Marker.hit({number(statement, name, 'statement')}); "
                    around(start, "{ " + hit if bare else hit, end, " }" if bare else "")
                condition = node.get("condition")
                if condition is not None:
                    start, end = span(condition)
                    into = number(condition, name, "true", "false")
                    around(start, f"Marker.either({into}, ", end, ")")
    out, at = b"", 0
    for place, _, _, text in sorted(inserts):
        out += unit.text[at:place] + text.encode()
        at = place
    return Marked(imported((out + unit.text[at:]), "Marker", MARKER_FILE), marks)


def _statements(node: Node) -> Iterator[tuple[Node, bool]]:
    """The statements right inside a node, and whether they stand without braces."""
    if node["nodeType"] in ("Block", "UncheckedBlock"):
        for statement in node["statements"]:
            if statement["nodeType"] not in ("Block", "UncheckedBlock"):
                yield statement, False
    elif node["nodeType"] in ("IfStatement", "ForStatement", "WhileStatement"):
        for part in ("trueBody", "falseBody", "body"):
            inner = node.get(part)
            if inner and inner["nodeType"] not in ("Block", "UncheckedBlock"):
                yield inner, True


def build(root: Path = ROOT) -> tuple[Woven, list[Mark]]:
    """Compiles the core with its marks."""
    marks: list[Mark] = []
    instead = {MARKER_FILE: MARKER}
    for name, unit in parse(root, list(CORE)).items():
        marked = mark(unit, len(marks))
        marks += marked.marks
        instead[name] = marked.text
    folder = root / FOLDER / "coverage"
    copy_sources(root, folder, instead)
    parse(folder, list(CORE))
    return compiled(folder, DEPLOYED), marks


def run(woven: Woven, seed: int, seconds: float, tell: Callable[[float], None]) -> set[int]:
    """Numbers of the marks that a run of so many seconds of the processor reaches."""
    artifacts = link(woven, 0, woven.folder.parent / "linked" / "coverage")
    worker = Worker(plan(artifacts, seed, seconds))
    began, number = time.process_time(), 0
    while (spent := time.process_time() - began) < seconds:
        failure = worker.sequence(number)
        if failure is not None:
            raise AssertionError(f"{failure.law} broke under the marks: {failure.text}")
        number += 1
        tell(spent)
    found: set[int] = set()
    for world in worker.worlds.values():
        assert isinstance(world.engine, Revm)
        found |= reached(world.engine.evm.db_accounts)
    worker.close()
    return found


def reached(addresses: Iterable[str]) -> set[int]:
    """Marks among the addresses that an EVM has heard of."""
    numbers = (int(each, 16) - MARKS for each in addresses)
    return {number for number in numbers if 0 <= number < 1 << 32}


def record(marks: Iterable[Mark], found: set[int], seed: int, seconds: float) -> dict[str, Any]:
    """Figures by file, and what was not reached. A line counts when every statement that begins on
    it was reached."""
    files: dict[str, list[Mark]] = {}
    for each in marks:
        files.setdefault(each.file, []).append(each)
    rows = []
    for name, mine in sorted(files.items()):
        lines: dict[int, bool] = {}
        functions: dict[str, bool] = {}
        for each in mine:
            if each.kind == "statement":
                hit = each.number in found
                lines[each.line] = lines.get(each.line, True) and hit
                functions[each.function] = functions.get(each.function, False) or hit
        branches = [each for each in mine if each.kind != "statement"]
        rows.append(
            {
                "file": name,
                "lines": len(lines),
                "lines_reached": sum(lines.values()),
                "branches": len(branches),
                "branches_reached": sum(each.number in found for each in branches),
                "functions": len(functions),
                "functions_reached": sum(functions.values()),
                "missed_lines": sorted(line for line, hit in lines.items() if not hit),
                "missed_branches": sorted(
                    f"{each.line} {each.kind}" for each in branches if each.number not in found
                ),
            }
        )
    return {"seed": seed, "cpu_seconds": seconds, "total": _total(rows), "files": rows}


def _total(rows: list[dict[str, Any]]) -> dict[str, int]:
    names = [f"{what}{end}" for what in ("lines", "branches", "functions") for end in _ENDS]
    return {name: sum(row[name] for row in rows) for name in names}


_ENDS = ("", "_reached")


def cells(row: dict[str, Any]) -> list[str]:
    """Lines, branches and functions as text."""
    return [
        f"{row[f'{what}_reached']}/{row[what]} ({share(row[f'{what}_reached'], row[what])})"
        for what in ("lines", "branches", "functions")
    ]


def share(part: int, whole: int) -> str:
    """In per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def page(found: dict[str, Any]) -> str:
    """docs/coverage.md."""
    rows = [f"| {row['file'][10:]} | {' | '.join(cells(row))} |" for row in found["files"]]
    missed = [
        f"- `{row['file'][10:]}`: {_places(row)}"
        for row in found["files"]
        if row["missed_lines"] or row["missed_branches"]
    ]
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        seconds=f"{found['cpu_seconds']:g}",
        seed=found["seed"],
        total=" | ".join(f"**{cell}**" for cell in cells(found["total"])),
        rows="\n".join(rows),
        missed="\n".join(missed),
    )


def _places(row: dict[str, Any]) -> str:
    lines = ", ".join(map(str, row["missed_lines"]))
    branches = ", ".join(each.replace(" ", " is never ") for each in row["missed_branches"])
    parts = [f"lines {lines}" if lines else "", f"conditions {branches}" if branches else ""]
    return "; ".join(part for part in parts if part)
