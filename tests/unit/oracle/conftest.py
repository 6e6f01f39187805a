"""A Chainlink feed, its sequencer, and a clock for reading adapters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chainlink_feed import NOW, Feed

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import Rpc


@pytest.fixture
def sequencer(rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None) -> Contract:
    """A sequencer that is up, since long ago."""
    uptime = deploy(rpc, "SequencerFeed", 0, sender=accounts[0])
    uptime.set(1, 0, NOW - 10**6, NOW - 10**6)
    return uptime


@pytest.fixture
def new_feed(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Feed]:
    return lambda **settings: Feed(rpc, accounts[0], **settings)


@pytest.fixture
def feed(new_feed: Callable[..., Feed]) -> Feed:
    return new_feed()


@pytest.fixture
def read(rpc: Rpc) -> Callable[..., Any]:
    """`read(oracle, since, at=NOW)`: what the adapter says at block time `at`."""

    def read_at(oracle: Contract, since: int = 0, *, at: int = NOW) -> Any:
        data = oracle.read.encode(since)
        return oracle.read.decode(rpc.call(oracle, data, overrides={"time": hex(at)}))

    return read_at
