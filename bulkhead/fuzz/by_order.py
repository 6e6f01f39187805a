"""Leaving a market that trades through its book alone, and knowing its prices beforehand."""

from __future__ import annotations

import random
from typing import Any

from bulkhead.fuzz.laws import orders as laws
from bulkhead.fuzz.laws.base import up
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, EVE, FOREVER, KEEPER
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import Order
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

LIFE = 10**6  # seconds


def close(world: World, id_: int) -> str:
    """Closes a position: by its owner at once, or by an order where only orders trade. What was
    said to the last step of it."""
    p = world.twin.position(id_)
    limit = 0 if p.size > 0 else ANY_BUY
    if not world.params.delayed_only:
        return world.play(Op("close", p.owner, (id_, limit, FOREVER), 0, world.at))
    world.play(Op("set_delegate", p.owner, (0, world.site.book.address, FOREVER), 0, world.at))
    order = order_of(world, p.owner, id_, -p.size, reduce_only=True)
    said = world.play(Op("place_order", p.owner, (order,), 0, world.at))
    if not said.startswith("ok"):
        return said
    mark, wait = world.site.reading.mark, world.params.order_delay_secs + 1
    world.play(Op("set_price", "", (mark, 0, 0, 0), wait, world.at))
    said = world.play(Op("execute_order", KEEPER, (order, KEEPER), 0, world.at))
    return "ok" if said.startswith("ok") else said


def order_of(world: World, owner: str, id_: int, size: int, **terms: Any) -> Order:
    """A market order without a limit, on the position as it stands."""
    return Order(
        owner=owner,
        position_id=id_,
        epoch=world.twin.core.epochs.get(id_, 0),
        phase=world.twin.position(id_).phase,
        size=size,
        price_limit=ANY_BUY if size > 0 else 0,
        expiry=world.now + LIFE,
        salt=len(world.played) << 20,
        **terms,
    )


class FrontRunner:
    """I-43: somebody who sees the next mark before the others."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """Opens by an order, with the next mark known, and closes at it; every second counts."""
        if not self._ready(world):
            return
        step, mark = dice.choice((3, 20, -3, -20)), world.twin.state.mark
        self._known = mark * (1_000 + step) // 1_000
        size = max(world.params.min_notional, WAD) * 3 * WAD // mark * (1 if step > 0 else -1)
        before, index = self._wealth(world), world.sight.state["funding_index"]
        margin = world.dollars(1) + abs(size) * mark // WAD // world.unit
        order = order_of(world, EVE, 0, size, margin=margin)
        if not world.play(Op("place_order", EVE, (order,), 0, world.at)).startswith("ok"):
            return
        id_ = world.ids[-1]
        if not self._filled(world, order, dice):
            return
        out = order_of(world, EVE, id_, -size, reduce_only=True)
        world.play(Op("place_order", EVE, (out,), 0, world.at))
        if not self._filled(world, out, dice):
            return
        free = world.twin.withdrawable(id_)
        if free:
            world.play(Op("remove_margin", EVE, (id_, free, EVE), 0, world.at))
        passed = abs(world.sight.state["funding_index"] - index)
        funding = up(abs(size) * passed, WAD * world.unit)  # what others may have paid her
        self.bench.hold(laws.i_43_front_run, before, self._wealth(world), funding)

    def _ready(self, world: World) -> bool:
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        s = world.twin.state
        fresh = s.accepted_at == world.now and s.mode == Mode.NORMAL and not world.twin.in_grace()
        calm = s.skew == 0 or abs(s.skew) * s.mark // WAD < 10**5 * WAD
        gifts = any(world.sight.ahead)
        return fresh and calm and not world.refuses() and not gifts and s.cash > 0

    def _filled(self, world: World, order: Order, dice: random.Random) -> bool:
        """Tries at once, then at the mark that is known, each second until it works."""
        site, delay = world.site, world.params.order_delay_secs
        attempt = Op("execute_order", EVE, (order, EVE), 0, world.at)
        if world.play(attempt).startswith("ok"):
            return True
        for wait in (dice.randint(0, delay), 1, delay, 1):
            price = Op("set_price", "", (self._known, 0, 0, 0), wait, world.at)
            world.play(price)
            if site.failure == 0 and world.play(attempt).startswith("ok"):
                return True
        return False

    def _wealth(self, world: World) -> int:
        """What Eve has outside of the positions that she had before (token units)."""
        sight = world.sight
        held = dict(zip(world.site.layout.holders, sight.balances, strict=True))
        owed = sum(row[2] - row[3] for row in sight.tickets if f"0x{row[0]:040x}" == EVE)
        return int(held[EVE] + owed)
