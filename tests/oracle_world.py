"""Adapters beside their twins: one outcome for both, sources that speak in their own formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from eth_abi.abi import encode
from eth_account import Account

from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.errors import Reverted, reverts
from bulkhead.chain.rpc import ZERO, Receipt, Rpc
from bulkhead.model.errors import OracleError
from bulkhead.model.oracles import (
    MedianTerms,
    PythPrice,
    PythTerms,
    QuorumModel,
    QuorumTerms,
    newest,
)
from bulkhead.model.types import Reading, camel
from bulkhead.reporter.report import Feed, Report, feed_id, sign, update_data

WAD = 10**18
NOW = 1_900_000_000
PRICE_ID = bytes.fromhex("ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace")
FEED = feed_id("ETH/USD")
KEYS = [(place + 1).to_bytes(32, "big") for place in range(40)]
PYTH = PythTerms(
    max_age_secs=30,
    min_decimals=5,
    max_decimals=10,
    lowest=100 * WAD,
    highest=100_000 * WAD,
    confidence_width=2 * WAD,
    min_spread=5 * 10**14,
    max_spread=5 * 10**15,
)
QUORUM = QuorumTerms(
    max_age_secs=60,
    lowest=100 * WAD,
    highest=100_000 * WAD,
    max_deviation=10**17,
    max_disagreement=10**16,
    spread=10**15,
)
MEDIAN = MedianTerms(sources=3, min_sources=2, risk_tolerance=5 * 10**15, exit_tolerance=2 * 10**16)
SOURCE_GAS = 200_000
Outcome = tuple[Any, ...]


def struct(terms: Any, **more: Any) -> dict[str, Any]:
    """The twin's settings by the contract's names."""
    return {**{camel(name): value for name, value in asdict(terms).items()}, **more}


def of_chain(action: Callable[[], Any]) -> Outcome:
    """A reading as a tuple, or ("reverted", name, arguments)."""
    try:
        found = action()
    except Reverted as problem:
        error = problem.error
        if error is None:
            raise
        return "reverted", error.name, tuple(error.args.values())
    return tuple(found) if isinstance(found, tuple) else ()


def of_twin(action: Callable[[], Any]) -> Outcome:
    """The same of the twin."""
    try:
        found = action()
    except OracleError as problem:
        return "reverted", problem.args[0], tuple(problem.args[1])
    if isinstance(found, Reading):
        return found.mark, found.spread, found.published_at, found.resumed_at
    return ()


def read_at(rpc: Rpc, oracle: Contract, at: int, since: int = 0) -> Any:
    """What the adapter says at block time `at`."""
    data = oracle.read.encode(since)
    return oracle.read.decode(rpc.call(oracle, data, overrides={"time": hex(at)}))


class Pyth:
    """The SDK's own mock, its adapter, and the twin's view of what it holds."""

    def __init__(self, rpc: Rpc, sender: str, fee: int = 0, **changes: Any) -> None:
        self.rpc, self.sender = rpc, sender
        self.contract = deploy(rpc, "LocalPyth", 60, fee, sender=sender)
        more = {"pyth": self.contract.address, "priceId": PRICE_ID, "sequencerFeed": ZERO}
        settings = {**struct(PYTH), **more, **changes}
        self.adapter = deploy(rpc, "PythOracle", settings, sender=sender)
        self.held: PythPrice | None = None

    def data(self, price: PythPrice, price_id: bytes = PRICE_ID) -> bytes:
        """A price in the SDK's update format."""
        made = self.contract.createPriceFeedUpdateData(
            price_id,
            price.price,
            price.conf,
            price.expo,
            price.price,
            price.conf,
            price.published_at,
            price.previous_at,
        )
        return bytes(made)

    def push(self, *prices: PythPrice, value: int = 0) -> Receipt:
        """Through the adapter, as anyone would."""
        self.held = newest(self.held, prices)
        data = [self.data(price) for price in prices]
        return self.adapter.update(data, sender=self.sender, value=value)


class Quorum:
    """A quorum adapter, its reporters' keys in the order of their addresses, and its twin."""

    def __init__(
        self,
        rpc: Rpc,
        sender: str,
        members: int = 3,
        quorum: int = 2,
        authority: Contract | None = None,
        **changes: Any,
    ) -> None:
        self.rpc, self.sender = rpc, sender
        by_address = {Account.from_key(key).address.lower(): key for key in KEYS}
        self.order = sorted(by_address)
        self.keys = by_address
        self.members = tuple(self.order[:members])
        self.authority = authority or deploy(rpc, "Authority", sender, sender=sender)
        terms = QuorumTerms(**{**asdict(QUORUM), **changes})
        self.adapter = deploy(
            rpc,
            "QuorumOracle",
            struct(terms, feed=FEED),
            list(self.members),
            quorum,
            self.authority.address,
            sender=sender,
        )
        self.twin = QuorumModel(terms, self.members, quorum)
        self.feed = Feed(rpc.chain_id(), self.adapter.address, FEED)

    def sign(self, who: int | str, price: int, at: int, feed: Feed | None = None) -> Report:
        """A report by the reporter of this place (or address)."""
        signer = self.order[who] if isinstance(who, int) else who
        return sign(feed or self.feed, self.keys[signer], price, at)

    def reports(self, prices: Sequence[int], at: int) -> list[Report]:
        """One by each of the first reporters."""
        return [self.sign(place, price, at) for place, price in enumerate(prices)]

    def submit(self, reports: Sequence[Report], at: int, now: int | None = None) -> Receipt:
        """On chain only, in a block of time `now`."""
        self.rpc.next_time(at if now is None else now)
        return self.adapter.update([update_data(at, reports)], sender=self.sender)

    def both(self, reports: Sequence[Report], at: int, now: int | None = None) -> Outcome:
        """On chain and in the twin: the one outcome of both."""
        moment = at if now is None else now
        pairs = [(one.signer, one.price) for one in reports]
        foretold = of_twin(lambda: self.twin.take(at, pairs, moment))
        found = of_chain(lambda: self.submit(reports, at, moment))
        assert found == foretold
        return found

    def report(self, *prices: int, at: int, now: int | None = None) -> Outcome:
        """Prices by the first reporters, on both sides."""
        return self.both(self.reports(prices, at), at, now)


def source_data(place: int, value: int, data: Sequence[bytes]) -> bytes:
    """One element of a median adapter's update."""
    return bytes(encode(["uint256", "uint256", "bytes[]"], [place, value, list(data)]))


@contextmanager
def bad_setting(setting: str, actual: int, limit: int) -> Iterator[None]:
    """A deployment inside is refused, naming this setting."""
    with reverts("BadSetting", actual=actual, limit=limit) as caught:
        yield
    assert caught[0]["name"].rstrip(b"\0").decode() == setting
