"""The decoder: which move comes next, by the state of the market."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bulkhead.fuzz.moves.absurd import Absurd
from bulkhead.fuzz.moves.base import Move, enough
from bulkhead.fuzz.moves.behalf import Behalf
from bulkhead.fuzz.moves.source import Bytes, Steady
from bulkhead.fuzz.moves.states import States
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import (
    ANY_BUY,
    FOREVER,
    KEEPER,
    OWNERS,
    PRICE,
)
from bulkhead.fuzz.stage import ACTOR, HALTING, LISTING_TOKEN, MOLE
from bulkhead.fuzz.trials import TRIALS
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import Order
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

# Moves, on average, where a token or a margin call calls somebody in the middle of an action.
HOOKED_EVERY, CALLED_EVERY = 60, 1_000
LOOK_EVERY = 600  # moves, on average: views that no call needs
TRIAL_EVERY = 40  # moves, on average: trials are dear
BIRTHS = 4  # first deposits that are tried
CHAPTERS = 85  # of 256 sequences begin with one


class Decoder(States, Behalf, Absurd):
    """Chooses the next ops."""

    def __init__(self, world: World, blob: bytes) -> None:
        super().__init__(world, Bytes(blob))
        steady: tuple[tuple[int, Move], ...] = (  # as likely whatever the state
            (30, self.solved_price),
            (30, self.solved_margin),
            (35, self.decrease),
            (25, self.increase),
            (25, self.remove),
            (25, self.provide),
            (20, self.idle),
            (14, self.entrust),
            (12, self.close),
            (12, self.settle),
            (12, self.accrue),
            (12, self.delegate),
            (12, self.storm),
            (10, self.add),
            (10, self.donate),
            (10, self.epoch),
            (4, self.punctual),
            (8, self.transfer),
            (8, self.forbidden),
            (5, self.misdirect),
            (8, self.absurd),
            (8, self.renewal),
            (8, self.renewed_many),
            (5, self.outage),
            (5, self.sweep),
            (5, self.brink),
            (4, self.parameters),
            (4, self.largest),
            (4, self.smallest),
            (10, self.remainder),
            (8, self.crossing),
            (8, self.extremes),
            (6, self.bounds),
            (4, self.drained),
            (3, self.sandwich),
            (3, self.lopsided),
            (5, self.operate),
            (5, self.sweep_foreign),
            (5, self.operator),
            (5, self.deputy),
            (3, self.signed),
            (2, self.reserve),
            (5, self.mixed_batch),
            (8, self.tables),
            (1, self.impacts),
            (4, self.gifted),
            (5, self.relocked),
        )
        self._steady = Steady(steady)

    def ops(self) -> Iterator[Op]:
        """Ops until the blob ends. Each is to be played before the next is asked for."""
        world = self.world
        if self.read.byte() < CHAPTERS:
            if len(world.sites) > 1:
                world.at = self.read.byte() % len(world.sites)
            yield from self.chapter()
        contracts = world.stage.contracts
        inside = HOOKED_EVERY if MOLE in contracts else CALLED_EVERY if ACTOR in contracts else 0
        while not self.read.empty:
            if len(world.sites) > 1:
                world.at = self.read.byte() % len(world.sites)
            drawn = self.read.word()
            if drawn % TRIAL_EVERY == 0:
                yield self.op(TRIAL, "", (self.read.pick(tuple(TRIALS)), self.read.word()))
            if drawn % LOOK_EVERY == 1:
                yield self.op(TRIAL, "", ("views", self.read.word()))
            if inside and drawn % inside == 2:
                yield self.op(TRIAL, "", ("inside", self.read.word()))
            yield from self._next()()
        yield self.op(TRIAL, "", ("views", len(world.played)))

    def _next(self) -> Move:
        twin, held, world = self.twin, self.held(), self.world
        if not world.ids:  # its parameters refused whatever the opening tried
            moves = [(3, self.open), (1, self.price), (1, self.parameters), (1, self.provide)]
            return self.read.weighted(moves)
        ill = self.any_ill(held)
        adl = twin.net_claim() * WAD > world.params.adl_start * twin.state.cash * world.unit
        stuck = world.site.failure != 0
        options: list[tuple[int, Move]] = [
            (60 if len(held) < 8 else 15, self.open),
            (80 if stuck else 55, self.price),
            (120 if ill else 8, self.liquidate),
            (25 if ill else 4, self.liquidate_many),
            (150 if adl else 3, self.deleverage),
            (60 if twin.core.totals.next_ticket_id > 1 else 2, self.draw),
            (4 if twin.state.mode == Mode.NORMAL else 60, self.modes),
            (2 if twin.state.mode < Mode.FINAL else 300, self.final),
            (1_500 if twin.state.mode == Mode.SETTLED else 0, self.late),
            (350 if world.params.delayed_only else 70, self.ordering),
        ]
        if world.setting.token == LISTING_TOKEN:
            options += [(20, self.blacklist), (40, self.refused), (16, self.gifted)]
            options += [(10, self.refused_twice), (6, self.cornered), (16, self.destroy)]
        if world.setting.token in HALTING:
            options.append((90 if twin.core.halted else 12, self.halt))
        if ACTOR in world.stage.contracts:
            options.append((16, self.scheme))
        if MOLE in world.stage.contracts:
            options.append((30, self.call_back))
        return self.read.weighted(options, self._steady)


def opening(world: World) -> Iterator[Op]:
    """What every example begins from: a pool, some insurance, eight positions, in each market."""
    for place in range(len(world.sites)):
        world.at = place
        yield from _opening(world, place)


def _opening(world: World, place: int) -> Iterator[Op]:
    def op(name: str, actor: str = "", args: tuple[object, ...] = (), wait: int = 0) -> Op:
        return Op(name, actor, args, wait, place)

    yield op(TRIAL, "", ("listing", place))
    for seed in range(BIRTHS):
        yield op(TRIAL, "", ("birth", seed))
    yield op(TRIAL, "", ("stillborn", 0))
    tight = world.params.max_utilisation > WAD
    amounts = (60_000, 15_000) if tight else (300_000, 60_000)
    for who, amount in zip(world.stage.providers, amounts, strict=True):
        yield op("request_deposit", who, (world.dollars(amount), who, who))
    wait = max(601, world.params.deposit_delay_secs + 1)
    for _ in range(2):
        yield op("set_price", args=(PRICE, 0, 0, 0), wait=wait)
        yield op("accrue", KEEPER)
    for who in world.stage.providers:
        most = world.twin.pool.deposits.folded(who).assets
        yield op("deposit", who, (most, who, who))
    yield op("send", KEEPER, (world.site.fund, world.dollars(1_500)))
    plan = ((60, 14), (-45, 15), (30, 10), (-70, 16), (20, 5), (-12, 17), (8, 3), (-6, 12))
    agents = tuple(world.stage.agents)
    for owner in (*OWNERS, *agents):
        yield op("set_delegate", owner, (0, world.site.book.address, FOREVER))
    delayed = world.params.delayed_only
    for number, (thousands, leverage) in enumerate(plan):
        owner = OWNERS[number % len(OWNERS)]
        if agents and number % 2:
            owner = agents[number // 2 % len(agents)]
        size = thousands * 1_000 * world.setting.scale * WAD * WAD // PRICE
        margin = max(world.dollars(abs(thousands) * 1_000) // leverage, enough(world, size))
        limit = ANY_BUY if size > 0 else 0
        if delayed:
            yield from _ordered(world, op, owner, size, margin, limit)
        else:
            yield op("open", owner, (0, size, margin, limit, FOREVER))
        if owner in agents:
            yield op("set_margin_call", owner, (number + 1, True))


def _ordered(
    world: World, op: Callable[..., Op], owner: str, size: int, margin: int, limit: int
) -> Iterator[Op]:
    """Opens a position through the book."""
    expiry = world.now + 10_000
    order = Order(owner=owner, size=size, margin=margin, price_limit=limit, expiry=expiry)
    yield op("place_order", owner, (order,))
    yield op("set_price", args=(PRICE, 0, 0, 0), wait=world.params.order_delay_secs + 1)
    yield op("execute_order", KEEPER, (order, KEEPER))
