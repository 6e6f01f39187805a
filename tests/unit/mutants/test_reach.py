"""Marks of statements and conditions: where they go, and what an EVM remembers of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyrevm import EVM

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.compiler import Compiler
from bulkhead.chain.sources import SourceTree
from bulkhead.fuzz.report import HarnessFailed
from bulkhead.mutants import reach
from bulkhead.mutants.build import Woven
from bulkhead.mutants.reach import (
    MARKER,
    MARKER_FILE,
    Mark,
    Reason,
    Terms,
    mark,
    reached,
    record,
)
from bulkhead.mutants.syntax import parse

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

contract Choose {
    function choose(uint256 a) external pure returns (uint256 b) {
        if (a > 7) return a;
        b = a == 3 ? 30 : 40;
        if (b == 30) {
            revert("three");
        } else b = 50;
    }
}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str, list[Mark]]:
    """Creation code of the marked contract, its selector, its marks."""
    root: Path = tmp_path_factory.mktemp("choose")
    file = "contracts/Choose.sol"
    (root / "contracts").mkdir()
    (root / file).write_text(SOURCE)
    marked = mark(parse(root, [file])[file], 0)
    (root / file).write_text(marked.text)
    (root / MARKER_FILE).write_text(MARKER)
    compiler = Compiler(root)
    output = compiler.compile([file], SourceTree(root).closure(file))
    compiler.close()
    data = output["contracts"][file]["Choose"]["evm"]
    code = raw_bytes("0x" + data["bytecode"]["object"])
    return code, data["methodIdentifiers"]["choose(uint256)"], marked.marks


def _numbers(made: tuple[bytes, str, list[Mark]], *values: int) -> set[int]:
    code, selector, _ = made
    evm = EVM(spec_id="CANCUN")
    who = "0x" + "11" * 20
    where = evm.deploy(who, code)
    for value in values:
        data = bytes.fromhex(selector) + value.to_bytes(32, "big")
        try:
            evm.message_call(caller=who, to=where, calldata=data, is_static=True)
        except RuntimeError:
            assert value == 3
    return reached(evm.db_accounts)


def _reached(made: tuple[bytes, str, list[Mark]], *values: int) -> set[tuple[int, str]]:
    found = _numbers(made, *values)
    return {(each.line, each.kind) for each in made[2] if each.number in found}


def test_each_path_leaves_its_own_marks(made: tuple[bytes, str, list[Mark]]) -> None:
    start = {(6, "statement")}
    assert _reached(made, 8) == start | {(6, "true")}
    on = start | {(6, "false"), (7, "statement"), (8, "statement")}
    assert _reached(made, 5) == on | {(7, "false"), (8, "false"), (10, "statement")}
    # what reverts is remembered too
    assert _reached(made, 3) == on | {(7, "true"), (8, "true"), (9, "statement")}


def test_the_figures_count_lines_branches_and_functions(
    made: tuple[bytes, str, list[Mark]], tmp_path: Path
) -> None:
    marks = made[2]
    found = _numbers(made, 3, 5)
    (tmp_path / "contracts").mkdir()
    (tmp_path / marks[0].file).write_text(SOURCE)
    why = [Reason("Choose.sol", "never drawn", "choose", "a > 7"), Reason("Choose.sol", "else")]
    whole = record(marks, found, Terms(1, 2.0, 1), why, tmp_path)
    row = whole["files"][0]
    assert (row["lines"], row["lines_reached"]) == (5, 4)  # `return a` is a part of line 6
    assert (row["branches"], row["branches_reached"]) == (6, 5)
    assert (row["functions"], row["functions_reached"]) == (1, 1)
    assert row["missed"] == [
        {
            "line": 6,
            "function": "choose",
            "ran": False,
            "never": ["true"],
            "code": "if (a > 7) return a;",
            "why": "never drawn",
        }
    ]
    assert reach.idle(why, whole) == []
    assert reach.idle([Reason("Choose.sol", "gone", text="b == 30")], whole) != []
    text = reach.page(whole)
    assert "4/5 (80.0 %)" in text
    assert "| 6 | `if (a > 7) return a;` | run, true | never drawn |" in text
    assert "**Not explained yet.**" in reach.page(
        record(marks, found, Terms(1, 2.0, 1), (), tmp_path)
    )


def test_workers_play_for_their_time_and_tell_it(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "link", lambda *_: artifacts.folder)  # no marks: nothing is reached
    spent: list[float] = []
    woven = Woven(tmp_path / "build", (), "")
    assert reach.run(woven, Terms(1, 0.5, 1), spent.append) == set()
    assert spent
    assert all(0 <= each < 60 for each in spent)


def test_a_worker_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "link", lambda *_: tmp_path)  # nothing is compiled there
    with pytest.raises(HarnessFailed, match="worker 0, seed 1: "):
        reach.run(Woven(tmp_path / "build", (), ""), Terms(1, 0.5, 1), lambda _: None)
