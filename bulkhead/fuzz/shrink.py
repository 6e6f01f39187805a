"""Delta debugging of a failing sequence: the fewest ops that still break the same law."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.world import World
from bulkhead.processes import Stop

Still = Callable[[Sequence[Op]], bool]
Late = Callable[[], bool]
OPENED, MANY = 8, 64  # positions of the opening, and about how many a sequence makes
SECONDS = 60.0  # after which what has been reached must do


def play(world: World, ops: Iterable[Op]) -> Broken | None:
    """What playing these ops, or the end after them, breaks, if anything. Nothing is sampled."""
    with world.looking():
        try:
            for op in ops:
                world.play(op)
            world.finish()
        except Broken as problem:
            return problem
    return None


def breaks(world: World, ops: Sequence[Op]) -> Broken | None:
    """The same, undone."""
    with world.undone():
        return play(world, ops)


def smallest(world: World, ops: Sequence[Op], law: str, stop: Stop | None = None) -> list[Op]:
    """Ops without any one of which the law would hold, at once and about the first positions
    where that breaks it too; as few as were reached, where it is to stop."""
    limit, stop = time.monotonic() + SECONDS, stop or Stop()

    def late() -> bool:
        return stop.asked or time.monotonic() >= limit

    def still(candidate: Sequence[Op]) -> bool:
        found = breaks(world, candidate)
        return found is not None and found.law == law

    kept = _fewest(list(ops), still, late)
    plain = _simplest(kept, still, late)
    return kept if plain == kept else _fewest(plain, still, late)


def _fewest(kept: list[Op], still: Still, late: Late) -> list[Op]:
    chunk = max(1, len(kept) // 2)
    while not late():
        place = 0
        while place < len(kept) and not late():
            candidate = kept[:place] + kept[place + chunk :]
            if len(candidate) < len(kept) and still(candidate):
                kept = candidate
            else:
                place += chunk
        if chunk == 1:
            break
        chunk = max(1, chunk // 2)
    return kept


def _simplest(ops: list[Op], still: Still, late: Late) -> list[Op]:
    kept = list(ops)
    for place in range(len(kept)):
        for candidate in _simpler(kept[place]):
            if not late() and still([*kept[:place], candidate, *kept[place + 1 :]]):
                kept[place] = candidate
                break
    return kept


def _simpler(op: Op) -> Iterator[Op]:
    """The same about a position that the opening made, or at once: what made a later position, or
    needed the time, may then go."""
    if op.args and type(op.args[0]) is int and OPENED < op.args[0] < MANY:
        for id_ in range(1, OPENED + 1):
            yield replace(op, args=(id_, *op.args[1:]))
    if op.wait:
        yield replace(op, wait=0)


def story(world: World, ops: Sequence[Op]) -> tuple[list[str], Broken | None]:
    """What was said to each of the ops, and what broke in the end."""
    with world.undone():
        end = play(world, ops)
        return list(world.story), end
