"""A scenario: all of a run but its seed. Plain values, so that it travels to a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bulkhead.deploy.schema import MarketFile
from bulkhead.errors import BadInput
from bulkhead.prices.models import Model, path
from bulkhead.prices.path import PricePath
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.gas import GasTerms
from bulkhead.sim.keepers import KeeperTerms
from bulkhead.sim.oracle import OracleTerms
from bulkhead.sim.others import AttackerTerms, ProviderTerms

HOUR = 3_600
START = 1_735_689_600  # 2025-01-01 00:00 UTC
START_PRICE = 2_500.0
STEP = 60
MAX_HOURS = 24 * 366
PROVIDERS = (
    ProviderTerms(0.50, 0.20),
    ProviderTerms(0.30, 0.05),
    ProviderTerms(0.20, 0.01),
)
KEEPERS = (KeeperTerms(latency=12), KeeperTerms(latency=24, most_gwei=100.0))
ROLLUP = 0.01  # gas on a rollup, of what the first layer asks


@dataclass(frozen=True)
class Scenario:
    """What happens to a market. `liquidity` and `insurance` are shares of the NAV that the market
    file plans for; `history` is replayed where given, else `model` draws a path of `hours`."""

    market: MarketFile
    oracle: OracleTerms
    gas: GasTerms
    model: Model | None = None
    history: PricePath | None = None
    hours: float = 24.0
    step: int = STEP
    crowd: CrowdTerms = field(default_factory=CrowdTerms)
    keepers: tuple[KeeperTerms, ...] = KEEPERS
    providers: tuple[ProviderTerms, ...] = PROVIDERS
    attacker: AttackerTerms = field(default_factory=AttackerTerms)
    liquidity: float = 1.0
    insurance: float = 0.0025
    rule: str = "bulkhead"

    def __post_init__(self) -> None:
        shares = sum(one.share for one in self.providers)
        rules = (
            ("hours", self.hours, 0 < self.hours <= MAX_HOURS, f"above 0, at most {MAX_HOURS}"),
            ("step", self.step, 1 <= self.step <= HOUR, f"1 to {HOUR} s"),
            ("liquidity", self.liquidity, 0 < self.liquidity <= 100, "above 0, at most 100"),
            ("insurance", self.insurance, 0 <= self.insurance <= 10, "0 to 10"),
            ("keepers", len(self.keepers), len(self.keepers) >= 1, "at least one"),
            ("shares of liquidity", shares, abs(shares - 1) < 1e-9, "they must sum to 1"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)
        if (self.model is None) == (self.history is None):
            raise BadInput("prices", "a model and a history, or neither", "exactly one is wanted")

    def path(self, draw: np.random.Generator) -> PricePath:
        """The history, or a path of the model."""
        if self.history is not None:
            return self.history
        assert self.model is not None
        steps = max(2, round(self.hours * HOUR / self.step))
        return path(self.model, draw, start=START_PRICE, time=START, steps=steps, step=self.step)

    @property
    def accounts(self) -> int:
        """Accounts that a run needs: see `Cast`."""
        return self.crowd.count + len(self.keepers) + len(self.providers) + 2


@dataclass(frozen=True)
class Cast:
    """Which account is whose: traders first, then keepers, providers, attacker, reporter."""

    traders: list[str]
    keepers: list[str]
    providers: list[str]
    attacker: str
    reporter: str

    @classmethod
    def of(cls, scenario: Scenario, accounts: list[str]) -> Cast:
        """Deal the accounts out."""
        first = scenario.crowd.count
        second = first + len(scenario.keepers)
        third = second + len(scenario.providers)
        return cls(
            accounts[:first],
            accounts[first:second],
            accounts[second:third],
            accounts[third],
            accounts[third + 1],
        )
