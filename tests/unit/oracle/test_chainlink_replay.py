"""Ten months of real rounds, each of them read, against what plain Python says of the rows."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from chainlink_feed import Feed
from eth_hash.auto import keccak

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.contract import Contract
from bulkhead.chain.errors import Reverted
from bulkhead.chain.rpc import Rpc

FOLDER = ROOT.parent / "shared" / "data"
NAME = "chainlink_ethusd_rounds_2023-04-05_2024-01-29.csv.gz"
IDLE = 4 * 3_600  # a market that has not looked for so long
CHUNK = 400


@dataclass(frozen=True)
class Round:
    round: int
    answer: int
    at: int


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    path = FOLDER / NAME
    if not path.exists():
        pytest.skip(f"skipped: {NAME} is not there")
    with gzip.open(path, "rt") as lines:
        return [
            Round(int(row["round_id"]) & 0xFFFFFFFF, int(row["answer"]), int(row["unix_seconds"]))
            for row in csv.DictReader(lines)
        ]


def slots(feed: Feed, shown: list[Round]) -> dict[str, Any]:
    """The aggregator's storage when the last of these rounds was its newest."""

    def slot(number: int) -> str:
        return "0x" + keccak(number.to_bytes(32) + (1).to_bytes(32)).hex()

    words = {slot(one.round): one.answer << 64 | one.at for one in shown}
    words["0x" + "00" * 32] = shown[-1].round
    difference = {place: f"0x{word:064x}" for place, word in words.items()}
    return {feed.aggregator.address: {"stateDiff": difference}}


def replay(
    rpc: Rpc, feed: Feed, oracle: Contract, rounds: list[Round], since: Callable[[int], int]
) -> Iterator[tuple[int, Any]]:
    """Each round's place and what the adapter says of it, two seconds after it was written."""
    places = range(3, len(rounds))
    for start in range(0, len(places), CHUNK):
        chunk = places[start : start + CHUNK]
        calls = []
        for place in chunk:
            data = oracle.read.encode(since(place))
            body = {"to": oracle.address, "data": "0x" + data.hex()}
            state = slots(feed, rounds[place - 3 : place + 1])
            clock = {"time": hex(rounds[place].at + 2)}
            calls.append(("eth_call", [body, "latest", state, clock]))
        for place, found in zip(chunk, rpc.batch(calls), strict=True):
            known = isinstance(found, Reverted)
            yield place, found if known else oracle.read.decode(bytes.fromhex(found[2:]))


def test_read__real_rounds__are_passed_on_unchanged_and_never_go_back(
    rpc: Rpc, feed: Feed, rounds: list[Round]
) -> None:
    oracle = feed.adapter()
    held = 0
    for place, price in replay(rpc, feed, oracle, rounds, lambda place: rounds[place - 1].at):
        assert price == (rounds[place].answer * 10**10, 0, rounds[place].at, 0)
        assert price.publishedAt >= held
        held = price.publishedAt


def test_read__real_rounds_with_a_tight_age__shows_every_gap(
    rpc: Rpc, feed: Feed, rounds: list[Round]
) -> None:
    """Rounds came up to 3,720 s apart; an age of 3,605 s makes outages of the late ones."""
    age = 3_605
    oracle = feed.adapter(maxAgeSecs=age)
    outages = 0
    for place, price in replay(rpc, feed, oracle, rounds, lambda place: rounds[place].at - IDLE):
        one, before, earlier = (rounds[place - back] for back in range(3))
        expected = 0
        if before.at - earlier.at > age:
            expected = before.at
        if one.at - before.at > age:
            expected = one.at
        assert price.resumedAt == expected
        outages += expected != 0
    assert outages > 500


def test_read__real_rounds_with_the_breaker__refuses_exactly_the_jumps(
    rpc: Rpc, feed: Feed, rounds: list[Round]
) -> None:
    deviation = 10**16
    oracle = feed.adapter(maxDeviation=deviation)
    jumps = 0
    for place, price in replay(rpc, feed, oracle, rounds, lambda place: 0):
        now, before = rounds[place].answer, rounds[place - 1].answer
        jumped = abs(now - before) * 10**18 > before * deviation
        assert isinstance(price, Reverted) == jumped
        if isinstance(price, Reverted):
            assert (price.name, price["priceWad"]) == ("PriceOutOfBand", now * 10**10)
            jumps += 1
    assert jumps > 10
