"""Which lines and branches of the core a fuzz run reaches.

forge's coverage knows only what forge compiled and its own tests run, and compiles without the
optimiser that these contracts need. Here every statement and every condition of the core gets a
mark: a call to an address without code, which changes nothing, is allowed in views and in pure
functions that are told to look away, and which the EVM remembers even where the transaction
reverts.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from string import Template
from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.fuzz.report import HarnessFailed
from bulkhead.fuzz.revm import Revm
from bulkhead.fuzz.runner import Plan, Worker
from bulkhead.mutants.build import DEPLOYED, FOLDER, Woven, compiled, copy_sources, link
from bulkhead.mutants.operators import CORE
from bulkhead.mutants.syntax import Node, Unit, parse, span, walk
from bulkhead.mutants.trial import plan
from bulkhead.mutants.weave import imported
from bulkhead.processes import Send, Stop, Task

PAGE = Path(__file__).parent / "coverage_page.md"
UNREACHED = Path(__file__).parent / "unreached.toml"
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
class Terms:
    """Of a run: the seed of everything drawn, seconds of the processor for each worker, workers."""

    seed: int
    seconds: float
    jobs: int


@dataclass(frozen=True)
class Reason:
    """Why places of a file are not reached: of a function, or where the code has this in it."""

    file: str
    why: str
    function: str = ""
    text: str = ""

    def meets(self, file: str, place: dict[str, Any]) -> bool:
        """Whether it is about a place."""
        return (
            file.removeprefix("contracts/") == self.file
            and self.function in ("", place["function"])
            and self.text in place["code"]
        )


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


def run(woven: Woven, terms: Terms, tell: Callable[[float], None]) -> set[int]:
    """Numbers of the marks that so many workers reach, each in so many seconds of the processor."""
    artifacts = link(woven, 0, woven.folder.parent / "linked" / "coverage")
    found: set[int] = set()
    spent = [0.0] * terms.jobs
    given = plan(artifacts, terms.seed, terms.seconds)
    tasks: list[Task] = []
    try:
        tasks += [Task("spawn", _play, given, number, terms.jobs) for number in range(terms.jobs)]
        running: dict[Any, int] = {task.answers: number for number, task in enumerate(tasks)}
        while running:
            ready: list[Any] = wait(list(running), timeout=1)
            for answers in ready:
                number = running[answers]
                try:
                    told = answers.recv()
                except EOFError:
                    told = f"it ended with code {tasks[number].code}"
                if isinstance(told, str):
                    raise HarnessFailed(f"worker {number}, seed {terms.seed}: {told}")
                if isinstance(told, set):
                    found |= told
                    del running[answers]
                else:
                    spent[number] = told
            tell(min(spent))
    finally:
        for task in tasks:
            task.end()
    return found


def _play(send: Send, stop: Stop, given: Plan, number: int, jobs: int) -> None:
    """One worker's sequences: each how-many-th from its number on. Sends its seconds now and then,
    in the end the marks that it reached, or what went wrong."""
    worker, began = Worker(given, stop), time.process_time()
    try:
        while (spent := time.process_time() - began) < given.seconds:
            send(spent)
            failure = worker.sequence(number)
            if stop.asked:
                send("it was asked to stop")
                return
            if failure is not None:
                send(f"{failure.law} broke under the marks: {failure.text}")
                return
            number += jobs
        found: set[int] = set()
        for world in worker.worlds.values():
            assert isinstance(world.engine, Revm)
            found |= reached(world.engine.evm.db_accounts)
        send(found)
    except HarnessFailed as problem:
        send(str(problem))
    finally:
        worker.close()


def reached(addresses: Iterable[str]) -> set[int]:
    """Marks among the addresses that an EVM has heard of."""
    numbers = (int(each, 16) - MARKS for each in addresses)
    return {number for number in numbers if 0 <= number < 1 << 32}


def record(
    marks: Iterable[Mark],
    found: set[int],
    terms: Terms,
    reasons: Iterable[Reason] = (),
    root: Path = ROOT,
) -> dict[str, Any]:
    """Figures by file, and what was not reached. A line counts when every statement that begins on
    it was reached."""
    files: dict[str, list[Mark]] = {}
    for each in marks:
        files.setdefault(each.file, []).append(each)
    rows = [_row(name, mine, found) for name, mine in sorted(files.items())]
    for row in rows:
        code = (root / row["file"]).read_text(encoding="utf-8").splitlines()
        for place in row["missed"]:
            place["code"] = code[place["line"] - 1].strip()
            place["why"] = next(
                (each.why for each in reasons if each.meets(row["file"], place)), ""
            )
    return {
        "seed": terms.seed,
        "cpu_seconds": terms.seconds,
        "jobs": terms.jobs,
        "total": {name: sum(row[name] for row in rows) for name in _FIGURES},
        "unexplained": sum(not place["why"] for row in rows for place in row["missed"]),
        "files": rows,
    }


def _row(name: str, marks: list[Mark], found: set[int]) -> dict[str, Any]:
    lines: dict[int, bool] = {}
    functions: dict[str, bool] = {}
    missed: dict[int, dict[str, Any]] = {}
    for each in marks:
        hit = each.number in found
        if each.kind == "statement":
            lines[each.line] = lines.get(each.line, True) and hit
            functions[each.function] = functions.get(each.function, False) or hit
        if not hit:
            place = missed.setdefault(
                each.line, {"line": each.line, "function": each.function, "ran": True, "never": []}
            )
            if each.kind == "statement":
                place["ran"] = False
            elif each.kind not in place["never"]:
                place["never"].append(each.kind)
    branches = [each for each in marks if each.kind != "statement"]
    return {
        "file": name,
        "lines": len(lines),
        "lines_reached": sum(lines.values()),
        "branches": len(branches),
        "branches_reached": sum(each.number in found for each in branches),
        "functions": len(functions),
        "functions_reached": sum(functions.values()),
        "missed": [missed[line] for line in sorted(missed)],
    }


_FIGURES = tuple(
    f"{what}{end}" for what in ("lines", "branches", "functions") for end in ("", "_reached")
)


def explanations(path: Path = UNREACHED) -> list[Reason]:
    """Why places are not reached."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))["unreached"]
    return [Reason(**each) for each in found]


def idle(reasons: Iterable[Reason], record_: dict[str, Any]) -> list[Reason]:
    """Reasons that nothing missed needs: reached meanwhile, or gone."""
    return [
        reason
        for reason in reasons
        if not any(
            reason.meets(row["file"], place) for row in record_["files"] for place in row["missed"]
        )
    ]


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
    missed = [line for row in found["files"] if row["missed"] for line in _missed(row)]
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        seconds=f"{found['cpu_seconds']:g}",
        jobs=found["jobs"],
        seed=found["seed"],
        total=" | ".join(f"**{cell}**" for cell in cells(found["total"])),
        rows="\n".join(rows),
        places=sum(len(row["missed"]) for row in found["files"]),
        unexplained=found["unexplained"],
        missed="\n".join(missed),
    )


def _missed(row: dict[str, Any]) -> list[str]:
    """A file's table."""
    lines = [
        "",
        f"### {row['file'][10:]}",
        "",
        "| line | code | not seen | why |",
        "|--:|---|---|---|",
    ]
    for place in row["missed"]:
        code = place["code"].replace("|", "\\|")
        unseen = ", ".join(([] if place["ran"] else ["run"]) + place["never"])
        why = place["why"] or "**Not explained yet.**"
        lines.append(f"| {place['line']} | `{code}` | {unseen} | {why} |")
    return lines
