"""Both engines run the same contracts: the same seeds give the same states."""

from __future__ import annotations

import random

import pytest

from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.world import World

from .conftest import NewWorld

SEEDS = (1, 2, 3)


def play(world: World, seed: int) -> tuple[list[str], list[tuple[int, ...]], list[Op]]:
    """What was said, what was seen in the end (addresses of vaults are names), what was done."""
    blob = random.Random(seed).randbytes(500)
    with world.undone():
        for op in Decoder(world, blob).ops():
            world.play(op)
        lines = world.story[world.opened :]
        seen = [world.look(site).words for site in world.sites]
        return lines, seen, list(world.played[world.opened :])


@pytest.mark.parametrize("which", [0, 1, 4], ids=["plain", "contract owners", "two markets"])
def test_same_seeds_give_same_states(new_world: NewWorld, which: int) -> None:
    revm, anvil = new_world("revm", which), new_world("anvil", which)

    for seed in SEEDS:
        lines, seen, _ = play(revm, seed)
        again, same, _ = play(anvil, seed)
        assert lines == again
        assert seen == same


def test_whole_sequence_in_one_request(new_world: NewWorld) -> None:
    world = new_world("anvil", 0)
    for seed in SEEDS:
        lines, seen, done = play(world, seed)
        with world.undone():
            world.play_all(iter(done))
            assert world.story[world.opened :] == [one for one in lines if one[:5] != TRIAL]
            assert [sight.words for sight in world.sights] == seen


def test_simulation_is_judged(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = new_world("anvil", 0)
    _, _, done = play(world, 1)
    assert any(op.name == "accrue" for op in done)
    monkeypatch.setattr(type(world.twin), "nav", lambda self: 1)

    with world.undone(), pytest.raises(Broken, match="I-50"):
        world.play_all(iter(done))


def test_going_back_restores_both_sides(new_world: NewWorld) -> None:
    for engine in ("revm", "anvil"):
        world = new_world(engine, 4)
        before = [(world.look(site).words, site.layout.expected(site.twin)) for site in world.sites]
        play(world, 5)
        after = [(world.look(site).words, site.layout.expected(site.twin)) for site in world.sites]
        assert before == after
        assert all(found == expected for found, expected in after)
