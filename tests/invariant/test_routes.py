"""The router does for its caller what the model says, and nothing to anybody else."""

from __future__ import annotations

import pytest

from bulkhead.fuzz import routes
from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws import differential
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.stage import FEE_TOKEN
from bulkhead.fuzz.world import World

from .conftest import NewWorld

BARE, CONTRACTS = 0, 1  # settings
FEE = next(place for place, each in enumerate(FIXED) if each.token == FEE_TOKEN)
ANSWERS = {
    *("ok", "NotOwner", "NotAuthorised", "UnknownPosition", "the token refuses", "Refused"),
    *("PermitFailed", "ERC20InsufficientAllowance"),
}


def broken(world: World) -> set[str]:
    """The laws that some trials break."""
    found = set()
    for seed in range(15):
        try:
            world.play(Op(TRIAL, "", ("router", seed)))
        except Broken as problem:
            found.add(problem.law)
    return found


@pytest.mark.parametrize(("engine", "trials"), [("revm", 50), ("anvil", 2)])
@pytest.mark.parametrize("which", [BARE, CONTRACTS, FEE])
def test_calls_reach_every_answer(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, which: int, engine: str, trials: int
) -> None:
    world, seen, law = new_world(engine, which), set[str](), differential.i_50_outcome
    before = world.look(world.site).words

    def i_50_outcome(found: str, foretold: str) -> bool:
        seen.add(foretold.split("(")[0])
        return law(found, foretold)

    monkeypatch.setattr(differential, "i_50_outcome", i_50_outcome)
    for seed in range(trials):
        world.play(Op(TRIAL, "", ("router", seed)))
    if engine == "revm":
        assert seen >= ANSWERS
        assert ("WrongAmountReceived" in seen) == (which == FEE)
    assert world.look(world.site).words == before


def test_a_router_that_keeps_a_unit_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes.Scene, "_in_router", lambda scene: 1)
    assert broken(new_world("revm", BARE)) == {"I-41"}


def test_a_router_that_takes_more_than_was_stated_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if each call had stated nothing."""
    monkeypatch.setattr(routes, "PAYING", ())
    assert broken(new_world("revm", BARE)) == {"I-41"}


def test_a_router_that_another_pays_for_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if every call came from somebody else than its caller."""
    kept = routes.Scene._kept
    monkeypatch.setattr(
        routes.Scene, "_kept", lambda scene, who, most: kept(scene, world.site.fund, most)
    )
    world = new_world("revm", BARE)
    assert broken(world) == {"I-41"}


def test_a_router_that_obeys_any_calldata_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", BARE)
    honest = routes.Scene._send

    def send(scene: routes.Scene, who: str, data: bytes) -> str:
        said = honest(scene, who, data)
        return "ok" if said.startswith("revert") else said

    monkeypatch.setattr(routes.Scene, "_send", send)
    assert "I-41" in broken(world)


def test_another_end_than_foretold_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a market took a unit more margin than the caller paid."""
    world, honest = new_world("revm", BARE), routes.Scene._pay

    def pay(scene: routes.Scene, who: str, id_: int, amount: int) -> None:
        honest(scene, who, id_, amount + 1)

    monkeypatch.setattr(routes.Scene, "_pay", pay)
    assert broken(world) == {"I-50"}


def test_another_answer_than_foretold_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", BARE)
    honest = world.engine.send

    def send(to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        answer = honest(to, data, sender, asked)
        return answer if len(answer.data) != 68 else Answer(True, b"")

    monkeypatch.setattr(world.engine, "send", send)
    assert "I-50" in broken(world)
