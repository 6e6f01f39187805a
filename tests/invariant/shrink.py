"""Delta debugging of a failing sequence: the fewest ops that still break the same law."""

from __future__ import annotations

from collections.abc import Sequence

from .laws import Broken
from .world import Op, World


def breaks(world: World, ops: Sequence[Op]) -> Broken | None:
    """What playing these ops breaks, if anything."""
    with world.example():
        try:
            for op in ops:
                world.play(op)
        except Broken as problem:
            return problem
    return None


def smallest(world: World, ops: Sequence[Op], law: str) -> list[Op]:
    """Ops without which the law would hold; waits are kept in what remains."""

    def still(candidate: Sequence[Op]) -> bool:
        found = breaks(world, candidate)
        return found is not None and found.law == law

    kept, chunk = list(ops), max(1, len(ops) // 2)
    while True:
        place = 0
        while place < len(kept):
            candidate = kept[:place] + kept[place + chunk :]
            if len(candidate) < len(kept) and still(candidate):
                kept = candidate
            else:
                place += chunk
        if chunk == 1:
            return kept
        chunk = max(1, chunk // 2)


def story(world: World, ops: Sequence[Op]) -> str:
    """The ops with what the chain said to each, as text."""
    with world.example():
        try:
            for op in ops:
                world.play(op)
        except Broken:
            pass
        return str(world.story)
