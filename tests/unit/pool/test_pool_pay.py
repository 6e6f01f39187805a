"""pay: the market's word, and a refusing token is an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pool_world import LATE, World, actor, changes

from bulkhead.chain.errors import reverts

HOSTILE = {
    "BlacklistToken": lambda world: world.token.setBlocked(world.other, True, False),
    "FalseReturnToken": lambda world: world.token.setManner(1),
    "PausableToken": lambda world: world.token.setPaused(True),
    "ReturnBombToken": lambda world: world.token.setBomb(2),
}


@pytest.mark.parametrize("token", ["TestToken", "NoReturnToken"])
def test_pay__honest_token__moves_just_this(new_world: Callable[..., World], token: str) -> None:
    world = new_world(token=token)
    world.invest(world.lp, 1_000)
    before = world.books()
    assert world.market.pay.call(world.other, 7) is True
    world.market.pay(world.other, 7)
    assert changes(before, world.books()) == {"tokens of pool": -7, "tokens of other": 7}


@pytest.mark.parametrize("token", HOSTILE)
def test_pay__refusing_token__is_false_and_moves_nothing(
    new_world: Callable[..., World], token: str
) -> None:
    world = new_world(token=token)
    world.token = world.token.as_(world.admin)
    world.invest(world.lp, 1_000)
    HOSTILE[token](world)
    before = world.books()
    assert world.market.pay.call(world.other, 7) is False
    assert world.market.pay(world.other, 7).ok
    assert changes(before, world.books()) == {}


def test_pay__return_bomb__costs_no_copy(new_world: Callable[..., World]) -> None:
    world = new_world(token="ReturnBombToken")
    world.invest(world.lp, 1_000)
    for bomb in (1, 2):
        world.token.as_(world.admin).setBomb(bomb)
        # The token pays 2.1M for its own memory; copying it here would double that.
        assert world.market.pay(world.other, 7).gas_used < 2_400_000


def test_pay__more_than_the_pool_has__is_false(world: World) -> None:
    assert world.market.pay.call(world.other, 1) is False


def test_pay__not_the_market__is_refused(world: World) -> None:
    with reverts("NotMarket", caller=world.attacker):
        world.pool.as_(world.attacker).pay(world.attacker, 1)


@pytest.mark.parametrize("inner", ["pay", "priceDeposits", "priceRedeems"])
def test_market_side__in_the_middle_of_a_request__is_refused(
    new_world: Callable[..., World], inner: str
) -> None:
    """The market works only between the pool's user functions, never inside one."""
    world = new_world(token="HookToken")
    world.invest(world.lp, 1_000)
    thief = actor(world.rpc, world.admin)
    calls = {
        "pay": world.market.pay.encode(thief, 1),
        "priceDeposits": world.market.priceDeposits.encode(LATE, 1),
        "priceRedeems": world.market.priceRedeems.encode(LATE, 1, 1),
    }
    thief.arm(world.market, calls[inner])
    world.token.as_(world.admin).setHook(world.lp, thief)
    world.request_deposit(world.lp, 100)
    assert thief.called()
    assert not thief.worked()
    assert thief.answer()[:4].hex() == "3ee5aeb5"  # ReentrancyGuardReentrantCall()
    assert world.pool.pendingDepositAssets() == 100
