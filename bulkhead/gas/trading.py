"""Positions: each measurement sends one prepared transaction and checks that its name is true."""

from __future__ import annotations

from bulkhead.chain.contract import events
from bulkhead.gas.checks import CALM, DEEP, HIGHER, LOWER, THIN, acted, paid
from bulkhead.gas.stage import MARGIN, PRICE, SIZE, USD, WAD, Stage, require
from bulkhead.model.types import Action

# ---------------------------------------------------------------- opening and margin


def open_new_vault(stage: Stage) -> int:
    """A first position: id, vault and margin in one transaction."""
    stage.tick(CALM)
    who = stage.people["newcomer"]
    id_ = stage.market.state().nextId
    vault = stage.market.vaultOf(id_)
    require(not stage.rpc.code(vault), "the vault is there already")
    with stage.accruing():
        receipt = stage.market.open(*stage.open_args(0, SIZE, 2 * MARGIN), sender=who)
    require(stage.rpc.code(vault), "no vault was deployed")
    require(stage.market.position(id_).size == SIZE, "the position is not open")
    return acted(stage, receipt, Action.OPEN)


def open_reused_vault(stage: Stage) -> int:
    """The same in a vault that an earlier position has left empty."""
    stage.tick(CALM)
    require(stage.rpc.code(stage.vault("emptied")), "there is no vault")
    require(stage.margin("emptied") == 0, "the vault is not empty")
    args = stage.open_args(stage.ids["emptied"], SIZE, 2 * MARGIN)
    with stage.accruing():
        receipt = stage.market.open(*args, sender=stage.people["returner"])
    require(stage.margin("emptied") > MARGIN, "the margin is not there")
    return acted(stage, receipt, Action.OPEN)


def top_up_by_transfer(stage: Stage) -> int:
    """A plain token transfer to the vault."""
    before = stage.margin("holder")
    receipt = stage.token.transfer(stage.vault("holder"), 500 * USD, sender=stage.people["holder"])
    require(stage.margin("holder") == before + 500 * USD, "the margin did not grow")
    return int(receipt.gas_used)


def add_margin(stage: Stage) -> int:
    """The same through the market."""
    before = stage.margin("holder")
    receipt = stage.market.addMargin(stage.ids["holder"], 500 * USD, sender=stage.people["holder"])
    require(stage.margin("holder") == before + 500 * USD, "the margin did not grow")
    return int(receipt.gas_used)


def remove_margin(stage: Stage) -> int:
    """Part of the margin of an open position."""
    stage.tick(CALM)
    who = stage.people["rich"]
    with stage.accruing():
        receipt = stage.market.removeMargin(stage.ids["rich"], 1_000 * USD, who, sender=who)
    require(paid(stage, receipt, stage.vault("rich"), who) == 1_000 * USD, "nothing was paid")
    require(paid(stage, receipt, stage.vault("rich"), stage.pool.address) > 0, "no funding paid")
    return acted(stage, receipt, Action.REMOVE_MARGIN)


# ---------------------------------------------------------------- reducing


