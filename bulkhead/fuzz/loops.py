"""Trials of closed loops at a constant mark: nobody gains by going round."""

from __future__ import annotations

import random
from typing import Any

from bulkhead.fuzz.laws import funding, margin
from bulkhead.fuzz.laws.base import mixed, terms, up
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import FOREVER, KEEPER, OWNERS
from bulkhead.fuzz.world import Step, World
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD


class Loops:
    """I-17 and the mirror of I-24, each within one block."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def _ready(self, world: World) -> bool:
        """A block with a mark in which anything may be traded."""
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        s = world.twin.state
        fresh = s.accepted_at == world.now and s.mode == Mode.NORMAL and s.cash > 0
        if any(world.sight.ahead):
            return False  # a gift waits in a vault that is not there yet: whoever opens it gains it
        return fresh and not world.twin.in_grace() and not world.refuses()

    def _size(self, world: World, dice: random.Random) -> int:
        least = max(world.params.min_notional, dice.choice((1, 1_000)) * WAD)
        size: int = least * dice.randint(110, 400) * WAD // world.twin.state.mark
        return int(size // 100 * dice.choice((-1, 1)))

    def _open(self, world: World, who: str, size: int) -> int:
        """Opens; 0 where caps refuse it."""
        amount = abs(size) * world.twin.state.mark // WAD // world.unit + world.dollars(1)
        args = (0, size, amount, 2**255 if size > 0 else 0, FOREVER)
        if not world.play(Op("open", who, args, 0, world.at)).startswith("ok"):
            return 0
        return int(world.twin.state.next_id) - 1

    def _trade(self, world: World, name: str, id_: int, delta: int) -> bool:
        owner = world.twin.position(id_).owner
        limit = 2**255 if delta > 0 else 0
        args: tuple[Any, ...] = (id_, delta, limit, FOREVER)
        if name == "close_and_withdraw":
            args = (id_, limit, FOREVER, owner)
        return world.play(Op(name, owner, args, 0, world.at)).startswith("ok")

    def _purse(self, world: World, people: list[str]) -> int:
        """Tokens of people, with what tickets owe them (Wad)."""
        sight = world.sight
        held = dict(zip(world.site.layout.holders, sight.balances, strict=True))
        owed = sum(row[2] - row[3] for row in sight.tickets if f"0x{row[0]:040x}" in people)
        return (sum(held[who] for who in people) + owed) * world.unit

    def _tour(self, world: World, dice: random.Random, people: list[str]) -> tuple[int, int] | None:
        """People trade round and out; (fees paid in Wad, trades), None where one can't get out."""
        ids, fees, trades = [], 0, 0

        def paid() -> int:
            return step_fees(world.last) * world.unit

        for who in people:
            id_ = self._open(world, who, self._size(world, dice))
            if id_:
                ids.append(id_)
                fees, trades = fees + paid(), trades + 1
        for id_ in dice.sample(ids, len(ids)):
            size = world.twin.position(id_).size
            if dice.random() < 0.5 and self._trade(world, "increase", id_, size // 7 or 1):
                fees, trades = fees + paid(), trades + 1
            if dice.random() < 0.5 and self._trade(world, "decrease", id_, -(size // 9) or -1):
                fees, trades = fees + paid(), trades + 1
        for id_ in dice.sample(ids, len(ids)):
            size = world.twin.position(id_).size
            if not self._trade(world, "close_and_withdraw", id_, -size):
                return None
            fees, trades = fees + paid(), trades + 1
        return fees, trades

    def round_trip(self, world: World, dice: random.Random) -> None:
        """I-17: in and out, alone or together."""
        if not self._ready(world):
            return
        people = dice.sample(OWNERS, dice.randint(1, 3))
        before = self._purse(world, people)
        done = self._tour(world, dice, people)
        if done is None or done[1] == 0:
            return
        fees, trades = done
        slack = trades * (2 * world.unit + 10_000 + 4 * world.twin.state.mark // WAD)
        after = self._purse(world, people)
        if world.sight.market["nextTicketId"] == 1:
            self.bench.hold(margin.i_17_round_trip, before, after, fees, slack)

    def split(self, world: World, dice: random.Random) -> None:
        """I-17, I-21: an increase in parts ends like the whole."""
        if not self._ready(world):
            return
        size = self._size(world, dice)
        id_ = self._open(world, dice.choice(OWNERS), size)
        if not id_:
            return
        count, more = dice.randint(2, 4), abs(size) // 3
        sign = 1 if size > 0 else -1
        ends, fees = [], []
        for parts in ([more], [more // count] * (count - 1)):
            parts = [*parts, more - sum(parts)] if len(parts) + 1 == count or count == 2 else parts
            parts = [part for part in parts if part]
            with world.undone():
                paid = []
                for part in parts:
                    if not self._trade(world, "increase", id_, sign * part):
                        return
                    paid.append(step_fees(world.last))
                ends.append(world.twin.equity(id_))
                fees.append(paid)
        # Where it crosses a skew of 0, both fee rates apply to the whole's average fill.
        t = terms(world.twin.state.__dict__, world.params, world.unit)
        between = mixed(sign * more, t)
        slack = world.unit + 2 * world.twin.state.mark // WAD + between
        self.bench.hold(margin.i_17_split, ends[0], ends[1], count, slack)
        self.bench.hold(margin.i_21_parts, sum(fees[0]), fees[1], up(between, world.unit))

    def mirror(self, world: World, dice: random.Random) -> None:
        """I-24: at a balanced market a loop costs a long what it costs a short, but for fees, which
        are taken of the fill."""
        if not self._ready(world):
            return
        skew = world.twin.state.skew
        if skew and not self._open(world, KEEPER, -skew):
            return
        size = abs(self._size(world, dice))
        who = dice.choice(OWNERS)
        costs = []
        for signed in (size, -size):
            with world.undone():
                before = self._purse(world, [who])
                id_ = self._open(world, who, signed)
                opened = world.last
                if not id_ or not self._trade(world, "close_and_withdraw", id_, -signed):
                    return
                fees = sum(step_fees(step) for step in (opened, world.last)) * world.unit
                costs.append(before - self._purse(world, [who]) - fees)
        slack = world.unit + 4 * world.twin.state.mark // WAD
        self.bench.hold(funding.i_24_mirrored, *costs, slack)


def step_fees(step: Step | None) -> int:
    """The fees of a step's trades (token units)."""
    told = step.result.events if step and step.result else ()
    return sum(values["fee"] for name, values in told if name == "PositionChanged")
