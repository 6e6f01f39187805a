"""The router: permit, margin and trade in one transaction, for its caller alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.errors import Reverted

KEY = "0x" + "5e" * 32
SIZE = 10 * WAD


class Desk:
    """A world, a router in it, and somebody who signs."""

    def __init__(self, world: World) -> None:
        self.w = world
        self.router: Contract = deploy(world.rpc, "Router", sender=world.deployer)
        self.user = Account.from_key(KEY).address.lower()
        world.rpc.impersonate(self.user)
        world.token.mint(self.user, 100_000 * world.one)
        world.strangers.append(self.user)
        self.market = world.market

    def delegate(self, who: str | None = None, expiry: int = SOON) -> None:
        self.market.setDelegate(0, self.router, expiry, sender=who or self.user)

    def sign(self, value: int, deadline: int = SOON, **over: Any) -> tuple[int, bytes, bytes]:
        """A permit for the router."""
        token = self.w.token
        domain = {
            "name": "Test dollar",
            "version": "1",
            "chainId": self.w.rpc.chain_id(),
            "verifyingContract": token.address,
        }
        fields = ("owner", "address"), ("spender", "address"), ("value", "uint256")
        kinds = [*fields, ("nonce", "uint256"), ("deadline", "uint256")]
        message = {
            "owner": self.user,
            "spender": self.router.address,
            "value": value,
            "nonce": token.nonces(self.user),
            "deadline": deadline,
        } | over
        types = {"Permit": [{"name": name, "type": kind} for name, kind in kinds]}
        signed = Account.sign_typed_data(KEY, domain, types, message)
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    def permit(self, value: int, deadline: int = SOON, **over: Any) -> bytes:
        args = (self.w.token, value, deadline, *self.sign(value, deadline, **over))
        return bytes(self.router.selfPermit.encode(*args))

    def open(self, id_: int = 0, size: int = SIZE, margin: int | None = None) -> bytes:
        amount = 3_000 * self.w.one if margin is None else margin
        limit = ANY[1 if size > 0 else -1]
        return bytes(self.router.open.encode(self.market, id_, size, amount, limit, SOON))

    def run(self, *calls: bytes, sender: str | None = None) -> Any:
        return self.router.multicall(list(calls), sender=sender or self.user)

    def margin(self, id_: int) -> int:
        return int(self.w.token.balanceOf(self.market.vaultOf(id_)))

    def clean(self) -> None:
        """Nothing rests in the router, and it lets nobody take anything."""
        token = self.w.token
        assert token.balanceOf(self.router) == 0
        for spender in (self.market, self.w.pool, self.user):
            assert token.allowance(self.router, spender) == 0


@pytest.fixture
def desk(new_world: Callable[..., World]) -> Desk:
    return Desk(new_world(token="PermitToken"))


def test_one_transaction_from_nothing_to_a_position(desk: Desk) -> None:
    desk.delegate()
    margin = 3_000 * desk.w.one
    desk.run(desk.permit(margin), desk.open())
    held = desk.market.position(1)
    assert (held.owner, held.size) == (desk.user, SIZE)
    assert desk.margin(1) < margin  # the fee
    assert desk.w.token.balanceOf(desk.user) == 97_000 * desk.w.one
    assert desk.w.token.allowance(desk.user, desk.router) == 0
    desk.clean()


def test_trades_and_margin_in_one_transaction(desk: Desk) -> None:
    desk.delegate()
    one, router, market = desk.w.one, desk.router, desk.market
    desk.run(desk.permit(10_000 * one), desk.open())
    before = desk.margin(1)
    desk.run(router.topUp.encode(market, 1, 500 * one))
    assert desk.margin(1) == before + 500 * one
    desk.run(
        router.increase.encode(market, 1, WAD, ANY[1], SOON),
        router.decrease.encode(market, 1, -2 * WAD, ANY[-1], SOON),
    )
    assert market.position(1).size == SIZE - WAD
    desk.run(router.close.encode(market, 1, ANY[-1], SOON), desk.open(1, -SIZE, 0))
    assert market.position(1).size == -SIZE
    desk.clean()


def test_anybody_tops_anybody_up_with_their_own_tokens(desk: Desk) -> None:
    w = desk.w
    id_ = w.open(w.alice, SIZE, 3_000 * w.one)
    before = desk.margin(id_)
    desk.run(desk.permit(700 * w.one), desk.router.topUp.encode(desk.market, id_, 700 * w.one))
    assert desk.margin(id_) == before + 700 * w.one
    assert w.token.balanceOf(desk.user) == 99_300 * w.one
    with pytest.raises(Reverted, match="UnknownPosition"):
        desk.router.topUp(desk.market, 77, 1, sender=desk.user)


def test_needs_the_delegation(desk: Desk) -> None:
    permit = desk.permit(3_000 * desk.w.one)
    with pytest.raises(Reverted, match="NotAuthorised"):
        desk.run(permit, desk.open())
    desk.delegate(expiry=desk.w.now - 1)
    with pytest.raises(Reverted, match="NotAuthorised"):
        desk.run(permit, desk.open())
    assert desk.market.state().nextId == 1  # all or nothing


def test_a_delegation_is_worth_nothing_to_others(desk: Desk) -> None:
    """alice trusts the router; bob can do nothing with her positions through it."""
    w, router, market = desk.w, desk.router, desk.market
    id_ = w.open(w.alice, SIZE, 5_000 * w.one)
    flat = int(w.ok("reserve", w.bob, w.alice).value)
    desk.delegate(w.alice)
    w.token.approve(router, 2**256 - 1, sender=w.alice)
    w.token.approve(router, 2**256 - 1, sender=w.bob)
    for call in (
        router.increase.encode(market, id_, WAD, ANY[1], SOON),
        router.decrease.encode(market, id_, -WAD, ANY[-1], SOON),
        router.close.encode(market, id_, ANY[-1], SOON),
        router.open.encode(market, flat, WAD, 10**6, ANY[1], SOON),
    ):
        with pytest.raises(Reverted, match="NotOwner"):
            desk.run(call, sender=w.bob)


def test_a_used_permit_counts_and_a_bad_one_does_not(desk: Desk) -> None:
    desk.delegate()
    value = 3_000 * desk.w.one
    signature = desk.sign(value)
    call = desk.permit(value)
    token, router = desk.w.token, desk.router
    token.permit(desk.user, router, value, SOON, *signature, sender=desk.w.bob)  # in front of us
    desk.run(call, desk.open())
    with pytest.raises(Reverted, match=r"PermitFailed.*allowance=0"):
        desk.run(call)
    with pytest.raises(Reverted, match="PermitFailed"):
        desk.run(desk.permit(value, spender=desk.w.bob))
    with pytest.raises(Reverted, match="PermitFailed"):
        desk.run(desk.permit(value, deadline=desk.w.now - 1))
    with pytest.raises(Reverted, match="PermitFailed"):  # somebody else's signature
        desk.run(desk.permit(value), sender=desk.w.bob)


def test_errors_of_the_market_come_through(desk: Desk) -> None:
    desk.delegate()
    desk.run(desk.permit(50_000 * desk.w.one))
    with pytest.raises(Reverted, match="Refused") as caught:
        desk.run(desk.open(size=1_000 * WAD, margin=10))
    assert caught.value["reason"] == 15
    with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
        desk.run(desk.open(margin=60_000 * desk.w.one))
    with pytest.raises(Reverted):
        desk.run(b"\1\2\3\4")


def test_a_false_market_takes_no_more_than_its_caller_states(desk: Desk) -> None:
    w, router, token = desk.w, desk.router, desk.w.token
    thief = w.carol
    false = deploy(w.rpc, "FalseMarket", token, thief, sender=w.deployer)
    for who in (w.alice, w.bob):
        token.approve(router, 2**256 - 1, sender=who)
    desk.delegate(w.alice)
    id_ = w.open(w.alice, SIZE, 5_000 * w.one)
    size = desk.market.position(id_).size
    # in the middle of bob's call it turns to the router itself, for alice's tokens and position
    for payload in (
        router.topUp.encode(false, 1, w.one),
        router.close.encode(desk.market, id_, ANY[-1], SOON),
        router.multicall.encode([router.topUp.encode(false, 1, w.one)]),
    ):
        false.setCall(router, payload, sender=thief)
        rich = token.balanceOf(w.alice)
        poor, loot = token.balanceOf(w.bob), token.balanceOf(thief)
        router.open(false, 0, WAD, 100, ANY[1], SOON, sender=w.bob)
        assert not false.calledBack()
        assert token.balanceOf(w.alice) == rich
        assert desk.market.position(id_).size == size
        assert (poor - token.balanceOf(w.bob), token.balanceOf(thief) - loot) == (100, 100)
    desk.clean()
