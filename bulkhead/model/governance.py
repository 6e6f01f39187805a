"""Parameter changes that make nobody liquidatable, and the modes."""

from __future__ import annotations

from bulkhead.model import acceptance, config, margin
from bulkhead.model.core import Core
from bulkhead.model.errors import AccessManagedUnauthorized, Refused
from bulkhead.model.types import UNBOUNDED, Address, Config, Mode, Params, Reason
from bulkhead.model.wad import WAD, clamp


def only(core: Core, caller: Address, *roles: Address) -> None:
    """Refuses whoever does not hold the role."""
    if caller not in roles:
        raise AccessManagedUnauthorized(caller)


def relief(old: Config, new: Config) -> int:
    """r0: the least ratio of the old to the new MM over all notionals (Wad, at most 1)."""
    knots = {row.upper for row in (*old.table, *new.table) if row.upper < UNBOUNDED}
    knots |= {old.min_notional, new.min_notional}
    ratio = min(WAD, old.table[-1].mm_rate * WAD // new.table[-1].mm_rate)
    for n in knots:
        ratio = min(ratio, margin.mm(n, WAD, old) * WAD // margin.mm(n, WAD, new))
    return ratio


def set_params(core: Core, params: Params) -> None:
    """Sets all parameters at once; MM follows by the ramp."""
    s = core.state
    if s.mode >= Mode.FINAL:
        raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.FINAL_ANNOUNCED))
    config.check_addresses(params, core.market, core.cfg.pool, core.cfg.token, *core.deployed())
    acceptance.accrue(core)
    skew = abs(s.size_long - s.size_short)
    old, new = core.cfg, config.rederive(params, core.cfg, skew)
    there = new.order_book in core.contracts
    config.bound(not new.delayed_only or there, "delayed_only", new.delayed_only, 0)
    r0 = relief(old, new)
    left = r0 * min(WAD, s.ramp) // WAD * new.table[0].mm_rate // WAD
    costs = config.exit_costs(new)
    config.bound(left > costs, "mm_rate", left, costs)
    s.funding_rate = clamp(s.funding_rate, -new.max_rate, new.max_rate)
    s.ramp = s.ramp * r0 // WAD
    core.cfg = new
    core.emit("ParamsSet", ramp=s.ramp)


def enter_reduce_only(core: Core) -> None:
    """Stops everything that adds risk."""
    s = core.state
    if s.mode != Mode.NORMAL:
        raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.NORMAL))
    s.mode = Mode.REDUCE_ONLY
    core.emit("ModeSet", mode=s.mode)


def leave_reduce_only(core: Core) -> None:
    """Ends ReduceOnly; grace follows."""
    s = core.state
    if s.mode != Mode.REDUCE_ONLY:
        raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.REDUCE_ONLY))
    s.mode = Mode.NORMAL
    s.resumed_at = max(s.resumed_at, core.now)
    core.emit("ModeSet", mode=s.mode)
