"""Auto-deleveraging: the pool's cash hardly covers what the winners may claim."""

from __future__ import annotations

from collections.abc import Callable

from market_world import WAD, World
from story import DECIMALS, SIDES, against, empty_all

from bulkhead.model.types import Reason


def small_pool(
    new_world: Callable[..., World], decimals: int, sign: int, first: int, second: int
) -> tuple[World, list[int]]:
    """400,000 of liquidity; two winners on one side, a small loser on the other."""
    w = new_world(decimals=decimals, liquidity=400_000)
    ids = [
        w.open(w.alice, sign * first * WAD, 40_000 * w.one),
        w.open(w.carol, -sign * 10 * WAD, 40_000 * w.one),
    ]
    w.tick((2_000 + sign * 10) * WAD)
    ids.append(w.open(w.bob, sign * second * WAD, 40_000 * w.one))
    return w, ids


def factor(w: World) -> int:
    """Net claim of the traders over the pool's cash (Wad). Without cash: 1 if there is a claim."""
    claim, cash = max(0, w.twin.net_claim()), w.twin.state.cash * w.twin.core.cfg.unit
    return claim * WAD // cash if cash else WAD * (claim > 0)


@DECIMALS
@SIDES
def test_down_to_the_target(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """Below 1 the best of the leaning side gives way, until adlTarget, and keeps its margin."""
    w, (first, loser, second) = small_pool(new_world, decimals, sign, 180, 15)
    w.no(Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, first)
    w.tick(against(sign, -1_930))
    w.ok("accrue", w.keeper)
    assert w.params.adl_start < factor(w) < WAD

    # Neither the loser nor a position below its side's average is eligible.
    w.no(Reason.NOT_ADL_TARGET, "deleverage", w.keeper, loser)
    w.no(Reason.NOT_ADL_TARGET, "deleverage", w.keeper, second)
    margin, size, loser_margin = (
        w.twin.margin(first),
        abs(w.twin.position(first).size),
        w.twin.margin(loser),
    )
    equity = w.twin.equity(first)
    w.ok("deleverage", w.keeper, first)
    left = abs(w.twin.position(first).size)
    assert 0 < left < size
    assert w.twin.margin(first) > margin
    assert w.twin.margin(loser) == loser_margin
    assert abs(w.twin.equity(first) - equity) <= 2 * w.twin.core.cfg.unit
    assert w.params.adl_target <= factor(w) < w.params.adl_start
    w.no(Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, first)

    # What is left of everybody closes as usual.
    w.tick()
    empty_all(w, [loser, first, second])


@DECIMALS
def test_more_than_everything(new_world: Callable[..., World], decimals: int) -> None:
    """From 1 on whole positions are closed, paid their share of the cash, the rest by ticket.

    Only longs can win more than the pool has: a short never wins more than its notional, and the
    pool had that when it was opened.
    """
    w, (first, loser, second) = small_pool(new_world, decimals, 1, 120, 75)
    w.ok("add_margin", w.carol, loser, 100_000 * w.one)
    w.tick(5_500 * WAD)
    w.ok("accrue", w.keeper)
    assert factor(w) > WAD

    # The best goes first; then the other one is the average, and goes too.
    w.no(Reason.NOT_ADL_TARGET, "deleverage", w.keeper, second)
    w.no(Reason.NOT_ADL_TARGET, "deleverage", w.keeper, loser)
    for id_ in (first, second):
        before = factor(w)
        claim, margin, cash = w.twin.claim(id_), w.twin.margin(id_), w.twin.state.cash
        done = w.ok("deleverage", w.keeper, id_)
        assert w.twin.position(id_).size == 0
        paid, ticket = w.twin.margin(id_) - margin, done.event("TicketWritten").amount
        assert 0 < paid <= cash
        cost = claim // w.twin.core.cfg.unit - paid - ticket
        assert 0 <= cost <= claim // w.twin.core.cfg.unit // 100  # what unwinding the skew costs
        assert factor(w) <= before
    w.no(Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, loser)

    # The loser's payments fund the tickets, first in, first out.
    w.tick(5_501 * WAD)
    w.ok("settle", w.dave, loser)
    assert w.ok("draw_ticket", w.alice, 1, w.alice).value > 0
    assert w.ok("draw_ticket", w.bob, 2, w.bob).value == 0
    w.ok("accrue", w.keeper)
    w.close(w.carol, loser)
    owed, paid_, _, _ = w.market.ticketTotals()
    assert owed > paid_
    assert w.market.state().cash == 0
    empty_all(w, [first, second, loser])
