"""Deleveraging: profitable positions are closed when the pool's cash no longer covers claims."""

from __future__ import annotations

from bulkhead.model import impact, payments, pricing
from bulkhead.model.checks import require
from bulkhead.model.core import Core
from bulkhead.model.ledger import Ledger
from bulkhead.model.types import Action, Reason
from bulkhead.model.wad import WAD, ceil_div


def deleverage(core: Core, id_: int) -> None:
    """Closes (part of) a position at the mark, without touch and without fee."""
    s, cfg = core.state, core.cfg
    held = core.positions[id_]
    total, cash = pricing.net_claim(core), s.cash * cfg.unit
    require(
        total * WAD > cfg.adl_start * cash,
        Reason.FACTOR_TOO_LOW,
        total,
        cfg.adl_start * cash // WAD,
    )
    books = core.ledger(id_)
    claim, sign = books.claim(s.mark), 1 if held.size > 0 else -1
    side = pricing.side_claim(core, sign)
    n = ceil_div(abs(held.size) * s.mark, WAD)
    mine, average = claim * pricing.side_notional(core, sign), side * n
    fair = claim > 0 and side > 0 and mine >= average
    require(fair, Reason.NOT_ADL_TARGET, mine // WAD, average // WAD)
    leans = total >= cash or s.skew * sign > 0
    require(leans, Reason.NOT_ADL_TARGET, mine // WAD, average // WAD)

    def plan(frozen: bool, _reward: int | None) -> Ledger:
        books = core.ledger(id_, frozen)
        if total >= cash:
            _whole(core, books, claim)
        else:
            wanted = (total * WAD - cfg.adl_target * cash) // (WAD - cfg.adl_target)
            _part(core, books, claim, wanted)
        return books

    books = payments.unblockable(core, id_, plan)
    payments.write_ticket(core, id_, books.ticket, shared=True)
    payments.emit_changed(core, id_, Action.DELEVERAGE, s.mark)


def _part(core: Core, books: Ledger, claim: int, wanted: int) -> None:
    """Factor below 1: as much as brings it to adlTarget, at most the skew."""
    s, before, sign = core.state, abs(books.size), 1 if books.size > 0 else -1
    closed = min(before, abs(s.skew))
    if claim * closed > wanted * before:
        closed = before * wanted // claim
    require(closed >= 1, Reason.NOTHING_TO_CLOSE, closed, 1)
    pay = claim * closed // before // books.unit
    books.basis += ceil_div(-sign * closed * (s.mark - s.funding_index), WAD)
    books.size -= sign * closed
    paid = books.draw(pay)
    if books.size == 0:
        books.basis = 0
        books.ticket = pay - paid


def _whole(core: Core, books: Ledger, claim: int) -> None:
    """Factor at or above 1: the whole position, paid its share of the cash."""
    s, unit, size = core.state, books.unit, books.size
    due = max(0, claim - ceil_div(s.mark * impact.unwinding(s.skew, size, core.cfg), WAD))
    claims = max(0, pricing.side_claim(core, 1)) + max(0, pricing.side_claim(core, -1))
    cash = s.cash * unit
    books.from_pool(min(min(due, cash, cash * due // claims) // unit, books.cash))
    books.ticket = due // unit + books.net  # net is what was paid, negative
    books.size = books.basis = 0
