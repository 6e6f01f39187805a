"""Laws I-34 (an invalid price stops what needs one and nothing else) and I-42 (which price is
taken) on the whole market, with each adapter over its real source, beside the twin."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from market_world import ANY, PRICE, SOON, WAD, Done, World
from oracle_world import (
    MEDIAN,
    PYTH,
    QUORUM,
    SOURCE_GAS,
    Pyth,
    Quorum,
    read_at,
    struct,
)

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import ZERO
from bulkhead.chain.sources import SourceTree
from bulkhead.model.errors import OracleError
from bulkhead.model.oracles import MedianModel, PythPrice, check_age, read_pyth, refuse
from bulkhead.model.types import Reading, Reason

ILL = 1_925 * WAD  # a position of 100,000 with 6,000 of margin is liquidatable, and not bankrupt
DEEP = 1_870 * WAD  # bankrupt
CHAINLINK_AGE = 3_900


def told(read: Callable[[], Reading]) -> Reading | OracleError:
    try:
        return read()
    except OracleError as problem:
        return problem


class Fed(ABC):
    """A market on an adapter whose source is fed; `kind` says what is where."""

    adapter: Contract
    ways: ClassVar[dict[str, str]]

    def __init__(self, w: World) -> None:
        self.w = w

    @abstractmethod
    def reading(self) -> Reading:
        """What the twin of the adapter says now."""

    @abstractmethod
    def publish(self, mark: int) -> None:
        """Brings a price of this moment."""

    @abstractmethod
    def spoil(self, way: str) -> None:
        """Makes the price invalid."""

    def start(self) -> None:
        """Switches the market over, and takes a first mark."""
        self.do("set_params", self.w.governance, self.params())
        self.tick(PRICE)

    def params(self) -> Any:
        return replace(self.w.params, oracle=self.adapter.address)

    def tick(self, mark: int, seconds: int = 12) -> None:
        self.w.at(self.w.now + seconds)
        self.publish(mark)

    def do(self, *call: Any) -> Done:
        self.w.reading = told(self.reading)
        return self.w.ok(*call)

    def no(self, error: str | Reason, *call: Any) -> None:
        self.w.reading = told(self.reading)
        self.w.no(error, *call)

    def open(self, who: str, size: int = 50, margin: int = 6_000) -> int:
        limit = ANY[1 if size > 0 else -1]
        call = ("open", who, 0, size * WAD, margin * self.w.one, limit, SOON)
        return int(self.do(*call).value)


class FedPyth(Fed):
    ways: ClassVar = {
        "stale": "PriceStale",
        "negative": "PriceInvalid",
        "exponent": "PriceInvalid",
        "out of band": "PriceOutOfBand",
        "uncertain": "PriceTooUncertain",
    }

    def __init__(self, w: World) -> None:
        super().__init__(w)
        self.pyth = Pyth(w.rpc, w.deployer)
        self.adapter = self.pyth.adapter

    def reading(self) -> Reading:
        return read_pyth(PYTH, self.pyth.held, self.w.now)

    def price(self, mark: int) -> PythPrice:
        return PythPrice(mark // 10**10, mark // 10**14, -8, self.w.now, self.w.now - 1)

    def publish(self, mark: int) -> None:
        self.pyth.push(self.price(mark))

    def spoil(self, way: str) -> None:
        if way == "stale":
            return self.w.at(self.w.now + PYTH.max_age_secs + 1)
        self.w.at(self.w.now + 5)
        good = self.price(ILL)
        bad = {
            "negative": replace(good, price=-1),
            "exponent": replace(good, expo=-4),
            "out of band": replace(good, price=PYTH.lowest // 10**10),
            "uncertain": replace(good, conf=good.price),
        }
        self.pyth.push(bad[way])
        return None


class FedQuorum(Fed):
    ways: ClassVar = {"stale": "PriceStale", "unconfirmed": "PriceOutOfBand"}

    def __init__(self, w: World) -> None:
        super().__init__(w)
        self.quorum = Quorum(w.rpc, w.deployer)
        self.adapter = self.quorum.adapter
        self.publish(PRICE)  # the first one, which the next confirms

    def reading(self) -> Reading:
        return self.quorum.twin.read(self.w.now)

    def publish(self, mark: int) -> None:
        assert self.quorum.report(mark, mark + 1, mark - 1, at=self.w.now) == ()

    def spoil(self, way: str) -> None:
        wait = QUORUM.max_age_secs + 1 if way == "stale" else 5
        self.w.at(self.w.now + wait)
        if way == "unconfirmed":
            self.publish(2 * PRICE)


class FedChainlink(Fed):
    ways: ClassVar = {"stale": "PriceStale", "zero": "PriceInvalid"}

    def __init__(self, w: World) -> None:
        super().__init__(w)
        who = w.deployer
        self.feed = deploy(w.rpc, "FeedAggregator", 8, 1, 2**95, False, sender=who).as_(who)
        proxy = deploy(w.rpc, "FeedProxy", self.feed, sender=who)
        settings = {
            "feed": proxy.address,
            "maxAgeSecs": CHAINLINK_AGE,
            "minAnswer": 10**10,
            "maxAnswer": 10**13,
            "maxDeviation": 0,
            "spread": 0,
            "sequencerFeed": ZERO,
            "sequencerGraceSecs": 0,
        }
        self.adapter = deploy(w.rpc, "ChainlinkOracle", settings, sender=who)
        self.rounds = [(0, 0), (0, 0)]  # (mark, published at)

    def reading(self) -> Reading:
        mark, at = self.rounds[-1]
        if mark == 0:
            raise refuse("PriceInvalid", 0)
        check_age(at, self.w.now, CHAINLINK_AGE)
        since = self.w.twin.state.published_at
        if since == 0 or at <= since + CHAINLINK_AGE:
            return Reading(mark, 0, at)
        for (before, earlier), (_, later) in (
            (self.rounds[-2], self.rounds[-1]),
            self.rounds[-3:-1],
        ):
            if before == 0 or later - earlier > CHAINLINK_AGE:
                return Reading(mark, 0, at, later)
        return Reading(mark, 0, at)

    def publish(self, mark: int) -> None:
        self.rounds.append((mark, self.w.now))
        self.feed.push(mark // 10**10, self.w.now)

    def spoil(self, way: str) -> None:
        self.w.at(self.w.now + (CHAINLINK_AGE + 1 if way == "stale" else 5))
        if way == "zero":
            self.publish(0)


class FedMedian(Fed):
    """Chainlink, Pyth and the quorum, two of which must agree."""

    ways: ClassVar = {"two dead": "QuorumNotMet", "apart": "PriceTooUncertain"}

    def __init__(self, w: World) -> None:
        super().__init__(w)
        self.sources = (FedChainlink(w), FedPyth(w), FedQuorum(w))
        addresses = [one.adapter.address for one in self.sources]
        settings = struct(MEDIAN, sourceGas=SOURCE_GAS) | {"sources": addresses}
        self.adapter = deploy(w.rpc, "MedianOracle", settings, sender=w.deployer)
        self.twin = MedianModel(MEDIAN)

    def reading(self) -> Reading:
        answers = [told(one.reading) for one in self.sources]
        usable = [one if isinstance(one, Reading) else None for one in answers]
        return self.twin.read(usable, self.w.now, self.w.twin.state.published_at)

    def publish(self, mark: int) -> None:
        self.spread_out(mark, 0)

    def spread_out(self, mark: int, apart: int) -> None:
        """Chainlink at the mark, Pyth that far above it, the quorum that far below."""
        for source, step in zip(self.sources, (0, apart, -apart), strict=True):
            source.publish(mark + step)

    def spoil(self, way: str) -> None:
        if way == "two dead":
            return self.w.at(self.w.now + QUORUM.max_age_secs + 1)
        self.w.at(self.w.now + 5)
        return self.spread_out(ILL, 3 * ILL // 100)


KINDS = {
    "chainlink": FedChainlink,
    "pyth": FedPyth,
    "quorum": FedQuorum,
    "median": FedMedian,
}
WAYS = [(kind, way) for kind, made in KINDS.items() for way in made.ways]


@pytest.fixture
def fed(new_world: Callable[..., World], request: pytest.FixtureRequest) -> Fed:
    """After a silence of the market, however long other tests made the chain's time go on: it has
    taken a mark since, else the new source would take the silence for an outage."""
    w = new_world()
    w.tick(PRICE, seconds=CHAINLINK_AGE + 1)
    w.ok("accrue", w.keeper)
    made = KINDS[request.param](w)
    made.start()
    return made


def each(*pairs: Any) -> Any:
    return pytest.mark.parametrize(("fed", "way"), pairs, indirect=["fed"])


@each(*WAYS)
def test_i_34__invalid_price__stops_what_needs_one_and_nothing_else(fed: Fed, way: str) -> None:
    w, error = fed.w, type(fed).ways[way]
    ill, flat = fed.open(w.alice), fed.open(w.carol)
    fed.open(w.bob, -60, 9_000)
    fed.do("close", w.carol, flat, ANY[-1], SOON)
    w.give(w.lp, 5_000 * w.one)
    fed.do("request_deposit", w.lp, 1_000 * w.one, w.lp, w.lp)
    due = w.pool.nextDueAt()
    while w.now <= due:
        fed.tick(PRICE, 300)
        w.reading = told(fed.reading)
    fed.tick(ILL)
    fed.do("accrue", w.keeper)
    fed.do("request_deposit", w.lp, 1_000 * w.one, w.lp, w.lp)
    waiting, before = w.pool.nextDueAt(), w.market.state()

    fed.spoil(way)
    for call in (
        ("open", w.alice, 0, WAD, 2_000 * w.one, ANY[1], SOON),
        ("increase", w.alice, ill, WAD, ANY[1], SOON),
        ("decrease", w.alice, ill, -WAD, ANY[-1], SOON),
        ("close", w.alice, ill, ANY[-1], SOON),
        ("remove_margin", w.alice, ill, 1, w.alice),
        ("transfer_position", w.alice, ill, w.dave),
        ("liquidate", w.keeper, ill, w.keeper),
        ("deleverage", w.keeper, ill),
    ):
        fed.no(error, *call)
    fed.do("accrue", w.keeper)
    after = w.market.state()
    assert (after.mark, after.publishedAt) == (before.mark, before.publishedAt)
    assert w.pool.nextDueAt() == waiting
    fed.do("add_margin", w.bob, ill, 1)
    fed.do("remove_margin", w.carol, flat, 1, w.carol)
    fed.do("request_redeem", w.lp, w.one, w.lp, w.lp)

    fed.tick(ILL)
    if fed_price_needs_a_second(fed):
        fed.tick(ILL)
    if w.twin.state.resumed_at or told(fed.reading).resumed_at:  # type: ignore[union-attr]
        fed.no(Reason.IN_GRACE, "open", w.bob, 0, WAD, 2_000 * w.one, ANY[1], SOON)
        fed.do("accrue", w.keeper)
        end = w.now + w.params.grace_secs
        while w.now < end:
            fed.tick(ILL, 50)
    fed.open(w.bob, 1, 2_000)
    fed.do("liquidate", w.keeper, ill, w.keeper)


def fed_price_needs_a_second(fed: Fed) -> bool:
    return isinstance(told(fed.reading), OracleError)


# ---- I-42

READERS = {
    "contracts/libraries/Engine.sol",  # every action
    "contracts/periphery/LensContext.sol",  # the same, for previews
    "contracts/market/Governance.sol",  # the mark that a market is listed at
    "contracts/oracles/MedianOracle.sol",  # an adapter, of its sources
}


def test_i_42__price__is_read_by_one_accessor() -> None:
    """Nothing else in the deployed contracts asks an adapter."""
    tree = SourceTree(ROOT)
    asking = re.compile(r"IPriceOracle\.read\b|IPriceOracle\([^)]*\)\s*\.read\b")
    found = {
        name
        for name in tree.files()
        if not name.startswith("contracts/test/") and asking.search(tree.get(name).text)
    }
    assert found == READERS
    asks = [name for name in READERS if len(asking.findall(tree.get(name).text)) != 1]
    assert asks == []


@pytest.mark.parametrize("fed", KINDS, indirect=True)
def test_i_42__one_mark_a_block__whatever_the_source_says_next(fed: Fed) -> None:
    w = fed.w
    fed.tick(PRICE)
    fed.do("accrue", w.keeper)
    mark = w.market.state().mark
    if isinstance(fed, (FedChainlink, FedPyth)):  # quorum and median take no second of one time
        fed.publish(PRICE + 50 * WAD)
    fed.open(w.alice)
    assert w.market.state().mark == mark
    w.at(w.now + 1)
    fed.publish(PRICE + 50 * WAD)
    fed.open(w.alice)
    assert w.market.state().mark == read_at(w.rpc, fed.adapter, w.now).mark > mark


@pytest.mark.parametrize("kind", KINDS)
def test_i_42__switched_oracle__never_turns_time_back(
    new_world: Callable[..., World], kind: str
) -> None:
    """The new oracle's price is older than the mark that is held: it waits until it is newer."""
    w = new_world()
    fed = KINDS[kind](w)
    w.at(w.now + 5)
    fed.publish(PRICE)  # and once more, for those that must be confirmed
    w.at(w.now + 10)
    w.set(PRICE + WAD)  # the old oracle is newer
    w.ok("accrue", w.keeper)
    newer = w.now
    w.at(w.now + 1)
    fed.do("set_params", w.governance, fed.params())
    call = ("open", w.alice, 0, 50 * WAD, 6_000 * w.one, ANY[1], SOON)
    fed.no(Reason.PRICE_BACKWARDS, *call)
    fed.do("accrue", w.keeper)
    state = w.market.state()
    assert (state.mark, state.publishedAt) == (PRICE + WAD, newer)
    w.at(w.now + 1)
    fed.publish(PRICE + 2 * WAD)
    fed.do(*call)
    assert w.market.state().publishedAt == w.now


