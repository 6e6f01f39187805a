"""The trial of a coalition: traders, a provider and a keeper who act together along a path of
prices, and what each of their calls may bring them."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

from bulkhead.fuzz import pricing
from bulkhead.fuzz.laws import pool
from bulkhead.fuzz.laws.base import Terms, equity, potential, terms, up
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER, LP, OWNERS
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.trades import waiting
from bulkhead.fuzz.world import World
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

CASH_LIMIT = 2**95  # token units; not far above, the cash counts no more of what comes in


class Worth(NamedTuple):
    """Who has what at one mark (Wad)."""

    ours: int
    others: int
    kept: int  # what the pool sets aside for the skew and for funding in waiting
    single: dict[int, int]  # equity of each position

    @property
    def own(self) -> int:
        """With what trades take out of or pay into what is set aside: it comes back to whoever
        brings the skew back."""
        return self.ours + self.kept


class Moment(NamedTuple):
    """A market as it was seen, and what the coalition's provider waits for."""

    sight: Sight
    assets: int  # of its deposits (token units)
    shares: int  # of its redemptions


class Coalition:
    """I-09."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """Some calls at one mark, a new mark, and so on."""
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        if world.refuses() or not self._ready(world):
            return
        people = frozenset((*dice.sample(OWNERS, 2), KEEPER, LP))
        traders = sorted(people - {KEEPER, LP})
        moment = _moment(world)
        for leg in range(dice.randint(1, 4)):
            if leg:
                found = self._moved(world, dice, people, moment)
                if found is None:
                    return
                moment = found
            for _ in range(dice.randint(2, 6)):
                op = self._act(world, dice, traders)
                if op is None or not world.play(op).startswith("ok"):
                    continue
                last, moment = moment, _moment(world)
                if moment.sight.market["nav"] <= 0:
                    return
                self._hold(world, op, people, last, moment)

    def _ready(self, world: World) -> bool:
        """A block with a mark in which anything may be traded. A gift that waits in a vault which
        is not there yet belongs to whoever opens it."""
        s, sight = world.twin.state, world.sight
        fresh = s.accepted_at == world.now and s.mode == Mode.NORMAL
        solvent = 0 < s.cash < CASH_LIMIT and sight.market["nav"] > 0
        return fresh and solvent and not world.twin.in_grace() and not any(sight.ahead)

    # ---- what they do

    def _act(self, world: World, dice: random.Random, traders: list[str]) -> Op | None:
        """One of their calls."""
        twin, at = world.twin, world.at
        held = [i for i in world.ids if twin.position(i).size]
        mine = [i for i in held if twin.position(i).owner in traders]
        ill = [i for i in held if twin.liquidatable(i)]
        if ill and dice.random() < 0.5:
            return Op("liquidate", KEEPER, (dice.choice(ill), KEEPER), 0, at)
        if dice.random() < 0.35:
            return self._provide(world, dice)
        if not mine or dice.random() < 0.35:
            return self._open(world, dice, dice.choice(traders))
        id_ = dice.choice(mine)
        p, owner = twin.position(id_), twin.position(id_).owner
        part = p.size // dice.choice((2, 3, 9)) or p.size
        acts: tuple[Callable[[], Op], ...] = (
            lambda: Op("increase", owner, (id_, part, _limit(part), FOREVER), 0, at),
            lambda: Op("decrease", owner, (id_, -part, _limit(-part), FOREVER), 0, at),
            lambda: Op("close_and_withdraw", owner, (id_, _limit(-p.size), FOREVER, owner), 0, at),
            lambda: Op("remove_margin", owner, (id_, max(1, twin.withdrawable(id_)), owner), 0, at),
            lambda: Op("settle", owner, (dice.choice(held),), 0, at),
            lambda: Op("deleverage", KEEPER, (dice.choice(held),), 0, at),
        )
        return dice.choice(acts)()

    def _open(self, world: World, dice: random.Random, who: str) -> Op:
        """Small or large, with little margin or much."""
        mark = world.twin.state.mark
        least = max(world.params.min_notional, WAD)
        size = least * dice.randint(110, 400) // 100 * dice.choice((1, 30, 1_000)) * WAD // mark
        size *= dice.choice((-1, 1))
        margin = abs(size) * mark // WAD // world.unit // dice.choice((1, 4, 12))
        args = (0, size, margin + world.dollars(1), _limit(size), FOREVER)
        return Op("open", who, args, 0, world.at)

    def _provide(self, world: World, dice: random.Random) -> Op | None:
        """The provider asks for shares or for its money, or claims either."""
        book = world.twin.pool
        ready, paid = book.deposits.folded(LP), book.redemptions.folded(LP)
        shares = book.shares.get(LP, 0)
        choices = [("request_deposit", world.dollars(dice.choice((10, 10_000, 100_000))))]
        if shares:
            choices.append(("request_redeem", shares // dice.choice((1, 2, 50)) or 1))
        if ready.assets and ready.shares:
            choices.append(("deposit", ready.assets))
        if paid.assets and paid.shares:
            choices.append(("redeem", paid.shares))
        name, amount = dice.choice(choices)
        return Op(name, LP, (amount, LP, LP), 0, world.at)

    # ---- what they may gain

    def _moved(
        self, world: World, dice: random.Random, people: frozenset[str], last: Moment
    ) -> Moment | None:
        """A new mark. What is priced at it is worth to them what it was at that mark before."""
        mark = world.twin.state.mark * (1_000 + dice.choice((-60, -9, 0, 2, 15, 70))) // 1_000
        wait = dice.choice((1, 12, world.params.deposit_delay_secs + 1, 86_400))
        price = Op("set_price", "", (max(mark, 10**9), 0, 0, 0), wait, world.at)
        for op in (price, Op("accrue", KEEPER, (), 0, world.at)):
            world.play(op)
        if not self._ready(world):
            return None
        moment, params = _moment(world), world.params
        state = moment.sight.state
        t = terms(state, params, world.unit)
        psi = waiting(state, params)
        before = worth(world, last, people, t, pricing.revalued(last.sight, t, psi), psi)
        after = worth(world, moment, people, t, moment.sight.market["nav"], psi)
        slack = self._slack(world, moment)
        self.bench.hold(pool.i_09_extraction, before.ours, after.ours, 0, slack)
        self._conserved(world, before, after)
        return moment

    def _hold(
        self, world: World, op: Op, people: frozenset[str], last: Moment, moment: Moment
    ) -> None:
        """A call at a held mark: at most what whom they liquidated loses by it, and bad debt."""
        state = moment.sight.state
        if op.name == "liquidate" and last.sight.owner(op.args[0]) in world.stage.agents:
            return  # an owner that is called may spend its own
        t = terms(state, world.params, world.unit)
        psi = waiting(state, world.params)
        before, after = (
            worth(world, at, people, t, at.sight.market["nav"], psi) for at in (last, moment)
        )
        allowed = 0
        if op.name == "liquidate":
            id_, keeper = op.args[0], world.site.layout.holders.index(KEEPER)
            had, has = before.single[id_], after.single[id_]
            reward = moment.sight.balances[keeper] - last.sight.balances[keeper]
            allowed = max(0, reward * world.unit - had)  # bad debt
            allowed += max(0, after.kept - before.kept)  # what it can't pay of its impact
            if last.sight.owner(id_) not in people:
                tickets = moment.sight.tickets[len(last.sight.tickets) :]
                allowed += max(0, had - has - sum(row[2] for row in tickets) * world.unit)
        slack = self._slack(world, moment)
        self.bench.hold(pool.i_09_extraction, before.own, after.own, allowed, slack)
        self._conserved(world, before, after)

    def _slack(self, world: World, moment: Moment) -> int:
        """Rounding of one call: token units, size units at the mark, two shares."""
        market = moment.sight.market
        share = up(max(0, market["nav"]) + world.unit, market["totalSupply"] + pool.VIRTUAL)
        count = len(moment.sight.positions)
        units = 4 * world.unit + 8 * up(moment.sight.state["mark"], WAD)
        return int(units + 2 * share + 2 * count + 10_000)

    def _conserved(self, world: World, before: Worth, after: Worth) -> None:
        lost = before.others + before.kept - after.others - after.kept
        slack = 2 * (len(world.ids) + 4)
        self.bench.hold(pool.i_09_conserved, after.ours - before.ours, lost, slack)


def worth(
    world: World, moment: Moment, people: frozenset[str], t: Terms, nav: int, psi: int
) -> Worth:
    """What the coalition and all others have at these terms and NAV (Wad)."""
    sight, unit = moment.sight, t.unit
    s, m = sight.state, sight.market
    ours = others = 0
    single = {}
    for id_, p in sight.positions.items():
        value = single[id_] = equity(p, t, t.mark)
        if sight.owner(id_) in people:
            ours += value
        else:
            others += value
    for owner, _, amount, drawn in sight.tickets:
        due = (amount - drawn) * unit
        if f"0x{owner:040x}" in people:
            ours += due
        else:
            others += due
    holders = zip(world.site.layout.holders, sight.balances, strict=True)
    for who, amount in islice(holders, 1, None):  # all but the pool
        if who in people:
            ours += amount * unit
        else:
            others += amount * unit
    mine = sight.providers[world.site.layout.providers.index(LP)]
    shares = mine[0] + mine[2] + moment.shares
    price = (max(0, nav) + unit, m["totalSupply"] + pool.VIRTUAL)
    lent = shares * price[0] // price[1] + (mine[3] + moment.assets) * unit
    due = s["insurance_due"] + s["treasury_due"]
    due += m["pendingDepositAssets"] + m["redemptionReserve"]
    kept = up(t.mark * potential(s["size_long"] - s["size_short"], t), WAD) + psi
    return Worth(ours + lent, others + nav + due * unit - lent, kept, single)


def _moment(world: World) -> Moment:
    book = world.twin.pool
    adding, leaving = book.deposits.folded(LP), book.redemptions.folded(LP)
    return Moment(world.sight, adding.waits, leaving.waits)


def _limit(delta: int) -> int:
    return ANY_BUY if delta > 0 else 0
