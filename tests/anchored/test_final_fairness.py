"""A dead market pays nobody first: neither funding nor what comes in late."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from market_world import WAD, World

from bulkhead.model.types import Mode

RAY = 10**27


def dies(w: World, price: int) -> None:
    """Silence, and a final price."""
    w.silence()
    w.at(w.now + w.params.dead_after_secs)
    w.ok("announce_final", w.governance, price * WAD)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.keeper)
    assert w.market.state().mode == Mode.FINAL


@pytest.mark.parametrize("touched", [(), (0,), (1,), (0, 1)])
def test_funding_is_no_first_claim(new_world: Callable[..., World], touched: Sequence[int]) -> None:
    """Whoever is touched after the price is final: funding waits in the claim, for the ticket."""
    w = new_world(liquidity=150_000)
    loser = w.open(w.carol, 60 * WAD, 20_000 * w.one)
    winners = [w.open(who, -20 * WAD, 20_000 * w.one) for who in (w.alice, w.bob)]
    for _ in range(5):
        w.tick(seconds=86_400)
        w.ok("accrue", w.keeper)
    dies(w, 1_000)
    index, cash = w.twin.state.funding_index, w.twin.state.cash
    margins = [w.twin.margin(id_) for id_ in winners]
    earned = [20 * (index - w.twin.position(id_).funding_entry) for id_ in winners]
    assert min(earned) > 100 * WAD
    for i in touched:
        done = w.ok("settle", w.keeper, winners[i])
        assert done.event("PositionChanged").fundingPaid == 0
    assert w.twin.state.cash == cash
    assert [w.twin.margin(id_) for id_ in winners] == margins
    claims = [w.twin.claim(id_) for id_ in winners]
    for claim, funding in zip(claims, earned, strict=True):
        assert claim > 19_900 * WAD + funding  # 20 sold at 2,000 less impact, worth 1,000 each
    for id_ in (*winners, loser):
        w.ok("settle_final", w.keeper, id_)
    tickets = [w.twin.ticket(number).amount for number in (1, 2)]
    assert tickets == [claim // w.twin.core.cfg.unit for claim in claims]


def cut_short(new_world: Callable[..., World], debt: int) -> tuple[World, int, int]:
    """A settled market that owes more than it had; a loser's tokens are frozen in its vault."""
    w = new_world(token="BlacklistToken", liquidity=100_000)
    loser = w.open(w.carol, -40 * WAD, debt * w.one)
    w.open(w.alice, 25 * WAD, 20_000 * w.one)
    winner = w.open(w.bob, 20 * WAD, 20_000 * w.one)
    w.block(w.twin.core.vault(loser), True, True)
    dies(w, 9_000)
    for id_ in (loser, winner - 1, winner):
        w.ok("settle_final", w.keeper, id_)
    assert w.market.state().mode == Mode.SETTLED
    assert 0 < w.market.ticketTotals()[2] < RAY
    assert w.twin.position(loser).basis > 0
    w.block(w.twin.core.vault(loser), False, False)
    return w, loser, winner


@pytest.mark.parametrize("way", ["settle", "remove_margin"])
@pytest.mark.parametrize("drawn", [False, True])
def test_late_debt_goes_to_tickets_first(
    new_world: Callable[..., World], way: str, drawn: bool
) -> None:
    w, loser, _ = cut_short(new_world, debt=20_000)
    ratio, cash = w.market.ticketTotals()[2], w.twin.state.cash
    first = w.ok("draw_ticket", w.alice, 1, w.alice).value if drawn else 0
    debt = w.twin.position(loser).basis // w.twin.core.cfg.unit
    if way == "settle":
        w.ok("settle", w.keeper, loser)
    else:
        w.send(w.alice, w.twin.core.vault(loser), 5 * w.one)
        w.ok("remove_margin", w.carol, loser, 5 * w.one, w.carol)
    raised = w.market.ticketTotals()[2]
    assert ratio < raised < RAY
    assert w.twin.state.cash - cash <= 1  # the rounding of what is set aside
    owed = w.twin.core.totals.owed - w.twin.core.totals.paid
    assert 0 <= debt - (raised - ratio) * owed // RAY <= 2
    for number, who in ((1, w.alice), (2, w.bob)):
        paid = w.ok("draw_ticket", who, number, who).value + (first if number == 1 else 0)
        assert paid == w.twin.ticket(number).amount * raised // RAY


def test_late_debt_beyond_the_tickets_is_the_pools(new_world: Callable[..., World]) -> None:
    w, loser, _ = cut_short(new_world, debt=250_000)
    totals = w.twin.core.totals
    owed = totals.owed - totals.paid
    short = owed - -(-owed * totals.final_ratio // RAY)
    debt = w.twin.position(loser).basis // w.twin.core.cfg.unit
    assert debt > short
    cash = w.twin.state.cash
    w.ok("settle", w.keeper, loser)
    assert w.market.ticketTotals()[2] == RAY
    assert w.twin.state.cash == cash + debt - short
    w.ok("settle", w.keeper, loser)
    assert w.twin.state.cash == cash + debt - short


@pytest.mark.parametrize("refuses", [False, True], ids=["pays", "frozen"])
@pytest.mark.parametrize("rich", [False, True], ids=["tickets cut short", "tickets whole"])
def test_insurance_is_not_left_behind(
    new_world: Callable[..., World], rich: bool, refuses: bool
) -> None:
    """Once it stayed in the fund for ever; now it raises what tickets get, or is the LPs'."""
    w = new_world(token="BlacklistToken", liquidity=1_000_000 if rich else 100_000)
    id_ = w.open(w.alice, 45 * WAD, 40_000 * w.one)
    w.give(w.fund.address, 5_000 * w.one)
    due = w.twin.state.insurance_due
    assert due > 0
    if refuses:
        w.block(w.fund.address)
    dies(w, 9_000)
    cash = w.twin.state.cash
    funding = w.ok("settle_final", w.keeper, id_).event("PositionChanged").fundingPaid
    assert w.market.state().mode == Mode.SETTLED
    assert w.twin.state.insurance_due == 0
    assert w.twin.balance(w.fund.address) == (5_000 * w.one if refuses else 0)
    held = cash + funding + due + (0 if refuses else 5_000 * w.one)
    owed = w.twin.ticket(1).amount
    assert (w.market.ticketTotals()[2] == RAY) == rich
    paid = w.ok("draw_ticket", w.alice, 1, w.alice).value
    assert paid == min(owed, w.market.ticketTotals()[2] * owed // RAY)
    assert (w.twin.state.cash == held - owed) if rich else (0 <= held - paid <= 1)
    w.ok("sweep_fees", w.keeper)
