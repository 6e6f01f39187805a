"""From outcomes to what a risk team asks: distributions, fund sizes, the frontier, the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.report.scale import number
from bulkhead.sim import stats
from bulkhead.sim.outcome import Outcome
from bulkhead.sim.rules import RULES
from bulkhead.sim.sweep import Case
from bulkhead.sim.vary import LEVERAGE

NUMBERS = (
    *("bad_debt", "bad_debt_pool", "insurance_drawdown", "insurance_end", "adl", "adl_notional"),
    *("lp_return", "lp_result", "lp_loss", "lp_fled", "tickets", "open_deficit", "liquidations"),
    *("liquidated_notional", "wrongly_liquidated", "liquidation_loss", "keeper_profit"),
    *("keeper_rewards", "keeper_gas", "keeper_skipped", "attacker_result", "attacker_trades"),
    *("peak_open_interest", "lowest_mark", "refused"),
)


def grouped(value: float) -> str:
    """Money for people: whole quote units."""
    return number(value, 0)


def short(value: float) -> str:
    """Money in a narrow place: 950, 12.3k, 4.56M."""
    size = abs(value)
    for limit, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{number(value / limit, 2 if size < 10 * limit else 1)}{suffix}"
    return number(value, 0)


def percent_of(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{number(100 * share, digits)} %"


LEVELS = (0.90, 0.95, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Answer:
    """A case's distributions. `funds` by confidence level."""

    case: Case
    outcomes: list[Outcome]
    spreads: dict[str, stats.Spread]
    funds: dict[float, stats.FundSize]

    def values(self, name: str) -> list[float]:
        """One number over the runs."""
        return [float(one.record()[name]) for one in self.outcomes]

    @property
    def title(self) -> str:
        """The rule in words and what was changed."""
        parts = [f"{name} {value}" for name, value in self.case.changes.items()]
        return ", ".join([RULES[self.case.rule].title, *parts])

    def record(self) -> dict[str, Any]:
        """For the JSON."""
        return {
            "rule": self.case.rule,
            "changes": self.case.changes,
            "runs": len(self.outcomes),
            "numbers": {name: one.record() for name, one in self.spreads.items()},
            "fund": [_fund(one) for one in self.funds.values()],
        }


def _fund(one: stats.FundSize) -> dict[str, Any]:
    safe = None if one.safe == float("inf") else one.safe
    return {
        "level": one.level,
        "size": one.value,
        "size_with_95_percent_certainty": safe,
        "runs_needed_for_certainty": one.runs_needed,
    }


def answer(case: Case, outcomes: Sequence[Outcome], level: float) -> Answer:
    """All of a case's numbers; `level` is the confidence that a fund is wanted at."""
    records = [one.record() for one in outcomes]
    found = {name: [float(one[name]) for one in records] for name in NUMBERS}
    return Answer(
        case,
        list(outcomes),
        {name: stats.spread(values) for name, values in found.items()},
        {
            one: stats.fund_size(found["insurance_drawdown"], one)
            for one in sorted({*LEVELS, level})
        },
    )


HEAD = (
    *("case", "bad debt", "95 % interval", "99 %", "any", "fund"),
    *("ADL", "LP", "LP loss", "closed", "wrongly", "traders", "keepers"),
)


def rows(answers: Sequence[Answer], level: float) -> list[list[str]]:
    """The table, money in quote units."""
    found = []
    for one in answers:
        s = one.spreads
        fund = one.funds[level]
        safe = fund.safe != float("inf")
        found.append(
            [
                one.case.name,
                short(s["bad_debt"].mean.value),
                f"{short(s['bad_debt'].mean.low)} to {short(s['bad_debt'].mean.high)}",
                short(s["bad_debt"].p99.value),
                percent_of(s["bad_debt"].share),
                short(fund.safe if safe else fund.value) + ("" if safe else "*"),
                percent_of(s["adl"].share),
                percent_of(s["lp_return"].mean.value, 2),
                short(s["lp_loss"].mean.value),
                short(s["liquidated_notional"].mean.value),
                short(s["wrongly_liquidated"].mean.value),
                short(-s["liquidation_loss"].mean.value),
                short(s["keeper_profit"].mean.value),
            ]
        )
    return found


def notes(answers: Sequence[Answer], level: float) -> list[str]:
    """What the table's words mean."""
    fund = answers[0].funds[level]
    runs = len(answers[0].outcomes)
    found = [
        f"Means over {runs:,} runs, in quote units. Bad debt: its mean, what one run in a hundred "
        "exceeds, the share of the runs with any.",
        f"Fund: covers {percent_of(level, 1)} of the runs, with 95 % certainty about that share. "
        "ADL: share of the runs in which somebody was deleveraged. LP: return of a run; LP loss: "
        "what they lost, 0 where they gained.",
        "Closed: notional liquidated; wrongly: where the position would have been back at its "
        "target margin within an hour. Traders: what liquidations cost them. Keepers: profit.",
    ]
    for one in answers:
        result = one.spreads["attacker_result"].mean
        if one.spreads["attacker_trades"].highest:
            found.append(
                f"{one.case.name}: the attacker makes {short(result.value)} a run "
                f"({short(result.low)} to {short(result.high)}) in "
                f"{number(one.spreads['attacker_trades'].mean.value, 1)} trades."
            )
    if fund.safe == float("inf"):
        found.append(
            f"* Too few runs for that certainty ({fund.runs_needed:,} are needed): the quantile."
        )
    return found


@dataclass(frozen=True)
class Frontier:
    """Bad debt over the highest leverage, for one rule: (leverage, bad debt, fund)."""

    rule: str
    points: tuple[tuple[float, stats.Estimate, stats.Estimate], ...]


def frontier(answers: Sequence[Answer]) -> list[Frontier]:
    """One for each rule that was run at two leverages or more, all else unchanged."""
    by_rule: dict[str, list[tuple[float, stats.Estimate, stats.Estimate]]] = {}
    for one in answers:
        if set(one.case.changes) == {LEVERAGE}:
            at = float(one.case.changes[LEVERAGE].removesuffix("x"))
            bad = one.spreads["bad_debt"]
            by_rule.setdefault(one.case.rule, []).append((at, bad.mean, bad.p99))
    return [
        Frontier(rule, tuple(sorted(points)))
        for rule, points in by_rule.items()
        if len(points) >= 2
    ]
