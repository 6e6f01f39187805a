"""The funding rate and index over elapsed time, the clamp split exactly where it bites."""

from __future__ import annotations

from bulkhead.model.types import Config, Terms
from bulkhead.model.wad import RAY, WAD, ceil_div, clamp, trunc_div

INDEX_MAX = 2**87 - 1


def velocity(skew: int, cfg: Config) -> int:
    """Change of the rate per second (Ray per second squared)."""
    return trunc_div(
        clamp(skew, -cfg.skew_scale, cfg.skew_scale) * cfg.max_velocity, cfg.skew_scale
    )


def advance(rate: int, skew: int, mark: int, dt: int, cfg: Config) -> tuple[int, int]:
    """(rate after dt seconds, growth of the index). The rate is within its bounds before."""
    speed = velocity(skew, cfg)
    end = rate + speed * dt
    if abs(end) <= cfg.max_rate:
        twice = (rate + end) * dt
    else:
        end = cfg.max_rate if speed > 0 else -cfg.max_rate
        twice = 2 * end * dt - trunc_div((end - rate) ** 2, speed)
    return end, trunc_div(twice * mark, 2 * RAY)


def indexed(index: int, growth: int) -> int:
    """The index after its growth: it stops at the ends of its 88 bits, so no exit is blocked."""
    return clamp(index + growth, -INDEX_MAX, INDEX_MAX)


def psi(mark: int, rate: int, cfg: Terms) -> int:
    """What funding will still flow back as the skew unwinds, up (Wad quote)."""
    size = ceil_div(ceil_div(rate * rate, RAY) * cfg.skew_scale, 2 * cfg.max_velocity)
    return ceil_div(mark * size, WAD)
