"""The order book's fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from market_fixtures import new_world, stages, still, world
from market_world import World
from order_world import Desk

__all__ = ["new_desk", "new_world", "stages", "still", "world"]


@pytest.fixture
def new_desk(new_world: Callable[..., World]) -> Callable[..., Desk]:
    """A book over a market of these terms, undone after the test."""

    def get(**terms: Any) -> Desk:
        return Desk(new_world(**terms))

    return get


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    """The usual one."""
    return new_desk()
