"""The demo's keeper is the keeper: `decide` and `act`, sending to both worlds.

It looks through the lens after each price and acts one block later. What it sees is held against
what the twin foretells (law I-26)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bulkhead.demo.mirror import Mirror
from bulkhead.demo.stage import Stage
from bulkhead.deploy.system import System
from bulkhead.keeper import look
from bulkhead.keeper.act import Actor
from bulkhead.keeper.calls import ACTED, MarketCalls
from bulkhead.keeper.decide import Action, Kind, Policy, Purse, decide
from bulkhead.keeper.fees import Caps, GasPrice
from bulkhead.keeper.market import config_of
from bulkhead.model import Result
from bulkhead.model.wad import WAD
from bulkhead.sim.moves import Move

GWEI = 10**9
POLICY = Policy(Caps(100 * GWEI, 10 * GWEI, WAD // 4), min_profit=0, budget=10**21, adl=True)


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


@dataclass(frozen=True)
class MirrorSender:
    """Makes an action's move on the twin and queues it for the chain."""

    mirror: Mirror
    address: str

    def send_action(self, action: Action, to: str, data: bytes) -> str:
        """Sent with the block that the mirror mines next."""
        given: tuple[Any, ...] = (action.ids[0], self.address)
        if action.kind is Kind.LIQUIDATE_MANY:
            given = (action.ids, self.address)
        elif action.kind is Kind.DELEVERAGE:
            given = (action.ids[0],)
        self.mirror.do(Move(self.address, action.kind.value, given))
        return ""


def keep(stage: Stage, ids: tuple[int, ...]) -> int:
    """Looks at these positions, decides and acts; how many transactions were sent."""
    system, rpc = stage.system, stage.system.rpc
    market = system.market.address
    view = system.lens.marketView(market)
    everybody = system.lens.positions(market, 1, 0) if view.adlActive else []
    side = look.adl_side(view)
    winners = [row for row in everybody if row.size and row.size * side >= 0]
    rows = system.lens.positionsOf(market, list(ids))
    cfg = config_of(system.market.config())
    sight, _ = look.sight(market, cfg, view, rows, winners=winners)
    base = int(rpc.block()["baseFeePerGas"], 16)
    price = GasPrice(base, GWEI, quote_per_native=view.state.mark)
    purse = Purse(rpc.balance(stage.keeper))
    decision = decide(sight, price, purse, POLICY)
    sender = MirrorSender(stage.mirror, stage.keeper)
    actor = Actor(MarketCalls(system.market), sender, stage.keeper)
    sent, _ = actor.act(decision.actions, cfg.unit, price, POLICY, purse.left(POLICY.budget))
    return len(sent)
