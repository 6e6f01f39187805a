"""Calls that act on several positions or orders at once: each member is judged as a call of its
own, and together they must do what those calls do one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bulkhead.fuzz.laws import funding
from bulkhead.fuzz.ops import BATCHES, Op
from bulkhead.fuzz.people import KEEPER
from bulkhead.fuzz.speech import values
from bulkhead.fuzz.world import Step, World
from bulkhead.model.types import LiquidationResult


class Alone(NamedTuple):
    """What the members of a batch did, each in a call of its own."""

    results: tuple[int, ...]  # 0: refused
    words: tuple[int, ...]  # of the market after the last


def alone(world: World, op: Op) -> Alone:
    """Makes the calls one after another on what the batch will find; every law of single calls
    holds for them."""
    members, *rest = op.args
    wait, results = op.wait, []
    for member in members:
        said = world.play(Op(BATCHES[op.name], op.actor, (member, *rest), wait, op.market))
        results.append(values(said)[0] if said.startswith("ok") else 0)
        wait = 0
    if any(results):
        return Alone(tuple(results), world.sights[op.market].words)
    if op.name == "liquidate_many":
        # One that liquidates nobody has brought the mark all the same.
        world.play(Op("accrue", KEEPER, (), wait, op.market))
    # What was seen last may be from before another market paid or charged people.
    return Alone(tuple(results), world.look(world.sites[op.market]).words)


def compare(bench: Any, step: Step) -> None:
    """Holds a batch to its members' own calls; a refused one to that none of them does anything."""
    each: Alone = step.alone
    done: Sequence[int] = (0,) * len(each.results)
    if step.ok:
        least = LiquidationResult.PARTIAL if step.op.name == "liquidate_many" else -(2**255)
        done = tuple(n if n >= least else 0 for n in values(step.found))
    words = (step.after.words, each.words) if step.after is not None else ((), ())
    bench.hold(funding.i_24_at_once, (done, each.results), words)
