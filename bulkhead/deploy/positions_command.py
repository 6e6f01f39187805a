"""`bulkhead positions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bulkhead.commands import Console, as_json
from bulkhead.deploy.command import NETWORK
from bulkhead.errors import BadInput


def _place(record: Path | None, market: str | None, lens: str | None) -> tuple[str, str]:
    """Market and lens, from a record or from flags."""
    from bulkhead.deploy.plan import check_address
    from bulkhead.deploy.record import load

    if record is not None:
        found = load(record)
        return market or found.address("market"), lens or found.address("lens")
    if market is None or lens is None:
        raise BadInput("RECORD", "nothing", "a deployment's record, or both --at and --lens")
    return check_address("--at", market), check_address("--lens", lens)


HELP = """List a market's positions and their health, those closest to liquidation first.

Everything comes from the lens, at the mark that an action in this block would use: margin, equity,
the requirements, the price at which each can be liquidated and how far away that is.

\b
Examples:
  bulkhead positions deployments/31337-eth-usd.json
  bulkhead positions deployments/1-eth-usd.json --network ethereum:mainnet:node --liquidatable
  bulkhead positions --at 0x... --lens 0x... --id 7 --id 12 --json

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.argument("record", type=click.Path(path_type=Path), required=False)
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--at", "market", help="The market's address, without a record.")
@click.option("--lens", help="The lens's address, without a record.")
@click.option("--id", "ids", type=int, multiple=True, help="Only this position; may be repeated.")
@click.option("--owner", help="Only positions of this address.")
@click.option("--liquidatable", is_flag=True, help="Only what can be liquidated now.")
@click.option("--flat", is_flag=True, help="Flat positions too.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the closest first.")
@as_json
def positions(
    record: Path | None,
    network: str,
    market: str | None,
    lens: str | None,
    owner: str | None,
    json_: bool,
    **filters: Any,
) -> int:
    """Thin: parse, read, print."""
    from bulkhead.deploy.network import connect
    from bulkhead.deploy.plan import check_address
    from bulkhead.deploy.positions import read_positions

    place, view = _place(record, market, lens)
    wanted = check_address("--owner", owner) if owner else None
    console = Console(json_)
    with connect(network, signing=False) as node:
        for name, where in (("market", place), ("lens", view)):
            if not node.rpc.code(where):
                raise BadInput(name, where, f"there is no contract at this address on {network}")
        found = read_positions(node.rpc, place, view, owner=wanted, **filters)
    console.result(found.as_record(), *found.tables())
    return 0
