"""What the stories share: who they run over, and words for a crowd and its keeper.

Every move of a story goes through `World.do`, so chain and twin are compared after it, and tokens,
side sums and the pool's books are checked to the last unit.
"""

from __future__ import annotations

from typing import Any

import pytest
from market_world import WAD, Done, World

from bulkhead.model.funding import psi

PRICE = 2_000
DECIMALS = pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


def against(sign: int, move: int) -> int:
    """A mark `move` dollars to the loss of this side (a negative move: to its gain)."""
    return max(1, PRICE - sign * move) * WAD


def crowd(w: World, sign: int, count: int = 12) -> tuple[list[int], int]:
    """Alice's positions of 20 ETH and falling leverage, and Bob's large one against them."""
    ids = [w.open(w.alice, sign * 20 * WAD, (2_100 + 150 * n) * w.one) for n in range(count)]
    return ids, w.open(w.bob, -sign * 200 * WAD, 150_000 * w.one)


def keep(w: World, ids: list[int]) -> Done:
    """A keeper's round over all of them."""
    return w.ok("liquidate_many", w.keeper, tuple(ids), w.keeper)


def losses(done: Done) -> tuple[int, int, int]:
    """Bad debt of an action: all of it, what insurance paid, what the pool bore (token units)."""
    debts = [one for one in done.events if one.name == "BadDebt"]
    figures: Any = [(one.amount, one.fromInsurance, one.fromPool) for one in debts]
    return tuple(sum(column) for column in zip(*figures, strict=True)) if figures else (0, 0, 0)  # type: ignore[return-value]


def fall_to(w: World, id_: int, bps: int) -> None:
    """A mark at which the position's equity is about this many basis points of its notional."""
    size, sign = w.twin.position(id_).size, 1 if w.twin.position(id_).size > 0 else -1
    for move in range(1, 3 * PRICE):
        mark = against(sign, move)
        if w.twin.core.ledger(id_).equity(mark) * 10_000 < bps * abs(size) * mark // WAD:
            w.tick(mark)
            return


def left_behind(w: World) -> int:
    """Token units in a pool that everybody left, but for what NAV holds back for funding that
    would flow back when the skew turns (Psi)."""
    cfg, state = w.twin.core.cfg, w.twin.state
    held_back = psi(state.mark, state.funding_rate, cfg)
    return int(w.token.balanceOf(w.pool.address)) - held_back // cfg.unit


def empty_all(w: World, ids: list[int]) -> None:
    """Owners close what is open and take their margin home."""
    for id_ in ids:
        held = w.twin.position(id_)
        if held.size:
            w.close(held.owner, id_)
        if w.twin.margin(id_):
            w.ok("remove_margin", held.owner, id_, w.twin.margin(id_), held.owner)
