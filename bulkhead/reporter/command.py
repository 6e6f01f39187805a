"""`bulkhead reporter` and `bulkhead relay`."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bulkhead.commands import Console, as_json
from bulkhead.deploy.command import NETWORK
from bulkhead.deploy.units import UnitError, duration, ratio
from bulkhead.errors import BadInput

KEY = "BULKHEAD_REPORTER_KEY"
PASSWORD = "BULKHEAD_REPORTER_PASSWORD"


def _parsed(name: str, text: str, parse: Callable[[str], int], least: int) -> int:
    try:
        value = parse(text)
    except UnitError as problem:
        raise BadInput(name, text, str(problem)) from None
    if value < least:
        raise BadInput(name, text, "more than 0 is wanted")
    return value


def _key(keystore: Path | None) -> bytes:
    """The reporter's private key: from a keystore, or from the environment."""
    from eth_account import Account

    if keystore is not None:
        try:
            return bytes(Account.decrypt(keystore.read_text(), os.environ.get(PASSWORD, "")))
        except OSError as problem:
            raise BadInput("--keystore", keystore, f"it can't be read: {problem}") from None
        except (ValueError, KeyError, TypeError) as problem:
            raise BadInput("--keystore", keystore, f"{PASSWORD} opens it: {problem}") from None
    text = os.environ.get(KEY, "")
    if not text:
        raise BadInput(KEY, "nothing", "set it to the reporter's key, or give --keystore")
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
        Account.from_key(key)
    except ValueError:
        raise BadInput(KEY, "what it holds", "32 bytes as 64 hex digits are wanted") from None
    return key


def _teller(json_: bool) -> Callable[[dict[str, Any]], None]:
    """A line for each event: JSON, or words."""
    console = Console(False)

    def tell(event: dict[str, Any]) -> None:
        if json_:
            print(json.dumps(event), flush=True)
        else:
            console.say("  ".join(f"{name}: {value}" for name, value in event.items()))

    return tell


def _until_stopped() -> threading.Event:
    """Set by Ctrl-C and by SIGTERM: the round at hand is finished."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _oracle(rpc: Any, given: str) -> tuple[Any, Any]:
    """The contract, and what its reports are bound to."""
    from bulkhead.chain.contract import at
    from bulkhead.deploy.plan import check_address
    from bulkhead.reporter.report import Feed

    where = check_address("ORACLE", given)
    if not rpc.code(where):
        raise BadInput("ORACLE", where, "there must be a contract at this address")
    oracle = at(rpc, "QuorumOracle", where)
    return oracle, Feed(rpc.chain_id(), where, oracle.settings().feed)


REPORTER_HELP = f"""Sign prices for the quorum ORACLE, and hand them to relays over HTTP.

At every multiple of --interval the sources are asked, and the middle of their prices is signed for
that moment. The private key is read from {KEY}, or from a --keystore whose
password is in {PASSWORD}; its address must be one of the contract's reporters.

\b
Examples:
  bulkhead reporter 0x... --source kraken:ETH/USD --source coinbase:ETH/USD --needed 2
  bulkhead reporter 0x... --csv prices.csv --network http://127.0.0.1:8545 --port 8701

