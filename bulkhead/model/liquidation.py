"""How much of a position a liquidation closes. All at the favourable price."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.model import margin
from bulkhead.model.impact import unwinding
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div, clamp

SOLVER_LIMIT = 2**112


@dataclass(frozen=True)
class Costs:
    """What a liquidation costs: c (Wad per notional), and the rest from the configuration."""

    rate: int
    cfg: Config

    def reward(self, x: int) -> int:
        """The keeper's part for a closed notional x (Wad)."""
        cfg = self.cfg
        return clamp(cfg.keeper_rate * x // WAD, cfg.reward_floor, cfg.reward_cap)

    def wad(self, x: int) -> int:
        """Insurance and pool part (Wad, up)."""
        return ceil_div((self.cfg.insurance_rate + self.rate) * x, WAD)


def costs(spread: int, skew: int, size: int, cfg: Config) -> Costs:
    """The costs of liquidating out of this position, size != 0."""
    unwind = ceil_div(unwinding(skew, size, cfg) * WAD, abs(size))
    return Costs(spread + cfg.taker_fee + unwind, cfg)


@dataclass(frozen=True)
class FeeCase:
    """A stretch of closed notional with a linear fee: rate * x + constant."""

    low: int
    high: int | None
    rate: int  # 1e36 scale
    constant: int  # Wad


def fee_cases(terms: Costs) -> list[FeeCase]:
    """Floor, middle and cap of the keeper's part, by x from 0 up."""
    cfg = terms.cfg
    flat = (cfg.insurance_rate + terms.rate) * WAD
    if cfg.keeper_rate == 0:
        return [FeeCase(0, None, flat, cfg.reward_floor)]
    low = cfg.reward_floor * WAD // cfg.keeper_rate
    high = cfg.reward_cap * WAD // cfg.keeper_rate
    return [
        FeeCase(0, low, flat, cfg.reward_floor),
        FeeCase(low, high, flat + cfg.keeper_rate * WAD, 0),
        FeeCase(high, None, flat, cfg.reward_cap),
    ]


def rest(equity: int, n: int, ramp: int, terms: Costs) -> int | None:
    """The largest notional N' that may stay, or None if no linear piece solves."""
    cfg = terms.cfg
    total = margin.gain(ramp, cfg)
    spare = equity - 4 * cfg.unit
    cases = fee_cases(terms)
    for k in range(margin.bracket(max(n, cfg.min_notional), cfg.table), -1, -1):
        row = cfg.table[k]
        floor_k = max(cfg.table[k - 1].upper + 1 if k else 0, cfg.min_notional)
        slope = ceil_div(row.mm_rate * total, WAD)
        offset = row.d_mm * total // WAD
        for case in cases:
            largest = min(row.upper, n - case.low)
            smallest = floor_k if case.high is None else max(floor_k, n - case.high)
            if largest < smallest:
                continue
            have = (spare - case.constant) * WAD * WAD
            if slope > case.rate:
                solved = min((have - case.rate * n + offset) // (slope - case.rate), largest)
                if solved >= smallest:
                    return solved
            elif have - case.rate * (n - largest) >= slope * largest - offset:
                return largest
    return None


def closed_size(equity: int, size: int, price: int, ramp: int, terms: Costs) -> int | None:
    """Size that a partial liquidation closes (Wad, > 0), or None: close it all."""
    cfg = terms.cfg
    n = ceil_div(abs(size) * price, WAD)
    deep = ceil_div(cfg.deep_ratio * margin.mm(n, ramp, cfg), WAD)
    if equity < deep or n > SOLVER_LIMIT:
        return None
    kept = rest(equity, n, ramp, terms)
    if kept is None:
        return None
    closed = max(1, ceil_div((n - kept) * WAD, price))
    if closed >= abs(size):
        return None
    if ceil_div((abs(size) - closed) * price, WAD) < cfg.min_notional:
        return None
    return closed
