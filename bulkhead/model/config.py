"""From parameters to a configuration: what is refused, and what follows."""

from __future__ import annotations

from dataclasses import fields

from bulkhead.model import impact, margin
from bulkhead.model.errors import BadParameter
from bulkhead.model.funding import psi
from bulkhead.model.types import UNBOUNDED, ZERO_ADDRESS, Address, Config, Params, Terms, camel
from bulkhead.model.volatility import factor
from bulkhead.model.wad import WAD

DAY = 86_400
BRACKETS_MAX = 8
# Hard bounds, both ends included; some keep a value within its word of storage.
# What is missing here is bounded by another parameter below.
BOUNDS: dict[str, tuple[int, int]] = {
    "min_notional": (1, 10**30),
    "taker_fee": (0, WAD // 10),
    "maker_fee": (0, WAD // 10),
    "fee_pool_share": (0, WAD),
    "fee_insurance_share": (0, WAD),
    "keeper_rate": (0, WAD // 10),
    "insurance_rate": (0, WAD // 10),
    "buffer": (0, 4 * WAD),
    "deep_ratio": (0, WAD),
    "margin_call_gas": (0, 5_000_000),
    "skew_scale": (1, 2**112 - 1),
    "max_impact": (0, WAD - 1),
    "max_velocity": (1, 10**27),
    "max_rate": (0, 2**71 - 1),
    "z_score": (0, 20 * WAD),
    "horizon_secs": (0, DAY),
    "tau_secs": (1, 365 * DAY),
    "sample_interval_secs": (1, DAY),
    "mu_max": (WAD, 18 * WAD),
    "ramp_per_hour": (0, 2 * WAD),
    "depth_kink": (0, WAD - 1),
    "depth_slope": (0, 20 * WAD),
    "max_open_interest": (1, UNBOUNDED),
    "max_utilisation": (1, 10 * WAD),
    "deposit_delay_secs": (0, 30 * DAY),
    "redeem_delay_secs": (3600, 30 * DAY),
    "pricing_wait_secs": (0, DAY),
    "reserve_factor": (WAD // 10, WAD),
    "adl_start": (8 * WAD // 10, WAD - 1),
    "dead_after_secs": (3 * DAY, 365 * DAY),
    "max_spread": (0, WAD // 20),
    "grace_secs": (0, DAY),
    "delayed_only": (0, 1),
    "order_delay_secs": (0, 3600),
    "fill_window_secs": (24, DAY),
}


def bound(holds: bool, name: str, actual: int, limit: int) -> None:
    """Refuses a parameter unless its rule holds."""
    if not holds:
        raise BadParameter(camel(name), actual, limit)


def within(name: str, value: int, low: int, high: int) -> None:
    """Refuses a parameter outside its bounds, both ends included."""
    bound(value >= low, name, value, low)
    bound(value <= high, name, value, high)


def validate(params: Params, initial_mark: int, largest_cap: int) -> None:
    """Everything refused at deployment and by every setter."""
    for name, (low, high) in BOUNDS.items():
        within(name, getattr(params, name), low, high)
    _validate_brackets(params)
    _validate_ratios(params)
    _validate_liquidation(params, largest_cap)
    _validate_funding(params, initial_mark)


def _validate_brackets(params: Params) -> None:
    table = params.brackets
    within("brackets", len(table), 1, BRACKETS_MAX)
    last = 0  # no row ends there: a notional of 0 requires nothing
    for k, row in enumerate(table):
        bound(row.mm_rate < row.im_rate, "mm_rate", row.mm_rate, row.im_rate)
        bound(row.im_rate <= WAD, "im_rate", row.im_rate, WAD)
        bound(row.upper_notional > last, "upper_notional", row.upper_notional, last)
        last = row.upper_notional
        if k:
            below = table[k - 1]
            bound(row.im_rate >= below.im_rate, "im_rate", row.im_rate, below.im_rate)
            bound(row.mm_rate >= below.mm_rate, "mm_rate", row.mm_rate, below.mm_rate)
    bound(last == UNBOUNDED, "upper_notional", last, UNBOUNDED)


def _validate_ratios(params: Params) -> None:
    shares = params.fee_pool_share + params.fee_insurance_share
    bound(shares <= WAD, "fee_insurance_share", shares, WAD)
    within("maker_fee", params.maker_fee, 0, params.taker_fee)
    within("adl_target", params.adl_target, 1, params.adl_start - 1)
    reach = min(params.max_impact * params.skew_scale // WAD, params.skew_scale)
    bound(params.max_skew <= reach, "max_skew", params.max_skew, reach)


def exit_costs(params: Terms) -> int:
    """k + i + takerFee + maxSpread + maxImpact: what a liquidation may cost per notional."""
    return (
        params.keeper_rate
        + params.insurance_rate
        + params.taker_fee
        + params.max_spread
        + params.max_impact
    )


def _validate_liquidation(params: Params, largest_cap: int) -> None:
    first = params.brackets[0].mm_rate
    bound(exit_costs(params) < first, "mm_rate", exit_costs(params), first)
    least = margin.base_mm(params.min_notional, margin.rows(params.brackets), 0) // WAD
    limit = min(least // 5, params.buffer * least // WAD)
    bound(params.reward_floor <= limit, "reward_floor", params.reward_floor, limit)
    within("reward_cap", params.reward_cap, params.reward_floor, largest_cap)
    bound(
        params.margin_call_reward <= params.reward_floor,
        "margin_call_reward",
        params.margin_call_reward,
        params.reward_floor,
    )


def _validate_funding(params: Params, initial_mark: int) -> None:
    row = params.brackets[0]
    hourly, limit = params.max_rate * 3600 // 10**9, row.im_rate - row.mm_rate
    bound(hourly <= limit, "max_rate", hourly, limit)
    planned = params.max_open_interest * WAD // params.max_utilisation
    waiting = psi(initial_mark, params.max_rate, params)
    bound(waiting <= planned // 200, "max_velocity", waiting, planned // 200)


def check_addresses(params: Params, *useless: Address) -> None:
    """An oracle, and a treasury that can use its tokens: none of the market's own addresses."""
    for name in ("oracle", "treasury"):
        bound(getattr(params, name) != ZERO_ADDRESS, name, 0, 1)
    bound(params.treasury not in useless, "treasury", int(params.treasury, 16), 0)


def check_first_cap(params: Terms) -> None:
    """The largest reward, fixed for ever at listing: what the rate makes of a full side."""
    most = max(params.reward_floor, params.keeper_rate * params.max_open_interest // WAD)
    bound(params.reward_cap <= most, "reward_cap", params.reward_cap, most)


def derive(
    params: Params,
    *,
    token: Address,
    pool: Address,
    fund: Address,
    order_book: Address = ZERO_ADDRESS,
    decimals: int,
    max_reward: int,
    initial_mark: int,
) -> Config:
    """The validated configuration of a market."""
    bound(0 <= decimals <= 18, "decimals", decimals, 18)
    unit = 10 ** (18 - decimals)
    validate(params, initial_mark, max_reward * unit + unit - 1)
    shared = {f.name: getattr(params, f.name) for f in fields(Terms)}
    return Config(
        **shared,
        token=token,
        pool=pool,
        fund=fund,
        order_book=order_book,
        unit=unit,
        max_reward=max_reward,
        initial_mark=initial_mark,
        vol_factor=factor(params.z_score, params.horizon_secs, params.brackets[0].mm_rate),
        table=margin.rows(params.brackets),
    )


def check_impact_change(new: Config, held: Config, skew: int) -> None:
    """At no skew up to what can be may a change of the impact be worth more than a swing's fees.

    Either way: who knows of a steeper impact moves the skew before, of a flatter one takes it back
    before. Half the swing pays the old fees and half the new: the lower of each counts. `skew` is
    |K| now.
    """
    most = max(held.max_skew, new.max_skew, skew)
    fees = min(held.taker_fee, new.taker_fee) + min(held.maker_fee, new.maker_fee)
    for low, high in ((held, new), (new, held)):
        for place in _dearest(low, high, most, fees):
            moved = impact.phi(place, high) - impact.phi(place, low)
            limit = place * fees // (2 * WAD)
            bound(moved <= limit, "skew_scale", moved, limit)


def _dearest(low: Config, high: Config, most: int, fees: int) -> list[int]:
    """Where one potential may be farthest above the other and the fees: the end, the knees, and
    where the slopes differ by the fees."""
    places = [most]
    places += [min(most, cfg.max_impact * cfg.skew_scale // WAD) for cfg in (low, high)]
    if 2 * high.max_impact > fees:
        places.append(min(most, (2 * high.max_impact - fees) * low.skew_scale // (2 * WAD)))
    return places


def rederive(params: Params, held: Config, skew: int) -> Config:
    """The configuration after a change of parameters at |K|; what is fixed for ever is kept."""
    decimals = 19 - len(str(held.unit))
    new = derive(
        params,
        token=held.token,
        pool=held.pool,
        fund=held.fund,
        order_book=held.order_book,
        decimals=decimals,
        max_reward=held.max_reward,
        initial_mark=held.initial_mark,
    )
    check_impact_change(new, held, skew)
    return new
