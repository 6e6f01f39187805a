"""The tables and comparisons of the gas harness, without a chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.gas import __main__ as command
from bulkhead.gas import report

BUDGETS = {"open": 200, "watched": None}


def test_table__budgeted_and_watched_keys__show_what_is_left() -> None:
    lines = report.table({"open": 1_150, "watched": 7}, {"open": 1_200, "watched": None}).split(
        "\n"
    )
    assert [line.split() for line in lines] == [
        ["key", "budget", "measured", "margin"],
        ["open", "1,200", "1,150", "50"],
        ["watched", "7"],
    ]


@pytest.mark.parametrize(("gas", "is_over"), [(199, False), (200, False), (201, True)])
def test_over__a_unit_beyond_the_budget__is_named(gas: int, is_over: bool) -> None:
    lines = report.over({"open": gas, "watched": 10**9}, BUDGETS)
    assert lines == (["open costs 201: 1 over its budget of 200"] if is_over else [])
    assert ("OVER" in report.table({"open": gas}, BUDGETS)) == is_over


def test_changes__new_gone_and_different_keys__are_named() -> None:
    found = report.changes({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 1_003, "d": 4})
    assert found == ["a: not measured any more", "c: 3 -> 1,003 (+1,000)", "d: new, 4"]


def test_growth__two_counts__shows_the_difference() -> None:
    lines = report.growth({"open": 5}, {"open": 7}, (10, 1_000)).split("\n")
    assert lines[0].split() == ["key", "at", "10", "at", "1,000", "growth"]
    assert lines[1].split() == ["open", "5", "7", "+2"]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "gas" / "snapshot.json"
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "RECORD", path)
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- gas -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(command, "README", readme)
    page = tmp_path / "gas.md"
    page.write_text("No tables.\n")
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "measure", lambda: {"reserve": 50_000})
    return path


def test_check__record_of_the_same__passes(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--write", "--json"]) == 0
    assert json.loads(record.read_text()) == json.loads(capsys.readouterr().out)
    assert command.main(["--check"]) == 0
    assert capsys.readouterr().out == "gas: unchanged\n"


def test_check__record_of_other_figures_or_none__fails_and_says_what(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--check"]) == 1
    assert "reserve: new, 50,000" in capsys.readouterr().err
    record.parent.mkdir()
    record.write_text('{"reserve": 49000}')
    assert command.main(["--check"]) == 1
    assert "reserve: 49,000 -> 50,000 (+1,000)" in capsys.readouterr().err


def test_write__readme__has_the_figures_in_their_place(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "measure", lambda: {"decrease": 1_234, "reserve": 50_000})
    assert command.main(["--write", "--json"]) == 0
    lines = (record.parent.parent / "README.md").read_text().splitlines()
    assert lines == [
        *("before", "<!-- gas -->", "| to | gas |", "|---|---:|"),
        f"| {report.FIGURES['decrease']} | 1,234 |",
        *("<!-- end -->", "after"),
    ]


def test_readme__figures__are_the_recorded() -> None:
    """Of the committed files, whatever the code at hand costs."""
    page = (ROOT / "README.md").read_text()
    recorded = json.loads((ROOT / "gas" / "snapshot.json").read_text())
    assert set(report.FIGURES) <= set(recorded)
    assert report.filled(page, recorded) == page
    assert report.figures(recorded) in page


def block(key: str, total: str) -> str:
    return f"<!-- gas of {key} -->\n```text\ngas  together\ntogether  {total}\n```\n<!-- end -->\n"


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("", "reserve: docs/gas.md does not say where its gas goes"),
        (block("settle", "50,000"), "reserve: docs/gas.md does not say where its gas goes"),
        (block("reserve", "49,999"), "its table in docs/gas.md adds up to 49,999, not to 50,000"),
        (block("reserve", "50,000"), None),
    ],
)
def test_check__over_budget__fails_without_its_table(
    record: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    page: str,
    says: str | None,
) -> None:
    monkeypatch.setitem(command.BUDGETS, "reserve", 49_999)
    assert command.main(["--write"]) == 0
    command.PAGE.write_text(page)
    assert command.main(["--check"]) == (1 if says else 0)
    told = capsys.readouterr().err
    assert "reserve costs 50,000: 1 over its budget of 49,999" in told
    assert says is None or says in told


def test_check__table_of_what_is_within_its_budget__fails(
    record: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.BUDGETS, "reserve", 50_000)
    command.PAGE.write_text(block("reserve", "50,000"))
    assert command.main(["--write"]) == 0
    assert command.main(["--check"]) == 1
    assert "explains it, but it is within its budget" in capsys.readouterr().err


def test_unexplained__tenth_of_a_transaction__is_compared_as_such() -> None:
    key = "liquidate_many_10_per_position"
    page = block(key, "535,879")
    assert report.unexplained({key: 53_588}, {key: 49_000}, page) == []
    assert report.unexplained({key: 53_587}, {key: 49_000}, page)


def test_tables__every_place_on_the_page__is_filled(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.explain, "table", lambda key: f"{key}  7")
    command.PAGE.write_text(f"a\n{block('reserve', '1')}b\n{block('settle', '2')}c\n")
    assert command.main(["--tables"]) == 0
    assert report.breakdowns(command.PAGE.read_text()) == {
        "reserve": "reserve  7",
        "settle": "settle  7",
    }
    assert command.PAGE.read_text().startswith("a\n<!-- gas of reserve -->\n")
