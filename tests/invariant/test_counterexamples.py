"""A broken law is found, cut down, told, saved, and replayed on a real node."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.cli import run
from bulkhead.fuzz import counterexample, script
from bulkhead.fuzz.judge import Judge
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.laws.catalogue import ELSEWHERE, LAWS
from bulkhead.fuzz.node import Node
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import EVE, FOREVER, KEEPER, NAMES, PRICE, START
from bulkhead.fuzz.report import Failure, Report
from bulkhead.fuzz.runner import Plan, Shape, Worker
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.world import World
from bulkhead.model import MarketModel

from .conftest import NewWorld

DEAD_PARAMS = asdict(replace(FIXED[0].params[0], skew_scale=0))
PLAN = Plan("revm", seconds=60, seed=3, shape=Shape(700, 0, 0), drawn=0)


def forgetful(self: MarketModel, caller: str, id_: int, amount: int) -> Any:
    """A model whose top-ups are given back."""
    done = honest(self, caller, id_, amount)
    self.give(caller, 1)
    return done


honest = MarketModel.add_margin
STATE = "state of market "
DONE = re.compile(r"done, [\d,]+ gas")
Chapters = list[tuple[str, list[str]]]


def played(
    record: dict[str, Any], folder: Path, then: Callable[[Anvil], None] = lambda chain: None
) -> tuple[Chapters, str]:
    """What the script of a record prints on a node of its own: each chapter's answers; the verdict
    and the state in the end."""
    file = counterexample.write(record, folder, record["law"])
    run(["fuzz", "--replay", str(file), "--out", str(folder), "--json"])
    with Anvil(accounts=1, timestamp=START) as chain:
        done = subprocess.run(
            [sys.executable, "-I", str(file.with_suffix(".py")), chain.url],
            capture_output=True,
            text=True,
            check=True,
        )
        then(chain)
    chapters: Chapters = []
    *lines, verdict = done.stdout.splitlines()
    for line in lines:
        if line.startswith(STATE):
            verdict += f"\n{line}"
        elif line.startswith("    "):
            chapters[-1][1].append(line.strip())
        else:
            chapters.append((line, []))
    return chapters, verdict


def sends_all(chapters: Chapters, steps: int) -> None:
    """Every step of a story without trials is sent."""
    assert len(chapters) == 1 + steps
    for what, answers in chapters:
        assert answers, f"nothing was sent for {what}"


def sent(chain: Anvil) -> dict[str, int]:
    """Transactions of everybody on a chain."""
    return {name: chain.rpc.nonce(who) for who, name in NAMES.items()}


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
    chapters, verdict = played(found.record, tmp_path)

    sends_all(chapters, len(found.record["steps"]))
    last, answers = chapters[-1]
    assert "add_margin" in last
    assert all(DONE.fullmatch(answer) for answer in answers)
    assert "I-50" in verdict
    # The model gave a unit back which the chain did not give.
    (differs,) = [line for line in verdict.splitlines() if line.startswith(STATE)]
    told = re.fullmatch(STATE + r"0: balance of \w+ is (\d+), the model says (\d+)", differs)
    assert told, differs
    assert int(told.group(2)) == int(told.group(1)) + 1


def test_a_script_without_a_node_says_how_to_start_one(found: Failure, tmp_path: Path) -> None:
    file = counterexample.write(found.record, tmp_path, found.law)
    run(["fuzz", "--replay", str(file), "--out", str(tmp_path), "--json"])
    done = subprocess.run(
        [sys.executable, "-I", str(file.with_suffix(".py")), "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "no node answers at http://127.0.0.1:9" in line
    assert "start one: anvil --hardfork cancun" in line


def test_a_script_that_leaves_steps_out_is_noticed(
    found: Failure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tuple(method for method in script._KEPT if method != "eth_sendTransactionSync")
    monkeypatch.setattr(script, "_KEPT", kept)
    chapters, _ = played(found.record, tmp_path)

    with pytest.raises(AssertionError, match="nothing was sent"):
        sends_all(chapters, len(found.record["steps"]))


def test_a_script_takes_trials_back_and_tells_refusals(
    new_world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    lower = Op("set_price", KEEPER, (PRICE * 6 // 10, 0, 0, 0), 12)
    ops = [Op(TRIAL, "", ("pieces", 1)), Op("close", EVE, (1, 0, FOREVER)), lower]
    ops += [Op("liquidate", KEEPER, (id_, KEEPER)) for id_ in world.ids]
    record = counterexample.record(world, "I-23", "none", [*world.played, *ops])
    nonces = []

    def close(node: Node) -> None:
        nonces.append(sent(node.chain))
        node.chain.stop()

    monkeypatch.setattr(Node, "close", close)
    chapters, verdict = played(record, tmp_path, lambda chain: nonces.append(sent(chain)))

    assert verdict.startswith(f"every law held\n{STATE}0: all views are the model's")
    assert nonces[0] == nonces[1]
    trial, refused, _, *liquidations = chapters[-len(ops) :]
    assert trial[1].count("snapshot") == trial[1].count("taken back") == 3
    assert sum(bool(DONE.fullmatch(line)) for line in trial[1]) > 3
    (line,) = refused[1]
    assert re.fullmatch(r"refused: NotAuthorised 0x[0-9a-f]{8,}", line)
    done = [lines for _, lines in liquidations if DONE.fullmatch(lines[0])]
    assert done
    for _, snapshot, again, back in done:  # I-31's second attempt
        assert (snapshot, back) == ("snapshot", "taken back")
        assert again.startswith("refused: Refused 0x")


def test_a_fault_in_events_alone(
    artifacts: Artifacts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def renamed(self: MarketModel, caller: str, id_: int, amount: int) -> Any:
        done = honest(self, caller, id_, amount)
        events = [(name, {**values, "planted": 1}) for name, values in done.events]
        return done._replace(events=tuple(events))

    monkeypatch.setattr(MarketModel, "add_margin", renamed)
    shrinks_and_replays(Worker(PLAN), ".add_margin(", "planted", tmp_path, capsys)


def test_a_fault_that_only_the_end_shows(
    artifacts: Artifacts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def end(self: Judge, world: World) -> None:
        if any(op.name == "fail_oracle" for op in world.played):
            raise Broken("I-50", "a planted end")

    monkeypatch.setattr(Judge, "end", end)
    shrinks_and_replays(Worker(PLAN), "fail_oracle(", "a planted end", tmp_path, capsys)


def shrinks_and_replays(
    worker: Worker, step: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the worker finds is one such step, on Anvil too."""
    try:
        failure = worker.run(lambda report: None)
    finally:
        worker.close()
    assert failure is not None
    assert failure.after_steps > 1
    assert failure.law == "I-50"
    assert text in failure.text
    assert len(failure.story) == 1
    assert step in failure.story[0]
    file = counterexample.write(failure.record, folder, failure.law)
    assert run(["fuzz", "--replay", str(file), "--out", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["law"], told["text"]) == ("broken", "I-50", failure.text)


def test_code_larger_than_chains_take_replays_with_roomy(
    found: Failure,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    for file in default().folder.glob("*.json"):
        (code / file.name).write_text(file.read_text())
    part = json.loads((code / "Governance.json").read_text())
    runtime = part["runtime"].ljust(2 * 25_000, "0")
    # push2 size, dup1, push1 10, push0, codecopy, push0, return
    part["bytecode"] = f"61{25_000:04x}80600a5f395ff3{runtime}"
    (code / "Governance.json").write_text(json.dumps(part))
    case = counterexample.write(found.record, tmp_path, found.law)
    args = ["fuzz", "--replay", str(case), "--out", str(tmp_path), "--artifacts", str(code)]

    assert run([*args, "--json"]) == 2
    assert "--roomy as in the run that found it" in capsys.readouterr().out
    assert run([*args, "--json", "--roomy"]) == 1
    assert json.loads(capsys.readouterr().out)["law"] == "I-50"
    assert "--disable-code-size-limit" in (tmp_path / "I-50.py").read_text()


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


def test_law_that_was_never_checked_fails_the_run(
    artifacts: Artifacts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fuzz", "--seconds", "0.01", "--law", "I-31", "--law", "I-02"]) == 1
    said = capsys.readouterr().err
    assert "I-31 was never checked" in said
    assert "I-02 was never checked" not in said


def test_a_law_that_the_engine_shows_nothing_of_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "__init__", lambda *_: pytest.fail("it plays"))
    assert ELSEWHERE
    for law, engine in ELSEWHERE.items():
        other = "anvil" if engine == "revm" else "revm"
        assert run(["fuzz", "--engine", other, "--law", law, "--law", "I-02"]) == 2
        assert f"{law} is refused; only --engine {engine}" in capsys.readouterr().err


def test_full_run_misses_what_its_engine_could_check() -> None:
    found = Report()
    found.checks.update(dict.fromkeys(LAWS, 1))
    assert found.unchecked("anvil") == []
    found.checks["I-33"] = 0
    assert found.unchecked("anvil") == ["I-33"]
    assert found.unchecked("revm") == []
    found.checks["I-08"] = 0
    assert found.unchecked("revm") == ["I-08"]


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


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scale": 10**70}, "market can be stood up"),
        ({"params": [DEAD_PARAMS]}, "that found it (reverted: "),
    ],
    ids=["scale", "params"],
)
def test_record_whose_market_cannot_be_stood_up_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], told: str
) -> None:
    record = counterexample.unopened(FIXED[0], "I-50", "a law")
    record["setting"] |= changed
    file = counterexample.write(record, tmp_path, "I-50")
    assert run(["fuzz", "--replay", str(file), "--out", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err
