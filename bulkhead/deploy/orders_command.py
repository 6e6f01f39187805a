"""`bulkhead orders`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bulkhead.commands import Console, as_json
from bulkhead.deploy.command import NETWORK
from bulkhead.errors import BadInput

HELP = """List a market's placed orders, the oldest first, and what each waits for.

An order that is DUE would be filled in this block. The others say the rule that they fail, of the
order book or, with "market:" before it, of the market: what is there, then the limit. The book does
not list its orders, so the events since the market's first block are read.

\b
Examples:
  bulkhead orders deployments/31337-eth-usd.json
  bulkhead orders deployments/1-eth-usd.json --network ethereum:mainnet:node --owner 0x... --json
  bulkhead orders --at 0x... --order-lens 0x... --since 21000000 --due

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


def _place(
    record: Path | None, market: str | None, lens: str | None, since: int | None
) -> tuple[str, str, int]:
    """Market, order lens and first block, from a record or from flags."""
    from bulkhead.deploy.plan import check_address
    from bulkhead.deploy.record import load

    if market is not None:
        market = check_address("--at", market)
    if lens is not None:
        lens = check_address("--order-lens", lens)
    if record is not None:
        found = load(record)
        start = found.block if since is None else since
        return market or found.address("market"), lens or found.address("order_lens"), start
    if market is None or lens is None:
        raise BadInput("RECORD", "nothing", "a deployment's record, or both --at and --order-lens")
    return market, lens, since or 0


@click.command(help=HELP)
@click.argument("record", type=click.Path(path_type=Path), required=False)
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--at", "market", help="The market's address, without a record.")
@click.option("--order-lens", "lens", help="The order lens's address, without a record.")
@click.option("--since", type=click.IntRange(min=0), help="First block. [default: the record's, 0]")
@click.option("--owner", help="Only orders of this address.")
@click.option("--id", "ids", type=int, multiple=True, help="Only on this position; repeatable.")
@click.option("--due", is_flag=True, help="Only what would be filled now.")
@click.option("--ended", is_flag=True, help="Filled, cancelled and released ones too.")
@as_json
def orders(
    record: Path | None,
    network: str,
    market: str | None,
    lens: str | None,
    since: int | None,
    owner: str | None,
    json_: bool,
    **filters: Any,
) -> int:
    """Thin: parse, read, print."""
    from bulkhead.deploy.network import connect
    from bulkhead.deploy.orders import read_orders
    from bulkhead.deploy.plan import check_address

    place, view, start = _place(record, market, lens, since)
    wanted = check_address("--owner", owner) if owner else None
    console = Console(json_)
    with connect(network, signing=False) as node:
        for name, where in (("market", place), ("order lens", view)):
            if not node.rpc.code(where):
                raise BadInput(name, where, f"there is no contract at this address on {network}")
        found = read_orders(node.rpc, place, view, since=start, owner=wanted, **filters)
    console.result(found.as_record(), found.table())
    return 0
