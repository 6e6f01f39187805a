"""What people see of a run: progress, the table of laws, and a counterexample's story."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.live import Live
from rich.table import Table

from bulkhead.commands import PLAIN_EVERY_SECS, Console
from bulkhead.fuzz import counterexample
from bulkhead.fuzz.coverage import KINDS, MONEY, OTHERS, REACHABLE, SIDES
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.parties import CALLS, Cell
from bulkhead.fuzz.report import Failure, HarnessFailed, Report
from bulkhead.fuzz.runner import Plan

HELD, BROKEN, INCOMPLETE, STOPPED = "held", "broken", "incomplete", "stopped"


def _row(report: Report, seconds: float) -> dict[str, str]:
    return {
        "time": f"{seconds:,.0f} s",
        "steps": f"{report.steps:,} ({report.steps / max(seconds, 1e-9):,.0f}/s)",
        "EVM calls": f"{report.calls:,}",
        "sequences": f"{report.sequences:,}",
        "law checks": f"{sum(report.checks.values()):,}",
        "buckets": f"{len(REACHABLE) - len(report.missing())}/{len(REACHABLE)}",
        "worst bad debt": f"{report.worst:,}",
    }


def _line(report: Report, seconds: float) -> str:
    return ", ".join(f"{name} {value}" for name, value in _row(report, seconds).items())


@contextmanager
def progress(console: Console, plan: Plan) -> Iterator[Callable[[Report], None]]:
    """A live line in a terminal, a plain one now and then elsewhere."""
    began = time.monotonic()
    terminal = Terminal(stderr=True, highlight=False)
    if terminal.is_terminal and not console.json:
        with Live(console=terminal, transient=True, refresh_per_second=4) as live:

            def draw(report: Report) -> None:
                table = Table(title=f"{plan.engine}, seed {plan.seed}, {plan.seconds:,.0f} s")
                row = _row(report, time.monotonic() - began)
                for name in row:
                    table.add_column(name, justify="right")
                table.add_row(*row.values())
                live.update(table)

            yield draw
        return
    last = [began]

    def plain(report: Report) -> None:
        now = time.monotonic()
        if now - last[0] >= PLAIN_EVERY_SECS:
            last[0] = now
            print(f"fuzz: {_line(report, now - began)}", file=sys.stderr, flush=True)

    yield plain


def laws_table(report: Report, only: tuple[str, ...]) -> Table:
    """Checks and boundary hits of each law."""
    table = Table(title="Laws")
    for name, side in (
        ("law", "left"),
        ("says", "left"),
        ("checks", "right"),
        ("boundary", "right"),
    ):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for name, text in LAWS.items():
        if not only or name in only:
            row = (f"{report.checks[name]:,}", f"{report.boundary[name]:,}")
            table.add_row(name, text, *row)
    return table


def coverage_table(report: Report) -> Table:
    """Endings of positions that were seen."""
    table = Table(title="Endings of positions")
    table.add_column("")
    for kind in KINDS:
        table.add_column(kind, justify="right")
    for side in SIDES:
        for money in MONEY:
            cells = (f"{report.coverage[side, money, kind]:,}" for kind in KINDS)
            table.add_row(f"{side}, {money}", *cells)
    return table


def others_table(report: Report) -> Table:
    """What became of tickets, providers' requests and markets."""
    table = Table(title="Tickets, providers, markets")
    for name, side in (("of", "left"), ("while", "left"), ("", "left"), ("times", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for cell in OTHERS:
        table.add_row(*cell, f"{report.coverage[cell]:,}")
    return table


def calls_table(report: Report) -> Table:
    """Who called, and who received."""
    table = Table(title="By and for whom")
    columns = sorted({(by, to) for by, to, _ in CALLS}, reverse=True)
    table.add_column("")
    for by, to in columns:
        table.add_column(f"{by}, {to}", justify="right")
    for name in dict.fromkeys(name for _, _, name in CALLS):
        cells = ((*column, name) for column in columns)
        row = (f"{report.coverage[cell]:,}" if cell in CALLS else "" for cell in cells)
        table.add_row(name, *row)
    return table


def told(failure: Failure) -> list[str]:
    """A counterexample as a story."""
    return [
        f"{failure.law} is broken: {LAWS[failure.law]}",
        *(f"  {place:>3}. {line}" for place, line in enumerate(failure.story, 1)),
        f"  {failure.law} expected otherwise: {failure.text}",
    ]


def _again(plan: Plan, saved: Path) -> list[str]:
    """The options that play a counterexample on the code that it was found in."""
    code = ["--artifacts", str(plan.artifacts)] if plan.artifacts else []
    return [*code, *(["--roomy"] if plan.roomy else []), "--replay", str(saved)]


def _saved(console: Console, record: Mapping[str, Any], seed: int, out: Path) -> Path | None:
    """The file of a finding; None, and the whole record for people to copy, where it can't be."""
    try:
        return counterexample.write(record, out, counterexample.name(record, seed))
    except OSError as problem:
        console.complain(f"it can't be saved to {out} ({problem}): copy it from here")
        console.say(json.dumps(record))
        return None


def crashed(console: Console, plan: Plan, problem: HarnessFailed, out: Path) -> None:
    """The end of a run that can't go on: no law's, so no verdict."""
    console.complain(f"failed: {problem}")
    found: dict[str, Any] = {
        "verdict": "failed",
        "engine": plan.engine,
        "seed": plan.seed,
        "message": str(problem),
    }
    if problem.record is not None:
        saved = _saved(console, problem.record, plan.seed, out)
        found["file"] = str(saved) if saved else None
        if saved is None:
            found["record"] = problem.record
        else:
            console.say(f"saved: {saved}; replay: bulkhead fuzz {' '.join(_again(plan, saved))}")
    if console.json:
        console.result(found)


def _failed(console: Console, plan: Plan, failure: Failure, out: Path) -> dict[str, Any]:
    """Tells of a broken law, then saves it: the story is there whatever becomes of the file."""
    if not console.json:
        for line in told(failure):
            console.complain(line)
    saved = _saved(console, failure.record, plan.seed, out)
    if saved is not None:
        console.say(f"saved: {saved}; replay: bulkhead fuzz {' '.join(_again(plan, saved))}")
    return {
        "law": failure.law,
        "text": failure.text,
        "story": list(failure.story),
        "after_seconds": round(failure.after_seconds, 3),
        "after_steps": failure.after_steps,
        "file": str(saved) if saved else None,
        **({} if saved else {"record": failure.record}),
    }


def verdict(
    console: Console,
    plan: Plan,
    report: Report,
    failure: Failure | None,
    out: Path,
    lacking: tuple[list[Cell], list[str]],
    *,
    stopped: bool = False,
) -> str:
    """The end of a run; its verdict. lacking: buckets never reached and laws never checked that had
    to be."""
    missing, unchecked = lacking
    said = INCOMPLETE if missing or unchecked else STOPPED if stopped else HELD
    found = {
        "verdict": BROKEN if failure else said,
        "engine": plan.engine,
        "seed": plan.seed,
        "seconds": plan.seconds,
        "workers": plan.workers,
        "unchecked": unchecked,
        **report.record(plan.only),
    }
    if failure is not None:
        found["failure"] = _failed(console, plan, failure, out)
    tables = [laws_table(report, plan.only), coverage_table(report)]
    tables += [others_table(report), calls_table(report)]
    console.result(found, *tables)
    if missing:
        console.complain(f"never reached: {', '.join(' '.join(cell) for cell in missing)}")
    for law in unchecked if failure is None else ():
        console.complain(f"{law} was never checked in {report.steps:,} steps")
    counted = f"{report.steps:,} steps, {sum(report.checks.values()):,} checks"
    held = report.memory_mb
    memory = (
        f"; memory {held[0]:,.0f} MB after a sixth of the time, {held[-1]:,.0f} MB at its end"
        if held
        else ""
    )
    console.say(f"{found['verdict']}: {counted}, {report.sequences:,} sequences{memory}")
    return str(found["verdict"])
