"""The laws of liquidations, bad debt and deleveraging, step by step."""

from __future__ import annotations

from typing import Any

from bulkhead.fuzz.laws import conservation
from bulkhead.fuzz.laws import liquidation as laws
from bulkhead.fuzz.laws.base import Terms, up
from bulkhead.fuzz.probe import Pos, Sight
from bulkhead.fuzz.speech import meaning
from bulkhead.fuzz.stage import Site
from bulkhead.fuzz.world import Step, World
from bulkhead.model.core import OPTED_IN
from bulkhead.model.types import LiquidationResult
from bulkhead.model.wad import WAD


class Ends:
    """Judges what ends positions."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def liquidation(self, world: World, step: Step) -> None:
        """A single liquidation, or its refusal."""
        bench, foreseen, op = self.bench, step.foreseen, step.op
        was: Pos = foreseen.position
        t: Terms = foreseen.terms
        owner = world.stage.agents.get(foreseen.owner)
        if owner or world.refusing:
            bench.hold(laws.i_27_unblockable, was, t, foreseen.grace, step.ok, owner or "an owner")
        bench.hold(laws.i_26_iff, was, t, foreseen.grace, step.ok)
        if step.after is None or step.before is None or step.result is None:
            return
        now = step.after.positions[op.args[0]]
        if not step.simulated:
            bench.hold(laws.i_31_again, self._again(world, step))
        if step.result.value == LiquidationResult.HEALED:
            return
        id_ = op.args[0]
        mine = [(name, values) for name, values in step.result.events if values.get("id") == id_]
        happened = dict(mine)
        reward = happened["PositionChanged"]["payout"]
        ticket = happened.get("TicketWritten", {}).get("amount", 0)
        site = step.site
        vault = site.vault(id_)
        refused = world.refuses(vault, site.pool.address, site.fund, op.args[1])
        flows = [(by, amount) for by, to, amount in step.result.payments if to == vault]
        inflow = sum(amount for _, amount in flows)
        bench.hold(laws.i_28_partial, was, now, t)
        # What its owner did in a margin call came before.
        given = sum(amount for by, amount in flows if by != step.site.pool.address)
        was = was._replace(margin=was.margin + given)
        s = step.after.state
        t = t._replace(skew=s["size_long"] - s["size_short"] - now.size + was.size)
        if not refused:
            bench.hold(laws.i_29_minimal, was, now, t, reward)
        bench.hold(laws.i_30_no_profit, was, now, t, reward, ticket, inflow - given)
        if now.size == 0 and not refused:
            debt = happened.get("BadDebt", {})
            if not step.acted:
                bench.hold(laws.i_29_full, was, t)
            bench.hold(laws.i_32_waterfall, was, t, reward, debt.get("amount", 0))
            if debt and not step.acted:
                self._confined(step, step.before, step.after, debt)

    def _again(self, world: World, step: Step) -> str:
        request = step.requests[step.main]
        point = world.engine.snapshot()
        try:
            answer = world.engine.send(request.to, request.data, request.sender)
        finally:
            world.engine.restore(point)
        return "ok" if answer.ok else meaning(answer.data)

    def _confined(self, step: Step, before: Sight, after: Sight, debt: dict[str, int]) -> None:
        fund = (before.balances[1], after.balances[1])
        due = (before.state["insurance_due"], after.state["insurance_due"])
        others = [
            (id_, was, after.positions[id_])
            for id_, was in before.positions.items()
            if id_ != step.op.args[0]
        ]
        said = (debt["amount"], debt["fromInsurance"], debt["fromPool"])
        self.bench.hold(conservation.i_12_confined, *said, fund, due, 0, others)

    def step(self, world: World, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        """After every success."""
        op, bench = step.op, self.bench
        if op.name in laws.GAS and step.gas:
            opted = before.flags.get(op.args[0], 0) & OPTED_IN
            call_gas = step.params[0].margin_call_gas * 65 // 63 + 60_000 if opted else 0
            bench.hold(laws.i_33_gas, op.name, step.gas, call_gas)
            if not opted:
                worst = world.tally.gas
                worst[op.name] = max(worst.get(op.name, 0), step.gas)
        if op.name == "settle" and step.result is not None:
            self._settled(world, step, before, after, t.unit)
        if op.name == "deleverage":
            self._adl(world, step, before, after, t)

    def _settled(self, world: World, step: Step, before: Sight, after: Sight, unit: int) -> None:
        """What a flat position owes and its vault lacks is bad debt; of any other there is none."""
        was = before.positions[step.op.args[0]]
        debt = dict(step.result.events if step.result else ()).get("BadDebt", {})
        self.bench.hold(laws.i_32_written_off, was, unit, debt.get("amount", 0))
        if debt and not world.refuses(step.site.pool.address, step.site.fund):
            self._confined(step, before, after, debt)

    def _adl(self, world: World, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        if before.market["totalSupply"] != after.market["totalSupply"]:
            return  # buckets were priced first: the cash before is another
        held = [_held(step.site, sight, len(world.sites) > 1) for sight in (before, after)]
        self.bench.hold(laws.i_35_bystanders, *held)
        p = step.params[1]
        claims = (_net(before, t), _net(after, t))
        # What a refusing vault is owed lies in the pool still, but is a ticket's.
        kept = _unfunded(after) - _unfunded(before)
        cash = (before.state["cash"] * t.unit, (after.state["cash"] - kept) * t.unit)
        id_ = step.op.args[0]
        was, now = before.positions[id_], after.positions[id_]
        values = (claims, cash, p.adl_start, p.adl_target)
        self.bench.hold(laws.i_35_adl, was, now, t, *values)
        s = before.state
        long, short = (s["size_long"], s["basis_long"]), (-s["size_short"], s["basis_short"])
        self.bench.hold(laws.i_35_fair, was, long if was.size > 0 else short, t)
        if not world.refuses(step.site.vault(id_), step.site.pool.address):
            t = t._replace(skew=long[0] + short[0])
            self.bench.hold(laws.i_35_reached, was, now, t, claims, cash, p.adl_target)


def _held(site: Site, sight: Sight, many: bool) -> list[int]:
    """Shares and claims of tokens, and people's wallets. many: several markets, so that a wallet
    may have changed in another since it was seen."""
    claims = [row[column] for row in sight.providers for column in (0, 3)]
    return claims if many else [*claims, *sight.balances[len(site.system) :]]


def _unfunded(sight: Sight) -> int:
    """What tickets are still owed (token units)."""
    return sight.market["ticketsOwed"] - sight.market["ticketsPaid"]


def _net(sight: Sight, t: Terms) -> int:
    """All claims from the sums at one mark (Wad)."""
    s = sight.state
    skew = s["size_long"] - s["size_short"]
    return up(skew * (t.mark - t.index), WAD) - s["basis_long"] - s["basis_short"]
