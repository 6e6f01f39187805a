"""The volatility average and the multipliers of the requirements."""

from __future__ import annotations

from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, YEAR, ceil_div, clamp, exp_wad, sqrt_up

VARIANCE_MAX = 2**80 - 1


def factor(z_score: int, horizon_secs: int, mm_rate: int) -> int:
    """z * sqrt(h in years) / mm_1, up."""
    return ceil_div(z_score * sqrt_up(horizon_secs * WAD * WAD // YEAR), mm_rate)


def sampled(variance: int, log_return: int, dt: int, cfg: Config) -> int:
    """The variance after a sample dt seconds after the last one."""
    sample = ceil_div(ceil_div(log_return * log_return, WAD) * YEAR, dt)
    decay = exp_wad(-(dt * WAD // cfg.tau_secs))
    return min(VARIANCE_MAX, ceil_div(variance * decay + sample * (WAD - decay), WAD))


def mu_vol(variance: int, cfg: Config) -> int:
    """The volatility multiplier, unclamped."""
    return ceil_div(cfg.vol_factor * sqrt_up(variance * WAD), WAD)


def target(variance: int, cfg: Config) -> int:
    """Where the ramp goes."""
    return clamp(mu_vol(variance, cfg), WAD, cfg.mu_max)


def ramped(ramp: int, goal: int, dt: int, cfg: Config) -> int:
    """The ramp after dt > 0 seconds with this target."""
    return goal if goal <= ramp else min(goal, ramp + cfg.ramp_per_hour * dt // 3600)


def mu_depth(larger_notional: int, nav: int, cfg: Config) -> int:
    """The depth multiplier from the larger side's notional and the pool's NAV."""
    capacity = min(cfg.max_open_interest, cfg.max_utilisation * nav // WAD) if nav > 0 else 0
    used = ceil_div(larger_notional * WAD, capacity) if capacity else WAD
    if used <= cfg.depth_kink:
        return WAD
    return WAD + ceil_div(cfg.depth_slope * (used - cfg.depth_kink), WAD - cfg.depth_kink)


def mu_im(variance: int, ramp: int, larger_notional: int, nav: int, cfg: Config) -> int:
    """The multiplier of the initial requirement."""
    grown = max(mu_vol(variance, cfg), mu_depth(larger_notional, nav, cfg))
    return max(min(grown, cfg.mu_max), WAD, ramp)
