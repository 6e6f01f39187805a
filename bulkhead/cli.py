"""The `bulkhead` command. Each subcommand lives with what it runs and is loaded when asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from bulkhead import __version__
from bulkhead.commands import outcome

# name -> (module, command, one line for `bulkhead --help`)
COMMANDS = {
    "demo": ("bulkhead.demo.command", "demo", "Run a whole market through a crash, locally."),
    "calibrate": (
        "bulkhead.sim.calibrate_command",
        "calibrate",
        "Fit the simulation's numbers to data.",
    ),
    "simulate": ("bulkhead.sim.command", "simulate", "Draw thousands of days, say what they cost."),
    "replay": ("bulkhead.sim.command", "replay", "Replay a history under each liquidation rule."),
    "front": ("bulkhead.sim.front_command", "front", "What knowing the next price is worth."),
    "deploy": ("bulkhead.deploy.command", "deploy", "Deploy a market from its YAML file."),
    "adapter": ("bulkhead.deploy.adapter_command", "adapter", "Deploy a quorum's price adapter."),
    "verify": ("bulkhead.deploy.command", "verify", "Compare a deployment with its record."),
    "keeper": ("bulkhead.keeper.command", "keeper", "Watch markets and liquidate what pays."),
    "fuzz": ("bulkhead.fuzz.command", "fuzz", "Attack a market with random calls, under laws."),
    "reporter": ("bulkhead.reporter.command", "reporter", "Sign prices for a quorum oracle."),
    "relay": ("bulkhead.reporter.command", "relay", "Bring a quorum's reports on chain."),
    "mutants": ("bulkhead.mutants.command", "mutants", "Plant faults; see which laws notice."),
    "coverage": ("bulkhead.mutants.coverage_command", "coverage", "What of the core fuzz reaches."),
    "positions": ("bulkhead.deploy.positions_command", "positions", "List positions and health."),
    "orders": ("bulkhead.deploy.orders_command", "orders", "List orders and what they wait for."),
}


class Lazy(click.Group):
    """Knows its commands by name and imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(module), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in COMMANDS.items()])


@click.command(
    cls=Lazy,
    epilog="Every command takes --help and --json. Exit codes: 0 done, 1 a law was broken or a "
    "deployment differs from its record, 2 bad input, 3 anything else.",
)
@click.version_option(__version__, prog_name="bulkhead")
def bulkhead() -> None:
    """Isolated-margin derivatives: deploy a market, watch it, and try it in a crash."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return outcome(
        lambda: bulkhead.main(args=given, prog_name="bulkhead", standalone_mode=False),
        "--json" in given,
    )


def main() -> None:
    """Console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
