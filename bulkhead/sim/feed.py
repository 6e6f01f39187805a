"""The twin of the price feed and its adapter: what `ChainlinkOracle.read` returns, or raises."""

from __future__ import annotations

from dataclasses import dataclass, field

from bulkhead.deploy.schema import MarketFile
from bulkhead.model import OracleError, Reading
from bulkhead.model.wad import WAD
from bulkhead.prices.path import DECIMALS, WAD_PER_ANSWER

ANSWER = 10**DECIMALS


def answer_bounds(market: MarketFile) -> tuple[int, int]:
    """Lowest and highest answer, both refused themselves (feed's decimals)."""
    return market.oracle.lowest * ANSWER // WAD, market.oracle.highest * ANSWER // WAD


@dataclass
class Feed:
    """Rounds as they were pushed: (answer, time). `look_back`: how many the adapter examines."""

    market: MarketFile
    look_back: int
    rounds: list[tuple[int, int]] = field(default_factory=list)

    def push(self, answer: int, time: int) -> None:
        """A new round."""
        self.rounds.append((answer, time))

    def read(self, since: int, now: int) -> Reading | OracleError:
        """The adapter's answer to a market that holds a price published at `since`."""
        terms = self.market.oracle
        answer, time = self.rounds[-1]
        mark = answer * WAD_PER_ANSWER
        if not self._inside(answer):
            low, high = answer_bounds(self.market)
            bounds = (mark, low * WAD_PER_ANSWER, high * WAD_PER_ANSWER)
            return OracleError("PriceOutOfBand", bounds)
        if now - time > terms.max_age:
            return OracleError("PriceStale", (time, now, terms.max_age))
        refused = self._unconfirmed(answer)
        if refused is not None:
            return refused
        resumed = self._outage_end() if since and time > since + terms.max_age else 0
        return Reading(mark, terms.spread, time, resumed)

    def _inside(self, answer: int) -> bool:
        low, high = answer_bounds(self.market)
        return low < answer < high

    def _unconfirmed(self, answer: int) -> OracleError | None:
        """A jump beyond the band waits for the next round."""
        widest = self.market.oracle.max_deviation
        if not widest:
            return None
        mark = answer * WAD_PER_ANSWER
        if len(self.rounds) < 2 or not self._inside(self.rounds[-2][0]):
            return OracleError("PriceOutOfBand", (mark, 0, 0))
        before = self.rounds[-2][0]
        if abs(answer - before) * WAD <= before * widest:
            return None
        centre, width = before * WAD_PER_ANSWER, before * widest // WAD * WAD_PER_ANSWER
        return OracleError("PriceOutOfBand", (mark, centre - width, centre + width))

    def _outage_end(self) -> int:
        """End of the newest outage that the last rounds show; 0: none."""
        for place in range(len(self.rounds) - 1, len(self.rounds) - 1 - self.look_back, -1):
            time = self.rounds[place][1]
            if place == 0:
                return time
            before, earlier = self.rounds[place - 1]
            if not self._inside(before) or time > earlier + self.market.oracle.max_age:
                return time
        return 0
