"""No finding is lost: not where nothing can be saved, not to the next one, not to a crash."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.cli import run
from bulkhead.fuzz import counterexample, runner
from bulkhead.fuzz.coverage import REACHABLE
from bulkhead.fuzz.runner import Worker
from bulkhead.fuzz.shrink import Broken
from bulkhead.model import MarketModel

PLAY = ["fuzz", "--seconds", "60", "--no-shrink"]
honest = MarketModel.add_margin


@pytest.fixture
def forgetful(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose top-ups are given back."""

    def planted(self: MarketModel, caller: str, id_: int, amount: int) -> Any:
        done = honest(self, caller, id_, amount)
        self.give(caller, 1)
        return done

    monkeypatch.setattr(MarketModel, "add_margin", planted)


@pytest.fixture
def crashing(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that can't stand a top-up."""

    def planted(self: MarketModel, caller: str, id_: int, amount: int) -> Any:
        raise KeyError("planted")

    monkeypatch.setattr(MarketModel, "add_margin", planted)


@pytest.mark.parametrize("out", ["/proc/nope", "/dev/null"])
def test_where_nothing_can_be_saved_nothing_is_played(
    out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Worker, "__init__", lambda *_: pytest.fail("it plays"))
    assert run(["fuzz", "--out", out]) == 2
    assert out in capsys.readouterr().err


def test_a_folder_that_is_only_tried_is_not_left(artifacts: Artifacts, tmp_path: Path) -> None:
    assert run(["fuzz", "--seconds", "0.1", "--out", str(tmp_path / "a" / "b")]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("json_", [False, True], ids=["people", "json"])
def test_a_finding_that_cannot_be_saved_is_told_whole(
    forgetful: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    json_: bool,
) -> None:
    def full(*_: Any) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(counterexample, "write", full)
    assert run([*PLAY, "--out", str(tmp_path), *(["--json"] if json_ else [])]) == 1
    said = capsys.readouterr()
    assert "No space left on device" in said.err
    if json_:
        failure = json.loads(said.out)["failure"]
        assert failure["file"] is None
        record = failure["record"]
    else:
        assert "I-50 is broken" in said.err
        assert ".add_margin(" in said.err
        (line,) = [line for line in said.out.splitlines() if line.startswith("{")]
        record = json.loads(line)
    assert record["law"] == "I-50"
    assert record["steps"]


def test_a_second_finding_of_a_law_does_not_overwrite_the_first(
    forgetful: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for seed in (1, 2):
        args = [*PLAY, "--law", "I-50", "--out", str(tmp_path), "--seed", str(seed), "--json"]
        assert run(args) == 1
        failure = json.loads(capsys.readouterr().out)["failure"]
        assert failure["law"] == "I-50"
        files.append(Path(failure["file"]))
        assert files[-1].name.startswith(f"I-50-seed{seed}-")
    assert files[0] != files[1]
    assert all(file.is_file() for file in files)
    one, other = ({"law": "I-50", "steps": [step]} for step in (1, 2))
    assert counterexample.name(one, 1) != counterexample.name(other, 1)


def test_what_breaks_is_told_though_cutting_it_down_crashes(
    forgetful: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(*_: Any) -> Broken | None:
        raise KeyError("planted")

    monkeypatch.setattr(runner, "breaks", failing)
    assert run(["fuzz", "--seconds", "60", "--law", "I-50", "--out", str(tmp_path), "--json"]) == 1
    failure = json.loads(capsys.readouterr().out)["failure"]
    assert failure["law"] == "I-50"
    assert len(failure["story"]) > 1  # uncut
    assert "crashed" in failure["story"][-1]
    (file,) = tmp_path.glob("I-50-*.json")
    assert "KeyError: 'planted'" in json.loads(file.read_text())["trace"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_crash_of_the_harness_is_no_verdict_and_can_be_replayed(
    crashing: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    workers: str,
) -> None:
    out = ["--out", str(tmp_path)]
    assert run([*PLAY, *out, "--seed", "7", "--workers", workers]) == 3
    said = capsys.readouterr()
    assert "of seed 7: KeyError: 'planted'" in said.err
    assert "Traceback" not in said.err
    (file,) = tmp_path.glob("harness-seed7-*.json")
    record = json.loads(file.read_text())
    assert record["steps"][-1]["name"] == "add_margin"
    assert "planted" in record["trace"]
    assert str(file) in said.out

    assert run(["fuzz", "--replay", str(file), *out]) == 3
    assert "KeyError: 'planted'" in capsys.readouterr().err
    monkeypatch.setattr(MarketModel, "add_margin", honest)
    assert run(["fuzz", "--replay", str(file), *out]) == 0
    assert "the harness failed when this was saved" in capsys.readouterr().out


def test_liquidations_in_profit_are_wanted() -> None:
    """A spread or funding is enough: a minute's run sees them."""
    for side in ("long", "short"):
        assert {(side, "profit", kind) for kind in ("partial", "full")} <= set(REACHABLE)
