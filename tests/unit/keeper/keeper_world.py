"""Builders for the keeper's tests: a usual configuration, targets near the line, a rich purse."""

from __future__ import annotations

from typing import Any

from bulkhead.keeper.decide import Policy, Purse, Sight, Target
from bulkhead.keeper.fees import Caps, GasPrice
from bulkhead.model.config import derive
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD

GWEI = 10**9
ETHER = 10**18
PRICE = 2_000 * WAD
MARKET = "0x" + "aa" * 20


def config(**changes: Any) -> Config:
    """The usual market's, with a token of 6 decimals."""
    people = dict.fromkeys(("token", "pool", "fund"), "0x" + "33" * 20)
    params = eth_usd("0x" + "11" * 20, "0x" + "22" * 20)
    return derive(params, decimals=6, max_reward=10**10, initial_mark=PRICE, **people)


def target(id_: int = 1, size: int = 10 * WAD, equity_bps: int = 200, **more: Any) -> Target:
    """A position whose equity is so many basis points of its notional; 250 is the line."""
    equity = abs(size) * PRICE // WAD * equity_bps // 10_000
    return Target(id_, size, PRICE, equity, equity // 10**12, **more)


def sight(*targets: Target, **more: Any) -> Sight:
    """A market that sees these."""
    given: dict[str, Any] = {"cfg": config(), "mark": PRICE, "spread": 0, "ramp": WAD, "skew": 0}
    return Sight(MARKET, targets=targets, **{**given, **more})


def price(base_gwei: int = 20, tip_gwei: int = 1, **more: Any) -> GasPrice:
    """Of gas, with ether at the market's price."""
    return GasPrice(base_gwei * GWEI, tip_gwei * GWEI, **{"quote_per_native": PRICE, **more})


def policy(**more: Any) -> Policy:
    """Wide limits."""
    caps = Caps(max_fee=500 * GWEI, max_tip=50 * GWEI, tip_share=WAD // 4)
    given: dict[str, Any] = {"caps": caps, "min_profit": WAD, "budget": 10 * ETHER}
    return Policy(**{**given, **more})


RICH = Purse(100 * ETHER)
