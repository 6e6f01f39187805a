"""What a new pool is: names, decimals, interfaces, an empty book."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_hash.auto import keccak
from pool_world import World

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Rpc

INTERFACES = {
    "ERC-165": 0x01FFC9A7,
    "ERC-7540 operator": 0xE3BC4E65,
    "ERC-7540 deposit": 0xCE3BBE50,
    "ERC-7540 redeem": 0x620EE8E4,
    "ERC-7575": 0x2F0A18C5,
}


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
def test_constructor__any_decimals__shares_have_three_more(
    new_world: Callable[..., World], decimals: int
) -> None:
    pool = new_world(decimals=decimals).pool
    assert pool.decimals() == decimals + 3


def test_constructor__more_than_18_decimals__is_refused(world: World) -> None:
    fine = deploy(world.rpc, "TestToken", 19, sender=world.admin)
    with reverts("Panic", code=0x11):
        deploy(world.rpc, "LiquidityPool", world.market, fine, "n", "s", sender=world.admin)


def test_constructor__new_pool__is_empty(world: World) -> None:
    pool = world.pool
    assert (pool.name(), pool.symbol()) == ("Pool", "BLP")
    assert pool.MARKET() == world.market.address
    assert pool.asset() == world.token.address
    assert pool.share() == pool.address
    assert pool.totalSupply() == pool.totalAssets() == pool.accounted() == pool.nextDueAt() == 0
    assert tuple(pool.depositBuckets()) == tuple(pool.redeemBuckets()) == (0, 0, 1, 0)


@pytest.mark.parametrize("name", INTERFACES)
def test_supports_interface__standard_ids__are_supported(world: World, name: str) -> None:
    assert world.pool.supportsInterface(INTERFACES[name].to_bytes(4, "big"))


@pytest.mark.parametrize("wrong", [0xFFFFFFFF, 0, 0x36372B07])
def test_supports_interface__others__are_not(world: World, wrong: int) -> None:
    assert not world.pool.supportsInterface(wrong.to_bytes(4, "big"))


def test_supports_interface__ids__follow_from_the_selectors() -> None:
    """The interfaces declare the standard's functions, and no others."""

    def combined(*signatures: str) -> int:
        found = 0
        for one in signatures:
            found ^= int.from_bytes(keccak(one.encode())[:4], "big")
        return found

    assert INTERFACES["ERC-7540 operator"] == combined(
        "setOperator(address,bool)", "isOperator(address,address)"
    )
    assert INTERFACES["ERC-7540 deposit"] == combined(
        "requestDeposit(uint256,address,address)",
        "pendingDepositRequest(uint256,address)",
        "claimableDepositRequest(uint256,address)",
        "deposit(uint256,address,address)",
        "mint(uint256,address,address)",
    )
    assert INTERFACES["ERC-7540 redeem"] == combined(
        "requestRedeem(uint256,address,address)",
        "pendingRedeemRequest(uint256,address)",
        "claimableRedeemRequest(uint256,address)",
    )


def test_size__pool__leaves_a_kilobyte(rpc: Rpc, artifacts: Artifacts, world: World) -> None:
    assert len(rpc.code(world.pool)) <= 24_576 - 1_000


def test_permit__shares__have_a_domain(world: World) -> None:
    domain = world.pool.eip712Domain()
    assert (domain.name, domain.version) == ("Pool", "1")
    assert domain.verifyingContract == world.pool.address
    assert world.pool.nonces(world.lp) == 0
