"""priceRedeems: all at one price, pro rata where free liquidity is short."""

from __future__ import annotations

import pytest
from pool_world import LATE, World, changes, only

from bulkhead.chain.contract import events
from bulkhead.chain.errors import reverts


def test_price_redeems__enough_is_free__fills_everything(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    before = world.books()
    nav, supply = world.pool.totalAssets(), world.pool.totalSupply()
    receipt = world.price()
    paid = 700_000 * (nav + 1) // (supply + 1_000)
    assert changes(before, world.books()) == {
        "supply": -700_000,
        "queued": -700_000,
        "reserve": paid,
        "cash": -paid,
        "due": -before["due"],
        "scheduled": -before["due"],
        "shares of pool": -700_000,
        "withdrawable by lp": paid,
        "redeemed by lp": 700_000,
    }
    priced = only(receipt, "RedeemBucketPriced")
    assert (priced.requestId, priced.shares, priced.burned) == (1, 700_000, 700_000)
    assert (priced.assets, priced.navTokens) == (paid, nav)
    assert world.pool.claimableRedeemRequest(1, world.lp) == 700_000
    assert world.pool.pendingRedeemRequest(1, world.lp) == 0


def test_price_redeems__free_is_short__fills_pro_rata_and_is_due_again(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.request_redeem(world.other, 55)
    world.rpc.warp(90_000)
    receipt = world.price(free=100)
    nav, supply = 1_500 * world.one, 1_500 * world.one * 1_000
    assets = 700_000 * (nav + 1) // (supply + 1_000)
    burned = -(-700_000 * 100 // assets)
    priced = only(receipt, "RedeemBucketPriced")
    assert (priced.burned, priced.assets) == (burned, 100)
    due = world.rpc.time() + world.market.redeemDelaySecs()
    closed = only(receipt, "BucketClosed")
    assert (closed.requestId, closed.deposit, closed.dueAt) == (2, False, due)
    assert closed.amount == 55
    assert tuple(world.pool.redeemBuckets()) == (700_000 - burned + 55, 0, 3, due)
    assert world.pool.maxWithdraw(world.lp) in (99, 100)
    left = world.pool.pendingRedeemRequest(1, world.lp)
    assert left in (700_000 - burned - 1, 700_000 - burned)
    assert world.pool.maxRedeem(world.lp) == 700_000 - left
    assert world.pool.pendingRedeemRequest(2, world.other) == 55
    assert world.pool.maxWithdraw(world.other) == 0


def test_price_redeems__nothing_is_free__burns_nothing_and_is_due_again(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.rpc.warp(90_000)
    before = world.books()
    receipt = world.price(free=0)
    due = world.rpc.time() + world.market.redeemDelaySecs()
    moved = changes(before, world.books())
    assert moved == {"due": due - before["due"], "scheduled": due - before["scheduled"]}
    assert only(receipt, "RedeemBucketPriced").burned == 0
    assert events(receipt, "BucketClosed") == []
    world.price()
    assert world.pool.maxRedeem(world.lp) == 700_000


def test_price_redeems__second_fill__finishes_all_members(invested: World) -> None:
    """The later member does not share in the earlier fill, nor the other way round."""
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.request_redeem(world.other, 300_000)
    world.price(free=100)
    early = world.pool.maxWithdraw(world.lp)
    rest = world.pool.pendingRedeemRequest(1, world.lp)
    receipt = world.price()
    paid = only(receipt, "RedeemBucketPriced").assets
    total = rest + 300_000
    assert abs(world.pool.maxWithdraw(world.other) - paid * 300_000 // total) <= 1
    assert abs(world.pool.maxWithdraw(world.lp) - early - paid * rest // total) <= 2
    assert world.pool.maxRedeem(world.lp) == 700_000
    assert world.pool.maxRedeem(world.other) == 300_000
    assert world.pool.pendingRedeemShares() == 0


def test_price_redeems__all_filled__collecting_bucket_closes(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700)
    world.request_redeem(world.other, 300)
    world.rpc.warp(90_000)
    receipt = world.price()
    due = world.rpc.time() + world.market.redeemDelaySecs()
    closed = only(receipt, "BucketClosed")
    assert (closed.requestId, closed.amount, closed.dueAt) == (2, 300, due)
    assert world.pool.pendingRedeemRequest(2, world.other) == 300
    assert world.pool.maxRedeem(world.other) == 0


@pytest.mark.parametrize("late", [-1, 0])
def test_price_redeems__published_at_or_before_due__waits(invested: World, late: int) -> None:
    world = invested
    world.request_redeem(world.lp, 700)
    before = world.books()
    world.market.price(world.pool.nextDueAt() + late)
    assert changes(before, world.books()) == {}


def test_price_redeems__one_second_after_due__prices(invested: World) -> None:
    invested.request_redeem(invested.lp, 700)
    due = invested.pool.nextDueAt()
    invested.market.setValue(invested.market.value(), 10**9)
    invested.market.price(due + 1)
    assert invested.pool.pendingRedeemShares() == 0


def test_price_redeems__after_deposits__uses_the_nav_and_supply_after_them(
    invested: World,
) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.request_deposit(world.other, 10**9)
    nav, supply = world.pool.totalAssets(), world.pool.totalSupply()
    assets, shares = world.pool.previewPriceDeposits(LATE, nav)
    previewed = world.pool.previewPriceRedeems(LATE, nav + assets, 10**12, shares)
    receipt = world.price()
    priced = only(receipt, "RedeemBucketPriced")
    assert priced.navTokens == nav + assets
    assert priced.assets == previewed
    assert previewed == 700_000 * (nav + assets + 1) // (supply + shares + 1_000)


def test_price_redeems__worthless_shares__burn_for_nothing(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    world.market.setValue(1, 0)  # one Wad: less than a token unit
    world.market.price(LATE)
    assert world.pool.maxRedeem(world.lp) == 700_000
    assert world.pool.maxWithdraw(world.lp) == 0
    world.redeem(700_000, world.lp, world.lp)
    assert world.pool.maxRedeem(world.lp) == 0


def test_price_redeems__nothing_waits__only_tells_the_due_moment(invested: World) -> None:
    world = invested
    world.request_deposit(world.lp, 100)
    before = world.books()
    answer = world.market.priceRedeems.call(LATE, 5, 5)
    receipt = world.market.priceRedeems(LATE, 5, 5)
    assert tuple(answer) == (0, before["due"])
    assert receipt.logs == ()
    assert changes(before, world.books()) == {}


def test_price_redeems__preview__says_what_happens(invested: World) -> None:
    world = invested
    world.request_redeem(world.lp, 700_000)
    nav = world.pool.totalAssets()
    assert world.pool.previewPriceRedeems(world.pool.nextDueAt(), nav, 50, 0) == 0
    for free in (0, 50, 10**12):
        expected = world.pool.previewPriceRedeems(LATE, nav, free, 0)
        assert world.market.priceRedeems.call(LATE, nav, free)[0] == expected


def test_price_redeems__not_the_market__is_refused(world: World) -> None:
    with reverts("NotMarket", caller=world.attacker):
        world.pool.as_(world.attacker).priceRedeems(LATE, 1, 1)


def test_price_redeems__more_members__cost_the_same(invested: World) -> None:
    world = invested

    def cost(members: int) -> int:
        world.request_redeem(world.lp, 1_000)
        for i in range(members):
            world.request_redeem(world.lp, 1_000, controller=f"0x{i + 1:040x}")
        world.price()
        world.rpc.warp(60)  # within the same second the new due moment would be no change
        receipt = world.price(free=1)
        assert len(events(receipt, "RedeemBucketPriced")) == 1
        world.price()
        return receipt.gas_used

    cost(3)
    assert abs(cost(20) - cost(2)) < 200


def test_price_redeems__last_shares__leave_only_the_dead(invested: World) -> None:
    world = invested
    for who in (world.lp, world.other):
        world.request_redeem(who, world.pool.balanceOf(who))
    world.price()
    world.price()
    assert world.pool.totalSupply() == 1_000
    for who in (world.lp, world.other):
        world.redeem(world.pool.maxRedeem(who), who, who)
    # The dead shares' 1 unit, and rounding in their favour.
    assert 1 <= world.token.balanceOf(world.pool) <= 4
    world.solvent()
