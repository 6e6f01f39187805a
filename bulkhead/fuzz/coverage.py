"""Logical coverage: which endings of positions, tickets and markets a run has seen."""

from __future__ import annotations

from collections import Counter

from bulkhead.fuzz.laws.base import claim
from bulkhead.fuzz.parties import CALLS, Cell, cell
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.world import Step, World
from bulkhead.model.types import Mode

KINDS = ("partial", "full", "ADL", "margin call", "close")
SIDES = ("long", "short")
MONEY = ("profit", "loss", "bad debt")
_ACTIONS = {3: "close", 6: "partial", 7: "full", 8: "margin call", 9: "ADL"}

DRAWS = ("all", "a part", "another part", "the rest")  # of a ticket's amount, by one draw
WHEN = ("running", "settled")
TICKETS: tuple[Cell, ...] = tuple(("ticket", when, draw) for when in WHEN for draw in DRAWS)
POOL: tuple[Cell, ...] = (
    ("pool", "running", "fills a part"),
    ("pool", "running", "fills all"),
    ("pool", "settled", "fills all"),
    ("pool", "settled", "gives back"),
)
MARKET: tuple[Cell, ...] = (
    ("market", "settled", "tickets whole"),
    ("market", "settled", "tickets cut"),
    ("market", "settled", "late money"),
)
OTHERS = (*TICKETS, *POOL, *MARKET)

# Cells that the rules leave reachable and that a long run must reach.
REACHABLE: tuple[Cell, ...] = (
    *(
        (side, money, kind)
        for side in SIDES
        for money, kinds in (
            ("profit", ("partial", "full", "ADL", "close")),
            ("loss", ("partial", "full", "margin call", "close")),
            ("bad debt", ("full",)),
        )
        for kind in kinds
    ),
    *OTHERS,
    *CALLS,
)
_WHOLE = 10**27  # ratio of tickets that are paid in full


def count(world: World, step: Step) -> None:
    """Adds what a successful step ended, and by and for whom it was."""
    if step.parties is not None and step.ok:
        vault = step.parties[2] in step.site.twin.core.vaults
        world.tally.coverage[cell(step.op.name, step.parties, vault)] += 1
    if step.result is None or step.before is None or step.after is None:
        return
    events, seen = step.result.events, world.tally.coverage
    debts = {values["id"]: values["amount"] for name, values in events if name == "BadDebt"}
    world.tally.worst = max(world.tally.worst, *debts.values(), 0) if debts else world.tally.worst
    s = step.after.state
    settled = step.before.state["mode"] == Mode.SETTLED
    for name, values in events:
        if name == "TicketPaid":
            seen["ticket", WHEN[settled], drawn(step.before, step.after, values["ticketId"])] += 1
        elif name == "RedeemBucketPriced" and values["burned"]:
            part = "fills all" if values["burned"] == values["shares"] else "fills a part"
            seen["pool", WHEN[settled], part] += 1
        elif name == "DepositRefunded":
            seen["pool", "settled", "gives back"] += 1
        elif name == "TicketsSettled":
            cut = "tickets whole" if values["finalRatio"] == _WHOLE else "tickets cut"
            seen["market", "settled", "late money" if settled else cut] += 1
        if name != "PositionChanged":
            continue
        kind, was = _ACTIONS.get(int(values["action"])), step.before.positions.get(values["id"])
        if kind is None or was is None or was.size == 0:
            continue
        gain = claim(was.size, was.basis, s["mark"], s["funding_index"])
        money = "bad debt" if values["id"] in debts else "profit" if gain >= 0 else "loss"
        seen["long" if was.size > 0 else "short", money, kind] += 1


def drawn(before: Sight, after: Sight, number: int) -> str:
    """How much of a ticket was drawn."""
    was, (_, _, amount, now) = before.tickets[number - 1][3], after.tickets[number - 1]
    if was == 0:
        return "all" if now == amount else "a part"
    return "the rest" if now == amount else "another part"


def missing(seen: Counter[Cell]) -> list[Cell]:
    """Reachable cells that were not reached."""
    return [cell for cell in REACHABLE if not seen[cell]]
