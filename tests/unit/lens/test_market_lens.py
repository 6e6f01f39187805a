"""Positions, liquidation prices and the market's figures, against the twin."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from foresight import Lenses
from market_world import SOON, WAD, World

from bulkhead.model import pricing
from bulkhead.model.margin import im, mm, tm
from bulkhead.model.wad import ceil_div

USD = 10**6
TICK = 10**6  # a feed's is 10**10 at 8 decimals


def crowd(w: World, seed: int, count: int = 10) -> list[int]:
    """Positions of both sides and all sizes with margins from tight to ample."""
    dice, ids = random.Random(seed), []
    for _ in range(count):
        size = dice.choice([1, -1]) * dice.randint(1, 2_000) * WAD // 20
        margin = abs(size) * 2_000 * dice.randint(7, 60) * USD // 100 // WAD
        ids.append(w.open(dice.choice([w.alice, w.bob]), size, margin + 50 * USD))
        w.tick(seconds=dice.randint(1, 2_000), spread=dice.choice([0, WAD // 3_000]))
    return ids


@pytest.mark.parametrize("seed", range(3))
def test_positions_are_the_twins(world: World, seed: int) -> None:
    w, lens = world, Lenses(world)
    ids = crowd(w, seed)
    w.tick(2_000 * WAD * random.Random(seed).randint(97, 103) // 100, spread=WAD // 1_000)
    foreseen = lens.market.positions(w.market, 0, 0)
    w.ok("accrue", w.keeper)
    core, s = w.twin.core, w.twin.state
    assert [one.id for one in foreseen] == ids
    for view in foreseen:
        held, books = w.twin.position(view.id), core.ledger(view.id)
        size, notional = abs(held.size), ceil_div(abs(held.size) * s.mark, WAD)
        favourable = core.favourable(held.size)
        there = ceil_div(size * favourable, WAD)
        assert (view.owner, view.size, view.basis) == (held.owner, held.size, held.basis)
        assert (view.flags, view.fundingEntry) == (held.flags, held.funding_entry)
        assert (view.vault, view.margin) == (core.vault(view.id), w.twin.margin(view.id))
        assert view.notional == notional
        assert view.equity == books.equity(s.mark)
        assert view.im == im(notional, pricing.im_multiplier(core), core.cfg)
        assert view.favourablePrice == favourable
        assert view.favourableEquity == books.equity(favourable)
        assert view.mm == mm(there, s.ramp, core.cfg)
        assert view.tm == tm(there, s.ramp, core.cfg)
        assert view.liquidatable == (view.favourableEquity < view.mm)
        assert abs(view.marginRatio - view.equity * WAD // notional) <= 1
    assert foreseen == lens.market.positions(w.market, 0, 0)  # held now
    assert foreseen[2:5] == lens.market.positions(w.market, 3, 6)
    assert foreseen[8:] == lens.market.positions(w.market, 9, 10**9)
    assert lens.market.positions(w.market, 7, 7) == []
    assert [foreseen[4], foreseen[0]] == lens.market.positionsOf(w.market, [5, 1])
    assert lens.see(10**6).owner == "0x" + "0" * 40
    unhealthy = [view.id for view in foreseen if view.liquidatable]
    assert lens.market.liquidatable(w.market, 0, 0) == unhealthy


def test_entry_price_is_the_fill(world: World) -> None:
    w, lens = world, Lenses(world)
    done = w.ok("open", w.alice, 0, 10 * WAD, 5_000 * USD, 2**256 - 1, SOON)
    fill = done.event("PositionChanged").fill
    assert abs(lens.see(1).entryPrice - fill) <= 1
    w.tick(2_100 * WAD, seconds=100_000)
    w.ok("settle", w.bob, 1)
    assert abs(lens.see(1).entryPrice - fill) <= 10**12  # funding is settled in whole token units


@pytest.mark.parametrize("spread", [0, WAD // 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_liquidation_price(world: World, seed: int, spread: int) -> None:
    """Liquidatable at the price, not a tick beyond it; and the liquidation goes through."""
    w, lens = world, Lenses(world)
    ids = crowd(w, seed, 8)
    w.tick(spread=spread)
    checked = 0
    for id_ in ids:
        w.set(2_000 * WAD, spread)
        view = lens.see(id_)
        price, sign = view.liquidationPrice, 1 if view.size > 0 else -1
        assert lens.market.liquidationPrice(w.market, id_) == (price, view.driftPerDay)
        if price == 0:  # covered at any price
            w.set(10**9, spread)
            assert view.size > 0
            assert not lens.see(id_).liquidatable
            continue
        checked += 1
        w.set(price + sign * TICK, spread)
        assert not lens.see(id_).liquidatable
        assert id_ not in lens.market.liquidatable(w.market, 0, 0)
        w.set(price - sign * TICK, spread)
        assert lens.see(id_).liquidatable
        with w.branch() as branch:
            lens.of(branch).play("liquidate", w.keeper, id_, w.keeper)
        lens.of(w)
    assert checked >= 5


def check_price(lens: Lenses, id_: int) -> None:
    """Liquidatable at the price, not beyond it."""
    w, view = lens.w, lens.see(id_)
    sign = 1 if view.size > 0 else -1
    w.set(view.liquidationPrice - sign * TICK)
    assert lens.see(id_).liquidatable
    w.set(view.liquidationPrice + sign * TICK)
    assert not lens.see(id_).liquidatable


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_liquidation_price_in_every_bracket(world: World, sign: int) -> None:
    """From below minNotional to the last bracket that caps allow, at a raised multiplier too."""
    w, lens = world, Lenses(world)
    w.give(w.alice, 10**8 * USD)
    least = w.params.min_notional * WAD // (2_000 * WAD) + WAD // 1_000
    ids = []
    for size in (least, 40 * WAD, 400 * WAD, 1_000 * WAD, 1_700 * WAD):
        ids.append(w.open(w.alice, sign * size, size * 2_000 * USD // WAD // 3))
        w.open(w.alice, -sign * size, size * 2_000 * USD // WAD // 3)
    w.tick()
    for id_ in ids:
        w.set(2_000 * WAD)
        check_price(lens, id_)
    w.tick(2_300 * WAD, seconds=300)
    w.ok("accrue", w.keeper)
    w.tick(2_000 * WAD, seconds=300)
    w.ok("accrue", w.keeper)
    w.tick(seconds=3_000)
    w.ok("accrue", w.keeper)
    w.tick()
    assert lens.all().muMm > WAD
    for id_ in ids:
        w.set(2_000 * WAD)
        check_price(lens, id_)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_drift(world: World, sign: int) -> None:
    """A day's funding at the present rate moves the price by as much as the index, over 1 -+ MM."""
    w, lens = world, Lenses(world)
    id_ = w.open(w.alice, sign * 50 * WAD, 15_000 * USD)
    w.tick(seconds=40_000)
    view, market = lens.see(id_), lens.all()
    rate = w.twin.core.cfg.table[0].mm_rate * market.muMm // WAD
    assert market.fundingPerDay * sign > 0
    assert view.driftPerDay * sign > 0  # toward the mark for whoever pays
    wanted = market.fundingPerDay * WAD // (WAD - sign * rate)
    assert abs(view.driftPerDay - wanted) <= abs(wanted) // 10**6 + 1_000


