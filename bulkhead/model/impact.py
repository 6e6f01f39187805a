"""The price of moving the skew: a potential, so that no path is cheaper than another."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div


def phi(skew: int, cfg: Config) -> int:
    """Phi(K), floor: K^2 / 2S up to m*S, with slope m beyond (Wad of size)."""
    scale, distance = cfg.skew_scale, abs(skew)
    knee = cfg.max_impact * scale // WAD
    if distance <= knee:
        return distance * distance // (2 * scale)
    return knee * knee // (2 * scale) + cfg.max_impact * (distance - knee) // WAD


def half_spread(mark: int, spread: int) -> int:
    """Half the oracle's spread as a price, up."""
    return ceil_div(mark * spread, 2 * WAD)


def unwinding(skew: int, size: int, cfg: Config) -> int:
    """max(0, Phi(K - s) - Phi(K)): what taking the whole position out adds to the potential."""
    return max(0, phi(skew - size, cfg) - phi(skew, cfg))


@dataclass(frozen=True)
class Fill:
    """A trade's price and what it costs."""

    fill: int  # price (Wad)
    cost: int  # impact + half the spread paid, signed (Wad quote): on top of size * mark
    fee_wad: int


def trade(mark: int, spread: int, skew: int, delta: int, cfg: Config) -> Fill:
    """A trade of `delta` at the mark; everything rounds against the trader."""
    impact = ceil_div(mark * (phi(skew + delta, cfg) - phi(skew, cfg)), WAD)
    cost = impact + ceil_div(abs(delta) * half_spread(mark, spread), WAD)
    value = (ceil_div(delta * mark, WAD) + cost) * WAD
    fill = max(0, ceil_div(value, delta) if delta > 0 else value // delta)
    shrink = min(abs(delta), abs(skew)) if skew * delta < 0 else 0
    rates = (abs(delta) - shrink) * cfg.taker_fee + shrink * cfg.maker_fee
    return Fill(fill, cost, ceil_div(fill * rates, WAD * WAD))
