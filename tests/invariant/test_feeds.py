"""Each adapter says what its model says, over scenes that reach every answer it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from bulkhead.fuzz.feeds import base, chainlink, median, pyth, quorum
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.world import World

from .conftest import NewWorld

ANSWERS = {
    "chainlink": {
        *("ok ", "PriceInvalid", "PriceOutOfBand", "PriceStale", "SequencerDown", "NoGap"),
        *("ok", "ProofNotTaken"),
    },
    "pyth": {
        *("ok ", "ok", "PriceInvalid", "PriceOutOfBand", "PriceStale", "PriceTooUncertain"),
        *("SequencerDown", "PriceFeedNotFound", "FeeTooLow", "NoGap", "ProofNotTaken"),
        "PriceFeedNotFoundWithinRange",
    },
    "quorum": {
        *("ok ", "ok", "PriceInvalid", "PriceOutOfBand", "PriceStale", "QuorumNotMet"),
        *("SignersUnordered", "NotReporter", "ReportNotNewer", "ReportFromFuture"),
        *("EtherRefused", "AccessManagedUnauthorized", "BadSetting"),
    },
    "median": {
        *("ok ", "ok", "QuorumNotMet", "PriceTooUncertain", "NoDisagreement", "UnknownSource"),
        *("EtherRefused", "revert 0x"),
    },
}
SETTINGS = {
    "pyth": {
        *("pyth", "maxAgeSecs", "maxDecimals", "minDecimals", "lowest", "highest"),
        *("confidenceWidth", "maxSpread", "minSpread"),
    },
    "quorum": {
        *("maxAgeSecs", "lowest", "highest", "maxDeviation", "maxDisagreement", "spread"),
        *("reporters", "quorum"),
    },
    "median": {"sources", "minSources", "exitTolerance", "riskTolerance", "sourceGas"},
}


def broken(world: World, kind: str, seeds: range) -> set[str]:
    """The laws that trials of an adapter break."""
    found = set()
    for seed in seeds:
        try:
            world.play(Op(TRIAL, "", (kind, seed)))
        except Broken as problem:
            found.add(problem.law)
    return found


@pytest.mark.parametrize(("engine", "trials"), [("revm", 60), ("anvil", 5)])
@pytest.mark.parametrize("kind", ANSWERS)
def test_scenes_reach_every_answer(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, kind: str, engine: str, trials: int
) -> None:
    world, seen, law = new_world(engine, 0), set[str](), access.i_34_reading

    def i_34_reading(said: str, expected: str, scene: str) -> bool:
        if not expected.startswith(("[", "(")) and not expected.isdigit():  # an answer
            seen.add(expected.split("(")[0])
        return law(said, expected, scene)

    monkeypatch.setattr(access, "i_34_reading", i_34_reading)
    for seed in range(trials):
        world.play(Op(TRIAL, "", (kind, seed)))
    if engine == "revm":
        assert seen == ANSWERS[kind]
    else:
        assert len(seen & ANSWERS[kind]) > len(ANSWERS[kind]) // 2


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_are_tried_at_and_past_every_bound(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    world, law = new_world("revm", 0), access.i_34_setting
    refused, taken = set[str](), 0

    def i_34_setting(what: str, said: str, expected: str) -> bool:
        nonlocal taken
        if expected.startswith("BadSetting('"):
            refused.add(expected.split("'")[1])
        taken += expected == "ok"
        return law(what, said, expected)

    monkeypatch.setattr(access, "i_34_setting", i_34_setting)
    for seed in range(150):
        world.play(Op(TRIAL, "", (kind, seed)))
    assert refused == SETTINGS[kind]
    assert taken > 150  # one each, and some of those at a bound


Erring = Callable[[pytest.MonkeyPatch], None]


def later(module: Any, name: str, field: str, by: int) -> Erring:
    """A model one of whose terms is off by so much."""
    honest = getattr(module, name)

    def erring(terms: Any, *rest: Any) -> Any:
        return honest(replace(terms, **{field: getattr(terms, field) + by}), *rest)

    return lambda patch: patch.setattr(module, name, erring)


def of_twin(module: Any, name: str, field: str, by: int) -> Erring:
    """A twin one of whose terms is off by so much."""
    honest = getattr(module, name)

    def made(terms: Any, *rest: Any, **more: Any) -> Any:
        return honest(replace(terms, **{field: getattr(terms, field) + by}), *rest, **more)

    return lambda patch: patch.setattr(module, name, made)


ERRING = {
    "chainlink age": ("chainlink", later(chainlink, "read_chainlink", "max_age_secs", 1)),
    "pyth age": ("pyth", later(pyth, "read_pyth", "max_age_secs", 1)),
    "pyth lowest": ("pyth", later(pyth, "read_pyth", "lowest", -1)),
    "pyth highest": ("pyth", later(pyth, "read_pyth", "highest", 1)),
    "pyth spread": ("pyth", later(pyth, "read_pyth", "max_spread", -1)),
    "pyth least spread": ("pyth", later(pyth, "read_pyth", "min_spread", -1)),
    "pyth decimals": ("pyth", later(pyth, "read_pyth", "max_decimals", -1)),
    "pyth silence": ("pyth", later(pyth, "prove_pyth", "max_age_secs", 1)),
    "pyth setting": ("pyth", later(pyth, "of_pyth", "max_spread", 1)),
    "quorum age": ("quorum", of_twin(quorum, "QuorumModel", "max_age_secs", 1)),
    "quorum lowest": ("quorum", of_twin(quorum, "QuorumModel", "lowest", -1)),
    "quorum highest": ("quorum", of_twin(quorum, "QuorumModel", "highest", 1)),
    "quorum deviation": ("quorum", of_twin(quorum, "QuorumModel", "max_deviation", 1)),
    "quorum disagreement": ("quorum", of_twin(quorum, "QuorumModel", "max_disagreement", 1)),
    "median risk": ("median", of_twin(median, "MedianModel", "risk_tolerance", 1)),
    "median exit": ("median", of_twin(median, "MedianModel", "exit_tolerance", 1)),
    "median sources": ("median", of_twin(median, "MedianModel", "min_sources", -1)),
    "median setting": ("median", later(median, "of_median", "exit_tolerance", 1)),
    "quorum setting": ("quorum", later(quorum, "of_quorum", "max_deviation", 1)),
}


@pytest.mark.parametrize("which", ERRING)
def test_a_model_that_errs_by_one_is_noticed(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    kind, err = ERRING[which]
    err(monkeypatch)
    assert broken(new_world("revm", 0), kind, range(60)) == {"I-34"}


def test_ether_that_stays_in_an_adapter_is_noticed(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    honest = world.engine.ether
    monkeypatch.setattr(world.engine, "ether", lambda who: honest(who) + 1)
    assert broken(world, "pyth", range(3)) == {"I-34"}


def test_an_adapter_that_shows_another_setting_is_noticed(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    monkeypatch.setattr(base, "plain", lambda value: next(numbers))
    assert broken(new_world("revm", 0), "pyth", range(3)) == {"I-34"}
