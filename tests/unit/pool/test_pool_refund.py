"""refundDeposit: a settled market's unpriced deposits go back, and nothing else moves."""

from __future__ import annotations

import pytest
from pool_world import World, changes, only

from bulkhead.chain.errors import reverts

SETTLED = 4


def ended(world: World, *requests: tuple[str, int]) -> None:
    for who, assets in requests:
        world.request_deposit(who, assets)
    world.market.setMode(SETTLED)


def test_refund__of_the_only_request__empties_its_bucket(world: World) -> None:
    ended(world, (world.lp, 700))
    before = world.books()
    receipt = world.pool.as_(world.lp).refundDeposit(world.other, world.lp)
    assert changes(before, world.books()) == {
        "pending": -700,
        "accounted": -700,
        "due": -before["due"],
        "tokens of pool": -700,
        "tokens of other": 700,
    }
    event = only(receipt, "DepositRefunded")
    assert (event.controller, event.receiver) == (world.lp, world.other)
    assert (event.sender, event.assets) == (world.lp, 700)
    assert world.pool.pendingDepositRequest(1, world.lp) == 0
    with reverts("AmountTooSmall", amount=0, least=1):
        world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)
    world.solvent()


def test_refund__of_both_buckets__leaves_the_others(world: World) -> None:
    ended(world, (world.lp, 700), (world.other, 30), (world.lp, 5), (world.other, 2))
    world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)
    assert world.pool.depositBuckets()[:2] == (0, 32)
    assert world.pool.nextDueAt() == 0
    assert world.pool.pendingDepositRequest(2, world.other) == 32
    world.pool.as_(world.other).refundDeposit(world.other, world.other)
    assert world.pool.pendingDepositAssets() == 0
    world.solvent()


def test_refund__of_what_was_priced__is_not_there(world: World) -> None:
    world.request_deposit(world.lp, 700)
    world.price()
    world.market.setMode(SETTLED)
    with reverts("AmountTooSmall", amount=0, least=1):
        world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)
    assert world.pool.maxDeposit(world.lp) == 700


def test_refund__beside_a_claim__keeps_the_claim(world: World) -> None:
    world.request_deposit(world.lp, 700)
    world.price()
    ended(world, (world.lp, 40))
    shares = world.pool.maxMint(world.lp)
    world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)
    assert world.pool.maxMint(world.lp) == shares
    world.deposit(700, world.lp, world.lp)
    world.solvent()


def test_refund__by_an_operator__only(world: World) -> None:
    ended(world, (world.lp, 700))
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.pool.as_(world.attacker).refundDeposit(world.attacker, world.lp)
    world.pool.as_(world.lp).setOperator(world.operator, True)
    world.pool.as_(world.operator).refundDeposit(world.operator, world.lp)


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_refund__before_the_end__is_refused(world: World, mode: int) -> None:
    world.request_deposit(world.lp, 700)
    world.market.setMode(mode)
    with reverts("MarketNotSettled"):
        world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)


def test_refund__while_the_market_acts__is_refused(world: World) -> None:
    ended(world, (world.lp, 700))
    world.market.setLocked(True)
    with reverts("MarketLocked"):
        world.pool.as_(world.lp).refundDeposit(world.lp, world.lp)
