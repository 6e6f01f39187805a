"""A gap through bankruptcy: the price jumps before any keeper can act."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, World
from story import DECIMALS, SIDES, against, crowd, keep, losses

from bulkhead.model.types import LiquidationResult as Is


@DECIMALS
@SIDES
@pytest.mark.parametrize("move", [500, 1_000, 1_999])
def test_a_gap(new_world: Callable[..., World], decimals: int, sign: int, move: int) -> None:
    """The fund and then the pool bear what is missing; the other side is paid; no vault pays for
    another."""
    w = new_world(decimals=decimals)
    ids, winner = crowd(w, sign)
    saved = 10_000 * w.one
    w.give(w.fund.address, saved)

    # The gap. One round closes everybody on the wrong side.
    w.tick(against(sign, move))
    share, safe = w.twin.state.insurance_due, w.twin.margin(winner)
    done = keep(w, [*ids, winner])
    assert done.value == (*[Is.FULL] * len(ids), Is.HEALTHY)

    # Insurance pays to its last unit, the pool bears the rest, and the event says so.
    debt, insured, borne = losses(done)
    assert debt == insured + borne
    assert insured == saved + share
    assert borne > 0
    assert w.token.balanceOf(w.fund.address) == 0
    assert w.twin.margin(winner) == safe

    # Nobody owes anything any more, and the winner takes margin and profit home at once.
    for id_ in ids:
        assert (w.twin.position(id_).size, w.twin.position(id_).basis) == (0, 0)
    w.tick(against(sign, move))
    paid = w.ok("close_and_withdraw", w.bob, winner, ANY[sign], SOON, w.bob).value
    assert paid > safe + 190 * move * w.one
    assert w.market.state().sizeLong == w.market.state().sizeShort == 0
    assert w.market.ticketTotals()[0] == 0
