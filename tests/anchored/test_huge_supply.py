"""Tokens without end: no gift and no loss keeps a position from being closed or liquidated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import UNBOUNDED, Bracket, Reason
from bulkhead.model.types import LiquidationResult as Is

BPS = WAD // 10_000
CASH_MAX = 2**96 - 1
COUNTED = 2**112
TERMS: dict[str, Any] = {
    "decimals": 18,
    "brackets": (Bracket(UNBOUNDED, 500 * BPS, 250 * BPS),),
    "max_open_interest": 10**13 * WAD,
    "max_utilisation": 10 * WAD,
    "skew_scale": 10**11 * WAD,
    "max_skew": 10**8 * WAD,
    "depth_slope": 0,
}
DEPOSIT = 39 * 10**9  # whole tokens: just under what a pool takes, 2^95 units
SIZE = 10**8 * WAD  # 2e11 at the mark
MARGIN = 60 * 10**9


@pytest.fixture
def huge(new_world: Callable[..., World]) -> World:
    """A pool that is full, and a trader who can lose more than its counter holds."""
    w = new_world(liquidity=DEPOSIT, **TERMS)
    w.give(w.alice, 2 * MARGIN * w.one)
    return w


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("way", ["liquidate", "close"])
def test_a_loss_beyond_the_counter(huge: World, sign: int, way: str) -> None:
    w = huge
    id_ = w.open(w.alice, sign * SIZE, MARGIN * w.one)
    if way == "liquidate":
        w.tick((2_000 - sign * 580) * WAD, seconds=1)
        assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.FULL
    else:
        w.tick((2_000 - sign * 480) * WAD, seconds=1)
        w.close(w.alice, id_)
    assert w.market.state().cash == CASH_MAX
    assert w.token.balanceOf(w.pool) > CASH_MAX
    w.tick(2_000 * WAD)
    other = w.open(w.bob, 50 * WAD, 9_000 * w.one)
    w.close(w.bob, other)


@pytest.mark.parametrize("gift", [COUNTED - 1, COUNTED, 2**250, 2**255])
@pytest.mark.parametrize("decimals", [18, 6])
def test_a_gift_beyond_counting(new_world: Callable[..., World], decimals: int, gift: int) -> None:
    """It is margin as far as it counts; the position stays healthy and leaves as ever."""
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    w.give(w.bob, gift)
    w.send(w.bob, w.twin.core.vault(id_), gift)
    w.tick(1_000 * WAD, seconds=1)
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    w.ok("settle", w.keeper, id_)
    w.ok("decrease", w.alice, id_, -10 * WAD, ANY[-1], SOON)
    w.close(w.alice, id_)
    most = COUNTED // w.twin.core.cfg.unit
    for _ in range(2):
        left = min(w.twin.margin(id_), most)
        if left == 0:
            break
        w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, left + 1, w.alice)
        w.ok("remove_margin", w.alice, id_, left, w.alice)
    w.open(w.alice, 50 * WAD, 9_000 * w.one)


@pytest.mark.parametrize("over", [0, 1, 2**255])
def test_margin_beyond_counting_is_refused(new_world: Callable[..., World], over: int) -> None:
    w = new_world(decimals=18)
    id_ = w.ok("reserve", w.alice, w.alice).value
    w.send(w.alice, w.twin.core.vault(id_), 5)
    w.give(w.alice, COUNTED)
    args = (id_, 50 * WAD, COUNTED - 5 + over, ANY[1], SOON)
    if over:
        said = w.no(Reason.AMOUNT_TOO_LARGE, "open", w.alice, *args)
        assert said.args[2] == COUNTED - 5
    else:
        w.ok("open", w.alice, *args)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_part_of_a_claim_beyond_128_bits(new_world: Callable[..., World], sign: int) -> None:
    """Whoever gains so much takes a part as ever, rounded down; who loses so much has no vault that
    could pay for one, and is closed whole."""
    terms = {
        **TERMS,
        "decimals": 0,
        "max_open_interest": UNBOUNDED,
        "skew_scale": 2**112 - 1,
        "max_skew": 10**30,
    }
    w = new_world(liquidity=2**94, **terms)
    margin = 10**14
    w.give(w.alice, margin)
    w.tick(WAD, seconds=1)
    id_ = w.open(w.alice, sign * 10**30, margin)
    w.tick(10**9 * WAD, seconds=1)
    w.ok("accrue", w.keeper)
    claim = w.twin.core.ledger(id_).claim(w.twin.state.mark)
    assert abs(claim) >= 2**128
    part = (id_, -sign * (10**30 // 7), ANY[-sign], SOON)
    if sign > 0:
        w.ok("decrease", w.alice, *part)
    else:
        w.no(Reason.EQUITY_TOO_LOW, "decrease", w.alice, *part)
        assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.FULL
