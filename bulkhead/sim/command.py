"""`bulkhead simulate` and `bulkhead replay`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from bulkhead.commands import Console, as_json, writable

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(path_type=Path)
CODES = "Exit codes: 0 done, 2 bad input, 3 anything else."
SIMULATE = f"""Draw thousands of markets' days and say what they cost.

Prices come from a model, through a feed with a threshold, a heartbeat and a latency; traders,
liquidity providers, keeper bots and, if asked for, an attacker act on the exact twin of the
contracts. The report is report.html in the --out folder, the numbers results.json and, run
by run, runs.csv.

\b
Examples:
  bulkhead simulate --runs 2000
  bulkhead simulate --grid leverage=5,10,20,25 --rules bulkhead,fixed
  bulkhead simulate --grid 'liquidation.buffer=20 %,40 %,80 %' --scheduler tcp://10.0.0.1:8786
  bulkhead simulate --model bootstrap --history eth.csv.gz --attacker 500000
  bulkhead simulate --backend chain --runs 2 --traders 40

Rules: bulkhead, no-mu, whole, fixed, halves, staged, flagged, or all. A grid names fields of the
market file, or `leverage`, which scales the whole margin table.

{CODES}
"""
REPLAY = f"""Replay a history of prices under each liquidation rule, with many crowds of traders.

\b
Example:
  bulkhead replay --prices eth.csv.gz --from 2021-05-19 --to 2021-05-20

Price files have the columns unix_seconds,open,high,low,close,volume (closes are used) or
unix_seconds,price.

{CODES}
"""


def options(command: F) -> F:
    """What both commands take."""
    found = (
        click.option(
            "--runs", type=int, help="Runs of each case. [default: 200; replay 20, chain 2]"
        ),
        click.option(
            "--seed",
            default=1,
            show_default=True,
            help="Random seed of the first run; each other run has the next.",
        ),
        click.option("--rules", help="Ways to liquidate, by comma, or all."),
        click.option("--grid", multiple=True, help="name=value,value: a parameter to vary."),
        click.option("--traders", default=300, show_default=True, help="Traders in the crowd."),
        click.option(
            "--fill",
            default=0.6,
            show_default=True,
            help="Open interest wanted, as a share of its cap.",
        ),
        click.option(
            "--attacker",
            default=0.0,
            show_default=True,
            help="Capital of an attacker (quote currency); 0: none.",
        ),
        click.option(
            "--liquidity",
            default=1.0,
            show_default=True,
            help="Deposits, as a share of the planned NAV.",
        ),
        click.option(
            "--insurance",
            default=0.0025,
            show_default=True,
            help="The fund, as a share of the planned NAV.",
        ),
        click.option("--keeper-latency", type=int, help="One keeper only, so many seconds late."),
        click.option(
            "--gas-scale", type=float, help="Gas price, as a share of mainnet's. [default: 0.01]"
        ),
        click.option(
            "--heartbeat",
            type=int,
            help="Longest silence of the feed, seconds. [default: calibrated]",
        ),
        click.option(
            "--deviation",
            type=float,
            help="Move that the feed reports (0.005 is 0.5 %); 0: every price.",
        ),
        click.option("--latency", type=float, help="Mean delay of the feed, seconds; 0: none."),
        click.option(
            "--outage", multiple=True, help="Minutes without the feed, as 30..90; may be repeated."
        ),
        click.option(
            "--confidence",
            default=0.99,
            show_default=True,
            help="Share of the runs that the fund's recommended size covers.",
        ),
        click.option("--workers", type=int, help="Worker processes. [default: one a core]"),
        click.option("--scheduler", help="Address of a Dask scheduler: use its workers instead."),
        click.option(
            "--backend",
            type=click.Choice(["model", "chain"]),
            default="model",
            show_default=True,
            help="The twin, or the contracts on an Anvil.",
        ),
        click.option("--node", help="A development node that runs already, for --backend chain."),
        click.option("--market", type=FILE, help="Market file. [default: markets/eth-usd.yaml]"),
        click.option("--calibration", type=FILE, help="What `bulkhead calibrate --out` wrote."),
        click.option("--out", type=FILE, help="Folder of the report. [default: out/sim]"),
    )
    for option in reversed(found):
        command = option(command)
    return command


@click.command(help=SIMULATE)
@click.option(
    "--model", default="regimes", show_default=True, help="regimes, merton, gbm or bootstrap."
)
@click.option("--history", type=FILE, help="Price file that a bootstrap takes its pieces from.")
@click.option(
    "--block", default=120, show_default=True, help="Length of a bootstrap's piece, minutes."
)
@click.option("--max-gap", type=int, help="Longest gap of the history, seconds.")
@click.option("--hours", default=24.0, show_default=True, help="Length of a path, hours.")
@options
@as_json
def simulate(json_: bool, **given: Any) -> int:
    """Thin: parse, run, print."""
    return _run(given, json_, runs=200, rules="bulkhead")


@click.command(help=REPLAY)
@click.option("--prices", type=FILE, required=True, help="CSV or CSV.GZ file of prices.")
@click.option("--from", "start", help="First moment: 2021-05-19, 2021-05-19T12:30 (UTC), seconds.")
@click.option("--to", "end", help="End of the window, not included.")
@click.option("--max-gap", type=int, help="Longest gap, seconds. [default: five usual steps]")
@options
@as_json
def replay(json_: bool, **given: Any) -> int:
    """Thin: parse, run, print."""
    return _run(given, json_, runs=20, rules="all")


def _run(given: dict[str, Any], json_: bool, **defaults: Any) -> int:
    from bulkhead.sim import report  # late: --help must be fast
    from bulkhead.sim.answers import HEAD, notes, rows
    from bulkhead.sim.plan import Asked, plan
    from bulkhead.sim.play import play

    if given["backend"] == "chain":
        defaults["runs"] = 2  # each deploys a market and mines its blocks
    said = {name: value for name, value in given.items() if value is not None}
    wanted = plan(Asked(**{**defaults, **said}))
    out = writable("--out", wanted.asked.out)
    console = Console(json_)
    with console.progress("simulate") as progress:
        played = play(wanted, progress)
    record = report.record(played)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")
    (out / "runs.csv").write_text(report.runs(played), encoding="utf-8")
    (out / "report.html").write_text(report.page(played), encoding="utf-8")
    level = wanted.asked.confidence
    found = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    found.add_column(HEAD[0], min_width=12, overflow="fold")
    for name in HEAD[1:]:
        found.add_column(name, justify="right", no_wrap=True)
    for row in rows(played.answers, level):
        found.add_row(*row)
    console.result(record, found)
    for text in notes(played.answers, level):
        console.say(text)
    console.say(f"\nReport: {out / 'report.html'}")
    return 0