@pytest.mark.parametrize("kind", KINDS)
def test_i_42__switched_within_a_block__keeps_the_blocks_mark(
    new_world: Callable[..., World], kind: str
) -> None:
    w = new_world()
    fed = KINDS[kind](w)
    w.tick(PRICE + WAD)
    w.ok("accrue", w.keeper)
    fed.publish(PRICE - 9 * WAD)
    fed.do("set_params", w.governance, fed.params())
    fed.open(w.alice)
    state = w.market.state()
    assert (state.mark, state.acceptedAt) == (PRICE + WAD, w.now)


# ---- tolerance by what is done


def test_median__apart_within_the_exit_tolerance__lets_out_and_nobody_in(
    new_world: Callable[..., World],
) -> None:
    fed = FedMedian(new_world())
    w = fed.w
    fed.start()
    ill, out = fed.open(w.alice), fed.open(w.carol)
    apart = PRICE * MEDIAN.risk_tolerance // WAD * 2
    fed.w.at(w.now + 12)
    fed.spread_out(ILL, apart)
    fed.no(Reason.IN_GRACE, "open", w.bob, 0, WAD, 2_000 * w.one, ANY[1], SOON)
    fed.no(Reason.IN_GRACE, "increase", w.carol, out, WAD, ANY[1], SOON)
    fed.no(Reason.IN_GRACE, "remove_margin", w.carol, out, 1, w.carol)
    fed.no(Reason.IN_GRACE, "liquidate", w.keeper, ill, w.keeper)
    fed.do("add_margin", w.carol, out, 5_000 * w.one)
    fed.do("decrease", w.carol, out, -WAD, ANY[-1], SOON)
    fed.do("close", w.carol, out, ANY[-1], SOON)
    fed.w.at(w.now + 12)
    fed.spread_out(DEEP, apart)
    fed.do("liquidate", w.keeper, ill, w.keeper)  # worth nothing: nobody is wronged


