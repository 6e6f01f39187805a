"""Upkeep and liquidity, measured like positions."""

from __future__ import annotations

from bulkhead.chain.contract import events
from bulkhead.chain.rpc import Receipt
from bulkhead.gas.checks import CALM, acted, paid
from bulkhead.gas.stage import HOUR, MINUTE, USD, Stage, require
from bulkhead.model.types import Action

# ---------------------------------------------------------------- upkeep


def settle(stage: Stage) -> int:
    """A position's funding."""
    stage.tick(CALM)
    with stage.accruing():
        receipt = stage.market.settle(stage.ids["holder"], sender=stage.people["keeper"])
    require(stage.changed(receipt).fundingPaid > 0, "no funding was paid")
    return acted(stage, receipt, Action.SETTLE)


def reserve(stage: Stage) -> int:
    """An id, for somebody else."""
    receipt = stage.market.reserve(stage.people["newcomer"], sender=stage.people["keeper"])
    require(len(events(receipt, "PositionReserved", of=stage.market)) == 1, "nothing was reserved")
    return int(receipt.gas_used)


# ---------------------------------------------------------------- liquidity

SHARES = 10**6 * USD * 10**3  # about a million dollars' worth


def _request_deposit(stage: Stage) -> Receipt:
    who = stage.people["second_lp"]
    receipt: Receipt = stage.pool.requestDeposit(10**6 * USD, who, who, sender=who)
    return receipt


def _request_redeem(stage: Stage) -> Receipt:
    who = stage.people["lp"]
    receipt: Receipt = stage.pool.requestRedeem(SHARES, who, who, sender=who)
    return receipt


def _price_both(stage: Stage) -> int:
    """Requests of both kinds, due within minutes of each other, priced in one acceptance."""
    _request_redeem(stage)
    stage.idle(24 * HOUR - 20 * MINUTE)
    _request_deposit(stage)
    stage.tick(CALM, seconds=30 * MINUTE)
    with stage.accruing():
        receipt = stage.market.accrue(sender=stage.people["keeper"])
    [redeemed] = events(receipt, "RedeemBucketPriced", of=stage.pool)
    require(redeemed.burned == SHARES, "redemptions were not filled")
    require(events(receipt, "DepositBucketPriced", of=stage.pool), "deposits were not priced")
    return int(receipt.gas_used)


def request_deposit(stage: Stage) -> int:
    """The first of its bucket, which it closes."""
    receipt = _request_deposit(stage)
    require(len(events(receipt, "BucketClosed", of=stage.pool)) == 1, "no bucket was closed")
    return receipt.gas_used


def request_redeem(stage: Stage) -> int:
    """The first of its bucket, which it closes."""
    receipt = _request_redeem(stage)
    require(len(events(receipt, "BucketClosed", of=stage.pool)) == 1, "no bucket was closed")
    return receipt.gas_used


def price_bucket(stage: Stage) -> int:
    """A mark that prices a bucket of deposits and one of redemptions."""
    gas = _price_both(stage)
    require(stage.pool.redeemBuckets().waiting == 0, "redemptions still wait")
    require(stage.pool.depositBuckets().waiting == 0, "deposits still wait")
    return gas


def claim_deposit(stage: Stage) -> int:
    """Shares of a priced deposit, by somebody who holds some."""
    _price_both(stage)
    who = stage.people["second_lp"]
    before = stage.pool.balanceOf(who)
    claim = stage.pool["deposit(uint256,address,address)"]
    receipt = claim(10**6 * USD, who, who, sender=who)
    require(stage.pool.balanceOf(who) > before > 0, "no shares came")
    return int(receipt.gas_used)


def claim_redeem(stage: Stage) -> int:
    """Assets of priced shares."""
    _price_both(stage)
    who = stage.people["lp"]
    receipt = stage.pool.redeem(SHARES, who, who, sender=who)
    require(paid(stage, receipt, stage.pool.address, who) > 0, "nothing was paid")
    return int(receipt.gas_used)
