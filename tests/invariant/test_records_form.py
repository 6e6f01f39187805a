"""What may stand in a counterexample's file: damage is refused, whatever a run writes is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.cli import run
from bulkhead.fuzz import counterexample, form
from bulkhead.fuzz.ops import (
    BATCHES,
    BOOK_CALLS,
    GOVERNED,
    OUTSIDE,
    OWN_CLAIMS,
    POOL_CALLS,
    SHARE_CALLS,
    Op,
)
from bulkhead.fuzz.people import EVE
from bulkhead.fuzz.runner import Plan, Shape, Worker
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.world import World

from .conftest import NewWorld

PLAN = Plan("revm", seconds=60, seed=3, shape=Shape(700, 0, 0), drawn=0)
HUGE = 2**256


def _step(name: str, *args: Any, actor: str = "alice", **more: Any) -> dict[str, Any]:
    return {"name": name, "actor": actor, "args": list(args), "wait": 0, "market": 0} | more


def _without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found.pop(name)


def _with(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found.update(fields)


def _set(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found["setting"].update(fields)


def _first(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found["setting"]["params"][0].update(fields)


DAMAGE: list[tuple[Callable[[dict[str, Any]], Any], str, str, str]] = [
    (_without("law"), "law", "nothing", "required"),
    (_without("text"), "text", "nothing", "required"),
    (_without("setting"), "setting", "nothing", "required"),
    (_without("steps"), "steps", "nothing", "required"),
    (_with(version=True), "counterexample", "", "version 1"),
    (_with(version=2), "counterexample", "", "version 1"),
    (_with(law="I-99"), "law", "'I-99'", "one of I-01"),
    (_with(steps=None), "steps", "None", "list"),
    (_with(colour="red"), "colour", "'red'", "not permitted"),
    (_set(decimals=19), "setting.decimals", "19", "less than or equal to 18"),
    (_set(decimals=-1), "setting.decimals", "-1", "greater than or equal to 0"),
    (_set(decimals="6"), "setting.decimals", "'6'", "valid integer"),
    (_set(token="Market"), "setting.token", "'Market'", "one of AliasedToken"),
    (_set(contracts=1), "setting.contracts", "1", "valid boolean"),
    (_set(scale=0), "setting.scale", "0", "greater than or equal to 1"),
    (_set(colour="red"), "setting.colour", "'red'", "not permitted"),
    (_set(params=[]), "setting.params", "[]", "at least 1"),
    (_set(params=None), "setting.params", "None", "list"),
    (_first(colour=1), "setting.params.0.colour", "1", "not permitted"),
    (_first(buffer=-1), "setting.params.0.buffer", "-1", "greater than or equal to 0"),
    (_first(brackets=[{}]), "setting.params.0.brackets.0.im_rate", "nothing", "required"),
    (_first(oracle="alice"), "setting.params.0.oracle", "'alice'", "match"),
]
STEPS: list[tuple[Any, str, str, str]] = [
    (7, "steps.0", "7", "dictionary"),
    (_step("accrue", market=9), "steps.0.market", "9", "0 to 0"),
    (_step("accrue", market="0"), "steps.0.market", "'0'", "valid integer"),
    (_step("accrue", wait=-1), "steps.0.wait", "-1", "greater than or equal to 0"),
    (_step("accrue", wait=2**41), "steps.0.wait", str(2**41), "less than or equal"),
    (_step("accrue", colour=1), "steps.0.colour", "1", "not permitted"),
    (_step("teleport"), "steps.0.name", "teleport", "one of open"),
    (_step("accrue", actor="mallory"), "steps.0.actor", "'mallory'", "a name"),
    (_step("accrue", actor=""), "steps.0.actor", "''", "a name"),
    (_step("accrue", 1), "steps.0.args", "[1]", "at most 0"),
    (_step("settle"), "steps.0.args.0", "nothing", "required"),
    (_step("settle", "1"), "steps.0.args.0", "'1'", "valid integer"),
    (_step("settle", True), "steps.0.args.0", "True", "valid integer"),
    (_step("settle", HUGE), "steps.0.args.0", str(HUGE), "less than"),
    (_step("transfer_position", 1, "vault 1 of market 2"), "steps.0.args.1", "'vault", "a name"),
    (_step("transfer_position", 1, "healer"), "steps.0.args.1", "'healer'", "a name"),
    (_step("liquidate_many", [1, None], "eve"), "steps.0.args.0.1", "None", "valid integer"),
    (_step("place_order", {"order": {}}), "steps.0.args.0.order.owner", "nothing", "required"),
    (
        _step("set_params", {"params": {}}),
        "steps.0.args.0.params.min_notional",
        "nothing",
        "required",
    ),
    (_step("set_price", 1, 1, HUGE, 0), "steps.0.args.2", str(HUGE), "less than or equal"),
    (_step("fail_oracle", 6), "steps.0.args.0", "6", "less than 6"),
    (_step("trial", "by ordeal", 1), "steps.0.args.0", "'by ordeal'", "one of"),
    (_step("arm", 1, 1), "steps.0.name", "arm", "only with token HookToken"),
    (_step("halt", True), "steps.0.name", "halt", "only with token PausableToken"),
    (_step("plan", []), "steps.0.name", "plan", "only where owners are contracts"),
    (_step("plan", [["teleport"]]), "steps.0.args.0.0", "['teleport']", "begins with one of"),
    (_step("plan", [[["settle"], 1]]), "steps.0.args.0.0", "settle", "begins with one of"),
    (_step("plan", [["settle", -1]]), "steps.0.args.0.0.0", "-1", "greater than or equal to 0"),
]


@pytest.mark.parametrize(
    ("damage", "what", "value", "limit"),
    [*DAMAGE, *((_with(steps=[step]), *told) for step, *told in STEPS)],
)
def test_damaged_record_is_refused_before_anything_is_stood_up(
    damage: Callable[[dict[str, Any]], Any],
    what: str,
    value: str,
    limit: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bulkhead.fuzz.replay.Node", lambda *_: pytest.fail("a node is started"))
    record = counterexample.unopened(FIXED[0], "I-50", "a law")
    assert not record["setting"]["contracts"]
    damage(record)
    file = tmp_path / "x.json"
    file.write_text(json.dumps(record))
    assert run(["fuzz", "--replay", str(file), "--json"]) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    told = [each for each in problems if each["what"] == what]
    assert told, problems
    assert value in told[0]["value"]
    assert limit in told[0]["limit"]


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[" * 100_000)
    assert run(["fuzz", "--replay", str(file), "--json"]) == 2


def test_all_that_is_played_can_be_read_back(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What moves draw and what trials do: the form knows each, and loses nothing."""
    play, seen = World.play, set()

    def noted(world: World, op: Op) -> str:
        found = counterexample.unopened(world.setting, "I-50", "a law")
        found["steps"] = [op.record(world.stage.names())]
        found = json.loads(json.dumps(found))
        form.check(found, Path("x"))
        assert counterexample.steps_of(found, world) == [op]
        seen.add(op.name)
        return play(world, op)

    monkeypatch.setattr(World, "play", noted)
    worker = Worker(PLAN)
    for number in range(20):
        assert worker.sequence(number) is None
    assert len(seen) > 40


def test_every_kind_of_step_has_a_form() -> None:
    kinds = {*OUTSIDE, *POOL_CALLS, *BOOK_CALLS, *GOVERNED, *SHARE_CALLS, *OWN_CLAIMS, *BATCHES}
    assert kinds <= set(form._ARGS)


def test_vault_of_any_number_is_read_back(new_world: NewWorld) -> None:
    world = new_world()
    op = Op("block", EVE, (world.vault(2**32 - 1), True, False))
    found = counterexample.unopened(world.setting, "I-50", "a law")
    found["steps"] = [op.record(world.stage.names())]
    assert found["steps"][0]["args"][0] == f"vault {2**32 - 1}"
    assert counterexample.steps_of(found, new_world()) == [op]
