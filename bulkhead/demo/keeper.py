"""The demo's keeper: looks through the lens after each price, liquidates one block later."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.demo.mirror import Mirror
from bulkhead.deploy.system import System
from bulkhead.model import Result
from bulkhead.model.types import LiquidationResult
from bulkhead.sim.moves import Move, liquidate_many

ACTED = (LiquidationResult.PARTIAL, LiquidationResult.FULL, LiquidationResult.HEALED)
MOST_IDS = 40  # in one transaction


@dataclass(frozen=True)
class Sighting:
    """What the chain's view and the twin call liquidatable at one moment."""

    seen: tuple[int, ...]
    foretold: tuple[int, ...]

    @property
    def problems(self) -> list[str]:
        """Where they differ."""
        if self.seen == self.foretold:
            return []
        return [f"the lens names {self.seen}, the twin {self.foretold}"]


def seen(system: System) -> tuple[int, ...]:
    """Ids that the lens says can be liquidated now."""
    return tuple(system.lens.liquidatable(system.market.address, 1, 0))


def foretold(mirror: Mirror, account: str) -> tuple[int, ...]:
    """Ids that a `liquidateMany` over all positions would act on now, says the twin."""
    ids = tuple(range(1, mirror.twin.state.next_id))
    outcome = mirror.try_("liquidate_many", account, ids, account)
    if not isinstance(outcome, Result):
        return ()
    pairs = zip(ids, outcome.value, strict=True)
    return tuple(id_ for id_, result in pairs if result in ACTED)


def moves(account: str, ids: tuple[int, ...]) -> list[Move]:
    """One transaction for each handful."""
    parts = [ids[at : at + MOST_IDS] for at in range(0, len(ids), MOST_IDS)]
    return [liquidate_many(account, part) for part in parts]
