"""What the keeper's page and dashboard say exists, and what exists is there."""

from __future__ import annotations

import json
import re

from bulkhead.chain.binaries import ROOT
from bulkhead.keeper.decide import Why
from bulkhead.keeper.metrics import Metrics

PAGE = (ROOT / "docs" / "keeper.md").read_text()


def exported() -> dict[str, str]:
    """Names as Prometheus shows them, and what each is."""
    return {
        one.name + ("_total" if one.type == "counter" else ""): one.documentation
        for one in Metrics().registry.collect()
    }


def test_page__every_reason__is_explained() -> None:
    told = re.findall(r"^\| `(\w+)` \| \S.* \| .*\|$", PAGE, re.MULTILINE)
    assert [why.value for why in Why if why.value not in told] == []


def test_page__every_metric__is_listed_as_it_is() -> None:
    listed = dict(re.findall(r"^\| `(bulkhead_keeper_\w+)` \| \w+ \| (.*) \|$", PAGE, re.MULTILINE))
    assert listed == exported()


def test_dashboard__asks_only_for_metrics_that_exist() -> None:
    board = json.loads((ROOT / "bulkhead" / "keeper" / "grafana.json").read_text())
    known = set(exported())
    asked = {
        re.sub(r"_bucket$", "", name)
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"bulkhead_keeper_\w+", target["expr"])
    }
    assert asked
    assert asked <= known
