"""Other ways to liquidate, on the same books: what users would pick instead.

Each rule says when a position may be liquidated, how much of it is closed and when. All else is
the market's: fills, funding, fees, rewards, the waterfall, keepers and the crowd. The rules of
others are what their documentation says of them, without their order books and fee schedules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkhead.errors import BadInput
from bulkhead.model import MarketModel, acceptance, liquidating, margin
from bulkhead.model.core import Store
from bulkhead.model.types import UNBOUNDED, Address, Bracket, Config, LiquidationResult
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.table import Requirement

PERCENT = WAD // 100
STAGE_ABOVE = 100_000 * WAD  # notional from which a first step closes only a part
STAGE_SHARE = WAD // 5
STAGE_SECS = 30
FLAG_SECS = 60
FORGOTTEN_SECS = 600  # a first step or a flag older than this no longer counts
NO_MULTIPLIER = {"multiplier.mu_max": "1"}


def own(cfg: Config) -> Requirement:
    """The market's brackets."""
    return Requirement.of(cfg)


def fixed(cfg: Config) -> Requirement:
    """1 % of notional, whatever the size and the volatility."""
    rows = margin.rows((Bracket(UNBOUNDED, 2 * PERCENT, PERCENT),))
    return Requirement(rows, cfg.min_notional, scaled=False)


class Ruled(MarketModel, ABC):
    """The market with another way to liquidate."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.requirement = self.demands(self.core.cfg)
        self.since: Store[int, int] = Store(self.core.journal)  # id -> first step, or flag

    def demands(self, cfg: Config) -> Requirement:
        """When a position may be liquidated."""
        return own(cfg)

    @abstractmethod
    def closed(self, id_: int, size: int, notional: int) -> int | None:
        """Size that is closed now (Wad, > 0); None: all of it; 0: nothing yet."""

    def started(self, id_: int) -> int:
        """When the first step was made, or the flag set; 0: not lately."""
        since = self.since.get(id_, 0)
        return since if self.now <= since + FORGOTTEN_SECS else 0

    def _attempt(self, id_: int, reward_to: Address) -> LiquidationResult:
        core = self.core
        held = core.positions.get(id_)
        if held is None:
            return LiquidationResult.UNKNOWN
        if held.size == 0:
            return LiquidationResult.FLAT
        equity, _, price = liquidating.health(core, id_)
        notional = ceil_div(abs(held.size) * price, WAD)
        base = margin.base_mm(notional, self.requirement.rows, self.requirement.min_notional)
        if equity >= ceil_div(base, WAD):
            self.since.put(id_, 0)
            return LiquidationResult.HEALTHY
        if equity > 0 and acceptance.in_grace(core):
            return LiquidationResult.IN_GRACE
        closed = self.closed(id_, abs(held.size), notional)
        if closed == 0:
            return LiquidationResult.HEALTHY
        if closed is not None:
            left = ceil_div((abs(held.size) - closed) * price, WAD)
            closed = closed if left >= core.cfg.min_notional else None
        return liquidating.close(core, id_, reward_to, closed)


class Fixed(Ruled):
    """Everything, at 1 %."""

    def demands(self, cfg: Config) -> Requirement:
        """1 % of notional."""
        return fixed(cfg)

    def closed(self, id_: int, size: int, notional: int) -> int | None:
        """All."""
        return None


class Halves(Ruled):
    """Half of what is left, each time."""

    def closed(self, id_: int, size: int, notional: int) -> int | None:
        """Half, up."""
        return ceil_div(size, 2)


class Staged(Ruled):
    """A fifth of a large position first; all of it if it is still below later."""

    def closed(self, id_: int, size: int, notional: int) -> int | None:
        """A fifth, nothing while the cooldown runs, all."""
        since = self.started(id_)
        if since == 0 and notional > STAGE_ABOVE:
            self.since.put(id_, self.now)
            return ceil_div(size * STAGE_SHARE, WAD)
        return 0 if self.now < since + STAGE_SECS else None


class Flagged(Ruled):
    """A first transaction flags, a later one closes everything."""

    def closed(self, id_: int, size: int, notional: int) -> int | None:
        """Nothing until the flag is old enough."""
        since = self.started(id_)
        if since == 0:
            self.since.put(id_, self.now)
            return 0
        return 0 if self.now < since + FLAG_SECS else None


@dataclass(frozen=True)
class Rule:
    """A way to liquidate. `changes` are to the market file."""

    name: str
    title: str
    model: type[MarketModel] = MarketModel
    changes: Mapping[str, str] = field(default_factory=dict)

    def requirement(self, cfg: Config) -> Requirement:
        """When it liquidates."""
        return fixed(cfg) if self.model is Fixed else own(cfg)


RULES = {
    rule.name: rule
    for rule in (
        Rule("bulkhead", "partial, brackets, volatility multiplier (Bulkhead)"),
        Rule("no-mu", "partial, brackets, no multiplier", changes=NO_MULTIPLIER),
        Rule("whole", "full, brackets, multiplier", changes={"liquidation.deep_ratio": "1"}),
        Rule("fixed", "full at a fixed 1 %", Fixed, NO_MULTIPLIER),
        Rule("halves", "half of the position at a time", Halves, NO_MULTIPLIER),
        Rule("staged", "20 %, the rest 30 s later (as Hyperliquid)", Staged, NO_MULTIPLIER),
        Rule("flagged", "flag, all of it 60 s later (as Synthetix)", Flagged, NO_MULTIPLIER),
    )
}


def rule(name: str) -> Rule:
    """A rule by its name."""
    if name not in RULES:
        raise BadInput("rule", name, f"one of {', '.join(RULES)}")
    return RULES[name]
