"""Liquidation of one position at the block's mark: value, call the owner, close, pay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bulkhead.errors import BulkheadError
from bulkhead.model import acceptance, liquidation, margin, payments
from bulkhead.model.core import OPTED_IN, Core
from bulkhead.model.ledger import Ledger
from bulkhead.model.types import Action, Address, LiquidationResult
from bulkhead.model.wad import WAD, ceil_div

Hook = Callable[[int, int], None]


def health(core: Core, id_: int) -> tuple[int, int, int]:
    """(equity, MM, favourable price) of a position that is not flat."""
    held = core.positions[id_]
    price = core.favourable(held.size)
    n = ceil_div(abs(held.size) * price, WAD)
    claim = held.size * (price - core.state.funding_index) // WAD - held.basis
    equity = core.margin(id_) * core.cfg.unit + claim
    return equity, margin.mm(n, core.state.ramp, core.cfg), price


def judge(core: Core, id_: int) -> LiquidationResult | None:
    """Why a position may not be liquidated, or None if it may."""
    if id_ not in core.positions:
        return LiquidationResult.UNKNOWN
    if core.positions[id_].size == 0:
        return LiquidationResult.FLAT
    equity, need, _ = health(core, id_)
    if equity >= need:
        return LiquidationResult.HEALTHY
    if equity > 0 and acceptance.in_grace(core):
        return LiquidationResult.IN_GRACE
    return None


def execute(core: Core, model: Any, id_: int, to: Address) -> LiquidationResult:
    """Liquidates a position that `judge` lets through."""
    if core.positions[id_].flags & OPTED_IN:
        if _margin_call(core, model, id_, to):
            return LiquidationResult.HEALED
        held = core.positions[id_]
        core.positions.put(id_, replace(held, flags=held.flags & ~OPTED_IN))
        core.emit("MarginCallSet", id=id_, optedIn=False)
    equity, _, price = health(core, id_)
    size = core.positions[id_].size
    s = core.state
    terms = liquidation.costs(s.spread, s.skew, size, core.cfg)
    closed = liquidation.closed_size(equity, size, price, s.ramp, terms)
    if closed is not None and not _holds(core, id_, closed, price, terms):
        closed = None
    return close(core, id_, to, closed)


def close(core: Core, id_: int, to: Address, closed: int | None) -> LiquidationResult:
    """Closes this size (Wad, > 0) of a position, or all of it (None), and pays everybody."""
    equity, _, price = health(core, id_)
    terms = liquidation.costs(
        core.state.spread, core.state.skew, core.positions[id_].size, core.cfg
    )
    if closed is None:
        _full(core, id_, to, price, equity, terms)
        return LiquidationResult.FULL
    _partial(core, id_, to, price, closed, terms)
    return LiquidationResult.PARTIAL


def _margin_call(core: Core, model: Any, id_: int, to: Address) -> bool:
    cfg, unit = core.cfg, core.cfg.unit

    def value() -> tuple[int, int]:
        equity, _, price = health(core, id_)
        n = ceil_div(abs(core.positions[id_].size) * price, WAD)
        return equity, margin.tm(n, core.state.ramp, cfg)

    equity, goal = value()
    hook = core.on_margin_call.get(core.positions[id_].owner)
    if hook is not None and cfg.margin_call_gas:  # a call without gas does nothing
        core.calling.add(id_)
        try:
            with core.transaction():
                hook(model, id_, ceil_div(goal + cfg.margin_call_reward - equity, unit))
        except BulkheadError:
            pass  # failure is ignored, as the contract ignores it
        finally:
            core.calling.discard(id_)
    equity, goal = value()
    reward = cfg.margin_call_reward // unit
    if equity - cfg.margin_call_reward < goal or core.margin(id_) < reward:
        return False
    paid = reward if core.transfer(core.vault(id_), to, reward) else 0
    payments.emit_changed(core, id_, Action.MARGIN_CALL_HEALED, payout=paid)
    return True


def _partial_books(
    core: Core,
    id_: int,
    closed: int,
    price: int,
    terms: liquidation.Costs,
    frozen: bool = False,
    reward_wad: int | None = None,
) -> tuple[Ledger, int, int]:
    """(books after the plan, funding paid, costs in token units)."""
    s, unit = core.state, core.cfg.unit
    books = core.ledger(id_, frozen)
    funding = books.touch()
    before, sign = abs(books.size), 1 if books.size > 0 else -1
    x = ceil_div(closed * price, WAD)
    books.basis += ceil_div(-sign * closed * (price - s.funding_index), WAD)
    books.size -= sign * closed
    reward = (terms.reward(x) if reward_wad is None else reward_wad) // unit
    fees = ceil_div(terms.wad(x), unit)
    insurance = core.cfg.insurance_rate * x // WAD // unit
    share = books.settle_share(books.claim(price), closed, before)
    books.cover(reward + fees, price)
    books.pay_reward(reward)
    to_pool = min(fees - insurance, books.vault)
    books.to_pool(to_pool)
    insured = min(insurance, books.vault)
    books.credit_insurance(insured)
    books.basis += (fees - to_pool - insured) * unit
    if share < 0:
        books.collect(-share // unit)
    return books, funding, fees


def _holds(core: Core, id_: int, closed: int, price: int, terms: liquidation.Costs) -> bool:
    """equity' >= TM(N') with the exact integers."""
    books, _, _ = _partial_books(core, id_, closed, price, terms)
    n = ceil_div(abs(books.size) * price, WAD)
    return books.equity(price) >= margin.tm(n, core.state.ramp, core.cfg)


def _partial(
    core: Core,
    id_: int,
    to: Address,
    price: int,
    closed: int,
    terms: liquidation.Costs,
) -> None:
    noted: dict[str, int] = {}

    def plan(frozen: bool, reward: int | None) -> Ledger:
        books, funding, fees = _partial_books(core, id_, closed, price, terms, frozen, reward)
        noted.update(funding=funding, fee=fees)
        return books

    books = payments.unblockable(core, id_, plan, to)
    payments.emit_changed(
        core,
        id_,
        Action.LIQUIDATE_PARTIAL,
        price,
        noted["funding"],
        noted["fee"],
        books.reward,
    )


def _full(
    core: Core,
    id_: int,
    to: Address,
    price: int,
    equity: int,
    terms: liquidation.Costs,
) -> None:
    cfg, unit = core.cfg, core.cfg.unit
    size = core.positions[id_].size
    n = ceil_div(abs(size) * price, WAD)
    pool_wad = ceil_div(terms.rate * n, WAD)
    pool_costs = ceil_div(pool_wad, unit)
    insurance = cfg.insurance_rate * n // WAD // unit
    bounded = min(terms.reward(n), max(cfg.reward_floor, equity - pool_wad))
    noted: dict[str, int] = {}

    def plan(frozen: bool, reward: int | None) -> Ledger:
        books = core.ledger(id_, frozen)
        noted["funding"] = books.touch()
        books.basis += ceil_div(-size * (price - core.state.funding_index), WAD)
        claim = -books.basis
        if frozen:
            books.freeze_flat(claim, pool_costs + insurance)
            return books
        _settle_full(
            books, claim, bounded // unit if reward is None else reward, pool_costs, insurance
        )
        return books

    books = payments.unblockable(core, id_, plan, to)
    payments.absorb(core, id_, books.deficit)
    payments.write_ticket(core, id_, books.ticket)
    payments.emit_changed(
        core,
        id_,
        Action.LIQUIDATE_FULL,
        price,
        noted["funding"],
        pool_costs + insurance,
        books.reward,
    )


def _settle_full(books: Ledger, claim: int, reward: int, pool_costs: int, insurance: int) -> None:
    unit = books.unit
    due = max(0, claim) // unit
    paid = min(due, books.cash)
    books.from_pool(paid)
    due -= paid
    books.pay_reward(reward)
    if claim < 0:
        owed = ceil_div(-claim, unit)
        collected = min(owed, books.vault)
        books.to_pool(collected)
        books.deficit = owed - collected
    charged = min(pool_costs, books.vault)
    books.to_pool(charged)
    due -= min(due, pool_costs - charged)
    insured = min(insurance, books.vault)
    books.credit_insurance(insured)
    books.ticket = due - min(due, insurance - insured)
    books.size = books.basis = 0