def decrease(stage: Stage) -> int:
    """Half of a position, at a profit that the pool pays."""
    stage.tick(HIGHER)
    args = (stage.ids["holder"], -SIZE // 2, stage.limit(-1), stage.deadline())
    with stage.accruing():
        receipt = stage.market.decrease(*args, sender=stage.people["holder"])
    profit = paid(stage, receipt, stage.pool.address, stage.vault("holder"))
    require(profit > 2_000 * USD, "no profit was paid")
    require(stage.market.position(stage.ids["holder"]).size == SIZE // 2, "it is not half")
    return acted(stage, receipt, Action.DECREASE)


def close_and_withdraw(stage: Stage) -> int:
    """A whole position at a profit, and everything paid out."""
    stage.tick(HIGHER)
    who = stage.people["holder"]
    args = (stage.ids["holder"], stage.limit(-1), stage.deadline(), who)
    with stage.accruing():
        receipt = stage.market.closeAndWithdraw(*args, sender=who)
    require(paid(stage, receipt, stage.pool.address, stage.vault("holder")), "no profit was paid")
    require(paid(stage, receipt, stage.vault("holder"), who) > MARGIN, "no gain was withdrawn")
    require(stage.margin("holder") == 0, "something is left")
    return acted(stage, receipt, Action.CLOSE)


# ---------------------------------------------------------------- liquidation


def _liquidate(stage: Stage, mark: int, action: Action) -> int:
    stage.tick(mark)
    keeper = stage.people["keeper"]
    with stage.accruing():
        receipt = stage.market.liquidate(stage.ids["holder"], keeper, sender=keeper)
    require(paid(stage, receipt, stage.vault("holder"), keeper), "the keeper was not paid")
    require(not events(receipt, "BadDebt"), "it left bad debt")
    require(stage.margin("holder") > 0, "nothing is left of the margin")
    return acted(stage, receipt, action)


def liquidate_full(stage: Stage) -> int:
    """A position too deep to leave anything open; its owner keeps the rest of the margin."""
    gas = _liquidate(stage, DEEP, Action.LIQUIDATE_FULL)
    require(stage.market.position(stage.ids["holder"]).size == 0, "it is still open")
    return gas


def liquidate_partial(stage: Stage) -> int:
    """As much of a position as restores its target margin."""
    gas = _liquidate(stage, THIN, Action.LIQUIDATE_PARTIAL)
    rest = stage.market.position(stage.ids["holder"]).size
    require(SIZE // 10 < rest < SIZE * 9 // 10, "what is left is not a part")
    return gas


def _liquidate_ten(stage: Stage, mark: int, action: Action) -> int:
    stage.tick(mark)
    keeper = stage.people["keeper"]
    with stage.accruing():
        receipt = stage.market.liquidateMany(stage.many, keeper, sender=keeper)
    changes = events(receipt, "PositionChanged", of=stage.market)
    require([change.id for change in changes] == stage.many, "not all ten were liquidated")
    require(all(change.action == action for change in changes), f"not all were {action.name}")
    return int(-(-receipt.gas_used // 10))


def liquidate_many_10_per_position(stage: Stage) -> int:
    """A tenth of the transaction that liquidates ten, whole or in part: whichever costs more."""
    with stage.rpc.isolated():
        whole = _liquidate_ten(stage, DEEP, Action.LIQUIDATE_FULL)
    return max(whole, _liquidate_ten(stage, THIN, Action.LIQUIDATE_PARTIAL))


def margin_call(stage: Stage) -> int:
    """A liquidation that its owner, a contract, heals with one transfer."""
    stage.tick(THIN)
    keeper = stage.people["keeper"]
    with stage.accruing():
        receipt = stage.market.liquidate(stage.ids["healer"], keeper, sender=keeper)
    require(stage.healer.calls() == 1, "the owner was not called")
    require(paid(stage, receipt, stage.vault("healer"), keeper) == 5 * USD, "no reward for it")
    return acted(stage, receipt, Action.MARGIN_CALL_HEALED)


def deleverage(stage: Stage) -> int:
    """Part of a winner, where the traders' claims are more than the pool can be sure to pay."""
    stage.tick(LOWER)  # a better entry than its side's average, as who is deleveraged must have
    whale = stage.open("returner", 3_000 * WAD, 4_000_000 * USD, stage.ids["emptied"])
    state = stage.market.state()
    skew = (state.sizeLong - state.sizeShort) // 10**18
    stage.tick(PRICE + 9 * state.cash // (10 * USD * skew))
    with stage.accruing():
        receipt = stage.market.deleverage(whale, sender=stage.people["keeper"])
    require(0 < stage.market.position(whale).size < 3_000 * WAD, "it was not a part")
    require(paid(stage, receipt, stage.pool.address, stage.market.vaultOf(whale)), "not paid")
    return acted(stage, receipt, Action.DELEVERAGE)
