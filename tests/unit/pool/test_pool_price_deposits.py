"""priceDeposits: one price for a bucket, whoever is in it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from pool_world import DEAD, LATE, World, changes, only

from bulkhead.chain.contract import events
from bulkhead.chain.errors import reverts


def test_price_deposits__first_bucket__leaves_dead_shares(world: World) -> None:
    world.request_deposit(world.lp, 700)
    before = world.books()
    receipt = world.market.price(LATE)
    assert changes(before, world.books()) == {
        "supply": 700_000,
        "pending": -700,
        "cash": 700,
        "due": -before["due"],
        "scheduled": -before["due"],
        "shares of pool": 699_000,
        "shares of dead": 1_000,
        "deposited by lp": 700,
        "minted for lp": 699_000,
    }
    priced = only(receipt, "DepositBucketPriced")
    assert (priced.requestId, priced.assets, priced.shares, priced.navTokens) == (
        1,
        700,
        699_000,
        0,
    )
    assert world.pool.balanceOf(DEAD) == 1_000


def test_price_deposits__second_bucket__pays_the_nav_rounded_up(invested: World) -> None:
    world = invested
    world.request_deposit(world.other, 777)
    supply = world.pool.totalSupply()
    value = world.market.value() + 1  # one Wad above a whole number of units
    world.market.setValue(value, 0)
    receipt = world.market.price(LATE)
    nav = value // world.unit + 1
    shares = 777 * (supply + 1_000) // (nav + 1)
    assert only(receipt, "DepositBucketPriced").navTokens == nav
    assert only(receipt, "DepositBucketPriced").shares == shares
    assert world.pool.totalSupply() == supply + shares
    assert Fraction(shares, 777) <= Fraction(supply + 1_000, value // world.unit)


@pytest.mark.parametrize("late", [-1, 0])
def test_price_deposits__published_at_or_before_due__waits(world: World, late: int) -> None:
    world.request_deposit(world.lp, 700)
    before = world.books()
    world.market.price(world.pool.nextDueAt() + late)
    assert changes(before, world.books()) == {}


def test_price_deposits__one_second_after_due__prices(world: World) -> None:
    world.request_deposit(world.lp, 700)
    world.market.price(world.pool.nextDueAt() + 1)
    assert world.pool.pendingDepositAssets() == 0


def test_price_deposits__nothing_waits__does_nothing(world: World) -> None:
    before = world.books()
    receipt = world.market.priceDeposits(LATE, 5)
    assert receipt.logs == ()
    assert changes(before, world.books()) == {}


def test_price_deposits__collecting_bucket__closes_behind_it(world: World) -> None:
    world.request_deposit(world.lp, 700)
    world.request_deposit(world.other, 300)
    world.rpc.warp(5_000)
    receipt = world.price()
    due = world.rpc.time() + world.market.depositDelaySecs()
    closed = only(receipt, "BucketClosed")
    assert (closed.requestId, closed.deposit, closed.amount, closed.dueAt) == (2, True, 300, due)
    assert tuple(world.pool.depositBuckets()) == (300, 0, 3, due)
    assert world.pool.nextDueAt() == world.market.dueAt() == due


def test_price_deposits__first_bucket_worth_no_more_than_the_dead__waits(world: World) -> None:
    """A dead market's leftovers before anybody has shares: no price is right, so none is made."""
    world.request_deposit(world.lp, 700)
    world.market.setValue(700 * world.unit, 0)  # 700 x 1000 / 701 < 1000 shares
    before = world.books()
    receipt = world.market.price(LATE)
    assert events(receipt, "DepositBucketPriced") == []
    assert changes(before, world.books()) == {}
    world.market.setValue(0, 0)
    world.market.price(LATE)
    assert world.pool.maxMint(world.lp) == 699_000


def test_price_deposits__more_shares_than_fit__waits(world: World) -> None:
    """A pool that lost almost everything, again and again, never stops the market."""
    most = 2**128 - 1
    for _ in range(5):
        world.request_deposit(world.lp, 10**9)
        world.market.priceDeposits(LATE, 0)
        supply = world.pool.totalSupply()
        assert supply <= most
    assert world.pool.pendingDepositAssets() > 0
    assert tuple(world.pool.previewPriceDeposits(LATE, 0)) == (0, 0)
    assert world.pool.previewPriceDeposits(LATE, supply)[0] > 0


def test_price_deposits__bucket_worth_no_share__gives_none(invested: World) -> None:
    """At an absurd price a dust request buys nothing; it still can't block the bucket's others."""
    world = invested
    world.request_deposit(world.attacker, 2)
    world.market.setValue(10**13 * world.unit, 0)
    world.market.price(LATE)
    assert world.pool.maxDeposit(world.attacker) == 2
    assert world.pool.maxMint(world.attacker) == 0
    with reverts("AmountTooSmall", amount=2):
        world.deposit(2, world.attacker, world.attacker)


def test_price_deposits__preview__says_what_happens(invested: World) -> None:
    world = invested
    world.request_deposit(world.other, 777)
    supply = world.pool.totalSupply()
    nav = world.pool.totalAssets() + 13
    assets, shares = world.pool.previewPriceDeposits(LATE, nav)
    assert tuple(world.pool.previewPriceDeposits(world.pool.nextDueAt(), nav)) == (0, 0)
    assert world.market.priceDeposits.call(LATE, nav) == assets == 777
    world.market.priceDeposits(LATE, nav)
    assert world.pool.totalSupply() == supply + shares


def test_price_deposits__preview_of_the_first__counts_the_dead_shares(world: World) -> None:
    world.request_deposit(world.lp, 700)
    assert tuple(world.pool.previewPriceDeposits(LATE, 0)) == (700, 700_000)


def test_price_deposits__not_the_market__is_refused(world: World) -> None:
    with reverts("NotMarket", caller=world.attacker):
        world.pool.as_(world.attacker).priceDeposits(LATE, 1)


def test_price_deposits__more_members__cost_the_same(world: World) -> None:
    world.invest(world.other, 10**6)

    def cost(members: int) -> int:
        world.request_deposit(world.lp, 700)
        for i in range(members):
            world.request_deposit(world.lp, 700, controller=f"0x{i + 1:040x}")
        world.price()  # the one alone in its bucket
        world.rpc.warp(60)
        receipt = world.price()
        assert len(events(receipt, "DepositBucketPriced")) == 1
        return receipt.gas_used

    cost(3)
    assert abs(cost(20) - cost(2)) < 200  # calldata-free: only warm zero bytes differ


def test_price_deposits__after_a_full_exit__starts_again(world: World) -> None:
    world.invest(world.lp, 1_000 * world.one)
    world.request_redeem(world.lp, world.pool.balanceOf(world.lp))
    world.price()
    world.redeem(world.pool.maxRedeem(world.lp), world.lp, world.lp)
    assert world.pool.totalSupply() == 1_000
    shares = world.invest(world.other, 500 * world.one)
    assert abs(world.pool.convertToAssets(shares) - 500 * world.one) <= 1
