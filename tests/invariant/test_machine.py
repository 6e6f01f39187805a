"""Random sequences over markets and twins, every law after every call (docs/invariants.md)."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.shrink import smallest, story
from bulkhead.fuzz.world import PHASES, World

LENGTH = 700  # bytes of a sequence: about a hundred steps


def run(world: World, blob: bytes) -> None:
    """One sequence; a broken law is raised with the fewest calls that break it."""
    with world.undone():
        world.begin(blob[-1] % PHASES)
        try:
            for op in Decoder(world, blob).ops():
                world.play(op)
            world.finish()
            return
        except Broken as problem:
            law, first, ops = problem.law, problem.text, world.played[world.opened :]
    fewest = smallest(world, ops, law)
    lines, again = story(world, fewest)
    told = "\n".join(lines[len(world.story) :])
    raise Broken(
        law, f"{again.text if again else first}\nwith {world.setting}, after the opening:\n{told}"
    )


@pytest.mark.parametrize(
    ("engine", "seconds", "count"),
    [("revm", 20, len(FIXED)), ("anvil", 20, 4)],
    ids=["revm", "anvil"],
)
def test_markets_keep_their_laws(
    artifacts: Artifacts, engine: str, seconds: float, count: int
) -> None:
    bench = Bench()
    worlds = [stand_up(engine, setting, bench, artifacts) for setting in FIXED[:count]]
    began = time.monotonic()

    @settings(
        max_examples=400,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, count - 1), st.binary(min_size=LENGTH, max_size=LENGTH))
    def sequences(which: int, blob: bytes) -> None:
        if time.monotonic() - began < seconds:
            run(worlds[which], blob)

    try:
        sequences()
    finally:
        for world in worlds:
            world.engine.close()
    steps = sum(world.tally.steps for world in worlds)
    print(f"\n{engine}: {steps} steps, {sum(bench.checks.values())} checks")
    for law in ("I-01", "I-02", "I-05", "I-10", "I-26", "I-28", "I-30", "I-50"):
        assert bench.checks[law] > 20, f"{law} was hardly checked"
