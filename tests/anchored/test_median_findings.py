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


def test_time_stands_still_when_a_fast_source_leaves_the_middle(rpc: Rpc, scene: Scene) -> None:
    """It went back, and the market refused every mark until a slow feed published."""
    median, sources = scene
    for source, (mark, age) in zip(sources, ((P, 900), (P + 1, 0), (P + 2, 20)), strict=True):
        source.set(mark, 0, NOW - age, 0)
    held = read_at(rpc, median, NOW).publishedAt
    assert held == NOW
    sources[1].set(P + 3, 0, NOW + 1, 0)
    assert read_at(rpc, median, NOW + 1).publishedAt == NOW - 20
    assert read_at(rpc, median, NOW + 1, held) == (P + 2, 0, NOW, 0)


def test_one_of_two_answers_does_not_set_the_mark(rpc: Rpc, scene: Scene) -> None:
    """A pull source is dead whenever nobody brings it, and a liar's price is always the later."""
    median, (honest, liar, silent) = scene
    silent.setFailure(7)
    width = P * MEDIAN.risk_tolerance // WAD
    for lie in (P - width, P + width):
        liar.set(lie, 0, NOW, 0)
        found = read_at(rpc, median, NOW)
        assert found.mark == (P + lie) // 2
        assert found.mark * (2 * WAD + found.spread) >= 2 * WAD * P  # nobody buys below the honest
        assert found.mark * (2 * WAD - found.spread) <= 2 * WAD * P  # or sells above
    honest.set(P, 0, NOW, 0)
    silent.setFailure(0)
    assert read_at(rpc, median, NOW)[:2] == (P, 0)