def test_notional_by_price(world: World) -> None:
    w, lens = world, Lenses(world)
    crowd(w, 7)
    w.tick()
    prices = [mark * WAD for mark in range(1_200, 3_000, 200)]
    longs, shorts = lens.market.liquidatableNotional(w.market, 0, 0, prices)
    for price, long, short in zip(prices, longs, shorts, strict=True):
        w.set(price)
        found = [0, 0]
        for view in lens.market.positions(w.market, 0, 0):
            if view.liquidatable:
                found[view.size < 0] += view.notional
        assert [long, short] == found
    assert longs[0]
    assert shorts[-1]


def test_market_view(new_world: Callable[..., World]) -> None:
    w = new_world()
    lens = Lenses(w)
    crowd(w, 3)
    w.tick(2_060 * WAD, seconds=700, spread=WAD // 2_000)
    seen = lens.all()
    assert seen.fresh
    w.ok("accrue", w.keeper)
    assert seen.state == w.market.state()
    core = w.twin.core
    assert seen.nav == w.market.nav() == pricing.nav(core)
    assert seen.freeLiquidity == w.market.freeLiquidity()
    assert seen.netClaim == pricing.net_claim(core)
    assert seen.longClaim == pricing.side_claim(core, 1)
    assert seen.shortClaim == pricing.side_claim(core, -1)
    assert seen.notionalLong == pricing.side_notional(core, 1)
    assert seen.notionalShort == pricing.side_notional(core, -1)
    assert seen.muIm == pricing.im_multiplier(core) >= seen.muMm == w.twin.state.ramp
    bound = seen.nav * core.cfg.max_utilisation // WAD
    assert seen.capacity == min(core.cfg.max_open_interest, bound)
    assert seen.roomLong == seen.capacity - seen.notionalLong
    larger = max(seen.notionalLong, seen.notionalShort)
    assert seen.utilisation == ceil_div(larger * WAD, seen.capacity)
    assert seen.skew == w.twin.state.skew
    cash = w.twin.state.cash * core.cfg.unit
    assert seen.adlFactor == max(0, seen.netClaim) * WAD // cash
    assert (seen.inGrace, seen.adlActive, seen.openTickets) == (False, False, 0)


def test_grace_protects_what_is_not_under_water(world: World) -> None:
    w, lens = world, Lenses(world)
    id_ = w.open(w.alice, 50 * WAD, 8_000 * USD)
    w.ok("enter_reduce_only", w.guardian)
    w.ok("leave_reduce_only", w.governance)
    w.tick(1_880 * WAD)
    seen = lens.all()
    assert seen.inGrace
    assert seen.graceEnd == seen.state.resumedAt + w.params.grace_secs
    assert not lens.see(id_).liquidatable
    lens.play("liquidate", w.keeper, id_, w.keeper)
    w.tick(1_500 * WAD)
    assert lens.see(id_).liquidatable
    lens.play("liquidate", w.keeper, id_, w.keeper)
