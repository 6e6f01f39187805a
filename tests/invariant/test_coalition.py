"""The coalition's trial does what it is for, and a gain that nobody may lose is seen."""

from __future__ import annotations

from collections import Counter

import pytest

from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import EVE, KEEPER, LP, LP2, OWNERS, PRICE
from bulkhead.fuzz.world import World

from .conftest import NewWorld

SEEDS = range(60)


def trial(seed: int) -> Op:
    return Op(TRIAL, "", ("coalition", seed))


def test_coalition_trades_provides_and_liquidates(new_world: NewWorld) -> None:
    bench = Bench(["I-09"])
    world = new_world("revm", 0, bench)
    world.play(Op("request_redeem", LP, (10**12, LP, LP)))
    world.play(Op("set_price", "", (PRICE * 93 // 100, 0, 0, 0), 700))
    world.tally.outcomes.clear()

    for seed in SEEDS:
        world.play(trial(seed))

    seen: Counter[str] = world.tally.outcomes
    assert bench.checks["I-09"] > 500
    for name in ("increase", "decrease", "remove_margin", "settle"):
        assert seen[f"{name}: ok"], name
    for name in ("open", "close_and_withdraw", "liquidate", "request_deposit", "redeem"):
        assert any(key.startswith(f"{name}: ok") for key in seen), name


@pytest.mark.parametrize("who", [LP2, EVE], ids=["by another provider", "by a trader"])
def test_gift_to_coalition_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Somebody pays the keeper whenever one of them opens a position."""
    world, real = new_world(), World.play

    def generous(self: World, op: Op) -> str:
        said = real(self, op)
        if op.name == "open" and said.startswith("ok") and op.actor in OWNERS:
            real(self, Op("send", who, (KEEPER, 10**9)))
        return said

    monkeypatch.setattr(World, "play", generous)
    broken = []
    for seed in SEEDS:
        try:
            world.play(trial(seed))
        except Broken as problem:
            broken.append(problem.law)
    assert len(broken) > 10
    assert set(broken) == {"I-09"}
