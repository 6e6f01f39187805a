"""What the Chainlink adapter accepts, and each of its refusals on both sides of its boundary."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from chainlink_feed import ANSWER, MAX_AGE, MAX_ANSWER, MIN_ANSWER, NOW, Feed
from oracle_world import bad_setting

from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import ZERO, Rpc

WAD = 10**18
SCALE = 10**10  # Wad per unit of an answer with 8 decimals
HOT_PATH_GAS = 16_720
CHECKED_HOT_PATH_GAS = 18_900

Read = Callable[..., Any]


def test_read__fresh_round__is_the_price_with_its_spread(feed: Feed, read: Read) -> None:
    oracle = feed.adapter(spread=10**15)
    feed.push((ANSWER + 1, 100))
    assert read(oracle) == ((ANSWER + 1) * SCALE, 10**15, NOW - 100, 0)
    assert read(oracle, NOW - 100) == read(oracle, NOW) == read(oracle)


def test_settings__of_an_adapter__are_what_was_given(feed: Feed) -> None:
    oracle = feed.adapter(maxDeviation=5, spread=7)
    assert oracle.settings() == (
        *(feed.proxy.address, MAX_AGE, MIN_ANSWER, MAX_ANSWER, 5, 7),
        *(ZERO, 0),
    )


# ---- age


@pytest.mark.parametrize("age", [0, 1, MAX_AGE - 1, MAX_AGE])
def test_read__age_up_to_the_maximum__is_fresh(feed: Feed, read: Read, age: int) -> None:
    feed.push((ANSWER, age))
    assert read(feed.adapter()).publishedAt == NOW - age


def test_read__one_second_too_old__is_stale(feed: Feed, read: Read) -> None:
    feed.push((ANSWER, MAX_AGE + 1))
    published = NOW - MAX_AGE - 1
    with reverts("PriceStale", publishedAt=published, now_=NOW, maxAgeSecs=MAX_AGE):
        read(feed.adapter())


def test_read__round_without_a_time__is_stale(feed: Feed, read: Read) -> None:
    feed.push((ANSWER, NOW))
    with reverts("PriceStale", publishedAt=0):
        read(feed.adapter())


@pytest.mark.parametrize("ahead", [1, 2**63])
def test_read__published_in_the_future__is_invalid(feed: Feed, read: Read, ahead: int) -> None:
    feed.aggregator.push(ANSWER, NOW + ahead)
    with reverts("PriceInvalid", answer=ANSWER):
        read(feed.adapter())


# ---- what is no price


@pytest.mark.parametrize("answer", [0, -1, -(2**191)])
def test_read__answer_not_positive__is_invalid(feed: Feed, read: Read, answer: int) -> None:
    feed.push((answer, 0))
    with reverts("PriceInvalid", answer=answer):
        read(feed.adapter())


@pytest.fixture
def raw(rpc: Rpc, feed: Feed, accounts: list[str]) -> tuple[Contract, Contract]:
    """A feed without proxy and bounds that says anything, and its adapter."""
    source = deploy(rpc, "SequencerFeed", 8, sender=accounts[0])
    return source, feed.adapter(feed=source.address)


def test_read__round_zero__is_invalid(raw: tuple[Contract, Contract], read: Read) -> None:
    source, oracle = raw
    source.set(0, ANSWER, NOW, NOW)
    with reverts("PriceInvalid", answer=ANSWER):
        read(oracle)
    source.set(1, ANSWER, NOW, NOW)
    assert read(oracle).mark == ANSWER * SCALE


@pytest.mark.parametrize("answer", [-(2**255), -1, 0])
def test_read__lowest_words__are_invalid(
    raw: tuple[Contract, Contract], read: Read, answer: int
) -> None:
    source, oracle = raw
    source.set(1, answer, NOW, NOW)
    with reverts("PriceInvalid", answer=answer):
        read(oracle)


@pytest.mark.parametrize("answer", [2**191, 2**255 - 1])
def test_read__words_beyond_any_feed__are_out_of_band(
    raw: tuple[Contract, Contract], read: Read, answer: int
) -> None:
    source, oracle = raw
    source.set(1, answer, NOW, NOW)
    with reverts("PriceOutOfBand", priceWad=(2**191 - 1) * SCALE, highestWad=MAX_ANSWER * SCALE):
        read(oracle)


@pytest.mark.parametrize("at", [2**64, 2**255, 2**256 - 1])
def test_read__time_beyond_any_clock__is_invalid(
    raw: tuple[Contract, Contract], read: Read, at: int
) -> None:
    source, oracle = raw
    source.set(1, ANSWER, at, at)
    with reverts("PriceInvalid", answer=ANSWER):
        read(oracle)


def test_read__feed_reverts__passes_its_reason_on(feed: Feed, read: Read) -> None:
    feed.push((ANSWER, 0))
    oracle = feed.adapter()
    feed.proxy.setAccessController(oracle)
    with reverts("NoAccess"):
        read(oracle)
    feed.proxy.setAccessController(ZERO)
    assert read(oracle).mark == ANSWER * SCALE


# ---- the band


@pytest.mark.parametrize("answer", [MIN_ANSWER + 1, MAX_ANSWER - 1])
def test_read__one_unit_inside_the_band__is_accepted(feed: Feed, read: Read, answer: int) -> None:
    feed.push((answer, 0))
    assert read(feed.adapter()).mark == answer * SCALE


@pytest.mark.parametrize("answer", [1, MIN_ANSWER - 1, MIN_ANSWER, MAX_ANSWER, MAX_ANSWER + 1])
def test_read__at_or_beyond_a_bound__is_out_of_band(feed: Feed, read: Read, answer: int) -> None:
    feed.push((answer, 0))
    with reverts(
        "PriceOutOfBand",
        priceWad=answer * SCALE,
        lowestWad=MIN_ANSWER * SCALE,
        highestWad=MAX_ANSWER * SCALE,
    ):
        read(feed.adapter())


# ---- decimals


@pytest.mark.parametrize("decimals", range(28))
def test_read__any_decimals__is_the_floor_of_the_fraction(
    new_feed: Callable[..., Feed], read: Read, decimals: int
) -> None:
    feed = new_feed(decimals=decimals)
    least = max(1, 10 ** (decimals - 18)) if decimals > 18 else 1
    oracle = feed.adapter(minAnswer=least, maxAnswer=2**95)
    for answer in {least + 1, 7 * least + 3, 10**27 + 10**9 - 1, 2**95 - 1}:
        feed.push((answer, 0))
        exact = Fraction(answer, 10**decimals) * WAD
        assert read(oracle).mark == exact.numerator // exact.denominator > 0


# ---- the deviation breaker

ONE_PERCENT = 10**16


@pytest.mark.parametrize("sign", [1, -1])
def test_read__jump_up_to_the_deviation__is_accepted(feed: Feed, read: Read, sign: int) -> None:
    oracle = feed.adapter(maxDeviation=ONE_PERCENT)
    feed.push((ANSWER, 20), (ANSWER + sign * ANSWER // 100, 0))
    assert read(oracle).mark == (ANSWER + sign * ANSWER // 100) * SCALE


@pytest.mark.parametrize("sign", [1, -1])
def test_read__wider_jump__waits_for_the_next_round(feed: Feed, read: Read, sign: int) -> None:
    oracle = feed.adapter(maxDeviation=ONE_PERCENT)
    jumped = ANSWER + sign * (ANSWER // 100 + 1)
    feed.push((ANSWER, 20), (jumped, 10))
    with reverts(
        "PriceOutOfBand",
        priceWad=jumped * SCALE,
        lowestWad=ANSWER * SCALE * 99 // 100,
        highestWad=ANSWER * SCALE * 101 // 100,
    ):
        read(oracle)
    assert read(feed.adapter()).mark == jumped * SCALE  # the breaker is off by default
    feed.push((jumped + 5, 0))
    assert read(oracle).mark == (jumped + 5) * SCALE


@pytest.mark.parametrize("before", [None, 0, -5, MIN_ANSWER, MAX_ANSWER])
def test_read__nothing_usable_before__confirms_nothing(
    feed: Feed, read: Read, before: int | None
) -> None:
    oracle = feed.adapter(maxDeviation=ONE_PERCENT)
    if before is not None:
        feed.push((before, 10))
    feed.push((ANSWER, 5))
    with reverts("PriceOutOfBand", priceWad=ANSWER * SCALE, lowestWad=0, highestWad=0):
        read(oracle)
    feed.push((ANSWER, 0))
    assert read(oracle).mark == ANSWER * SCALE


# ---- the sequencer


@pytest.fixture
def sequenced(feed: Feed, sequencer: Contract) -> Contract:
    return feed.adapter(sequencerFeed=sequencer.address, sequencerGraceSecs=600)


def test_read__sequencer_up__is_resumed_since_its_start(
    feed: Feed, sequencer: Contract, sequenced: Contract, read: Read
) -> None:
    feed.push((ANSWER, 10))
    assert read(sequenced).resumedAt == NOW - 10**6
    sequencer.set(2, 0, NOW - 11, NOW - 11)
    assert read(sequenced) == (ANSWER * SCALE, 0, NOW - 10, NOW - 11)


@pytest.mark.parametrize(("status", "since"), [(1, NOW - 50), (2, NOW - 50), (-1, NOW), (0, 0)])
def test_read__sequencer_down_or_never_seen__is_refused(
    feed: Feed, sequencer: Contract, sequenced: Contract, read: Read, status: int, since: int
) -> None:
    feed.push((ANSWER, 0))
    sequencer.set(2, status, since, NOW)
    with reverts("SequencerDown", since=since):
        read(sequenced)


@pytest.mark.parametrize("age", [599, 600])
def test_read__round_from_before_the_restart__waits_for_a_newer_one(
    feed: Feed, sequencer: Contract, sequenced: Contract, read: Read, age: int
) -> None:
    restart = NOW - 599
    sequencer.set(2, 0, restart, restart)
    feed.push((ANSWER, age))
    with reverts("SequencerDown", since=restart):
        read(sequenced)
    feed.push((ANSWER + 1, 598))
    assert read(sequenced).resumedAt == restart


def test_read__feed_silent_after_the_restart__is_believed_after_its_time(
    feed: Feed, sequencer: Contract, sequenced: Contract, read: Read
) -> None:
    restart = NOW - 600
    sequencer.set(2, 0, restart, restart)
    feed.push((ANSWER, 700))
    with reverts("SequencerDown", since=restart):
        read(sequenced, at=NOW - 1)
    assert read(sequenced, at=NOW) == (ANSWER * SCALE, 0, NOW - 700, restart)


# ---- pushing, order of time, cost


def test_update__push_feed__takes_neither_data_nor_ether(feed: Feed) -> None:
    oracle = feed.adapter()
    assert oracle.update([b"anything"], sender=feed.sender).ok
    with reverts("EtherRefused", value=1):
        oracle.update([], sender=feed.sender, value=1)


def test_read__round_after_round__never_goes_back(feed: Feed, read: Read) -> None:
    oracle = feed.adapter()
    held = 0
    for age in range(50, -1, -5):
        feed.push((ANSWER - age, age), (ANSWER + age, age))  # two rounds of one second
        price = read(oracle, held)
        assert price.publishedAt >= held
        assert price.mark == (ANSWER + age) * SCALE
        held = price.publishedAt


@pytest.mark.parametrize(
    ("checked", "limit"), [(False, HOT_PATH_GAS), (True, CHECKED_HOT_PATH_GAS)]
)
def test_read__every_account_and_slot_cold__stays_in_its_gas(
    new_feed: Callable[..., Feed], rpc: Rpc, checked: bool, limit: int
) -> None:
    feed = new_feed(checked=checked)
    oracle = feed.adapter()
    feed.push((ANSWER, 20), (ANSWER, 0))
    rpc.next_time(NOW)
    data = oracle.read.encode(NOW - 20)
    receipt = rpc.send(oracle.address, data, sender=feed.sender)
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
    assert receipt.gas_used - intrinsic <= limit


# ---- deployment


@pytest.mark.parametrize(
    ("changes", "name", "actual", "limit"),
    [
        ({"feed": "0x" + "11" * 20}, "feed", 0, 1),
        ({"maxAgeSecs": 0}, "maxAgeSecs", 0, 1),
        ({"maxDeviation": WAD}, "maxDeviation", WAD, WAD - 1),
        ({"spread": WAD}, "spread", WAD, WAD - 1),
        ({"sequencerGraceSecs": 1}, "sequencerGraceSecs", 1, 0),
        ({"minAnswer": 0}, "minAnswer", 0, 1),
        ({"maxAnswer": MIN_ANSWER}, "maxAnswer", MIN_ANSWER, MIN_ANSWER + 1),
        ({"maxAnswer": 2**95 + 1}, "maxAnswer", 2**95 + 1, 2**95),
    ],
)
def test_deploy__bad_setting__is_named(
    feed: Feed, changes: dict[str, Any], name: str, actual: int, limit: int
) -> None:
    with bad_setting(name, actual, limit):
        feed.adapter(**changes)


@pytest.mark.parametrize(
    ("lowest", "highest", "bad", "at"),
    [
        (MIN_ANSWER, MAX_ANSWER, "", ()),
        (MIN_ANSWER + 1, MAX_ANSWER, "minAnswer", (MIN_ANSWER, MIN_ANSWER + 1)),
        (MIN_ANSWER, MAX_ANSWER - 1, "maxAnswer", (MAX_ANSWER, MAX_ANSWER - 1)),
        (-5, 0, "maxAnswer", (MAX_ANSWER, 0)),
    ],
)
def test_deploy__aggregator_with_bounds__holds_the_operators_inside(
    feed: Feed, lowest: int, highest: int, bad: str, at: tuple[int, ...]
) -> None:
    feed.proxy.setAggregator(feed.new_aggregator(8, lowest, highest), sender=feed.sender)
    if not bad:
        assert feed.adapter().settings().minAnswer == MIN_ANSWER
        return
    with bad_setting(bad, *at):
        feed.adapter()


def test_deploy__28_decimals__are_refused(new_feed: Callable[..., Feed]) -> None:
    with bad_setting("decimals", 28, 27):
        new_feed(decimals=28).adapter()


def test_deploy__more_than_18_decimals__keeps_every_price_above_zero(
    new_feed: Callable[..., Feed],
) -> None:
    with bad_setting("minAnswer", 999, 1_000):
        new_feed(decimals=21).adapter(minAnswer=999)
