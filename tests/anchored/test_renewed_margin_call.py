"""A keeper that renews the mark in the block it accepted it in does not stop a healing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi import encode
from eth_hash.auto import keccak
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, deploy
from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason

Answer = Callable[[Any], object]


class Wallet:
    """A contract with an endangered long, a rich short, and no tokens of its own."""

    def __init__(self, w: World) -> None:
        self.w = w
        self.made: Contract = deploy(w.rpc, "ReentrantOwner", sender=w.deployer).as_(w.deployer)
        self.address = self.made.address
        w.give(self.address, 36_000 * w.one)
        w.twin.core.contracts.add(self.address)
        self.ill = w.open(self.address, 50 * WAD, 6_000 * w.one)
        self.rich = w.open(self.address, -50 * WAD, 30_000 * w.one)
        w.ok("set_margin_call", self.address, self.ill, True)

    def answers(self, action: str, args: tuple[Any, ...], twin: Answer) -> None:
        """What it does when called, on both sides."""
        market = self.w.market
        self.made.arm(market.address, getattr(market, action).encode(*args))
        self.w.twin.on_margin_call[self.address] = lambda model, _id, _short: twin(model)

    def removes(self, amount: int) -> None:
        args = (self.rich, amount, self.w.twin.core.vault(self.ill))
        self.answers("removeMargin", args, lambda m: m.remove_margin(self.address, *args))


@pytest.fixture
def wallet(world: World) -> Wallet:
    return Wallet(world)


def renewed(w: World) -> None:
    """The keeper accepts a harmless mark; a strictly newer one waits in the same block."""
    w.at(w.now + 12)
    w.set(2_000 * WAD, published=w.now - 5)
    w.ok("accrue", w.keeper)
    w.set(1_915 * WAD, published=w.now - 4)


def refused(reason: Reason, actual: int, limit: int) -> bytes:
    values = encode(["uint8", "int256", "int256"], [int(reason), actual, limit])
    return keccak(b"Refused(uint8,int256,int256)")[:4] + values


@pytest.mark.parametrize("many", [False, True])
def test_a_renewed_mark_does_not_stop_a_healing(wallet: Wallet, many: bool) -> None:
    w = wallet.w
    wallet.removes(10_000 * w.one)
    renewed(w)
    if many:
        done = w.ok("liquidate_many", w.keeper, (wallet.ill,), w.keeper)
        assert done.value == (Is.HEALED,)
    else:
        assert w.ok("liquidate", w.keeper, wallet.ill, w.keeper).value == Is.HEALED
    assert wallet.made.worked()
    assert w.market.state().renewed
    assert w.market.position(wallet.ill).size == 50 * WAD
    # after the call the block is for liquidations alone again, also for the owner
    for id_ in (wallet.ill, wallet.rich):
        only = Reason.BLOCK_IS_LIQUIDATION_ONLY
        w.no(only, "remove_margin", wallet.address, id_, 1, wallet.address)


@pytest.mark.parametrize("spare", [0, 1])
def test_initial_margin_holds_at_the_newer_mark(wallet: Wallet, spare: int) -> None:
    """What is left must hold IM at the newer mark: to the unit, and a unit more is refused."""
    w = wallet.w
    with w.branch() as b:
        b.tick(1_915 * WAD)
        b.ok("accrue", b.keeper)
        most = b.twin.withdrawable(wallet.rich)
    renewed(w)
    wallet.removes(most + spare)
    done = w.ok("liquidate", w.keeper, wallet.ill, w.keeper)
    assert wallet.made.worked() == (spare == 0)
    assert done.value == (Is.HEALED if spare == 0 else Is.PARTIAL)


@pytest.mark.parametrize("action", ["close", "decrease"])
def test_nobody_trades_at_the_second_mark(wallet: Wallet, action: str) -> None:
    w = wallet.w
    limits = (ANY[1], SOON)
    args = (wallet.rich, *limits) if action == "close" else (wallet.rich, WAD, *limits)
    wallet.answers(action, args, lambda m: getattr(m, action)(wallet.address, *args))
    renewed(w)
    assert w.ok("liquidate", w.keeper, wallet.ill, w.keeper).value == Is.PARTIAL
    assert not wallet.made.worked()
    said = refused(Reason.BLOCK_IS_LIQUIDATION_ONLY, w.now, w.now + 1)
    assert wallet.made.answer() == said
