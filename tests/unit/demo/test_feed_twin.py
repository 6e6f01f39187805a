"""The demo's twin of the feed says what the real adapter says, price or refusal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.errors import Reverted
from bulkhead.chain.rpc import Rpc
from bulkhead.demo.settings import MARKET
from bulkhead.deploy.oracles import oracle_settings
from bulkhead.deploy.params import DIRECT, read
from bulkhead.deploy.schema import MarketFile
from bulkhead.model import OracleError
from bulkhead.sim.feed import Feed, answer_bounds
from bulkhead.sim.moves import error_text, revert_text

FILE = read(MARKET, DIRECT)


@pytest.fixture(scope="module")
def parts(
    artifacts: Artifacts, rpc: Rpc, accounts: list[str]
) -> Iterator[tuple[Contract, Contract]]:
    """Aggregator and adapter."""
    sender = accounts[0]
    with rpc.isolated():
        aggregator = deploy(rpc, "FeedAggregator", 8, 1, 2**95, False, sender=sender)
        proxy = deploy(rpc, "FeedProxy", aggregator, sender=sender)
        settings = oracle_settings(FILE, proxy.address, 8, None)
        yield aggregator.as_(sender), deploy(rpc, "ChainlinkOracle", settings, sender=sender)


def chain_says(oracle: Contract, since: int) -> str:
    try:
        return str(tuple(oracle.read(since)))
    except Reverted as refusal:
        return revert_text(refusal.data)


def twin_says(feed: Feed, since: int, now: int) -> str:
    found = feed.read(since, now)
    if isinstance(found, OracleError):
        return error_text(found)
    return str((found.mark, found.spread, found.published_at, found.resumed_at))


def prices(market: MarketFile) -> st.SearchStrategy[int]:
    low, high = answer_bounds(market)
    near = st.integers(2_000 * 10**8, 2_700 * 10**8)
    return near | st.sampled_from([low, low + 1, high - 1, high, 2_500 * 10**8, 3_125 * 10**8])


GAPS = st.integers(1, 2_000) | st.sampled_from([3_899, 3_900, 3_901, 8_000])


@given(
    st.lists(st.tuples(prices(FILE), GAPS), min_size=1, max_size=8),
    st.integers(0, 9),
    st.sampled_from([0, 1, 100, 3_900, 3_901]),
)
def test_read__any_rounds__equals_the_adapter(
    parts: tuple[Contract, Contract], rpc: Rpc, rounds: list[tuple[int, int]], held: int, age: int
) -> None:
    aggregator, oracle = parts
    feed, time = Feed(FILE, oracle.LOOK_BACK()), rpc.time()
    with rpc.isolated():
        for answer, gap in rounds:
            time += gap
            feed.push(answer, time)
            aggregator.push(answer, time)
        rpc.next_time(time + age)
        rpc.mine()
        since = feed.rounds[-held][1] if 0 < held <= len(rounds) else 0
        assert twin_says(feed, since, time + age) == chain_says(oracle, since)
