"""Tokens that stop, lie, shrink or can't be read, over the whole market (I-45).

What refuses cleanly the twin foretells to the last unit. What lies is refused where tokens come
in; where it does not show, no vault but the payer's own has less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, Function, deploy
from bulkhead.chain.errors import Reverted
from bulkhead.model.types import LiquidationResult as Is

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
DECIMALS = pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])


class Everybody(set[str]):
    """Any address is in it."""

    def __contains__(self, who: object) -> bool:
        return True


def populated(w: World, sign: int) -> list[int]:
    """Two positions of Alice's on one side, one of Bob's on the other, claims of the provider."""
    ids = [
        w.open(w.alice, sign * 50 * WAD, 9_000 * w.one),
        w.open(w.alice, sign * 50 * WAD, 6_000 * w.one),
        w.open(w.bob, -sign * 20 * WAD, 9_000 * w.one),
    ]
    w.ok("request_redeem", w.lp, 10**8 * w.one, w.lp, w.lp)
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    w.tick((2_000 - sign * 90) * WAD)
    w.ok("accrue", w.keeper)
    return ids


def stops(w: World, kind: str) -> None:
    """From now on the token moves nothing (ReturnBombToken: nothing out of our contracts)."""
    core = w.twin.core
    if kind == "PausableToken":
        w.token.setPaused(True)
    elif kind == "FalseReturnToken":
        w.token.setManner(1)
    else:
        w.token.setBomb(2)
        core.refuse_from.update(w.twin.core.vault(id_) for id_ in range(1, 10))
        core.refuse_from.update((w.pool.address, w.fund.address))
        return
    core.refuse_from = Everybody()


def goes_on(w: World, kind: str) -> None:
    """It is a plain token again."""
    w.twin.core.refuse_from = set()
    if kind == "PausableToken":
        w.token.setPaused(False)
    elif kind == "FalseReturnToken":
        w.token.setManner(0)
    else:
        w.token.setBomb(0)


@DECIMALS
@SIDES
@pytest.mark.parametrize("kind", ["PausableToken", "FalseReturnToken", "ReturnBombToken"])
def test_a_token_that_stops(
    new_world: Callable[..., World], kind: str, decimals: int, sign: int
) -> None:
    """What needs a payment is refused; exposure can be closed all the same; then all is paid."""
    w = new_world(token=kind, decimals=decimals)
    one, two, other = populated(w, sign)
    margins = [w.twin.margin(id_) for id_ in (one, two, other)]
    cash = w.twin.state.cash
    stops(w, kind)

    # Trades, removals and claims are refused, and change nothing.
    w.no("TransferRefused", "decrease", w.alice, one, -sign * WAD, ANY[-sign], SOON)
    w.no("TransferRefused", "remove_margin", w.bob, other, 1, w.bob)
    w.no("TransferRefused", "redeem", w.lp, w.pool.maxRedeem(w.lp), w.lp, w.lp)
    if kind != "ReturnBombToken":
        w.no("TransferRefused", "add_margin", w.bob, two, 1)
        w.no("TransferRefused", "request_deposit", w.lp, 100, w.lp, w.lp)
        w.no("TransferRefused", "open", w.bob, 0, sign * WAD, 900 * w.one, ANY[sign], SOON)
    swept = w.ok("sweep_fees", w.keeper).event("FeesSwept")
    assert (swept.toInsurance, swept.toTreasury) == (0, 0)

    # The keeper gets nothing now, but liquidates; an owner closes; no token has moved.
    done = w.ok("liquidate", w.keeper, two, w.keeper)
    assert done.value in (Is.PARTIAL, Is.FULL)
    assert done.event("PositionChanged").payout == 0
    paid = w.ok("close_and_withdraw", w.alice, one, ANY[-sign], SOON, w.alice).value
    assert (paid, w.twin.position(one).size) == (0, 0)
    assert [w.twin.margin(id_) for id_ in (one, two, other)] == margins
    assert w.twin.state.cash <= cash

    # It goes on: anyone settles what is owed, and everybody takes what is theirs.
    goes_on(w, kind)
    for id_ in (one, two):
        w.ok("settle", w.dave, id_)
    w.tick()
    for id_, who in ((one, w.alice), (two, w.alice), (other, w.bob)):
        if w.twin.position(id_).size:
            w.close(who, id_)
        assert w.twin.position(id_).basis <= 0 or w.twin.margin(id_) == 0
        if w.twin.margin(id_):
            w.ok("remove_margin", who, id_, w.twin.margin(id_), who)
    w.ok("redeem", w.lp, w.pool.maxRedeem(w.lp), w.lp, w.lp)


@pytest.mark.parametrize("kind", ["NoReturnToken", "ApproveZeroToken"])
@DECIMALS
@SIDES
def test_a_token_with_manners_of_its_own(
    new_world: Callable[..., World], kind: str, decimals: int, sign: int
) -> None:
    """Nothing is any different from a plain token."""
    w = new_world(token=kind, decimals=decimals)
    one, two, other = populated(w, sign)
    w.ok("decrease", w.alice, one, -sign * WAD, ANY[-sign], SOON)
    w.ok("liquidate", w.keeper, two, w.keeper)
    w.ok("add_margin", w.carol, other, 5 * w.one)
    w.ok("sweep_fees", w.keeper)
    w.ok("close_and_withdraw", w.alice, one, ANY[-sign], SOON, w.alice)
    w.ok("close_and_withdraw", w.bob, other, ANY[sign], SOON, w.bob)
    w.ok("redeem", w.lp, w.pool.maxRedeem(w.lp), w.lp, w.lp)


# ---- what does not show


class Watch:
    """Sends on the chain alone: the twin knows no such token."""

    def __init__(self, world: World, sign: int) -> None:
        self.w, self.sign = world, sign
        self.ids = populated(world, sign)
        self.router: Contract = deploy(world.rpc, "Router", sender=world.deployer)
        world.token.approve(self.router, 2**256 - 1, sender=world.alice)

    def balances(self) -> dict[int, int]:
        """Of all vaults."""
        return {id_: self.w.token.balanceOf(self.w.twin.core.vault(id_)) for id_ in self.ids}

    def send(self, function: Function, *args: Any, by: str) -> str:
        """The refusal, empty where it was done."""
        receipt = function.send(*args, sender=by, check=False)
        return "" if receipt.ok else Reverted(self.w.rpc.revert_data(receipt.hash)).name

    def inward(self) -> Iterator[str]:
        """Everything that takes tokens in, as alice's."""
        w, amount = self.w, 9_000 * self.w.one
        market, me = w.market, w.alice
        yield self.send(market.addMargin, 1, amount, by=me)
        yield self.send(market.open, 0, self.sign * 20 * WAD, amount, ANY[self.sign], SOON, by=me)
        yield self.send(w.pool.requestDeposit, amount, me, me, by=me)
        yield self.send(self.router.topUp, market, 1, amount, by=me)

    def outward(self) -> Iterator[tuple[int, str]]:
        """Everything that moves a vault's tokens: (whose, refusal)."""
        w, one, two, other = self.w, *self.ids
        down, up = ANY[-self.sign], ANY[self.sign]
        yield one, self.send(w.market.settle, one, by=w.dave)
        yield one, self.send(w.market.decrease, one, -self.sign * WAD, down, SOON, by=w.alice)
        yield two, self.send(w.market.liquidate, two, w.keeper, by=w.keeper)
        yield other, self.send(w.market.decrease, other, self.sign * WAD, up, SOON, by=w.bob)
        yield one, self.send(w.market.closeAndWithdraw, one, down, SOON, w.alice, by=w.alice)
        yield other, self.send(w.market.close, other, up, SOON, by=w.bob)
        left = w.token.balanceOf(w.twin.core.vault(other))
        yield other, self.send(w.market.removeMargin, other, left, w.bob, by=w.bob)

    def isolated(self) -> list[str]:
        """Does all of `outward`; each moves its own vault's tokens alone. Returns the refusals."""
        said = []
        before = self.balances()
        for whose, refusal in self.outward():
            after = self.balances()
            for id_ in self.ids:
                assert id_ == whose or after[id_] == before[id_], f"{id_} paid for {whose}"
            said.append(refusal)
            before = after
        return said


