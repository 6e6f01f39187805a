"""Fixtures that every suite shares: compiled artifacts, one chain, and isolation between tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.binaries import ROOT, SOLC
from bulkhead.chain.compile import ensure
from bulkhead.chain.rpc import Rpc

# ape keeps its data inside the project and finds the pinned compiler, whoever starts pytest.
os.environ.setdefault("APE_DATA_FOLDER", str(ROOT / ".build" / "ape-home"))
os.environ.setdefault("SOLCX_BINARY_PATH", str(SOLC.parent))

# `HYPOTHESIS_PROFILE=deep make test` looks longer.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("deep", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    """All compiled contracts; compiles what changed first.

    `BULKHEAD_ONLY=Market,MarketLens` compiles just these, while other sources are in pieces.
    """
    only = os.environ.get("BULKHEAD_ONLY")
    ensure(only.split(",") if only else None)
    return default()


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """One chain for the whole run. Its blocks are a second apart, however fast the machine is:
    whether two of them had the same time would decide what a write costs and what is due."""
    with Anvil() as chain:
        chain.rpc.request("anvil_setBlockTimestampInterval", 1)
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
