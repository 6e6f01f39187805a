"""`bulkhead demo`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulkhead.commands import Console, as_json, writable
from bulkhead.demo.settings import BLOCKS, MARKET, OUT, POSITIONS, SEED
from bulkhead.prices.path import BLOCK_SECS

HELP = f"""Run a whole market on a local chain of its own, through a crash.

Deploys from a market file, funds liquidity providers, opens positions (longs and shorts, 2x to the
most the market allows) and replays a price path while a keeper liquidates, traders top up, reduce
and close, and a provider leaves. After every block the chain is compared with the exact twin and
held to the conservation laws. The report is {OUT.name}/report.html, the numbers summary.json.

\b
Examples:
  bulkhead demo                                        a built-in crash, seed {SEED}
  bulkhead demo --seed 3 --positions 50 --blocks 120   another, smaller one
  bulkhead demo --prices eth.csv.gz --from 2021-05-19 --to 2021-05-20

Price files have the columns unix_seconds,open,high,low,close,volume (closes are used) or
unix_seconds,price. A file with garbage, with time that does not rise, or with gaps in the window
is refused before anything starts. Of prices less than {BLOCK_SECS} s apart the last one counts.

Exit codes: 0 every law held, 1 a law was broken, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.option("--prices", type=click.Path(path_type=Path), help="CSV or CSV.GZ file of prices.")
@click.option("--from", "start", help="First moment: 2021-05-19, 2021-05-19T12:30 (UTC), seconds.")
@click.option("--to", "end", help="End of the window, not included.")
@click.option("--max-gap", type=int, help="Longest gap, seconds. [default: five usual steps]")
@click.option("--positions", default=POSITIONS, show_default=True, help="Positions to open.")
@click.option("--blocks", type=int, help=f"Prices to replay. [default: {BLOCKS}, or the window]")
@click.option(
    "--seed", default=SEED, show_default=True, help="Random seed of the crash and the traders."
)
@click.option(
    "--market", type=click.Path(path_type=Path), default=MARKET, help="Market file (YAML)."
)
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="Folder of the report.")
@as_json
def demo(
    prices: Path | None,
    start: str | None,
    end: str | None,
    max_gap: int | None,
    positions: int,
    blocks: int | None,
    seed: int,
    market: Path,
    out: Path,
    json_: bool,
) -> int:
    """Thin: parse, run, print."""
    from bulkhead.demo import report, summary  # late: --help must be fast
    from bulkhead.demo.play import run
    from bulkhead.demo.settings import settings

    wanted = settings(
        prices=prices,
        start=start,
        end=end,
        max_gap=max_gap,
        positions=positions,
        blocks=blocks,
        seed=seed,
        market=market,
        out=out,
    )
    writable("--out", out)
    console = Console(json_)
    with console.progress("demo") as progress:
        done = run(wanted, progress)
    record = summary.summary(done)
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(record, indent=2) + "\n")
    (out / "report.html").write_text(report.page(done), encoding="utf-8")
    console.result(record, *summary.tables(done))
    for breach in done.laws.breaches:
        console.complain(str(breach))
    console.say(f"\nReport: {out / 'report.html'}")
    return 0 if done.laws.holds else 1
