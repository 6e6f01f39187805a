"""A token that calls back in the middle of a transfer finds every door closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_hash.auto import keccak
from pool_world import DEPOSIT, MINT, World, actor, changes

from bulkhead.chain.contract import Contract

INNER = [
    "requestDeposit",
    "requestRedeem",
    "refundDeposit",
    "deposit",
    "mint",
    "redeem",
    "withdraw",
]


@pytest.fixture
def hooked(new_world: Callable[..., World]) -> tuple[World, Contract]:
    """An actor that has something in every state: tokens, shares, both claims."""
    world = new_world(token="HookToken")
    thief = actor(world.rpc, world.attacker)
    world.token.as_(world.admin).mint(thief, 10**9)
    run(thief, world.token, world.token.approve.encode(world.pool, 2**256 - 1))
    run(thief, world.pool, world.pool.requestDeposit.encode(10**6, thief, thief))
    world.price()
    run(thief, world.pool, world.pool[DEPOSIT].encode(10**5, thief, thief))
    run(thief, world.pool, world.pool.requestRedeem.encode(10**7, thief, thief))
    world.price()
    world.token.as_(world.admin).setHook(thief, thief)
    return world, thief


def run(thief: Contract, target: Contract, data: bytes) -> None:
    thief.run(target, data)


def inner_call(world: World, thief: Contract, name: str) -> bytes:
    pool = world.pool
    return {
        "requestDeposit": pool.requestDeposit.encode(100, thief, thief),
        "refundDeposit": pool.refundDeposit.encode(thief, thief),
        "requestRedeem": pool.requestRedeem.encode(100, thief, thief),
        "deposit": pool[DEPOSIT].encode(100, thief, thief),
        "mint": pool[MINT].encode(100, thief, thief),
        "redeem": pool.redeem.encode(100, thief, thief),
        "withdraw": pool.withdraw.encode(1, thief, thief),
    }[name]


def selector(text: str) -> bytes:
    return keccak(text.encode())[:4]


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", ["requestDeposit", "withdraw"])
def test_user_functions__inside_another__are_refused(
    hooked: tuple[World, Contract], outer: str, inner: str
) -> None:
    world, thief = hooked
    thief.arm(world.pool, inner_call(world, thief, inner))
    run(thief, world.pool, inner_call(world, thief, outer))
    assert thief.called()
    assert thief.answer()[:4] == selector("ReentrancyGuardReentrantCall()")
    world.solvent()


@pytest.mark.parametrize("inner", INNER)
def test_user_functions__inside_a_payment_of_the_market__are_refused(
    hooked: tuple[World, Contract], inner: str
) -> None:
    world, thief = hooked
    thief.arm(world.pool, inner_call(world, thief, inner))
    before = world.books(thief)
    world.market.pay(thief, 5)
    assert thief.called()
    assert thief.answer()[:4] == selector("MarketLocked()")
    assert changes(before, world.books(thief)) == {"tokens of pool": -5, "tokens of 0": 5}


@pytest.mark.parametrize("view", ["totalAssets()", "convertToAssets(uint256)"])
def test_nav__inside_a_payment_of_the_market__can_not_be_read(
    hooked: tuple[World, Contract], view: str
) -> None:
    world, thief = hooked
    thief.arm(world.pool, selector(view) + bytes(32))
    world.market.pay(thief, 5)
    assert thief.answer()[:4] == selector("Locked()")


def test_share_price__inside_a_claim__is_what_it_was(hooked: tuple[World, Contract]) -> None:
    world, thief = hooked
    expected = world.pool.convertToAssets(10**12)
    thief.arm(world.pool, world.pool.convertToAssets.encode(10**12))
    run(thief, world.pool, inner_call(world, thief, "withdraw"))
    assert thief.worked()
    assert int.from_bytes(thief.answer(), "big") == expected == world.pool.convertToAssets(10**12)
