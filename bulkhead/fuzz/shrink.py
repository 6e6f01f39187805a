"""Delta debugging of a failing sequence: the fewest ops that still break the same law."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.world import World

Play = Callable[[World, Sequence[Op]], None]
SECONDS = 60.0  # after which what has been reached must do


def plain_play(world: World, ops: Sequence[Op]) -> None:
    """One after another."""
    for op in ops:
        world.play(op)


def breaks(world: World, ops: Sequence[Op], play: Play = plain_play) -> Broken | None:
    """What playing these ops breaks, if anything."""
    with world.undone(), world.looking():
        try:
            play(world, ops)
        except Broken as problem:
            return problem
    return None


def smallest(world: World, ops: Sequence[Op], law: str, play: Play = plain_play) -> list[Op]:
    """Ops without any one of which the law would hold."""
    end = time.monotonic() + SECONDS

    def still(candidate: Sequence[Op]) -> bool:
        found = breaks(world, candidate, play)
        return found is not None and found.law == law

    kept, chunk = list(ops), max(1, len(ops) // 2)
    while time.monotonic() < end:
        place = 0
        while place < len(kept) and time.monotonic() < end:
            candidate = kept[:place] + kept[place + chunk :]
            if len(candidate) < len(kept) and still(candidate):
                kept = candidate
            else:
                place += chunk
        if chunk == 1:
            break
        chunk = max(1, chunk // 2)
    return kept


def story(world: World, ops: Sequence[Op], play: Play = plain_play) -> tuple[list[str], str]:
    """What was said to each of the ops, and what broke in the end."""
    end = ""
    with world.undone(), world.looking():
        try:
            play(world, ops)
        except Broken as problem:
            end = problem.text
        return list(world.story), end
