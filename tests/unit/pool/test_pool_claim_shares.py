"""deposit and mint: claims of shares that were priced."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pool_world import World, changes, only

from bulkhead.chain.contract import Contract
from bulkhead.chain.errors import reverts

ZERO = "0x" + "0" * 40


@pytest.fixture
def priced(world: World) -> World:
    """1,000 units of lp are priced: 999,000 shares."""
    world.request_deposit(world.lp, 1_000)
    world.price()
    return world


def test_deposit__a_part__takes_its_shares(priced: World) -> None:
    world = priced
    before = world.books()
    receipt = world.deposit(333, world.other, world.lp)
    shares = 333 * 999_000 // 1_000
    assert changes(before, world.books()) == {
        "shares of pool": -shares,
        "shares of other": shares,
        "deposited by lp": -333,
        "minted for lp": -shares,
    }
    event = only(receipt, "Deposit")
    assert (event.sender, event.owner) == (world.lp, world.other)  # controller, receiver
    assert (event.assets, event.shares) == (333, shares)


def test_deposit__everything__empties_the_claim(priced: World) -> None:
    world = priced
    assert (
        world.pool["deposit(uint256,address,address)"].call(
            1_000, world.lp, world.lp, sender=world.lp
        )
        == 999_000
    )
    world.deposit(1_000, world.lp, world.lp)
    assert world.pool.maxDeposit(world.lp) == world.pool.maxMint(world.lp) == 0
    assert world.pool.claimableDepositRequest(1, world.lp) == 0
    assert world.pool.balanceOf(world.lp) == 999_000


def test_mint__a_part__rounds_assets_up(priced: World) -> None:
    world = priced
    before = world.books()
    receipt = world.mint(1, world.other, world.lp)
    assert changes(before, world.books()) == {
        "shares of pool": -1,
        "shares of other": 1,
        "deposited by lp": -1,
        "minted for lp": -1,
    }
    assert (only(receipt, "Deposit").assets, only(receipt, "Deposit").shares) == (1, 1)


def test_mint__everything__takes_all_assets(priced: World) -> None:
    world = priced
    world.mint(999_000, world.lp, world.lp)
    assert world.pool.maxDeposit(world.lp) == world.pool.maxMint(world.lp) == 0


def test_mint__assets_used_up_by_rounding__rest_stays_claimable(priced: World) -> None:
    """Each mint of one share takes a whole unit; the shares themselves are never lost."""
    world = priced
    world.deposit(999, world.lp, world.lp)
    world.mint(1, world.lp, world.lp)
    assert world.pool.maxDeposit(world.lp) == 0
    world.mint(world.pool.maxMint(world.lp), world.lp, world.lp)
    assert world.pool.balanceOf(world.lp) == 999_000


def two_arguments(world: World, name: str) -> Callable[..., object]:
    pool: Contract = world.pool
    return pool[f"{name}(uint256,address)"].send


def test_deposit__two_arguments__claims_for_the_caller(priced: World) -> None:
    world = priced
    two_arguments(world, "deposit")(400, world.other, sender=world.lp)
    two_arguments(world, "mint")(999, world.other, sender=world.lp)
    assert world.pool.balanceOf(world.other) == 400 * 999 + 999
    with reverts("ERC4626ExceededMaxDeposit", receiver=world.other, assets=1, max=0):
        two_arguments(world, "deposit")(1, world.other, sender=world.other)
    with reverts("ERC4626ExceededMaxMint", receiver=world.other, shares=1, max=0):
        two_arguments(world, "mint")(1, world.other, sender=world.other)


def test_claims__by_an_operator__work(priced: World) -> None:
    world = priced
    world.pool.as_(world.lp).setOperator(world.operator, True)
    world.deposit(400, world.operator, world.lp, sender=world.operator)
    world.mint(999, world.operator, world.lp, sender=world.operator)
    assert world.pool.balanceOf(world.operator) == 400 * 999 + 999


def test_claims__by_anybody_else__are_refused(priced: World) -> None:
    world = priced
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.deposit(1, world.attacker, world.lp, sender=world.attacker)
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.mint(1, world.attacker, world.lp, sender=world.attacker)


def test_claims__more_than_there_is__are_refused(priced: World) -> None:
    world = priced
    with reverts("ERC4626ExceededMaxDeposit", receiver=world.lp, assets=1_001, max=1_000):
        world.deposit(1_001, world.lp, world.lp)
    with reverts("ERC4626ExceededMaxMint", receiver=world.lp, shares=999_001, max=999_000):
        world.mint(999_001, world.lp, world.lp)


def test_claims__before_the_price__are_refused(world: World) -> None:
    world.request_deposit(world.lp, 1_000)
    with reverts("ERC4626ExceededMaxDeposit", max=0):
        world.deposit(1, world.lp, world.lp)


def test_claims__zero__are_refused(priced: World) -> None:
    world = priced
    with reverts("AmountTooSmall", amount=0, least=1):
        world.deposit(0, world.lp, world.lp)
    with reverts("AmountTooSmall", amount=0, least=1):
        world.mint(0, world.lp, world.lp)


def test_claims__locked_market__are_refused(priced: World) -> None:
    world = priced
    world.market.setLocked(True)
    with reverts("MarketLocked"):
        world.deposit(1, world.lp, world.lp)
    with reverts("MarketLocked"):
        world.mint(1, world.lp, world.lp)


def test_claims__settled_market__still_work(priced: World) -> None:
    world = priced
    world.market.setMode(4)
    world.deposit(1, world.lp, world.lp)
    world.mint(1, world.lp, world.lp)


def test_claims__to_nobody__are_refused(priced: World) -> None:
    with reverts("ERC20InvalidReceiver", receiver=ZERO):
        priced.deposit(1, ZERO, priced.lp)


def test_claims__members_of_one_bucket__split_it_by_assets(world: World) -> None:
    world.request_deposit(world.attacker, 1_000)
    parts = {world.lp: 333, world.other: 334, world.operator: 7}
    for who, assets in parts.items():
        world.request_deposit(who, assets)
    world.price()
    receipt = world.price(profit=17)
    bucket = only(receipt, "DepositBucketPriced")
    assert (bucket.requestId, bucket.assets) == (2, 674)
    got = {who: world.pool.maxMint(who) for who in parts}
    assert got == {who: assets * bucket.shares // 674 for who, assets in parts.items()}
    assert sum(got.values()) <= bucket.shares
