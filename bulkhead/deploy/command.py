"""`bulkhead deploy`, `verify` and `positions`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bulkhead.chain.binaries import ROOT
from bulkhead.commands import Console, as_json
from bulkhead.deploy.units import UnitError, number
from bulkhead.errors import BadInput

MARKET = ROOT / "markets" / "eth-usd.yaml"
NETWORK = "A node's address (http://127.0.0.1:8545), or an ape network (ethereum:sepolia:node)."


def _answer(price: str | None) -> int | None:
    """The local feed's first price, 8 decimals."""
    if price is None:
        return None
    try:
        value, unit, _ = number(price)
    except UnitError as problem:
        raise BadInput("price", price, str(problem)) from None
    scaled = value * 10**8
    if unit or scaled.denominator != 1 or scaled <= 0:
        raise BadInput("price", price, "a positive number with at most 8 decimals is wanted")
    return int(scaled)


def confirm(yes: bool, gas: int) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("--yes", "not given", "without a terminal to ask, a deployment needs it")
    click.confirm(f"Send these transactions ({gas:,} gas)?", abort=True, err=True)


HELP = """Deploy the MARKET of a YAML file: contracts, libraries, roles and delays.

The whole deployment is rehearsed on a fork of the network first and verified there; the plan
shows every transaction with its gas. Then you are asked (--yes answers), it is sent, read back
and compared, and a JSON record is written that `bulkhead verify` checks at any time.

\b
Examples:
  anvil &
  bulkhead deploy --price 2500 --yes
  bulkhead deploy markets/eth-usd.yaml --network ethereum:mainnet:node --account ops \\
    --governance 0x... --guardian 0x... --treasury 0x... --dry-run

Exit codes: 0 done, 1 the chain differs from what was asked for, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.argument("market", type=click.Path(path_type=Path), default=MARKET)
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--account", help="ape alias or TEST::0; with a node: one of its accounts.")
@click.option("--governance", help="Timelock and admin. [local chains: the deployer]")
@click.option("--guardian", help="May stop risk at once. [local chains: the deployer]")
@click.option("--treasury", help="Gets its share of fees. [local chains: the deployer]")
@click.option("--token", help="Collateral. [the file's for this chain; local chains: a test token]")
@click.option(
    "--feed",
    help="Chainlink feed or Pyth contract. [the file's for this chain; local chains: a test one]",
)
@click.option("--source", "sources", multiple=True, help="An adapter that a median reads.")
@click.option("--oracle", "adapter", help="A quorum's adapter, from `bulkhead adapter`.")
@click.option("--price", help="First price of a local test feed, such as 2500.")
@click.option("--dry-run", is_flag=True, help="Rehearse on a fork, print the plan, send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before sending.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the record goes. [deployments/CHAIN-NAME.json]",
)
@as_json
def deploy(
    market: Path,
    network: str,
    account: str | None,
    price: str | None,
    dry_run: bool,
    yes: bool,
    out: Path | None,
    sources: tuple[str, ...],
    json_: bool,
    **addresses: str | None,
) -> int:
    """Thin: read, rehearse, ask, send."""
    from bulkhead.chain.compile import ensure
    from bulkhead.deploy import params, plan
    from bulkhead.deploy.network import connect

    file = params.read(market)
    answer = _answer(price)
    console = Console(json_)
    ensure()
    with connect(network, account) as node:
        asked = plan.order(
            file, node.rpc.chain_id(), node.account, answer=answer, sources=sources, **addresses
        )
        console.say("Rehearsing on a fork ...")
        rehearsed = plan.rehearse(node.url, asked)
        if dry_run:
            console.result(rehearsed.as_record(), *rehearsed.tables())
            return _say_mismatches(console, rehearsed.mismatches)
        for table in () if json_ else rehearsed.tables():
            console.show(table)
        if rehearsed.mismatches:
            return _say_mismatches(console, rehearsed.mismatches)
        confirm(yes, rehearsed.gas)
        return _send(console, node.rpc, asked, out)


def _send(console: Console, rpc: Any, asked: Any, out: Path | None) -> int:
    """The real thing: deploy, record, verify."""
    from bulkhead.deploy import plan, record
    from bulkhead.deploy.verify import verify as compare

    system = plan.execute(
        rpc, asked, lambda step: console.say(f"  {step.kind} {step.name}: {step.address}")
    )
    found = record.record_of(system)
    slug = asked.market.name.lower().replace("/", "-").replace(" ", "-")
    path = out or Path("deployments") / f"{asked.chain_id}-{slug}.json"
    record.write(found, path)
    mismatches = compare(rpc, found)
    console.result(
        {
            "record": str(path),
            "market": found.address("market"),
            "parts": {name: part.address for name, part in found.parts.items()},
            "mismatches": [str(one) for one in mismatches],
        }
    )
    console.say(f"Record: {path}")
    return _say_mismatches(console, mismatches)


def _say_mismatches(console: Console, mismatches: Any) -> int:
    for one in mismatches:
        console.complain(str(one))
    if not mismatches:
        console.say("Verified: code, links, roles, delays and parameters are as asked for.")
    return 1 if mismatches else 0


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@as_json
def verify(record: Path, network: str, json_: bool) -> int:
    """Read a chain back against the RECORD that `deploy` wrote.

    Compares the code of every contract and library with what this source compiles to (immutables
    apart), the links between contracts, every parameter, and every role: exactly the people of the
    record with their delays, nobody else. Where nothing differs it also names what governance has
    scheduled and may still execute, and from when (unix seconds).

    \b
    Examples:
      bulkhead verify deployments/31337-eth-usd.json
      bulkhead verify deployments/1-eth-usd.json --network https://... --json

    Exit codes: 0 all as recorded, 1 something differs, 2 bad input, 3 anything else.
    """
    from bulkhead.chain.compile import ensure
    from bulkhead.deploy.network import connect
    from bulkhead.deploy.record import load
    from bulkhead.deploy.verify import scheduled
    from bulkhead.deploy.verify import verify as compare

    found = load(record)
    console = Console(json_)
    ensure()
    with connect(network, signing=False) as node:
        mismatches = compare(node.rpc, found)
        acts = [] if mismatches else scheduled(node.rpc, found)
    differences = [vars(one) for one in mismatches]
    console.result({"record": str(record), "mismatches": differences, "scheduled": acts})
    for act in acts:
        console.say(f"Scheduled: {act}")
    return _say_mismatches(console, mismatches)
