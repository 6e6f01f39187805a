"""The contracts' names that the keeper relies on, in one place. Events are decoded by the compiled
ABI; every event of the market with an argument `id` (not 0) touches that position."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bulkhead.chain.artifacts import default
from bulkhead.chain.decode import Registry
from bulkhead.model.types import Action

MARKET, LENS, BOOK = "Market", "MarketLens", "OrderBook"
ERC20 = "LiquidityPool"  # its share is one: the standard's events are in its ABI
ID = "id"
TRANSFER = "Transfer"
PARAMS_CHANGED = ("ParamsSet",)
CHANGED = "PositionChanged"
LIQUIDATED = {Action.LIQUIDATE_PARTIAL, Action.LIQUIDATE_FULL, Action.MARGIN_CALL_HEALED}
ORDER, PLACED = "orderHash", "OrderPlaced"  # the argument of every event of an order, and the first
FILLED, RELEASED, ADVANCED = "OrderFilled", "OrderReleased", "TrailAdvanced"
ENDED = (FILLED, "OrderCancelled", RELEASED)
OPTED_IN = 1  # bit of a position's flags: its owner is called before a liquidation


@lru_cache(maxsize=1)
def market_events() -> Registry:
    """Events and errors of the market."""
    return Registry(default().get(MARKET).abi)


@lru_cache(maxsize=1)
def book_events() -> Registry:
    """Events and errors of the order book."""
    return Registry(default().get(BOOK).abi)


@lru_cache(maxsize=1)
def token_events() -> Registry:
    """Events of the collateral token."""
    entries: list[dict[str, Any]] = default().get(ERC20).abi
    return Registry(entries)
