"""The tools themselves: sources that could silently go wrong, and the pins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bulkhead.chain.anvil import HARDFORK, Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT, SOLC
from bulkhead.chain.sizes import INIT_LIMIT, LIMIT
from bulkhead.chain.sources import REMAPPINGS, SETTINGS, SOLC_VERSION, SourceTree


@pytest.fixture(scope="module")
def tree() -> SourceTree:
    return SourceTree(ROOT)


def test_contract_names__whole_tree__are_unique(tree: SourceTree) -> None:
    assert tree.duplicates() == {}


def test_pragma__contracts__pin_the_compiler(tree: SourceTree) -> None:
    """Interfaces stay open to other compilers; what is deployed does not."""
    wrong = [
        name
        for name in tree.files()
        if name.startswith("contracts/")
        and f"pragma solidity {SOLC_VERSION};" not in tree.get(name).text
    ]
    assert wrong == []


def test_licence__every_file__names_one(tree: SourceTree) -> None:
    wrong = [n for n in tree.files() if "SPDX-License-Identifier:" not in tree.get(n).text[:80]]
    assert wrong == []


def test_imports__core__never_reach_outwards(tree: SourceTree) -> None:
    """Dependencies point one way: what is deployed never imports test contracts."""
    wrong = [
        (name, imported)
        for name in tree.files()
        if not name.startswith("contracts/test/")
        for imported in tree.get(name).imports
        if imported.startswith("contracts/test/")
    ]
    assert wrong == []


def test_artifacts__whole_tree__match_what_is_declared(
    tree: SourceTree, artifacts: Artifacts
) -> None:
    assert artifacts.names() == sorted(contract for contract, _ in tree.declared())


def test_sizes__deployed_contracts__fit_the_limits(artifacts: Artifacts) -> None:
    too_large = [
        (artifact.name, artifact.size)
        for artifact in artifacts.all()
        if artifact.size > LIMIT or len(artifact.bytecode) // 2 > INIT_LIMIT
    ]
    assert too_large == []


def test_configs__ape_and_forge__compile_with_the_same_settings() -> None:
    import tomllib

    import yaml

    forge = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    ape = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]
    optimizer = SETTINGS["optimizer"]
    assert isinstance(optimizer, dict)
    assert ape["version"] == SOLC_VERSION
    assert forge["solc"] == str(SOLC.relative_to(ROOT))
    assert ape["evm_version"] == forge["evm_version"] == SETTINGS["evmVersion"] == HARDFORK
    assert ape["optimization_runs"] == forge["optimizer_runs"] == optimizer["runs"]
    assert ape["optimize"] is forge["optimizer"] is optimizer["enabled"] is True
    assert ape["via_ir"] is forge["via_ir"] is SETTINGS["viaIR"] is True
    assert sorted(forge["remappings"]) == sorted(f"{a}={b}" for a, b in REMAPPINGS.items())
    assert sorted(f"{line}/" for line in ape["import_remapping"]) == sorted(
        f"{a[:-1]}={b}" for a, b in REMAPPINGS.items()
    )


def test_solc_wrapper__version__is_the_pinned_one() -> None:
    said = subprocess.run([SOLC, "--version"], capture_output=True, text=True, check=True).stdout
    assert f"Version: {SOLC_VERSION}+commit." in said


def test_solc_wrapper__standard_json_from_stdin__answers_json() -> None:
    source = f"// SPDX-License-Identifier: MIT\npragma solidity {SOLC_VERSION};\ncontract A {{}}"
    request = {
        "language": "Solidity",
        "sources": {"A.sol": {"content": source}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    said = subprocess.run(
        [SOLC, "--standard-json", "--allow-paths", "."],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(said)["contracts"]["A.sol"]["A"]["evm"]["bytecode"]["object"]


@pytest.mark.parametrize("lock", ["requirements.lock", "tools/uv.lock", "package-lock.json"])
def test_locks__name_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert '"resolved"' not in text
    assert not re.search(r"^--|://.*(registry|pypi|simple/|/npm/)", text, re.M)


def test_anvil__stopped__leaves_no_process() -> None:
    chain = Anvil(chain_id=4711, accounts=3)
    assert chain.rpc.chain_id() == 4711
    assert len(chain.accounts) == 3
    assert chain.running
    chain.stop()
    chain.stop()
    assert not chain.running
    assert not Path(chain.ipc).parent.exists()


def test_anvil__owner_killed__dies_too() -> None:
    program = (
        "import os, signal\n"
        "from bulkhead.chain.anvil import Anvil\n"
        "print(Anvil(accounts=1).ipc, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    folder = Path(ended.stdout.strip()).parent
    assert folder.name.startswith("anvil-")
    limit = time.monotonic() + 10
    while folder.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    assert not folder.exists()  # the watchdog removes it after it killed the chain
