"""Rules that join several fields of a market file: what the market refuses at listing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from bulkhead.deploy.schema import UNLIMITED, MarketFile, Quorum
from bulkhead.deploy.units import RAY, WAD

HOUR = 3_600
LEAST_MAINTENANCE = WAD // 10  # quote
PYTH_AHEAD = 5  # seconds: MAX_AHEAD_SECS of PythOracle


@dataclass(frozen=True)
class Rule:
    """A broken rule: the field, its value and the limit, for people."""

    place: tuple[str | int, ...]
    value: str
    limit: str


def percent(wad: int | Fraction) -> str:
    """A ratio as a percentage, exactly where six decimals suffice."""
    value = Fraction(wad, WAD) * 100
    return f"{float(value):.6f}".rstrip("0").rstrip(".") + " %"


def plain(wad: int | Fraction) -> str:
    """An amount with thousands separators."""
    return f"{float(Fraction(wad, WAD)):,.6f}".rstrip("0").rstrip(".")


def _brackets(market: MarketFile) -> Iterator[Rule]:
    rows = market.margin.brackets
    for at, row in enumerate(rows):
        here = ("margin", "brackets", at)
        if row.maintenance == 0 or row.maintenance >= row.initial:
            limit = f"above 0 and below the initial rate, {percent(row.initial)}"
            yield Rule((*here, "maintenance"), percent(row.maintenance), limit)
        if at and row.up_to <= rows[at - 1].up_to:
            yield Rule((*here, "up_to"), plain(row.up_to), f"above {plain(rows[at - 1].up_to)}")
        for name in ("initial", "maintenance"):
            value, before = getattr(row, name), getattr(rows[at - 1], name) if at else 0
            if value < before:
                limit = f"not below the row before, {percent(before)}"
                yield Rule((*here, name), percent(value), limit)
    if rows[-1].up_to != UNLIMITED:
        place = ("margin", "brackets", len(rows) - 1, "up_to")
        yield Rule(place, plain(rows[-1].up_to), "the last row must be unlimited")


def _costs(market: MarketFile) -> Iterator[Rule]:
    """A liquidation must be able to pay what it costs, out of the maintenance margin."""
    liq, first = market.liquidation, market.margin.brackets[0]
    costs = (
        liq.keeper_rate
        + liq.insurance_rate
        + market.fees.taker
        + market.oracle.max_spread
        + market.impact.max_impact
    )
    if costs >= first.maintenance:
        limit = (
            f"above the costs of a liquidation: rates, taker fee, spread, impact: {percent(costs)}"
        )
        yield Rule(("margin", "brackets", 0, "maintenance"), percent(first.maintenance), limit)
    smallest = Fraction(first.maintenance * market.margin.min_notional, WAD)
    if smallest < LEAST_MAINTENANCE:
        limit = f"such that the smallest maintenance margin is {plain(LEAST_MAINTENANCE)} or more"
        limit += ", for leaving is rounded up to whole token units"
        yield Rule(("margin", "min_notional"), plain(market.margin.min_notional), limit)
    most = min(smallest / 5, smallest * liq.buffer / WAD)
    if liq.reward_floor > most:
        limit = f"at most {plain(most)}: a fifth of the smallest maintenance margin, and its buffer"
        yield Rule(("liquidation", "reward_floor"), plain(liq.reward_floor), limit)
    if liq.reward_cap < liq.reward_floor:
        limit = f"at least reward_floor, {plain(liq.reward_floor)}"
        yield Rule(("liquidation", "reward_cap"), plain(liq.reward_cap), limit)
    largest = max(liq.reward_floor, liq.keeper_rate * market.pool.max_open_interest // WAD)
    if liq.reward_cap > largest:
        limit = f"at most {plain(largest)}: keeper_rate of a full side, fixed for ever at listing"
        yield Rule(("liquidation", "reward_cap"), plain(liq.reward_cap), limit)
    if liq.margin_call_reward > liq.reward_floor:
        limit = f"at most reward_floor, {plain(liq.reward_floor)}"
        yield Rule(("liquidation", "margin_call_reward"), plain(liq.margin_call_reward), limit)


def _fees(market: MarketFile) -> Iterator[Rule]:
    fees = market.fees
    if fees.pool_share + fees.insurance_share > WAD:
        limit = f"at most {percent(WAD - fees.pool_share)}: the pool has {percent(fees.pool_share)}"
        yield Rule(("fees", "insurance_share"), percent(fees.insurance_share), limit)
    if fees.maker > fees.taker:  # else liquidating oneself is the cheaper exit
        limit = f"at most taker, {percent(fees.taker)}"
        yield Rule(("fees", "maker"), percent(fees.maker), limit)


def _impact(market: MarketFile) -> Iterator[Rule]:
    impact = market.impact
    most = min(impact.max_impact * impact.skew_scale // WAD, impact.skew_scale)
    if impact.max_skew > most:
        limit = f"at most {plain(most)} {market.base}: max_impact x skew_scale"
        yield Rule(("impact", "max_skew"), plain(impact.max_skew), limit)


def _funding(market: MarketFile) -> Iterator[Rule]:
    funding, first = market.funding, market.margin.brackets[0]
    hourly = Fraction(funding.max_rate * HOUR * WAD, RAY)
    gap = first.initial - first.maintenance
    if hourly > gap:
        limit = f"at most {percent(gap)} / h: initial less maintenance margin of the first row"
        yield Rule(("funding", "max_rate"), f"{percent(hourly)} / h", limit)
    if funding.max_velocity == 0:
        yield Rule(("funding", "max_velocity"), "0", "above 0")


def _pool(market: MarketFile) -> Iterator[Rule]:
    pool, oracle = market.pool, market.oracle
    if pool.adl_target >= pool.adl_start:
        limit = f"below adl_start, {percent(pool.adl_start)}"
        yield Rule(("pool", "adl_target"), percent(pool.adl_target), limit)
    if oracle.spread > oracle.max_spread:
        limit = f"at most max_spread, {percent(oracle.max_spread)}"
        yield Rule(("oracle", "spread"), percent(oracle.spread), limit)
    if oracle.highest <= oracle.lowest:
        limit = f"above lowest, {plain(oracle.lowest)}"
        yield Rule(("oracle", "highest"), plain(oracle.highest), limit)


def _oracle(market: MarketFile) -> Iterator[Rule]:
    """The group of the oracle's kind, and no other; nothing that this kind does not have."""
    oracle = market.oracle
    for kind in ("pyth", "quorum", "median"):
        if (getattr(oracle, kind) is None) == (oracle.kind == kind):
            there = "nothing" if oracle.kind == kind else "a group"
            yield Rule(("oracle", kind), there, f"the group of the oracle's kind, {oracle.kind}")
    if oracle.kind in ("pyth", "median") and oracle.max_deviation:
        limit = f"0 %: a {oracle.kind} oracle keeps no price before the last"
        yield Rule(("oracle", "max_deviation"), percent(oracle.max_deviation), limit)
    if oracle.kind == "quorum" and not oracle.max_deviation:
        yield Rule(("oracle", "max_deviation"), "0 %", "above 0 %: the band of one update")
    if oracle.kind != "chainlink" and oracle.sequencer_grace:
        limit = "0 s: only a push feed needs time to speak after a restart"
        yield Rule(("oracle", "sequencer_grace"), f"{oracle.sequencer_grace} s", limit)
    if oracle.kind in ("pyth", "median") and market.orders.delay < PYTH_AHEAD:
        limit = f"at least {PYTH_AHEAD} s: so far ahead of the block a Pyth price may be"
        yield Rule(("orders", "delay"), f"{market.orders.delay} s", limit)
    if (
        oracle.kind == "pyth"
        and oracle.pyth
        and oracle.pyth.min_decimals > oracle.pyth.max_decimals
    ):
        limit = f"at most max_decimals, {oracle.pyth.max_decimals}"
        yield Rule(("oracle", "pyth", "min_decimals"), str(oracle.pyth.min_decimals), limit)
    if oracle.kind == "quorum" and oracle.quorum:
        yield from _members(oracle.quorum)
    if oracle.kind == "median" and oracle.median:
        terms = oracle.median
        if terms.risk_tolerance > terms.exit_tolerance:
            limit = f"at most exit_tolerance, {percent(terms.exit_tolerance)}"
            place = ("oracle", "median", "risk_tolerance")
            yield Rule(place, percent(terms.risk_tolerance), limit)


def _members(terms: Quorum) -> Iterator[Rule]:
    """Reporters each once, and more than half of them for a quorum."""
    count = len({one.lower() for one in terms.reporters})
    if count != len(terms.reporters):
        yield Rule(("oracle", "quorum", "reporters"), "an address twice", "each reporter once")
    if not count < 2 * terms.quorum <= 2 * count:
        limit = f"more than half of the {count} reporters, and no more than all"
        yield Rule(("oracle", "quorum", "quorum"), str(terms.quorum), limit)


def broken_rules(market: MarketFile) -> list[Rule]:
    """Every rule that the file breaks."""
    checks = (_brackets, _costs, _fees, _impact, _funding, _pool, _oracle)
    return [rule for check in checks for rule in check(market)]
