"""A token that calls back in every transfer, into every entry point of market, pool, vault, router.

During a market action everything is refused, and the action ends as if nothing had happened: the
twin, which knows of no callback, agrees in all. While the pool takes or pays tokens for a provider
the market is free: whatever is done there in between, nobody else has less afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, at, deploy
from bulkhead.chain.errors import Reverted
from bulkhead.deploy.params import abi

MAX = 2**256 - 1
LATE = 2**39


class Trap:
    """A market whose token calls `thief` in each transfer. Positions 1 (open), 2 (flat) and 4
    (liquidatable) are the thief's, 3 is Bob's."""

    def __init__(self, world: World) -> None:
        w = self.w = world
        self.thief = deploy(w.rpc, "ReentrantActor", sender=w.deployer).as_(w.deployer)
        self.me = self.thief.address
        w.give(self.me, 3_000_000 * w.one)
        self.router = deploy(w.rpc, "Router", sender=w.deployer)
        w.ok("request_deposit", self.me, 50_000 * w.one, self.me, self.me)
        w.tick(seconds=w.params.deposit_delay_secs + 1)
        w.ok("accrue", w.keeper)
        w.ok("deposit", self.me, 40_000 * w.one, self.me, self.me)
        w.ok("request_redeem", self.me, 10**7 * w.one, self.me, self.me)
        w.tick(seconds=w.params.redeem_delay_secs + 1)
        w.ok("accrue", w.keeper)
        w.open(self.me, 50 * WAD, 20_000 * w.one)
        w.ok("reserve", self.me, self.me)
        w.ok("add_margin", self.me, 2, 20_000 * w.one)
        w.open(w.bob, 20 * WAD, 20_000 * w.one)
        w.open(self.me, 50 * WAD, 6_000 * w.one)
        w.ok("set_delegate", self.me, 0, self.router.address, SOON)
        w.token.approve(self.router, MAX, sender=w.rpc.impersonate(self.me))
        w.tick(1_915 * WAD, seconds=6_000)
        w.ok("accrue", w.keeper)
        vaults = [w.twin.core.vault(id_) for id_ in range(1, 6)]
        for who in (*vaults, self.me, w.pool.address, w.fund.address, w.keeper, w.treasury):
            w.token.setHook(who, self.thief)

    def arm(self, target: Contract, data: bytes) -> None:
        self.thief.arm(target, data)

    def inner(self) -> dict[str, tuple[Contract, bytes, str]]:
        """Every entry point with arguments that would do, and how a market action refuses it."""
        w, me = self.w, self.me
        market, pool, router = w.market, w.pool, self.router
        vault = at(w.rpc, "PositionVault", w.twin.core.vault(3))
        locked, door = "Locked", "AccessManagedUnauthorized"
        calls: list[tuple[Contract, str, tuple[Any, ...], str]] = [
            (market, "reserve", (me,), locked),
            (market, "open", (2, 20 * WAD, 0, ANY[1], SOON), locked),
            (market, "increase", (1, WAD, ANY[1], SOON), locked),
            (market, "decrease", (1, -WAD, ANY[-1], SOON), locked),
            (market, "close", (1, ANY[-1], SOON), locked),
            (market, "closeAndWithdraw", (1, ANY[-1], SOON, me), locked),
            (market, "addMargin", (3, 5), locked),
            (market, "removeMargin", (2, 5, me), locked),
            (market, "settle", (3,), locked),
            (market, "accrue", (), locked),
            (market, "liquidate", (4, me), locked),
            (market, "liquidateMany", ((4,), me), locked),
            (market, "deleverage", (1,), locked),
            (market, "setMarginCall", (1, True), locked),
            (market, "transferPosition", (1, w.dave), locked),
            (market, "setDelegate", (1, w.dave, SOON), locked),
            (market, "setLock", (1, 0), locked),
            (market, "freeLock", (1, w.dave), locked),
            (market, "sweepForeign", (1, w.oracle, me), locked),
            (market, "drawTicket", (1, me), locked),
            (market, "sweepFees", (), locked),
            (market, "settleFinal", (1,), locked),
            (market, "executeFinal", (), locked),
            (market, "nav", (), locked),
            (market, "freeLiquidity", (), locked),
            (market, "setParams", (abi(w.params),), door),
            (market, "enterReduceOnly", (), door),
            (market, "leaveReduceOnly", (), door),
            (market, "announceFinal", (WAD,), door),
            (market, "scheduleBucket", (1,), "NotPool"),
            (pool, "requestDeposit", (100, me, me), "MarketLocked"),
            (pool, "requestRedeem", (100, me, me), "MarketLocked"),
            (pool, "deposit(uint256,address,address)", (5, me, me), "MarketLocked"),
            (pool, "deposit(uint256,address)", (5, me), "MarketLocked"),
            (pool, "mint(uint256,address,address)", (5, me, me), "MarketLocked"),
            (pool, "mint(uint256,address)", (5, me), "MarketLocked"),
            (pool, "redeem", (5_000, me, me), "MarketLocked"),
            (pool, "withdraw", (5, me, me), "MarketLocked"),
            (pool, "refundDeposit", (me, me), "MarketLocked"),
            (pool, "totalAssets", (), locked),
            (pool, "convertToAssets", (10**9,), locked),
            (pool, "convertToShares", (10**9,), locked),
            (pool, "pay", (me, 5), "NotMarket"),
            (pool, "priceDeposits", (LATE, 1), "NotMarket"),
            (pool, "priceRedeems", (LATE, 1, 1), "NotMarket"),
            (w.fund, "cover", (5,), "NotMarket"),
            (vault, "payPool", (5,), "NotMarket"),
            (vault, "payReward", (me, 5), "NotMarket"),
            (vault, "payOwner", (me, 5), "NotMarket"),
            (vault, "payRewardAndPool", (me, 5, 5), "NotMarket"),
            (vault, "payPoolAndOwner", (5, me, 5), "NotMarket"),
            (vault, "sweep", (w.oracle, me), "NotMarket"),
            (router, "open", (market, 2, 20 * WAD, 0, ANY[1], SOON), locked),
            (router, "increase", (market, 1, WAD, ANY[1], SOON), locked),
            (router, "decrease", (market, 1, -WAD, ANY[-1], SOON), locked),
            (router, "close", (market, 1, ANY[-1], SOON), locked),
            (router, "multicall", ((router.close.encode(market, 1, 0, SOON),),), locked),
        ]
        return {
            f"{name} {number}": (target, target[_signature(target, name)].encode(*args), refusal)
            for number, (target, name, args, refusal) in enumerate(calls)
        }

    def bystanders(self) -> dict[str, int]:
        """What others have, and what a share of the pool is worth."""
        w = self.w
        held, state = w.market.position(3), w.market.state()
        claim = held.size * (state.mark - state.fundingIndex) // WAD - held.basis
        margin = w.token.balanceOf(w.twin.core.vault(3))
        return {
            "equity": margin * w.twin.core.cfg.unit + claim,
            "size": held.size,
            "shares": w.pool.balanceOf(w.lp),
            "share price": w.market.nav() * 10**9 // w.pool.totalSupply(),
            "bob": w.token.balanceOf(w.bob),
            "lp": w.token.balanceOf(w.lp),
            "spare": w.token.balanceOf(w.pool) - w.pool.accounted(),
        }


def _signature(target: Contract, name: str) -> str:
    return name if "(" in name else target.__getattr__(name).method.signature


@pytest.fixture
def trap(new_world: Callable[..., World]) -> Trap:
    return Trap(new_world(token="HookToken"))


VIEWS = ("totalAssets", "convertTo")
OUTER: dict[str, Callable[[Trap], tuple[Any, ...]]] = {
    "open": lambda t: (t.me, 0, 20 * WAD, 9_000 * t.w.one, ANY[1], SOON),
    "increase": lambda t: (t.me, 1, WAD, ANY[1], SOON),
    "decrease": lambda t: (t.me, 1, -WAD, ANY[-1], SOON),
    "close": lambda t: (t.me, 1, ANY[-1], SOON),
    "close_and_withdraw": lambda t: (t.me, 1, ANY[-1], SOON, t.me),
    "add_margin": lambda t: (t.me, 1, 500),
    "remove_margin": lambda t: (t.me, 2, 500, t.me),
    "settle": lambda t: (t.me, 1),
    "liquidate": lambda t: (t.w.keeper, 4, t.me),
    "liquidate_many": lambda t: (t.w.keeper, (4, 1), t.me),
    "sweep_fees": lambda t: (t.me,),
}


@pytest.mark.parametrize("outer", OUTER)
def test_every_door_is_closed(trap: Trap, outer: str) -> None:
    caller, *args = OUTER[outer](trap)
    for name, (target, data, refusal) in trap.inner().items():
        with trap.w.branch() as b:
            trap.arm(target, data)
            b.ok(outer, caller, *args)
            assert trap.thief.called(), f"{outer} moves no tokens"
            said = Reverted(trap.thief.answer()).name
            assert (trap.thief.worked(), said) == (False, refusal), f"{name} in {outer}"


@pytest.mark.parametrize("outer", ["bad debt", "ticket"])
def test_every_door_is_closed_when_others_pay(trap: Trap, outer: str) -> None:
    """The fund pays bad debt; the pool pays a ticket."""
    w = trap.w
    if outer == "bad debt":
        w.give(w.fund.address, 10_000 * w.one)
        w.tick(1_800 * WAD)
        w.ok("accrue", w.keeper)
        call = ("liquidate", w.keeper, 4, w.keeper)
        for id_ in range(1, 5):
            w.token.setHook(w.twin.core.vault(id_), "0x" + "0" * 40)
        w.token.setHook(w.keeper, "0x" + "0" * 40)
    else:
        w.silence()
        w.at(w.now + w.params.dead_after_secs)
        w.ok("announce_final", w.governance, 2_500 * WAD)
        w.at(w.now + w.params.dead_after_secs)
        w.ok("execute_final", w.keeper)
        for id_ in (1, 3, 4):
            w.ok("settle_final", w.keeper, id_)
        call = ("draw_ticket", trap.me, 1, trap.me)
    for name, (target, data, refusal) in trap.inner().items():
        with w.branch() as b:
            trap.arm(target, data)
            b.ok(*call)
            assert trap.thief.called()
            said = Reverted(trap.thief.answer()).name
            assert (trap.thief.worked(), said) == (False, refusal), f"{name} in {outer}"


@pytest.mark.parametrize("outer", ["requestDeposit", "withdraw", "redeem", "topUp"])
def test_what_pool_and_router_let_in_costs_nobody(trap: Trap, outer: str) -> None:
    """The market is free then. The pool's own doors are closed; the outer call ends well or is
    undone, and Bob, the provider and the pool's books have no less than without the callback."""
    w, me = trap.w, trap.me
    w.rpc.impersonate(me)
    call = {
        "requestDeposit": w.pool.requestDeposit.prepare(1_000, me, me, sender=me),
        "withdraw": w.pool.withdraw.prepare(1_000, me, me, sender=me),
        "redeem": w.pool.redeem.prepare(10**6, me, me, sender=me),
        "topUp": trap.router.topUp.prepare(w.market, 1, 1_000, sender=me),
    }[outer]
    with w.branch():
        assert w.rpc.send(call.to, call.data, sender=me, check=False).ok
        alone = trap.bystanders()
    worked = undone = 0
    for name, (target, data, _) in trap.inner().items():
        with w.branch():
            trap.arm(target, data)
            receipt = w.rpc.send(call.to, call.data, sender=me, check=False)
            undone += not receipt.ok
            if not receipt.ok:
                continue
            assert trap.thief.called()
            worked += trap.thief.worked()
            if target == w.pool and outer != "topUp" and not name.startswith(VIEWS):
                said = Reverted(trap.thief.answer()).name
                assert not trap.thief.worked(), name
                assert said in ("ReentrancyGuardReentrantCall", "NotMarket", "MarketNotSettled"), (
                    said
                )
            after = trap.bystanders()
            for key, had in alone.items():
                assert after[key] >= had, f"{name} in {outer}: {key} {had} -> {after[key]}"
    assert worked > 5
    assert undone < 20
