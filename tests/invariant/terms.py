"""A market's terms and positions in which the laws are tried."""

from __future__ import annotations

from bulkhead.fuzz.laws.base import WAD, Terms
from bulkhead.fuzz.probe import Pos

TERMS = Terms(
    mark=2_000 * WAD,
    spread=0,
    index=0,
    ramp=WAD,
    skew=10 * WAD,
    unit=10**12,
    table=((500_000 * WAD, WAD // 20, WAD * 25 // 1_000), (2**128 - 1, WAD // 10, WAD // 20)),
    min_notional=1_000 * WAD,
    buffer=WAD * 2 // 5,
    deep_ratio=WAD * 2 // 3,
    keeper_rate=WAD * 25 // 10_000,
    insurance_rate=WAD * 50 // 10_000,
    reward_floor=5 * WAD,
    reward_cap=1_000 * WAD,
    call_reward=5 * WAD,
    taker_fee=WAD * 5 // 10_000,
    maker_fee=WAD * 2 // 10_000,
    skew_scale=800_000 * WAD,
    max_impact=WAD * 5 // 1_000,
)
# 10 long at 2,000: MM is 500; entered at 2,100, so that the claim is -1,000.
ILL = Pos(10 * WAD, 21_000 * WAD, 0, 1_499_999_999)
WELL = ILL._replace(margin=1_500_000_000)
OTHER = Pos(-3 * WAD, -6_000 * WAD, 0, 900_000_000)
# A partial liquidation of 6: settled 6/10 of the claim, and paid costs.
REST = Pos(4 * WAD, 8_400 * WAD, 0, 800_000_000)
FLAT = Pos(0, 0, 0, 0)
STATE = {1: ILL, 2: OTHER}
