"""Outages the Chainlink adapter proves: from the rounds before, and from rounds it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chainlink_feed import ANSWER, MAX_AGE, MAX_ANSWER, MIN_ANSWER, NOW, Feed

from bulkhead.chain.contract import Contract, deploy, events
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Rpc

Read = Callable[..., Any]
GAP = MAX_AGE + 1  # the shortest silence that is an outage


@pytest.fixture
def oracle(feed: Feed) -> Contract:
    return feed.adapter()


# ---- looking back


@pytest.mark.parametrize(("silence", "found"), [(MAX_AGE, False), (GAP, True), (10 * GAP, True)])
def test_read__silence_before_the_round__is_an_outage_beyond_the_age(
    feed: Feed, oracle: Contract, read: Read, silence: int, found: bool
) -> None:
    feed.push((ANSWER, 130 + silence), (ANSWER, 30 + silence), (ANSWER, 30))
    since = NOW - 80 - silence
    assert read(oracle, since).resumedAt == (NOW - 30 if found else 0)


@pytest.mark.parametrize(("held", "looks"), [(MAX_AGE, False), (GAP, True)])
def test_read__held_mark__is_looked_behind_only_beyond_the_age(
    feed: Feed, oracle: Contract, read: Read, held: int, looks: bool
) -> None:
    feed.push((ANSWER, 10 * GAP), (ANSWER, 30))
    assert read(oracle, NOW - 30 - held).resumedAt == (NOW - 30 if looks else 0)
    assert read(oracle, 0).resumedAt == 0  # the first read has nothing to compare with


def test_read__idle_market_on_a_lively_feed__is_no_outage(
    feed: Feed, oracle: Contract, read: Read
) -> None:
    feed.push(*((ANSWER, age) for age in range(20_000, 0, -3_000)))
    assert read(oracle, NOW - 20_000).resumedAt == 0


@pytest.mark.parametrize(("rounds_after", "found"), [(0, True), (1, True), (2, False)])
def test_read__rounds_since_the_outage__are_looked_through_to_a_limit(
    feed: Feed, oracle: Contract, read: Read, rounds_after: int, found: bool
) -> None:
    assert oracle.LOOK_BACK() == 2
    feed.push((ANSWER, 3 * GAP), (ANSWER, 100))
    feed.push(*((ANSWER, 50 - back) for back in range(rounds_after)))
    assert read(oracle, NOW - 3 * GAP).resumedAt == (NOW - 100 if found else 0)


def test_read__outage_before_the_held_mark__is_not_reported(
    feed: Feed, oracle: Contract, read: Read
) -> None:
    now = NOW + 2 * MAX_AGE
    feed.push((ANSWER, 9 * GAP), (ANSWER, 0), (ANSWER, -MAX_AGE), (ANSWER, -MAX_AGE - 1))
    assert read(oracle, NOW, at=now).resumedAt == 0


@pytest.mark.parametrize("before", [0, -1, MIN_ANSWER, MAX_ANSWER])
def test_read__refused_prices_while_the_market_stood__were_an_outage(
    feed: Feed, oracle: Contract, read: Read, before: int
) -> None:
    feed.push((ANSWER, 2 * GAP), (before, 40), (ANSWER, 30))
    assert read(oracle, NOW - 2 * GAP).resumedAt == NOW - 30


def test_read__breaker_holds_the_first_round_back__the_second_still_shows_the_outage(
    feed: Feed, read: Read
) -> None:
    oracle = feed.adapter(maxDeviation=10**16)
    feed.push((ANSWER, 3 * GAP), (ANSWER * 2, 100))
    with reverts("PriceOutOfBand"):
        read(oracle, NOW - 3 * GAP)
    feed.push((ANSWER * 2, 40))
    assert read(oracle, NOW - 3 * GAP).resumedAt == NOW - 100


# ---- phases


def test_read__first_round_of_a_phase__is_taken_for_an_outage(
    feed: Feed, oracle: Contract, read: Read
) -> None:
    feed.push((ANSWER, 2 * GAP), (ANSWER, 60))
    feed.next_phase()
    feed.push((ANSWER, 30))
    assert feed.round_id() == (2 << 64) + 1
    assert read(oracle, NOW - 60).resumedAt == 0  # a market that was awake saw no gap
    assert read(oracle, NOW - 2 * GAP).resumedAt == NOW - 30


def test_read__phase_whose_rounds_began_earlier__is_looked_back_in(
    feed: Feed, oracle: Contract, read: Read
) -> None:
    feed.push((ANSWER, 2 * GAP))
    feed.next_phase()
    feed.push((ANSWER, 2 * GAP), (ANSWER, GAP + 30), (ANSWER, 31), (ANSWER, 30))
    assert read(oracle, NOW - 2 * GAP).resumedAt == 0
    assert read(oracle, NOW - 60).publishedAt == NOW - 30


def test_read__round_before_was_never_written__is_an_outage(
    feed: Feed, oracle: Contract, read: Read
) -> None:
    feed.push((ANSWER, 2 * GAP))
    feed.aggregator.setLatest(7)
    feed.aggregator.set(7, ANSWER, NOW - 5)
    assert read(oracle, NOW - 2 * GAP).resumedAt == NOW - 5


def test_read__feed_without_a_proxy__counts_rounds_without_phase(feed: Feed, read: Read) -> None:
    oracle = feed.adapter(feed=feed.aggregator.address)
    feed.push((ANSWER, 2 * GAP), (ANSWER, 30))
    assert read(oracle, NOW - 2 * GAP).resumedAt == NOW - 30


# ---- the sequencer


@pytest.mark.parametrize("restart", [20, 40])
def test_read__outage_of_feed_and_sequencer__resumes_at_the_later(
    feed: Feed, sequencer: Contract, read: Read, restart: int
) -> None:
    oracle = feed.adapter(sequencerFeed=sequencer.address)
    feed.push((ANSWER, 2 * GAP), (ANSWER, 30))
    sequencer.set(2, 0, NOW - restart, NOW - restart)
    assert read(oracle, NOW - 2 * GAP).resumedAt == NOW - min(restart, 30)


# ---- proving


@pytest.fixture
def market(rpc: Rpc, oracle: Contract, accounts: list[str]) -> Contract:
    return deploy(rpc, "OracleMarket", oracle, sender=accounts[0])


@pytest.fixture
def prove(rpc: Rpc, feed: Feed, oracle: Contract, market: Contract) -> Callable[..., Any]:
    """Proves with the round `back` rounds before the newest, at NOW + `later`."""

    def send(back: int, later: int = 0) -> Any:
        round_id = feed.round_id(back)
        rpc.next_time(NOW + later)
        return oracle.proveGap(round_id, market, sender=feed.sender)

    return send


def seen(rpc: Rpc, market: Contract, at: int) -> int:
    rpc.next_time(at)
    market.accrue()
    return int(market.state().resumedAt)


def hurried(feed: Feed) -> None:
    """An outage that ended 100 s ago, and more rounds since than `read` looks back."""
    feed.push((ANSWER, 3 * GAP), (ANSWER, 100), (ANSWER, 60), (ANSWER, 40), (ANSWER, 20))


def test_prove_gap__before_the_market_woke__is_kept(
    feed: Feed, oracle: Contract, market: Contract, prove: Callable[..., Any]
) -> None:
    hurried(feed)
    receipt = prove(3)
    assert market.state().resumedAt == NOW - 100
    [event] = events(receipt, "GapProven", of=oracle)
    assert (event.market, event.roundId) == (market.address, feed.round_id(3))
    assert (event.previousAt, event.resumedAt) == (NOW - 3 * GAP, NOW - 100)


def test_prove_gap__after_the_market_woke__is_kept_too(
    rpc: Rpc, feed: Feed, market: Contract, prove: Callable[..., Any]
) -> None:
    hurried(feed)
    assert seen(rpc, market, NOW) == 0
    prove(3, later=1)
    assert market.state().resumedAt == NOW - 100


def test_prove_gap__in_a_later_transaction__is_gone(
    rpc: Rpc, feed: Feed, oracle: Contract, accounts: list[str], prove: Callable[..., Any]
) -> None:
    hurried(feed)
    other = deploy(rpc, "OracleMarket", oracle, sender=accounts[0])
    prove(3)
    assert seen(rpc, other, NOW + 1) == 0


def test_prove_gap__market_holds_a_later_outage__keeps_it(
    rpc: Rpc, feed: Feed, market: Contract, prove: Callable[..., Any]
) -> None:
    feed.push((ANSWER, 9 * GAP), (ANSWER, 5 * GAP), (ANSWER, 4 * GAP))
    assert seen(rpc, market, NOW - 4 * GAP) == 0
    feed.push((ANSWER, 10))
    assert seen(rpc, market, NOW) == NOW - 10
    prove(2, later=1)
    assert market.state().resumedAt == NOW - 10


def test_prove_gap__market_has_its_mark_of_the_block__is_refused(
    rpc: Rpc, feed: Feed, oracle: Contract, market: Contract
) -> None:
    hurried(feed)
    round_id = feed.round_id(3)
    rpc.next_time(NOW)
    first, second = rpc.send_all(
        [
            market.accrue.prepare(gas=500_000),
            oracle.proveGap.prepare(round_id, market.address, sender=feed.sender, gas=500_000),
        ]
    )
    assert (first.ok, second.ok) == (True, False)
    with reverts("ProofNotTaken", marketResumedAt=0, provenAt=NOW - 100):
        rpc.call(
            oracle,
            oracle.proveGap.encode(round_id, market.address),
            overrides={"time": hex(NOW)},
        )


def test_prove_gap__price_is_refused__is_refused(
    feed: Feed, market: Contract, prove: Callable[..., Any]
) -> None:
    hurried(feed)
    feed.push((0, 1))
    with reverts("ProofNotTaken"):
        prove(4)
    assert market.state().resumedAt == 0


@pytest.mark.parametrize(("silence", "proven"), [(MAX_AGE, False), (GAP, True)])
def test_prove_gap__silence__must_be_longer_than_the_age(
    feed: Feed, market: Contract, prove: Callable[..., Any], silence: int, proven: bool
) -> None:
    feed.push((ANSWER, 100 + silence), (ANSWER, 100), (ANSWER, 50))
    if proven:
        prove(1)
        assert market.state().resumedAt == NOW - 100
        return
    with reverts(
        "NoGap", previousAt=NOW - 100 - silence, publishedAt=NOW - 100, maxAgeSecs=MAX_AGE
    ):
        prove(1)


def test_prove_gap__first_or_unknown_round__proves_nothing(
    feed: Feed, prove: Callable[..., Any]
) -> None:
    feed.push((ANSWER, 3 * GAP), (ANSWER, 100))
    with reverts("NoGap", previousAt=0, publishedAt=NOW - 3 * GAP):
        prove(1)
    for unknown in (2, -1):
        with reverts("NoGap", previousAt=0, publishedAt=0):
            prove(unknown)


def test_prove_gap__round_zero_without_a_proxy__proves_nothing(feed: Feed) -> None:
    oracle = feed.adapter(feed=feed.aggregator.address)
    feed.push((ANSWER, 3 * GAP), (ANSWER, 100))
    with reverts("NoGap", previousAt=0, publishedAt=0):
        oracle.proveGap(0, oracle, sender=feed.sender)


def test_prove_gap__missing_round_before__proves_nothing(
    feed: Feed, prove: Callable[..., Any]
) -> None:
    hurried(feed)
    feed.aggregator.set(4, 0, 0)
    with reverts("NoGap", previousAt=0, publishedAt=NOW - 20):
        prove(0)


def test_prove_gap__round_of_the_future__proves_nothing(
    feed: Feed, prove: Callable[..., Any]
) -> None:
    feed.push((ANSWER, GAP), (ANSWER, -1))
    with reverts("NoGap", previousAt=NOW - GAP, publishedAt=NOW + 1):
        prove(0)


def test_prove_gap__replaced_aggregator__proves_nothing(
    rpc: Rpc, feed: Feed, oracle: Contract, market: Contract
) -> None:
    hurried(feed)
    old = feed.round_id(3)
    feed.next_phase()
    feed.push((ANSWER, 10), (ANSWER, 5))
    with reverts("NoGap", previousAt=0, publishedAt=0):
        oracle.proveGap(old, market, sender=feed.sender)
