"""The escrow designs: measured as the decision says, and for the reasons it gives."""

from __future__ import annotations

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.gas import vaults

PAGE = ROOT / "docs" / "decisions" / "escrow-per-position.md"


@pytest.fixture(scope="module")
def found(artifacts: Artifacts) -> dict[str, dict[str, int]]:
    return vaults.measure()


def test_vaults__table_of_the_decision__is_what_is_measured(
    found: dict[str, dict[str, int]],
) -> None:
    text = PAGE.read_text().split("<!-- vaults -->\n")[1].split("\n<!-- end -->")[0]
    assert text == vaults.table(found)


def test_vaults__chosen_design__has_the_cheapest_first_escrow(
    found: dict[str, dict[str, int]],
) -> None:
    """Of those in which every position has an address of its own."""
    escrows = {name: row["first open"] for name, row in found.items() if name != "SharedLedger"}
    assert min(escrows, key=lambda name: escrows[name]) == "PlainClones"


def test_vaults__reopening__deploys_nothing(found: dict[str, dict[str, int]]) -> None:
    creation = 32_000
    for name, row in found.items():
        saved = row["first open"] - row["open again"]
        assert (saved > creation) == (name != "SharedLedger")
