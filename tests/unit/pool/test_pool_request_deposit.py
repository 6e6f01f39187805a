"""requestDeposit: tokens in, a place in the collecting bucket, nothing else."""

from __future__ import annotations

import pytest
from pool_world import World, changes, only

from bulkhead.chain.contract import events
from bulkhead.chain.errors import reverts

ZERO = "0x" + "0" * 40
MOST = 1 << 95


def test_request_deposit__first__closes_its_bucket(world: World) -> None:
    before = world.books()
    receipt = world.request_deposit(world.lp, 700)
    due = world.rpc.time() + world.market.depositDelaySecs()
    assert changes(before, world.books()) == {
        "pending": 700,
        "accounted": 700,
        "due": due,
        "scheduled": due,
        "deposits": 1,
        "tokens of pool": 700,
        "tokens of lp": -700,
    }
    asked = only(receipt, "DepositRequest")
    assert (asked.controller, asked.owner, asked.sender) == (world.lp, world.lp, world.lp)
    assert (asked.requestId, asked.assets) == (1, 700)
    closed = only(receipt, "BucketClosed")
    assert (closed.requestId, closed.deposit, closed.amount, closed.dueAt) == (1, True, 700, due)
    assert world.market.schedules() == 1
    assert world.pool.pendingDepositRequest(1, world.lp) == 700


def test_request_deposit__while_one_waits__collects(world: World) -> None:
    world.request_deposit(world.lp, 700)
    due = world.pool.nextDueAt()
    world.rpc.warp(60)
    receipt = world.request_deposit(world.other, 300)
    assert only(receipt, "DepositRequest").requestId == 2
    assert events(receipt, "BucketClosed") == []
    assert world.market.schedules() == 1
    assert world.pool.nextDueAt() == due
    assert tuple(world.pool.depositBuckets()) == (700, 300, 2, due)
    assert world.pool.pendingDepositRequest(2, world.other) == 300
    assert world.pool.pendingDepositRequest(1, world.other) == 0


def test_request_deposit__in_both_buckets__both_are_pending(world: World) -> None:
    for amount in (700, 20, 3):
        world.request_deposit(world.lp, amount)
    assert world.pool.pendingDepositRequest(1, world.lp) == 700
    assert world.pool.pendingDepositRequest(2, world.lp) == 23
    assert world.pool.maxDeposit(world.lp) == 0


def test_request_deposit__for_a_controller__only_the_controller_claims(world: World) -> None:
    receipt = world.request_deposit(world.lp, 700, controller=world.other)
    assert only(receipt, "DepositRequest").controller == world.other
    world.price()
    assert world.pool.maxDeposit(world.other) == 700
    assert world.pool.maxDeposit(world.lp) == 0


def test_request_deposit__earlier_one_priced__is_folded_into_the_claim(world: World) -> None:
    world.request_deposit(world.lp, 700)
    world.price()
    shares = world.pool.maxMint(world.lp)
    world.request_deposit(world.lp, 50)
    assert world.pool.claimableDepositRequest(1, world.lp) == 700
    assert world.pool.pendingDepositRequest(1, world.lp) == 0
    assert world.pool.pendingDepositRequest(2, world.lp) == 50
    world.price()
    assert world.pool.maxDeposit(world.lp) == 750
    assert world.pool.maxMint(world.lp) > shares
    assert world.pool.claimableDepositRequest(2, world.lp) == 750  # the label of the last
    assert world.pool.claimableDepositRequest(1, world.lp) == 0


@pytest.mark.parametrize("waits", [0, 1, 2])
def test_request_deposit__older_and_newer__move_up_as_they_are_priced(
    world: World, waits: int
) -> None:
    """Two open requests at most, whichever of their buckets are priced when the third comes."""
    world.request_deposit(world.lp, 700)
    world.request_deposit(world.lp, 20)
    for _ in range(2 - waits):
        world.price()
    world.request_deposit(world.lp, 3)
    assert world.pool.maxDeposit(world.lp) == {0: 720, 1: 700, 2: 0}[waits]
    pending = {n: world.pool.pendingDepositRequest(n, world.lp) for n in (1, 2, 3)}
    assert (
        pending
        == {
            0: {1: 0, 2: 0, 3: 3},
            1: {1: 0, 2: 20, 3: 3},
            2: {1: 700, 2: 23, 3: 0},
        }[waits]
    )


def test_request_deposit__by_an_operator__takes_the_owners_tokens(world: World) -> None:
    world.pool.as_(world.lp).setOperator(world.operator, True)
    before = world.token.balanceOf(world.operator)
    receipt = world.pool.as_(world.operator).requestDeposit(700, world.other, world.lp)
    asked = only(receipt, "DepositRequest")
    assert (asked.owner, asked.sender) == (world.lp, world.operator)
    assert world.token.balanceOf(world.operator) == before


def test_request_deposit__by_anybody_else__is_refused(world: World) -> None:
    with reverts("NotAllowed", account=world.lp, caller=world.attacker):
        world.pool.as_(world.attacker).requestDeposit(700, world.attacker, world.lp)


@pytest.mark.parametrize("assets", [0, 1])
def test_request_deposit__under_two_units__is_refused(world: World, assets: int) -> None:
    with reverts("AmountTooSmall", amount=assets, least=2):
        world.request_deposit(world.lp, assets)


def test_request_deposit__two_units__is_taken(world: World) -> None:
    world.request_deposit(world.lp, 2)
    world.price()
    assert world.pool.maxMint(world.lp) == 1_000


def test_request_deposit__no_controller__is_refused(world: World) -> None:
    with reverts("ZeroController"):
        world.pool.as_(world.lp).requestDeposit(700, ZERO, world.lp)


def test_request_deposit__locked_market__is_refused(world: World) -> None:
    world.market.setLocked(True)
    with reverts("MarketLocked"):
        world.request_deposit(world.lp, 700)


def test_request_deposit__settled_market__is_refused(world: World) -> None:
    world.market.setMode(4)
    with reverts("MarketSettled"):
        world.request_deposit(world.lp, 700)


@pytest.mark.parametrize("mode", [1, 2, 3])
def test_request_deposit__reduce_only_to_final__is_taken(world: World, mode: int) -> None:
    world.market.setMode(mode)
    assert world.request_deposit(world.lp, 700).ok


def test_request_deposit__more_than_cash_can_hold__is_refused(world: World) -> None:
    """Otherwise a token with many decimals could stop the market at the next mark."""
    world.market.setCash(5, 0, 0)
    world.token.as_(world.lp).mint(world.lp, MOST)
    with reverts("AmountTooLarge", amount=MOST - 4, most=MOST):
        world.request_deposit(world.lp, MOST - 4)
    world.request_deposit(world.lp, MOST - 5)
    with reverts("AmountTooLarge", amount=2, most=MOST):
        world.request_deposit(world.other, 2)


def test_request_deposit__without_allowance__is_refused(world: World) -> None:
    world.token.as_(world.lp).approve(world.pool, 699)
    with reverts("ERC20InsufficientAllowance", needed=700):
        world.request_deposit(world.lp, 700)


def test_pending__request_id_zero_or_future__is_nothing(world: World) -> None:
    world.request_deposit(world.lp, 700)
    for wrong in (0, 2, 3, 2**64 + 1):
        assert world.pool.pendingDepositRequest(wrong, world.lp) == 0
        assert world.pool.claimableDepositRequest(wrong, world.lp) == 0
