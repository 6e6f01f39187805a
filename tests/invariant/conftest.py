"""Worlds for the machine: one for each drawn set of decimals and parameters, made once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from bulkhead.chain.artifacts import Artifacts

from .moves import opening
from .world import World, variants

PROFILE = os.environ.get("FUZZ_PROFILE", "quick")


@pytest.fixture(scope="session")
def worlds(artifacts: Artifacts) -> Iterator[list[World]]:
    """All of them, after the opening; prints what was covered when done."""
    made = []
    for decimals, params in variants():
        world = World(decimals, params)
        for op in opening(world):
            world.play(op)
        made.append(world)
    yield made
    print("\n" + table(made))


def table(worlds: list[World]) -> str:
    """Logical coverage as text."""
    count: Counter[tuple[str, str, str]] = Counter()
    for world in worlds:
        count += world.coverage
    kinds = ("partial", "full", "ADL", "close")
    lines = [f"{'':18}" + "".join(f"{kind:>10}" for kind in kinds)]
    for side in ("long", "short"):
        for money in ("profit", "loss", "bad debt"):
            row = "".join(f"{count[side, money, kind]:>10}" for kind in kinds)
            lines.append(f"{side + ' ' + money:18}{row}")
    steps = sum(world.steps for world in worlds)
    calls = sum(world.revm.calls for world in worlds)
    return "\n".join([*lines, f"{steps} steps, {calls} calls of the EVM"])
