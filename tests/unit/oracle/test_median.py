"""The median adapter against its twin: dead, lying and hostile sources, tolerances, times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_world import (
    MEDIAN,
    NOW,
    SOURCE_GAS,
    WAD,
    Pyth,
    bad_setting,
    of_chain,
    of_twin,
    read_at,
    source_data,
    struct,
)

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy, events
from bulkhead.chain.errors import Reverted, reverts
from bulkhead.chain.rpc import Rpc
from bulkhead.model.errors import OracleError
from bulkhead.model.oracles import MARK_MAX, MARK_MIN, MedianModel, MedianTerms, PythPrice
from bulkhead.model.types import Reading

P = 2_000 * WAD
BARE, ALL_GAS = 7, 8  # how a settable source may fail


class Median:
    """A median adapter over sources that say what they are told, and its twin."""

    def __init__(self, rpc: Rpc, sender: str, **changes: Any) -> None:
        self.rpc, self.sender = rpc, sender
        self.terms = MedianTerms(**{**asdict(MEDIAN), **changes})
        self.sources = [
            deploy(rpc, "SettableOracle", P, sender=sender).as_(sender)
            for _ in range(self.terms.sources)
        ]
        self.adapter = self.over([one.address for one in self.sources])
        self.twin = MedianModel(self.terms)
        self.answers: list[Reading | None] = []

    def over(self, sources: Sequence[str], **changes: Any) -> Contract:
        settings = struct(self.terms, sourceGas=SOURCE_GAS) | {"sources": list(sources)} | changes
        return deploy(self.rpc, "MedianOracle", settings, sender=self.sender)

    def set(self, *answers: Reading | None, failure: int = BARE) -> None:
        """What each source says; None fails."""
        self.answers = list(answers)
        for source, answer in zip(self.sources, answers, strict=True):
            source.setFailure(0 if answer else failure)
            if answer:
                source.set(answer.mark, answer.spread, answer.published_at, answer.resumed_at)

    def marks(self, *marks: int | None) -> None:
        """Marks of one moment, a second ago."""
        self.set(*(None if mark is None else Reading(mark, 0, NOW - 1) for mark in marks))

    def said(self, now: int = NOW, since: int = 0) -> tuple[Any, ...]:
        """The one outcome of adapter and twin."""
        found = of_chain(lambda: read_at(self.rpc, self.adapter, now, since))
        assert found == of_twin(lambda: self.twin.read(self.answers, now, since))
        return found

    def note(self, now: int = NOW) -> tuple[Any, ...]:
        """A noted disagreement, on both sides."""
        foretold = of_twin(lambda: self.twin.note(self.answers, now))
        self.rpc.next_time(now)
        found = of_chain(lambda: self.adapter.noteDisagreement(sender=self.sender))
        assert found == foretold
        return found


@pytest.fixture
def new_median(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Median]:
    return lambda **changes: Median(rpc, accounts[0], **changes)


@pytest.fixture
def median(new_median: Callable[..., Median]) -> Median:
    return new_median()


# ---- the price


def test_read__three_sources__is_the_middle_one(median: Median) -> None:
    median.marks(P + 3, P - 9, P + 1)
    assert median.said() == (P + 1, 0, NOW - 1, 0)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("failure", [1, BARE, ALL_GAS])
def test_read__one_dead_source__is_survived(median: Median, place: int, failure: int) -> None:
    answers: list[Reading | None] = [Reading(P + at, 0, NOW - 9 + at) for at in range(3)]
    answers[place] = None
    median.set(*answers, failure=failure)
    left = [one.mark for one in answers if one]
    assert median.said()[0] == sum(left) // 2


@pytest.mark.parametrize("lie", [1, MARK_MIN, P // 2, P * 2, MARK_MAX, 2**255])
def test_read__one_lying_source__does_not_move_the_price_out_of_the_honest(
    median: Median, lie: int
) -> None:
    median.marks(P, lie, P + 5)
    assert P <= median.said()[0] <= P + 5


def test_read__two_dead_sources__are_no_quorum(median: Median) -> None:
    median.marks(None, P, None)
    assert median.said() == ("reverted", "QuorumNotMet", (1, 2))


@pytest.mark.parametrize(
    "answer",
    [
        Reading(0, 0, NOW),
        Reading(MARK_MIN - 1, 0, NOW),
        Reading(MARK_MAX + 1, 0, NOW),
        Reading(P, WAD, NOW),
        Reading(P, 0, NOW + 1),
        Reading(P, 0, 2**256 - 1),
    ],
    ids=str,
)
def test_read__unusable_answer__is_left_out(median: Median, answer: Reading) -> None:
    median.set(Reading(P, 0, NOW), answer, None)
    assert median.said() == ("reverted", "QuorumNotMet", (1, 2))
    median.set(Reading(P, 0, NOW), answer, Reading(P, 0, NOW))
    assert median.said()[0] == P


def test_read__source_without_code_or_with_short_answers__is_left_out(
    median: Median, rpc: Rpc
) -> None:
    median.marks(P, P, P)
    for code in (
        b"",
        b"\x60\x60\x5f\xf3",
        b"\x62\x0f\xff\xff\x5f\xf3",
        b"\x62\x0f\xff\xff\x5f\xfd",
    ):
        rpc.set_code(median.sources[1].address, code)  # nothing, 96 bytes, 1 MB, 1 MB of revert
        median.answers[1] = None
        assert median.said() == (P, 0, NOW - 1, 0)


def test_read__starved_of_gas__reverts_and_silences_no_source(median: Median, rpc: Rpc) -> None:
    """Where a source would look dead for want of gas, there is no price at all."""
    median.marks(P, P + 1, P + 2)
    data = median.adapter.read.encode(0)
    seen = set()
    for gas in range(25_000, 340_000, 9_000):
        body = {"to": median.adapter.address, "data": "0x" + data.hex(), "gas": hex(gas)}
        [found] = rpc.batch([("eth_call", [body, "latest", {}, {"time": hex(NOW)}])])
        if isinstance(found, Reverted):
            seen.add(found.name)
        elif isinstance(found, str):
            seen.add("price")
            assert int(found[2:66], 16) == P + 1
    assert {"GasTooLow", "price"} <= seen
    assert "QuorumNotMet" not in seen


# ---- tolerances


def test_read__sources_apart__are_judged_by_what_the_price_is_for(median: Median) -> None:
    risk, leave = MEDIAN.risk_tolerance, MEDIAN.exit_tolerance
    for apart, calm, exists in (
        (P * risk // WAD, True, True),
        (P * risk // WAD + 1, False, True),
        (P * leave // WAD, False, True),
        (P * leave // WAD + 1, False, False),
    ):
        median.set(None, Reading(P, 0, NOW), Reading(P + apart, 0, NOW - 1))
        found = median.said()
        if exists:
            mark = P + apart // 2
            assert (found[0], *found[2:]) == (mark, NOW - 1, 0 if calm else NOW)
            assert_covers(found[0], found[1], P, P + apart)
        else:
            assert found[:2] == ("reverted", "PriceTooUncertain")


def assert_covers(mark: int, spread: int, lower: int, upper: int) -> None:
    """Half the spread on each side of the mark reaches both, and no wei more is taken."""
    assert mark * (2 * WAD - spread) <= 2 * WAD * lower
    assert mark * (2 * WAD + spread) >= 2 * WAD * upper
    assert spread == 0 or mark * (2 * WAD + spread - 1) < 2 * WAD * upper


@given(st.integers(MARK_MIN, MARK_MAX), st.integers(0, MEDIAN.exit_tolerance))
def test_read__two_answers__neither_is_better_to_trade_at_than_the_mean(
    lower: int, apart: int
) -> None:
    upper = min(lower + lower * apart // WAD, MARK_MAX)
    twin = MedianModel(MEDIAN)
    for first, second in ((lower, upper), (upper, lower)):
        found = twin.read([Reading(first, 0, NOW), None, Reading(second, 0, NOW - 9)], NOW)
        assert found.mark == (lower + upper) // 2
        assert_covers(found.mark, found.spread, lower, upper)


def test_read__four_answers__have_the_mean_of_the_two_in_the_middle(
    new_median: Callable[..., Median],
) -> None:
    median = new_median(sources=4, min_sources=3)
    median.marks(P + 9, P - 9, P + 3, P)
    mark, spread, _, _ = median.said()
    assert mark == P + 1
    assert_covers(mark, spread, P, P + 3)


def test_read__three_apart__trip_though_each_has_a_neighbour_beyond(median: Median) -> None:
    step = P * MEDIAN.exit_tolerance // WAD + 1
    median.marks(P - step, P, P + step)
    assert median.said()[:2] == ("reverted", "PriceTooUncertain")
    median.marks(P - step, P, P + step // 8)
    assert median.said()[0] == P


# ---- time (I-42) and spread


def test_read__time__is_the_newest_that_most_sources_have_reached(median: Median) -> None:
    median.set(Reading(P, 0, NOW - 3_000), Reading(P + 1, 0, NOW - 20), Reading(P - 1, 0, NOW - 5))
    assert median.said()[2] == NOW - 20
    median.set(Reading(P, 0, NOW - 3_000), Reading(P + 1, 0, NOW - 20), None)
    mark, spread, at, _ = median.said(since=NOW - 20)
    assert (mark, at) == (P, NOW - 20)  # a dead newest does not turn time back
    assert_covers(mark, spread, P, P + 1)
    assert median.said()[2] == NOW - 3_000  # nor does the mean claim to be newer than both


def test_read__price_and_time__are_never_older_than_the_time_says(median: Median) -> None:
    """The price lies between prices published then or later."""
    for times in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (5, 5, 0), (0, 7, 7)):
        answers = [Reading(P + at, 0, NOW - 9 + time) for at, time in enumerate(times)]
        median.set(*answers)
        mark, _, at, _ = median.said()
        newer = [one.mark for one in answers if one.published_at >= at]
        assert min(newer) <= mark <= max(newer)


def test_read__no_source_reached_what_is_held__claims_no_more_than_there_is(
    median: Median,
) -> None:
    median.marks(P, P, P)
    assert [median.said(since=NOW + at)[2] for at in (-2, -1, 0)] == [NOW - 1] * 3


moments = st.lists(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(-2, 2), st.booleans()), min_size=3, max_size=3
    ),
    min_size=1,
    max_size=6,
)


@given(moments)
def test_read__any_sequence__time_never_goes_back_while_the_newest_source_answers(
    artifacts: Artifacts,
    rpc: Rpc,
    accounts: list[str],
    steps: list[list[tuple[int, int, bool]]],
) -> None:
    """Each source publishes later or not at all, and may be silent for a while."""
    held, now = 0, NOW
    last = [NOW - 9] * 3
    with rpc.isolated():
        median = Median(rpc, accounts[0])
        for step in steps:
            now += 9
            last = [min(at + wait, now) for at, (wait, _, _) in zip(last, step, strict=True)]
            median.set(
                *(
                    Reading(P + off, 0, at) if here else None
                    for at, (_, off, here) in zip(last, step, strict=True)
                )
            )
            found = median.said(now, held)
            answering = [one.published_at for one in median.answers if one]
            if len(answering) < MEDIAN.min_sources:
                assert found[:2] == ("reverted", "QuorumNotMet")
                continue
            assert found[2] <= max(answering)
            if max(answering) >= held:
                assert found[2] >= held
                held = found[2]
            else:
                assert found[2] < held  # the market waits


def test_read__spread__is_the_middle_one(median: Median) -> None:
    median.set(Reading(P, 5, NOW), Reading(P, WAD - 1, NOW), Reading(P, 7, NOW))
    assert median.said()[1] == 7
    median.set(Reading(P, 5, NOW), None, Reading(P, 7, NOW))
    assert median.said()[1] == 7


# ---- outages


def test_read__outage_of_one_source__is_none(median: Median) -> None:
    median.set(Reading(P, 0, NOW), Reading(P, 0, NOW, NOW - 5), Reading(P, 0, NOW))
    assert median.said()[3] == 0
    median.set(None, Reading(P, 0, NOW, NOW - 5), Reading(P, 0, NOW))
    assert median.said()[3] == NOW - 5
    median.set(Reading(P, 0, NOW, NOW - 9), Reading(P, 0, NOW, NOW - 5), Reading(P, 0, NOW))
    assert median.said()[3] == NOW - 9


def test_note__disagreement_that_no_market_saw__is_an_outage_afterwards(median: Median) -> None:
    median.marks(P, P * 2, None)
    assert median.said()[:2] == ("reverted", "PriceTooUncertain")
    assert median.note(NOW + 1) == ()
    median.marks(P, P, P)
    assert median.said(NOW + 9) == (P, 0, NOW - 1, NOW + 1)
    assert median.adapter.disagreedAt() == NOW + 1
    wanted = ("reverted", "NoDisagreement", (0, MEDIAN.risk_tolerance))
    assert median.note(NOW + 1_000) == wanted


@pytest.mark.parametrize("marks", [(None, P, None), (None, None, None)])
def test_note__silence__is_no_disagreement(median: Median, marks: tuple[int | None, ...]) -> None:
    """Whoever calls chooses a moment at which pull sources are stale: that proves nothing."""
    median.marks(*marks)
    answering = sum(mark is not None for mark in marks)
    assert median.note() == ("reverted", "QuorumNotMet", (answering, MEDIAN.min_sources))
    assert median.adapter.disagreedAt() == 0
    median.marks(P, P, P)
    assert median.said(NOW + 1)[3] == 0


def agreeing(size: int) -> st.SearchStrategy[list[int]]:
    """Marks no pair of which is further apart than the risk tolerance."""
    width = P * MEDIAN.risk_tolerance // WAD
    return st.lists(st.integers(P, P + width), min_size=size, max_size=size)


@given(
    st.integers(2, 5).flatmap(
        lambda count: st.integers(count // 2 + 1, count).flatmap(
            lambda needed: st.tuples(
                agreeing(needed),
                st.lists(
                    st.one_of(st.none(), st.integers(MARK_MIN, MARK_MAX)),
                    min_size=count - needed,
                    max_size=count - needed,
                ),
            )
        )
    )
)
def test_note__as_many_as_needed_agree__no_choice_of_the_others_makes_a_disagreement(
    found: tuple[list[int], list[int | None]],
) -> None:
    """Who brings a pull source's price picks it: in vain where minSources others agree."""
    together, chosen = found
    needed, count = len(together), len(together) + len(chosen)
    twin = MedianModel(replace(MEDIAN, sources=count, min_sources=needed))
    said = [mark and Reading(mark, 0, NOW) for mark in (*together, *chosen)]
    with pytest.raises(OracleError, match="NoDisagreement"):
        twin.note(said, NOW)
    assert twin.read(said, NOW).resumed_at == 0


