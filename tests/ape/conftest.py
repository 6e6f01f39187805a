"""ape on the session's chain: for tests that show what an ape user sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT


@pytest.fixture(scope="session")
def ape_project(anvil: Anvil, artifacts: Artifacts) -> Iterator[Any]:
    """`ape.project`, connected to the shared chain and compiled."""
    import ape  # here, because importing it takes a second

    node = {"host": anvil.url, "manage_process": False}
    with ape.networks.ethereum.local.use_provider("foundry", provider_settings=node):
        yield ape.Project(ROOT)
