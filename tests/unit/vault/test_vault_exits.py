"""payPool, payReward, payOwner: three typed exits, and a refusing token is an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vault_world import MAX_REWARD, Vaults

from bulkhead.chain.contract import Function
from bulkhead.chain.errors import reverts

EXITS = ["payPool", "payReward", "payOwner"]
RECEIVER = {"payPool": "pool", "payReward": "keeper", "payOwner": "owner"}
HONEST = ["TestToken", "NoReturnToken", "ApproveZeroToken"]
REFUSALS: dict[str, Callable[[Vaults], Any]] = {
    "BlacklistToken": lambda v: [
        v.token.setBlocked(who, True, False) for who in (v.pool, v.keeper, v.owner)
    ],
    "FalseReturnToken": lambda v: v.token.setManner(1),
    "PausableToken": lambda v: v.token.setPaused(True),
    "ReturnBombToken": lambda v: v.token.setBomb(2),
}


def arguments(vaults: Vaults, name: str, amount: int) -> tuple[Any, ...]:
    return (amount,) if name == "payPool" else (getattr(vaults, RECEIVER[name]), amount)


def exit_of(vaults: Vaults, name: str) -> Function:
    found: Function = getattr(vaults.vault, name)
    return found


@pytest.mark.parametrize("name", EXITS)
@pytest.mark.parametrize("token", HONEST)
@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
def test_exits__honest_token__move_just_this(
    new_vaults: Callable[..., Vaults], name: str, token: str, decimals: int
) -> None:
    vaults = new_vaults(token=token, decimals=decimals)
    before = vaults.balances()
    assert exit_of(vaults, name).call(*arguments(vaults, name, 7)) is True
    exit_of(vaults, name)(*arguments(vaults, name, 7))
    assert vaults.moved(before) == {"vault": -7, RECEIVER[name]: 7}


@pytest.mark.parametrize("name", EXITS)
@pytest.mark.parametrize("token", REFUSALS)
def test_exits__refusing_token__say_false(
    new_vaults: Callable[..., Vaults], name: str, token: str
) -> None:
    vaults = new_vaults(token=token)
    REFUSALS[token](vaults)
    before = vaults.balances()
    assert exit_of(vaults, name).call(*arguments(vaults, name, 7)) is False
    assert exit_of(vaults, name)(*arguments(vaults, name, 7)).ok
    assert vaults.moved(before) == {}


@pytest.mark.parametrize("bomb", [1, 2])
def test_exits__return_bomb__costs_no_copy(new_vaults: Callable[..., Vaults], bomb: int) -> None:
    vaults = new_vaults(token="ReturnBombToken")
    vaults.token.setBomb(bomb)
    receipt = vaults.vault.payReward(vaults.keeper, 7)
    assert receipt.gas_used < 2_300_000  # the token's own memory is 2.1M of it


@pytest.mark.parametrize("name", EXITS)
def test_exits__more_than_the_vault_has__say_false(vaults: Vaults, name: str) -> None:
    vaults.vault.payOwner(vaults.owner, 4_500)
    before = vaults.balances()
    assert exit_of(vaults, name).call(*arguments(vaults, name, 501)) is False
    exit_of(vaults, name)(*arguments(vaults, name, 501))
    assert vaults.moved(before) == {}


@pytest.mark.parametrize("name", EXITS)
def test_exits__not_the_market__are_refused(vaults: Vaults, name: str) -> None:
    for caller in (vaults.owner, vaults.pool, vaults.attacker, vaults.admin):
        with reverts("NotMarket", caller=caller):
            exit_of(vaults, name)(*arguments(vaults, name, 1), sender=caller)
        with reverts("NotMarket", caller=caller):
            getattr(vaults.bare, name)(*arguments(vaults, name, 1), sender=caller)


def test_pay_reward__at_the_maximum__pays(vaults: Vaults) -> None:
    before = vaults.balances()
    vaults.vault.payReward(vaults.keeper, MAX_REWARD)
    assert vaults.moved(before) == {"vault": -MAX_REWARD, "keeper": MAX_REWARD}


@pytest.mark.parametrize("amount", [MAX_REWARD + 1, 2**256 - 1])
def test_pay_reward__above_the_maximum__is_refused_even_to_the_market(
    vaults: Vaults, amount: int
) -> None:
    with reverts("RewardTooLarge", amount=amount, maximum=MAX_REWARD):
        vaults.vault.payReward(vaults.keeper, amount)


PAIRS = {"payRewardAndPool": ("keeper", "pool"), "payPoolAndOwner": ("pool", "owner")}


def both(vaults: Vaults, name: str, first: int, second: int) -> tuple[Any, ...]:
    if name == "payRewardAndPool":
        return vaults.keeper, first, second
    return first, vaults.owner, second


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("token", HONEST)
def test_two_payments__honest_token__move_just_these(
    new_vaults: Callable[..., Vaults], name: str, token: str
) -> None:
    vaults = new_vaults(token=token)
    before = vaults.balances()
    assert list(exit_of(vaults, name).call(*both(vaults, name, 7, 5))) == [True, True]
    exit_of(vaults, name)(*both(vaults, name, 7, 5))
    first, second = PAIRS[name]
    assert vaults.moved(before) == {"vault": -12, first: 7, second: 5}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("token", REFUSALS)
def test_two_payments__first_refused__nothing_moves(
    new_vaults: Callable[..., Vaults], name: str, token: str
) -> None:
    vaults = new_vaults(token=token)
    REFUSALS[token](vaults)
    before = vaults.balances()
    assert list(exit_of(vaults, name).call(*both(vaults, name, 7, 5))) == [False, False]
    exit_of(vaults, name)(*both(vaults, name, 7, 5))
    assert vaults.moved(before) == {}


@pytest.mark.parametrize("name", PAIRS)
def test_two_payments__second_refused__the_first_is_paid(
    new_vaults: Callable[..., Vaults], name: str
) -> None:
    vaults = new_vaults(token="BlacklistToken")
    first, second = PAIRS[name]
    vaults.token.setBlocked(getattr(vaults, second), True, False)
    before = vaults.balances()
    assert list(exit_of(vaults, name).call(*both(vaults, name, 7, 5))) == [True, False]
    exit_of(vaults, name)(*both(vaults, name, 7, 5))
    assert vaults.moved(before) == {"vault": -7, first: 7}


@pytest.mark.parametrize("name", PAIRS)
def test_two_payments__not_the_market__are_refused(vaults: Vaults, name: str) -> None:
    for caller in (vaults.owner, vaults.pool, vaults.attacker, vaults.admin):
        with reverts("NotMarket", caller=caller):
            exit_of(vaults, name)(*both(vaults, name, 1, 1), sender=caller)


def test_pay_reward_and_pool__above_the_maximum__is_refused_even_to_the_market(
    vaults: Vaults,
) -> None:
    with reverts("RewardTooLarge", amount=MAX_REWARD + 1, maximum=MAX_REWARD):
        vaults.vault.payRewardAndPool(vaults.keeper, MAX_REWARD + 1, 1)


def test_pay_reward_and_pool__nothing_for_the_pool__pays_the_keeper(vaults: Vaults) -> None:
    before = vaults.balances()
    assert list(vaults.vault.payRewardAndPool.call(vaults.keeper, 7, 0)) == [True, True]
    vaults.vault.payRewardAndPool(vaults.keeper, 7, 0)
    assert vaults.moved(before) == {"vault": -7, "keeper": 7}


def test_pay_pool_and_owner__nothing_for_the_pool__pays_the_owner(vaults: Vaults) -> None:
    before = vaults.balances()
    assert list(vaults.vault.payPoolAndOwner.call(0, vaults.owner, 7)) == [True, True]
    vaults.vault.payPoolAndOwner(0, vaults.owner, 7)
    assert vaults.moved(before) == {"vault": -7, "owner": 7}


def test_immutables__every_clone__are_the_implementations(vaults: Vaults) -> None:
    for one in (vaults.vault, vaults.other, vaults.bare):
        assert (one.MARKET(), one.TOKEN(), one.POOL(), one.MAX_REWARD()) == (
            vaults.market,
            vaults.token.address,
            vaults.pool,
            MAX_REWARD,
        )


@pytest.mark.parametrize("name", EXITS)
def test_exits__gas__is_bounded(vaults: Vaults, name: str) -> None:
    """What an exit adds to a plain transfer: proxy, dispatch, checks."""
    vaults.token.mint(vaults.owner, 100)
    vaults.token.mint(vaults.pool, 1)
    vaults.token.mint(vaults.keeper, 1)
    plain = vaults.token.transfer(vaults.pool, 1, sender=vaults.owner).gas_used
    used = exit_of(vaults, name)(*arguments(vaults, name, 7)).gas_used
    assert used - plain < 6_500


def test_code__vault__has_no_way_out_of_itself(vaults: Vaults) -> None:
    """I-41: no delegatecall, callcode, create or selfdestruct in the implementation."""
    code = vaults.rpc.code(vaults.bare)
    found, i = set(), 0
    while i < len(code):
        found.add(code[i])
        i += code[i] - 0x5E if 0x60 <= code[i] <= 0x7F else 1
    assert not found & {0xF0, 0xF2, 0xF4, 0xF5, 0xFF}, [hex(op) for op in sorted(found)]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x12\x34\x56\x78", bytes(68)])
def test_unknown_calls__anyone__revert(vaults: Vaults, data: bytes) -> None:
    for sender in (vaults.market, vaults.attacker):
        assert not vaults.rpc.send(vaults.vault, data, sender=sender, check=False).ok


def test_ether__sent_to_it__is_refused(vaults: Vaults) -> None:
    assert not vaults.rpc.send(vaults.vault, b"", sender=vaults.owner, value=1, check=False).ok
