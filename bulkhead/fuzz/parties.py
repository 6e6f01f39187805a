"""Who calls, for whom, and who receives: what must not be mixed up where they are not one."""

from __future__ import annotations

from collections.abc import Callable

from bulkhead.fuzz.ops import PAYING, Op

# What pays or gives somebody: the place of that argument.
RECEIVERS = {
    **{name: place for name, place in PAYING.items() if not name.startswith("liquidate")},
    **dict.fromkeys(("request_deposit", "request_redeem"), 1),
    **dict.fromkeys(("deposit", "mint", "deposit_own", "mint_own"), 1),
    "claim_refund": 0,
    "sweep_foreign": 2,
}
# What is done for somebody who need not be the caller: the place of that argument.
OWNERS = {
    **dict.fromkeys(("request_deposit", "request_redeem"), 2),
    **dict.fromkeys(("deposit", "mint", "redeem", "withdraw"), 2),
    "refund_deposit": 1,
}
TRADES = frozenset(("increase", "decrease", "close"))  # by a position's owner or a delegate
ORDERS = frozenset(("place_order", "cancel_order", "edit_order"))  # likewise of the order's owner
Parties = tuple[str, str, str]  # caller, owner, receiver
Cell = tuple[str, str, str]


def parties(op: Op, owner_of: Callable[[int], str]) -> Parties | None:
    """Those of a call that can have several; a trade's owner is its receiver.

    owner_of: a position's owner.
    """
    name, caller = op.name, op.actor
    place = RECEIVERS.get(name)
    if place is not None:
        whose = OWNERS.get(name)
        return caller, caller if whose is None else op.args[whose], op.args[place]
    if name in TRADES:
        owner = owner_of(op.args[0])
    elif name in ORDERS:
        owner = op.args[0].owner
    else:
        return None
    return caller, owner, owner


def differ(found: Parties | None) -> bool:
    """Whether they are not all one."""
    return found is not None and not found[0] == found[1] == found[2]


def cell(name: str, found: Parties, vault: bool) -> Cell:
    """As logical coverage counts it. vault: whether the receiver is one."""
    caller, owner, receiver = found
    to = "a vault" if vault else "a third"
    if receiver == owner:
        to = "its owner"
    elif receiver == caller:
        to = "the caller"
    return "by its owner" if caller == owner else "by another", f"to {to}", name


def _cells(callers: str, receivers: str, *names: str) -> tuple[Cell, ...]:
    return tuple(
        (f"by {caller}", f"to {receiver}", name)
        for name in names
        for caller in callers.split(", ")
        for receiver in receivers.split(", ")
        if (caller, receiver) != ("its owner", "the caller")
    )


# All that the rules let happen.
CALLS: tuple[Cell, ...] = (
    *_cells("its owner", "its owner, a third, a vault", "remove_margin", "close_and_withdraw"),
    *_cells("its owner", "its owner, a third, a vault", "draw_ticket", "sweep_foreign"),
    *_cells("its owner", "its owner, a third", "claim_refund", "deposit_own", "mint_own"),
    *_cells("its owner, another", "its owner, the caller, a third, a vault", "redeem", "withdraw"),
    *_cells("its owner, another", "its owner, a third", "deposit", "mint", "refund_deposit"),
    *_cells("its owner, another", "its owner, a third", "request_deposit", "request_redeem"),
    *_cells("its owner, another", "its owner", *sorted(TRADES), *sorted(ORDERS)),
)
