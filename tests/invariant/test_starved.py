"""Those who pay funding are left to pay until they fall below what they need, to the second."""

from __future__ import annotations

import pytest

from bulkhead.fuzz import foresight
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws import funding
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import KEEPER
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.world import World

from .conftest import NewWorld

SEEDS = range(12)


def trial(seed: int) -> Op:
    return Op(TRIAL, "", ("starved", seed))


def test_payers_starve_to_the_second(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    starved: list[tuple[Pos, str]] = []
    monkeypatch.setattr(funding, "i_25_starved", lambda *told: starved.append(told))
    world = new_world("revm", 0, Bench())

    for seed in SEEDS:
        world.play(trial(seed))

    assert len(starved) >= 3
    assert all(said.startswith("ok") for _, said in starved)


def test_payer_who_is_left_alone_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second too early nobody is below."""
    world, real = new_world("revm", 0, Bench(["I-25"])), foresight.starves
    monkeypatch.setattr(foresight, "starves", lambda world, id_, wait: real(world, id_, wait + 1))
    world.play(Op("accrue", KEEPER))

    def starve(world: World) -> None:
        for seed in SEEDS:
            world.play(trial(seed))

    with pytest.raises(Broken, match="I-25"):
        starve(world)
