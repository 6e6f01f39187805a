"""Trial of calls from the middle of an action, out of a hooked token's payment and out of a margin
call: every function of market, pool and book is tried there, and what must not be shown."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bulkhead.deploy.params import abi
from bulkhead.fuzz.chain import requests
from bulkhead.fuzz.chain import said as told
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import KEEPER
from bulkhead.fuzz.scenes import (
    OK,
    acting_owner,
    asked,
    claimable,
    fall_due,
    ill,
    paid,
    pays,
    preface,
    some_order,
)
from bulkhead.fuzz.speech import meaning
from bulkhead.fuzz.stage import ACTOR, MOLE
from bulkhead.fuzz.world import World
from bulkhead.model.types import ZERO_ADDRESS

PROBES = 5  # calls of one trial
TRIED = 3  # actions that are looked for, until one succeeds
LOCKED, BUSY, ENTERED = "Locked", "MarketLocked", "ReentrancyGuardReentrantCall"
GOVERNING = ("setParams", "enterReduceOnly", "leaveReduceOnly", "announceFinal", "setAuthority")
OWN = {  # whom else than the caller they are meant for
    **dict.fromkeys(GOVERNING, "AccessManaged"),
    "scheduleBucket": "NotPool",
    **dict.fromkeys(("pay", "priceDeposits", "priceRedeems"), "NotMarket"),
    **dict.fromkeys(("executeOne", "attempt"), "NotSelf"),
}
# Of the caller's own shares and rights: they may be called whenever.
FREE = frozenset(("approve", "transfer", "transferFrom", "permit", "setOperator"))
# In a margin call they are barred whatever the id; these name none and are open.
ALL_BARRED = frozenset(("liquidate", "liquidateMany", "executeFinal"))
OPEN = frozenset(("reserve", "accrue", "drawTicket", "sweepFees", "addMargin"))
LIMITS = ("maxDeposit", "maxMint", "maxWithdraw", "maxRedeem")
VALUES = ("nav", "freeLiquidity")
WORTH = ("totalAssets", "convertToAssets", "convertToShares")


@dataclass(frozen=True)
class Inner:
    """A call from within, and the head of what must come of it; `!` before it: of what must not."""

    what: str
    to: str
    encode: Callable[[], bytes]  # its calldata
    expected: str


class Inside:
    """I-45: nothing gets done, or shown, in the middle of an action that could be unfinished."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """One action with a payment or a margin call in its middle, and some calls from there."""
        mole = world.stage.contracts.get(MOLE)
        if mole is not None:  # what it was told before is no part of this
            world.engine.send(mole.address, mole.arm.encode(ZERO_ADDRESS, b""), KEEPER)
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        scenes: list[Callable[[World, random.Random], None]] = []
        if mole is not None:
            scenes += [self._paying, self._paying, self._pricing]
        if ACTOR in world.stage.contracts:
            scenes += [self._calling]
        if scenes and world.ids:
            dice.choice(scenes)(world, dice)

    # ---- out of a payment

    def _paying(self, world: World, dice: random.Random) -> None:
        """Whom the token tells of a payment calls back."""
        if dice.random() < 0.5:
            claimable(world, dice)
        if ACTOR in world.stage.contracts:
            ill(world, dice)  # then a payment may come after a margin call
        found = self._action(world, dice)
        if found is None:
            return
        op, kind, expected = found
        groups = [list(_barred(world, dice, kind))]
        if kind == "market":
            shown = [call for call in _limits(world) if _shows(world, call)]
            groups += [group for group in (list(_hidden(world, dice)), shown) if group]
        for _ in range(PROBES):
            self._within(world, op, expected, dice.choice(dice.choice(groups)))

    def _action(self, world: World, dice: random.Random) -> tuple[Op, str, str] | None:
        """One that succeeds and pays the mole or takes of it, by whose contract it is of."""
        options = list(paid(world, dice))
        for op, kind in dice.sample(options, TRIED):
            with world.undone():
                said = world.play(op)
            if said.startswith(OK):
                return op, kind, said
        return None

    def _within(self, world: World, op: Op, expected: str, call: Inner) -> None:
        """Sends an action in whose first payment a call is made."""
        engine, mole = world.engine, world.stage.contracts[MOLE]
        made, main = requests(world, op, True, world.site.failure != 0)
        point = engine.snapshot()
        try:
            engine.send(mole.address, mole.arm.encode(call.to, call.encode()), KEEPER)
            for request in made[: main + 1]:
                engine.set_time(request.at)
                answer = engine.send(request.to, request.data, request.sender)
            called = engine.view(mole.address, mole.called.encode()).data
            if called[-1:] == b"\1":
                self._judge(world, mole, call, f"in {op.name}")
                said = told(world, op, answer)
                if not call.expected.startswith(OK):
                    self.bench.hold(access.i_45_inside, f"{op.name} around it", said, expected)
        finally:
            engine.restore(point)

    def _judge(self, world: World, by: Any, call: Inner, where: str) -> None:
        engine = world.engine
        data = by.answer.decode(engine.view(by.address, by.answer.encode()).data)
        what = f"{call.what} {where}"
        if engine.view(by.address, by.worked.encode()).data[-1:] == b"\1":
            number = call.expected.startswith("ok ")
            said = f"ok {int.from_bytes(data[:32], 'big')}" if number else OK
        elif not data:
            return  # out of gas: a margin call has little
        else:
            said = meaning(data)
        self.bench.hold(access.i_45_inside, what, said, call.expected)

    def _pricing(self, world: World, dice: random.Random) -> None:
        """What would price the pool, or be paid by it, is refused from the middle of the pool's own
        functions."""
        if dice.random() < 0.5:
            claimable(world, dice)
        fall_due(world, dice)
        mole = world.stage.contracts[MOLE].address
        pool, market = world.site.pool, world.site.market
        options = [op for op, kind in paid(world, dice) if kind == "pool"]
        for op in dice.sample(options, min(TRIED, len(options))):
            with world.undone():
                outer = world.play(op)
            if not outer.startswith(OK):
                continue
            id_ = dice.choice(world.ids)
            for name, args in (("accrue", ()), ("settle", (id_,))):
                inner = Op(name, mole, args, 0, world.at)
                with world.undone(), asked(world.twin.pool) as questions:
                    alone = world.play(inner)
                    needed = bool(questions) or pays(world, pool.address)
                if alone.startswith(OK):
                    expected = ENTERED if needed else OK
                    data = partial(getattr(market, inner.name).encode, *inner.args)
                    call = Inner(inner.name, market.address, data, expected)
                    self._within(world, op, outer, call)
            views = [*_views(world, dice, market, ("nav",)), *_views(world, dice, pool, WORTH)]
            name, where, encode = dice.choice(views)
            held = world.engine.view(where, encode())
            if held.ok:  # a claim moves no value of the pool
                value = int.from_bytes(held.data, "big")
                self._within(world, op, outer, Inner(name, where, encode, f"ok {value}"))
            return

    # ---- out of a margin call

    def _calling(self, world: World, dice: random.Random) -> None:
        """An owner that is called does this and that, and then asks what it may do."""
        id_ = ill(world, dice)
        if id_ is None:
            return
        neighbours = [i for i in world.ids if i != id_]
        if not neighbours:
            return
        calls = list(_in_call(world, dice, id_, dice.choice(neighbours)))
        barred = [call for call in calls if call.expected == LOCKED]
        others = [
            i for i in neighbours if world.twin.position(i).owner != acting_owner(world).address
        ]
        for call in (*dice.sample(calls, PROBES - 1), dice.choice(barred)):
            many = [*dice.sample(others, min(2, len(others))), id_]
            self._called(world, dice, call, id_, many if dice.random() < 0.4 else [])

    def _called(
        self, world: World, dice: random.Random, call: Inner, id_: int, many: list[int]
    ) -> None:
        """A liquidation in whose margin call the owner makes some calls, and then this one."""
        engine, market = world.engine, world.site.market
        actor, ear = acting_owner(world), world.stage.ear
        acts = [*preface(world, dice, id_), (ear.address, ear.onMarginCall.encode(id_, 0))]
        asked = (actor.address, actor.run.encode(call.to, call.encode()))
        data = market.liquidate.encode(id_, KEEPER)
        if many:
            data = market.liquidateMany.encode(many, KEEPER)
        point = engine.snapshot()
        try:
            engine.set_time(world.now)
            engine.send(ear.address, ear.arm.encode(*asked), KEEPER)
            engine.send(actor.address, actor.plan.encode(market.address, acts), KEEPER)
            done = engine.send(market.address, data, KEEPER)
            made = int.from_bytes(engine.view(ear.address, ear.calls.encode()).data, "big")
            if done.ok and made:
                self._judge(world, _Run(ear, actor), call, "in a margin call")
        finally:
            engine.restore(point)


class _Run:
    """What an ear heard: an answer of `run`, unwrapped."""

    def __init__(self, ear: Any, actor: Any) -> None:
        self.address, self.worked, self._ear, self._run = ear.address, ear.worked, ear, actor.run
        self.answer = self

    def encode(self) -> bytes:
        """Asks for what was heard."""
        return bytes(self._ear.answer.encode())

    def decode(self, data: bytes) -> bytes:
        """What it was; a refusal as it is."""
        found: bytes = self._ear.answer.decode(data)
        if len(found) >= 64 and len(found) % 32 == 0 and found[:32] == (32).to_bytes(32, "big"):
            return bytes(self._run.decode(found))
        return found


# ---- what is tried


def _methods(contract: Any) -> Iterator[Any]:
    """Every function of a contract that changes something, by its signature."""
    for signature, (method, *_) in contract._methods.items():
        if "(" in signature and not method.view and method.name not in FREE:
            yield method


def _types(signature: str) -> list[str]:
    """`f(uint256,(a,b))` -> `uint256`, `(a,b)`."""
    depth, found = 0, [""]
    for letter in signature[signature.index("(") + 1 : -1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [kind for kind in found if kind]


def _arguments(world: World, dice: random.Random, method: Any, id_: int) -> tuple[Any, ...]:
    """Plausible ones: what bars a function bars it whatever they are."""
    who = dice.choice((*world.stage.agents, *world.site.layout.providers))

    def one(kind: str, name: str) -> Any:
        if kind.startswith("("):
            if kind.startswith("(address,uint256,uint256,uint256,uint8"):
                order = some_order(world, dice, who).as_tuple()
                return [order] if kind.endswith("[]") else order
            return abi(world.params)
        if name == "market":
            return world.site.market.address
        if kind in ("uint256", "int256"):
            return id_ if name in ("id", "positionId") else 1
        if kind == "bytes[]":
            return [world.site.book.claimRefund.encode(who)]
        fixed: dict[str, Any] = {"bool": True, "bytes": b"", "uint256[]": [id_], "address": who}
        return fixed[kind]

    kinds = _types(method.signature)
    return tuple(one(kind, name) for kind, name in zip(kinds, method.names, strict=True))


def _call(
    world: World, dice: random.Random, contract: Any, method: Any, id_: int
) -> tuple[str, Callable[[], bytes]]:
    """Where, and how its calldata is made once it is needed."""

    def encode() -> bytes:
        return bytes(method.encode(_arguments(world, dice, method, id_)))

    return contract.address, encode


def _views(
    world: World, dice: random.Random, contract: Any, names: tuple[str, ...]
) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    for name in names:
        yield name, *_call(world, dice, contract, contract._methods[name][0], 1)


def _barred(world: World, dice: random.Random, kind: str) -> Iterator[Inner]:
    """What nobody gets done from the middle of an action of this contract."""
    site = world.site
    guards = {
        "market": {"market": LOCKED, "pool": BUSY},
        "pool": {"pool": ENTERED},
        "book": {"book": ENTERED},
    }[kind]
    id_ = dice.choice(world.ids)
    for name, contract in (("market", site.market), ("pool", site.pool), ("book", site.book)):
        for method in _methods(contract):
            expected = OWN.get(method.name) or guards.get(name)
            if expected is not None:
                where = _call(world, dice, contract, method, id_)
                yield Inner(f"{name}.{method.name}", *where, expected)


def _hidden(world: World, dice: random.Random) -> Iterator[Inner]:
    """Views that would show what is not finished."""
    market, pool = world.site.market, world.site.pool
    for view in _views(world, dice, pool, WORTH):
        yield Inner(*view, LOCKED)
    for view in _views(world, dice, market, VALUES):
        yield Inner(*view, LOCKED)
    yield Inner("locked", market.address, market.locked.encode, "ok 1")
    yield Inner("calledId", market.address, market.calledId.encode, "ok 0")
    yield from _lenses(world, dice, dice.choice(world.ids))


def _limits(world: World) -> Iterator[Inner]:
    """What providers may claim: nothing while the market acts."""
    pool = world.site.pool
    for who in world.site.layout.providers:
        for name in LIMITS:
            encode = partial(getattr(pool, name).encode, who)
            yield Inner(name, pool.address, encode, "ok 0")


def _shows(world: World, call: Inner) -> bool:
    """Whether a view answers more than nothing outside."""
    return any(world.engine.view(call.to, call.encode()).data)


def _lenses(world: World, dice: random.Random, id_: int) -> Iterator[Inner]:
    for lens in world.stage.lenses.values():
        for signature, (method, *_) in lens._methods.items():
            if "(" in signature and method.name != "previewRemoveMargin":
                where = _call(world, dice, lens, method, id_)
                yield Inner(f"lens.{method.name}", *where, LOCKED)


def _in_call(world: World, dice: random.Random, id_: int, near: int) -> Iterator[Inner]:
    """What an owner may do and see in its margin call, and what not."""
    site = world.site
    market, pool, book = site.market, site.pool, site.book
    for method in _methods(market):
        name, own = method.name, OWN.get(method.name)
        called = _call(world, dice, market, method, id_)
        if own is not None or name in ALL_BARRED:
            yield Inner(name, *called, own or LOCKED)
            continue
        barred = name not in OPEN
        what = f"{name} of the called id" if barred else name
        yield Inner(what, *called, LOCKED if barred else f"!{LOCKED}")
        other = _call(world, dice, market, method, near)
        yield Inner(f"{name} of another id", *other, f"!{LOCKED}")
    for contract in (pool, book):
        for method in _methods(contract):
            expected = OWN.get(method.name) or (BUSY if contract is pool else None)
            if expected is not None:
                where = _call(world, dice, contract, method, id_)
                yield Inner(method.name, *where, expected)
    yield from _limits(world)
    for view in (*_views(world, dice, pool, WORTH), *_views(world, dice, market, VALUES)):
        yield Inner(*view, OK)
    yield Inner("locked", market.address, market.locked.encode, "ok 1")
    yield Inner("calledId", market.address, market.calledId.encode, f"ok {id_}")
    yield from _lenses(world, dice, id_)
