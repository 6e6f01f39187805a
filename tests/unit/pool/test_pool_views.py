"""The standards' views, the pool's accounts, and both while the market acts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pool_world import World

from bulkhead.chain.errors import reverts

PREVIEWS = ["previewDeposit", "previewMint", "previewWithdraw", "previewRedeem"]
MAXIMA = ["maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"]


@pytest.mark.parametrize("name", PREVIEWS)
@pytest.mark.parametrize("amount", [0, 1, 2**256 - 1])
def test_previews__any_input__revert(world: World, name: str, amount: int) -> None:
    with reverts("NoPreview"):
        getattr(world.pool, name)(amount)


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_total_assets__any_nav__is_floored_at_zero(
    new_world: Callable[..., World], decimals: int, sign: int
) -> None:
    world = new_world(decimals=decimals)
    world.market.setValue(sign * (7 * world.unit + world.unit // 2), 0)
    assert world.pool.totalAssets() == max(0, sign) * 7


def test_total_assets__donation__changes_nothing(invested: World) -> None:
    world = invested
    before = [world.pool.totalAssets(), world.pool.convertToAssets(10**12), world.pool.accounted()]
    world.token.as_(world.attacker).transfer(world.pool, 10**9)
    after = [world.pool.totalAssets(), world.pool.convertToAssets(10**12), world.pool.accounted()]
    assert before == after


def test_convert__virtual_shares__count(invested: World) -> None:
    world = invested
    world.market.setValue(world.market.value() + 12_345 * world.unit + 1, 0)
    nav, supply = world.pool.totalAssets(), world.pool.totalSupply()
    assert world.pool.convertToShares(777) == 777 * (supply + 1_000) // (nav + 1)
    assert world.pool.convertToAssets(10**9 + 7) == (10**9 + 7) * (nav + 1) // (supply + 1_000)


def test_convert__no_nav_left__still_answers(invested: World) -> None:
    world = invested
    world.market.setValue(-5 * 10**18, 0)
    assert world.pool.convertToAssets(world.pool.totalSupply()) == 0
    assert world.pool.convertToShares(1) == world.pool.totalSupply() + 1_000


def test_nav_views__locked_market__revert_with_it(invested: World) -> None:
    world = invested
    world.market.setLocked(True)
    for view, args in [("totalAssets", ()), ("convertToShares", (1,)), ("convertToAssets", (1,))]:
        with reverts("Locked"):
            getattr(world.pool, view)(*args)


@pytest.mark.parametrize("name", MAXIMA)
def test_max__locked_market__is_zero_and_never_reverts(invested: World, name: str) -> None:
    world = invested
    world.request_deposit(world.lp, 100)
    world.request_redeem(world.lp, 100_000)
    world.price()
    view = getattr(world.pool, name)
    assert view(world.lp) > 0
    world.market.setLocked(True)
    assert view(world.lp) == 0


def test_accounted__every_kind_of_money__is_in_it(invested: World) -> None:
    world = invested
    world.request_deposit(world.lp, 100)
    world.request_deposit(world.other, 11)
    world.request_redeem(world.lp, 10**9)
    world.price(free=10**6)
    cash = world.market.state().cash
    world.market.setCash(cash - 70, 30, 40)
    reserve, pending = world.pool.redemptionReserve(), world.pool.pendingDepositAssets()
    assert (reserve, pending) == (10**6, 11)
    assert world.pool.accounted() == cash + reserve + pending
    assert world.token.balanceOf(world.pool) == world.pool.accounted()
