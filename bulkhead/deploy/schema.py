"""What a market file may say: its fields, their units, and their bounds one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from bulkhead.deploy import units

UNLIMITED = 2**128 - 1  # upperNotional of the last bracket


Parse = Callable[[str], int]


def _bounded(parse: Parse, text: str, bounds: dict[str, str]) -> int:
    """Parse, then compare with bounds that are written in the same units."""
    value = parse(text)
    broken = {
        "at least": lambda limit: value < limit,
        "above": lambda limit: value <= limit,
        "at most": lambda limit: value > limit,
        "below": lambda limit: value >= limit,
    }
    for word, limit in bounds.items():
        if broken[word](parse(limit)):
            raise units.UnitError(f"{word} {limit} is allowed")
    return value


def _quantity(parse: Parse, **bounds: str) -> BeforeValidator:
    """A quantity; bounds are `at_least`, `above`, `at_most` or `below`, as text."""
    named = {word.replace("_", " "): limit for word, limit in bounds.items()}

    def check(value: Any) -> int:
        if not isinstance(value, str):
            raise units.UnitError("one value is wanted")
        return _bounded(parse, value, named)

    return BeforeValidator(check)


def _named(which: str, unlimited: bool = False, **bounds: str) -> BeforeValidator:
    """An amount whose unit is the file's own `base` or `quote`; bounds are bare numbers."""
    named = {word.replace("_", " "): limit for word, limit in bounds.items()}

    def check(value: Any, info: ValidationInfo) -> int:
        if not isinstance(value, str):
            raise units.UnitError("one value is wanted")
        if unlimited and value == "unlimited":
            return UNLIMITED
        unit = str((info.context or {}).get(which, ""))
        limits = {word: f"{limit} {unit}" for word, limit in named.items()}
        return _bounded(lambda text: units.amount(text, unit), value, limits)

    return BeforeValidator(check)


def _switch(value: Any) -> bool:
    if value not in ("on", "off"):
        raise units.UnitError("on or off is wanted")
    return bool(value == "on")


Switch = Annotated[bool | None, BeforeValidator(_switch)]
Ratio = Annotated[int, _quantity(units.ratio)]  # Wad
Share = Annotated[int, _quantity(units.ratio, at_most="100 %")]  # Wad
Quote = Annotated[int, _named("quote")]  # Wad
SomeQuote = Annotated[int, _named("quote", above="0")]  # Wad
Upper = Annotated[int, _named("quote", unlimited=True, above="0")]  # Wad
Base = Annotated[int, _named("base", above="0")]  # Wad
Secs = Annotated[int, _quantity(units.duration)]
SomeSecs = Annotated[int, _quantity(units.duration, above="0 s")]
Count = Annotated[int, _quantity(units.count)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9/._ -]{1,40}$")]
Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bracket(_Group):
    """One row of the margin table."""

    up_to: Upper
    initial: Share
    maintenance: Share


class Token(_Group):
    """The collateral token."""

    symbol: Name
    decimals: Annotated[int, _quantity(units.count, at_most="18")]


class Listing(_Group):
    """What the market starts from."""

    volatility: Annotated[int, _quantity(units.ratio, above="0")]  # annualised, Wad


class Margin(_Group):
    """Requirements by notional."""

    brackets: Annotated[list[Bracket], Field(min_length=1, max_length=8)]
    min_notional: SomeQuote


class Fees(_Group):
    """Trading fees and who gets them."""

    taker: Share
    maker: Share
    pool_share: Share
    insurance_share: Share


class Liquidation(_Group):
    """What a liquidation pays and how far it goes."""

    keeper_rate: Share
    insurance_rate: Share
    reward_floor: Quote
    reward_cap: Quote
    buffer: Ratio
    deep_ratio: Share
    margin_call_reward: Quote
    margin_call_gas: Count


class Impact(_Group):
    """How skew moves the fill."""

    skew_scale: Base
    max_impact: Annotated[int, _quantity(units.ratio, above="0", below="1")]
    max_skew: Base


class Funding(_Group):
    """How fast funding moves, and how far."""

    max_velocity: Annotated[int, _quantity(units.velocity)]  # Ray per second squared
    max_rate: Annotated[int, _quantity(units.rate)]  # Ray per second


