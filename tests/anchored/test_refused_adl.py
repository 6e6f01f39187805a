"""A winner whose vault can't be paid is deleveraged all the same: its profit waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import WAD, World


def crowded(new_world: Callable[..., World]) -> tuple[World, int]:
    """A small pool against a long whose vault takes no more tokens."""
    w = new_world(token="BlacklistToken", liquidity=400_000)
    id_ = w.open(w.alice, 100 * WAD, 40_000 * w.one)
    w.block(w.twin.core.vault(id_), True, False)
    return w, id_


@pytest.mark.parametrize("rise", [3_500, 3_900, 4_500, 9_000])
def test_a_refusing_vault_does_not_stop_it(new_world: Callable[..., World], rise: int) -> None:
    w, id_ = crowded(new_world)
    w.tick((2_000 + rise) * WAD, seconds=600)
    w.ok("accrue", w.bob)
    vault = w.twin.core.vault(id_)
    margin, cash, size = w.twin.margin(id_), w.twin.state.cash, w.twin.position(id_).size
    w.ok("deleverage", w.keeper, id_)
    assert w.twin.position(id_).size < size
    assert (w.twin.margin(id_), w.twin.state.cash) == (margin, cash)
    w.block(vault, False, False)
