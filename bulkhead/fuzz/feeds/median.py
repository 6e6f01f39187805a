"""Trials of the median adapter: sources that agree, just agree, just do not, lie or fail."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from eth_abi.abi import encode

from bulkhead.chain.contract import Contract
from bulkhead.fuzz.feeds.base import Adapter, foretold, nudged, settled
from bulkhead.fuzz.people import EVE, PRICE
from bulkhead.fuzz.world import World
from bulkhead.model.oracle_settings import (
    LEAST_SOURCE_GAS,
    MOST_SOURCE_GAS,
    MOST_SOURCES,
    check,
    check_sources,
    of_median,
)
from bulkhead.model.oracles import MARK_MAX, MARK_MIN, MedianModel, MedianTerms, refuse
from bulkhead.model.types import Reading
from bulkhead.model.wad import WAD

SCENES = 7  # of a trial
FAILURES = (1, 2, 6, 7, 8)  # of a source: typed errors, a bare revert, all its gas
NO_ETHER = "revert 0x"  # what a call says that brings more than there is
WORD = 2**256 - 1


class Median(Adapter):
    """What it gives a market is what enough of its sources agree on."""

    def __init__(self, bench: Any, world: World, dice: random.Random) -> None:
        """Sources that say what they are told, and the adapter over them."""
        super().__init__(bench, world, dice)
        terms = _terms(dice)
        self.sources = [self.hand.create("SettableOracle", PRICE) for _ in range(terms.sources)]
        self.gas = dice.choice((LEAST_SOURCE_GAS, 200_000, MOST_SOURCE_GAS))
        self.adapter = settled(self._deployed(terms, self._addresses(), self.gas))
        self.twin = MedianModel(terms)
        self.answers: list[Reading | None] = []
        self.paid = [0] * terms.sources

    def play(self) -> None:
        """Answers of all kinds, read, noted where they differ; updates of the sources."""
        dice, engine = self.dice, self.world.engine
        self._at_bounds()
        now = self.world.now
        for _ in range(SCENES):
            now += dice.choice((1, 9, 60))
            engine.set_time(now)
            self._set(now)
            self._read(now)
            if dice.random() < 0.4:
                self._note(now)
                self._read(now)
            if dice.random() < 0.3:
                self._update()

    # ---- settings

    def _addresses(self) -> list[str]:
        return [each.address for each in self.sources]

    def _deployed(self, terms: MedianTerms, sources: Sequence[str], gas: int) -> Contract | None:
        settings = {
            "sources": list(sources),
            "minSources": terms.min_sources,
            "riskTolerance": terms.risk_tolerance,
            "exitTolerance": terms.exit_tolerance,
            "sourceGas": gas,
        }

        def allowed() -> None:
            check_sources(sources, self._addresses())
            check(of_median(replace(terms, sources=len(sources)), gas))

        return self.deployed("MedianOracle", allowed, settings)

    def _at_bounds(self) -> None:
        """More adapters, of whose settings one is at a bound or just past it; or whose sources are
        too few, too many, there twice, or no contract."""
        dice, known, terms = self.dice, self._addresses(), self.twin.terms
        for changed, name in nudged(dice, terms, of_median(terms, self.gas)):
            gases = (LEAST_SOURCE_GAS - 1, LEAST_SOURCE_GAS, MOST_SOURCE_GAS, MOST_SOURCE_GAS + 1)
            gas = dice.choice(gases) if name == "sourceGas" else self.gas
            self._deployed(changed, known, gas)
        if dice.random() < 0.3:
            self._deployed(replace(terms, min_sources=terms.sources // 2), known, self.gas)
        place = dice.randrange(len(known))
        more = [*known, EVE, EVE, EVE, EVE][: MOST_SOURCES + 1]
        wrong = (
            [*known[:place], EVE, *known[place + 1 :]],
            [*known, known[place]],
            more,
            known[:1],
        )
        self._deployed(terms, dice.choice(wrong), self.gas)

    # ---- what the sources say

    def _set(self, now: int) -> None:
        """An answer, or a failure, of each."""
        dice, terms = self.dice, self.twin.terms
        centre = dice.choice((PRICE, PRICE, PRICE, PRICE + dice.randrange(99), MARK_MIN, MARK_MAX))
        tolerance = dice.choice((terms.risk_tolerance, terms.exit_tolerance))
        step = centre * tolerance // WAD + dice.choice((0, 0, 1))
        silent = dice.choice((0.0, 0.0, 0.15, 0.4))
        self.answers = []
        for source in self.sources:
            answer = None if dice.random() < silent else self._answer(now, centre, step)
            self.tell(source, "setFailure", dice.choice(FAILURES) if answer is None else 0)
            if answer is not None:
                self.tell(
                    source,
                    "set",
                    *(answer.mark, answer.spread, answer.published_at, answer.resumed_at),
                )
            self.answers.append(answer)

    def _answer(self, now: int, centre: int, step: int) -> Reading:
        dice = self.dice
        mark = centre + dice.choice((0, 0, 0, 1, -1, step, step, -step, -step, 2 * step))
        spread = dice.choice((0, 0, 7, WAD // 1_000, WAD - 1))
        at = now - dice.choice((0, 0, 1, 5, 9, 3_000))
        resumed = dice.choice((0, 0, 0, now - 50, now - 9, now - 1))
        if dice.random() < 0.1:  # unusable, or just usable
            mark = dice.choice((0, MARK_MIN - 1, MARK_MIN, MARK_MAX, MARK_MAX + 1, WORD))
        if dice.random() < 0.06:
            spread = dice.choice((WAD, WAD + 1, WORD))
        if dice.random() < 0.06:
            at = dice.choice((now + 1, WORD))
        return Reading(max(0, mark), spread, at, resumed)

    # ---- reading and noting

    def _scene(self, now: int) -> str:
        return f"{self.answers} at {now}, {self.twin.terms}, noted {self.twin.disagreed_at}"

    def _read(self, now: int) -> None:
        """For who holds nothing, or a mark of about a source's time."""
        times = [one.published_at for one in self.answers if one and one.published_at <= now]
        held = self.dice.choice(times or [now])
        since = self.dice.choice((0, held, held, held + 1, held - 1))
        expected = partial(self.twin.read, self.answers, now, since)
        self.read(self.adapter, since, expected, self._scene(now))

    def _note(self, now: int) -> None:
        expected = foretold(lambda: self.twin.note(self.answers, now))
        data = self.adapter.noteDisagreement.encode()
        said = self.act(data)
        self.hold(said, expected, f"noteDisagreement of {self._scene(now)}")
        found, noted = self.adapter.disagreedAt(), self.twin.disagreed_at
        self.hold(f"{found}", f"{noted}", "when sources were noted to disagree")

    # ---- updating the sources

    def _update(self) -> None:
        """Ether goes where it is told to, and the rest comes back; none is taken otherwise."""
        dice, count = self.dice, len(self.sources)
        gifts = [(dice.randrange(count), dice.choice((0, 1, 7))) for _ in range(dice.randint(0, 3))]
        if dice.random() < 0.2:
            gifts.append((dice.choice((count, count + 1, WORD)), 0))
        wanted = sum(value for _, value in gifts)
        value = max(0, wanted + dice.choice((0, 0, 3, -1)))
        paid = list(self.paid)

        def handed() -> None:
            left = value
            for place, gift in gifts:
                if place >= count:
                    raise refuse("UnknownSource", place, count)
                left -= gift
                if left < 0:
                    raise refuse(NO_ETHER)
                paid[place] += gift

        expected = foretold(handed).removesuffix("()")
        data = [bytes(encode(["uint256", "uint256", "bytes[]"], [*gift, []])) for gift in gifts]
        call, engine, where = self.adapter.update.encode(data), self.world.engine, self.adapter
        said = self.act(call, value=value)
        self.hold(said, expected, f"update of {gifts} with {value} wei")
        if said == "ok":
            self.paid = paid
        refused = self.act(b"", value=1)
        self.hold(refused, foretold(_refuse_ether), "a wei without a call")
        found = [engine.ether(each.address) for each in (where, *self.sources)]
        self.hold(f"{found}", f"{[0, *self.paid]}", "ether of adapter and sources")


def _refuse_ether() -> None:
    raise refuse("EtherRefused", 1)


def _terms(dice: random.Random) -> MedianTerms:
    count = dice.choice((2, 3, 3, 4, 4, 5))
    widest = dice.choice((WAD // 50, WAD // 50, WAD // 20, WAD - 1, 0))
    return MedianTerms(
        sources=count,
        min_sources=dice.choice((max(2, count // 2 + 1), count)),
        risk_tolerance=dice.choice((0, WAD // 200, widest)) if widest >= WAD // 200 else widest,
        exit_tolerance=widest,
    )