class Multiplier(_Group):
    """The volatility and depth multiplier of requirements."""

    z_score: Ratio
    horizon: Secs
    tau: SomeSecs
    sample_interval: SomeSecs
    mu_max: Annotated[int, _quantity(units.ratio, at_least="1")]
    ramp: Annotated[int, _quantity(units.hourly, above="0 / h", at_most="2 / h")]  # Wad per hour
    depth_kink: Annotated[int, _quantity(units.ratio, below="1")]
    depth_slope: Ratio


class Pool(_Group):
    """Caps, queues and the reserve of the liquidity pool."""

    max_open_interest: SomeQuote
    max_utilisation: Annotated[int, _quantity(units.ratio, above="0")]
    deposit_delay: Secs
    redeem_delay: Annotated[int, _quantity(units.duration, at_least="1 h")]
    pricing_wait: Secs
    reserve_factor: Annotated[int, _quantity(units.ratio, at_least="0.1")]
    adl_start: Annotated[int, _quantity(units.ratio, at_least="0.8", below="1")]
    adl_target: Annotated[int, _quantity(units.ratio, above="0", below="1")]
    dead_after: Annotated[int, _quantity(units.duration, at_least="3 days")]


class Pyth(_Group):
    """What only a Pyth feed has."""

    price_id: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]
    min_decimals: Annotated[int, _quantity(units.count, at_most="36")]
    max_decimals: Annotated[int, _quantity(units.count, at_most="36")]
    confidence_width: Annotated[int, _quantity(units.ratio, at_least="1", at_most="100")]


class Quorum(_Group):
    """What only a quorum of reporters has."""

    feed: Annotated[str, Field(pattern=r"^[ -~]{1,32}$")]
    reporters: Annotated[list[Address], Field(min_length=2, max_length=32)]
    quorum: Annotated[int, _quantity(units.count, at_least="2")]
    max_disagreement: Annotated[int, _quantity(units.ratio, below="100 %")]


class Median(_Group):
    """What only a median of adapters has."""

    min_sources: Annotated[int, _quantity(units.count, at_least="2", at_most="5")]
    risk_tolerance: Annotated[int, _quantity(units.ratio, below="100 %")]
    exit_tolerance: Annotated[int, _quantity(units.ratio, below="100 %")]
    source_gas: Annotated[int, _quantity(units.count, at_least="50k", at_most="1M")]


class Oracle(_Group):
    """Where the mark comes from and what of it is accepted."""

    kind: Literal["chainlink", "pyth", "quorum", "median"] = "chainlink"
    pyth: Pyth | None = None
    quorum: Quorum | None = None
    median: Median | None = None
    max_age: SomeSecs
    lowest: SomeQuote
    highest: SomeQuote
    max_deviation: Annotated[int, _quantity(units.ratio, below="100 %")]
    spread: Share
    max_spread: Share
    sequencer_grace: Secs
    grace: Secs


class Orders(_Group):
    """Delayed orders: whether they are the only way to trade, and which marks fill them."""

    delayed_only: Switch = None  # nothing said: on for a push feed, else off
    delay: Annotated[int, _quantity(units.duration, at_most="1 h")]
    fill_window: Annotated[int, _quantity(units.duration, at_least="24 s", at_most="1 day")]


class Authority(_Group):
    """Delays of the people who may change parameters."""

    timelock_delay: Annotated[int, _quantity(units.duration, at_least="2 days")]


class Network(_Group):
    """Addresses of one chain that exist before the market does."""

    name: Name
    token: Address
    feed: Address | None = None  # a Chainlink feed, or the Pyth contract
    sequencer: Address | None = None
    sources: Annotated[list[Address], Field(max_length=5)] = Field(default_factory=list)
    adapter: Address | None = None  # a quorum's


class MarketFile(_Group):
    """A whole market file. Amounts are integers in the contracts' own scales."""

    name: Name
    base: Name
    quote: Name
    token: Token
    listing: Listing
    margin: Margin
    fees: Fees
    liquidation: Liquidation
    impact: Impact
    funding: Funding
    multiplier: Multiplier
    pool: Pool
    oracle: Oracle
    orders: Orders
    authority: Authority
    networks: dict[Annotated[str, Field(pattern=r"^[1-9]\d*$")], Network] = Field(
        default_factory=dict
    )
