"""Weaving: where a mutant goes, what is refused, and what the compiler is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.mutants import operators
from bulkhead.mutants.mutant import Mutant
from bulkhead.mutants.syntax import Unit, parse
from bulkhead.mutants.weave import DoesNotApply, Overlap, place, weave

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

contract Sum {
    uint256 public total;

    function add(uint256 a, uint256 b) external returns (uint256 c) {
        c = a + b - 1;
        if (c > 7) total += c;
        total = total;
    }

    function twice(uint256 a) external pure returns (uint256) {
        return a + a;
    }
}
"""


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    root: Path = tmp_path_factory.mktemp("sum")
    (root / "contracts").mkdir()
    (root / "contracts" / "Sum.sol").write_text(SOURCE)
    return parse(root, ["contracts/Sum.sol"])["contracts/Sum.sol"]


def _mutant(find: str, replace: str, id_: str = "M-1", within: str = "") -> Mutant:
    return Mutant(id_, "area", "contracts/Sum.sol", find, replace, "breaks", within=within)


def test_an_expression_becomes_a_choice_and_a_statement_a_branch(unit: Unit) -> None:
    one, other = _mutant("a + b", "a", "M-1"), _mutant("total += c;", "", "M-2")
    woven = weave(unit, [place(unit, one), place(unit, other)])
    on = "uint160(address(MutantSwitch)) =="
    assert f"c = ({on} {one.switch} ? a : a + b) - 1;" in woven
    assert f"if (c > 7) if ({on} {other.switch}) {{  }} else {{ total += c; }}" in woven
    assert 'import {MutantSwitch} from "contracts/MutantSwitch.sol";' in woven


def test_mutants_of_the_same_place_and_inside_each_other_are_nested(unit: Unit) -> None:
    mutants = [
        _mutant("a + b", "a", "M-1"),
        _mutant("a + b", "b", "M-2"),
        _mutant("a + b - 1", "7", "M-3"),
    ]
    woven = weave(unit, [place(unit, each) for each in mutants])
    line = next(line for line in woven.splitlines() if line.strip().startswith("c ="))
    assert line.count("?") == 3
    assert line.rstrip().endswith(": a + b)) - 1);")


@pytest.mark.parametrize(
    ("find", "within", "said"),
    [
        ("a * b", "", "not 0 times"),
        ("total", "", "not 4 times"),
        ("b - 1", "", "a whole expression or statements"),  # a + b - 1 is (a + b) - 1
        ("c > 7) total", "", "a whole expression or statements"),
        ("a + b", "twice", "not 0 times"),
        ("a", "unknown", "not 0 times"),
    ],
)
def test_what_is_not_one_whole_piece_is_refused(
    unit: Unit, find: str, within: str, said: str
) -> None:
    with pytest.raises(DoesNotApply, match=f"M-1.*{said}"):
        place(unit, _mutant(find, "1", within=within))


def test_a_place_can_be_found_within_a_function(unit: Unit) -> None:
    found = place(unit, _mutant("a + a", "a", within="twice"))
    assert SOURCE[slice(*found.place)] == "a + a"


def test_mutants_that_cross_are_refused(unit: Unit) -> None:
    whole = _mutant("c = a + b - 1;\n        if (c > 7) total += c;", "", "M-1")
    crossing = _mutant("if (c > 7) total += c;\n        total = total;", "", "M-2")
    with pytest.raises(Overlap, match="M-1 and M-2"):
        weave(unit, [place(unit, whole), place(unit, crossing)])


def test_the_operators_find_what_they_change(unit: Unit) -> None:
    found = {(rule, SOURCE[low:high], new) for rule, (low, high), new in operators.changes(unit)}
    assert ("AOR", "a + b", "(a) - (b)") in found
    assert ("ROR", "c > 7", "(c) >= (7)") in found
    assert ("LIR", "7", "0") in found
    assert ("MIA", "c > 7", "false") in found
    assert ("ASOR", "total += c", "total = c") in found
    assert ("CR", "total = total;", "") in found
    assert ("RR", "total = total;", "revert();") in found
