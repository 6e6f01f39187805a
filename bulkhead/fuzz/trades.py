"""The laws of trades, margin and funding, step by step."""

from __future__ import annotations

from itertools import islice
from typing import Any

from bulkhead.fuzz.laws import funding, margin
from bulkhead.fuzz.laws.base import Terms, equity, execution, up
from bulkhead.fuzz.ops import BATCHES
from bulkhead.fuzz.probe import Pos, Sight
from bulkhead.fuzz.receipts import changes
from bulkhead.fuzz.world import Step, World
from bulkhead.model.types import Mode
from bulkhead.model.wad import RAY, WAD, trunc_div

_EXITS = ("close", "decrease", "settle", "deleverage", "liquidate")
_TRADES = ("open", "increase", "decrease", "close")
_NOBODY = Pos(0, 0, 0, 0)


class Trades:
    """Judges what changed a position or an index."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def step(self, world: World, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        """All of them."""
        op = step.op
        self._funding(step, before, after, t)
        paid = max(0, before.balances[0] - after.balances[0])
        if op.name in _EXITS and op.args[0] in before.positions and not step.acted:
            was = before.positions[op.args[0]]
            at = t._replace(mark=t.price(was.size)) if op.name == "liquidate" else t
            delta = after.positions[op.args[0]].size - was.size
            skew = before.state["size_long"] - before.state["size_short"]
            traded = op.name in ("close", "decrease")
            rebate = max(0, -execution(delta, t._replace(skew=skew))[0]) if traded else 0
            self.bench.hold(margin.i_18_bounds, was, at, paid, rebate)
        taken = before.market["pendingDepositAssets"] - after.market["pendingDepositAssets"]
        cash = before.state["cash"] + max(0, taken)
        if op.name in ("settle", "remove_margin"):
            self.bench.hold(funding.i_25_solvent, paid, cash)
        if step.logs and op.name not in BATCHES and not step.acted:
            for change in changes(step)[:1]:
                was = before.positions.get(change["id"], _NOBODY)
                told = (change["fundingPaid"], cash)
                self.bench.hold(funding.i_25_credited, was, t.index, t.unit, *told)
        if len(world.sites) == 1:
            self._purses(world, step, before, after)
        if op.name in _TRADES and not world.refuses():
            self._trade(step, before, after, t)

    def _purses(self, world: World, step: Step, before: Sight, after: Sight) -> None:
        first = len(step.site.system)
        had: dict[str, int] = {}
        has: dict[str, int] = {}
        if before.balances[first:] != after.balances[first:]:
            holders = zip(step.site.layout.holders, before.balances, after.balances, strict=True)
            for who, was, now in islice(holders, first, None):
                if was != now and who not in world.stage.agents:
                    had[who], has[who] = was, now
        payer = step.op.args[2] if step.op.name == "request_deposit" else step.op.actor
        if step.op.name == "place_signed":
            payer = step.op.args[0].owner
        self.bench.hold(margin.i_18_purses, had, has, payer)

    def _funding(self, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        old, new, p = before.state, after.state, step.params[0]
        if step.op.name in ("set_params", "execute_final") or new["mode"] >= Mode.FINAL:
            return
        index = old["funding_index"], new["funding_index"]
        rate = old["funding_rate"], new["funding_rate"]
        skew = old["size_long"] - old["size_short"]
        seconds = new["accrued_at"] - old["accrued_at"]
        values = (skew, old["mark"], seconds, p.skew_scale, p.max_velocity, p.max_rate)
        self.bench.hold(funding.i_23_index, index, rate, *values)
        if step.op.name != "accrue" or old["mark"] != new["mark"]:
            return
        if all(before.market[n] == after.market[n] for n in ("totalSupply", "ticketsPaid")):
            worth = tuple(
                sight.market["nav"] + waiting(sight.state, p) for sight in (before, after)
            )
            self.bench.hold(funding.i_22_zero_sum, after.positions.values(), t.mark, index, worth)

    def _trade(self, step: Step, before: Sight, after: Sight, t: Terms) -> None:
        op, bench = step.op, self.bench
        id_ = op.args[0] or after.state["next_id"] - 1
        was, now = before.positions.get(id_, _NOBODY), after.positions[id_]
        if op.args[0] == 0:
            was = was._replace(margin=before.ahead[0])
        if op.name == "open":
            was = was._replace(margin=was.margin + op.args[2])
        delta = now.size - was.size
        skew = before.state["size_long"] - before.state["size_short"]
        past = t._replace(skew=skew)
        written = sum(row[2] for row in after.tickets[len(before.tickets) :])
        worth = equity(now, t, t.mark) + written * t.unit
        charged = equity(was, t, t.mark) - worth
        bench.hold(margin.i_20_rounding, was, now, t, past, delta, charged)
        fill = execution(delta, past)[1]
        if op.name == "increase":
            touched = _settled(was, t, before.state["cash"])
            if touched is not None:
                bench.hold(margin.i_19_entry, touched, now, t, fill)
        for change in changes(step) if step.logs else ():
            bench.hold(margin.i_21_fee, delta, past, change["fill"], change["fee"])


def waiting(state: dict[str, int], p: Any) -> int:
    """Psi: the funding that will flow back (Wad, up)."""
    rate = state["funding_rate"]
    size = up(up(rate * rate, RAY) * p.skew_scale, 2 * p.max_velocity)
    return up(state["mark"] * size, WAD)


def _settled(p: Pos, t: Terms, cash: int) -> Pos | None:
    """The position after its funding was settled; None where a payer can't pay it all."""
    owed = trunc_div(p.size * (t.index - p.entry), WAD)
    whole = abs(owed) // t.unit
    if whole > (p.margin if owed > 0 else cash):
        return None
    return p._replace(basis=p.basis - (whole if owed > 0 else -whole) * t.unit)
