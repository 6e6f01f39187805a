"""An op on the twin: what it says to it. The other side of `chain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bulkhead.fuzz.ops import (
    BOOK_CALLS,
    GOVERNED,
    OWN_CLAIMS,
    POOL_CALLS,
    RETURNING,
    SHARE_CALLS,
    Op,
)
from bulkhead.fuzz.people import DELAY
from bulkhead.fuzz.signing import SIGNATURES, valid
from bulkhead.fuzz.speech import FAILURES, error_text, plain
from bulkhead.fuzz.stage import FALSE_TOKEN
from bulkhead.model import OracleError, Reading, Result
from bulkhead.model.errors import ModelError, TransferRefused

if TYPE_CHECKING:
    from bulkhead.fuzz.world import World


def said(world: World, op: Op) -> tuple[str, Result | None]:
    """Takes the step on the twin, time and oracle included: what comes of it, in words."""
    site, twin, name, args = world.site, world.twin, op.name, op.args
    try:
        if name == "set_price":
            mark, spread, lag, resumed = args
            site.reading = Reading(mark, spread, world.now - lag, resumed)
            twin.oracle, site.failure = site.reading, 0
            return "ok", None
        if name == "fail_oracle":
            site.failure = args[0]
            twin.oracle = oracle_error(world, args[0])
            return "ok", None
        if name == "send":
            to, amount = args
            core = twin.core
            if core.halted and world.setting.token == FALSE_TOKEN:
                return "ok", None  # it says no, but does not revert
            # A refused account may not even send nothing.
            if not core.passes(op.actor, to) or not twin.send(op.actor, to, amount):
                raise TransferRefused(to, amount)
            return "ok", None
        if name == "destroy":
            twin.destroy(*args)
            return "ok", None
        if name == "send_foreign":
            world.stage.foreign_to(*args)
            return "ok", None
        if name == "block":
            _block(world, *args)
            return "ok", None
        if name == "halt":
            for each in world.sites:
                each.twin.core.halted = args[0]
            return "ok", None
        if name == "arm":
            return "ok", None
        if name == "plan":
            world.stage.plans.put(twin.core.market, args[0])
            return "ok", None
        if name in SHARE_CALLS:
            getattr(twin.pool, SHARE_CALLS[name][1])(op.actor, *args)
            return "ok", None
        if name in GOVERNED:
            world.now += DELAY
            for each in world.sites:
                each.twin.now = world.now
        target: Any = twin.pool if name in POOL_CALLS else twin
        if name in BOOK_CALLS:
            target, name = site.orders, BOOK_CALLS[name]
            if args[-1] in SIGNATURES:
                order, how = args
                args = (order, valid(order, how, world.stage.signers))
        if name in OWN_CLAIMS:
            name, args = OWN_CLAIMS[name], (*args, op.actor)
        result = getattr(target, name)(op.actor, *args)
        if name == "sweep_foreign" and args[1] == world.stage.foreign.address:
            world.stage.foreign_swept(twin.core.vault(args[0]), args[2])
        words = f"ok {plain(result.value)}" if op.name in RETURNING else "ok"
        return words, result
    except ModelError as problem:
        return error_text(problem), None


def oracle_error(world: World, which: int) -> OracleError:
    """What a failing oracle says: the number of its failure."""
    reading = world.site.reading
    args: tuple[int, ...] = {
        1: (reading.published_at, world.now, 0),
        2: (0,),
        3: (reading.mark,) * 3,
        4: (reading.spread, 0),
        5: (reading.published_at,),
    }[which]
    return OracleError(FAILURES[which], args)


def patience(world: World) -> int:
    """Seconds after which the next buckets are due, whatever their delays were when they closed."""
    p, pool = world.params, world.twin.pool
    due = max(side.queue.due_at for side in (pool.deposits, pool.redemptions))
    delays = (p.deposit_delay_secs, p.redeem_delay_secs, p.pricing_wait_secs)
    return int(max(*delays, due - world.now) + 1)


def _block(world: World, who: str, in_: bool, out: bool) -> None:
    for site in world.sites:
        core = site.twin.core
        for refused, listed in ((core.refuse_to, in_), (core.refuse_from, out)):
            (refused.add if listed else refused.discard)(who)
