"""KI-7: positions that fill the pool just before redemptions are priced send these round again."""

from __future__ import annotations

from collections.abc import Callable

from market_world import ANY, SOON, WAD, World

LIQUIDITY = 1_000_000
SIZE = 100 * WAD
BRINGS = 40_000  # margin of each position, whole tokens
LEGS = 5  # of each side: together all that the pool carries


def redeem_all(w: World) -> int:
    """The provider asks everything back; returns when that is due."""
    shares = w.pool.balanceOf(w.lp)
    w.ok("request_redeem", w.lp, shares, w.lp, w.lp)
    return int(w.pool.nextDueAt())


def fill_up(w: World) -> list[int]:
    """Both sides are opened as far as the pool carries them: no skew, no funding, no view taken."""
    return [
        w.open(who, sign * SIZE, BRINGS * w.one)
        for _ in range(LEGS)
        for who, sign in ((w.alice, 1), (w.bob, -1))
    ]


def test_a_delay_costs_taker_and_maker_fee_twice(new_world: Callable[..., World]) -> None:
    """0.14 % of NAV for each redeemDelay at the fees listed, half of it the pool's."""
    w = new_world(liquidity=LIQUIDITY)
    due = redeem_all(w)
    w.at(due - 12)
    w.set(2_000 * WAD)
    w.ok("accrue", w.keeper)
    had, worth = sum(w.token.balanceOf(who) for who in (w.alice, w.bob)), w.twin.nav()
    ids = fill_up(w)
    assert w.twin.free_liquidity() < LIQUIDITY * w.one // 1_000
    w.tick(seconds=13)
    w.ok("accrue", w.keeper)
    waiting = w.pool.redeemBuckets()
    assert waiting.waiting > w.pool.totalSupply() * 999 // 1_000
    assert waiting.dueAt == w.now + w.params.redeem_delay_secs
    for number, id_ in enumerate(ids):
        who, limit = (w.bob, ANY[1]) if number % 2 else (w.alice, ANY[-1])
        w.ok("close_and_withdraw", who, id_, limit, SOON, who)
    cost = had - sum(w.token.balanceOf(who) for who in (w.alice, w.bob))
    side = LEGS * SIZE * 2_000 // WAD * w.one  # notional of a side, opened and closed
    fees = 2 * side * (w.params.taker_fee + w.params.maker_fee) // WAD
    assert side == LIQUIDITY * w.one
    assert 0 <= cost - fees <= 100
    assert fees * 10_000 == 14 * LIQUIDITY * w.one
    assert w.twin.nav() + w.pool.redemptionReserve() * w.twin.core.cfg.unit > worth