def test_median__one_source_dead__trades_on(new_world: Callable[..., World]) -> None:
    fed = FedMedian(new_world())
    w = fed.w
    fed.start()
    chainlink, pyth, quorum = fed.sources
    for dead in (chainlink, pyth, quorum):
        w.at(w.now + QUORUM.max_age_secs)
        for source in fed.sources:
            if source is not dead:
                source.publish(PRICE)
        id_ = fed.open(w.alice)
        fed.do("close", w.alice, id_, ANY[-1], SOON)


# ---- outages that only Pyth's signatures prove


def test_pyth__proven_outage__gives_grace(new_world: Callable[..., World]) -> None:
    fed = FedPyth(new_world())
    w = fed.w
    fed.start()
    fed.open(w.alice)
    w.at(w.now + 600)
    fed.publish(ILL)
    first = replace(fed.price(ILL), previous_at=w.now - PYTH.max_age_secs - 1)
    proof = fed.pyth.adapter.proveGap.encode([fed.pyth.data(first)], w.now, w.market.address)
    with w.rpc.isolated():
        receipt = w.rpc.send(fed.adapter, proof, sender=w.alice)
        assert receipt.ok
        assert w.market.state().resumedAt == w.now
        said = w.rpc.send(
            w.market, w.market.liquidate.encode(1, w.keeper), sender=w.keeper, check=False
        )
        assert not said.ok
    fed.do("liquidate", w.keeper, 1, w.keeper)
