"""`bulkhead adapter`: a quorum's adapter, before the market that will read it."""

from __future__ import annotations

from pathlib import Path

import click

from bulkhead.commands import Console, as_json
from bulkhead.deploy.command import MARKET, NETWORK, confirm
from bulkhead.errors import BadInput

HELP = """Deploy the quorum adapter of a MARKET file, with an authority of its own.

A market is listed at its oracle's price, so the reporters must have reported twice before
`bulkhead deploy --oracle` can adopt the adapter. Only governance replaces reporters, after the
file's timelock delay.

\b
Examples:
  bulkhead adapter my-market.yaml --governance 0x... --network ethereum:mainnet:node
  bulkhead relay 0x... --reporter http://10.0.0.1:8701 ...
  bulkhead deploy my-market.yaml --oracle 0x...

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.argument("market", type=click.Path(path_type=Path), default=MARKET)
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--account", help="ape alias or TEST::0; with a node: one of its accounts.")
@click.option("--governance", help="Timelock and admin. [local chains: the deployer]")
@click.option("--yes", is_flag=True, help="Do not ask before sending.")
@as_json
def adapter(
    market: Path,
    network: str,
    account: str | None,
    governance: str | None,
    yes: bool,
    json_: bool,
) -> int:
    """Thin: read, rehearse on a fork, ask, send."""
    from bulkhead.chain.anvil import Anvil
    from bulkhead.deploy import oracles, params, plan
    from bulkhead.deploy.local import LOCAL_CHAINS
    from bulkhead.deploy.network import connect
    from bulkhead.deploy.roles import People
    from bulkhead.deploy.steps import Deployer

    file = params.read(market)
    console = Console(json_)
    with connect(network, account) as node:
        chain_id = node.rpc.chain_id()
        if governance is None and chain_id not in LOCAL_CHAINS:
            raise BadInput("governance", "nothing", "give --governance")
        who = plan.check_address("governance", governance) if governance else node.account
        people = People(who, who, who, file.authority.timelock_delay)
        with Anvil(fork=node.url, chain_id=chain_id, accounts=1) as fork:
            fork.rpc.impersonate(node.account)
            rehearsal = Deployer(fork.rpc, node.account)
            oracles.deploy_quorum(rehearsal, file, people)
        confirm(yes, rehearsal.gas_used)
        hand = Deployer(node.rpc, node.account)
        found = oracles.deploy_quorum(hand, file, people)
        said = {"oracle": found.address, "authority": found.authority(), "gas": hand.gas_used}
        console.result(said)
        console.say("\n".join(f"{name}: {value}" for name, value in said.items()))
    return 0
