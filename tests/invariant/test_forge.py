"""The harness for forge's fuzzer begins from our state, holds there, and sees what is planted."""

from __future__ import annotations

import json

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.fuzz import forge

from .conftest import NewWorld

pytestmark = pytest.mark.slow
BASIS = "0x" + f"{5:064x}"  # the slot of both sides' bases


def test_laws_hold_and_a_planted_violation_is_seen(new_world: NewWorld) -> None:
    path = forge.FOLDER / "test.json"
    place = forge.write_state(new_world("anvil", 0), path)
    forge.build()

    held = forge.run(place, 2, seed=1)
    assert (held.calls, held.law) == (2 * forge.DEPTH, "")
    assert held.cpu_secs > 0

    accounts = json.loads((ROOT / place["FUZZ_ALLOCS"]).read_text())
    storage = accounts[place["FUZZ_MARKET"]]["storage"]
    storage[BASIS] = f"0x{int(storage[BASIS], 16) + 1:064x}"  # a wei that is no position's
    path.write_text(json.dumps(accounts))
    assert forge.run(place, 2, seed=1).law == "I-05"