# ---- anything


answers = st.one_of(
    st.none(),
    st.builds(
        Reading,
        st.one_of(
            st.integers(P - P // 40, P + P // 40),
            st.sampled_from([0, 1, MARK_MIN, P, P, P + 1, P * 3, MARK_MAX, 2**256 - 1]),
        ),
        st.sampled_from([0, 1, 10**15, 10**16, WAD, 2**256 - 1]),
        st.one_of(st.integers(NOW - 9, NOW + 1), st.sampled_from([0, NOW, 2**256 - 1])),
        st.sampled_from([0, 0, NOW - 50, NOW - 9, NOW, 2**256 - 1]),
    ),
)


@given(st.integers(2, 5).flatmap(lambda n: st.lists(answers, min_size=n, max_size=n)), st.data())
def test_read__any_answers__are_judged_as_the_twin_judges_them(
    artifacts: Artifacts, rpc: Rpc, accounts: list[str], given_: list[Reading | None], data: Any
) -> None:
    count = len(given_)
    needed = data.draw(st.integers(max(2, count // 2 + 1), count))
    with rpc.isolated():
        median = Median(rpc, accounts[0], sources=count, min_sources=needed)
        median.set(*given_)
        median.said()
        median.note(NOW + 1)
        median.said(NOW + 1)


# ---- updates of the sources


def test_update__data_and_ether__reach_their_source_and_the_rest_comes_back(
    median: Median, rpc: Rpc
) -> None:
    pyth = Pyth(rpc, median.sender, fee=7)
    adapter = median.over([median.sources[0].address, pyth.adapter.address], minSources=2)
    price = PythPrice(2_000 * 10**8, 0, -8, NOW)
    median.sources[0].set(P, 0, NOW, 0)
    data = [source_data(1, 10, [pyth.data(price)])]
    adapter.update(data, sender=median.sender, value=50)
    assert read_at(rpc, adapter, NOW).mark == P
    assert [rpc.balance(one) for one in (pyth.contract, pyth.adapter, adapter)] == [7, 0, 0]
    with reverts("UnknownSource", source=2, count=2):
        adapter.update([source_data(2, 0, [])], sender=median.sender)
    with reverts("EtherRefused", value=1):
        rpc.send(adapter.address, sender=median.sender, value=1)


def test_update__hostile_source__gets_no_more_than_it_was_sent(median: Median, rpc: Rpc) -> None:
    thief = deploy(rpc, "ReenteringOracle", sender=median.sender)
    adapter = median.over([median.sources[0].address, thief.address], minSources=2)
    receipt = adapter.update.send(
        [source_data(1, 1, [])], sender=median.sender, value=50, check=False
    )
    assert not receipt.ok
    assert rpc.balance(thief) == 0


# ---- deployment


@pytest.mark.parametrize(
    ("changes", "name", "actual", "limit"),
    [
        ({"minSources": 4}, "minSources", 4, 3),
        ({"minSources": 1}, "minSources", 1, 2),
        ({"exitTolerance": WAD}, "exitTolerance", WAD, WAD - 1),
        ({"riskTolerance": 2 * 10**16 + 1}, "riskTolerance", 2 * 10**16 + 1, 2 * 10**16),
        ({"sourceGas": 49_999}, "sourceGas", 49_999, 50_000),
        ({"sourceGas": 1_000_001}, "sourceGas", 1_000_001, 1_000_000),
    ],
)
def test_deploy__bad_setting__is_named(
    median: Median, changes: dict[str, Any], name: str, actual: int, limit: int
) -> None:
    with bad_setting(name, actual, limit):
        median.over([one.address for one in median.sources], **changes)


def test_deploy__bad_sources__are_named(new_median: Callable[..., Median]) -> None:
    median = new_median(sources=5, min_sources=3)
    known = [one.address for one in median.sources]
    with bad_setting("sources", 6, 5):
        median.over([*known, known[0]])
    with reverts("BadSource", place=1, source=known[0]):
        median.over([known[0], known[0]], minSources=2)
    with reverts("BadSource", place=0):
        median.over(["0x" + "11" * 20, known[0]], minSources=2)
    with bad_setting("minSources", 2, 3):
        median.over(known[:4], minSources=2)
    found = median.adapter.settings()
    assert (list(found.sources), found.minSources) == (known, 3)


def test_note__event__says_when(median: Median, rpc: Rpc) -> None:
    median.marks(None, 2 * P, P)
    rpc.next_time(NOW + 1)
    receipt = median.adapter.noteDisagreement(sender=median.sender)
    assert events(receipt, "DisagreementNoted", of=median.adapter)[0].notedAt == NOW + 1
