"""An ape user's view: contracts by name, deployment with linked libraries, errors and events."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.chain.contract import deploy_libraries
from bulkhead.chain.rpc import Rpc


@pytest.fixture
def probe(ape_project: Any, rpc: Rpc, accounts: list[str], isolate: None) -> Any:
    import ape

    deploy_libraries(rpc, "ToolProbe", sender=accounts[0])
    return ape.accounts.test_accounts[0].deploy(ape_project.ToolProbe, "from ape")


def test_project__every_deployable_contract__is_known_to_ape(
    ape_project: Any, artifacts: Any
) -> None:
    known = ape_project.manifest.contract_types
    assert sorted(known) == artifacts.names()
    assert all(not ape_project.contracts._detect_change(ct.source_id) for ct in known.values())


def test_deploy__through_ape__runs_linked_code(probe: Any) -> None:
    import ape

    receipt = probe.poke(7, sender=ape.accounts.test_accounts[1])
    assert probe.total() == 14
    assert receipt.events.filter(probe.Poked)[0].number == 7


def test_call__custom_error__is_decoded_by_ape(probe: Any) -> None:
    import ape

    with ape.reverts(probe.TooSmall, given=3, limit=5):
        probe.poke.call(3)
