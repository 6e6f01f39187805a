"""Markets and their twins side by side: an op is foretold by the twin, sent, seen and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from eth_hash.auto import keccak

from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.wire import Log
from bulkhead.deploy.params import abi
from bulkhead.fuzz.engine import Answer, Engine, Order, Simulating
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import GOVERNED, POOL_CALLS, RETURNING, TRIAL, Op
from bulkhead.fuzz.people import DELAY, FOREVER, GOVERNANCE, KEEPER, PURSE, START
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.slots import FULL_EVERY
from bulkhead.fuzz.speech import FAILURES, error_text, meaning, plain, same_refusal, short
from bulkhead.fuzz.stage import FALSE_TOKEN, HALTING, MOLE, REFUSING, Setting, Site, Stage
from bulkhead.model import OracleError, Reading, Result
from bulkhead.model.errors import ModelError, TransferRefused
from bulkhead.model.types import Params, camel

LOGS_EVERY = 4  # steps: events are dear to read
NAV = keccak(b"nav()")[:4]


@dataclass
class Step:
    """An op with what was foretold, and later with what was found."""

    op: Op
    site: Site
    now: int
    orders: list[Order]
    main: int  # which of the orders is the op itself
    expected: str
    result: Result | None
    words: tuple[int, ...]  # what the probe should see; empty after a refusal
    foreseen: Any  # what a liquidation would find, for its laws
    failing: bool  # whether the oracle failed
    reading: Reading  # what it said else
    params: tuple[Params, Params]  # before and after
    simulated: bool = False  # then nothing can be tried on the state it left
    before: Sight | None = None
    after: Sight | None = None
    found: str = ""
    gas: int = 0
    logs: Sequence[Log] = ()

    @property
    def ok(self) -> bool:
        """Whether the chain did it."""
        return self.found.startswith("ok")


class Judge(Protocol):
    """Holds every step to the laws."""

    def foresee(self, world: World, op: Op) -> Any:
        """What must be known of the state before an op."""

    def step(self, world: World, step: Step) -> None:
        """After an op; raises `Broken`."""

    def view(
        self, world: World, site: Site, found: tuple[int, ...], expected: tuple[int, ...]
    ) -> None:
        """Holds what the views say to the model; raises `Broken`."""

    def whole(self, world: World, site: Site, seen: Sight, params: Params) -> None:
        """Holds one look at a market to the laws that need no more; raises `Broken`."""

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
        self.thorough = False  # whether every success is looked at through the views
        self.sights = [self.look(site) for site in self.sites]
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
        """Token units."""
        return int(amount * 10**self.setting.decimals)

    @property
    def refusing(self) -> bool:
        """Whether the token may refuse a payment."""
        return self.setting.token in REFUSING

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
        kept = (self.now, self.at, list(self.sights), len(self._told), len(self.played))
        sites = [(site.params, site.reading, site.failure, site.twin.now) for site in self.sites]
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
            self.now, self.at, self.sights, lines, ops = kept
            del self._told[lines:], self.played[ops:]
            for site, held, oracle in zip(self.sites, sites, oracles, strict=True):
                site.params, site.reading, site.failure, site.twin.now = held
                site.twin.oracle = oracle

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Inside, every success is looked at through the views."""
        self.thorough = True
        try:
            yield
        finally:
            self.thorough = False

    # ---- one step

    def play(self, op: Op) -> str:
        """Foretells an op, sends it, sees what came of it, and has it judged."""
        if op.name == TRIAL:
            return self._try(op)
        step = self.foretell(op)
        found = Answer(True, b"")
        logs: Sequence[Log] = ()
        asked = op.name in RETURNING
        for place, order in enumerate(step.orders):
            self.engine.set_time(order.at)
            answer = self.engine.send(order.to, order.data, order.sender, asked)
            if place == step.main:
                found = answer
                if answer.ok and self.tally.steps % LOGS_EVERY == 0:
                    logs = self.engine.logs()
            else:
                if not answer.ok:
                    raise Broken("I-50", f"what leads to {op} fails: {meaning(answer.data)}")
        step.logs = logs
        self.close(step, found, self._glance(step) if found.ok else None)
        return step.found

    def _glance(self, step: Step) -> tuple[int, ...]:
        """A market's words after a success: as stored where that is what the model expects, else
        as its views say."""
        site = step.site
        site.unseen += 1
        slots = None if self.thorough or site.unseen >= FULL_EVERY else site.slots
        if slots is not None and step.words:
            nav = self.engine.view(site.market.address, NAV)
            value = int.from_bytes(nav.data, "big", signed=True)
            if nav.ok and slots.words(value, step.words) == step.words:
                return step.words
        return self.words(site)

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

    def _try(self, op: Op) -> str:
        """A trial of the judge's: it leaves nothing behind, but its story where a law breaks."""
        self.at = op.market
        self.played.append(op)
        self._told.append(op.told(self.stage.names()))
        first = len(self._told)
        told: list[str] = []
        try:
            with self.undone():
                try:
                    self.judge.trial(self, op)
                except Broken:
                    told = [f"  {line}" for line in self.story[first:]]
                    raise
        finally:
            self._told += told
        return "ok"

    def play_all(self, ops: Iterator[Op]) -> None:
        """Foretells a whole sequence on the twin, then has it run in one request."""
        engine: Simulating = self.engine  # type: ignore[assignment]
        steps = [self.foretell(op) for op in ops if op.name != TRIAL]
        orders = [order for step in steps for order in step.orders]
        (site,) = self.sites  # one probe serves one market
        probe = Order(0, KEEPER, site.probe.address, site.look)
        found = iter(engine.simulate(orders, probe))
        for step in steps:
            answers = [next(found) for _ in step.orders]
            answer, look = answers[step.main]
            step.simulated = True
            if answer.ok and not look.ok:
                raise Broken("I-50", f"a view fails: {meaning(look.data)}")
            self.close(step, answer, site.layout.words(look.data) if answer.ok else None)

    def foretell(self, op: Op) -> Step:
        """What the twin says, which also takes the step."""
        self.at = op.market
        self.tally.steps += 1
        self.now += op.wait
        site, twin = self.site, self.twin
        for each in self.sites:
            each.twin.now = self.now
        failing = site.failure != 0
        if failing:
            twin.oracle = self._oracle_error(site.failure)
        self.played.append(op)
        foreseen = self.judge.foresee(self, op)
        params = site.params
        expected, result = self._on_twin(op)
        ok = expected.startswith("ok")
        orders, main = self._orders(op, ok, failing)
        if ok and op.name == "set_params":
            site.params = op.args[0]
        words = site.layout.expected(twin) if ok else ()
        return Step(
            op,
            site,
            self.now,
            orders,
            main,
            expected,
            result,
            words,
            foreseen,
            site.failure != 0,
            site.reading,
            (params, site.params),
        )

    def close(self, step: Step, answer: Answer, words: tuple[int, ...] | None) -> None:
        """Fills in what was found, and has it judged."""
        op, site = step.op, step.site
        step.gas = answer.gas
        self.last = step
        step.found = self._said(op, answer)
        place = self.sites.index(site)
        step.before = self.sights[place]
        if step.found != step.expected and same_refusal(step.found, step.expected):
            step.found = step.expected
        said = short(step.found)
        self._told.append((op, said))
        self.tally.outcomes[f"{op.name}: {said}"] += 1
        if words is not None:
            step.after = self.sights[place] = site.layout.sight(words, step.before)
        self.judge.step(self, step)

    def look(self, site: Site) -> Sight:
        """A market as its views show it now."""
        return site.layout.sight(self.words(site))

    # ---- the twin

    def _on_twin(self, op: Op) -> tuple[str, Result | None]:
        site, twin, name, args = self.site, self.twin, op.name, op.args
        try:
            if name == "set_price":
                mark, spread, lag, resumed = args
                site.reading = Reading(mark, spread, self.now - lag, resumed)
                twin.oracle, site.failure = site.reading, 0
                return "ok", None
            if name == "fail_oracle":
                site.failure = args[0]
                twin.oracle = self._oracle_error(args[0])
                return "ok", None
            if name == "send":
                to, amount = args
                core = twin.core
                if core.halted and self.setting.token == FALSE_TOKEN:
                    return "ok", None  # it says no, but does not revert
                # A refused account may not even send nothing.
                if not core.passes(op.actor, to) or not twin.send(op.actor, to, amount):
                    raise TransferRefused(to, amount)
                return "ok", None
            if name == "block":
                self._block(*args)
                return "ok", None
            if name == "halt":
                for each in self.sites:
                    each.twin.core.halted = args[0]
                return "ok", None
            if name == "arm":
                return "ok", None
            if name == "share_transfer":
                twin.pool.transfer(op.actor, *args)
                return "ok", None
            if name in GOVERNED:
                self.now += DELAY
                for each in self.sites:
                    each.twin.now = self.now
            target: Any = twin.pool if name in POOL_CALLS else twin
            result = getattr(target, name)(op.actor, *args)
            said = f"ok {plain(result.value)}" if name in RETURNING else "ok"
            return said, result
        except ModelError as problem:
            return error_text(problem), None

    def _block(self, who: str, in_: bool, out: bool) -> None:
        for site in self.sites:
            core = site.twin.core
            for refused, listed in ((core.refuse_to, in_), (core.refuse_from, out)):
                (refused.add if listed else refused.discard)(who)

    def _oracle_error(self, which: int) -> OracleError:
        reading = self.site.reading
        args: tuple[int, ...] = {
            1: (reading.published_at, self.now, 0),
            2: (0,),
            3: (reading.mark,) * 3,
            4: (reading.spread, 0),
            5: (reading.published_at,),
        }[which]
        return OracleError(FAILURES[which], args)

    # ---- the chain

    def _orders(self, op: Op, ok: bool, failing: bool) -> tuple[list[Order], int]:
        """The transactions of an op, and which of them is the op itself."""
        site, name, args, now = self.site, op.name, op.args, self.now
        oracle, stage = site.oracle, self.stage

        def order(contract: Any, function: str, values: tuple[Any, ...], sender: str) -> Order:
            bound = contract[function] if "(" in function else getattr(contract, function)
            data = bound.method.encode(values)
            if sender not in stage.agents:
                return Order(now, sender, contract.address, data)
            to, data, by = stage.through(contract.address, data, sender)
            return Order(now, by, to, data)

        if name == "set_price":
            mark, spread, lag, resumed = args
            values = (mark, spread, now - lag, resumed)
            orders = [order(oracle, "setFailure", (0,), KEEPER)] if failing else []
            return [*orders, order(oracle, "set", values, KEEPER)], len(orders)
        if name == "fail_oracle":
            return [order(oracle, "setFailure", args, KEEPER)], 0
        if name in ("send", "block"):
            function = {"send": "transfer", "block": "setBlocked"}[name]
            return [order(stage.token, function, args, op.actor)], 0
        if name == "halt":
            return [order(stage.token, HALTING[self.setting.token], (int(args[0]),), KEEPER)], 0
        if name == "arm":
            return [order(stage.contracts[MOLE], "arm", self._nested(*args), KEEPER)], 0
        if name == "share_transfer":
            return [order(site.pool, "transfer", args, op.actor)], 0
        if name in POOL_CALLS:
            return [order(site.pool, POOL_CALLS[name], args, op.actor)], 0
        given = tuple(abi(arg) if isinstance(arg, Params) else arg for arg in args)
        if name not in GOVERNED or op.actor != GOVERNANCE:
            return [order(site.market, camel(name), given, op.actor)], 0
        data = bytes(getattr(site.market, camel(name)).encode(*given))
        where = (site.market.address, data)
        first = order(site.authority, "schedule", (*where, 0), GOVERNANCE)
        orders = [
            first._replace(at=now - DELAY),
            order(site.authority, "execute", where, GOVERNANCE),
        ]
        if not ok:
            orders.append(order(site.authority, "cancel", (GOVERNANCE, *where), GOVERNANCE))
        return orders, 1

    def _nested(self, which: int, id_: int) -> tuple[str, bytes]:
        """What a hooked token's receiver calls in the middle of a payment."""
        market, pool, who = self.site.market, self.site.pool, self.stage.contracts[MOLE].address
        calls = (
            (market, market.accrue.encode()),
            (market, market.settle.encode(id_)),
            (market, market.liquidate.encode(id_, who)),
            (market, market.addMargin.encode(id_, 1)),
            (market, market.removeMargin.encode(id_, 1, who)),
            (market, market.closeAndWithdraw.encode(id_, 0, FOREVER, who)),
            (market, market.sweepFees.encode()),
            (pool, pool["requestDeposit(uint256,address,address)"].encode(2, who, who)),
            (pool, pool["requestRedeem(uint256,address,address)"].encode(1, who, who)),
        )
        contract, data = calls[which % len(calls)]
        return contract.address, data

    def _said(self, op: Op, answer: Answer) -> str:
        if not answer.ok:
            return meaning(answer.data)
        if op.name not in RETURNING:
            return "ok"
        site = self.site if self.at == op.market else self.sites[op.market]
        data = answer.data
        if op.actor in self.stage.agents:
            data = self.stage.contracts[self.stage.agents[op.actor]].run.decode(data)
        if op.name in POOL_CALLS:
            return f"ok {plain(site.pool[POOL_CALLS[op.name]].decode(data))}"
        return f"ok {plain(getattr(site.market, camel(op.name)).decode(data))}"


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