Exit codes: 0 stopped, 2 bad input, 3 anything else.
"""


@click.command(help=REPORTER_HELP)
@click.argument("oracle")
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--source", "names", multiple=True, help="exchange:BASE/QUOTE, as ccxt names them.")
@click.option("--csv", "file", type=click.Path(path_type=Path), help="Prices by time, for tests.")
@click.option("--needed", type=click.IntRange(1), help="Sources that must answer. [most of them]")
@click.option("--interval", default="10 s", show_default=True, help="From one price to the next.")
@click.option("--max-age", default="30 s", show_default=True, help="Oldest ticker of an exchange.")
@click.option("--keystore", type=click.Path(path_type=Path), help="Encrypted key file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8_701, show_default=True, help="Where to listen; 0: any free one.")
@as_json
def reporter(
    oracle: str,
    network: str,
    names: tuple[str, ...],
    file: Path | None,
    needed: int | None,
    interval: str,
    max_age: str,
    keystore: Path | None,
    host: str,
    port: int,
    json_: bool,
) -> int:
    """Thin: read, check the membership, serve, report."""
    from eth_account import Account

    from bulkhead.deploy.network import connect
    from bulkhead.reporter.reporter import Reporter, serve
    from bulkhead.reporter.sources import CsvSource, Source, parse

    secs = _parsed("--interval", interval, duration, 1)
    age = _parsed("--max-age", max_age, duration, 1)
    sources: list[Source] = [parse(name, age) for name in names]
    if file is not None:
        sources.append(CsvSource.of(file))
    if not sources:
        raise BadInput("--source", "nothing", "give at least one, or --csv")
    least = needed or len(sources) // 2 + 1
    if least > len(sources):
        raise BadInput("--needed", least, f"at most {len(sources)}: so many sources are given")
    key = _key(keystore)
    signer = Account.from_key(key).address.lower()
    with connect(network, signing=False) as node:
        contract, feed = _oracle(node.rpc, oracle)
        members, _ = contract.reporters()
    if signer not in members:
        raise BadInput("the key's address", signer, f"a reporter is wanted: {', '.join(members)}")
    stop, tell = _until_stopped(), _teller(json_)
    found = Reporter(feed, key, sources, least, tell)
    try:
        server = serve(found, host, port)
    except (OSError, OverflowError) as problem:
        raise BadInput("--port", f"{host}:{port}", f"it can't be listened at: {problem}") from None
    url = f"http://{host}:{server.server_address[1]}"
    tell({"event": "listening", "url": url, "signer": signer})
    found.run(secs, stop)
    server.shutdown()
    return 0


RELAY_HELP = """Collect reports for the quorum ORACLE and bring them on chain.

At every multiple of --interval each reporter is asked for its report of that moment. They are sent
where the contract would take them and either --heartbeat has passed or the price moved by at least
--deviation. Anyone may run a relay, and several may run: the contract checks everything.

\b
Examples:
  bulkhead relay 0x... --reporter http://10.0.0.1:8701 --reporter http://10.0.0.2:8701 \\
    --reporter http://10.0.0.3:8701 --network ethereum:mainnet:node --account relay

Exit codes: 0 stopped, 2 bad input, 3 anything else.
"""


@click.command(help=RELAY_HELP)
@click.argument("oracle")
@click.option("--network", default="http://127.0.0.1:8545", show_default=True, help=NETWORK)
@click.option("--account", help="Who pays: ape alias or TEST::0; with a node: its account.")
@click.option("--reporter", "urls", multiple=True, required=True, help="A reporter's address.")
@click.option("--interval", default="10 s", show_default=True, help="As the reporters have it.")
@click.option(
    "--heartbeat", default="30 s", show_default=True, help="Longest time without a price."
)
@click.option("--deviation", default="10 bp", show_default=True, help="A move that does not wait.")
@click.option("--wait", default="1 s", show_default=True, help="Time for the reporters to sign.")
@click.option("--timeout", default="2 s", show_default=True, help="For a reporter to answer.")
@click.option("--rounds", type=click.IntRange(1), help="Stop after so many. [never]")
@as_json
def relay(
    oracle: str,
    network: str,
    account: str | None,
    urls: tuple[str, ...],
    interval: str,
    heartbeat: str,
    deviation: str,
    wait: str,
    timeout: str,
    rounds: int | None,
    json_: bool,
) -> int:
    """Thin: read, connect, run."""
    from bulkhead.deploy.network import connect
    from bulkhead.reporter.relay import Policy, Relay

    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise BadInput("--reporter", url, "http://host:port is wanted")
    secs = _parsed("--interval", interval, duration, 1)
    policy = Policy(
        _parsed("--heartbeat", heartbeat, duration, 1), _parsed("--deviation", deviation, ratio, 1)
    )
    pause = _parsed("--wait", wait, duration, 0)
    patience = _parsed("--timeout", timeout, duration, 1)
    if pause + patience >= secs:
        raise BadInput(
            "--wait and --timeout", f"{pause + patience} s", f"below --interval, {secs} s"
        )
    with connect(network, account) as node:
        contract, feed = _oracle(node.rpc, oracle)
        tell = _teller(json_)
        stop = _until_stopped()
        tell({"event": "relaying", "oracle": contract.address, "account": node.account})
        found = Relay(node.rpc, contract, feed, node.account, urls, policy, patience, tell)
        sent = found.run(secs, pause, stop, rounds)
    tell({"event": "stopped", "sent": sent})
    return 0
