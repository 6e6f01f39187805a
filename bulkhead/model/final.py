"""The end of a dead market: a fixed price, everybody settled at it, tickets paid pro rata."""

from __future__ import annotations

from bulkhead.model import acceptance, payments
from bulkhead.model.checks import require
from bulkhead.model.core import Core
from bulkhead.model.errors import Refused
from bulkhead.model.ledger import CASH_MAX, Ledger
from bulkhead.model.types import Action, Mode, Reason, Ticket
from bulkhead.model.wad import RAY, ceil_div


def announce(core: Core, mark: int) -> None:
    """Announces a final price of a market without an accepted mark for deadAfter."""
    s, dead_after = core.state, core.cfg.dead_after_secs
    if s.mode >= Mode.FINAL:
        raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.FINAL_ANNOUNCED))
    silent = core.now - max(s.accepted_at, core.created_at)
    require(silent >= dead_after, Reason.NOT_DEAD, silent, dead_after)
    low, high = acceptance.MARK_MIN, acceptance.MARK_MAX
    require(mark >= low, Reason.PRICE_OUT_OF_RANGE, mark, low)
    require(mark <= high, Reason.PRICE_OUT_OF_RANGE, mark, high)
    s.mode = Mode.FINAL_ANNOUNCED
    core.totals.final_mark = mark
    core.totals.executable_at = core.now + dead_after
    core.emit("FinalPriceAnnounced", mark=mark, executableAt=core.totals.executable_at)
    core.emit("ModeSet", mode=s.mode)


def execute(core: Core) -> None:
    """Fixes the announced price; funding runs up to now and stops."""
    s, totals = core.state, core.totals
    if s.mode != Mode.FINAL_ANNOUNCED:
        raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.FINAL_ANNOUNCED))
    require(core.now >= totals.executable_at, Reason.TOO_EARLY, core.now, totals.executable_at)
    acceptance.accrue(core)
    s.mark, s.spread, s.funding_rate = totals.final_mark, 0, 0
    s.mode = Mode.FINAL
    core.emit("FinalPriceSet", mark=s.mark)
    core.emit("ModeSet", mode=s.mode)
    finish(core)


def finish(core: Core) -> None:
    """Once both sides are empty, insurance joins the cash; fixes what each ticket gets."""
    s, totals = core.state, core.totals
    if s.size_long or s.size_short:
        return
    rest = core.balances.get(core.cfg.fund, 0)
    if not core.transfer(core.cfg.fund, core.cfg.pool, rest):
        rest = 0
    s.cash = min(CASH_MAX, s.cash + s.insurance_due + rest)
    s.insurance_due = 0
    unfunded = totals.owed - totals.paid
    ratio = min(RAY, s.cash * RAY // unfunded) if unfunded else RAY
    totals.final_ratio = ratio
    s.cash -= ceil_div(unfunded * ratio, RAY)
    s.mode = Mode.SETTLED
    core.emit("TicketsSettled", unfunded=unfunded, finalRatio=ratio)
    core.emit("ModeSet", mode=s.mode)


def share_late(core: Core, amount: int) -> None:
    """What comes in after the end raises what unfunded tickets get, before it is the LPs'."""
    s, totals = core.state, core.totals
    if s.mode != Mode.SETTLED or amount <= 0 or totals.final_ratio == RAY:
        return
    unfunded = totals.owed - totals.paid
    amount = min(amount, s.cash)
    aside = ceil_div(unfunded * totals.final_ratio, RAY)
    totals.final_ratio = min(RAY, (aside + amount) * RAY // unfunded)
    s.cash -= ceil_div(unfunded * totals.final_ratio, RAY) - aside
    core.emit("TicketsSettled", unfunded=unfunded, finalRatio=totals.final_ratio)


def settle(core: Core, id_: int) -> None:
    """Pays one position out at the final price."""
    s, unit = core.state, core.cfg.unit
    noted: dict[str, int] = {}

    def plan(frozen: bool, _reward: int | None) -> Ledger:
        books = core.ledger(id_, frozen)
        noted["funding"] = books.touch()
        claim = books.claim(s.mark)
        if frozen:
            books.freeze_flat(claim, 0)
            return books
        if claim < 0:
            owed = ceil_div(-claim, unit)
            collected = min(owed, books.vault)
            books.to_pool(collected)
            books.deficit = owed - collected
        else:
            books.ticket = claim // unit
        books.size = books.basis = 0
        return books

    books = payments.unblockable(core, id_, plan)
    payments.absorb(core, id_, books.deficit)
    payments.write_ticket(core, id_, books.ticket)
    payments.emit_changed(core, id_, Action.SETTLE_FINAL, s.mark, noted["funding"])
    finish(core)


def drawable(core: Core, ticket: Ticket) -> int:
    """What a ticket may draw now (token units)."""
    totals = core.totals
    funded = min(ticket.amount, max(0, totals.paid - ticket.start))
    if core.state.mode == Mode.SETTLED:
        funded += (ticket.amount - funded) * totals.final_ratio // RAY
    return funded - ticket.drawn
