"""The Chainlink adapter says what its twin says, over scenes that reach every answer it has."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.fuzz import feeds
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.world import World
from bulkhead.model.chainlink import ChainlinkTerms

from .conftest import NewWorld

ANSWERS = {
    *("ok ", "PriceInvalid", "PriceOutOfBand", "PriceStale", "SequencerDown", "NoGap"),
    "proven",
}


def broken(world: World, op: Op) -> str:
    """The law that a step breaks; empty: none."""
    try:
        world.play(op)
    except Broken as problem:
        return problem.law
    return ""


@pytest.mark.parametrize(("engine", "trials"), [("revm", 40), ("anvil", 6)])
def test_scenes_reach_every_answer(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, engine: str, trials: int
) -> None:
    world, seen, law = new_world(engine, 0), set[str](), access.i_34_reading

    def i_34_reading(said: str, expected: str, scene: str) -> bool:
        seen.add(expected.split("(")[0])
        return law(said, expected, scene)

    monkeypatch.setattr(access, "i_34_reading", i_34_reading)
    for seed in range(trials):
        world.play(Op(TRIAL, "", ("feed", seed)))
    assert seen == ANSWERS


def test_a_model_that_errs_by_a_second_is_noticed(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, read = new_world("revm", 0), feeds.read_chainlink

    def late(terms: ChainlinkTerms, *rest: Any) -> Any:
        fields = {**vars(terms), "max_age_secs": terms.max_age_secs + 1}
        return read(ChainlinkTerms(**fields), *rest)

    monkeypatch.setattr(feeds, "read_chainlink", late)
    assert "I-34" in {broken(world, Op(TRIAL, "", ("feed", seed))) for seed in range(40)}
