"""`bulkhead keeper run`."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import click

from bulkhead.commands import Console, as_json

HELP = """Watch markets, and liquidate what can be liquidated where it pays.

Without a key it is a dry run: everything is done but sending. MARKETS are records that `bulkhead
deploy` wrote, or pairs of addresses, market@lens. Each setting is a flag, or a line of the file, or
BULKHEAD_KEEPER_<NAME> in the environment (the only good places for a key); flags win over the
environment, the environment over the file. `bulkhead keeper settings` lists them all.

\b
Examples:
  bulkhead keeper run deployments/31337-eth-usd.json                      a dry run
  BULKHEAD_KEEPER_KEY=0x... bulkhead keeper run --config keeper.yaml
  bulkhead keeper run deployments/1-eth-usd.json --node wss://... --metrics-port 9464
  bulkhead keeper run deployments/1-eth-usd.json --looks 1 --json          one look, for cron

Exit codes: 0 done, 2 bad input, 3 anything else (with --looks: the last look failed).
"""


GROUP = """Watch markets and liquidate what pays.

\b
Examples:
  bulkhead keeper settings                              everything that can be set
  bulkhead keeper run deployments/31337-eth-usd.json    a dry run: nothing is sent

Both commands take --help and --json. Exit codes: 0 done, 2 bad input, 3 anything else.
"""
SETTINGS = """List every setting with its default and what it means.

\b
Examples:
  bulkhead keeper settings
  bulkhead keeper settings --json

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.group(help=GROUP)
def keeper() -> None:
    """Thin: its commands do the work."""


@keeper.command(help=HELP)
@click.argument("markets", nargs=-1)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="BULKHEAD_KEEPER_CONFIG",
    help="YAML file of settings.",
)
@click.option("--node", help="Node: http, https, ws, wss or ipc.")
@click.option("--second-node", help="Another node that must agree before anything is sent.")
@click.option("--private-node", help="Where transactions go instead of the public pool.")
@click.option("--database", help="sqlite:///file or postgresql+psycopg://... [default: keeper.db]")
@click.option("--key-file", type=click.Path(path_type=Path), help="Encrypted key file.")
@click.option("--budget", help="Native coin that may be spent in the budget's window.")
@click.option("--min-profit", help="Of a transaction, in the quote currency.")
@click.option("--native-price", help="`mark`, a feed's address, or a number.")
@click.option("--metrics-port", type=int, help="Serve /metrics and /health.")
@click.option("--log-format", type=click.Choice(["json", "text"]), help="[default: json]")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Least level that is logged. [default: info]",
)
@click.option("--looks", type=click.IntRange(min=1), help="End after so many looks.")
@as_json
def run(
    markets: tuple[str, ...], config: Path | None, looks: int | None, json_: bool, **flags: Any
) -> int:
    """Thin: parse, run until told to stop."""
    from bulkhead.keeper.logs import configure
    from bulkhead.keeper.metrics import serve
    from bulkhead.keeper.service import Keeper
    from bulkhead.keeper.settings import load

    settings = load(config, markets=markets or None, **flags)
    configure(settings.log_format, settings.log_level)
    console = Console(json_)
    found = Keeper(settings)
    server = None
    if settings.metrics_port is not None:
        server = serve(found.metrics, found.health, settings.metrics_port, settings.metrics_host)
        console.say(f"metrics: http://{settings.metrics_host}:{server.server_port}/metrics")

    def stop(*_: Any) -> None:
        found.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    who = found.wallet.address if found.wallet else "nobody (dry run)"
    console.say(f"keeping {len(found.seats)} market(s) for {who}")
    try:
        found.run(looks)
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        found.close()
    if json_:
        print(json.dumps(found.health.record()))
    return 3 if found.health.problem else 0


@keeper.command("settings", help=SETTINGS)
@as_json
def show(json_: bool) -> int:
    """Thin: the settings know themselves."""
    from rich.table import Table

    from bulkhead.keeper.settings import PREFIX, KeeperSettings

    rows = []
    for name, field in KeeperSettings.model_fields.items():
        default = "" if field.default in (None, ()) else str(field.default)
        rows.append({"name": name, "default": default, "what": field.description or ""})
    table = Table(title=f"{PREFIX}<NAME>, or <name> in a file", title_justify="left", box=None)
    for column in ("name", "default", "what"):
        table.add_column(column)
    for row in rows:
        table.add_row(row["name"], row["default"], row["what"])
    Console(json_).result(rows, table)
    return 0
