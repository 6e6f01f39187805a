"""The quorum adapter against its twin: who may report what when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_world import FEED, NOW, QUORUM, WAD, Quorum, bad_setting, of_chain, of_twin, read_at

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import deploy, events
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy import roles
from bulkhead.model.oracles import median_down
from bulkhead.reporter.report import Feed, Report, feed_id, signer_of, update_data

P = 2_000 * WAD
MAX_AGE = QUORUM.max_age_secs
DELAY = 2 * 86_400


@pytest.fixture
def new_quorum(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Quorum]:
    return lambda **changes: Quorum(rpc, accounts[0], **changes)


@pytest.fixture
def quorum(new_quorum: Callable[..., Quorum]) -> Quorum:
    """Two of three, with two prices accepted: the last one at NOW."""
    found = new_quorum()
    found.report(P, P, P, at=NOW - 10)
    found.report(P, P, P, at=NOW)
    return found


def said(quorum: Quorum, now: int) -> tuple[Any, ...]:
    """The one outcome of adapter and twin."""
    found = of_chain(lambda: read_at(quorum.rpc, quorum.adapter, now))
    assert found == of_twin(lambda: quorum.twin.read(now))
    return found


# ---- the price


def test_update__reports_of_a_quorum__give_their_median(quorum: Quorum) -> None:
    reports = quorum.reports([P + 7, P - 5, P + 1], NOW + 10)
    receipt = quorum.submit(reports, NOW + 10)
    [event] = events(receipt, "PriceReported", of=quorum.adapter)
    assert (event.publishedAt, event.mark, event.reports, event.agreeing) == (NOW + 10, P + 1, 3, 3)
    assert read_at(quorum.rpc, quorum.adapter, NOW + 11) == (P + 1, QUORUM.spread, NOW + 10, 0)
    assert quorum.adapter.held() == (P + 1, P, NOW + 10, 0)


def test_update__even_number__is_the_mean_of_the_middle_rounded_down(quorum: Quorum) -> None:
    assert quorum.report(P, P + 3, at=NOW + 1) == ()
    assert said(quorum, NOW + 1)[0] == P + 1


def test_update__one_liar_of_three__does_not_move_the_price_out_of_the_honest(
    quorum: Quorum,
) -> None:
    for step, lie in enumerate((1, 2**256 - 1, P * 10, P // 10, 0)):
        assert quorum.report(P + 5, P, lie, at=NOW + 1 + step) == ()
        assert P <= said(quorum, NOW + 9)[0] <= P + 5


def test_update__liar_and_one_honest__is_no_quorum(quorum: Quorum) -> None:
    assert quorum.report(P, P * 11 // 10, at=NOW + 1) == ("reverted", "QuorumNotMet", (0, 2))
    assert said(quorum, NOW + 1)[0] == P


def test_update__honest_who_are_apart__are_no_quorum(quorum: Quorum) -> None:
    width = QUORUM.max_disagreement
    inside, outside = P + P * width // WAD, P + P * width // WAD + 1
    assert quorum.report(P, P, inside, at=NOW + 1)[1:] == ()
    low = P - (outside - P)
    assert quorum.report(low, P, outside, at=NOW + 2) == ("reverted", "QuorumNotMet", (1, 2))


@pytest.mark.parametrize("price", [QUORUM.lowest, QUORUM.highest, 1, 0])
def test_update__median_at_a_bound__is_out_of_band(quorum: Quorum, price: int) -> None:
    found = quorum.report(price, price, price, at=NOW + 1)
    assert found == ("reverted", "PriceOutOfBand", (price, QUORUM.lowest, QUORUM.highest))


# ---- signers


def test_update__same_signer_twice_or_unordered__is_refused(quorum: Quorum) -> None:
    a, b, c = quorum.reports([P, P, P], NOW + 1)
    for reports, pair in (
        ((a, a, b), (a, a)),
        ((b, a), (b, a)),
        ((a, c, b), (c, b)),
        ((a, replace(quorum.sign(0, P + 1, NOW + 1)), b), (a, a)),
    ):
        wanted = ("reverted", "SignersUnordered", tuple(one.signer for one in pair))
        assert quorum.both(reports, NOW + 1) == wanted


def test_update__stranger_among_the_reports__is_refused(quorum: Quorum) -> None:
    a, b, _ = quorum.reports([P, P, P], NOW + 1)
    stranger = quorum.sign(3, P, NOW + 1)
    assert quorum.both([a, b, stranger], NOW + 1) == (
        *("reverted", "NotReporter"),
        (stranger.signer,),
    )


def test_update__too_few__is_no_quorum(quorum: Quorum) -> None:
    for count in (0, 1):
        reports = quorum.reports([P] * count, NOW + 1)
        assert quorum.both(reports, NOW + 1) == ("reverted", "QuorumNotMet", (count, 2))


SIGNED_OTHERWISE: dict[str, Callable[[Quorum, int], Report]] = {
    "chain": lambda q, at: q.sign(1, P, at, replace(q.feed, chain_id=q.feed.chain_id + 1)),
    "contract": lambda q, at: q.sign(1, P, at, replace(q.feed, oracle="0x" + "12" * 20)),
    "feed": lambda q, at: q.sign(1, P, at, replace(q.feed, feed=feed_id("BTC/USD"))),
    "price": lambda q, at: replace(q.sign(1, P + 1, at), price=P),
    "time": lambda q, at: q.sign(1, P, at + 1),
    "nothing": lambda q, at: replace(q.sign(1, P, at), signature=bytes(64)),
    "noise": lambda q, at: replace(q.sign(1, P, at), signature=b"\xff" * 64),
}


@pytest.mark.parametrize("what", SIGNED_OTHERWISE)
def test_update__signature_for_another__is_no_reporters(quorum: Quorum, what: str) -> None:
    at = NOW + 1
    wrong = SIGNED_OTHERWISE[what](quorum, at)
    recovered = signer_of(quorum.feed, P, at, wrong.signature) or "0x" + "00" * 20
    assert recovered not in quorum.members
    found = of_chain(lambda: quorum.submit([wrong, quorum.sign(2, P, at)], at))
    assert found == ("reverted", "NotReporter", (recovered,))
    assert quorum.report(P, P, at=at, now=at + 1) == ()


# ---- times (I-42)


def test_update__time_not_strictly_newer__is_a_replay(quorum: Quorum) -> None:
    used = quorum.reports([P, P, P], NOW)
    for at, reports in (
        (NOW, used),
        (NOW, quorum.reports([P + 1, P + 1], NOW)),
        (NOW - 1, quorum.reports([P, P], NOW - 1)),
        (0, quorum.reports([P, P], 0)),
    ):
        wanted = ("reverted", "ReportNotNewer", (at, NOW))
        assert quorum.both(reports, at, NOW + 1) == wanted


@pytest.mark.parametrize("at", [NOW + 2, 2**40, 2**256 - 1])
def test_update__time_that_has_not_come__is_refused(quorum: Quorum, at: int) -> None:
    reports = quorum.reports([P, P], at)
    assert quorum.both(reports, at, NOW + 1) == ("reverted", "ReportFromFuture", (at, NOW + 1))


def test_update__several_moments_in_one_call__are_taken_in_order(quorum: Quorum) -> None:
    sets = [(at, quorum.reports([P + at, P + at], at)) for at in (NOW + 1, NOW + 2)]
    quorum.rpc.next_time(NOW + 3)
    with reverts("ReportNotNewer", publishedAt=NOW + 1, heldAt=NOW + 2):
        quorum.adapter.update([update_data(*one) for one in reversed(sets)], sender=quorum.sender)
    quorum.rpc.next_time(NOW + 4)
    quorum.adapter.update([update_data(*one) for one in sets], sender=quorum.sender)
    assert read_at(quorum.rpc, quorum.adapter, NOW + 4)[0] == P + NOW + 2


def test_read__age__is_held_to_the_second(quorum: Quorum) -> None:
    assert said(quorum, NOW + MAX_AGE)[0] == P
    wanted = ("reverted", "PriceStale", (NOW, NOW + MAX_AGE + 1, MAX_AGE))
    assert said(quorum, NOW + MAX_AGE + 1) == wanted


def test_read__before_any_report__is_invalid(new_quorum: Callable[..., Quorum]) -> None:
    assert said(new_quorum(), NOW) == ("reverted", "PriceInvalid", (0,))


# ---- outages


@pytest.mark.parametrize(("silence", "found"), [(MAX_AGE, 0), (MAX_AGE + 1, NOW + MAX_AGE + 1)])
def test_update__after_a_silence__is_the_end_of_an_outage(
    quorum: Quorum, silence: int, found: int
) -> None:
    at = NOW + silence
    assert quorum.report(P, P, at=at) == ()
    assert said(quorum, at)[3] == found
    assert quorum.report(P, P, at=at + 5) == ()
    assert said(quorum, at + 5)[3] == found


def test_update__reports_kept_back__can_not_fill_an_outage_in(quorum: Quorum) -> None:
    old = quorum.reports([P, P, P], NOW + 30)
    later = NOW + 30 + MAX_AGE
    assert quorum.both(old, NOW + 30, later + 1) == (
        *("reverted", "PriceStale"),
        (NOW + 30, later + 1, MAX_AGE),
    )


# ---- the band of one update


@pytest.mark.parametrize("sign", [1, -1])
def test_read__jump_beyond_the_band__waits_until_confirmed(quorum: Quorum, sign: int) -> None:
    jumped = P + sign * (P * QUORUM.max_deviation // WAD + 1)
    assert quorum.report(jumped, jumped, at=NOW + 1) == ()
    band = (P - P // 10, P + P // 10)
    assert said(quorum, NOW + 1) == ("reverted", "PriceOutOfBand", (jumped, *band))
    assert quorum.report(jumped + 1, jumped + 1, at=NOW + 2) == ()
    assert said(quorum, NOW + 2)[0] == jumped + 1


@pytest.mark.parametrize("sign", [1, -1])
def test_read__jump_up_to_the_band__is_accepted(quorum: Quorum, sign: int) -> None:
    moved = P + sign * (P * QUORUM.max_deviation // WAD)
    assert quorum.report(moved, moved, at=NOW + 1) == ()
    assert said(quorum, NOW + 1)[0] == moved


def test_read__first_report__is_confirmed_by_the_second(new_quorum: Callable[..., Quorum]) -> None:
    quorum = new_quorum()
    assert quorum.report(P, P, at=NOW) == ()
    assert said(quorum, NOW) == ("reverted", "PriceOutOfBand", (P, 0, 0))
    assert quorum.report(P, P, at=NOW + 1) == ()
    assert said(quorum, NOW + 1)[0] == P


# ---- any sequence


moves = st.lists(
    st.tuples(
        st.integers(-2, 2 * MAX_AGE),  # the reports' time after the block before
        st.sampled_from([0, 0, 0, 1, MAX_AGE, MAX_AGE + 1, -1]),  # their age
        st.lists(st.sampled_from([P, P + 1, P + P // 101, P * 2, 1, 2**250]), max_size=5),
        st.booleans(),  # the first signer again in the end
    ),
    min_size=1,
    max_size=6,
)


@given(moves)
def test_update__any_sequence__is_judged_as_the_twin_judges_it(
    artifacts: Artifacts, rpc: Rpc, accounts: list[str], sequence: Any
) -> None:
    with rpc.isolated():
        quorum = Quorum(rpc, accounts[0], members=4, quorum=3)
        now = NOW
        for wait, age, prices, again in sequence:
            now = max(now, now + wait)
            reports = quorum.reports(prices, now - age)
            if again and reports:
                reports.append(reports[0])
            quorum.both(reports, now - age, now)
            said(quorum, now)
            said(quorum, now + MAX_AGE)


def test_median_down__any_prices__is_between_the_middle_ones() -> None:
    assert [median_down(one) for one in ([3], [1, 2], [9, 1, 5], [4, 1, 2, 9])] == [3, 1, 5, 3]


# ---- reporters


def test_set_reporters__only_by_the_timelock_and_after_its_delay(
    quorum: Quorum, accounts: list[str]
) -> None:
    rpc, adapter, authority = quorum.rpc, quorum.adapter, quorum.authority
    governance = accounts[1]
    selector = adapter.setReporters.method.selector
    authority.setTargetFunctionRole(
        adapter.address, [selector], roles.TIMELOCK, sender=quorum.sender
    )
    authority.grantRole(roles.TIMELOCK, governance, DELAY, sender=quorum.sender)
    new = quorum.order[1:4]
    for who in (quorum.sender, accounts[5]):
        with reverts("AccessManagedUnauthorized", caller=who):
            adapter.setReporters(new, 2, sender=who)
    with reverts("AccessManagerNotScheduled"):
        adapter.setReporters(new, 2, sender=governance)
    data = adapter.setReporters.encode(new, 2)
    authority.schedule(adapter.address, data, 0, sender=governance)
    rpc.warp(DELAY - 10)
    with reverts("AccessManagerNotReady"):
        adapter.setReporters(new, 2, sender=governance)
    rpc.warp(20)
    receipt = adapter.setReporters(new, 2, sender=governance)
    [event] = events(receipt, "ReportersSet", of=adapter)
    assert (list(event.reporters), event.quorum) == (new, 2)
    assert adapter.reporters() == (new, 2)
    at = rpc.time() + 1
    gone, stays, comes = (quorum.sign(place, P, at) for place in (0, 1, 3))
    with reverts("NotReporter", signer=gone.signer):
        quorum.submit([gone, stays], at)
    quorum.submit([stays, comes], at + 0)
    assert adapter.held().publishedAt == at


def test_set_authority__is_nobodys_but_the_authoritys(quorum: Quorum, accounts: list[str]) -> None:
    with reverts("AccessManagedUnauthorized", caller=accounts[0]):
        quorum.adapter.setAuthority(accounts[0], sender=accounts[0])


def test_update__ether__is_refused(quorum: Quorum) -> None:
    with reverts("EtherRefused", value=1):
        quorum.adapter.update([], sender=quorum.sender, value=1)


def test_report_digest__is_what_reporters_sign(quorum: Quorum) -> None:
    from eth_account.messages import _hash_eip191_message

    message = Feed(quorum.rpc.chain_id(), quorum.adapter.address, FEED).message(P, NOW)
    assert quorum.adapter.reportDigest(P, NOW) == bytes(_hash_eip191_message(message))


@pytest.mark.parametrize(
    ("changes", "name", "actual", "limit"),
    [
        ({"max_age_secs": 0}, "maxAgeSecs", 0, 1),
        ({"lowest": 0}, "lowest", 0, 1),
        ({"highest": QUORUM.lowest}, "highest", QUORUM.lowest, QUORUM.lowest + 1),
        ({"highest": 2**88}, "highest", 2**88, 2**88 - 1),
        ({"max_deviation": 0}, "maxDeviation", 0, 1),
        ({"max_deviation": WAD}, "maxDeviation", WAD, WAD - 1),
        ({"max_disagreement": WAD}, "maxDisagreement", WAD, WAD - 1),
        ({"spread": WAD}, "spread", WAD, WAD - 1),
        ({"members": 33, "quorum": 17}, "reporters", 33, 32),
        ({"members": 3, "quorum": 4}, "quorum", 4, 3),
        ({"members": 1, "quorum": 1}, "quorum", 1, 2),
        ({"members": 4, "quorum": 2}, "quorum", 2, 3),
        ({"members": 5, "quorum": 2}, "quorum", 2, 3),
    ],
)
def test_deploy__bad_setting__is_named(
    new_quorum: Callable[..., Quorum], changes: dict[str, Any], name: str, actual: int, limit: int
) -> None:
    with bad_setting(name, actual, limit):
        new_quorum(**changes)


@pytest.mark.parametrize("pick", [(1, 0), (0, 0), (None, 1)])
def test_deploy__reporters_unordered_or_zero__are_refused(
    quorum: Quorum, pick: tuple[int | None, int]
) -> None:
    settings = quorum.adapter.settings()._asdict()
    members = ["0x" + "00" * 20 if one is None else quorum.order[one] for one in pick]
    with reverts("SignersUnordered"):
        deploy(
            quorum.rpc,
            "QuorumOracle",
            settings,
            members,
            2,
            quorum.authority.address,
            sender=quorum.sender,
        )


def test_settings__of_an_adapter__are_what_was_given(quorum: Quorum) -> None:
    found = quorum.adapter.settings()
    assert (found.feed, found.maxDisagreement) == (FEED, QUORUM.max_disagreement)
    assert quorum.adapter.reporters() == (list(quorum.members), 2)
