"""A first parameter set: ETH/USD with a dollar token."""

from __future__ import annotations

from bulkhead.model.types import UNBOUNDED, Address, Bracket, Params
from bulkhead.model.wad import RAY, WAD

DAY = 86_400
BPS = WAD // 10_000


def eth_usd(oracle: Address = "0x" + "0a" * 20, treasury: Address = "0x" + "0b" * 20) -> Params:
    """The set of the design's section 15."""
    million = 10**6 * WAD
    return Params(
        brackets=(
            Bracket(million // 2, 500 * BPS, 250 * BPS),
            Bracket(2 * million, 800 * BPS, 400 * BPS),
            Bracket(5 * million, 1200 * BPS, 600 * BPS),
            Bracket(UNBOUNDED, 2000 * BPS, 1000 * BPS),
        ),
        min_notional=1000 * WAD,
        taker_fee=5 * BPS,
        maker_fee=2 * BPS,
        fee_pool_share=WAD // 2,
        fee_insurance_share=WAD // 4,
        keeper_rate=25 * BPS,
        insurance_rate=50 * BPS,
        reward_floor=5 * WAD,
        reward_cap=1000 * WAD,
        buffer=WAD * 2 // 5,
        deep_ratio=WAD * 2 // 3,
        margin_call_reward=5 * WAD,
        margin_call_gas=400_000,
        skew_scale=800_000 * WAD,
        max_impact=50 * BPS,
        max_skew=4_000 * WAD,
        max_velocity=9 * RAY // DAY**2,
        max_rate=5 * RAY // 10_000 // 3600,
        z_score=3 * WAD,
        horizon_secs=300,
        tau_secs=3600,
        sample_interval_secs=60,
        mu_max=3 * WAD,
        ramp_per_hour=WAD,
        depth_kink=WAD * 3 // 5,
        depth_slope=WAD,
        max_open_interest=20 * million,
        max_utilisation=WAD,
        deposit_delay_secs=600,
        redeem_delay_secs=DAY,
        pricing_wait_secs=600,
        reserve_factor=WAD * 3 // 10,
        adl_start=WAD * 85 // 100,
        adl_target=WAD * 7 // 10,
        dead_after_secs=3 * DAY,
        max_spread=50 * BPS,
        grace_secs=900,
        delayed_only=0,  # what trades this set trades directly
        order_delay_secs=12,
        fill_window_secs=600,
        oracle=oracle,
        treasury=treasury,
    )
