"""`bulkhead calibrate`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.table import Table

from bulkhead.commands import Console, as_json, writable

FILE = click.Path(path_type=Path)
HELP = """Fit the simulation's numbers to data: price models, feed, gas.

\b
--prices      unix_seconds,open,high,low,close,volume or unix_seconds,price
--rounds      unix_seconds,answer: the rounds of a push feed
--gas         unix_seconds,gas_price_p60_wei, at the moments of --gas-prices
--gas-prices  unix_seconds,close

\b
Example:
  bulkhead calibrate --prices eth.csv.gz --rounds rounds.csv.gz --gas gas.csv.gz \\
    --gas-prices minutes.csv.gz --out mine.json

Prints the numbers; --out writes them to a file that `bulkhead simulate --calibration` takes. The
defaults in the repository were made by the command they name, from files with the hashes beside it.

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.option("--prices", type=FILE, required=True, help="History that price models are fitted to.")
@click.option("--max-gap", type=int, help="Longest gap of it, seconds. [default: five usual steps]")
@click.option("--rounds", type=FILE, required=True, help="Rounds of the price feed.")
@click.option("--gas", type=FILE, required=True, help="Gas prices.")
@click.option("--gas-prices", type=FILE, required=True, help="Prices at the same moments.")
@click.option("--out", type=FILE, help="JSON file to write.")
@as_json
def calibrate(
    prices: Path,
    max_gap: int | None,
    rounds: Path,
    gas: Path,
    gas_prices: Path,
    out: Path | None,
    json_: bool,
) -> int:
    """Thin: read, fit, print."""
    from bulkhead.prices import read  # late: --help must be fast
    from bulkhead.sim import calibration

    if out is not None:
        writable("--out", out, folder=False)
    found = calibration.calibrate(
        history=read(prices, max_gap=max_gap),
        history_file=prices,
        rounds=rounds,
        gas=gas,
        gas_prices=gas_prices,
    )
    record = found.record()
    if max_gap is not None:
        record["command"] += f" --max-gap {max_gap}"
    if out is not None:
        out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    table = Table(show_header=False, box=None)
    for group in ("oracle", "gas", "gbm", "merton", "regimes"):
        for name, value in record[group].items():
            table.add_row(f"{group} {name}", str(value))
    Console(json_).result(record, table)
    return 0
