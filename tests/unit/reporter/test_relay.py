"""What a relay believes, sends and keeps back; what a reporter signs and serves."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from oracle_world import FEED, KEYS, QUORUM, WAD

from bulkhead.model.oracles import QuorumModel
from bulkhead.reporter.relay import Decision, Policy, collect, decide
from bulkhead.reporter.report import Feed, Report, ReportError, feed_id, read, sign
from bulkhead.reporter.reporter import KEPT, Reporter, next_round, serve
from bulkhead.reporter.sources import SourceError

P = 2_000 * WAD
NOW = 1_900_000_000
HERE = Feed(31_337, "0x" + "aa" * 20, FEED)
BY_ADDRESS = {Account.from_key(key).address.lower(): key for key in KEYS[:4]}
MEMBERS = tuple(sorted(BY_ADDRESS))[:3]
STRANGER = next(iter(set(BY_ADDRESS) - set(MEMBERS)))
POLICY = Policy(heartbeat_secs=30, deviation=10**15)


def signed(who: str, price: int, at: int = NOW) -> Report:
    return sign(HERE, BY_ADDRESS[who], price, at)


def model(mark: int = P, age: int = 10) -> QuorumModel:
    return QuorumModel(QUORUM, MEMBERS, 2, mark, mark, NOW - age if mark else 0, 0)


def decided(*prices: int, held: QuorumModel | None = None, now: int = NOW) -> Decision:
    reports = [signed(who, price) for who, price in zip(MEMBERS, prices, strict=False)]
    return decide(held or model(), reports[::-1], NOW, now, POLICY)


# ---- what is worth sending


@pytest.mark.parametrize(
    ("prices", "age", "send", "why"),
    [
        ((P, P, P), 29, False, "nothing new"),
        ((P, P, P), 30, True, "heartbeat"),
        ((P + P // 1000, P + P // 1000), 5, True, "moved"),
        ((P - P // 1000, P - P // 1000), 5, True, "moved"),
        ((P + P // 1000 - 1, P + P // 1000 - 1), 5, False, "nothing new"),
        ((P, P * 2), 40, False, "QuorumNotMet(0, 2)"),
        ((P,), 40, False, "QuorumNotMet(1, 2)"),
        ((), 40, False, "QuorumNotMet(0, 2)"),
        ((P, P), 0, False, f"ReportNotNewer({NOW}, {NOW})"),
    ],
)
def test_decide__reports__are_sent_where_it_matters(
    prices: tuple[int, ...], age: int, send: bool, why: str
) -> None:
    found = decided(*prices, held=model(age=age))
    assert (found.send, found.why) == (send, why)


def test_decide__first_price_and_unconfirmed_one__are_sent() -> None:
    assert decided(P, P, held=model(mark=0)).why == "heartbeat"
    unconfirmed = replace(model(), previous=P * 2)
    assert decided(P, P, held=unconfirmed).why == "the price on chain is refused"


def test_decide__strangers_and_order__are_seen_to() -> None:
    reports = [signed(who, P + 9 * WAD) for who in (STRANGER, *MEMBERS[::-1])]
    found = decide(model(), [*reports, reports[1]], NOW, NOW, POLICY)
    assert [one.signer for one in found.reports] == list(MEMBERS)


# ---- what is believed


def test_read__record__comes_back_and_any_change_is_found() -> None:
    good = signed(MEMBERS[0], P)
    record = json.loads(json.dumps(good.record()))
    assert read(HERE, record) == good
    changes: list[dict[str, Any]] = [
        {"price": str(P + 1)},
        {"published_at": NOW + 1},
        {"signer": MEMBERS[1]},
        {"signature": "0x" + "00" * 64},
        {"signature": "0x12"},
        {"signature": 5},
        {"price": "x"},
        {"price": "-1"},
        {"price": str(2**256)},
        {"published_at": 2**70},
    ]
    for change in changes:
        with pytest.raises(ReportError):
            read(HERE, {**record, **change})
    for feed in (replace(HERE, chain_id=1), replace(HERE, feed=feed_id("BTC/USD"))):
        with pytest.raises(ReportError, match="did not sign"):
            read(feed, record)
    for odd in (None, [], "x", {}):
        with pytest.raises(ReportError, match="not a report"):
            read(HERE, odd)


@pytest.mark.parametrize("name", ["", "x" * 33])
def test_feed_id__name_that_does_not_fit__is_refused(name: str) -> None:
    with pytest.raises(ReportError, match="1 to 32 bytes"):
        feed_id(name)


# ---- a reporter


class Scripted:
    """A source that says one thing after another."""

    name = "scripted"

    def __init__(self, *prices: int) -> None:
        self.prices = list(prices)

    def price(self, at: int) -> int:
        if not self.prices:
            raise SourceError("nothing more")
        return self.prices.pop(0)


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def reporter(told: list[dict[str, Any]]) -> Iterator[tuple[Reporter, str]]:
    found = Reporter(HERE, BY_ADDRESS[MEMBERS[0]], [Scripted(P, P + 1)], 1, told.append)
    server = serve(found, "127.0.0.1", 0)
    yield found, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_report__prices__are_signed_served_and_forgotten(
    reporter: tuple[Reporter, str], told: list[dict[str, Any]]
) -> None:
    found, url = reporter
    assert found.report(NOW) == signed(MEMBERS[0], P)
    assert found.report(NOW + 10) == signed(MEMBERS[0], P + 1, NOW + 10)
    assert found.report(NOW + 20) is None
    assert [one["event"] for one in told] == ["signed", "signed", "no price"]
    reports, problems = collect([url], HERE, NOW + 10, 2)
    assert (reports, problems) == ([signed(MEMBERS[0], P + 1, NOW + 10)], [])
    for at in (NOW + 20, NOW + 1):
        reports, problems = collect([url], HERE, at, 2)
        assert reports == []
        assert "404" in problems[0]
    found.sources = [Scripted(*[P] * 2 * KEPT)]
    for step in range(2 * KEPT):
        found.report(NOW + 100 + step)
    assert len(found.reports) == KEPT
    assert min(found.reports) == NOW + 100 + KEPT


def test_collect__silent_and_absent_reporters__hold_nobody_up(
    reporter: tuple[Reporter, str],
) -> None:
    found, url = reporter
    found.report(NOW)
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    urls = [f"http://127.0.0.1:{silent.getsockname()[1]}", "http://127.0.0.1:1", url]
    reports, problems = collect(urls, HERE, NOW, 1)
    silent.close()
    assert [one.signer for one in reports] == [MEMBERS[0]]
    assert len(problems) == 2


def test_collect__report_of_another_moment__is_refused(reporter: tuple[Reporter, str]) -> None:
    found, url = reporter
    found.reports[NOW] = signed(MEMBERS[0], P, NOW - 10)
    assert collect([url], HERE, NOW, 2)[0] == []


@pytest.mark.parametrize(("now", "at"), [(100.0, 110), (100.9, 110), (109.99, 110), (110, 120)])
def test_next_round__any_moment__is_the_next_multiple(now: float, at: int) -> None:
    assert next_round(now, 10) == at
