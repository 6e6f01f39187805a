"""Found by a hostile review of the median adapter."""

from __future__ import annotations

import pytest
from oracle_world import MEDIAN, NOW, SOURCE_GAS, WAD, read_at, struct

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Rpc

P = 2_000 * WAD
Scene = tuple[Contract, list[Contract]]


@pytest.fixture
def scene(rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None) -> Scene:
    """A median of three, two of which must agree, and its sources: all of them say P."""
    who = accounts[0]
    sources = [deploy(rpc, "SettableOracle", P, sender=who).as_(who) for _ in range(3)]
    for source in sources:
        source.set(P, 0, NOW - 1, 0)
    settings = struct(MEDIAN, sourceGas=SOURCE_GAS) | {"sources": [one.address for one in sources]}
    return deploy(rpc, "MedianOracle", settings, sender=who).as_(who), sources


def test_silent_pull_sources_are_no_disagreement(rpc: Rpc, scene: Scene) -> None:
    """A note between two updates kept a market in grace, with no liquidation, for gas alone."""
    median, sources = scene
    for source in sources[1:]:
        source.setFailure(7)
    rpc.next_time(NOW)
    with reverts("QuorumNotMet", got=1, needed=2):
        median.noteDisagreement()
    for source in sources[1:]:
        source.setFailure(0)
    assert read_at(rpc, median, NOW + 1) == (P, 0, NOW - 1, 0)
