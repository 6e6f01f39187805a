"""redeem and withdraw: claims of assets that were set aside."""

from __future__ import annotations

import pytest
from pool_world import World, changes, only

from bulkhead.chain.errors import reverts


@pytest.fixture
def filled(invested: World) -> World:
    """1,000,777 shares of lp are redeemed at a price that is not round."""
    world = invested
    world.request_redeem(world.lp, 1_000_777)
    world.price(profit=12_345)
    return world


def test_redeem__a_part__takes_its_assets(filled: World) -> None:
    world = filled
    shares, assets = world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp)
    before = world.books()
    receipt = world.redeem(333, world.other, world.lp)
    out = 333 * assets // shares
    expected = {
        "reserve": -out,
        "accounted": -out,
        "tokens of pool": -out,
        "tokens of other": out,
        "withdrawable by lp": -out,
        "redeemed by lp": -333,
    }
    assert changes(before, world.books()) == {k: v for k, v in expected.items() if v}
    event = only(receipt, "Withdraw")
    assert (event.sender, event.receiver, event.owner) == (world.lp, world.other, world.lp)
    assert (event.assets, event.shares) == (out, 333)


def test_redeem__everything__empties_the_reserve(filled: World) -> None:
    world = filled
    held = world.token.balanceOf(world.lp)
    assets = world.pool.maxWithdraw(world.lp)
    assert world.pool.redeem.call(1_000_777, world.lp, world.lp, sender=world.lp) == assets
    world.redeem(1_000_777, world.lp, world.lp)
    assert world.token.balanceOf(world.lp) == held + assets
    assert world.pool.redemptionReserve() <= 1  # rounded down, once
    assert world.pool.claimableRedeemRequest(1, world.lp) == 0


def test_redeem__less_than_a_unit__pays_nothing(filled: World) -> None:
    world = filled
    before = world.books()
    world.redeem(1, world.other, world.lp)
    assert changes(before, world.books()) == {"redeemed by lp": -1}


def test_withdraw__a_part__rounds_shares_up(filled: World) -> None:
    world = filled
    shares, assets = world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp)
    taken = -(-7 * shares // assets)
    before = world.books()
    receipt = world.withdraw(7, world.other, world.lp)
    assert changes(before, world.books()) == {
        "reserve": -7,
        "accounted": -7,
        "tokens of pool": -7,
        "tokens of other": 7,
        "withdrawable by lp": -7,
        "redeemed by lp": -taken,
    }
    assert (only(receipt, "Withdraw").assets, only(receipt, "Withdraw").shares) == (7, taken)


def test_withdraw__everything__takes_all_shares(filled: World) -> None:
    world = filled
    world.withdraw(world.pool.maxWithdraw(world.lp), world.lp, world.lp)
    assert world.pool.maxRedeem(world.lp) == world.pool.maxWithdraw(world.lp) == 0
    assert world.pool.redemptionReserve() <= 1


def test_redeem__in_pieces__pays_the_same_in_the_end(filled: World) -> None:
    """What a rounded piece left behind stays in the claim."""
    world = filled
    held, assets = world.token.balanceOf(world.lp), world.pool.maxWithdraw(world.lp)
    for _ in range(4):
        world.redeem(1, world.lp, world.lp)
    world.redeem(world.pool.maxRedeem(world.lp) - 500, world.lp, world.lp)
    world.redeem(500, world.lp, world.lp)
    assert (world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp)) == (0, 0)
    assert world.token.balanceOf(world.lp) == held + assets


def test_claims__of_a_partial_fill__while_the_rest_waits(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.price(free=100)
    assert world.pool.maxWithdraw(world.lp) in (99, 100)
    world.withdraw(99, world.lp, world.lp)
    rest = world.pool.pendingRedeemRequest(1, world.lp)
    world.price(free=50)
    assert world.pool.maxWithdraw(world.lp) in (49, 50, 51)
    assert world.pool.pendingRedeemRequest(1, world.lp) < rest


def test_claims__by_an_operator__work(filled: World) -> None:
    world = filled
    world.pool.as_(world.lp).setOperator(world.operator, True)
    held = world.token.balanceOf(world.operator)
    world.withdraw(7, world.operator, world.lp, sender=world.operator)
    receipt = world.redeem(5_000, world.operator, world.lp, sender=world.operator)
    assert only(receipt, "Withdraw").sender == world.operator
    assert world.token.balanceOf(world.operator) > held + 7


def test_claims__by_anybody_else__are_refused(filled: World) -> None:
    """Not even with an allowance: the shares are gone, the claim is the controller's."""
    world = filled
    world.pool.as_(world.lp).approve(world.attacker, 10**30)
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.redeem(1, world.attacker, world.lp, sender=world.attacker)
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.withdraw(1, world.attacker, world.lp, sender=world.attacker)


def test_claims__more_than_there_is__are_refused(filled: World) -> None:
    world = filled
    shares, assets = world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp)
    with reverts("ERC4626ExceededMaxRedeem", owner=world.lp, shares=shares + 1, max=shares):
        world.redeem(shares + 1, world.lp, world.lp)
    with reverts("ERC4626ExceededMaxWithdraw", owner=world.lp, assets=assets + 1, max=assets):
        world.withdraw(assets + 1, world.lp, world.lp)


def test_claims__zero__are_refused(filled: World) -> None:
    with reverts("AmountTooSmall", amount=0, least=1):
        filled.redeem(0, filled.lp, filled.lp)
    with reverts("AmountTooSmall", amount=0, least=1):
        filled.withdraw(0, filled.lp, filled.lp)


def test_claims__locked_market__are_refused(filled: World) -> None:
    filled.market.setLocked(True)
    with reverts("MarketLocked"):
        filled.redeem(1, filled.lp, filled.lp)
    with reverts("MarketLocked"):
        filled.withdraw(1, filled.lp, filled.lp)


def test_claims__settled_market__still_work(filled: World) -> None:
    filled.market.setMode(4)
    assert filled.withdraw(7, filled.lp, filled.lp).ok
