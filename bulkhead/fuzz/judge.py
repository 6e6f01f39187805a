"""Holds every step to the laws: which law looks at what, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from bulkhead.fuzz import batches, foresight, pricing
from bulkhead.fuzz.coverage import count
from bulkhead.fuzz.ends import Ends
from bulkhead.fuzz.ghost import Ghost
from bulkhead.fuzz.laws import (
    access,
    conservation,
    differential,
    isolation,
    liquidation,
    margin,
    orders,
    pool,
)
from bulkhead.fuzz.laws.base import Terms, equity, notional, terms, trading_cost, up
from bulkhead.fuzz.ops import CHANGING, GOVERNED, OUTSIDE, PLACING, SHARE_CALLS, Op
from bulkhead.fuzz.orders import Orders, as_trade, meant, orders_of, view_orders
from bulkhead.fuzz.people import GOVERNANCE, GUARDIAN
from bulkhead.fuzz.previews import Previews
from bulkhead.fuzz.probe import BOOK, OWN, Sight, difference
from bulkhead.fuzz.receipts import receipt, told
from bulkhead.fuzz.speech import values
from bulkhead.fuzz.stage import MOLE, Site
from bulkhead.fuzz.trades import Trades, waiting
from bulkhead.fuzz.trials import Trials
from bulkhead.fuzz.world import Step, World
from bulkhead.model.types import Mode, Params
from bulkhead.model.wad import WAD

CASH_MAX = 2**96 - 1  # token units
MARKETS_EVERY = 4  # steps: whether the other markets were left alone
Law = Callable[..., bool | None]


def law_id(law: Law) -> str:
    """`i_05_sums` -> `I-05`."""
    return f"I-{law.__name__[2:4]}"


class Bench:
    """Runs the laws that are on, and counts."""

    def __init__(self, only: Iterable[str] = ()) -> None:
        self.only = frozenset(only)
        self._counts: dict[Law, list[int]] = {}  # checks and boundary hits; nothing: it is off

    def hold(self, law: Law, *values: Any) -> None:
        """Checks one law, unless it is off. Where it does not apply nothing is counted."""
        counts = self._counts.get(law)
        if counts is None:
            counts = self._counts[law] = [0, 0] if self.on(law_id(law)) else []
        if counts:
            boundary = law(*values)
            if boundary is not None:
                counts[0] += 1
                if boundary:
                    counts[1] += 1

    @property
    def checks(self) -> Counter[str]:
        """How often each law was checked."""
        return self._sums(0)

    @property
    def boundary(self) -> Counter[str]:
        """How often at its boundary."""
        return self._sums(1)

    def _sums(self, column: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for law, counts in self._counts.items():
            if counts:
                found[law_id(law)] += counts[column]
        return found

    def clear(self) -> None:
        """Counts from here."""
        self._counts.clear()

    def on(self, *names: str) -> bool:
        """Whether one of these is to be checked."""
        return not self.only or not self.only.isdisjoint(names)


class Judge:
    """The laws of single steps."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ends = Ends(bench)
        self.trades = Trades(bench)
        self.trials = Trials(bench)
        self.orders = Orders(bench)
        self.previews = Previews(bench)

    def trial(self, world: World, op: Op) -> None:
        """One of the laws on snapshots."""
        self.trials.run(world, *op.args)

    def alone(self, world: World, op: Op) -> Any:
        """What the members of a batch do, each in a call of its own."""
        return batches.alone(world, op)

    def foresee(self, world: World, op: Op) -> Any:
        """What a liquidation would find, or a change of parameters."""
        if op.name == "liquidate":
            return foresight.foresee(world, op)
        if op.name == "set_params" and op.actor == GOVERNANCE:
            return foresight.accrued(world)
        return None

    def ask(self, world: World, step: Step) -> Any:
        """What a lens says of an op that is about to be sent."""
        return self.previews.ask(world, step)

    def whole(self, world: World, site: Site, seen: Sight, params: Params) -> None:
        """The laws that one look at a market can break. A market that breaks one goes on doing so:
        they are asked every few steps, at each end, and wherever model and chain differ."""
        bench, s, m = self.bench, seen.state, seen.market
        t = terms(s, params, world.unit)
        positions = seen.positions.values()
        inside = 0
        for place, other in enumerate(world.sites):
            sight = seen if other is site else world.sights[place]
            books = OWN + 1 if other is site else OWN  # one treasury for all
            inside += sum([p.margin for p in sight.positions.values()])
            inside += sum(sight.ahead) + sum(sight.balances[:books])
        users = sum(seen.balances[len(site.system) :])
        brought = world.brought - sum([each.destroyed for each in world.ghosts])
        bench.hold(conservation.i_02_conserved, inside, brought, users)
        ghost = world.ghosts[world.sites.index(site)]
        bench.hold(orders.i_43_escrow, seen.balances[BOOK], ghost.owed)
        sums = (s["size_long"], s["size_short"], s["basis_long"], s["basis_short"])
        bench.hold(conservation.i_05_sums, sums, positions)
        bench.hold(conservation.i_06_claims, sums, positions, t)
        refusing = world.refusing
        for id_, p in seen.positions.items():
            if p.size == 0:
                bench.hold(margin.i_16_flat, p, refusing)
                if p.basis:
                    gone = ghost.missing.get(id_, 0)
                    bench.hold(liquidation.i_32_flat, id_, p, refusing, t.unit, gone)
        if s["mode"] < Mode.SETTLED:
            psi = waiting(s, params)
            unfunded = m["ticketsOwed"] - m["ticketsPaid"]
            bench.hold(conservation.i_04_nav, m["nav"], s["cash"], unfunded, positions, t, psi)
            self.backed(seen)
        claims = [sum([row[column] for row in seen.providers]) for column in (2, 3)]
        shares, slack = claims[0] + m["pendingRedeemShares"], 2 * len(seen.providers)
        aside = (m["redemptionReserve"], claims[1], m["shares of the pool"])
        bench.hold(pool.i_37_backed, *aside, shares, slack)
        bench.hold(pool.i_37_assets, m["totalAssets"], m["nav"], t.unit)

    def backed(self, seen: Sight) -> None:
        """The pool holds what it owes."""
        undrawn = seen.market["ticketsPaid"] - sum([ticket[3] for ticket in seen.tickets])
        owed = (seen.market["accounted"], undrawn)
        self.bench.hold(conservation.i_07_backed, seen.balances[0], *owed)

    def step(self, world: World, step: Step) -> None:
        """Every law of a step; the model's last, as it can't say what is wrong."""
        bench, op = self.bench, step.op
        if step.failing and op.name not in OUTSIDE:
            before = step.before
            held = before is not None and before.state["accepted_at"] == step.now
            bench.hold(access.i_34_invalid, meant(world, step), held, step.found)
        if op.name in GOVERNED or op.name == "enter_reduce_only":
            role = GUARDIAN if op.name == "enter_reduce_only" else GOVERNANCE
            bench.hold(access.i_40_role, op.name, op.actor, op.actor == role, step.found)
        if op.name == "liquidate" and step.foreseen is not None:
            self.ends.liquidation(world, step)
        if step.after is not None and step.before is not None:
            self._seen(world, step, step.before, step.after)
        if step.alone is not None:
            batches.compare(bench, step)
        bench.hold(differential.i_50_outcome, step.found, step.expected)
        if step.logs is not None and op.name not in OUTSIDE:
            bench.hold(differential.i_50_events, *told(step))
        if step.after is not None:
            self.view(world, step.site, step.after.words, step.words)
            self.orders.states(world, step)
            self.foreign(world, step)
        if step.preview is not None:
            self.previews.hold(world, step, step.preview)
        if step.after is not None:
            count(world, step)

    def foreign(self, world: World, step: Step) -> None:
        """What vault and receiver have of a foreign token after a sweep is what the model says."""
        if step.op.name != "sweep_foreign" or step.simulated:
            return
        stage, (id_, _, to) = world.stage, step.op.args
        for who in (step.site.vault(id_), to):
            answer = world.engine.view(stage.foreign.address, stage.foreign.balanceOf.encode(who))
            found, expected = int.from_bytes(answer.data), stage.foreign_held.get(who, 0)
            self.bench.hold(differential.i_50_view, "foreign tokens", found, expected)

    def end(self, world: World) -> None:
        """What every book says of every order."""
        for site in world.sites:
            view_orders(self.bench, world, site, tuple(site.orders.orders.values()))

    def view(
        self, world: World, site: Site, found: tuple[int, ...], expected: tuple[int, ...]
    ) -> None:
        """What is seen is what the model says."""
        name, one, other = "", 0, 0
        if found != expected:
            name, one, other = difference(site.layout, found, expected, world.stage.names())
        self.bench.hold(differential.i_50_view, name, one, other)

    # ---- after every success

    def _seen(self, world: World, step: Step, before: Sight, after: Sight) -> None:
        bench = self.bench
        t = terms(after.state, step.params[1], world.unit)
        trade = as_trade(step, world.ghosts[world.sites.index(step.site)], before, after)
        self.orders.step(world, step, before, after, t)
        self._money(world, step, before, after)
        if step.op.name in ("send", "destroy", *SHARE_CALLS):
            pairs = [(before.market[n], after.market[n]) for n in ("nav", "totalSupply")]
            bench.hold(pool.i_36_gift, *pairs)
            if step.op.name not in SHARE_CALLS:
                self._sent(step, before, after)
        if step.op.name in OUTSIDE:
            return
        self._market(world, trade, before, after, t)
        self._walls(world, step, trade.op, before, after, t)
        self._pool(trade, before, after, t)
        mole = world.stage.contracts.get(MOLE)
        if mole is not None and not step.simulated:
            worked = world.engine.view(mole.address, bytes(mole.worked.encode())).data
            paid = before.balances != after.balances
            bench.hold(access.i_45_reentry, paid, worked[-1:] != b"\0")
        self.trades.step(world, trade, before, after, t)
        self.ends.step(world, step, before, after, t)

    def _money(self, world: World, step: Step, before: Sight, after: Sight) -> None:
        bench, site = self.bench, step.site
        differs = after.words != step.words
        if step.words and (differs or step.whole):  # else the twin refused: another law's matter
            held = {id_: p.margin for id_, p in after.positions.items()}
            bench.hold(conservation.i_01_vaults, held, site.layout.margins(step.words))
        if differs or step.whole:
            self.whole(world, site, after, step.params[1])
        if step.logs is not None and len(world.sites) == 1:
            bench.hold(conservation.i_03_zero_sum, *receipt(world, step, before, after))

    def _market(self, world: World, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        bench, op, s, m, p = self.bench, step.op, after.state, after.market, step.params[1]
        if op.name in ("open", "increase"):
            side = s["size_long"] if op.args[1] > 0 else s["size_short"]
            values = (notional(side, t.mark), t.skew, m["nav"], p.max_open_interest)
            bench.hold(conservation.i_07_caps, *values, p.max_utilisation, p.max_skew)
        if op.name != "execute_final":
            pairs = [(before.state[n], s[n]) for n in ("mark", "published_at", "accepted_at")]
            reading = None if step.failing else (step.reading.mark, step.reading.published_at)
            liquidating = op.name in ("liquidate", "liquidate_many")
            bench.hold(access.i_42_acceptance, *pairs, reading, step.now, liquidating)
        if op.name == "sweep_fees":
            seen = (before, after)
            due = [sight.state["insurance_due"] + sight.state["treasury_due"] for sight in seen]
            cash, nav = [v.state["cash"] for v in seen], [v.market["nav"] for v in seen]
            bench.hold(conservation.i_07_swept, cash, nav, due, [v.balances[0] for v in seen])
            self.backed(after)
        if op.name == "set_params" and step.foreseen is not None:
            for was in before.positions.values():
                bench.hold(access.i_44_step, was, step.foreseen, t)

    def _sent(self, step: Step, before: Sight, after: Sight) -> None:
        """Tokens that somebody sends are in no other vault than the one they were sent to; what
        their issuer destroys leaves no other."""
        op, core, was, now = step.op, step.site.twin.core, before.positions, after.positions
        to, amount = op.args
        id_ = core.vaults.get(to, 0)
        self.bench.hold(isolation.i_10_locality, was, now, {id_})
        if id_ in was:  # a token that is halted may say no, and not revert
            paid = amount if core.passes(op.actor, to) else 0
            if op.name == "destroy":
                paid = -min(amount, was[id_].margin)
            self.bench.hold(isolation.i_10_received, id_, was[id_], now[id_], paid)

    def _walls(
        self, world: World, step: Step, op: Op, before: Sight, after: Sight, t: Terms
    ) -> None:
        """op: an order's fill as the trade it is."""
        bench, was, now = self.bench, before.positions, after.positions
        ghost = world.ghosts[world.sites.index(step.site)]
        acted = touched(op, step, ghost) | step.acted
        paid = received(step, ghost)
        for id_ in paid:
            if id_ in was and id_ not in acted:
                bench.hold(isolation.i_10_received, id_, was[id_], now[id_], paid[id_])
        acted |= paid.keys()
        bench.hold(isolation.i_10_locality, was, now, acted)
        if same_block(before, after) and op.name not in ("set_params", "execute_final"):
            old = terms(before.state, step.params[0], world.unit)
            bench.hold(isolation.i_11_interference, was, now, old, t, acted)
        if op.name not in ("accrue", *GOVERNED):
            for id_ in acted & was.keys():
                bench.hold(isolation.i_14_health, was[id_], now[id_], t)
        if op.name in ("open", "increase", "remove_margin"):
            id_ = op.args[0] or after.state["next_id"] - 1
            if now[id_].size:
                values = (now[id_], locks(op, step), t, depth(after, t, step.params[1]))
                bench.hold(isolation.i_14_margin, *values)
        asked = world.thorough or world.steps % MARKETS_EVERY == 0
        if len(world.sites) > 1 and not step.simulated and asked:
            for place, other in enumerate(world.sites):
                if other is not step.site:
                    old_words = other.layout.own(world.sights[place].words)
                    new_words = other.layout.own(world.look(other).words)
                    bench.hold(isolation.i_13_markets, old_words, new_words)

    def _pool(self, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        bench, op, m, was, s = self.bench, step.op, after.market, before.market, after.state
        supply = (was["totalSupply"], m["totalSupply"])
        if op.name == "request_deposit":
            bench.hold(pool.i_38_asked, op.args[0])
        if s["mode"] < Mode.FINAL:
            pricing.hold_pricing(bench, step, before, after, t.unit)
        calm = same_block(before, after) and s["mode"] == before.state["mode"] < Mode.FINAL
        calm = calm and s["cash"] < CASH_MAX  # there it counts no more of what comes in
        if calm and op.name not in ("set_params", "liquidate_many") and solvent(step):
            nav = (was["nav"] - written_off(step) * t.unit, m["nav"])
            rest = up(t.mark, WAD) if op.name == "liquidate" else 0
            bench.hold(pool.i_36_share_price, nav, supply, t.unit, rest)


def written_off(step: Step) -> int:
    """What the pool bears of a settlement's bad debt (token units); I-12 and I-32 say how much."""
    if step.op.name != "settle" or step.result is None:
        return 0
    return int(dict(step.result.events).get("BadDebt", {}).get("fromPool", 0))


def solvent(step: Step) -> bool:
    """Whether a liquidation's vault pays all that trading out at the mark would cost it.

    It is valued at the favourable price, so that at the mark the pool may lose half the spread.
    """
    if step.op.name != "liquidate":
        return True
    if step.foreseen is None:
        return False
    was, t = step.foreseen.position, step.foreseen.terms
    costs = trading_cost(-was.size, t) + t.reward_cap
    return bool(equity(was, t, t.mark) >= costs)


def locks(op: Op, step: Step) -> int:
    """What is locked in the vault of an action that must leave it free: a removal. A trade may use
    all of the margin (token units)."""
    if op.name != "remove_margin" or step.simulated:  # there the model is ahead of the step
        return 0
    return int(step.site.twin.core.locked_of(op.args[0]))


def depth(after: Sight, t: Terms, p: Any) -> int:
    """At least this is the initial requirement's multiplier: the ramp, or the depth's (Wad)."""
    s, nav = after.state, after.market["nav"]
    side = notional(max(s["size_long"], s["size_short"]), t.mark)
    room = min(p.max_open_interest, p.max_utilisation * max(0, nav) // WAD)
    share = WAD if room <= 0 else min(WAD, side * WAD // room)
    steep = p.depth_slope * max(0, share - p.depth_kink) // (WAD - p.depth_kink)
    return max(t.ramp, min(int(p.mu_max), WAD + int(steep))) - 2


def same_block(before: Sight, after: Sight) -> bool:
    """Whether both were seen in one block under one mark."""
    old, new = before.state, after.state
    return (
        old["accepted_at"] == new["accepted_at"]
        and old["published_at"] == new["published_at"]
        and old["accrued_at"] == new["accrued_at"]
    )


def touched(op: Op, step: Step, ghost: Ghost) -> set[int]:
    """Positions that an op may change."""
    if op.name == "liquidate_many":
        return set(op.args[0])
    if op.name == "execute_orders":
        sizes = values(step.found)
        return {ghost.known(one).id for one, size in zip(op.args[0], sizes, strict=True) if size}
    return {op.args[0]} if op.name in CHANGING else set()


def received(step: Step, ghost: Ghost) -> dict[int, int]:
    """Positions whose vaults an op names as receivers, or governance as the treasury, and what they
    were paid (token units)."""
    op, core = step.op, step.site.twin.core
    found = {core.vaults[arg] for arg in op.args if isinstance(arg, str) and arg in core.vaults}
    if op.name == "add_margin":
        found.add(op.args[0])
    elif op.name in PLACING:
        found.add(ghost.known(orders_of(op)[-1]).id)
    elif op.name == "sweep_fees" and step.params[1].treasury in core.vaults:
        found.add(core.vaults[step.params[1].treasury])
    if not found:
        return {}
    paid = step.result.payments if step.result else ()
    return {id_: sum([n for _, to, n in paid if to == core.vault(id_)]) for id_ in found}
