"""Trials of the price adapters: each beside its model, in scenes drawn at the edges of what it
takes."""

from __future__ import annotations

from bulkhead.fuzz.feeds.base import Adapter
from bulkhead.fuzz.feeds.chainlink import Chainlink
from bulkhead.fuzz.feeds.median import Median
from bulkhead.fuzz.feeds.pyth import Pyth
from bulkhead.fuzz.feeds.quorum import Quorum

# By the names of their trials.
ADAPTERS: dict[str, type[Adapter]] = {
    "chainlink": Chainlink,
    "pyth": Pyth,
    "quorum": Quorum,
    "median": Median,
}
