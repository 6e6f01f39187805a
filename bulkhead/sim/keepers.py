"""Keepers of a simulation: the real keeper's `decide`, with a latency, a gas limit and a purse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkhead.errors import BadInput
from bulkhead.keeper.decide import Action, Kind, Policy, Purse, Sight, Target, Winner, decide
from bulkhead.keeper.fees import Caps, GasPrice
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD
from bulkhead.sim.backend import Done, View
from bulkhead.sim.moves import Move, liquidate_many
from bulkhead.sim.table import Table

GWEI = 10**9
ENDLESS = 2**128


@dataclass(frozen=True)
class KeeperTerms:
    """One keeper. Money in quote units.

    `latency`: seconds from a price's block to the keeper's own. `most_gwei`: base fee above which
    it sends nothing. `capital`: what it may lose to gas before it stops. `least_profit`: of a
    transaction. `tip_share`: of the profit, bid for a place in the block. `batch`: most positions
    in one transaction. `deleverages`: whether it does what nobody pays for, for the pool's sake.
    """

    latency: int = 12
    most_gwei: float = 500.0
    capital: float = 50_000.0
    least_profit: float = 0.5
    tip_share: float = 0.1
    batch: int = 40
    deleverages: bool = True

    def __post_init__(self) -> None:
        rules = (
            ("keeper latency", self.latency, self.latency >= 1, "at least 1 s"),
            ("keeper gas limit", self.most_gwei, self.most_gwei > 0, "above 0 gwei"),
            ("keeper capital", self.capital, self.capital >= 0, "at least 0"),
            ("keeper profit", self.least_profit, self.least_profit >= 0, "at least 0"),
            ("keeper tip share", self.tip_share, 0 <= self.tip_share < 1, "0 to below 1"),
            ("keeper batch", self.batch, 1 <= self.batch <= 200, "1 to 200"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)

    def policy(self) -> Policy:
        """As the real keeper is told."""
        most = int(self.most_gwei * GWEI)
        # A bid leaves room for the base fee to double.
        caps = Caps(max_fee=3 * most, max_tip=most, tip_share=int(self.tip_share * WAD))
        return Policy(
            caps=caps,
            min_profit=int(self.least_profit * WAD),
            budget=ENDLESS,
            max_batch=self.batch,
            adl=self.deleverages,
        )


@dataclass
class Keeper:
    """A keeper at work. `earned` and `spent` in quote units; `skipped` counts positions left."""

    terms: KeeperTerms
    account: str
    earned: float = 0.0
    spent: float = 0.0
    skipped: int = 0
    _policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self._policy = self.terms.policy()

    def decide(self, sight: Sight, gwei: float) -> list[Action]:
        """What it sends now."""
        if gwei > self.terms.most_gwei:
            self.skipped += len(sight.targets)
            return []
        base = max(1, int(gwei * GWEI))
        price = GasPrice(base, max(1, base // 100), quote_per_native=sight.mark)
        purse = max(0.0, self.terms.capital + self.earned - self.spent)
        wei = int(purse * WAD) * WAD // sight.mark
        decision = decide(sight, price, Purse(balance=wei), self._policy)
        self.skipped += sum(one.id != 0 for one in decision.skips)
        return list(decision.actions)

    def paid(self, action: Action, done: Done) -> None:
        """Gas of a transaction: less where somebody else was first."""
        acted = any(name == "PositionChanged" for name, _ in done.events)
        cost = action.cost / WAD
        self.spent += cost if acted else cost * min(1.0, self._policy.gas.lost / action.gas)

    def move(self, action: Action) -> Move:
        """The transaction."""
        if action.kind is Kind.DELEVERAGE:
            return Move(self.account, "deleverage", (action.ids[0],), "deleverages")
        return liquidate_many(self.account, action.ids)


def sight(
    view: View, cfg: Config, table: Table, below: Sequence[int], *, time: int, max_age: int
) -> Sight:
    """The market as a keeper sees it at a moment."""
    stale = time - view.published_at > max_age
    adl = adl_due(view, cfg)
    seen: dict[str, Any] = {"mark": view.mark, "spread": view.spread, "ramp": view.ramp}
    return Sight(
        market="",
        cfg=cfg,
        skew=view.skew,
        fresh=not stale,
        problem=f"the price is {time - view.published_at} s old" if stale else "",
        in_grace=view.resumed_at != 0 and time < view.resumed_at + cfg.grace_secs,
        targets=tuple(_target(id_, table, view) for id_ in below),
        adl_active=adl,
        winners=winners(view, cfg, table) if adl else (),
        **seen,
    )


def _target(id_: int, table: Table, view: View) -> Target:
    one = table.get(id_)
    equity, _, price = table.exact(id_, view)
    return Target(id_, one.size, price, equity, one.margin)


def adl_due(view: View, cfg: Config) -> bool:
    """Whether traders' claims are more than the pool's cash carries."""
    return view.net_claim * WAD > cfg.adl_start * view.cash * cfg.unit


def winners(view: View, cfg: Config, table: Table) -> tuple[Winner, ...]:
    """Positions with a profit on the side that the pool owes; on both when it is bankrupt."""
    whole = view.net_claim >= view.cash * cfg.unit
    found = []
    for one in table.held:
        claim = one.size * (view.mark - view.funding_index) // WAD - one.basis
        if one.size and claim > 0 and (whole or one.size * view.skew > 0):
            found.append(Winner(one.id, claim, abs(one.size) * view.mark // WAD))
    return tuple(found)
