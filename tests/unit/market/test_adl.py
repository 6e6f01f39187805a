"""deleverage: both branches, who is eligible, what is refused; tickets and their order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import WAD, World

from bulkhead.model.types import Reason


def crowded(new_world: Callable[..., World], decimals: int, sign: int) -> tuple[World, list[int]]:
    """A pool of 400,000 against 200 ETH that lean to one side."""
    w = new_world(decimals=decimals, liquidity=400_000)
    ids = [
        w.open(w.alice, sign * 100 * WAD, 40_000 * w.one),
        w.open(w.bob, sign * 60 * WAD, 40_000 * w.one),
        w.open(w.carol, -sign * 20 * WAD, 40_000 * w.one),
    ]
    w.tick((2_000 + sign * 10) * WAD, seconds=120)
    ids.append(w.open(w.carol, sign * 10 * WAD, 40_000 * w.one))
    return w, ids


@pytest.mark.parametrize("decimals", [0, 6, 18])
@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("move", [1_900, 1_995, 2_600, 3_000])
def test_deleverage(new_world: Callable[..., World], decimals: int, sign: int, move: int) -> None:
    w, ids = crowded(new_world, decimals, sign)
    w.no("UnknownPosition", "deleverage", w.keeper, 99)
    flat = w.ok("reserve", w.bob, w.bob).value
    w.no(Reason.IS_FLAT, "deleverage", w.keeper, flat)
    w.no(Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, ids[0])
    mark = 2_000 + sign * move if sign > 0 else max(1, 2_000 - move)
    w.tick(mark * WAD, seconds=600)
    w.ok("accrue", w.bob)
    worked = 0
    for _ in range(3):
        for id_ in ids:
            worked += w.do("deleverage", w.keeper, id_).refusal is None
    if sign > 0 and move > 2_000:
        assert worked
    w.tick(mark * WAD)
    for id_ in ids:
        w.do("liquidate", w.keeper, id_, w.keeper)
    for id_, who in zip(ids, (w.alice, w.bob, w.carol, w.carol), strict=True):
        if w.twin.position(id_).size:
            w.close(who, id_)
    total = w.market.ticketTotals()
    for number in range(1, total[3]):
        who = w.twin.ticket(number).owner
        w.ok("draw_ticket", who, number, who)


@pytest.mark.parametrize("share", [86, 95, 99])
def test_below_one_it_ends_at_the_target(new_world: Callable[..., World], share: int) -> None:
    w, ids = crowded(new_world, 6, 1)
    cash = w.twin.state.cash * w.twin.core.cfg.unit
    low, high = 2_000, 6_000
    while high - low > 1:
        middle = (low + high) // 2
        claim = 150 * (middle - 2_000) * WAD
        low, high = (low, middle) if claim > cash * share // 100 else (middle, high)
    w.tick(high * WAD, seconds=600)
    w.ok("accrue", w.bob)
    held = w.twin.state
    before = w.twin.net_claim()
    assert before * 100 > held.cash * w.twin.core.cfg.unit * 85
    w.ok("deleverage", w.keeper, ids[0])
    after = w.twin.net_claim() * WAD // (w.twin.state.cash * w.twin.core.cfg.unit)
    assert after >= w.params.adl_target
    w.no(Reason.NOT_ADL_TARGET, "deleverage", w.keeper, ids[2]) if after > 85 * WAD // 100 else 0


def test_tickets_are_paid_in_order(new_world: Callable[..., World]) -> None:
    """Profits beyond the pool's cash become tickets; what comes in pays the first first."""
    w, ids = crowded(new_world, 6, 1)
    loser = ids[2]
    w.ok("add_margin", w.carol, loser, 100_000 * w.one)
    w.tick(8_000 * WAD, seconds=600)
    w.close(w.alice, ids[0])
    w.close(w.bob, ids[1])
    owed = w.market.ticketTotals()
    assert owed[0] > owed[1]
    assert w.market.state().cash == 0
    assert w.ok("draw_ticket", w.bob, 2, w.bob).value == 0
    first = w.ok("draw_ticket", w.alice, 1, w.alice).value
    w.tick(8_001 * WAD)
    w.ok("settle", w.keeper, loser)
    assert w.ok("draw_ticket", w.alice, 1, w.alice).value > 0 or first > 0
    w.close(w.carol, loser)
    w.ok("draw_ticket", w.alice, 1, w.alice)
    w.ok("draw_ticket", w.bob, 2, w.bob)
    w.no("NotTicketOwner", "draw_ticket", w.carol, 2, w.carol)
    w.no("NotTicketOwner", "draw_ticket", w.carol, 9, w.carol)
    w.close(w.carol, ids[3])
