"""Where a reporter's price comes from: exchanges through ccxt, or a file of prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from bulkhead.errors import BadInput, BulkheadError
from bulkhead.model.oracles import median_down
from bulkhead.prices.path import WAD_PER_ANSWER, PricePath
from bulkhead.prices.table import read as read_prices

WAD_DECIMALS = 18
FETCH_SECS = 5  # an exchange's time to answer


class SourceError(BulkheadError):
    """A source has no price now."""


class Source(Protocol):
    """Something that knows a price."""

    @property
    def name(self) -> str:
        """For people."""

    def price(self, at: int) -> int:
        """The price (Wad) of a moment (unix seconds); `SourceError` where there is none."""


@dataclass(frozen=True)
class CsvSource:
    """Prices of a file; each holds until the next, the last as long as the step before it."""

    path: PricePath

    @classmethod
    def of(cls, file: Path) -> CsvSource:
        """Read and check a price file."""
        return cls(read_prices(file))

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.source

    def price(self, at: int) -> int:
        """The last price not after the moment."""
        times = self.path.times
        end = times[-1] + (times[-1] - times[-2])
        if not times[0] <= at < end:
            raise SourceError(f"{self.name}: no price at {at}, only from {times[0]} to {end}")
        return self.path.answers[bisect_right(times, at) - 1] * WAD_PER_ANSWER


def exact_wad(value: Any) -> int:
    """A number that an exchange gave, as the shortest decimal that means it, in Wad."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise SourceError(f"{value!r} is no price")
    return int(found.scaleb(WAD_DECIMALS))


@dataclass
class ExchangeSource:
    """The middle of an exchange's best bid and ask, or its last trade, through ccxt."""

    exchange: str
    symbol: str
    max_age_secs: int
    client: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.client is None:
            import ccxt

            if self.exchange not in ccxt.exchanges:
                raise BadInput("--source", self.exchange, "ccxt knows no exchange of this name")
            make = getattr(ccxt, self.exchange)
            self.client = make({"timeout": FETCH_SECS * 1_000, "enableRateLimit": True})

    @property
    def name(self) -> str:
        """As it is given on the command line."""
        return f"{self.exchange}:{self.symbol}"

    def price(self, at: int) -> int:
        """The price of now; a ticker older than max_age_secs is refused."""
        try:
            ticker = self.client.fetch_ticker(self.symbol)
        except Exception as problem:  # ccxt's own errors, and whatever an exchange's answer breaks
            raise SourceError(f"{self.name}: {type(problem).__name__}: {problem}") from None
        stamp = ticker.get("timestamp")
        if stamp is not None and at - stamp / 1_000 > self.max_age_secs:
            raise SourceError(f"{self.name}: the ticker is {at - stamp / 1_000:.0f} s old")
        bid, ask = ticker.get("bid"), ticker.get("ask")
        if bid and ask:
            if bid > ask:
                raise SourceError(f"{self.name}: bid {bid} above ask {ask}")
            return (exact_wad(bid) + exact_wad(ask)) // 2
        return exact_wad(ticker.get("last"))


def parse(text: str, max_age_secs: int) -> ExchangeSource:
    """`kraken:ETH/USD`."""
    exchange, colon, symbol = text.partition(":")
    if not colon or "/" not in symbol:
        raise BadInput("--source", text, "exchange:BASE/QUOTE is wanted, such as kraken:ETH/USD")
    return ExchangeSource(exchange, symbol, max_age_secs)


@dataclass(frozen=True)
class Quote:
    """The middle of what the sources said, and why some said nothing."""

    price: int
    problems: tuple[str, ...]


def ask(sources: Sequence[Source], at: int, needed: int) -> Quote:
    """All sources at once; at least `needed` must answer."""

    def one(source: Source) -> int | str:
        try:
            return source.price(at)
        except SourceError as problem:
            return str(problem)

    with ThreadPoolExecutor(max_workers=len(sources)) as pool:
        answers = list(pool.map(one, sources))
    prices = [answer for answer in answers if isinstance(answer, int)]
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    if len(prices) < needed:
        raise SourceError(f"{len(prices)} of {needed} sources answer: {'; '.join(problems)}")
    return Quote(median_down(prices), problems)
