"""Prices that jump: a gap through bankruptcy, a cascade, an outage, traders who win it all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason


def crowd(w: World, count: int = 12) -> list[int]:
    """Longs of growing leverage, and one short against them."""
    found = [w.open(w.alice, 20 * WAD, (2_100 + 150 * n) * w.one) for n in range(count)]
    return [*found, w.open(w.bob, -200 * WAD, 150_000 * w.one)]


def keep(w: World, ids: list[int]) -> tuple[int, ...]:
    """A keeper's round."""
    return tuple(w.ok("liquidate_many", w.keeper, tuple(ids), w.keeper).value)


@pytest.mark.parametrize("price", [1_500, 1_000, 1])
def test_a_gap_through_bankruptcy(world: World, price: int) -> None:
    """Everybody long is gone; the fund and the pool bear what is missing, the short is paid."""
    w = world
    ids = crowd(w)
    w.give(w.fund.address, 10_000 * w.one)
    w.tick(price * WAD)
    results = keep(w, ids)
    assert results == (*[Is.FULL] * 12, Is.HEALTHY)
    assert w.token.balanceOf(w.fund.address) == 0
    w.tick(price * WAD)
    paid = w.ok("close_and_withdraw", w.bob, ids[-1], ANY[1], SOON, w.bob).value
    assert paid > 150_000 * w.one
    assert w.market.state().sizeLong == w.market.state().sizeShort == 0


def test_a_cascade(world: World) -> None:
    """Down step by step with a keeper at each: no bad debt at all."""
    w = world
    ids = crowd(w)
    seen: set[int] = set()
    for price in range(1_995, 1_780, -5):
        w.tick(price * WAD, seconds=30)
        seen |= set(keep(w, ids))
    assert {Is.PARTIAL, Is.FULL, Is.HEALTHY} <= seen
    assert w.market.nav() > 9_980_000 * WAD


def test_an_outage_and_its_grace(world: World) -> None:
    """While the price is gone margin still goes in; after it grace protects who is not bankrupt."""
    w = world
    ids = crowd(w)
    w.silence()
    w.at(w.now + 7_200)
    w.no("PriceInvalid", "liquidate", w.keeper, ids[0], w.keeper)
    w.ok("add_margin", w.alice, ids[0], 2_000 * w.one)
    w.speak()
    w.set(1_925 * WAD, resumed=w.now)
    w.ok("accrue", w.keeper)
    results = keep(w, ids)
    assert Is.FULL not in results
    assert results[1] == Is.IN_GRACE
    w.no(Reason.IN_GRACE, "open", w.carol, 0, WAD, 1_000 * w.one, ANY[1], SOON)
    w.ok("close", w.alice, ids[11], ANY[-1], SOON)
    w.tick(1_925 * WAD, seconds=w.params.grace_secs)
    results = keep(w, ids)
    assert results[0] == Is.HEALTHY
    assert results[1] in (Is.PARTIAL, Is.FULL)


def test_providers_leave_while_traders_win(world: World) -> None:
    """A redemption gets what is free; what the traders may claim stays."""
    w = world
    id_ = w.open(w.alice, 2_500 * WAD, 900_000 * w.one)
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp], w.lp, w.lp)
    for step in range(6):
        w.tick((2_000 + 200 * step) * WAD, seconds=w.params.redeem_delay_secs + 1)
        w.ok("accrue", w.keeper)
        w.tick(seconds=w.params.pricing_wait_secs)
        w.ok("accrue", w.keeper)
        assert w.market.nav() >= 0
    before = w.twin.net_claim()
    assert w.twin.state.cash * w.twin.core.cfg.unit >= before
    paid = w.ok("close_and_withdraw", w.alice, id_, ANY[-1], SOON, w.alice).value
    assert paid > 900_000 * w.one
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)


def test_donations_change_nothing_but_their_vault(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 8_000 * w.one)
    nav, equity = w.market.nav(), w.twin.equity(id_)
    w.give(w.dave, 3_000 * w.one)
    w.send(w.dave, w.pool.address, 1_000 * w.one)
    w.send(w.dave, w.market.address, 1_000 * w.one)
    assert w.market.nav() == nav
    assert w.twin.equity(id_) == equity
    w.send(w.dave, w.twin.core.vault(id_), 1_000 * w.one)
    assert w.twin.equity(id_) == equity + 1_000 * WAD
    w.ok("remove_margin", w.alice, id_, 1_000 * w.one, w.alice)


def test_everybody_can_leave(new_world: Callable[..., World]) -> None:
    """After a wild day all positions close, all fees go, all liquidity leaves."""
    w = new_world(liquidity=2_000_000)
    ids = crowd(w)
    for price in (2_080, 1_930, 1_890, 2_200):
        w.tick(price * WAD, seconds=3_000)
        keep(w, ids)
    w.tick(seconds=60)
    for id_ in ids:
        held = w.twin.position(id_)
        if held.size:
            w.close(held.owner, id_)
        if w.twin.margin(id_):
            w.ok("remove_margin", held.owner, id_, w.twin.margin(id_), held.owner)
    w.ok("sweep_fees", w.keeper)
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp], w.lp, w.lp)
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    assert w.twin.pool.shares.get(w.lp, 0) == 0
    assert w.market.state().bucketDueAt == 0
