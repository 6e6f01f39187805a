"""Where a reporter's price comes from: files, an exchange as ccxt reads it, several at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import ccxt
import pytest

from bulkhead.errors import BadInput
from bulkhead.reporter.sources import CsvSource, ExchangeSource, SourceError, ask, exact_wad, parse

WAD = 10**18
NOW = 1_900_000_000
PAIR = {
    "trading": "Enabled",
    "base_decimals": 8,
    "url_symbol": "ethusd",
    "name": "ETH/USD",
    "minimum_order": "10.0 USD",
    "counter_decimals": 2,
    "description": "Ether / U.S. dollar",
}
TICKER = {
    "timestamp": str(NOW - 2),
    "last": "1999.5",
    "bid": "2000.1",
    "ask": "2000.3",
    "volume": "1",
    "vwap": "2000",
}


@dataclass
class Fixed:
    """A source that says one thing."""

    said: int | None
    name: str = "fixed"

    def price(self, at: int) -> int:
        if self.said is None:
            raise SourceError("silent")
        return self.said


# ---- files


@pytest.fixture
def csv(tmp_path: Path) -> CsvSource:
    file = tmp_path / "prices.csv"
    file.write_text("unix_seconds,price\n100,2000\n110,2000.12345678\n120,2002\n")
    return CsvSource.of(file)


@pytest.mark.parametrize(
    ("at", "price"),
    [(100, 2_000 * WAD), (109, 2_000 * WAD), (110, 200012345678 * 10**10), (129, 2_002 * WAD)],
)
def test_csv__moment__has_the_last_price_not_after_it(csv: CsvSource, at: int, price: int) -> None:
    assert csv.price(at) == price


@pytest.mark.parametrize("at", [0, 99, 130, 10**9])
def test_csv__outside_the_file__has_none(csv: CsvSource, at: int) -> None:
    with pytest.raises(SourceError, match=r"prices.csv: no price at"):
        csv.price(at)


# ---- an exchange: ccxt's own client against a server that answers as Bitstamp's does


@pytest.fixture
def exchange() -> Iterator[Callable[..., ExchangeSource]]:
    answers: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = next((body for part, body in answers.items() if part in self.path), None)
            body = json.dumps(found if found is not None else {"status": "error"}).encode()
            self.send_response(200 if found is not None else 500)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/api"

    def make(**changes: Any) -> ExchangeSource:
        ticker = {key: value for key, value in {**TICKER, **changes}.items() if value is not None}
        answers.update({"trading-pairs-info": [PAIR], "ticker/ethusd": ticker})
        if changes.get("down"):
            answers.clear()
        client = ccxt.bitstamp({"urls": {"api": {"public": url, "private": url}}, "timeout": 2_000})
        return ExchangeSource("bitstamp", "ETH/USD", 30, client)

    yield make
    server.shutdown()
    server.server_close()


def test_exchange__ticker__is_the_middle_of_bid_and_ask(
    exchange: Callable[..., ExchangeSource],
) -> None:
    assert exchange().price(NOW) == 20002 * 10**17
    assert exchange(bid=None, ask=None).price(NOW) == 19995 * 10**17


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timestamp": str(NOW - 31)}, "31 s old"),
        ({"bid": "2001"}, "bid 2001.0 above ask 2000.3"),
        ({"bid": None, "ask": None, "last": "0"}, "is no price"),
        ({"bid": None, "ask": None, "last": None}, "is no price"),
        ({"down": True}, "bitstamp:ETH/USD: ExchangeError"),
    ],
)
def test_exchange__no_usable_ticker__is_named(
    exchange: Callable[..., ExchangeSource], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        exchange(**changes).price(NOW)


def test_exchange__unknown_symbol__is_named(exchange: Callable[..., ExchangeSource]) -> None:
    source = exchange()
    source.symbol = "XYZ/USD"
    with pytest.raises(SourceError, match="BadSymbol"):
        source.price(NOW)


@pytest.mark.parametrize("text", ["kraken", "kraken:", "kraken:ETHUSD", "nowhere:ETH/USD"])
def test_parse__bad_source__is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--source"):
        parse(text, 30)


@pytest.mark.parametrize("value", [0, -1, None, "x", float("nan"), float("inf")])
def test_exact_wad__what_is_no_price__is_refused(value: Any) -> None:
    with pytest.raises(SourceError, match="no price"):
        exact_wad(value)


def test_exact_wad__shortest_decimal_of_a_float__is_meant() -> None:
    assert exact_wad(2000.1) == 20001 * 10**17
    assert exact_wad(1e-7) == 10**11


# ---- several


def test_ask__several__is_the_middle_of_those_that_answer() -> None:
    quote = ask([Fixed(3), Fixed(None), Fixed(9), Fixed(4)], NOW, 3)
    assert (quote.price, quote.problems) == (4, ("silent",))
    assert ask([Fixed(3), Fixed(4)], NOW, 2).price == 3
    with pytest.raises(SourceError, match="1 of 2 sources answer: silent"):
        ask([Fixed(3), Fixed(None)], NOW, 2)
