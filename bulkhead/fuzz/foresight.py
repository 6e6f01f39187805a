"""What a liquidation would find, before it is made."""

from __future__ import annotations

from typing import NamedTuple

from bulkhead.fuzz.laws.base import Terms, surplus, terms
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import DELAY, KEEPER
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.world import World
from bulkhead.model import acceptance
from bulkhead.model.errors import ModelError
from bulkhead.model.types import Mode, Reading


class Foreseen(NamedTuple):
    """A position and the terms its liquidation would be judged at."""

    position: Pos
    owner: str
    terms: Terms
    grace: bool


class _Undo(Exception):
    """Ends a look ahead."""


def position(world: World, id_: int) -> Pos:
    """A position as the twin has it."""
    held = world.twin.position(id_)
    return Pos(held.size, held.basis, held.funding_entry, world.twin.margin(id_))


def at_mark(world: World) -> tuple[Terms, bool] | None:
    """Terms and grace as a liquidation now would find them; None if there is no mark."""
    core = world.twin.core
    found = None
    try:
        with core.transaction():
            acceptance.renew(core, world.twin.pool)
            state = core.state.__dict__
            found = terms(state, world.params, world.unit), acceptance.in_grace(core)
            raise _Undo
    except (_Undo, ModelError):
        return found


def foresee(world: World, op: Op) -> Foreseen | None:
    """None where a liquidation is refused whatever the position's health."""
    id_, to = op.args
    if world.twin.state.mode >= Mode.FINAL or to not in world.stage.people:
        return None
    held = world.twin.position(id_)
    if held.size == 0:
        return None
    found = at_mark(world)
    return Foreseen(position(world, id_), held.owner, *found) if found else None


def starves(world: World, id_: int, wait: int) -> bool:
    """Whether a position is below MM, and no grace keeps it, when the mark that is held now is
    published again `wait` seconds later."""
    core, held = world.twin.core, world.twin.state
    now, oracle = core.now, core.oracle
    try:
        core.now, core.oracle = now + wait, Reading(held.mark, held.spread, now + wait, 0)
        found = at_mark(world)
        return found is not None and not found[1] and surplus(position(world, id_), found[0]) < 0
    finally:
        core.now, core.oracle = now, oracle


def filled(world: World, mark: int, wait: int) -> tuple[int, int] | None:
    """The waiting shares and those a fill leaves of them, at a mark that is published now and,
    for the case that it is too new a jump, once more after `wait` seconds; None without a fill."""
    core, twin = world.twin.core, world.twin
    found = None
    now, oracle = core.now, core.oracle
    try:
        with core.transaction():
            for moment in (now, now + wait):
                core.now, core.oracle = moment, Reading(mark, 0, moment, 0)
                for name, values in twin.accrue(KEEPER).events:
                    if name == "RedeemBucketPriced":
                        found = values["shares"], values["shares"] - values["burned"]
            raise _Undo
    except (_Undo, ModelError):
        return found
    finally:
        core.now, core.oracle = now, oracle


def accrued(world: World) -> Terms | None:
    """The terms that a change of parameters would find, after the delay and its accrual."""
    core = world.twin.core
    found = None
    now = core.now
    try:
        with core.transaction():
            core.now = now + DELAY
            acceptance.accrue(core)
            found = terms(core.state.__dict__, world.params, world.unit)
            raise _Undo
    except _Undo:
        return found
    finally:
        core.now = now
