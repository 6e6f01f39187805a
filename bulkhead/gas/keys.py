"""Every key of the snapshot: what measures it and what it may cost.

Budgets are for whole transactions: an OpenZeppelin token of 6 decimals with unlimited approvals,
whose payees hold some already, and a new mark with a volatility sample and funding in each
transaction that needs a price. Keys without a budget are watched.
"""

from __future__ import annotations

from collections.abc import Callable

from bulkhead.gas import oracles, orders, trading, upkeep
from bulkhead.gas.stage import Stage

_TABLE: dict[Callable[[Stage], int], int | None] = {
    trading.open_new_vault: 240_000,
    trading.open_reused_vault: 182_000,
    trading.top_up_by_transfer: 34_500,
    trading.add_margin: 50_000,
    trading.remove_margin: 130_000,
    trading.decrease: 145_000,
    trading.close_and_withdraw: 141_000,
    trading.liquidate_full: 139_000,
    trading.liquidate_partial: 150_000,
    trading.liquidate_many_10_per_position: 49_000,
    upkeep.settle: None,
    upkeep.reserve: None,
    upkeep.request_deposit: None,
    upkeep.request_redeem: None,
    upkeep.price_bucket: None,
    upkeep.claim_deposit: None,
    upkeep.claim_redeem: None,
    trading.deleverage: None,
    trading.margin_call: None,
    orders.order_open: 420_000,
    orders.order_place_open: None,
    orders.order_execute_open: None,
    orders.order_place_increase: None,
    orders.order_execute_increase: None,
    orders.order_place_reduce_only: None,
    orders.order_execute_decrease: None,
    orders.order_execute_take_profit: None,
    orders.order_execute_stop: None,
    orders.order_advance: None,
    orders.order_execute_trailing_stop: None,
    orders.order_execute_many_10_per_order: None,
    orders.order_cancel_open: None,
    orders.order_cancel_reduce_only: None,
    orders.order_edit: None,
    orders.order_release: None,
    oracles.chainlink_read: None,
    oracles.chainlink_read_breaker: None,
    oracles.pyth_read: None,
    oracles.pyth_update: None,
    oracles.quorum_read: None,
    oracles.quorum_update_3: None,
    oracles.quorum_update_5: None,
    oracles.quorum_update_13: None,
    oracles.median_read: None,
}
MEASUREMENTS = {run.__name__: run for run in _TABLE}
BUDGETS = {run.__name__: budget for run, budget in _TABLE.items()}
