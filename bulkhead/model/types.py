"""The values of `interfaces/Types.sol`. Units as there: Wad, Ray, or token units where said."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache

Address = str
ZERO_ADDRESS: Address = "0x" + "0" * 40
UNBOUNDED = 2**128 - 1  # upperNotional of the last bracket


class Mode(IntEnum):
    """What a market lets people do."""

    NORMAL = 0
    REDUCE_ONLY = 1
    FINAL_ANNOUNCED = 2
    FINAL = 3
    SETTLED = 4


class Reason(IntEnum):
    """Why an action is refused."""

    NONE = 0
    DEADLINE_PASSED = 1
    ZERO_AMOUNT = 2
    NOT_FLAT = 3
    IS_FLAT = 4
    WRONG_DIRECTION = 5
    WOULD_FLIP = 6
    MODE_FORBIDS = 7
    IN_GRACE = 8
    BLOCK_IS_LIQUIDATION_ONLY = 9
    PRICE_LIMIT = 10
    NOTIONAL_TOO_SMALL = 11
    SKEW_TOO_LARGE = 12
    OPEN_INTEREST_TOO_LARGE = 13
    UTILISATION_TOO_HIGH = 14
    MARGIN_TOO_LOW = 15
    EQUITY_TOO_LOW = 16
    AMOUNT_TOO_LARGE = 17
    HEALTHY = 18
    LIQUIDATABLE = 19
    GAS_TOO_LOW = 20
    FACTOR_TOO_LOW = 21
    NOT_ADL_TARGET = 22
    NOTHING_TO_CLOSE = 23
    NOTHING_LIQUIDATED = 24
    PRICE_BACKWARDS = 25
    PRICE_OUT_OF_RANGE = 26
    SPREAD_TOO_WIDE = 27
    NOT_DEAD = 28
    TOO_EARLY = 29
    SIZE_TOO_LARGE = 30
    ORDERS_ONLY = 31
    BAD_RECEIVER = 32


class Action(IntEnum):
    """What a position-changing event was about."""

    OPEN = 0
    INCREASE = 1
    DECREASE = 2
    CLOSE = 3
    REMOVE_MARGIN = 4
    SETTLE = 5
    LIQUIDATE_PARTIAL = 6
    LIQUIDATE_FULL = 7
    MARGIN_CALL_HEALED = 8
    DELEVERAGE = 9
    SETTLE_FINAL = 10


class LiquidationResult(IntEnum):
    """What `liquidate_many` did with an id."""

    UNKNOWN = 0
    FLAT = 1
    HEALTHY = 2
    IN_GRACE = 3
    LOW_GAS = 4
    PARTIAL = 5
    FULL = 6
    HEALED = 7


@dataclass(frozen=True)
class Bracket:
    """One row of the margin table."""

    upper_notional: int
    im_rate: int
    mm_rate: int


@dataclass(frozen=True)
class Row:
    """A bracket with what follows from it: requirement = rate * n - d (1e36 scale)."""

    upper: int
    im_rate: int
    mm_rate: int
    d_im: int
    d_mm: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The fields that MarketParams and Config share."""

    min_notional: int
    taker_fee: int
    maker_fee: int
    fee_pool_share: int
    fee_insurance_share: int
    keeper_rate: int
    insurance_rate: int
    reward_floor: int
    reward_cap: int
    buffer: int
    deep_ratio: int
    margin_call_reward: int
    margin_call_gas: int
    skew_scale: int
    max_impact: int
    max_skew: int
    max_velocity: int
    max_rate: int
    z_score: int
    horizon_secs: int
    tau_secs: int
    sample_interval_secs: int
    mu_max: int
    ramp_per_hour: int
    depth_kink: int
    depth_slope: int
    max_open_interest: int
    max_utilisation: int
    deposit_delay_secs: int
    redeem_delay_secs: int
    pricing_wait_secs: int
    reserve_factor: int
    adl_start: int
    adl_target: int
    dead_after_secs: int
    max_spread: int
    grace_secs: int
    delayed_only: int  # 0 or 1
    order_delay_secs: int
    fill_window_secs: int
    oracle: Address
    treasury: Address


@dataclass(frozen=True, kw_only=True)
class Params(Terms):
    """MarketParams: everything governance can set."""

    brackets: tuple[Bracket, ...]


@dataclass(frozen=True, kw_only=True)
class Config(Terms):
    """MarketParams as the market keeps them, with what follows from them."""

    token: Address
    pool: Address
    fund: Address
    order_book: Address
    unit: int
    max_reward: int
    initial_mark: int
    vol_factor: int
    table: tuple[Row, ...]


@dataclass
class State:
    """The whole accrual state of a market."""

    mark: int = 0
    published_at: int = 0
    accepted_at: int = 0
    accrued_at: int = 0
    resumed_at: int = 0
    funding_index: int = 0
    funding_rate: int = 0
    sampled_at: int = 0
    spread: int = 0
    variance: int = 0
    ramp: int = 10**18
    ln_sample: int = 0
    renewed: bool = False
    size_long: int = 0
    size_short: int = 0
    next_id: int = 1
    basis_long: int = 0
    basis_short: int = 0
    cash: int = 0
    insurance_due: int = 0
    treasury_due: int = 0
    bucket_due_at: int = 0
    jump_at: int = 0
    mode: Mode = Mode.NORMAL

    @property
    def skew(self) -> int:
        """K, signed (Wad)."""
        return self.size_long - self.size_short


PHASES = 2**15


@dataclass(frozen=True)
class Position:
    """A position as stored. flags: 1 margin call opted in, 2 has locks, 4 vault deployed.

    phase: how often it was opened and became flat, modulo PHASES.
    """

    owner: Address
    funding_entry: int = 0
    flags: int = 0
    size: int = 0
    basis: int = 0
    phase: int = 0


@dataclass(frozen=True)
class Ticket:
    """What the pool still owes somebody (token units)."""

    owner: Address
    start: int
    amount: int
    drawn: int = 0


@dataclass(frozen=True)
class Reading:
    """What an oracle's read returns."""

    mark: int
    spread: int
    published_at: int
    resumed_at: int = 0


@cache
def camel(name: str) -> str:
    """`size_long` -> `sizeLong`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def as_abi(value: object) -> dict[str, object]:
    """A dataclass's fields under their Solidity names."""
    return {camel(f.name): getattr(value, f.name) for f in fields(value)}  # type: ignore[arg-type]
