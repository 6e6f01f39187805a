"""Markets and their twins side by side: an op is foretold by the twin, sent, seen and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from eth_hash.auto import keccak

from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.decode import Event
from bulkhead.chain.wire import Log
from bulkhead.fuzz import chain, parties, twins
from bulkhead.fuzz.engine import Answer, Engine, Request, Simulating
from bulkhead.fuzz.ghost import Ghost
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import ASIDE, BATCHES, RETURNING, TRIAL, Op
from bulkhead.fuzz.parties import Parties
from bulkhead.fuzz.people import KEEPER, PURSE, START
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.slots import FULL_EVERY, WHOLE_EVERY, Slots
from bulkhead.fuzz.speech import meaning, short
from bulkhead.fuzz.stage import ACTOR, REFUSING, Setting, Site, Stage
from bulkhead.model import Reading, Result
from bulkhead.model.order_types import OrderStatus, hash_of
from bulkhead.model.types import Params

LOGS_EVERY = 4  # steps: events are dear to read; where parties differ they are read always
ASK_EVERY = 32  # steps: lenses are asked beforehand; of an order whose lock went, always
PHASES = ASK_EVERY * WHOLE_EVERY  # ways of what is looked at to fall on a sequence's steps
NAV = keccak(b"nav()")[:4]


@dataclass(slots=True)
class Step:
    """An op with what was foretold, and later with what was found."""

    op: Op
    site: Site
    now: int
    requests: list[Request]
    main: int  # which of the requests is the op itself
    expected: str
    result: Result | None
    words: tuple[int, ...]  # what the probe should see; empty after a refusal
    foreseen: Any  # what a liquidation would find, for its laws
    failing: bool  # whether the oracle failed
    reading: Reading  # what it said else
    params: tuple[Params, Params]  # before and after
    acted: frozenset[int] = frozenset()  # positions that an owner trades in a margin call
    parties: Parties | None = None  # caller, owner and receiver, where there may be several
    preview: Any = None  # what a lens said of it
    whole: bool = False  # whether all that can be read of it was, and all laws are asked
    simulated: bool = False  # then nothing can be tried on the state it left
    alone: Any = None  # what a batch's members did, each in a call of its own
    before: Sight | None = None
    after: Sight | None = None
    found: str = ""
    gas: int = 0
    logs: Sequence[Log] | None = None  # None: not read
    events: list[Event] | None = None  # what they say, once somebody asks

    @property
    def ok(self) -> bool:
        """Whether the chain did it."""
        return self.found.startswith("ok")


class Judge(Protocol):
    """Holds every step to the laws."""

    def foresee(self, world: World, op: Op) -> Any:
        """What must be known of the state before an op."""

    def alone(self, world: World, op: Op) -> Any:
        """Plays the members of a batch one by one; to be forgotten."""

    def ask(self, world: World, step: Step) -> Any:
        """What a lens says of an op that is about to be sent."""

    def step(self, world: World, step: Step) -> None:
        """After an op; raises `Broken`."""

    def view(
        self, world: World, site: Site, found: tuple[int, ...], expected: tuple[int, ...]
    ) -> None:
        """Holds what the views say to the model; raises `Broken`."""

    def whole(self, world: World, site: Site, seen: Sight, params: Params) -> None:
        """Holds one look at a market to the laws that need no more; raises `Broken`."""

    def end(self, world: World) -> None:
        """What is looked at when a sequence ends; raises `Broken`."""

    def trial(self, world: World, op: Op) -> None:
        """Tries something on a state that will be forgotten; raises `Broken`."""


@dataclass
class Tally:
    """What happened so far, for people."""

    steps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    coverage: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    worst: int = 0  # largest bad debt of one liquidation (token units)
    gas: dict[str, int] = field(default_factory=dict)  # the most that I-33's calls used


class World:
    """One run's chain, markets and clock. `play` makes one step on both sides."""

    def __init__(
        self, engine: Engine, setting: Setting, judge: Judge, artifacts: Artifacts | None = None
    ) -> None:
        self.engine, self.setting, self.judge = engine, setting, judge
        self.stage = Stage(engine, setting, artifacts or default())
        self.sites = self.stage.sites
        self.unit: int = 10 ** (18 - setting.decimals)
        self.now = START
        self.at = 0  # the site that the next op is about
        self._told: list[str | tuple[Op, str]] = []  # put into words where somebody listens
        self.played: list[Op] = []
        self.opened = 0  # how many of them were its opening
        self.tally = Tally()
        self.thorough = False  # whether nothing is sampled: views, events, the other markets
        self.steps = 0  # of this sequence: what is sampled goes by it, not by what came before
        self.sights = [self.look(site) for site in self.sites]
        self.ghosts = [Ghost() for _ in self.sites]  # what the laws know of the books
        self.last: Step | None = None

    # ---- what there is

    @property
    def site(self) -> Site:
        """The market in question."""
        return self.sites[self.at]

    @property
    def twin(self) -> Any:
        """Its model."""
        return self.site.twin

    @property
    def ghost(self) -> Ghost:
        """What the laws know of its book."""
        return self.ghosts[self.at]

    @property
    def sight(self) -> Sight:
        """It as it was seen after its last success."""
        return self.sights[self.at]

    @property
    def params(self) -> Params:
        """Its parameters."""
        return self.site.params

    @property
    def ids(self) -> range:
        """Its positions."""
        return range(1, self.twin.state.next_id)

    def vault(self, id_: int) -> str:
        """A vault's address."""
        return self.site.vault(id_)

    def dollars(self, amount: int) -> int:
        """Token units, as many times as the setting's scale says."""
        return self.setting.tokens(amount)

    @property
    def refusing(self) -> bool:
        """Whether the token may refuse a payment, or has refused one."""
        return self.setting.token in REFUSING

    def refuses(self, *who: str) -> bool:
        """Whether the token would refuse a payment by or to one of these now; nobody named: to
        anybody."""
        core = self.twin.core
        lists = core.refuse_from, core.refuse_to
        if not (core.halted or any(lists)):
            return False
        return core.halted or not who or any(one in listed for one in who for listed in lists)

    @property
    def brought(self) -> int:
        """Token units that everybody began with."""
        return len(self.stage.people) * self.dollars(PURSE)

    @property
    def story(self) -> list[str]:
        """Who did what, and what was said to it."""
        names = self.stage.names()
        return [
            line if isinstance(line, str) else f"{line[0].told(names)} -> {line[1]}"
            for line in self._told
        ]

    # ---- going back

    @contextmanager
    def undone(self) -> Iterator[World]:
        """Forgets on both sides what happens inside."""
        kept = (self.now, self.at, list(self.sights), list(self.ghosts), self.steps)
        told, played = len(self._told), len(self.played)
        sites = [(site.params, site.reading, site.failure, site.twin.now) for site in self.sites]
        looks = [(site.successes, site.unseen) for site in self.sites]
        oracles = [site.twin.oracle for site in self.sites]
        point = self.engine.snapshot()
        try:
            with ExitStack() as undo:
                for site in self.sites:
                    undo.enter_context(_forgotten(site))
                yield self
                raise _Forget
        except _Forget:
            pass
        finally:
            self.engine.restore(point)
            self.now, self.at, self.sights, self.ghosts, self.steps = kept
            del self._told[told:], self.played[played:]
            for site, held, oracle in zip(self.sites, sites, oracles, strict=True):
                site.params, site.reading, site.failure, site.twin.now = held
                site.twin.oracle = oracle
            for site, counts in zip(self.sites, looks, strict=True):
                site.successes, site.unseen = counts

    def begin(self, phase: int) -> None:
        """A sequence begins: which of its steps are looked at is decided by this number."""
        self.steps, successes = phase % ASK_EVERY, phase // ASK_EVERY
        for site in self.sites:
            site.successes, site.unseen = successes, 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Inside nothing is sampled: after every success all views and events are read."""
        self.thorough = True
        try:
            yield
        finally:
            self.thorough = False

    def _freed(self, op: Op) -> bool:
        """Whether it fills an order of whose margin less is locked than when it was placed."""
        if op.name != "execute_order" or not op.args[0].margin:
            return False
        site = self.sites[op.market]
        s = site.orders.state(hash_of(op.args[0]))
        locked: int = site.twin.lock_of(s.position_id, site.book.address)
        return s.status == OrderStatus.PLACED and locked < op.args[0].margin

    # ---- one step

    def play(self, op: Op) -> str:
        """Foretells an op, sends it, sees what came of it, and has it judged."""
        if op.name == TRIAL:
            return self._try(op)
        alone = self._alone(op) if op.name in BATCHES else None
        ask = self.thorough or self.steps % ASK_EVERY == 0 or self._freed(op)
        step = self.foretell(op)
        step.alone = alone
        found = Answer(True, b"")
        logs: Sequence[Log] | None = None
        asked = op.name in RETURNING
        for place, request in enumerate(step.requests):
            self.engine.set_time(request.at)
            if place == step.main and ask:
                step.preview = self.judge.ask(self, step)
            answer = self.engine.send(request.to, request.data, request.sender, asked)
            if place == step.main:
                found = answer
                seldom = self.steps % LOGS_EVERY and not self.thorough
                if answer.ok and (not seldom or parties.differ(step.parties)):
                    logs = self.engine.logs()
            else:
                if not answer.ok:
                    raise Broken("I-50", f"what leads to {op} fails: {meaning(answer.data)}")
        step.logs = logs
        seen = found.ok and self._shows(op)
        self.close(step, found, self._glance(step) if seen else None)
        return step.found

    def _shows(self, op: Op) -> bool:
        """Whether a market may look otherwise after an op."""
        return self.thorough or op.name not in ASIDE

    def _glance(self, step: Step) -> tuple[int, ...]:
        """A market's words after a success: as stored where that is what the model expects, else
        as its views say."""
        site = step.site
        site.unseen += 1
        self._sample(step)
        asked = self.thorough or site.unseen >= FULL_EVERY
        if site.slots is not None and step.words and not asked and self._stored(step, site.slots):
            return step.words
        return self.words(site)

    def _stored(self, step: Step, slots: Slots) -> bool:
        """Whether what is read of the storage now is what the model expects."""
        site, expected = step.site, step.words
        if not step.whole:
            before = self.sights[self.sites.index(site)].words
            return slots.kept(expected, before, step.op.position)
        nav = self.engine.view(site.market.address, NAV)
        value = int.from_bytes(nav.data, "big", signed=True)
        return nav.ok and slots.words(value, expected) == expected

    def _sample(self, step: Step) -> None:
        """Whether this success is looked at wholly."""
        step.site.successes += 1
        step.whole = self.thorough or step.site.successes % WHOLE_EVERY == 0

    def words(self, site: Site) -> tuple[int, ...]:
        """A market's words as its views say."""
        found = self.engine.view(site.probe.address, site.look)
        if not found.ok:
            raise Broken("I-50", f"a view fails: {meaning(found.data)}")
        words = site.layout.words(found.data)
        site.unseen = 0
        return words

    def finish(self) -> None:
        """The end of a sequence: every view of every market, and all that a look can tell."""
        for place, site in enumerate(self.sites):
            words = self.words(site)
            self.judge.view(self, site, words, site.layout.expected(site.twin))
            self.sights[place] = site.layout.sight(words)
        for site, seen in zip(self.sites, self.sights, strict=True):
            self.judge.whole(self, site, seen, site.params)
        self.judge.end(self)

    def _try(self, op: Op) -> str:
        """A trial of the judge's: it leaves nothing behind, but its story where a law breaks."""
        with self._tried(op):
            self.judge.trial(self, op)
        return "ok"

    def _alone(self, op: Op) -> Any:
        """A batch's members, each in a call of its own."""
        with self._tried(op):
            found = self.judge.alone(self, op)
        self.played.pop()  # the batch itself comes now
        self._told.pop()
        return found

    @contextmanager
    def _tried(self, op: Op) -> Iterator[None]:
        """As `undone`, for what belongs to an op: its story stays where a law breaks."""
        self.at = op.market
        self.played.append(op)
        self._told.append(op.told(self.stage.names()))
        first = len(self._told)
        told: list[str] = []
        try:
            with self.undone():
                try:
                    yield
                except Broken:
                    told = [f"  {line}" for line in self.story[first:]]
                    raise
        finally:
            self._told += told

    def play_all(self, ops: Iterator[Op]) -> None:
        """Foretells a whole sequence on the twin, then has it run in one request."""
        engine: Simulating = self.engine  # type: ignore[assignment]
        steps = [self.foretell(op) for op in ops if op.name != TRIAL]
        requests = [request for step in steps for request in step.requests]
        (site,) = self.sites  # one probe serves one market
        probe = Request(0, KEEPER, site.probe.address, site.look)
        # A refusal shows nothing: one that was not foretold breaks I-50 as it is.
        looks = [
            place == step.main and bool(step.words)
            for step in steps
            for place in range(len(step.requests))
        ]
        found = iter(engine.simulate(requests, looks, probe))
        for step in steps:
            answers = [next(found) for _ in step.requests]
            answer, look = answers[step.main]
            step.simulated = True
            words = None
            if answer.ok and look is not None:
                if not look.ok:
                    raise Broken("I-50", f"a view fails: {meaning(look.data)}")
                words = site.layout.words(look.data)
                self._sample(step)
            self.close(step, answer, words)

    def foretell(self, op: Op) -> Step:
        """What the twin says, which also takes the step."""
        self.at = op.market
        self.tally.steps += 1
        self.steps += 1
        self.now += op.wait
        site, twin = self.site, self.twin
        for each in self.sites:
            each.twin.now = self.now
        failing = site.failure != 0
        if failing:
            twin.oracle = twins.oracle_error(self, site.failure)
        self.played.append(op)
        foreseen = self.judge.foresee(self, op)
        params = site.params
        expected, result = twins.said(self, op)
        ok = expected.startswith("ok")
        made, main = chain.requests(self, op, ok, failing)
        if ok and op.name == "set_params":
            site.params = op.args[0]
        words = site.layout.expected(twin) if ok and self._shows(op) else ()
        return Step(
            op,
            site,
            self.now,
            made,
            main,
            expected,
            result,
            words,
            foreseen,
            site.failure != 0,
            site.reading,
            (params, site.params),
            self._acting(op) if ok else frozenset(),
            parties.parties(op, self._owner) if ok else None,
        )

    def _owner(self, id_: int) -> str:
        """A position's owner, by the model."""
        return str(self.twin.position(id_).owner)

    def _acting(self, op: Op) -> frozenset[int]:
        """What the owner of a liquidated position may have acted on in its margin call; 0 stands
        for the market itself."""
        plan = self.stage.plans.get(self.twin.core.market)
        if not plan or op.name not in ("liquidate", "liquidate_many"):
            return frozenset()
        ids = op.args[0] if isinstance(op.args[0], tuple) else op.args[:1]
        core, actor = self.twin.core, self.stage.contracts[ACTOR].address
        if not any(id_ in core.positions and core.positions[id_].owner == actor for id_ in ids):
            return frozenset()
        subjects = [act[1] for act in plan if len(act) > 1]
        return frozenset({0, *(core.vaults.get(one, one) for one in subjects)})

    def close(self, step: Step, answer: Answer, words: tuple[int, ...] | None) -> None:
        """Fills in what was found, and has it judged."""
        op, site = step.op, step.site
        step.gas = answer.gas
        self.last = step
        step.found = chain.said(self, op, answer)
        place = self.sites.index(site)
        step.before = self.sights[place]
        said = short(step.found)
        self._told.append((op, said))
        self.tally.outcomes[f"{op.name}: {'ok' if step.ok else said}"] += 1
        if words is not None:
            step.after = self.sights[place] = site.layout.sight(words, step.before)
        self.judge.step(self, step)

    def look(self, site: Site) -> Sight:
        """A market as its views show it now."""
        return site.layout.sight(self.words(site))


class _Forget(Exception):
    """Ends what is to be forgotten."""


@contextmanager
def _forgotten(site: Site) -> Iterator[None]:
    core = site.twin.core
    refused = (set(core.refuse_to), set(core.refuse_from), core.halted)
    try:
        with core.transaction():
            yield
    finally:
        core.refuse_to, core.refuse_from, core.halted = refused
