"""docs/coverage.md and docs/coverage.json agree, and what they and their reasons name is there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.mutants import reach
from bulkhead.mutants.operators import CORE


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "coverage.json").read_text())
    return found


def test_page__is_what_the_record_says(record: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "coverage.md").read_text() == reach.page(record)


def test_record__files__are_the_core(record: dict[str, Any]) -> None:
    assert {row["file"] for row in record["files"]} <= set(CORE)
    assert all((ROOT / row["file"]).exists() for row in record["files"])


def test_record__figures__add_up(record: dict[str, Any]) -> None:
    for name, total in record["total"].items():
        assert total == sum(row[name] for row in record["files"])
    for row in record["files"]:
        lost = row["lines"] - row["lines_reached"]
        assert lost == sum(not place["ran"] for place in row["missed"])
        assert all(not place["ran"] or place["never"] for place in row["missed"])
    places = [place for row in record["files"] for place in row["missed"]]
    assert record["unexplained"] == sum(not place["why"] for place in places)


def test_reasons__name_files_that_are_there() -> None:
    reasons = reach.explanations()
    assert len({(each.file, each.function, each.text) for each in reasons}) == len(reasons)
    for each in reasons:
        assert f"contracts/{each.file}" in CORE
        for name in re.findall(r"(?:tests|docs)/[\w/]+\.(?:py|md)", each.why):
            assert (ROOT / name).exists(), name
