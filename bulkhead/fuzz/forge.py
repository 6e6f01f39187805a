"""The same market under forge's invariant fuzzer: `tests/forge`, on the state that we begin from.

forge gets the accounts of a world after its opening (code, storage, addresses), so that both attack
the same bytes; its handler and laws are Solidity (tests/forge/Handler.sol, Laws.t.sol).
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bulkhead.chain.binaries import ROOT, find
from bulkhead.errors import BulkheadError
from bulkhead.fuzz.people import ALICE
from bulkhead.fuzz.world import World

FOLDER = ROOT / ".build" / "forge" / "fuzz"  # what foundry.toml lets the harness read
DEPTH = 100  # calls of a sequence, as foundry.toml says
# The laws of Laws.t.sol, by their ids here.
LAWS = ("I-02", "I-04", "I-05", "I-06", "I-07", "I-16", "I-26", "I-32", "I-37")
_CALLS = re.compile(r"calls: (\d+)")
_LAW = re.compile(r'Broken\("(I-\d\d)')


class ForgeFailed(BulkheadError):
    """forge did not do what it was asked to."""


class Ran(NamedTuple):
    """A run of forge's fuzzer."""

    calls: int
    cpu_secs: float
    law: str  # that broke; empty: none


def write_state(world: World, path: Path) -> dict[str, str]:
    """Writes a world on Anvil as genesis accounts; returns what the harness reads of it."""
    packed = bytes.fromhex(world.engine.rpc.request("anvil_dumpState")[2:])
    accounts = json.loads(gzip.decompress(packed))["accounts"]
    found = {
        who: {"nonce": hex(each["nonce"]), **{k: each[k] for k in ("balance", "code", "storage")}}
        for who, each in accounts.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found), encoding="utf-8")
    return {
        "FUZZ_ALLOCS": str(path.relative_to(ROOT)),
        "FUZZ_NOW": str(world.now),
        "FUZZ_MARKET": world.site.market.address,
        "FUZZ_ORACLE": world.site.oracle.address,
        "FUZZ_ALICE": ALICE,
    }


def build() -> None:
    """Compiles the harness."""
    _forge("build", {})


def run(place: Mapping[str, str], sequences: int, seed: int) -> Ran:
    """Plays sequences, laws after every call, until one breaks."""
    terms = {**place, "FOUNDRY_INVARIANT_RUNS": str(sequences)}
    began = _children_secs()
    text = _forge("test", terms, "--fuzz-seed", str(seed), "-vv")
    used = _children_secs() - began
    calls, law = _CALLS.search(text), _LAW.search(text)
    if calls is None:
        raise ForgeFailed(f"forge test said no number of calls: {text[-600:]}")
    if "[PASS]" not in text and law is None:
        raise ForgeFailed(f"forge test failed without a law: {text[-600:]}")
    return Ran(int(calls.group(1)), used, law.group(1) if law else "")


def hunt(place: Mapping[str, str], seconds: int, seed: int) -> Ran:
    """Plays until a law breaks or so many seconds of the processor are used up: the kernel ends it
    then. What is found is not cut down."""
    terms = {
        **place,
        "FOUNDRY_INVARIANT_RUNS": "1000000",
        "FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT": "0",
    }
    began = _children_secs()
    text = _forge("test", terms, "--fuzz-seed", str(seed), "-vv", cpu_secs=seconds)
    found = _LAW.search(text)
    return Ran(0, _children_secs() - began, found.group(1) if found else "")


def _children_secs() -> float:
    now = os.times()
    return now.children_user + now.children_system


def _forge(command: str, terms: Mapping[str, str], *options: str, cpu_secs: int = 0) -> str:
    line = [str(find("forge")[0]), command, "--root", str(ROOT), *options]
    env: dict[str, Any] = {**os.environ, **terms, "FOUNDRY_PROFILE": "fuzz"}
    if cpu_secs:
        line = ["/bin/sh", "-c", f'ulimit -t {cpu_secs}; exec "$0" "$@"', *line]
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if command == "build" and done.returncode:
        raise ForgeFailed(f"forge build: {done.stderr[-600:]}")
    return done.stdout
