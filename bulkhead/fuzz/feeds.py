"""Trials of the Chainlink adapter: rounds at every edge, read by contract and model."""

from __future__ import annotations

import random
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.chain.rpc import ZERO
from bulkhead.deploy.steps import Deployer
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.people import DEPLOYER, EVE
from bulkhead.fuzz.speech import error_text, meaning, plain
from bulkhead.fuzz.world import World
from bulkhead.model.chainlink import MISSING, ChainlinkTerms, Round, gap, read_chainlink
from bulkhead.model.errors import ModelError
from bulkhead.model.wad import WAD

SCENES = 8  # of a trial
MOST = 2**190  # an aggregator's own highest answer
PHASE = 1 << 64  # of a proxy's first aggregator, in its round ids


class Feeds:
    """I-34: what an adapter gives a market is what its feed's rounds allow, or it is refused."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """An adapter with drawn settings before some drawn scenes."""
        hand = Deployer(world.engine.rpc, DEPLOYER, artifacts=world.stage.artifacts)
        terms, watched = _terms(dice), dice.random() < 0.5
        feed = hand.create("FeedAggregator", terms.decimals, 1, MOST, False)
        status = hand.create("FeedAggregator", 0, 0, MOST, False)
        proxy = hand.create("FeedProxy", feed.address)
        settings = {
            "feed": proxy.address,
            "maxAgeSecs": terms.max_age_secs,
            "minAnswer": terms.lowest,
            "maxAnswer": terms.highest,
            "maxDeviation": terms.max_deviation,
            "spread": terms.spread,
            "sequencerFeed": status.address if watched else ZERO,
            "sequencerGraceSecs": terms.sequencer_grace_secs if watched else 0,
        }
        adapter = hand.create("ChainlinkOracle", settings)
        world.engine.set_time(world.now)
        for _ in range(SCENES):
            rounds = _rounds(dice, terms, world.now)
            newest = rounds[-1] if rounds else MISSING
            up = _status(dice, terms, newest, world.now)
            for number, each in enumerate(rounds, 1):
                _tell(world, feed, "set", number, each.answer, each.updated_at)
            _tell(world, feed, "setLatest", len(rounds))
            _tell(world, status, "push", up.answer, up.updated_at)
            edge = newest.updated_at - terms.max_age_secs
            since = max(0, dice.choice((0, edge - 1, edge - 1, edge - 1, edge, newest.updated_at)))
            sequencer = up if watched else None
            self._read(world, adapter, terms, rounds, since, sequencer)
            self._prove(world, adapter, terms, rounds, dice.randint(0, len(rounds) + 1))

    def _read(
        self,
        world: World,
        adapter: Contract,
        terms: ChainlinkTerms,
        rounds: list[Round],
        since: int,
        sequencer: Round | None,
    ) -> None:
        try:
            found = read_chainlink(terms, rounds, world.now, since, sequencer)
            values = (found.mark, found.spread, found.published_at, found.resumed_at)
            expected = f"ok {values}"
        except ModelError as problem:
            expected = error_text(problem)
        answer = world.engine.view(adapter.address, adapter.read.encode(since))
        said = meaning(answer.data)
        if answer.ok:
            said = f"ok {plain(adapter.read.decode(answer.data))}"
        scene = f"rounds {[tuple(each) for each in rounds]} at {world.now}, since {since}"
        self.bench.hold(access.i_34_reading, said, expected, scene)

    def _prove(
        self, world: World, adapter: Contract, terms: ChainlinkTerms, rounds: list[Round], at: int
    ) -> None:
        """A proof is refused for what it shows, or comes as far as the market, which has another
        oracle."""
        try:
            gap(terms, rounds, at, world.now)
            expected = "proven"
        except ModelError as problem:
            expected = error_text(problem)
        data = adapter.proveGap.encode(PHASE | at, world.site.market.address)
        with world.undone():
            answer = world.engine.send(adapter.address, data, EVE)
        said = "proven" if answer.ok else meaning(answer.data)
        if not said.startswith("NoGap"):
            said = "proven"
        scene = f"round {at} of {[tuple(each) for each in rounds]} at {world.now}"
        self.bench.hold(access.i_34_reading, said, expected, scene)


def _tell(world: World, feed: Contract, name: str, *values: int) -> None:
    world.stage.send(feed, name, values, EVE)


def _terms(dice: random.Random) -> ChainlinkTerms:
    decimals = dice.choice((6, 8, 8, 18, 20, 27))
    return ChainlinkTerms(
        decimals=decimals,
        max_age_secs=dice.choice((60, 3_600)),
        lowest=10**decimals // 4,
        highest=10**decimals * 100_000,
        max_deviation=dice.choice((0, 0, WAD // 50, WAD // 3)),
        spread=dice.choice((0, WAD // 1_000)),
        sequencer_grace_secs=dice.choice((0, 600)),
    )


def _rounds(dice: random.Random, terms: ChainlinkTerms, now: int) -> list[Round]:
    """Up to four rounds, the newest last, each at an edge of what may follow the one before."""
    count, near = dice.choice((0, 1, 2, 3, 3, 4)), (-1, 0, 0, 1)
    answers, times = [10**terms.decimals * 2_000 + dice.randrange(7)], [0]
    age, edge = terms.max_age_secs, (terms.lowest, terms.highest)
    times[0] = now - dice.choice((0, 0, 1, 1, age - 1, age, age + 1, -1))
    while len(answers) < count:
        last = answers[-1] if terms.takes(answers[-1]) else answers[0]
        step = last * terms.max_deviation // WAD + dice.choice(near)
        steps = (last, last, last, last + step, last - step, dice.choice(edge) + dice.choice(near))
        answers.append(dice.choice((*steps, dice.choice((0, -1, 2 * terms.highest)))))
        times.append(times[-1] - dice.choice((1, 60, age - 1, age, age + 1, age + 1)))
    if count and dice.random() < 0.2:
        answers[-1] = dice.choice((0, -1, *(bound + 1 for bound in edge), edge[0], 2**191 - 1))
    return [Round(*each) for each in zip(answers[:count], times[:count][::-1], strict=True)]


def _status(dice: random.Random, terms: ChainlinkTerms, newest: Round, now: int) -> Round:
    """A sequencer's, mostly up."""
    grace = now - terms.sequencer_grace_secs
    moment = newest.updated_at + dice.choice((-1, 0, 1))
    started = dice.choice((0, moment, moment, moment, grace, grace + 1, grace - 1, 1))
    return Round(dice.choice((0, 0, 0, 0, 1)), max(0, started))
