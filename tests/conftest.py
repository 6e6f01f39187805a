"""Fixtures that every suite shares: compiled artifacts, one chain, and isolation between tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.compile import ensure
from bulkhead.chain.rpc import Rpc


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    """All compiled contracts; compiles what changed first."""
    ensure()
    return default()


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """One chain for the whole run."""
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="session")
def rpc(anvil: Anvil) -> Rpc:
    """The client of the session's chain."""
    return anvil.rpc


@pytest.fixture(scope="session")
def accounts(anvil: Anvil) -> list[str]:
    """Funded, unlocked accounts."""
    return anvil.accounts


@pytest.fixture
def isolate(rpc: Rpc) -> Iterator[None]:
    """Undo what the test does to the chain. Inside `@given` use `with rpc.isolated():` instead."""
    with rpc.isolated():
        yield
