"""Paying an action's netted flows, and what follows from a token that refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bulkhead.model.core import DEPLOYED, Core
from bulkhead.model.errors import TransferRefused
from bulkhead.model.ledger import Ledger
from bulkhead.model.types import Action, Address, Mode, Ticket


def net(core: Core, id_: int, books: Ledger) -> bool:
    """Moves the net flow between vault and pool. False if the token refuses."""
    if books.net >= 0:
        return core.transfer(core.vault(id_), core.cfg.pool, books.net)
    return core.transfer(core.cfg.pool, core.vault(id_), -books.net)


def passes(core: Core, id_: int, books: Ledger) -> bool:
    """Whether the token lets a vault pay its net flow to the pool."""
    return books.net == 0 or core.passes(core.vault(id_), core.cfg.pool)


def must_net(core: Core, id_: int, books: Ledger) -> None:
    """The same for actions that a refusing token may block."""
    if not net(core, id_, books):
        to = core.cfg.pool if books.net > 0 else core.vault(id_)
        raise TransferRefused(to, abs(books.net))


def must_pay(core: Core, id_: int) -> None:
    """Risk is added against a vault that nothing else leaves: a payment of nothing must pass."""
    if not core.passes(core.vault(id_), core.cfg.pool):
        raise TransferRefused(core.cfg.pool, 0)


def pay_opening(core: Core, id_: int, books: Ledger, caller: Address, margin: int) -> None:
    """What the pool is due goes straight to it, the rest of the margin into the vault.

    `books` count the margin as in the vault already.
    """
    vault = core.vault(id_)
    before = core.balance_of(id_)
    direct = min(max(0, books.net), margin)
    for to, amount in ((core.cfg.pool, direct), (vault, margin - direct)):
        if not core.transfer(caller, to, amount):
            raise TransferRefused(to, amount)
    books.net -= direct
    must_net(core, id_, books)
    if before and books.net == 0:
        must_pay(core, id_)


def pay_increase(core: Core, id_: int, books: Ledger) -> None:
    """The net flow; a vault that pays nothing must be able to."""
    must_net(core, id_, books)
    if books.net <= 0:
        must_pay(core, id_)


def pay_owner(core: Core, id_: int, to: Address, amount: int) -> None:
    """Vault to whom the owner says."""
    held = core.positions[id_]
    core.positions.put(id_, replace(held, flags=held.flags | DEPLOYED))
    if not core.transfer(core.vault(id_), to, amount):
        raise TransferRefused(to, amount)


OWED_MAX = 2**128 - 1

Plan = Callable[[bool, int | None], Ledger]  # (frozen, the keeper's reward already decided)


def unblockable(core: Core, id_: int, plan: Plan, reward_to: Address | None = None) -> Ledger:
    """Plans, pays, and plans again where a token refuses; the plan that holds is written.

    A payment pool -> vault goes first (the reward may come out of it), then the keeper's reward,
    then vault -> pool. A refused reward stays in the vault: the rest is planned without it.
    """
    books = plan(False, None)
    paid = 0
    if books.net < 0 and not net(core, id_, books):
        return _frozen(core, id_, plan, paid)
    if books.reward and reward_to is not None:
        if core.transfer(core.vault(id_), reward_to, books.reward):
            paid = books.reward
        elif books.net >= 0:
            books = plan(False, 0)
            if books.net < 0 and not net(core, id_, books):
                return _frozen(core, id_, plan, paid)
        else:
            books.vault += books.reward
            books.reward = 0
    if books.net > 0 and not net(core, id_, books):
        return _frozen(core, id_, plan, paid)
    core.write(id_, books)
    return books


def _frozen(core: Core, id_: int, plan: Plan, paid: int) -> Ledger:
    books = plan(True, 0)
    books.reward = paid
    core.write(id_, books)
    return books


def absorb(core: Core, id_: int, deficit: int) -> None:
    """Bad debt: the unswept insurance share, then the fund, then the pool bears it."""
    if deficit == 0:
        return
    state, cfg = core.state, core.cfg
    held = core.positions[id_]
    books = Ledger(cfg, state, core.totals, held, 0)
    drawn = min(deficit, state.insurance_due)
    books.insurance -= drawn
    books.inflow(drawn)
    covered = min(deficit - drawn, core.balances.get(cfg.fund, 0))
    if not core.transfer(cfg.fund, cfg.pool, covered):
        covered = 0
    books.inflow(covered)
    books.apply(state, core.totals)
    core.emit(
        "BadDebt",
        id=id_,
        amount=deficit,
        fromInsurance=drawn + covered,
        fromPool=deficit - drawn - covered,
    )


def write_ticket(core: Core, id_: int, amount: int, shared: bool = False) -> None:
    """What the pool can't pay now. Cash that is left funds it, unless the cash is shared (ADL)."""
    if amount == 0:
        return
    totals, owner = core.totals, core.positions[id_].owner
    amount = min(amount, OWED_MAX - totals.owed)
    number = totals.next_ticket_id
    core.tickets.put(number, Ticket(owner, totals.owed, amount))
    totals.owed += amount
    totals.next_ticket_id += 1
    if not shared and core.state.mode < Mode.FINAL:
        funding = min(core.state.cash, totals.owed - totals.paid)
        core.state.cash -= funding
        totals.paid += funding
    core.emit("TicketWritten", ticketId=number, owner=owner, id=id_, amount=amount)


def emit_changed(
    core: Core,
    id_: int,
    action: Action,
    fill: int = 0,
    funding: int = 0,
    fee: int = 0,
    payout: int = 0,
) -> None:
    """The whole position after an action, and what its vault paid a keeper or for its owner."""
    held = core.positions[id_]
    core.emit(
        "PositionChanged",
        id=id_,
        owner=held.owner,
        action=action,
        size=held.size,
        basis=held.basis,
        margin=core.balance_of(id_) - core.excess,
        mark=core.state.mark,
        fill=fill,
        fundingPaid=funding,
        fee=fee,
        payout=payout,
    )
