"""What a run draws before it begins: decimals, parameters, tokens, and how many markets."""

from __future__ import annotations

import random
from dataclasses import replace

from bulkhead.fuzz.people import PRICE, TREASURY
from bulkhead.fuzz.stage import Setting
from bulkhead.model import MarketModel
from bulkhead.model.errors import BadParameter
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import Bracket, Params
from bulkhead.model.wad import RAY, WAD

DECIMALS = (0, 2, 6, 8, 18)


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


# The same in every run, so that no run misses one: decimals, token, contracts as owners.
FIXED = (
    Setting(6, (plain(),)),
    Setting(18, (dear(),), contracts=True),
    Setting(0, (dear(),)),
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
)


def settings(seed: int, drawn: int) -> tuple[Setting, ...]:
    """The fixed ones, and some that the seed draws within the bounds that governance has."""
    dice = random.Random(seed)
    return (*FIXED, *(_draw(dice) for _ in range(drawn)))


def _draw(dice: random.Random) -> Setting:
    token = dice.choice(("TestToken", "TestToken", "BlacklistToken", "NoReturnToken"))
    count = dice.choice((1, 1, 1, 2))
    decimals = dice.choice(DECIMALS)
    params = tuple(_params(dice, decimals) for _ in range(count))
    return Setting(decimals, params, token, contracts=dice.random() < 0.5)


def _params(dice: random.Random, decimals: int) -> Params:
    """Drawn anew until the market would take them."""
    while True:
        found = _wild(dice)
        try:
            MarketModel(found, decimals, initial_mark=PRICE)
        except BadParameter:
            continue
        return found


def _wild(dice: random.Random) -> Params:
    base = dice.choice((plain, dear, free))()
    scale = dice.randint(60, 200)
    rows = tuple(
        Bracket(
            row.upper_notional
            if row.upper_notional >= 2**127
            else row.upper_notional * scale // 100,
            row.im_rate * dice.randint(100, 130) // 100,
            row.mm_rate,
        )
        for row in base.brackets
    )
    return replace(
        base,
        brackets=rows,
        taker_fee=base.taker_fee * dice.randint(0, 3) // 2,
        maker_fee=base.taker_fee * dice.randint(0, 3) // 3,
        fee_pool_share=WAD * dice.randint(0, 10) // 10 // 2,
        fee_insurance_share=WAD * dice.randint(0, 10) // 10 // 2,
        keeper_rate=base.keeper_rate * dice.randint(0, 4) // 4,
        insurance_rate=base.insurance_rate * dice.randint(0, 4) // 4,
        reward_cap=base.reward_cap * dice.randint(1, 20) // 10,
        buffer=base.buffer * dice.randint(5, 20) // 10,
        deep_ratio=WAD * dice.randint(0, 10) // 10,
        max_skew=base.max_skew // dice.choice((1, 1, 40, 200)),
        max_open_interest=base.max_open_interest // dice.choice((1, 1, 50, 150)),
        max_velocity=base.max_velocity * dice.randint(1, 4),
        reserve_factor=WAD * dice.randint(1, 9) // 10,
        adl_start=WAD * dice.randint(80, 95) // 100,
        adl_target=WAD * dice.randint(30, 79) // 100,
        grace_secs=dice.choice((0, 60, 900)),
        ramp_per_hour=WAD * dice.randint(0, 2),
        delayed_only=int(dice.random() < 0.2),
        order_delay_secs=dice.choice((0, 1, 12, 300)),
        fill_window_secs=dice.choice((24, 60, 3_600)),
    )
