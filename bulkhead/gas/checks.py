"""What the measurements share: marks, and looks at what a transaction did."""

from __future__ import annotations

from bulkhead.chain.contract import events
from bulkhead.chain.rpc import Receipt
from bulkhead.gas.stage import Stage, require
from bulkhead.model.types import Action

# Marks for a position of 100,000 USD and 6,000 USD of margin, opened at 2,000.
HIGHER, CALM, LOWER, THIN, DEEP = 2_100, 2_002, 1_980, 1_922, 1_908


def acted(stage: Stage, receipt: Receipt, action: Action) -> int:
    """Gas of a transaction that did this, and only this, to one position."""
    found = Action(stage.changed(receipt).action)
    require(found is action, f"it was {found.name}, not {action.name}")
    return receipt.gas_used


def paid(stage: Stage, receipt: Receipt, source: str, target: str) -> int:
    """Tokens that moved from one account to another."""
    moves = [move.args for move in events(receipt, "Transfer", of=stage.token)]
    return sum(move["value"] for move in moves if (move["from"], move["to"]) == (source, target))
