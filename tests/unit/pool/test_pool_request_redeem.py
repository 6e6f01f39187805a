"""requestRedeem: shares into the pool's escrow, a place in the collecting bucket, nothing else."""

from __future__ import annotations

from pool_world import World, changes, only

from bulkhead.chain.contract import events
from bulkhead.chain.errors import reverts

ZERO = "0x" + "0" * 40


def test_request_redeem__first__closes_its_bucket(invested: World) -> None:
    world = invested
    before = world.books()
    receipt = world.request_redeem(world.lp, 700)
    due = world.rpc.time() + world.market.redeemDelaySecs()
    assert changes(before, world.books()) == {
        "queued": 700,
        "due": due,
        "scheduled": due,
        "redeems": 1,
        "shares of pool": 700,
        "shares of lp": -700,
    }
    asked = only(receipt, "RedeemRequest")
    assert (asked.controller, asked.owner, asked.sender) == (world.lp, world.lp, world.lp)
    assert (asked.requestId, asked.shares) == (1, 700)
    closed = only(receipt, "BucketClosed")
    assert (closed.requestId, closed.deposit, closed.amount, closed.dueAt) == (1, False, 700, due)
    assert world.pool.pendingRedeemRequest(1, world.lp) == 700
    assert world.pool.claimableRedeemRequest(1, world.lp) == 0


def test_request_redeem__while_one_waits__collects(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700)
    schedules, due = world.market.schedules(), world.pool.nextDueAt()
    receipt = world.request_redeem(world.lp, 40)
    world.request_redeem(world.lp, 2)
    assert only(receipt, "RedeemRequest").requestId == 2
    assert events(receipt, "BucketClosed") == []
    assert world.market.schedules() == schedules
    assert tuple(world.pool.redeemBuckets()) == (700, 42, 2, due)
    assert world.pool.pendingRedeemRequest(1, world.lp) == 700
    assert world.pool.pendingRedeemRequest(2, world.lp) == 42


def test_request_redeem__earlier_deposit_due_sooner__stays_next(invested: World) -> None:
    world = invested
    world.request_deposit(world.other, 100)
    sooner = world.pool.nextDueAt()
    world.request_redeem(world.lp, 700)
    assert world.pool.nextDueAt() == world.market.dueAt() == sooner


def test_request_redeem__by_an_operator__needs_no_allowance(invested: World) -> None:
    world = invested
    world.pool.as_(world.lp).setOperator(world.operator, True)
    receipt = world.pool.as_(world.operator).requestRedeem(700, world.other, world.lp)
    asked = only(receipt, "RedeemRequest")
    assert (asked.controller, asked.owner, asked.sender) == (world.other, world.lp, world.operator)
    assert world.pool.pendingRedeemRequest(1, world.other) == 700


def test_request_redeem__with_an_allowance__spends_it(invested: World) -> None:
    world = invested
    world.pool.as_(world.lp).approve(world.operator, 1_000)
    world.pool.as_(world.operator).requestRedeem(700, world.operator, world.lp)
    assert world.pool.allowance(world.lp, world.operator) == 300
    with reverts("ERC20InsufficientAllowance", spender=world.operator, allowance=300, needed=301):
        world.pool.as_(world.operator).requestRedeem(301, world.operator, world.lp)


def test_request_redeem__by_anybody_else__is_refused(invested: World) -> None:
    world = invested
    with reverts("ERC20InsufficientAllowance", spender=world.attacker, allowance=0, needed=1):
        world.pool.as_(world.attacker).requestRedeem(1, world.attacker, world.lp)


def test_request_redeem__zero__is_refused(invested: World) -> None:
    with reverts("AmountTooSmall", amount=0, least=1):
        invested.request_redeem(invested.lp, 0)


def test_request_redeem__more_than_owned__is_refused(invested: World) -> None:
    owned = invested.pool.balanceOf(invested.lp)
    with reverts("ERC20InsufficientBalance", balance=owned, needed=owned + 1):
        invested.request_redeem(invested.lp, owned + 1)


def test_request_redeem__no_controller__is_refused(invested: World) -> None:
    with reverts("ZeroController"):
        invested.pool.as_(invested.lp).requestRedeem(1, ZERO, invested.lp)


def test_request_redeem__locked_market__is_refused(invested: World) -> None:
    invested.market.setLocked(True)
    with reverts("MarketLocked"):
        invested.request_redeem(invested.lp, 1)


def test_request_redeem__settled_market__is_taken(invested: World) -> None:
    invested.market.setMode(4)
    assert invested.request_redeem(invested.lp, 1).ok


def test_request_redeem__dust_for_a_victim__costs_it_no_claim(invested: World) -> None:
    """Anyone may name any controller: that folds it, and must not lose it anything."""
    world = invested
    world.request_redeem(world.lp, 10**9)
    world.price(free=400)
    claim = (world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp))
    rest = world.pool.pendingRedeemRequest(1, world.lp)
    world.request_redeem(world.other, 1, controller=world.lp)
    assert (world.pool.maxRedeem(world.lp), world.pool.maxWithdraw(world.lp)) == claim
    assert world.pool.pendingRedeemRequest(1, world.lp) == rest
