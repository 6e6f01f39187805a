"""Trials of the Pyth adapter, over the SDK's own contract: prices at every edge, fees, proofs."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.chain.rpc import ZERO
from bulkhead.fuzz.feeds.base import Adapter, Holder, foretold, nudged, settled
from bulkhead.fuzz.people import EVE
from bulkhead.fuzz.world import World
from bulkhead.model.oracle_settings import check, of_pyth
from bulkhead.model.oracles import (
    PYTH_AHEAD_SECS,
    PythPrice,
    PythTerms,
    newest,
    prove_pyth,
    read_pyth,
    refuse,
    running_since,
)
from bulkhead.model.types import Reading
from bulkhead.model.wad import WAD, ceil_div

SCENES = 6  # of a trial
READS = 3  # of a scene
PRICE_ID, OTHER_ID = b"\1" * 32, b"\2" * 32
INT64, UINT64 = 2**63 - 1, 2**64 - 1
DECIMALS = ((5, 10), (5, 10), (8, 8), (0, 36), (0, 0), (17, 19), (18, 18), (36, 36))


class Pyth(Adapter):
    """What it gives a market is what Pyth holds and its settings allow."""

    def __init__(self, bench: Any, world: World, dice: random.Random) -> None:
        """Pyth, a sequencer's status, the adapter and a market of it."""
        super().__init__(bench, world, dice)
        self.terms, self.fee = _terms(dice), dice.choice((0, 0, 1, 7, 10**15))
        self.source = self.hand.create("LocalPyth", 60, self.fee)
        self.status = self.hand.create("FeedAggregator", 0, 0, INT64, False)
        self.watched = dice.random() < 0.4
        self.adapter = settled(self._deployed(self.terms, self.source.address))
        self.market = self.hand.create("OracleMarket", self.adapter.address)
        self.holder, self.paid = Holder(), 0
        self.held: PythPrice | None = None
        self.up = (0, 1)  # status and start of the sequencer

    def play(self) -> None:
        """Prices of all kinds, brought or shown as a proof, and read when it matters."""
        dice, engine = self.dice, self.world.engine
        self._at_bounds()
        now = self.world.now
        for _ in range(SCENES):
            now += dice.choice((1, 7, 7, self.terms.max_age_secs, self.terms.max_age_secs + 1))
            engine.set_time(now)
            self.up = _status(dice, self.held, now)
            self.tell(self.status, "push", *self.up)
            price = _price(dice, self.terms, self._published(now))
            if dice.random() < 0.4:
                for _ in range(dice.choice((1, 2))):
                    self._prove(price, now)
            else:
                self._update(price, now)
            for _ in range(READS):
                self._read(dice.choice(self._moments(now)))
            engine.set_time(now)

    def _deployed(self, terms: PythTerms, source: str) -> Contract | None:
        settings = {
            "pyth": source,
            "priceId": PRICE_ID,
            "maxAgeSecs": terms.max_age_secs,
            "minDecimals": terms.min_decimals,
            "maxDecimals": terms.max_decimals,
            "lowest": terms.lowest,
            "highest": terms.highest,
            "confidenceWidth": terms.confidence_width,
            "minSpread": terms.min_spread,
            "maxSpread": terms.max_spread,
            "sequencerFeed": self.status.address if self.watched else ZERO,
        }
        bounds = of_pyth(terms, source == self.source.address)
        return self.deployed("PythOracle", partial(check, bounds), settings)

    def _at_bounds(self) -> None:
        """More adapters, of whose settings one is at a bound or just past it."""
        for terms, name in nudged(self.dice, self.terms, of_pyth(self.terms)):
            self._deployed(terms, EVE if name == "pyth" else self.source.address)

    # ---- bringing prices

    def _published(self, now: int) -> int:
        """When a price was published: at an edge of age, of the future, of what is held, of the
        sequencer's return."""
        held, age = self.held.published_at if self.held else now - 9, self.terms.max_age_secs
        edges = (now, now - 1, now + PYTH_AHEAD_SECS, now + PYTH_AHEAD_SECS + 1, now - age)
        more = (now - age - 1, held, held + 1, held - 1, self.up[1], self.up[1] + 1, now)
        return max(1, self.dice.choice((*edges, *more)))

    def _moments(self, now: int) -> tuple[int, ...]:
        """When to read: now, and where the price comes of age, or out of the future."""
        if self.held is None:
            return (now,)
        at, age = self.held.published_at, self.terms.max_age_secs
        edges = (at + age, at + age + 1, at - PYTH_AHEAD_SECS, at - PYTH_AHEAD_SECS - 1)
        return (now, *(edge for edge in edges if edge > now))

    def _data(self, price: PythPrice, id_: bytes = PRICE_ID) -> bytes:
        values = (price.price, price.conf, price.expo, price.price, price.conf)
        times = (price.published_at, price.previous_at)
        return bytes(self.source.createPriceFeedUpdateData(id_, *values, *times))

    def _update(self, price: PythPrice, now: int) -> None:
        """Through the adapter, with a fee at its edge, or past it; another feed's price beside."""
        dice = self.dice
        data = [self._data(price)]
        if dice.random() < 0.2:
            data.insert(dice.randrange(2), self._data(replace(price, price=1), OTHER_ID))
        fee = self.fee * len(data)
        value = max(0, fee + dice.choice((0, 0, 0, 0, 5, -1)))
        if fee == 0 and dice.random() < 0.2:  # past the adapter: it counts as well
            self.tell(self.source, "updatePriceFeeds", data)
            self.held = newest(self.held, [price])
        expected = foretold(lambda: self._charge(value, fee))
        call = self.adapter.update.encode(data)
        said = self.act(call, value=value)
        self.hold(said, expected, f"update with {value} wei at {now}: {price}")
        if said == "ok":
            self.held, self.paid = newest(self.held, [price]), self.paid + fee
        self._ether()

    def _charge(self, value: int, fee: int) -> None:
        if value < fee:
            raise refuse("FeeTooLow", value, fee)

    def _ether(self) -> None:
        """Pyth has its fees, and the adapter nothing."""
        found = [self.world.engine.ether(each.address) for each in (self.adapter, self.source)]
        self.hold(f"{found}", f"{[0, self.paid]}", "ether of adapter and Pyth")

    # ---- proving

    def _prove(self, price: PythPrice, now: int) -> None:
        """A price after a silence that is just long enough, or not, shown to a market."""
        dice = self.dice
        age = self.terms.max_age_secs
        at = dice.choice((now, now, now - 1, now - age, now + 1, price.published_at))
        before = max(0, at - age - dice.choice((0, 1, 1, 9)))
        shown = replace(price, published_at=at, previous_at=before)
        resumed = max(0, dice.choice((at, at, at, at, at + 1, at - 1, now + 1, age, age + 1)))
        value = max(0, self.fee + dice.choice((0, 0, 0, 5, -1)))
        holder, held = replace(self.holder), newest(self.held, [shown])

        def kept() -> None:
            self._charge(value, self.fee)
            prove_pyth(self.terms, shown, resumed, now)
            holder.prove(now, partial(self._reading, now, held, resumed), resumed)

        expected = foretold(kept)
        call = self.adapter.proveGap.encode([self._data(shown)], resumed, self.market.address)
        said = self.act(call, value=value)
        self.hold(said, expected, f"proof of {resumed} with {value} wei at {now}: {shown}")
        if said == "ok":
            self.holder, self.held, self.paid = holder, held, self.paid + self.fee
        self._ether()
        found = self.market.state()
        self.hold(f"{found.resumedAt}", f"{self.holder.resumed_at}", "what its market kept")

    # ---- reading

    def _read(self, at: int) -> None:
        self.world.engine.set_time(at)
        scene = f"{self.held} at {at}, {self.terms}, sequencer {self.up if self.watched else None}"
        self.read(self.adapter, 0, partial(self._reading, at, self.held), scene)

    def _reading(self, at: int, held: PythPrice | None, proven_at: int = 0) -> Reading:
        since = running_since(*self.up) if self.watched else 0
        return read_pyth(self.terms, held, at, since, proven_at)


