"""Plans of the trading actions: flows on a ledger, then rules on the post-state."""

from __future__ import annotations

from collections.abc import Callable

from bulkhead.model import checks, margin, payments
from bulkhead.model.core import Core
from bulkhead.model.impact import Fill, trade
from bulkhead.model.ledger import Ledger
from bulkhead.model.types import Action, Reason
from bulkhead.model.wad import WAD, ceil_div


def _execute(core: Core, books: Ledger, delta: int) -> tuple[Fill, int]:
    """Applies a trade at the mark. Returns its fill and its fee in token units."""
    s = core.state
    fill = trade(s.mark, s.spread, s.skew, delta, core.cfg)
    books.basis += ceil_div(delta * (s.mark - s.funding_index), WAD) + fill.cost
    books.size += delta
    return fill, ceil_div(fill.fee_wad, core.cfg.unit)


Pay = Callable[[Ledger], None]


def grow(
    core: Core, id_: int, delta: int, limit: int, action: Action, pay: Pay, margin_in: int = 0
) -> None:
    """Open and increase. `margin_in` counts as in the vault, which `pay` brings there."""
    books = core.ledger(id_)
    books.vault += margin_in
    funding = books.touch()
    fill, fee = _execute(core, books, delta)
    charged = min(fee, books.vault)
    books.pay_fee(charged)
    books.basis += (fee - charged) * core.cfg.unit
    books.entry = core.state.funding_index
    checks.price_limit(fill.fill, delta, limit)
    core.write(id_, books)
    checks.side_fits(core, books.size)
    checks.min_notional(core, books.size)
    checks.caps(core, delta)
    checks.initial_margin(core, books, books.vault)
    pay(books)
    payments.emit_changed(core, id_, action, fill.fill, funding, fee)


def shrink(core: Core, id_: int, delta: int, limit: int) -> None:
    """Decrease: settles the closed fraction of the claim."""
    s, unit = core.state, core.cfg.unit
    books = core.ledger(id_)
    before = abs(books.size)
    funding = books.touch()
    fill, fee = _execute(core, books, delta)
    checks.price_limit(fill.fill, delta, limit)
    checks.min_notional(core, books.size)
    share = books.settle_share(books.claim(s.mark), abs(delta), before)
    books.cover(fee, s.mark)
    charged = min(fee, books.vault)
    books.pay_fee(charged)
    books.basis += (fee - charged) * unit
    if share < 0:
        books.collect(-share // unit)
    n = ceil_div(abs(books.size) * s.mark, WAD)
    need = margin.mm(n, s.ramp, core.cfg)
    have = books.equity(s.mark)
    checks.require(have >= need, Reason.EQUITY_TOO_LOW, have, need)
    core.write(id_, books)
    payments.must_net(core, id_, books)
    payments.emit_changed(core, id_, Action.DECREASE, fill.fill, funding, fee)


def close(core: Core, id_: int, limit: int) -> Callable[[int], None]:
    """Close: the claim is settled whole, what the pool can't pay becomes a ticket.

    Returns what tells of it, once it is known how much the owner took out.
    """
    delta = -core.positions[id_].size
    noted: dict[str, int] = {}

    def plan(frozen: bool, _reward: int | None) -> Ledger:
        books = core.ledger(id_, frozen)
        funding = books.touch()
        fill, fee = _execute(core, books, delta)
        checks.price_limit(fill.fill, delta, limit)
        claim = -books.basis
        if not frozen:
            noted.update(fill=fill.fill, funding=funding, fee=fee)
            left = books.vault * books.unit + claim - fee * books.unit
            checks.require(left >= 0, Reason.EQUITY_TOO_LOW, left, 0)
            _settle_close(books, claim, fee)
        else:
            noted.update(funding=0)
            books.freeze_flat(claim, fee)
        return books

    books = payments.unblockable(core, id_, plan)
    payments.absorb(core, id_, books.deficit)
    payments.write_ticket(core, id_, books.ticket)

    def changed(payout: int) -> None:
        payments.emit_changed(
            core, id_, Action.CLOSE, noted["fill"], noted["funding"], noted["fee"], payout
        )

    return changed


def _settle_close(books: Ledger, claim: int, fee: int) -> None:
    unit = books.unit
    due = max(0, claim) // unit
    paid = min(due, books.cash)
    books.from_pool(paid)
    due -= paid
    charged = min(fee, books.vault)
    books.pay_fee(charged)
    books.ticket = max(0, due - (fee - charged))
    if claim < 0:
        books.to_pool(min(ceil_div(-claim, unit), books.vault))
    books.size = books.basis = 0
