"""What the pool is worth and what it can pay out, from the sums alone."""

from __future__ import annotations

from bulkhead.model import impact
from bulkhead.model.core import Core
from bulkhead.model.funding import psi
from bulkhead.model.types import Mode
from bulkhead.model.volatility import mu_im
from bulkhead.model.wad import WAD, ceil_div


def net_claim(core: Core) -> int:
    """Total claim of all positions (Wad, signed, up)."""
    s = core.state
    return ceil_div(s.skew * (s.mark - s.funding_index), WAD) - s.basis_long - s.basis_short


def side_claim(core: Core, sign: int) -> int:
    """Claim of one side at the mark (Wad, signed, down)."""
    s = core.state
    size, basis = (s.size_short, s.basis_short) if sign < 0 else (s.size_long, s.basis_long)
    return (-size if sign < 0 else size) * (s.mark - s.funding_index) // WAD - basis


def side_notional(core: Core, sign: int) -> int:
    """Notional of one side (Wad, up)."""
    s = core.state
    return ceil_div((s.size_short if sign < 0 else s.size_long) * s.mark, WAD)


def larger_notional(core: Core) -> int:
    """Notional of the larger side."""
    return max(side_notional(core, 1), side_notional(core, -1))


def nav(core: Core) -> int:
    """Net asset value of the pool at the held mark (Wad, signed)."""
    s, cfg = core.state, core.cfg
    if s.mode == Mode.SETTLED:
        return s.cash * cfg.unit
    unfunded = core.totals.owed - core.totals.paid
    return (
        (s.cash - unfunded) * cfg.unit
        - net_claim(core)
        - ceil_div(s.mark * impact.phi(s.skew, cfg), WAD)
        - psi(s.mark, s.funding_rate, cfg)
    )


def free_liquidity(core: Core, worth: int | None = None) -> int:
    """What liquidity providers may take out now (token units). worth: the NAV, if it is known."""
    s, cfg = core.state, core.cfg
    cash = s.cash * cfg.unit
    if s.mode == Mode.SETTLED:
        return s.cash
    worth = nav(core) if worth is None else worth
    sides = side_notional(core, 1), side_notional(core, -1)
    free = min(
        cash,
        worth - ceil_div(cfg.reserve_factor * sum(sides), WAD),
        worth - ceil_div(max(sides) * WAD, cfg.max_utilisation),
        cash - ceil_div(max(0, net_claim(core)) * WAD, cfg.adl_target),
    )
    return max(0, free) // cfg.unit


def im_multiplier(core: Core) -> int:
    """The multiplier of the initial requirement now."""
    s = core.state
    return mu_im(s.variance, s.ramp, larger_notional(core), nav(core), core.cfg)
