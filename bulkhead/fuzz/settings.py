"""What a run draws before it begins: decimals, parameters, tokens, and how many markets."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bulkhead.fuzz.people import PRICE, TREASURY
from bulkhead.fuzz.stage import ALIASED_TOKEN, Setting
from bulkhead.model import MarketModel
from bulkhead.model.errors import BadParameter
from bulkhead.model.presets import BPS, DAY, eth_usd
from bulkhead.model.types import UNBOUNDED, Bracket, Params
from bulkhead.model.wad import RAY, WAD

DECIMALS = (0, 2, 6, 8, 18)
WHALES = 100_000
SCALES = (1, 1, 1, 1_000, WHALES)
Draw = Callable[[Params, random.Random], int]


def plain() -> Params:
    """The preset."""
    return eth_usd(treasury=TREASURY)


def dear() -> Params:
    """High floors, a low cap, short waits, a pool that may be used five times over."""
    return replace(
        plain(),
        min_notional=4_000 * WAD,
        reward_cap=60 * WAD,
        reward_floor=20 * WAD,
        maker_fee=0,
        grace_secs=60,
        pricing_wait_secs=60,
        max_utilisation=5 * WAD,
        order_delay_secs=0,
        fill_window_secs=24,
    )


def free() -> Params:
    """No floor, no reward for margin calls, all fees to the treasury."""
    return replace(
        plain(),
        fee_pool_share=0,
        fee_insurance_share=0,
        reward_floor=0,
        margin_call_reward=0,
        max_utilisation=5 * WAD,
    )


def steep() -> Params:
    """Sides that are soon full, an impact with its knee and a funding rate with its bound in
    reach, nothing kept back for keepers."""
    return replace(
        free(),
        skew_scale=6_000 * WAD,
        max_skew=30 * WAD,
        max_open_interest=200_000 * WAD,
        reward_cap=400 * WAD,
        max_rate=2 * RAY // 1_000 // 3_600,
        max_velocity=plain().max_velocity * 40,
    )


def delayed() -> Params:
    """All trades by orders."""
    return replace(plain(), delayed_only=1, order_delay_secs=2, fill_window_secs=60)


def cliff() -> Params:
    """High requirements and a small skew scale: the impact's knee and the funding's largest
    velocity are within reach."""
    rows = (Bracket(UNBOUNDED, 50 * WAD // 100, 45 * WAD // 100),)
    impact, scale = 40 * WAD // 100, 80 * WAD
    skew = impact * scale // WAD
    return replace(
        dear(), brackets=rows, max_impact=impact, skew_scale=scale, max_skew=skew, mu_max=WAD
    )


def dust() -> Params:
    """Positions may be as small as they like."""
    return fitted(replace(plain(), min_notional=1))


def changed(p: Params, **values: Any) -> Params:
    """With other values of parameters that are known by name only."""
    return replace(p, **values)


def scaled(p: Params, scale: int) -> Params:
    """The same for a market in which everything is so many times as large."""
    rows = tuple(
        row
        if row.upper_notional == UNBOUNDED
        else replace(row, upper_notional=row.upper_notional * scale)
        for row in p.brackets
    )
    sizes = ("skew_scale", "max_skew", "max_open_interest")
    sized = {name: getattr(p, name) * scale for name in sizes}
    return changed(replace(p, brackets=rows), **sized)


def fitted(p: Params) -> Params:
    """What must not exceed something that was drawn is cut to it."""
    least = p.brackets[0].mm_rate * p.min_notional // WAD
    floor = min(p.reward_floor, least // 5, p.buffer * least // WAD)
    return replace(
        p,
        maker_fee=min(p.maker_fee, p.taker_fee),
        fee_insurance_share=min(p.fee_insurance_share, WAD - p.fee_pool_share),
        max_skew=min(p.max_skew, p.max_impact * p.skew_scale // WAD),
        reward_floor=floor,
        reward_cap=max(floor, p.reward_cap),
        margin_call_reward=min(p.margin_call_reward, floor),
        adl_target=min(p.adl_target, p.adl_start - 1),
    )


# The same in every run, so that no run misses one: decimals, token, contracts as owners.
FIXED = (
    Setting(6, (plain(),)),
    Setting(18, (dear(),), contracts=True),
    Setting(0, (dear(),), ALIASED_TOKEN),
    Setting(2, (dear(),), "BlacklistToken"),
    Setting(8, (free(), plain())),
    Setting(6, (steep(),), "BlacklistToken", contracts=True),
    Setting(18, (plain(), dear()), contracts=True),
    Setting(6, (steep(),), "NoReturnToken"),
    Setting(6, (plain(),), "FeeToken"),
    Setting(8, (dear(),), "HookToken"),
    Setting(18, (steep(),), "ApproveZeroToken"),
    Setting(6, (dear(),), "PausableToken", contracts=True),
    Setting(8, (free(),), "FalseReturnToken"),
    Setting(6, (plain(),), "RebasingToken"),
    Setting(6, (delayed(),), contracts=True),
    Setting(18, (scaled(plain(), WHALES),), scale=WHALES),
    Setting(6, (cliff(),)),
    Setting(8, (dust(),)),
    Setting(8, (dear(),), "HookToken", contracts=True),
)


def settings(seed: int, drawn: int) -> tuple[Setting, ...]:
    """The fixed ones, and some that the seed draws within the bounds that governance has."""
    dice = random.Random(seed)
    return (*FIXED, *(_draw(dice) for _ in range(drawn)))


def _draw(dice: random.Random) -> Setting:
    tokens = ("TestToken", "TestToken", "BlacklistToken", "NoReturnToken", "PausableToken")
    token = dice.choice(tokens)
    count = dice.choice((1, 1, 1, 2))
    decimals = dice.choice(DECIMALS)
    scale = dice.choice(SCALES)
    params = tuple(_params(dice, decimals, scale) for _ in range(count))
    return Setting(decimals, params, token, contracts=dice.random() < 0.5, scale=scale)


def _params(dice: random.Random, decimals: int, scale: int) -> Params:
    """Drawn anew until the market would take them."""
    while True:
        found = _wild(dice, scale)
        try:
            MarketModel(found, decimals, initial_mark=PRICE)
        except BadParameter:
            continue
        return found


def _wild(dice: random.Random, scale: int) -> Params:
    """One of the sets, in which about half of the parameters are drawn anew."""
    found = dice.choice((plain, dear, free))()
    found = replace(found, brackets=_brackets(found, dice))
    for name in DRAWS:
        if dice.random() < 0.5:
            found = changed(found, **{name: drawn(name, found, dice)})
    found = replace(found, delayed_only=int(dice.random() < 0.2))
    return fitted(scaled(found, scale))


def _brackets(p: Params, dice: random.Random) -> tuple[Bracket, ...]:
    """Fewer rows, other ends, other rates."""
    ends, im, mm = (dice.randint(*span) for span in ((60, 200), (100, 150), (80, 120)))
    rows = p.brackets[-dice.randint(1, len(p.brackets)) :] if dice.random() < 0.3 else p.brackets
    return tuple(
        Bracket(
            row.upper_notional * (ends if row.upper_notional < UNBOUNDED else 100) // 100,
            min(WAD, row.im_rate * im // 100),
            row.mm_rate * mm // 100,
        )
        for row in rows
    )


def _rate(most: int) -> Draw:
    """Nothing, all, or anything between."""
    return lambda p, dice: dice.choice((0, most, dice.randint(0, most), dice.randint(0, most)))


def _spread_out(least: int, most: int) -> Draw:
    """As likely between 1 and 10 as between 1,000 and 10,000."""

    def draw(p: Params, dice: random.Random) -> int:
        return min(most, max(least, round(math.exp(dice.uniform(*map(math.log, (least, most)))))))

    return draw


def _one_of(*values: int) -> Draw:
    return lambda p, dice: dice.choice(values)


# How each parameter is drawn: within what governance may set, so that trading stays possible.
DRAWS: dict[str, Draw] = {
    "min_notional": _spread_out(1, 5_000 * WAD),
    "taker_fee": _rate(20 * BPS),
    "maker_fee": _rate(10 * BPS),
    "fee_pool_share": _rate(WAD),
    "fee_insurance_share": _rate(WAD),
    "keeper_rate": _rate(25 * BPS),
    "insurance_rate": _rate(50 * BPS),
    "reward_floor": _rate(20 * WAD),
    "reward_cap": _spread_out(WAD, 2_000 * WAD),
    "buffer": _rate(WAD),
    "deep_ratio": _rate(WAD),
    "margin_call_reward": _rate(20 * WAD),
    "margin_call_gas": _one_of(400_000, 1_000_000, 5_000_000),
    "skew_scale": _spread_out(10_000 * WAD, 1_000_000 * WAD),
    "max_impact": _one_of(30 * BPS, 50 * BPS, 100 * BPS),
    "max_skew": _one_of(32 * WAD, 100 * WAD, 4_000 * WAD),
    "max_velocity": _spread_out(10**14, 10**20),
    "max_rate": _spread_out(10**15, 10**22),
    "z_score": _rate(10 * WAD),
    "horizon_secs": _spread_out(1, 3_600),
    "tau_secs": _spread_out(1, 365 * DAY),
    "sample_interval_secs": _spread_out(1, DAY),
    "mu_max": _one_of(WAD, 3 * WAD, 18 * WAD),
    "ramp_per_hour": _rate(2 * WAD),
    "depth_kink": _rate(WAD - 1),
    "depth_slope": _rate(20 * WAD),
    "max_open_interest": _spread_out(100_000 * WAD, 20_000_000 * WAD),
    "max_utilisation": _one_of(WAD // 2, WAD, 5 * WAD, 10 * WAD),
    "deposit_delay_secs": _one_of(0, 1, 600, DAY),
    "redeem_delay_secs": _one_of(3_600, DAY, 3 * DAY),
    "pricing_wait_secs": _one_of(0, 60, 600, DAY),
    "reserve_factor": lambda p, dice: WAD * dice.randint(1, 10) // 10,
    "adl_start": lambda p, dice: WAD * dice.randint(80, 99) // 100,
    "adl_target": lambda p, dice: WAD * dice.randint(1, 98) // 100,
    "dead_after_secs": _one_of(3 * DAY, 4 * DAY),
    "max_spread": _rate(50 * BPS),
    "grace_secs": _one_of(0, 60, 900, DAY),
    "order_delay_secs": _one_of(0, 1, 12, 300, 3_600),
    "fill_window_secs": _one_of(24, 60, 3_600, DAY),
}


def drawn(name: str, p: Params, dice: random.Random) -> int:
    """Another value of a parameter."""
    return int(DRAWS[name](p, dice))
