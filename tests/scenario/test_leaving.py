"""After a wild day everybody leaves."""

from __future__ import annotations

from collections.abc import Callable

from market_world import World
from story import DECIMALS, SIDES, against, crowd, empty_all, keep, left_behind


@DECIMALS
@SIDES
def test_everybody_can_leave(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """All positions close, all fees go, all liquidity leaves; only dust and Psi are left behind."""
    w = new_world(decimals=decimals, liquidity=2_000_000)
    ids, other = crowd(w, sign)
    for move in (-80, 70, 110, -200):
        w.tick(against(sign, move), seconds=3_000)
        keep(w, [*ids, other])
    w.tick(seconds=60)
    empty_all(w, [*ids, other])
    w.ok("sweep_fees", w.keeper)
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp], w.lp, w.lp)
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    w.ok("redeem", w.lp, w.pool.maxRedeem(w.lp), w.lp, w.lp)
    assert w.twin.pool.shares.get(w.lp, 0) == 0
    assert w.market.state().bucketDueAt == 0
    assert left_behind(w) <= 5
