"""Fixtures over `market_world`: a chain of their own, whose time stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from market_world import World

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts

LIQUIDITY = 10_000_000  # whole tokens
PURSE = 5_000_000


@pytest.fixture(scope="session")
def still(artifacts: Artifacts) -> Iterator[Anvil]:
    """A chain for markets alone: several blocks may have the same time."""
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="session")
def stages(still: Anvil) -> Callable[..., World]:
    """Markets with liquidity and traders, made once for each set of terms."""
    made: dict[Any, World] = {}

    def get(liquidity: int = LIQUIDITY, **terms: Any) -> World:
        key = (liquidity, tuple(sorted(terms.items())))
        if key not in made:
            stage = World(still.rpc, still.accounts, **terms)
            stage.set(2_000 * 10**18)
            if liquidity:
                stage.invest(liquidity * stage.one)
            for who in (stage.alice, stage.bob, stage.carol, stage.keeper):
                stage.give(who, PURSE * stage.one)
            stage.tick()
            made[key] = stage
        return made[key]

    return get


@pytest.fixture
def new_world(stages: Callable[..., World]) -> Iterator[Callable[..., World]]:
    """A market of these terms, undone after the test."""
    open_: list[Any] = []

    def get(**terms: Any) -> World:
        stage = stages(**terms)
        if stage.rpc.time() > stage.now:
            moment = stage.rpc.time()
            stage.at(moment)
            if terms.get("liquidity", LIQUIDITY):
                stage.set(2_000 * 10**18)
        branch = stage.branch()
        world = branch.__enter__()
        open_.append(branch)
        return world

    yield get
    for branch in reversed(open_):
        branch.__exit__(None, None, None)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """The usual one: a dollar token of 6 decimals, 10 million of liquidity, ETH at 2,000."""
    return new_world()