def _terms(dice: random.Random) -> PythTerms:
    fewest, most = dice.choice(DECIMALS)
    lowest = dice.choice((1, 100 * WAD)) if fewest < 17 else 1
    widest = dice.choice((WAD // 200, WAD // 50, WAD - 1))
    return PythTerms(
        max_age_secs=dice.choice((1, 30, 60, 3_600)),
        min_decimals=fewest,
        max_decimals=most,
        lowest=lowest,
        highest=dice.choice((100_000 * WAD, lowest + 2, 2**255)),
        confidence_width=dice.choice((WAD, 2 * WAD, WAD * 37 // 10, 100 * WAD)),
        min_spread=dice.choice((0, WAD // 2_000, widest)),
        max_spread=widest,
    )


def _status(dice: random.Random, held: PythPrice | None, now: int) -> tuple[int, int]:
    """A sequencer's, mostly up."""
    at = held.published_at if held else now
    started = dice.choice((1, 1, now, now - 1, at - 1, at, at + 1, 0))
    return dice.choice((0,) * 12 + (1, 2, -1)), max(0, started)


def _price(dice: random.Random, terms: PythTerms, published_at: int) -> PythPrice:
    """One at a bound of the mark, of its decimals, of its confidence, or of nothing."""
    fewest, most = terms.min_decimals, terms.max_decimals
    decimals = dice.choice((fewest, most, dice.randint(fewest, most), dice.randint(fewest, most)))
    if dice.random() < 0.15:
        decimals = dice.choice((fewest - 1, most + 1, -(2**31) + 1, 2**31))
    usual = max(terms.lowest + 1, min(2_000 * WAD + dice.randrange(99), terms.highest - 1))
    if dice.random() < 0.4:  # nothing but its time decides
        price = min(ceil_div(usual * 10**most, WAD), INT64)
        return PythPrice(price, 0, -most, published_at, published_at - 1)
    edges = (terms.lowest, terms.lowest + 1, terms.highest - 1, terms.highest)
    mark = dice.choice((usual, usual, usual, usual, *edges))
    unit = 10 ** min(40, max(0, decimals))
    price = ceil_div(mark * unit, WAD) + dice.choice((0, 0, 0, 1, -1))
    if dice.random() < 0.1:
        price = dice.choice((0, -1, 1, INT64, -INT64 - 1))
    price = max(-INT64 - 1, min(price, INT64))
    width = dice.choice((terms.min_spread, terms.max_spread, terms.max_spread, 0))
    conf = width * max(price, 1) // (2 * terms.confidence_width) + dice.choice((-1, 0, 0, 1, 1))
    if dice.random() < 0.05:
        conf = UINT64
    return PythPrice(price, max(0, min(conf, UINT64)), -decimals, published_at, published_at - 1)
