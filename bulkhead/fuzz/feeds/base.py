"""What the adapters' trials share: asking a contract and its model, and comparing their words."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from bulkhead.chain.contract import Contract
from bulkhead.chain.errors import Reverted
from bulkhead.deploy.steps import Deployer
from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.people import DEPLOYER, EVE
from bulkhead.fuzz.speech import error_text, meaning, plain
from bulkhead.fuzz.world import World
from bulkhead.model.errors import ModelError
from bulkhead.model.oracle_settings import UNBOUNDED, Bound
from bulkhead.model.oracles import refuse
from bulkhead.model.types import Reading, camel

Terms = TypeVar("Terms", bound=Any)
NUDGES = 3  # settings that a trial tries at their bounds


@dataclass
class Holder:
    """As much of a market as an adapter sees: it asks once per block time, and keeps the newest
    end of an outage."""

    accepted_at: int = 0
    resumed_at: int = 0

    def accrue(self, now: int, reading: Callable[[], Reading]) -> None:
        """Takes a mark, unless this block has its own; goes on without where there is none."""
        if self.accepted_at != now:
            with suppress(ModelError):
                self.resumed_at = max(self.resumed_at, reading().resumed_at)
                self.accepted_at = now

    def prove(self, now: int, reading: Callable[[], Reading], proven_at: int) -> None:
        """Reads an adapter that shows a proof, which must be kept."""
        self.accrue(now, reading)
        if self.resumed_at < proven_at:
            raise refuse("ProofNotTaken", self.resumed_at, proven_at)


class Adapter(ABC):
    """I-34: what an adapter gives a market is what its source allows, or it is refused. One with
    drawn settings, and what it reads; `play` puts drawn scenes before it."""

    adapter: Contract

    def __init__(self, bench: Any, world: World, dice: random.Random) -> None:
        self.bench, self.world, self.dice = bench, world, dice
        self.hand = Deployer(world.engine.rpc, DEPLOYER, artifacts=world.stage.artifacts)
        world.engine.set_time(world.now)

    @abstractmethod
    def play(self) -> None:
        """The scenes."""

    def hold(self, said: str, expected: str, scene: str) -> None:
        """The contract's words are the model's."""
        self.bench.hold(access.i_34_reading, said, expected, scene)

    def read(
        self, adapter: Contract, since: int, expected: Callable[[], Reading], scene: str
    ) -> None:
        """One reading on both sides."""
        answer = self.world.engine.view(adapter.address, adapter.read.encode(since))
        said = words(answer, adapter.read)
        self.hold(said, foretold(expected), f"read({since}) of {scene}")

    def act(self, data: bytes, who: str = EVE, value: int = 0) -> str:
        """A call of the adapter, with ether or without: what it says."""
        self.world.tally.steps += 1
        engine, where = self.world.engine, self.adapter.address
        if value:
            return words(engine.pay(where, data, who, value))
        return words(engine.send(where, data, who))

    def tell(self, feed: Contract, name: str, *values: Any) -> None:
        """A call that must succeed."""
        self.world.tally.steps += 1
        self.world.stage.send(feed, name, values, EVE)

    def deployed(self, name: str, check: Callable[[], None], *args: Any) -> Contract | None:
        """The adapter, where its settings are within their bounds; it says what they are."""
        expected = foretold(check)
        try:
            made = self.hand.create(name, *args)
        except Reverted as problem:
            self.bench.hold(access.i_34_setting, name, meaning(problem.data), expected)
            return None
        self.bench.hold(access.i_34_setting, name, "ok", expected)
        given = args[0]
        shown = made.settings()._asdict()
        for setting, value in given.items():
            told = f"{plain(shown[setting])}"
            self.bench.hold(access.i_34_setting, f"{name}.{setting}", told, f"{plain(value)}")
        return made


def foretold(action: Callable[[], Any]) -> str:
    """What the model says, as the contract would."""
    try:
        found = action()
    except ModelError as problem:
        return error_text(problem)
    if isinstance(found, Reading):
        found = (found.mark, found.spread, found.published_at, found.resumed_at)
    return "ok" if found is None else f"ok {plain(found)}"


def words(answer: Answer, function: Any = None) -> str:
    """What a contract said; with its function, what it returned."""
    if not answer.ok:
        return meaning(answer.data)
    return "ok" if function is None else f"ok {plain(function.decode(answer.data))}"


def settled(made: Contract | None) -> Contract:
    """An adapter whose settings are within their bounds."""
    if made is None:
        raise Broken("I-34", "an adapter with settings within their bounds can't be deployed")
    return made


def nudged(
    dice: random.Random, terms: Terms, bounds: Sequence[Bound]
) -> Iterator[tuple[Terms, str]]:
    """Terms with one setting just past a bound, or at it, and its name; some of the settings."""
    for name, _, least, most in dice.sample(bounds, min(NUDGES, len(bounds))):
        edges = (least - 1, most + 1, least - 1, most + 1, least, most)
        changed = dice.choice([edge for edge in edges if 0 <= edge < UNBOUNDED])
        field = [each.name for each in fields(terms) if camel(each.name) == name]
        yield (replace(terms, **{field[0]: changed}) if field else terms), name
