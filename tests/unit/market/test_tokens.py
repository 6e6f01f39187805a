"""Tokens that refuse: exits happen all the same, what is owed stays backed by the frozen vault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


@pytest.fixture
def listed(new_world: Callable[..., World]) -> World:
    """A market over a token with a blacklist."""
    return new_world(token="BlacklistToken")


@SIDES
@pytest.mark.parametrize("fall", [85, 110, 150])
@pytest.mark.parametrize("who", ["keeper", "vault", "pool"])
def test_liquidation_is_not_blocked(listed: World, sign: int, fall: int, who: str) -> None:
    w = listed
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    vault = w.twin.core.vault(id_)
    w.tick((2_000 - sign * fall) * WAD)
    target = {"keeper": w.keeper, "vault": vault, "pool": w.pool.address}[who]
    w.block(target)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value in (Is.PARTIAL, Is.FULL)
    if who != "pool":
        assert done.event("PositionChanged").payout == 0
    w.block(target, False, False)
    w.ok("settle", w.bob, id_)
    if done.value == Is.FULL:
        assert w.twin.position(id_).basis == 0


@SIDES
@pytest.mark.parametrize("move", [30, -30, -119])
def test_a_frozen_vault_closes(listed: World, sign: int, move: int) -> None:
    w = listed
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    w.tick((2_000 + sign * move) * WAD, seconds=600)
    vault = w.twin.core.vault(id_)
    w.block(vault)
    if w.do("close_and_withdraw", w.alice, id_, ANY[-sign], SOON, w.alice).refusal:
        w.do("close", w.alice, id_, ANY[-sign], SOON)
    w.do("settle", w.bob, id_)
    w.do("remove_margin", w.alice, id_, 1, w.alice)
    w.block(vault, False, False)
    w.ok("settle", w.bob, id_)
    left = w.twin.margin(id_)
    if left and not w.twin.position(id_).size:
        w.ok("remove_margin", w.alice, id_, left, w.alice)


def test_owner_and_treasury_refused(listed: World) -> None:
    """A listed owner is not paid, and blocks nobody; a listed treasury goes without."""
    w = listed
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    w.block(w.alice)
    w.block(w.treasury)
    w.no("TransferRefused", "remove_margin", w.alice, id_, 1, w.alice)
    w.no("TransferRefused", "close_and_withdraw", w.alice, id_, ANY[-1], SOON, w.alice)
    w.ok("remove_margin", w.alice, id_, 1, w.bob)
    assert w.ok("sweep_fees", w.bob).event("FeesSwept").toTreasury == 0
    w.tick(1_850 * WAD)
    w.ok("liquidate", w.keeper, id_, w.keeper)
    w.block(w.treasury, False, False)
    assert w.ok("sweep_fees", w.bob).event("FeesSwept").toTreasury > 0


def test_a_fund_that_can_not_pay(listed: World) -> None:
    w = listed
    id_ = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.give(w.fund.address, 100_000 * w.one)
    w.block(w.fund.address)
    w.tick(1_800 * WAD)
    share = w.twin.state.insurance_due
    debt = w.ok("liquidate", w.keeper, id_, w.keeper).event("BadDebt")
    assert debt.fromInsurance == share


@pytest.mark.parametrize("kind", ["NoReturnToken", "TestToken"])
def test_usual_tokens(new_world: Callable[..., World], kind: str) -> None:
    w = new_world(token=kind)
    id_ = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.ok("add_margin", w.bob, id_, 5)
    w.tick(1_920 * WAD)
    w.ok("liquidate", w.keeper, id_, w.keeper)
    w.ok("close_and_withdraw", w.alice, id_, ANY[-1], SOON, w.alice)


def test_a_fee_on_transfer_is_refused(new_world: Callable[..., World]) -> None:
    w = new_world(token="FeeToken")
    id_ = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.token.setFee(100)
    for call in (
        w.market.addMargin.prepare(id_, 10_000, sender=w.alice),
        w.market.open.prepare(0, 50 * WAD, 9_000 * w.one, ANY[1], SOON, sender=w.alice),
    ):
        receipt = w.rpc.send(call.to, call.data, sender=w.alice, check=False)
        said = w._refused(w.rpc.revert_data(receipt.hash))
        assert said.startswith("WrongAmountReceived"), said


def test_a_blocked_pool_stops_no_top_up(listed: World) -> None:
    w = listed
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    w.block(w.pool.address)
    w.no("TransferRefused", "increase", w.alice, id_, WAD, ANY[1], SOON)
    w.no("TransferRefused", "decrease", w.alice, id_, -WAD, ANY[-1], SOON)
    w.ok("add_margin", w.bob, id_, 1)
    w.close(w.alice, id_)
    w.no(Reason.IS_FLAT, "close", w.alice, id_, ANY[-1], SOON)
