"""A feed that dies: an announcement, one that a mark calls off, and the final settlement."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World
from story import DECIMALS, against

from bulkhead.model.types import Mode, Reason

# Who wins with shorts never wins more than the pool has: prices end at 0.
CASES = pytest.mark.parametrize(
    ("sign", "poor"),
    [(1, False), (-1, False), (-1, True)],
    ids=["long", "short", "short-and-a-poor-pool"],
)


@DECIMALS
@CASES
def test_a_dead_feed(new_world: Callable[..., World], decimals: int, sign: int, poor: bool) -> None:
    """Losers pay in, winners get tickets, all rank alike; providers share what is left."""
    w = new_world(decimals=decimals, liquidity=1_000_000)
    winner = w.open(w.bob, -sign * 200 * WAD, 60_000 * w.one)
    second = w.open(w.carol, -sign * 100 * WAD, 30_000 * w.one)
    loser = w.open(w.alice, sign * 100 * WAD, 30_000 * w.one)
    half = w.twin.pool.shares[w.lp] // 2
    w.ok("request_redeem", w.lp, half, w.lp, w.lp)
    silence = w.params.dead_after_secs

    # Silence. Too early nobody may end it; an announcement is called off by the next mark.
    w.silence()
    w.at(w.now + silence - 60)
    w.no(Reason.NOT_DEAD, "announce_final", w.governance, against(sign, 100))
    w.at(w.now + 60)
    w.ok("announce_final", w.governance, against(sign, 100))
    w.at(w.now + 3_600)
    w.speak()
    w.set(2_000 * WAD)
    w.ok("accrue", w.keeper)
    assert w.market.state().mode == Mode.REDUCE_ONLY
    w.no(Reason.MODE_FORBIDS, "execute_final", w.keeper)

    # Then it is dead for good. Anyone fixes the price after the delay; a mark now changes nothing.
    w.silence()
    w.at(w.now + silence)
    final = against(sign, 4_500 if poor else 700)
    w.ok("announce_final", w.governance, final)
    w.at(w.now + silence)
    w.ok("execute_final", w.dave)
    w.speak()
    w.set(2_000 * WAD)
    w.no(Reason.MODE_FORBIDS, "close", w.alice, loser, ANY[-sign], SOON)

    # Everybody is settled by a stranger, in whatever order; the loser's debt falls on the pool.
    w.ok("settle_final", w.dave, winner)
    w.no("NotTicketOwner", "draw_ticket", w.dave, 1, w.dave)
    debt = w.ok("settle_final", w.dave, loser).event("BadDebt")
    assert debt.amount == debt.fromInsurance + debt.fromPool > 0
    w.ok("settle_final", w.dave, second)
    assert w.market.state().mode == Mode.SETTLED

    # All tickets get the same part of what they are worth, to a unit.
    ratio = w.market.ticketTotals()[2]
    assert (ratio < 10**27) == poor
    for number, who in ((1, w.bob), (2, w.carol)):
        amount = w.twin.ticket(number).amount
        assert w.ok("draw_ticket", who, number, who).value == amount * ratio // 10**27
        assert w.ok("draw_ticket", who, number, who).value == 0
    for id_, who in ((winner, w.bob), (second, w.carol), (loser, w.alice)):
        if w.twin.margin(id_):
            w.ok("remove_margin", who, id_, w.twin.margin(id_), who)

    # Providers: what waited is priced without a mark, and nothing of theirs stays.
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp], w.lp, w.lp)
    for _ in range(3):
        w.at(w.now + w.params.redeem_delay_secs + 1)
        w.ok("accrue", w.dave)
    claim = w.pool.maxRedeem(w.lp)
    if w.twin.state.cash or claim:
        w.ok("redeem", w.lp, claim, w.lp, w.lp)
        assert w.twin.pool.shares.get(w.lp, 0) == 0
    w.ok("sweep_fees", w.dave)
    left = w.token.balanceOf(w.pool.address)
    assert left <= 5, f"{left} token units stay in an empty pool"