@pytest.fixture
def watch(new_world: Callable[..., World]) -> Callable[..., Watch]:
    return lambda token, sign: Watch(new_world(token=token), sign)


@SIDES
def test_a_fee_on_transfer(watch: Callable[..., Watch], sign: int) -> None:
    """Refused on the way in; on the way out it is the payer's, or the pool's, never a vault's."""
    s = watch("FeeToken", sign)
    s.w.token.setFee(100)
    assert list(s.inward()) == ["WrongAmountReceived"] * 4
    assert s.isolated() == [""] * 7


@SIDES
@pytest.mark.parametrize("index", [9 * 10**17, 11 * 10**17], ids=["down", "up"])
def test_a_rebase(watch: Callable[..., Watch], sign: int, index: int) -> None:
    """Each vault has what the token says it has: a rebase is its owner's gain or loss."""
    s = watch("RebasingToken", sign)
    before = s.balances()
    s.w.token.rebase(index)
    assert s.balances() == {id_: had * index // WAD for id_, had in before.items()}
    said = s.isolated()
    assert said.count("") >= 5, said
    assert set(said) <= {"", "Refused", "TransferRefused", "WrongAmountReceived"}


@SIDES
def test_a_lie(watch: Callable[..., Watch], sign: int) -> None:
    """It says it moved what it did not: nothing is credited for it, no vault loses a unit."""
    s = watch("FalseReturnToken", sign)
    s.w.token.setManner(2)
    before = s.balances()
    assert list(s.inward()) == ["WrongAmountReceived"] * 4
    s.isolated()
    assert s.balances() == before


@SIDES
def test_blindness(watch: Callable[..., Watch], sign: int) -> None:
    """While balances can't be read nothing is done; afterwards everything is as it was."""
    s = watch("BlindToken", sign)
    w = s.w
    s.w.token.setBlind(True)
    assert list(s.inward()) == ["Blind"] * 4
    one, two, other = s.ids
    down = ANY[-sign]
    for function, args, by in (
        (w.market.settle, (one,), w.dave),
        (w.market.decrease, (one, -sign * WAD, down, SOON), w.alice),
        (w.market.close, (one, down, SOON), w.alice),
        (w.market.closeAndWithdraw, (one, down, SOON, w.alice), w.alice),
        (w.market.removeMargin, (other, 1, w.bob), w.bob),
        (w.market.liquidate, (two, w.keeper), w.keeper),
        (w.market.liquidateMany, ((two,), w.keeper), w.keeper),
        (w.market.transferPosition, (one, w.bob), w.alice),
    ):
        assert s.send(function, *args, by=by) == "Blind"
    for function in (w.market.accrue, w.market.sweepFees):  # read no balance
        with w.branch():
            assert s.send(function, by=w.dave) == ""
    w.token.setBlind(False)
    w.compare("blindness")
    w.ok("liquidate", w.keeper, two, w.keeper)
    w.close(w.alice, one)
