"""The report: one HTML file with every plot in it, a JSON of its numbers, a CSV of the runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any

from bulkhead import __version__
from bulkhead.report import Chart, Line, Page, facts, table
from bulkhead.sim import figures
from bulkhead.sim.answers import HEAD, Answer, frontier, grouped, notes, percent_of, rows
from bulkhead.sim.outcome import Sample
from bulkhead.sim.play import Played

MOST_CASES = 8  # in one plot


def record(played: Played) -> dict[str, Any]:
    """The JSON: money in quote units, shares of 1; null where too few runs can tell."""
    plan = played.plan
    asked = plan.asked
    return {
        "bulkhead": __version__,
        "prices": plan.source,
        "backend": asked.backend,
        "runs": len(plan.seeds),
        "first_seed": plan.seeds[0],
        "market": asked.market.name,
        "hours": asked.hours if asked.prices is None else None,
        "traders": asked.traders,
        "confidence": asked.confidence,
        "calibration": {
            "command": plan.calibration.command,
            "sources": [
                {"name": one.name, "sha256": one.sha256} for one in plan.calibration.sources
            ],
        },
        "command": command(played),
        "cases": [one.record() for one in played.answers],
        "frontier": [
            {
                "rule": one.rule,
                "points": [
                    {"leverage": at, "bad_debt": mean.value, "low": mean.low, "high": mean.high}
                    for at, mean, _ in one.points
                ],
            }
            for one in frontier(played.answers)
        ],
    }


def runs(played: Played) -> str:
    """A CSV with a row for each run of each case: whatever else somebody wants to know."""
    out = io.StringIO()
    names = list(played.answers[0].outcomes[0].record())
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["case", *names])
    for one in played.answers:
        for outcome in one.outcomes:
            found = outcome.record()
            writer.writerow([one.case.name, *(found[name] for name in names)])
    return out.getvalue()


WORDS = {"start": "from", "end": "to"}  # options whose names Python has taken
NOT_NUMBERS = ("out", "workers", "scheduler", "node")  # change nothing in the results


def command(played: Played) -> str:
    """The command that gives the same numbers again; files by their names."""
    asked = played.plan.asked
    parts = ["bulkhead", "simulate" if asked.prices is None else "replay"]
    for one in fields(asked):
        value = getattr(asked, one.name)
        always = one.name in ("rules", "runs", "seed")
        if one.name in NOT_NUMBERS or (value == one.default and not always):
            continue
        option = "--" + WORDS.get(one.name, one.name).replace("_", "-")
        for each in value if isinstance(value, tuple) else (value,):
            text = each.name if isinstance(each, Path) else f"{each}"
            parts += [option, quote(text)]
    return " ".join(parts)


def _facts(first: Answer, level: float) -> str:
    s, fund = first.spreads, first.funds[level]
    known = fund.safe != float("inf")
    share = s["bad_debt"].mean.value / max(1.0, s["peak_open_interest"].mean.value)
    return facts(
        [
            (
                "Runs",
                f"{len(first.outcomes):,}",
                f"bad debt is {percent_of(share, 4)} of peak open interest",
            ),
            (
                "Bad debt",
                grouped(s["bad_debt"].mean.value),
                f"mean of a run; {grouped(s['bad_debt'].mean.low)} to "
                f"{grouped(s['bad_debt'].mean.high)} with 95 %",
            ),
            (
                "Insurance fund",
                grouped(fund.safe if known else fund.value),
                f"covers {percent_of(level)} of the runs"
                + (", with 95 % certainty" if known else " seen; too few for certainty"),
            ),
            ("Deleveraging", percent_of(s["adl"].share), "of the runs use it"),
            (
                "LP return",
                percent_of(s["lp_return"].mean.value, 2),
                f"mean; one run in a hundred is below {percent_of(s['lp_return'].p01.value, 2)}",
            ),
            (
                "Keepers",
                grouped(s["keeper_profit"].mean.value),
                "profit of a run, after gas",
            ),
        ]
    )


def _plots(answers: Sequence[Answer]) -> str:
    shown = list(answers[:MOST_CASES])
    parts = [
        figures.exceedance(
            shown,
            "bad_debt",
            "Bad debt: how often, how much",
            "Both axes are logarithmic; where a line starts on the left is how often there is any.",
        )
    ]
    found = frontier(answers)
    if found:
        parts.append(figures.frontiers(found))
    if len(shown) > 1:
        parts.append(
            figures.bars(
                shown,
                (
                    ("bad_debt", "bad debt"),
                    ("liquidated_notional", "liquidated"),
                    ("wrongly_liquidated", "wrongly"),
                    ("liquidation_loss", "traders' loss"),
                ),
                "Side by side",
                "Wrongly: closed, although the position would have been back at its target margin "
                "within an hour. Lines are 95 % intervals.",
            )
        )
    parts += [figures.funds(shown), figures.returns(shown)]
    if len(answers) > len(shown):
        parts.append(f"<p>The plots show the first {len(shown)} of {len(answers)} cases.</p>")
    return "".join(parts)


def _charts(samples: Sequence[Sample]) -> list[Chart]:
    times = [one.time for one in samples]

    def chart(title: str, unit: str, *lines: Line, **options: Any) -> Chart:
        return Chart(title, unit, times, list(lines), **options)

    million = 1e6
    return [
        chart(
            "Price, as the feed sent it",
            "quote",
            Line("mark", 1, [one.mark for one in samples]),
            height=320,
            digits=2,
            note="One step to the right is one round of the feed.",
        ),
        chart(
            "Open interest",
            "million quote, shorts below zero",
            Line("long", 3, [one.long / million for one in samples], filled=True),
            Line("short", 4, [-one.short / million for one in samples], filled=True),
            zero=True,
            digits=2,
        ),
        chart(
            "\u00b5: multiplier of maintenance margin",
            "",
            Line("by the ramp", 2, [one.mu for one in samples]),
            digits=3,
        ),
        *_money_charts(samples),
    ]


def _money_charts(samples: Sequence[Sample]) -> list[Chart]:
    """NAV, insurance, and what keepers paid for gas."""
    times = [one.time for one in samples]
    return [
        Chart(
            "Pool: net asset value",
            "million quote",
            times,
            [Line("NAV", 1, [one.nav / 1e6 for one in samples])],
            digits=3,
        ),
        Chart(
            "Insurance, and bad debt so far",
            "quote",
            times,
            [
                Line("insurance", 3, [one.insurance for one in samples]),
                Line("bad debt", 4, [one.bad_debt for one in samples]),
            ],
            zero=True,
            digits=0,
        ),
        Chart(
            "Gas price that keepers met",
            "gwei",
            times,
            [Line("gas", 6, [one.gwei for one in samples])],
            zero=True,
            digits=3,
        ),
    ]


def page(played: Played) -> str:
    """The report."""
    plan, answers = played.plan, played.answers
    level = plan.asked.confidence
    body = table(HEAD, rows(answers, level), numbers=range(1, len(HEAD)))
    body += "".join(f'<p class="note">{escape(text)}</p>' for text in notes(answers, level))
    worst = played.shown_outcome
    shown = (
        f"The worst run of the first case, seed {worst.seed}: {worst.liquidations:,} liquidations, "
        f"bad debt {grouped(worst.bad_debt)}, lowest price {worst.lowest_mark:,.2f}."
    )
    return Page(
        title=f"Bulkhead simulation: {plan.source}",
        subtitle=f"{len(plan.seeds):,} runs of {len(plan.cases)} case(s), "
        f"{plan.asked.traders} traders, market {plan.asked.market.name}",
        before=[
            (f"In short: {answers[0].title}", _facts(answers[0], level)),
            ("All cases", body),
            ("Distributions", _plots(answers)),
            ("One run from the inside", f"<p>{escape(shown)}</p>"),
        ],
        charts=_charts(played.shown.samples),
        after=[],
        footer=f"<code>{escape(command(played))}</code><br>Feed, gas and price models: "
        f"<code>{escape(plan.calibration.command)}</code>",
    ).html()
