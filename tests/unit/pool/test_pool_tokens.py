"""The whole life of a deposit over the token matrix, and tokens that can't be served."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pool_world import World, changes

from bulkhead.chain.errors import reverts

ORDINARY = ["TestToken", "NoReturnToken", "ApproveZeroToken", "BlacklistToken", "PausableToken"]


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize("token", ORDINARY)
def test_life__token_matrix__in_and_out_again(
    new_world: Callable[..., World], token: str, decimals: int
) -> None:
    world = new_world(token=token, decimals=decimals)
    assets = 1_000 * world.one
    before = world.token.balanceOf(world.lp)
    world.invest(world.other, assets)
    shares = world.invest(world.lp, assets)
    world.request_redeem(world.lp, shares)
    world.price()
    world.withdraw(world.pool.maxWithdraw(world.lp), world.lp, world.lp)
    assert 0 <= before - world.token.balanceOf(world.lp) <= 2
    world.solvent()


def test_request_deposit__fee_on_transfer__is_refused(new_world: Callable[..., World]) -> None:
    world = new_world(token="FeeToken")
    world.token.as_(world.admin).setFee(100)
    before = world.books()
    with reverts("WrongAmountReceived", received=990, asked=1_000):
        world.request_deposit(world.lp, 1_000)
    assert changes(before, world.books()) == {}


def test_request_deposit__lying_token__is_refused(new_world: Callable[..., World]) -> None:
    world = new_world(token="FalseReturnToken")
    world.token.as_(world.admin).setManner(2)
    with reverts("WrongAmountReceived", received=0, asked=1_000):
        world.request_deposit(world.lp, 1_000)
    world.token.as_(world.admin).setManner(1)
    with reverts("SafeERC20FailedOperation"):
        world.request_deposit(world.lp, 1_000)


def test_request_deposit__rebasing_token_that_rounds__is_refused(
    new_world: Callable[..., World],
) -> None:
    world = new_world(token="RebasingToken")
    world.token.as_(world.admin).rebase(3 * 10**18)
    with reverts("WrongAmountReceived", received=999, asked=1_000):
        world.request_deposit(world.lp, 1_000)


def test_total_assets__rebase__changes_nothing(new_world: Callable[..., World]) -> None:
    world = new_world(token="RebasingToken")
    world.invest(world.lp, 1_000)
    worth = world.pool.totalAssets()
    world.token.as_(world.admin).rebase(2 * 10**18)
    assert world.pool.totalAssets() == worth


def test_claim__blacklisted_controller__takes_it_elsewhere(
    new_world: Callable[..., World],
) -> None:
    """And nobody else waits for it."""
    world = new_world(token="BlacklistToken")
    shares = world.invest(world.lp, 1_000)
    world.request_redeem(world.lp, shares)
    world.token.as_(world.admin).setBlocked(world.lp, True, True)
    world.price()
    claim = world.pool.maxWithdraw(world.lp)
    with reverts("Listed", who=world.lp):
        world.withdraw(claim, world.lp, world.lp)
    assert world.pool.maxWithdraw(world.lp) == claim
    world.withdraw(claim, world.other, world.lp)


@pytest.mark.parametrize("blocked", ["pool", "lp"])
def test_pricing__refusing_token__goes_on(new_world: Callable[..., World], blocked: str) -> None:
    """Pricing moves no token, so no token can stop the market's mark."""
    world = new_world(token="BlacklistToken")
    shares = world.invest(world.lp, 1_000)
    world.request_redeem(world.lp, shares)
    world.request_deposit(world.other, 100)
    who = world.pool.address if blocked == "pool" else world.lp
    world.token.as_(world.admin).setBlocked(who, True, True)
    world.price()
    assert world.pool.maxMint(world.other) > 0
    assert world.pool.maxRedeem(world.lp) == shares


def test_claim__paused_token__waits_for_it(new_world: Callable[..., World]) -> None:
    world = new_world(token="PausableToken")
    world.request_redeem(world.lp, world.invest(world.lp, 1_000))
    world.price()
    claim = world.pool.maxWithdraw(world.lp)
    token = world.token.as_(world.admin)
    token.setPaused(True)
    with reverts("Paused"):
        world.withdraw(claim, world.lp, world.lp)
    token.setPaused(False)
    world.withdraw(claim, world.lp, world.lp)
    assert world.pool.maxWithdraw(world.lp) == 0


def test_claim__return_bomb__is_refused_and_kept(new_world: Callable[..., World]) -> None:
    world = new_world(token="ReturnBombToken")
    world.request_redeem(world.lp, world.invest(world.lp, 1_000))
    world.price()
    claim = world.pool.maxWithdraw(world.lp)
    world.token.as_(world.admin).setBomb(1)
    with reverts("SafeERC20FailedOperation"):
        world.withdraw(claim, world.lp, world.lp)
    assert world.pool.maxWithdraw(world.lp) == claim
