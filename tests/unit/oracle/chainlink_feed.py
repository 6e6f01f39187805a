"""A Chainlink feed shaped like mainnet's, as the adapter's tests use it."""

from __future__ import annotations

from typing import Any

from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import ZERO, Rpc

MAX_AGE = 3_900
MIN_ANSWER, MAX_ANSWER = 10**8, 10**13  # 1 and 100,000 at 8 decimals
ANSWER = 2_000 * 10**8
NOW = 1_900_000_000  # block time at which the tests read, unless they say otherwise


class Feed:
    """A proxy with one aggregator."""

    def __init__(self, rpc: Rpc, sender: str, decimals: int = 8, checked: bool = False) -> None:
        self.rpc, self.sender = rpc, sender
        self.aggregator = self.new_aggregator(decimals, checked=checked)
        self.proxy = deploy(rpc, "FeedProxy", self.aggregator, sender=sender)
        self.aggregator.allow(self.proxy)

    def new_aggregator(
        self, decimals: int = 8, lowest: int = 1, highest: int = 2**95, *, checked: bool = False
    ) -> Contract:
        return deploy(
            self.rpc, "FeedAggregator", decimals, lowest, highest, checked, sender=self.sender
        )

    def push(self, *rounds: tuple[int, int]) -> None:
        """Rounds of (answer, seconds before NOW)."""
        for answer, age in rounds:
            self.aggregator.push(answer, NOW - age)

    def next_phase(self) -> None:
        """The proxy turns to a new aggregator, which `push` writes to from now on."""
        self.aggregator = self.new_aggregator()
        self.proxy.setAggregator(self.aggregator, sender=self.sender)

    def round_id(self, back: int = 0) -> int:
        """The proxy's id of the newest round, or one before it."""
        return int(self.proxy.latestRoundData()[0]) - back

    def adapter(self, **changes: Any) -> Contract:
        """An adapter of this feed; `changes` replace the settings below."""
        settings = {
            "feed": self.proxy.address,
            "maxAgeSecs": MAX_AGE,
            "minAnswer": MIN_ANSWER,
            "maxAnswer": MAX_ANSWER,
            "maxDeviation": 0,
            "spread": 0,
            "sequencerFeed": ZERO,
            "sequencerGraceSecs": 0,
        }
        return deploy(self.rpc, "ChainlinkOracle", {**settings, **changes}, sender=self.sender)
