"""docs/threat-model.md answers every row, and names only tests, laws and code that exist."""

from __future__ import annotations

import re

from bulkhead.chain.binaries import ROOT
from bulkhead.fuzz.laws.catalogue import LAWS

PAGE = ROOT / "docs" / "threat-model.md"
ANSWERS = {"prevented", "bounded", "accepted", "not here"}
# What others have met (T90 in three parts), and what was found by looking at this design.
KNOWN = [*(f"T{number:02}" for number in range(1, 90)), "T90a", "T90b", "T90c"]
OWN = ["D01", "D02", "D03", "D04"]


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| [A-Z]+\d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def sources(folder: str, suffix: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in (ROOT / folder).rglob(f"*{suffix}")}


def test_threats__numbers__are_complete() -> None:
    assert [row[0] for row in rows()] == [*KNOWN, *OWN]


def test_threats__own_rows__stand_in_their_own_section() -> None:
    known, own = PAGE.read_text().split("## Found by looking at this design")
    assert set(re.findall(r"^\| ([A-Z]\w+) \|", known, re.M)) == set(KNOWN)
    assert set(re.findall(r"^\| ([A-Z]\w+) \|", own, re.M)) == set(OWN)


def test_threats__rows_named_in_rows__are_rows() -> None:
    named = {name for row in rows() for name in re.findall(r"\b[TD]\d\d[a-c]?\b", row[3])}
    assert named
    assert named <= {*KNOWN, *OWN}


def test_threats__every_row__is_answered_in_words() -> None:
    for row in rows():
        assert len(row) == 5, row
        assert row[2] in ANSWERS, row
        assert len(row[3].split()) >= 3, row


def test_threats__whatever_is_prevented_or_bounded__names_what_shows_it() -> None:
    bare = [row[0] for row in rows() if row[2] in ("prevented", "bounded") and not row[4]]
    assert bare == []


def test_threats__tests_named__exist() -> None:
    known = set(re.findall(r"^ *def (test_\w+)", "\n".join(sources("tests", ".py").values()), re.M))
    named = {name for row in rows() for name in re.findall(r"`(test_\w+)`", row[4])}
    assert len(named) > 100
    assert named - known == set()
    loose = [row[0] for row in rows() if re.sub(r"`test_\w+`|I-\d\d|[,\s]", "", row[4])]
    assert loose == []


def test_threats__laws_named__are_laws_with_a_test() -> None:
    listed = set(re.findall(r"^\| (I-\d\d) \|", (ROOT / "docs/invariants.md").read_text(), re.M))
    named = {law for row in rows() for law in re.findall(r"\bI-\d\d\b", row[4])}
    assert named <= listed
    assert named <= set(LAWS)


def test_threats__code_named__exists() -> None:
    solidity = "\n".join(sources("contracts", ".sol").values())
    for row in rows():
        for name in re.findall(r"`(?:[A-Z]\w+\.)?(\w+)`", row[3]):
            assert re.search(rf"\b{name}\b", solidity) or name == "bulkhead", f"{row[0]}: {name}"
        for owner in re.findall(r"`([A-Z]\w+)\.\w+`", row[3]):
            assert re.search(rf"\b(library|contract) {owner}\b", solidity), f"{row[0]}: {owner}"


def test_threats__known_issues_named__are_known() -> None:
    known = set(re.findall(r"^\| (KI-\d+) \|", (ROOT / "docs/known-issues.md").read_text(), re.M))
    assert set(re.findall(r"KI-\d+", PAGE.read_text())) <= known
