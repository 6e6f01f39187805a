"""The end of a market: announceFinal, executeFinal, settleFinal, drawTicket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import Mode, Reason


def dead(w: World) -> None:
    """Silence for deadAfter."""
    w.silence()
    w.at(w.now + w.params.dead_after_secs)


def test_announcement(world: World) -> None:
    w = world
    w.ok("accrue", w.bob)
    w.silence()
    w.no("AccessManagedUnauthorized", "announce_final", w.bob, 2_000 * WAD)
    w.at(w.now + w.params.dead_after_secs - 1)
    w.no(Reason.NOT_DEAD, "announce_final", w.governance, 2_000 * WAD)
    w.no(Reason.MODE_FORBIDS, "execute_final", w.bob)
    w.at(w.now + 1)
    for bad in (10**9 - 1, 2**96, 2**256 - 1):
        w.no(Reason.PRICE_OUT_OF_RANGE, "announce_final", w.governance, bad)
    w.ok("announce_final", w.governance, 10**9)
    w.ok("announce_final", w.governance, 1_900 * WAD)
    w.at(w.now + w.params.dead_after_secs - 1)
    w.no(Reason.TOO_EARLY, "execute_final", w.bob)
    w.at(w.now + 1)
    w.ok("execute_final", w.bob)
    w.no(Reason.MODE_FORBIDS, "announce_final", w.governance, 1_900 * WAD)
    w.no(Reason.MODE_FORBIDS, "execute_final", w.bob)
    w.no(Reason.MODE_FORBIDS, "set_params", w.governance, w.params)
    w.no(Reason.MODE_FORBIDS, "enter_reduce_only", w.guardian)
    w.no(Reason.MODE_FORBIDS, "leave_reduce_only", w.governance)


def test_a_mark_calls_it_off(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    dead(w)
    w.ok("announce_final", w.governance, 1_900 * WAD)
    w.no(Reason.MODE_FORBIDS, "open", w.bob, 0, 50 * WAD, 9_000 * w.one, ANY[1], SOON)
    w.speak()
    w.set(2_000 * WAD)
    w.ok("decrease", w.alice, id_, -WAD, ANY[-1], SOON)
    assert w.market.state().mode == Mode.REDUCE_ONLY
    assert w.market.finalPrice()[1] == 0
    w.at(w.now + w.params.dead_after_secs)
    w.no(Reason.MODE_FORBIDS, "execute_final", w.bob)


@pytest.mark.parametrize("price", [1_000, 1_900, 2_100, 4_000])
@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_everybody_is_settled(new_world: Callable[..., World], decimals: int, price: int) -> None:
    w = new_world(decimals=decimals, liquidity=1_000_000)
    ids = [
        w.open(w.alice, 300 * WAD, 90_000 * w.one),
        w.open(w.bob, -200 * WAD, 50_000 * w.one),
        w.open(w.carol, 150 * WAD, 40_000 * w.one),
    ]
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp] // 2, w.lp, w.lp)
    dead(w)
    w.ok("announce_final", w.governance, price * WAD)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.carol)
    forbidden = Reason.MODE_FORBIDS
    w.no(forbidden, "close", w.alice, ids[0], ANY[-1], SOON)
    w.no(forbidden, "liquidate", w.keeper, ids[0], w.keeper)
    w.no(forbidden, "deleverage", w.keeper, ids[0])
    w.no(forbidden, "remove_margin", w.alice, ids[0], 1, w.alice)
    w.no(forbidden, "transfer_position", w.alice, ids[0], w.bob)
    w.ok("add_margin", w.alice, ids[0], 5)
    w.ok("accrue", w.bob)
    w.ok("settle", w.bob, ids[1])
    w.no("UnknownPosition", "settle_final", w.bob, 99)
    for id_ in ids:
        assert w.market.state().mode == Mode.FINAL
        w.ok("settle_final", w.keeper, id_)
    assert w.market.state().mode == Mode.SETTLED
    w.no(Reason.IS_FLAT, "settle_final", w.keeper, ids[0])
    number = w.market.ticketTotals()[3]
    for one in range(1, number):
        who = w.twin.ticket(one).owner
        stranger = w.alice if who == w.bob else w.bob
        w.no("NotTicketOwner", "draw_ticket", stranger, one, stranger)
        w.no(Reason.BAD_RECEIVER, "draw_ticket", who, one, w.pool.address)
        w.ok("draw_ticket", who, one, who)
        assert w.ok("draw_ticket", who, one, who).value == 0
    for id_, who in zip(ids, (w.alice, w.bob, w.carol), strict=True):
        left = w.twin.margin(id_)
        if left:
            w.ok("remove_margin", who, id_, left, who)
    w.ok("sweep_fees", w.bob)
    w.ok("accrue", w.bob)
    w.at(w.now + 2 * w.params.redeem_delay_secs)
    w.ok("accrue", w.bob)
