"""What the machine's tests share: a report that is printed when all is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.world import World

NewWorld = Callable[..., World]


@pytest.fixture
def new_world(artifacts: Artifacts) -> Iterator[NewWorld]:
    """Stands worlds up: `new_world("revm", 0)` is the first fixed setting after its opening."""
    made: list[World] = []

    def new(engine: str = "revm", which: int = 0, bench: Bench | None = None) -> World:
        made.append(stand_up(engine, FIXED[which], bench or Bench(), artifacts))
        return made[-1]

    yield new
    for world in made:
        world.engine.close()
