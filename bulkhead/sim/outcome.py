"""What came of a run: plain numbers, in quote units where they are money."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Outcome:
    """Totals of one run. Shares are of 1; `lp_return` is of the liquidity at the start."""

    seed: int
    bad_debt: float = 0.0
    bad_debt_insurance: float = 0.0
    bad_debt_pool: float = 0.0
    insurance_start: float = 0.0
    insurance_end: float = 0.0
    insurance_drawdown: float = 0.0  # the fund that would have borne it all, income counted
    adl: int = 0
    adl_notional: float = 0.0
    lp_result: float = 0.0
    lp_return: float = 0.0
    lp_fled: int = 0
    lp_paid_out: float = 0.0
    tickets: float = 0.0
    open_deficit: float = 0.0  # of positions under water that nobody has liquidated at the end
    liquidations: int = 0
    partial: int = 0
    liquidated_notional: float = 0.0
    wrongly_liquidated: float = 0.0
    liquidation_loss: float = 0.0
    keeper_rewards: float = 0.0
    keeper_gas: float = 0.0
    keeper_skipped: int = 0
    attacker_result: float = 0.0
    attacker_trades: int = 0
    peak_open_interest: float = 0.0
    lowest_mark: float = 0.0
    opened: int = 0
    refused: int = 0
    steps: int = 0
    position_steps: int = 0

    @property
    def keeper_profit(self) -> float:
        """Rewards less gas."""
        return self.keeper_rewards - self.keeper_gas

    @property
    def lp_loss(self) -> float:
        """What liquidity providers lost, 0 where they gained."""
        return max(0.0, -self.lp_result)

    def record(self) -> dict[str, Any]:
        """Everything by name."""
        return {**asdict(self), "keeper_profit": self.keeper_profit, "lp_loss": self.lp_loss}


@dataclass
class Shadow:
    """A position as it was before its liquidation, watched on as if nothing had happened."""

    until: int
    size: float
    mark: float
    equity: float
    healthy_at: float
    notional: float


@dataclass
class Shadows:
    """Who would have recovered: equity back at the target margin within an hour, never at 0."""

    watched: list[Shadow] = field(default_factory=list)
    recovered: float = 0.0

    def look(self, time: int, mark: float) -> None:
        """The price at a moment."""
        left = []
        for one in self.watched:
            equity = one.equity + one.size * (mark - one.mark)
            if time > one.until or equity <= 0:
                continue
            if equity >= one.healthy_at:
                self.recovered += one.notional
                continue
            left.append(one)
        self.watched = left


@dataclass(frozen=True)
class Sample:
    """The market after a price, for charts."""

    time: int
    mark: float
    nav: float
    insurance: float
    long: float
    short: float
    mu: float
    gwei: float
    bad_debt: float
    open: int
