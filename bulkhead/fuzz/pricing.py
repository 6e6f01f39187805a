"""The laws of pricing: whatever call brings the mark at which waiting requests are priced."""

from __future__ import annotations

from typing import Any

from bulkhead.fuzz.laws import access, conservation, pool
from bulkhead.fuzz.laws.base import Terms, notional, potential, terms, up
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.trades import waiting
from bulkhead.fuzz.world import Step
from bulkhead.model.wad import WAD

_CLAIMING = ("redeem", "withdraw", "request_deposit", "refund_deposit")  # these do not price


def _claims(state: dict[str, int], t: Terms) -> int:
    """What the pool owes all positions (Wad, up)."""
    return up(t.skew * (t.mark - t.index), WAD) - state["basis_long"] - state["basis_short"]


def revalued(seen: Sight, t: Terms, psi: int) -> int:
    """NAV of a market as it was seen, at other terms and funding in waiting (Wad)."""
    s, m = seen.state, seen.market
    rebate = up(t.mark * potential(t.skew, t), WAD)
    cash = s["cash"] - (m["ticketsOwed"] - m["ticketsPaid"])
    return cash * t.unit - _claims(s, t) - rebate - psi


def hold_pricing(bench: Any, step: Step, before: Sight, after: Sight, unit: int) -> None:
    """I-07's reserve, I-34's pool, I-36, I-38 and I-39, wherever the supply changed.

    A call prices before it does anything else. What it found is told by the state before it, at
    the mark, the funding index and the rate after it.
    """
    was, m, old, s = before.market, after.market, before.state, after.state
    supply = (was["totalSupply"], m["totalSupply"])
    taken = was["pendingDepositAssets"] - m["pendingDepositAssets"]
    priced = supply[0] != supply[1] or (taken != 0 and step.op.name not in _CLAIMING)
    if step.failing:
        waits = bool(was["pendingDepositAssets"] or was["pendingRedeemShares"])
        bench.hold(access.i_34_pool, waits, old["accepted_at"] == step.now, priced)
    bench.hold(pool.i_39_waited, old["bucket_due_at"], s["published_at"], priced)
    if not priced or step.op.name in _CLAIMING:
        return
    p = step.params[0]
    at = {**old, **{name: s[name] for name in ("mark", "funding_index", "funding_rate")}}
    t = terms(at, p, unit)
    claims, worth = _claims(old, t), revalued(before, t, waiting(at, p))
    paid = m["redemptionReserve"] - was["redemptionReserve"]
    left = worth + (taken - paid) * unit
    if taken:
        empty = old["size_long"] == old["size_short"] == 0
        bench.hold(pool.i_38_minted, worth, empty)
    bench.hold(pool.i_36_priced, (worth, left), supply, unit)
    if paid:
        both = notional(old["size_long"], t.mark) + notional(old["size_short"], t.mark)
        cash = (old["cash"] + taken - paid) * unit
        rules = (claims, both, p.reserve_factor, p.adl_target)
        bench.hold(conservation.i_07_reserve, cash, left + 4, *rules)
