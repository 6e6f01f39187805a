"""Vaults over any token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from vault_world import Vaults

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.rpc import Rpc


@pytest.fixture
def new_vaults(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Vaults]:
    return lambda **settings: Vaults(rpc, accounts, **settings)


@pytest.fixture
def vaults(new_vaults: Callable[..., Vaults]) -> Vaults:
    return new_vaults()
