"""What attackers of comparable vaults did."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_world import World

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.rpc import Rpc


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize("first", [2, 3, 1_000])
@pytest.mark.parametrize("donated", ["tokens", "shares", "both"])
def test_first_depositor__worst_donation__victim_loses_nothing(
    new_world: Callable[..., World], decimals: int, first: int, donated: str
) -> None:
    """I-37. Donated tokens are not in NAV, donated shares only make the others worth more."""
    world = new_world(decimals=decimals)
    world.invest(world.attacker, first)
    if donated != "shares":
        held = world.token.balanceOf(world.attacker)
        world.token.as_(world.attacker).transfer(world.pool, held)
    if donated != "tokens":
        held = world.pool.balanceOf(world.attacker)
        world.pool.as_(world.attacker).transfer(world.pool, held)
    assets = 10_000 * world.one
    shares = world.invest(world.lp, assets)
    lost = assets - world.pool.convertToAssets(shares)
    assert lost * 10_000 <= assets, "I-37: a first depositor took more than 0.01 %"
    assert lost <= 1


def test_first_depositor__profit_of_the_pool_before_anybody__victim_keeps_its_part(
    world: World,
) -> None:
    """Even where money really reaches a pool that has only the least deposit."""
    world.invest(world.attacker, 2)
    world.price(profit=1_000_000)
    assets = 10_000 * world.one
    shares = world.invest(world.lp, assets)
    lost = assets - world.pool.convertToAssets(shares)
    assert lost * 10_000 <= assets


@given(
    first=st.integers(2, 10**12),
    profit=st.integers(-(10**6), 10**12),
    assets=st.integers(2, 10**12),
    pieces=st.integers(1, 3),
)
def test_round_trip__any_price__never_profits(
    rpc: Rpc,
    artifacts: Artifacts,
    accounts: list[str],
    first: int,
    profit: int,
    assets: int,
    pieces: int,
) -> None:
    """I-37. Deposit and redeem at one NAV, whole or in pieces."""
    with rpc.isolated():
        world = World(rpc, accounts)
        world.invest(world.other, first)
        if -first < profit:
            world.price(profit=profit)
        before = world.token.balanceOf(world.lp)
        shares = world.invest(world.lp, assets)
        for i in range(pieces):
            part = shares // pieces if i < pieces - 1 else world.pool.balanceOf(world.lp)
            if part:
                world.request_redeem(world.lp, part)
                world.price()
        if world.pool.maxWithdraw(world.lp):
            world.withdraw(world.pool.maxWithdraw(world.lp), world.lp, world.lp)
        assert world.token.balanceOf(world.lp) <= before, "I-37: a round trip profited"
        world.solvent()


def test_known_event__request_before_it_and_price_after__gains_nothing(invested: World) -> None:
    """I-39. Whoever asks before a profit is priced after it: at the higher price."""
    world = invested
    world.request_deposit(world.attacker, 1_000 * world.one)
    world.price(profit=300 * world.one)
    world.deposit(1_000 * world.one, world.attacker, world.attacker)
    shares = world.pool.balanceOf(world.attacker)
    assert world.pool.convertToAssets(shares) <= 1_000 * world.one


def test_matured_redemption__unclaimed__has_no_option(invested: World) -> None:
    """A priced claim neither gains from later profits nor escapes the price it got."""
    world = invested
    world.request_redeem(world.lp, 10**9)
    world.price()
    claim = world.pool.maxWithdraw(world.lp)
    world.price(profit=300 * world.one)
    assert world.pool.maxWithdraw(world.lp) == claim
    world.price(profit=-900 * world.one)
    assert world.pool.maxWithdraw(world.lp) == claim
    world.withdraw(claim, world.lp, world.lp)
    world.solvent()


def test_share_price__pricing_at_constant_nav__never_falls(invested: World) -> None:
    """I-36, over deposits, full and partial redemptions."""
    world = invested
    amounts = [777, 10**6 + 1, 13, 999_999_999]
    for i, amount in enumerate(amounts):
        before = (world.pool.totalAssets() + 1, world.pool.totalSupply() + 1_000)
        world.request_deposit(world.lp, amount)
        world.request_redeem(world.other, amount * 17)
        world.price(free=amount // (i + 1))
        after = (world.pool.totalAssets() + 1, world.pool.totalSupply() + 1_000)
        assert after[0] * before[1] >= before[0] * after[1], "I-36: the share price fell"
