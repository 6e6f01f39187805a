"""Deploying through ape: its network, its account, the same plan, record and verification.

Each runs in a process of its own: ape keeps what it was first given, standard output included.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.record import load

NETWORK = "ethereum:local:foundry"
REVERTS = """
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.deploy.network import connect
from bulkhead.deploy.steps import Deployer

def said(action):
    try:
        action()
    except (Reverted, ChainError) as problem:
        return str(problem)

with connect("ethereum:local:foundry", "TEST::1") as node:
    token = Deployer(node.rpc, node.account).create("TestToken", 6)
    print(said(lambda: token.transfer.call("0x" + "11" * 20, 5, sender=node.account)))
    print(said(lambda: token.transfer("0x" + "11" * 20, 5, sender=node.account)))
    print(said(lambda: token.transfer("0x" + "11" * 20, 5, sender="0x" + "22" * 20)))
"""


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`bulkhead` as a user runs it."""
    program = [sys.executable, "-m", "bulkhead.cli", *arguments]
    return subprocess.run(program, capture_output=True, text=True, cwd=ROOT)


def test_command__ape_network_and_account__deploys_and_verifies(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    """`deploy` reads the chain back itself: ape's own chain ends with the command."""
    path = tmp_path / "record.json"
    arguments = ["--network", NETWORK, "--account", "TEST::0", "--price", "2500", "--yes"]
    done = command("deploy", *arguments, "--out", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mismatches"] == []
    record = load(path)
    assert record.deployer == "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert record.people["delay"] == 2 * 86_400


def test_ape_rpc__revert__is_decoded(artifacts: Artifacts) -> None:
    program = [sys.executable, "-c", REVERTS]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT)
    called, sent, strange = done.stdout.splitlines()
    assert called == sent
    assert called.startswith("reverted: ERC20InsufficientBalance(")
    assert called.endswith("needed=5)")
    assert "can't sign here" in strange


@pytest.mark.parametrize(
    ("network", "account", "message"),
    [
        (NETWORK, None, "an alias of ape's accounts"),
        (NETWORK, "nobody-has-this", "ape knows:"),
        ("ethereum:nonet:foundry", "TEST::0", "ape says:"),
    ],
)
def test_command__bad_choice__is_refused(network: str, account: str | None, message: str) -> None:
    given = ["--account", account] if account else []
    done = command("deploy", "--network", network, *given, "--price", "1")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("script", ["demo", "deploy", "verify"])
def test_scripts__ape_run__is_the_same_command(script: str) -> None:
    program = [Path(sys.executable).parent / "ape", "run", script, "--help"]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "Exit codes" in done.stdout
