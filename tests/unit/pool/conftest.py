"""A pool of 6 decimals, and a factory for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pool_world import World

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.rpc import Rpc


@pytest.fixture
def new_world(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., World]:
    return lambda **settings: World(rpc, accounts, **settings)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()


@pytest.fixture
def invested(world: World) -> World:
    """Two liquidity providers have claimed their shares: 1,000 and 500 tokens."""
    world.invest(world.lp, 1_000 * world.one)
    world.invest(world.other, 500 * world.one)
    return world
