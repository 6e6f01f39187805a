"""docs/symbolic.md names every property of contracts/test/symbolic, and each has its plant."""

from __future__ import annotations

import re

from bulkhead.chain.binaries import ROOT

ROW = re.compile(r"^\| `(\w+\.prove\w+)` \|.*\| (?:proven|not proven) \|$", re.M)
PROPERTY = re.compile(r"^    function ((?:prove|plant)\w+)\(", re.M)


def test_symbolic_page__rows__are_the_properties() -> None:
    files = sorted((ROOT / "contracts" / "test" / "symbolic").glob("*Proofs.sol"))
    found = [f"{file.stem}.{name}" for file in files for name in PROPERTY.findall(file.read_text())]
    proofs = sorted(name for name in found if ".prove" in name)
    assert len(proofs) > 0
    assert sorted(ROW.findall((ROOT / "docs" / "symbolic.md").read_text())) == proofs
    plants = sorted(name.replace(".plant", ".prove") for name in found if ".plant" in name)
    assert plants == proofs
