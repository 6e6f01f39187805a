"""Logical coverage: which endings of positions a run has seen."""

from __future__ import annotations

from collections import Counter

from bulkhead.fuzz.laws.base import claim
from bulkhead.fuzz.world import Step, World

KINDS = ("partial", "full", "ADL", "margin call", "close")
SIDES = ("long", "short")
MONEY = ("profit", "loss", "bad debt")
_ACTIONS = {3: "close", 6: "partial", 7: "full", 8: "margin call", 9: "ADL"}
Cell = tuple[str, str, str]

# Cells that the rules leave reachable and that a long run must reach.
REACHABLE: tuple[Cell, ...] = tuple(
    (side, money, kind)
    for side in SIDES
    for money, kinds in (
        ("profit", ("ADL", "close")),
        ("loss", ("partial", "full", "margin call", "close")),
        ("bad debt", ("full",)),
    )
    for kind in kinds
)


def count(world: World, step: Step) -> None:
    """Adds what a successful step ended."""
    if step.result is None or step.before is None or step.after is None:
        return
    events = step.result.events
    debts = {values["id"]: values["amount"] for name, values in events if name == "BadDebt"}
    world.tally.worst = max(world.tally.worst, *debts.values(), 0) if debts else world.tally.worst
    s = step.after.state
    for name, values in events:
        if name != "PositionChanged":
            continue
        kind, was = _ACTIONS.get(int(values["action"])), step.before.positions.get(values["id"])
        if kind is None or was is None or was.size == 0:
            continue
        gain = claim(was.size, was.basis, s["mark"], s["funding_index"])
        money = "bad debt" if values["id"] in debts else "profit" if gain >= 0 else "loss"
        world.tally.coverage["long" if was.size > 0 else "short", money, kind] += 1


def missing(seen: Counter[Cell]) -> list[Cell]:
    """Reachable cells that were not reached."""
    return [cell for cell in REACHABLE if not seen[cell]]
