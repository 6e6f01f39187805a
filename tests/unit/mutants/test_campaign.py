"""A campaign on the real contracts: mutants die by laws, the original and a neutral one live."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compile import ensure
from bulkhead.commands import Console
from bulkhead.mutants import campaign, report, run
from bulkhead.mutants.build import Woven, compile_all, link
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
