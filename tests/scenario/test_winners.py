"""Providers leave while traders win: they get what is free, and the traders' profit stays."""

from __future__ import annotations

from collections.abc import Callable

from market_world import ANY, SOON, WAD, World
from story import DECIMALS, SIDES, against, left_behind

HOUR = 3_600


@DECIMALS
@SIDES
def test_providers_leave(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    w = new_world(decimals=decimals, redeem_delay_secs=HOUR)
    unit = w.twin.core.cfg.unit
    id_ = w.open(w.alice, sign * 2_500 * WAD, 900_000 * w.one)
    other = w.open(w.bob, -sign * 300 * WAD, 500_000 * w.one)
    shares = w.twin.pool.shares[w.lp]
    w.ok("request_redeem", w.lp, shares, w.lp, w.lp)

    # Hour by hour Alice wins more, and hour by hour a part of what waits is paid.
    reserves = [0]
    for hour in range(6):
        w.tick(against(sign, -180 * hour), seconds=w.params.redeem_delay_secs + 1)
        w.ok("accrue", w.keeper)
        w.tick(seconds=w.params.pricing_wait_secs)  # losses of a jump are waited for
        w.ok("accrue", w.keeper)
        reserves.append(w.pool.redemptionReserve())
        assert reserves[-1] >= reserves[-2]
        assert w.market.nav() >= 0
        assert w.twin.state.cash * unit >= w.twin.net_claim()
    assert 0 < reserves[1] < 10_000_000 * w.one  # no run takes it all: the rest backs positions
    assert w.pool.pendingRedeemShares() > 0

    # What was priced is theirs, whatever happens next; nobody is paid twice.
    claim = w.pool.maxRedeem(w.lp)
    before = w.token.balanceOf(w.lp)
    w.ok("redeem", w.lp, claim, w.lp, w.lp)
    assert 0 <= reserves[-1] - (w.token.balanceOf(w.lp) - before) <= len(reserves)

    # The winner leaves with margin and profit, in cash; then the last provider leaves too.
    paid = w.ok("close_and_withdraw", w.alice, id_, ANY[-sign], SOON, w.alice).value
    assert paid > 900_000 * w.one
    assert w.market.ticketTotals()[0] == 0
    w.ok("close_and_withdraw", w.bob, other, ANY[sign], SOON, w.bob)
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    assert w.pool.pendingRedeemShares() == 0
    w.ok("redeem", w.lp, w.pool.maxRedeem(w.lp), w.lp, w.lp)
    w.ok("sweep_fees", w.keeper)
    assert w.twin.pool.shares.get(w.lp, 0) == 0
    assert left_behind(w) <= len(reserves)
