"""A campaign on the real contracts: mutants die by laws, the original and a neutral one live."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compile import ensure
from bulkhead.cli import run as cli
from bulkhead.commands import Console
from bulkhead.errors import BadInput
from bulkhead.fuzz.settings import FIXED
from bulkhead.mutants import campaign, report, run
from bulkhead.mutants.build import SOURCES, Woven, compile_all, digest, link
from bulkhead.mutants.campaign import CONTROL, Campaign, Result, Terms
from bulkhead.mutants.mutant import Mutant, catalogue
from bulkhead.mutants.trial import Outcome

CHEAP = ("InsuranceFund", "PositionVault")  # small files: compiled in seconds
WANTED = ("VAU-03", "WAT-21", "NEU-06")


@pytest.mark.slow
def test_two_mutants_die_by_laws_and_a_neutral_change_lives(tmp_path: Path) -> None:
    ensure()
    chosen = [mutant for mutant in catalogue() if mutant.id in WANTED]
    woven = compile_all(chosen, tmp_path / "build", CHEAP)
    terms = Terms(seconds=12.0, jobs=2)
    told: list[str] = []
    tried = Campaign(woven, terms)
    results = tried.run([CONTROL, *chosen], lambda done, total, text: told.append(text))
    found = {each.mutant.id: each for each in results}
    assert {name: each.status for name, each in found.items()} == {
        "control": "held",
        "VAU-03": "killed",
        "WAT-21": "killed",
        "NEU-06": "held",
    }
    assert found["VAU-03"].outcome.law.startswith("I-")
    assert found["VAU-03"].outcome.story
    assert len(told) == 4
    record = report.record(results, terms, {})
    assert (record["semantic_total"], record["semantic_killed"]) == (2, 2)
    assert (record["neutral_total"], record["neutral_failed"]) == (1, 0)
    assert report.good(record)

    # All of it is known now: nothing is tried again.
    again = Campaign(woven, terms)
    again._tried = lambda mutants: iter(()) if not mutants else pytest.fail("tried again")  # type: ignore[method-assign]
    assert again.run([CONTROL, *chosen], lambda *_: None) == results


@pytest.mark.slow
def test_linking_sets_every_switch(tmp_path: Path) -> None:
    ensure()
    chosen = [mutant for mutant in catalogue() if mutant.id == "NEU-06"]
    woven = compile_all(chosen, tmp_path / "build", ("InsuranceFund",))
    off = link(woven, 0, tmp_path / "off")
    on = link(woven, chosen[0].switch, tmp_path / "on")
    texts = [(folder / "InsuranceFund.json").read_text() for folder in (off, on)]
    assert all("__$" not in text for text in texts)
    assert texts[0] != texts[1]
    assert (off / "Market.json").resolve() == ROOT / ".build" / "bulkhead" / "Market.json"


@pytest.mark.parametrize("end", ["raises", "dies"])
def test_a_crash_is_told_with_its_cause(
    end: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def trial(*_: Any) -> Outcome:
        if end == "dies":
            os._exit(5)
        raise KeyError("planted")

    monkeypatch.setattr(campaign, "trial", trial)
    monkeypatch.setattr(campaign, "link", lambda *_: tmp_path)
    mutant = Mutant("A-1", "area", "f", "a", "b", "breaks", "I-50")
    told: list[str] = []
    results = Campaign(Woven(tmp_path / "build", (), ""), Terms(jobs=1)).run(
        [mutant], lambda done, total, text: told.append(text)
    )
    why = "KeyError: 'planted'" if end == "raises" else "its process ended with code 5"
    assert told == [f"A-1 crashed {why}"]
    run.conclude(results, run.Choice(("A-1",)), Terms(), tmp_path, Console(json_=False))
    assert f"A-1 crashed: {why}" in capsys.readouterr().err
    found = report.record(results, Terms(), {})
    assert [row["found"] for row in found["mutants"]] == [why]
    assert why in report.page(found)


def _result(mutant: Mutant, status: str) -> Result:
    return Result(mutant, status, Outcome(status in ("killed", "failed")))


def test_the_score_counts_what_could_be_killed() -> None:
    semantic = Mutant("A-1", "area", "f", "a", "b", "breaks", "I-50")
    rows = [
        _result(CONTROL, "held"),
        *[_result(replace(semantic, id=f"A-{n}"), "killed") for n in range(19)],
        _result(replace(semantic, id="A-19"), "survived"),
        _result(replace(semantic, id="A-20", equivalent="same"), "equivalent"),
        _result(replace(semantic, id="N-1", area="neutral"), "held"),
        _result(replace(semantic, id="G-1", area="generated"), "survived"),
    ]
    found = report.record(rows, Terms(), {"A-19": "nobody gets there"})
    assert found["score"] == 0.95
    assert report.good(found)
    assert found["mutants"][19]["reason"] == "nobody gets there"
    assert "- **A-19** (f): breaks. nobody gets there" in report.page(found)


SEMANTIC = Mutant("A-1", "area", "f", "a", "b", "breaks", "I-50")


@pytest.mark.parametrize(
    ("mutant", "killed", "seconds", "status"),
    [
        (SEMANTIC, True, 20.0, "killed"),
        (SEMANTIC, True, 20.01, "late"),
        (SEMANTIC, False, 20.3, "survived"),
        (replace(SEMANTIC, equivalent="same"), True, 20.01, "late"),
        (replace(SEMANTIC, equivalent="same"), False, 20.3, "equivalent"),
        (replace(SEMANTIC, area="neutral"), True, 70.0, "failed"),
        (CONTROL, True, 70.0, "failed"),
    ],
)
def test_a_kill_counts_within_the_budget_and_a_false_alarm_always(
    mutant: Mutant, killed: bool, seconds: float, status: str
) -> None:
    assert campaign.status_of(mutant, Outcome(killed, seconds=seconds), 20.0) == status


def _killed(id_: str, seconds: float, budget: float) -> Result:
    mutant, outcome = replace(SEMANTIC, id=id_), Outcome(True, "I-50", seconds=seconds)
    return Result(mutant, campaign.status_of(mutant, outcome, budget), outcome)


@pytest.mark.parametrize(
    ("budget", "within", "score"),
    [
        (20.0, {"20": 2}, 0.5),
        (30.0, {"20": 2, "30": 2}, 0.5),
        (60.0, {"20": 2, "60": 3}, 0.75),
        (120.0, {"20": 2, "60": 3, "120": 4}, 1.0),
    ],
)
def test_the_page_tells_kills_by_the_time_that_they_had(
    budget: float, within: dict[str, int], score: float
) -> None:
    times = {"A-1": 3.0, "A-2": 20.0, "A-3": 60.0, "A-4": 61.5}
    rows = [_killed(id_, seconds, budget) for id_, seconds in times.items()]
    found = report.record(rows, Terms(seconds=budget), {})
    assert found["budget_cpu_seconds"] == budget
    assert found["killed_within"] == within
    assert found["semantic_killed"] == within[f"{budget:g}"]
    assert found["late"] == 4 - found["semantic_killed"]
    assert found["score"] == score
    page = report.page(found)
    assert all(f"| killed within {end} s | {count} |" in page for end, count in within.items())
    late = "- **A-4** (f): breaks. I-50 noticed after 61.5 s, later than the budget."
    assert (late in page) == (budget < 61.5)
    assert f"{len(FIXED)} fixed settings" in page


def test_a_survivor_without_a_reason_fails_the_run_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SURVIVORS", tmp_path / "survivors.toml")
    rows = [_result(CONTROL, "held")]
    rows += [_result(replace(SEMANTIC, id=f"A-{n}"), "killed") for n in range(19)]
    rows += [_result(replace(SEMANTIC, id="A-19"), "survived")]
    rows += [_result(replace(SEMANTIC, id="G-1", area="generated"), "survived")]
    for text, good in (("", False), ('A-19 = "nobody gets there"', True)):
        (tmp_path / "survivors.toml").write_text(text)
        said = run.conclude(rows, run.Choice(), Terms(), tmp_path, Console(json_=False))
        assert said is good
        assert ("gives no reason for A-19" in capsys.readouterr().err) is not good
        assert ("Not explained yet." in (tmp_path / "mutation.md").read_text()) is not good


def test_what_is_not_decided_writes_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mutation.md").write_text("as it was")
    rows = [_result(SEMANTIC, "killed"), _result(replace(SEMANTIC, id="A-2"), "undecided")]
    assert not run.conclude(rows, run.Choice(), Terms(), tmp_path, Console(json_=False))
    assert [path.name for path in tmp_path.iterdir()] == ["mutation.md"]
    assert (tmp_path / "mutation.md").read_text() == "as it was"
    assert "1 of 2 are undecided" in capsys.readouterr().err


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of builds, as in a fresh clone; nothing is compiled."""
    monkeypatch.setattr(run, "FOLDER", tmp_path / "builds")
    monkeypatch.setattr(run.operators, "compiling", lambda *_: pytest.fail("it compiles"))
    monkeypatch.setattr(run, "compile_all", lambda *_: pytest.fail("it compiles"))
    return tmp_path / "builds"


