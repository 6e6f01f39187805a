"""Trials of the Chainlink adapter: rounds at every edge, read by contract and model."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.chain.rpc import ZERO
from bulkhead.fuzz.feeds.base import Adapter, Holder, foretold
from bulkhead.fuzz.world import World
from bulkhead.model.chainlink import MISSING, ChainlinkTerms, Round, gap, read_chainlink
from bulkhead.model.wad import WAD

SCENES = 14  # of a trial
MOST = 2**190  # an aggregator's own highest answer
PHASE = 1 << 64  # of a proxy's aggregators, in its round ids


class Chainlink(Adapter):
    """What it gives a market is what its feed's rounds allow, or it is refused."""

    def __init__(self, bench: Any, world: World, dice: random.Random) -> None:
        """A proxy and its aggregator, a sequencer's status, and the adapter."""
        super().__init__(bench, world, dice)
        self.terms, self.watched = _terms(dice), dice.random() < 0.5
        self.feed = self.hand.create("FeedAggregator", self.terms.decimals, 1, MOST, False)
        self.status = self.hand.create("FeedAggregator", 0, 0, MOST, False)
        proxy = self.hand.create("FeedProxy", self.feed.address)
        self.phase = self._replace_aggregator(proxy)
        settings = {
            "feed": proxy.address,
            "maxAgeSecs": self.terms.max_age_secs,
            "minAnswer": self.terms.lowest,
            "maxAnswer": self.terms.highest,
            "maxDeviation": self.terms.max_deviation,
            "spread": self.terms.spread,
            "sequencerFeed": self.status.address if self.watched else ZERO,
            "sequencerGraceSecs": self.terms.sequencer_grace_secs if self.watched else 0,
        }
        self.adapter = self.hand.create("ChainlinkOracle", settings)
        self.market = self.hand.create("OracleMarket", self.adapter.address)

    def play(self) -> None:
        """Rounds of all kinds, each read, and shown as a proof."""
        dice, terms, now = self.dice, self.terms, self.world.now
        for _ in range(SCENES):
            rounds = _rounds(dice, terms, now)
            newest = rounds[-1] if rounds else MISSING
            up = _status(dice, terms, newest, now)
            for number, each in enumerate(rounds, 1):
                self.tell(self.feed, "set", number, each.answer, each.updated_at)
            self.tell(self.feed, "setLatest", len(rounds))
            self.tell(self.status, "push", up.answer, up.updated_at)
            edge = newest.updated_at - terms.max_age_secs
            since = max(0, dice.choice((0, edge - 1, edge - 1, edge - 1, edge, newest.updated_at)))
            scene = f"rounds {[tuple(each) for each in rounds]} at {now}"
            sequencer = up if self.watched else None
            expected = partial(read_chainlink, terms, rounds, now, since, sequencer)
            self.read(self.adapter, since, expected, scene)
            last = len(rounds)
            self._prove(rounds, dice.choice((last, last, dice.randint(0, last + 1))), sequencer)

    def _replace_aggregator(self, proxy: Contract) -> int:
        """Now and then the feed had another aggregator before, with a silence between two rounds
        that proves nothing any more. Returns the present phase."""
        if self.dice.random() < 0.7:
            return 1
        last, age = self.world.now - 9, self.terms.max_age_secs
        before = self.hand.create("FeedAggregator", self.terms.decimals, 1, MOST, False)
        for number, at in enumerate((last - age - 1, last), 1):
            self.tell(before, "set", number, 10**self.terms.decimals, at)
        for each in (before, self.feed):
            self.tell(proxy, "setAggregator", each.address)
        return 3

    def _prove(self, rounds: list[Round], at: int, sequencer: Round | None) -> None:
        """A proof is refused for what it shows, or kept by a market; one of an older phase is
        none."""
        now, engine, terms = self.world.now, self.world.engine, self.terms
        phase = self.dice.choice((self.phase, self.phase, self.phase, max(1, self.phase - 1)))
        shown = rounds if phase == self.phase else []
        number = at if shown is rounds else 2

        holder = Holder()

        def kept() -> None:
            _, ended = gap(terms, shown, number, now)
            reading = partial(read_chainlink, terms, rounds, now, 0, sequencer, ended)
            holder.prove(now, reading, ended)

        expected = foretold(kept)
        data = self.adapter.proveGap.encode(phase * PHASE | number, self.market.address)
        point = engine.snapshot()
        said = self.act(data)
        found = self.market.state().resumedAt
        engine.restore(point)
        scene = f"round {number} of {[tuple(each) for each in shown]} at {now}, {sequencer}"
        self.hold(said, expected, f"proof of {scene}")
        has = holder.resumed_at if said == "ok" else 0
        self.hold(f"{found}", f"{has}", f"what its market kept of {scene}")


def _terms(dice: random.Random) -> ChainlinkTerms:
    decimals = dice.choice((6, 8, 8, 18, 20, 27))
    return ChainlinkTerms(
        decimals=decimals,
        max_age_secs=dice.choice((60, 3_600)),
        lowest=10**decimals // 4,
        highest=10**decimals * 100_000,
        max_deviation=dice.choice((0, 0, WAD // 50, WAD // 50, WAD // 3)),
        spread=dice.choice((0, WAD // 1_000)),
        sequencer_grace_secs=dice.choice((0, 600)),
    )


def _rounds(dice: random.Random, terms: ChainlinkTerms, now: int) -> list[Round]:
    """Up to four rounds, the newest last, each at an edge of what may follow the one before."""
    count, near = dice.choice((0, 1, 2, 3, 3, 4)), (-1, 0, 0, 1)
    answers, times = [10**terms.decimals * 2_000 + dice.choice((0, 0, dice.randrange(7)))], [0]
    age, edge = terms.max_age_secs, (terms.lowest, terms.highest)
    times[0] = now - dice.choice((0, 0, 1, 1, age - 1, age, age + 1, -1, -1))
    while len(answers) < count:
        last = answers[-1] if terms.takes(answers[-1]) else answers[0]
        step = last * terms.max_deviation // WAD + dice.choice(near)
        steps = (last, last, last, last + step, last - step, dice.choice(edge) + dice.choice(near))
        answers.append(dice.choice((*steps, dice.choice((0, -1, 2 * terms.highest)))))
        times.append(times[-1] - dice.choice((1, 60, age - 1, age, age + 1, age + 1, age + 1)))
    if count and dice.random() < 0.2:
        answers[-1] = dice.choice((0, -1, *(bound + 1 for bound in edge), edge[0], 2**191 - 1))
    if dice.random() < 0.35:  # nothing but their times decides
        answers = [answers[0]] * count
    return [Round(*each) for each in zip(answers[:count], times[:count][::-1], strict=True)]


def _status(dice: random.Random, terms: ChainlinkTerms, newest: Round, now: int) -> Round:
    """A sequencer's, mostly up."""
    grace = now - terms.sequencer_grace_secs
    moment = newest.updated_at + dice.choice((-1, 0, 1))
    started = dice.choice((0, moment, moment, moment, grace, grace + 1, grace - 1, 1))
    return Round(dice.choice((0,) * 12 + (1, 1, 2, -1)), max(0, started))
