"""`bulkhead front`: what it is worth to know the next price, with and without delayed orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bulkhead.commands import Console, as_json

FILE = click.Path(path_type=Path)
HEAD = (
    "way",
    "taken",
    "gas",
    "profit",
    "pool",
    "trades",
    "placed",
    "cancelled",
    "released",
    "rounds",
)
HELP = """Let an attacker who sees every price before the market does trade against the pool.

\b
direct:   without delayed orders, at the market's mark while it stands
orders:   through delayed orders
cancels:  the same on both sides at all times; what the next round would fill badly is cancelled
starves:  orders that nobody can fill, until the mark has been left behind

Blocks are played on the exact twin. Taken is what its trades gave it at the price outside of their
moments: its profit without the luck of holding. Gas is that of its orders, with a coin at 2,500,
and not taken off; keepers work for nothing. Figures are means of the runs, in quote units.

\b
Example:
  bulkhead front --runs 4 --fill-window '24 s' --release-after 1

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.option("--runs", default=4, show_default=True, help="Price paths of each way.")
@click.option("--seed", default=1, show_default=True, help="Random seed of the first run.")
@click.option("--hours", default=48.0, show_default=True, help="Length of a path, hours.")
@click.option("--sigma", default=0.8, show_default=True, help="Volatility a year; 0.8 is 80 %.")
@click.option("--notional", default=500_000.0, show_default=True, help="Of each trade.")
@click.option("--fill-window", help="As in a market file, '24 s'. [default: the market's]")
@click.option("--delay", help="Delay of orders, as in a market file. [default: the market's]")
@click.option("--taker-fee", help="As in a market file, '5 bp'. [default: the market's]")
@click.option(
    "--release-after",
    default=1,
    show_default=True,
    help="Blocks until keepers release what is kept from filling; -1: nobody does.",
)
@click.option(
    "--edge", default=0.0001, show_default=True, help="Of a gap, beyond all costs, that it acts on."
)
@click.option("--gas-gwei", default=2.0, show_default=True, help="What gas costs the attacker.")
@click.option(
    "--ways", default="direct,orders,cancels,starves", show_default=True, help="Ways, by comma."
)
@click.option("--workers", type=int, help="Worker processes. [default: one a core]")
@click.option("--market", type=FILE, help="Market file. [default: markets/eth-usd.yaml]")
@as_json
def front(json_: bool, **given: Any) -> int:
    """Thin: parse, run, print."""
    from dataclasses import asdict  # late: --help must be fast

    from bulkhead.sim.front import Asked, play

    console = Console(json_)
    asked = Asked(**{name: value for name, value in given.items() if value is not None})
    with console.progress("front") as progress:
        rows = play(asked, progress)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in HEAD:
        table.add_column(name, justify="left" if name == "way" else "right", no_wrap=True)
    for row in rows:
        table.add_row(row.way, *(f"{getattr(row, name):,.0f}" for name in HEAD[1:]))
    console.result([asdict(row) for row in rows], table)
    return 0
