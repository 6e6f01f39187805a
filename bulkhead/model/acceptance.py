"""Accrual and the acceptance of a mark: one per block, before anything else."""

from __future__ import annotations

from bulkhead.model import funding, pricing, volatility
from bulkhead.model.core import Core
from bulkhead.model.errors import OracleError, Refused
from bulkhead.model.ledger import Ledger
from bulkhead.model.pool import Pool
from bulkhead.model.types import Mode, Position, Reading, Reason
from bulkhead.model.wad import WAD, ceil_div, ln_wad

MARK_MIN, MARK_MAX = 10**9, 2**96 - 1


def accrue(core: Core) -> None:
    """Runs funding and the ramp up to now with the held mark."""
    s, cfg = core.state, core.cfg
    dt = core.now - s.accrued_at
    if dt <= 0 or s.mode >= Mode.FINAL:
        return
    rate, growth = funding.advance(s.funding_rate, s.skew, s.mark, dt, cfg)
    s.funding_rate = rate
    s.funding_index = funding.indexed(s.funding_index, growth)
    s.ramp = volatility.ramped(s.ramp, volatility.target(s.variance, cfg), dt, cfg)
    s.accrued_at = core.now


def read(core: Core) -> Reading:
    """The oracle's reading, or its revert."""
    if isinstance(core.oracle, OracleError):
        raise core.oracle
    return core.oracle


def in_grace(core: Core) -> bool:
    """Whether an outage or ReduceOnly ended too short ago."""
    s = core.state
    return s.resumed_at != 0 and core.now < s.resumed_at + core.cfg.grace_secs


def check(core: Core, reading: Reading) -> None:
    """Refuses a reading that can't be a mark."""
    s = core.state
    if reading.published_at < s.published_at:
        raise Refused(Reason.PRICE_BACKWARDS, reading.published_at, s.published_at)
    if reading.mark < MARK_MIN:
        raise Refused(Reason.PRICE_OUT_OF_RANGE, reading.mark, MARK_MIN)
    if reading.mark > MARK_MAX:
        raise Refused(Reason.PRICE_OUT_OF_RANGE, reading.mark, MARK_MAX)
    if reading.spread > core.cfg.max_spread:
        raise Refused(Reason.SPREAD_TOO_WIDE, reading.spread, core.cfg.max_spread)


def accept(core: Core, pool: Pool, reading: Reading) -> None:
    """Takes a checked reading."""
    s, cfg = core.state, core.cfg
    accrue(core)
    log, limit = ln_wad(reading.mark), cfg.table[0].mm_rate
    recent = reading.published_at < s.sampled_at + cfg.pricing_wait_secs
    stepped = recent and abs(log - s.ln_sample) > limit  # in however many steps
    if stepped or abs(reading.mark - s.mark) * WAD > limit * s.mark:
        s.jump_at = core.now
    s.mark, s.spread = reading.mark, reading.spread
    dt = reading.published_at - s.sampled_at
    if dt >= max(1, cfg.sample_interval_secs):
        s.variance = volatility.sampled(s.variance, log - s.ln_sample, dt, cfg)
        s.ln_sample, s.sampled_at = log, reading.published_at
    s.published_at, s.accepted_at = reading.published_at, core.now
    s.resumed_at = max(s.resumed_at, min(reading.resumed_at, core.now))
    if s.mode == Mode.FINAL_ANNOUNCED:
        s.mode = Mode.REDUCE_ONLY
        core.totals.final_mark = core.totals.executable_at = 0
        core.emit("ModeSet", mode=s.mode)
    price_buckets(core, pool, s.published_at)


def price_buckets(core: Core, pool: Pool, published_at: int) -> None:
    """Prices due buckets, deposits first, then redemptions at the NAV after them."""
    s, cfg = core.state, core.cfg
    if s.bucket_due_at == 0 or published_at <= s.bucket_due_at or s.mode == Mode.FINAL:
        return
    moved = s.jump_at != 0 and core.now < s.jump_at + cfg.pricing_wait_secs
    if s.mode != Mode.SETTLED and (in_grace(core) or moved):
        return
    worth = pricing.nav(core)
    empty = s.size_long == s.size_short == 0
    funded = core.totals.owed == core.totals.paid
    if s.mode != Mode.SETTLED and (worth > 0 or (empty and funded)):
        assets = pool.price_deposits(published_at, ceil_div(max(0, worth), cfg.unit))
        books = Ledger(cfg, s, core.totals, Position(""), 0)
        books.inflow(assets)
        books.apply(s, core.totals)
        worth = pricing.nav(core)
    if worth > 0:
        free = pricing.free_liquidity(core)
        s.cash -= pool.price_redeems(published_at, worth // cfg.unit, free)
    s.bucket_due_at = pool.next_due_at()


def load(core: Core, pool: Pool, called: bool = False) -> None:
    """The block's mark for an action: held or accepted now.

    A renewed one is for liquidations alone, and for an owner that is being called (`called`).
    """
    s = core.state
    if s.accepted_at == core.now:
        if s.renewed and not called:
            raise Refused(Reason.BLOCK_IS_LIQUIDATION_ONLY, core.now, core.now + 1)
        return
    s.renewed = False
    reading = read(core)
    check(core, reading)
    accept(core, pool, reading)


def renew(core: Core, pool: Pool) -> bool:
    """The mark for a liquidation, which may bring a strictly newer one. True if it did."""
    s = core.state
    if s.accepted_at != core.now:
        load(core, pool)
        return False
    try:
        reading = read(core)
        if reading.published_at <= s.published_at:
            return False
        check(core, reading)
    except (OracleError, Refused):
        return False  # the block has its mark: a failing oracle does not take it away
    accept(core, pool, reading)
    s.renewed = True
    return True


def accrue_or_accept(core: Core, pool: Pool) -> None:
    """Accepts a mark where the oracle has a valid one, else only accrues."""
    s = core.state
    if s.mode == Mode.SETTLED:
        price_buckets(core, pool, core.now)
        return
    if s.mode == Mode.FINAL:
        return
    if s.accepted_at == core.now:
        if s.renewed:
            raise Refused(Reason.BLOCK_IS_LIQUIDATION_ONLY, core.now, core.now + 1)
        return
    try:
        reading = read(core)
        check(core, reading)
    except (OracleError, Refused):
        accrue(core)
        return
    s.renewed = False
    accept(core, pool, reading)
