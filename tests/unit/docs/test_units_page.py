"""docs/units.md names every field that the contracts keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT

PAGE = ROOT / "docs" / "units.md"
STRUCTS = ("MarketParams", "Bracket", "Config", "State", "Position", "Ticket")


def structs(items: list[Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Struct name and fields of every tuple in ABI parameters."""
    for item in items:
        parts = item.get("components", [])
        if parts:
            name = item["internalType"].removeprefix("struct ").split(".")[-1].split("[")[0]
            yield name, [part["name"] for part in parts]
            yield from structs(parts)


def test_units__every_field_of_parameters_and_state__has_its_scale(artifacts: Artifacts) -> None:
    fields: dict[str, list[str]] = {}
    for entry in artifacts.get("IMarket").abi:
        for side in ("inputs", "outputs"):
            fields.update(structs(entry.get(side, [])))
    assert set(STRUCTS) <= set(fields)
    named = set(re.findall(r"`(\w+)`", PAGE.read_text()))
    missing = {(name, field) for name in STRUCTS for field in fields[name] if field not in named}
    assert missing == set()
