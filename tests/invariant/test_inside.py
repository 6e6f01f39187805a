"""Calls from the middle of an action: all kinds are made, and one that gets through is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import KEEPER
from bulkhead.fuzz.stage import MOLE
from bulkhead.fuzz.world import World

from .conftest import NewWorld

CONTRACTS, HOOKED = 1, 9  # settings
SEEDS = 60
TRUE = (1).to_bytes(32, "big")
Told = set[tuple[str, str, str]]


def trial(world: World, seed: int) -> None:
    world.play(Op(TRIAL, "", ("inside", seed), 0, world.at))


def broken(world: World, seeds: int = SEEDS) -> set[str]:
    found = set()
    for seed in range(seeds):
        try:
            trial(world, seed)
        except Broken as problem:
            found.add(problem.law)
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """(what, said, expected) of each inner call that the law judged."""
    found: Told = set()
    honest = access.i_45_inside

    def i_45_inside(what: str, said: str, expected: str) -> bool:
        found.add((what, said.partition("(")[0], expected))
        return honest(what, said, expected)

    monkeypatch.setattr(access, "i_45_inside", i_45_inside)
    return found


def heads(told: Told, of: str) -> set[str]:
    return {said for what, said, _ in told if what.startswith(of)}


def test_out_of_a_payment_every_door_is_tried(new_world: NewWorld, told: Told) -> None:
    world = new_world("revm", HOOKED)
    before = world.look(world.site).words
    assert not broken(world, 3 * SEEDS)
    assert world.look(world.site).words == before
    tried = {what.partition(" in ")[0] for what, _, _ in told}
    assert len([what for what in tried if what.startswith("market.")]) > 20
    assert len([what for what in tried if what.startswith("pool.")]) > 7
    assert len([what for what in tried if what.startswith("book.")]) > 7
    assert {"maxWithdraw", "maxRedeem", "nav", "freeLiquidity", "totalAssets"} <= tried
    assert "Locked" in heads(told, "market.")
    assert "MarketLocked" in heads(told, "pool.")
    assert "ReentrancyGuardReentrantCall" in heads(told, "accrue in")  # it would price the pool
    assert {what.partition(" in ")[2] for what, _, _ in told} > {"add_margin", "request_deposit"}


def test_out_of_a_margin_call_every_door_is_tried(new_world: NewWorld, told: Told) -> None:
    world = new_world("revm", CONTRACTS)
    assert not broken(world, 3 * SEEDS)
    assert heads(told, "removeMargin of the called id") == {"Locked"}
    assert "Locked" not in heads(told, "settle of another id")
    assert "ok" in heads(told, "nav in")
    assert {said for what, said, _ in told if what.startswith("calledId")} == {"ok 2"}
    assert {said for what, said, _ in told if what.startswith("maxWithdraw")} == {"ok 0"}


@pytest.mark.parametrize("engine", ["revm", "anvil"])
@pytest.mark.parametrize("which", [HOOKED, CONTRACTS])
def test_both_engines_answer_alike(
    new_world: NewWorld, told: Told, engine: str, which: int
) -> None:
    world = new_world(engine, which)
    assert not broken(world, 6)
    assert len(told) > 15
    assert world.play(Op("accrue", KEEPER, (), 5)) == "ok"


Lie = Callable[[World, bytes], bytes | None]


def obeyed(world: World, data: bytes) -> bytes | None:
    by = world.stage.contracts.get(MOLE, world.stage.ear)
    return TRUE if data == by.worked.encode() else None


def forgotten(world: World, data: bytes) -> bytes | None:
    """Every call is refused, for another reason than its guard's."""
    by = world.stage.contracts.get(MOLE, world.stage.ear)
    other = bytes.fromhex("ffffffff")
    whole = (32).to_bytes(32, "big") + (4).to_bytes(32, "big") + other.ljust(32, b"\0")
    return whole if data == by.answer.encode() else None


@pytest.mark.parametrize("lie", [obeyed, forgotten])
@pytest.mark.parametrize("which", [HOOKED, CONTRACTS])
def test_a_call_that_gets_past_its_guard_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, which: int, lie: Lie
) -> None:
    world = new_world("revm", which)
    honest = world.engine.view

    def view(to: str, data: bytes) -> Answer:
        found = lie(world, data)
        return honest(to, data) if found is None else Answer(True, found)

    monkeypatch.setattr(world.engine, "view", view)
    if lie is obeyed:
        monkeypatch.setattr(access, "i_45_reentry", lambda *_: False)
    assert broken(world, 12) == {"I-45"}


def test_a_book_that_lets_anybody_fill_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    honest, book = world.engine.send, world.site.book
    own = {book.executeOne.method.selector, book.attempt.method.selector}

    def send(to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        if to == book.address and data[:4] in own:
            return Answer(True, b"")
        return honest(to, data, sender, asked)

    monkeypatch.setattr(world.engine, "send", send)
    found = set()
    for seed in range(12):
        try:
            world.play(Op(TRIAL, "", ("vault", seed), 0, world.at))
        except Broken as problem:
            found.add(problem.law)
    assert found == {"I-40"}
