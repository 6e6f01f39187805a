"""One deployed harness per library."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import Rpc


@pytest.fixture(scope="session")
def harness(rpc: Rpc, artifacts: Artifacts, accounts: list[str]) -> Callable[[str], Contract]:
    """Deploy a harness by its library's name, once."""
    known: dict[str, Contract] = {}

    def get(library: str) -> Contract:
        if library not in known:
            known[library] = deploy(rpc, library + "Harness", sender=accounts[0])
        return known[library]

    return get
