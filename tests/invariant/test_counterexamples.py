"""A broken law is found, cut down, told, saved, and replayed on a real node."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.cli import run
from bulkhead.fuzz import counterexample
from bulkhead.fuzz.people import START
from bulkhead.fuzz.report import Failure
from bulkhead.fuzz.runner import Plan, Shape, Worker
from bulkhead.model import MarketModel

PLAN = Plan("revm", seconds=60, seed=2, shape=Shape(700, 0, 0), drawn=0)


def forgetful(self: MarketModel, caller: str, id_: int, amount: int) -> Any:
    """A model whose top-ups are given back."""
    done = honest(self, caller, id_, amount)
    self.give(caller, 1)
    return done


honest = MarketModel.add_margin


@pytest.fixture
def found(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> Failure:
    """What a run finds with that model."""
    monkeypatch.setattr(MarketModel, "add_margin", forgetful)
    worker = Worker(PLAN)
    try:
        failure = worker.run(lambda report: None)
    finally:
        worker.close()
    assert failure is not None
    return failure


def test_it_is_cut_down_to_one_step(found: Failure) -> None:
    assert found.law == "I-50"
    assert "the model says" in found.text
    assert len(found.story) == 1
    assert ".add_margin(" in found.story[0]


def test_it_replays_on_anvil(
    found: Failure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = counterexample.write(found.record, tmp_path, found.law)

    assert run(["fuzz", "--replay", str(file), "--out", str(tmp_path), "--json"]) == 1
    broken = json.loads(capsys.readouterr().out)
    assert (broken["verdict"], broken["law"]) == ("broken", "I-50")
    monkeypatch.setattr(MarketModel, "add_margin", honest)
    assert run(["fuzz", "--replay", str(file), "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "held"


def test_its_script_needs_nothing_of_ours(found: Failure, tmp_path: Path) -> None:
    file = counterexample.write(found.record, tmp_path, found.law)
    run(["fuzz", "--replay", str(file), "--out", str(tmp_path), "--json"])
    script = tmp_path / "I-50.py"

    with Anvil(accounts=1, timestamp=START) as chain:
        done = subprocess.run(
            [sys.executable, "-I", str(script), chain.url],
            capture_output=True,
            text=True,
            check=True,
        )

    assert "add_margin" in done.stdout
    assert "I-50" in done.stdout
    assert "refused" not in done.stdout


def test_a_law_of_the_chain_alone(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    from bulkhead.fuzz import revm

    sweep = bytes.fromhex(default().get("Market").selectors["sweepFees()"][2:])
    mint = bytes.fromhex(default().get("TestToken").selectors["mint(address,uint256)"][2:])
    send = revm.Revm.send

    def generous(self: revm.Revm, to: str, data: bytes, sender: str, asked: bool = True) -> Any:
        done = send(self, to, data, sender)
        if data == sweep and done.ok:
            market = bytes(12) + bytes.fromhex(to[2:])
            send(self, token[0], mint + market + (1).to_bytes(32, "big"), sender)
        return done

    worker = Worker(Plan("revm", 60, 3, Shape(700, 0, 0), drawn=0, only=("I-02",)))
    token = [worker.world(0).stage.token.address]
    worker.settings = worker.settings[:1]
    monkeypatch.setattr(revm.Revm, "send", generous)
    failure = worker.run(lambda report: None)

    assert failure is not None
    assert failure.law == "I-02"
    assert ".sweep_fees() -> ok" in failure.story[-1]
    assert sum(not line.startswith(" ") for line in failure.story) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ["--law", "I-99"],
        ["--minutes", "0"],
        ["--seconds", "5", "--minutes", "1"],
        ["--workers", "0"],
        ["--artifacts", "/nowhere"],
        ["--replay", "/nowhere"],
        ["--engine", "geth"],
    ],
)
def test_bad_input_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuzz", *wrong]) == 2
    assert capsys.readouterr().err


def test_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for text in ("", "[]", '{"version": 1}', '{"version": 1, "setting": {}, "steps": []}'):
        file.write_text(text)
        assert run(["fuzz", "--replay", str(file), "--json"]) == 2


def test_a_run_that_holds(artifacts: Artifacts, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuzz", "--seconds", "3", "--seed", "5", "--json", "--workers", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "held"
    assert told["laws"]["I-02"]["checks"] > 0
    assert told["sequences"] > 0


def test_same_seed_draws_the_same_sequences(artifacts: Artifacts) -> None:
    stories = []
    for _ in range(2):
        worker = Worker(PLAN)
        worker.sequence(11)
        stories.append({place: world.tally.outcomes for place, world in worker.worlds.items()})
    assert stories[0] == stories[1]


def test_an_opening_that_breaks_is_told(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MarketModel, "accrue", lambda self, caller: self.settle(caller, 99))
    failure = Worker(PLAN).run(lambda report: None)

    assert failure is not None
    assert failure.law == "I-50"
    assert "keeper.accrue()" in failure.story[-1]
    assert failure.record["steps"]


def test_contracts_that_cannot_be_stood_up_are_told(
    artifacts: Artifacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in default().folder.glob("*.json"):
        (tmp_path / file.name).write_text(file.read_text())
    broken = json.loads((tmp_path / "MarketFactory.json").read_text())
    broken["bytecode"] = "60006000fd"  # reverts
    (tmp_path / "MarketFactory.json").write_text(json.dumps(broken))

    assert run(["fuzz", "--artifacts", str(tmp_path), "--out", str(tmp_path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["failure"]["law"] == "I-50"
    assert "can't be stood up" in told["failure"]["text"]
