"""Between the price and the chain: a push feed that waits for its threshold or its heartbeat.

The feed looks at every price of the path. It answers when the price has moved by the deviation
threshold since its last answer, or when the heartbeat has passed; the answer lands `latency` later
with the price it had when it looked, and its time is that of the block it lands in. In an outage
it neither looks nor lands.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bulkhead.errors import BadInput
from bulkhead.prices.path import PricePath


@dataclass(frozen=True)
class Outage:
    """The feed is silent from `start` to before `end` (seconds after the path's first price)."""

    start: int
    end: int


@dataclass(frozen=True)
class OracleTerms:
    """How a feed behaves. Times in seconds, the deviation as a share; 0: every price is sent."""

    heartbeat: int
    deviation: float
    latency_mean: float  # beyond the next block: exponential, in whole blocks; 0: no latency at all
    block: int
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        rules = (
            ("heartbeat", self.heartbeat, self.heartbeat >= 1, "at least 1 s"),
            ("deviation", self.deviation, 0 <= self.deviation < 1, "0 to below 1"),
            ("oracle latency", self.latency_mean, self.latency_mean >= 0, "at least 0 s"),
            ("block time", self.block, self.block >= 1, "at least 1 s"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)
        for outage in self.outages:
            if not 0 <= outage.start < outage.end:
                raise BadInput("outage", f"{outage.start}..{outage.end}", "0 <= start < end")

    def latency(self, draw: np.random.Generator) -> int:
        """Seconds from the look to the block: a whole number of blocks."""
        if self.latency_mean == 0:
            return 0
        return self.block * (1 + round(draw.exponential(self.latency_mean) / self.block))


@dataclass(frozen=True, order=True)
class Round:
    """An answer as it lands: its time on the chain, when it was looked at, and the price."""

    time: int
    seen_at: int
    answer: int


def _silent(terms: OracleTerms, since_start: int) -> bool:
    return any(outage.start <= since_start < outage.end for outage in terms.outages)


def rounds(path: PricePath, terms: OracleTerms, draw: np.random.Generator) -> Iterator[Round]:
    """Rounds in the order they land. Of two that would land in one second the later one counts."""
    start = path.times[0]
    waiting: list[Round] = []
    landed = start - 1
    last_time, last_answer = start, 0
    for time, answer in zip(path.times, path.answers, strict=True):
        while waiting and waiting[0].time <= time:
            landed, found = _land(waiting, landed)
            yield from found
        if _silent(terms, time - start):
            continue
        moved = last_answer == 0 or abs(answer - last_answer) >= terms.deviation * last_answer
        if moved or time - last_time >= terms.heartbeat:
            last_time, last_answer = time, answer
            lands = time + (0 if time == start else terms.latency(draw))
            if not _silent(terms, lands - start):
                heapq.heappush(waiting, Round(lands, time, answer))
    while waiting:
        landed, found = _land(waiting, landed)
        yield from found


def _land(waiting: list[Round], landed: int) -> tuple[int, list[Round]]:
    """The next one; one that was overtaken by a younger look is dropped, as aggregators do."""
    one = heapq.heappop(waiting)
    while waiting and waiting[0].time == one.time:
        one = max(one, heapq.heappop(waiting))
    if one.time <= landed:
        return landed, []
    waiting[:] = [other for other in waiting if other.seen_at > one.seen_at]
    heapq.heapify(waiting)
    return one.time, [one]
