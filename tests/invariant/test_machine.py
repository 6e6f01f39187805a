"""Random sequences over market and twin; every law after every call (docs/invariants.md)."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .conftest import PROFILE, table
from .laws import Broken
from .moves import Decoder
from .shrink import smallest, story
from .world import Op, World

# seconds, sequences of a batch, bytes of a sequence (about six for an op)
PROFILES: dict[str, tuple[int, int, int]] = {"quick": (60, 300, 700), "deep": (3_600, 50, 6_000)}
SECONDS, SEQUENCES, LENGTH = PROFILES[PROFILE]
SECONDS = int(os.environ.get("FUZZ_SECONDS", SECONDS))

# Cells that the rules leave reachable and that a deep run must reach.
REACHABLE = [
    (side, money, kind)
    for side in ("long", "short")
    for money, kinds in (
        ("profit", ("ADL", "close")),
        ("loss", ("partial", "full", "close")),
        ("bad debt", ("full",)),
    )
    for kind in kinds
]


def run(world: World, blob: bytes) -> None:
    """One sequence; a broken law is raised with the fewest calls that break it."""
    ops: list[Op] = []
    with world.example():
        try:
            for op in Decoder(world, blob).ops():
                ops.append(op)
                world.play(op)
            return
        except Broken as problem:
            law = problem.law
            broken = problem
    fewest = smallest(world, ops, law)
    raise Broken(
        law,
        f"{broken}\nwith {world.decimals} decimals, after the opening:\n{story(world, fewest)}",
    ) from None


def test_market_keeps_its_laws(worlds: list[World]) -> None:
    began = time.monotonic()

    @settings(
        max_examples=SEQUENCES,
        deadline=None,
        database=None,
        derandomize=PROFILE == "quick",
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(worlds) - 1), st.binary(min_size=LENGTH, max_size=LENGTH))
    def sequences(which: int, blob: bytes) -> None:
        if time.monotonic() - began < SECONDS:
            run(worlds[which], blob)

    steps = sum(world.steps for world in worlds)
    sequences()
    while PROFILE == "deep" and time.monotonic() - began < SECONDS:
        sequences()  # other sequences: the deep profile draws anew
    seconds = time.monotonic() - began
    played = sum(world.steps for world in worlds) - steps
    print(f"\n{played} steps in {seconds:.0f} s: {played / seconds:.0f} a second")
    print(table(worlds))
    covered = {cell for world in worlds for cell, times in world.coverage.items() if times}
    missing = [cell for cell in REACHABLE if cell not in covered]
    if PROFILE == "deep" and missing:
        pytest.fail(f"never reached: {missing}")