def test_known_in_a_fresh_clone_leaves_the_pages(
    builds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    assert cli(["mutants", "--known", "--generated", "0", "--docs", str(docs)]) == 1
    assert not list(docs.iterdir())
    count = len(catalogue()) + 1
    assert f"{count} of {count} are undecided" in capsys.readouterr().err


def test_known_has_the_generated_ones_that_are_built(
    builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice, terms = run.Choice(areas=("generated",), generated=4), Terms(seconds=20.0)
    with pytest.raises(BadInput, match="what was built before"):
        run.known(choice, terms)

    sample = run.operators.sample(ROOT, terms.seed, 4)
    valid, invalid = sample[:3], sample[3:]
    monkeypatch.setattr(run.operators, "compiling", lambda *_: (valid, invalid))
    source = digest(ROOT / "contracts" / name for name in SOURCES)

    def built(mutants: Any, folder: Path, names: Any) -> Woven:
        folder.mkdir(parents=True)
        return Woven(folder, (), source)

    monkeypatch.setattr(run, "compile_all", built)
    woven, *_ = run.drawn(choice, terms.seed)
    tried = Campaign(woven, terms)
    tried._keep(valid[0], Outcome(True, "I-50", seconds=3.0))
    tried._keep(valid[1], Outcome(True, "I-50", seconds=21.0))
    results = {each.mutant: each.status for each in run.known(choice, terms)}
    assert list(results.values()) == ["killed", "late", "undecided", "does not compile"]
    assert list(results) == sample
    # Of more than were built, those that were.
    assert len(run.known(replace(choice, generated=8), terms)) == 4


@pytest.mark.parametrize(
    "row",
    [
        _result(CONTROL, "failed"),
        _result(Mutant("N-1", "neutral", "f", "a", "b", "same"), "failed"),
        _result(Mutant("A-1", "area", "f", "a", "b", "breaks", "I-50"), "survived"),
        _result(Mutant("A-1", "area", "f", "a", "b", "breaks", "I-50"), "crashed"),
    ],
)
def test_what_makes_a_campaign_fail(row: Result) -> None:
    assert not report.good(report.record([row], Terms(), {}))
    assert row.wrong
