"""Keepers: bots that liquidate if it pays. Each has a latency, a gas limit and a purse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from bulkhead.chain.binaries import ROOT
from bulkhead.errors import BadInput
from bulkhead.model import liquidation
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.backend import View
from bulkhead.sim.moves import Move, liquidate_many
from bulkhead.sim.table import Table

GAS_SNAPSHOT = ROOT / "gas" / "snapshot.json"


@dataclass(frozen=True)
class KeeperTerms:
    """One keeper. Money in quote units.

    `latency`: seconds from a price's block to the keeper's own. `most_gwei`: pays no more for gas.
    `capital`: what it may lose to gas before it stops. `edge`: reward over gas cost that it wants.
    `batch`: most positions in one transaction.
    """

    latency: int = 12
    most_gwei: float = 500.0
    capital: float = 50_000.0
    edge: float = 1.2
    batch: int = 40

    def __post_init__(self) -> None:
        rules = (
            ("keeper latency", self.latency, self.latency >= 1, "at least 1 s"),
            ("keeper gas limit", self.most_gwei, self.most_gwei > 0, "above 0 gwei"),
            ("keeper capital", self.capital, self.capital >= 0, "at least 0"),
            ("keeper edge", self.edge, self.edge >= 0, "at least 0"),
            ("keeper batch", self.batch, 1 <= self.batch <= 500, "1 to 500"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)


@dataclass(frozen=True)
class GasUse:
    """Gas of a keeper's transactions, as `make gas` measured it."""

    first: int  # a liquidation alone
    further: int  # each further one in a batch
    deleverage: int


@cache
def gas_use() -> GasUse:
    """From the repository's gas snapshot."""
    measured = json.loads(GAS_SNAPSHOT.read_text(encoding="utf-8"))
    return GasUse(
        measured["liquidate_full"],
        measured["liquidate_many_10_per_position"],
        measured["deleverage"],
    )


@dataclass
class Keeper:
    """A keeper at work. `earned` and `spent` in quote units."""

    terms: KeeperTerms
    account: str
    earned: float = 0.0
    spent: float = 0.0
    skipped: int = 0  # positions left alone: too dear, or no capital

    def decide(
        self, ids: list[int], table: Table, view: View, cfg: Config, gwei: float
    ) -> Move | None:
        """One batch of what pays, the best first."""
        per_gas = gwei * 1e-9 * view.mark / WAD
        use = gas_use()
        if gwei > self.terms.most_gwei:
            self.skipped += len(ids)
            return None
        worth = sorted(((reward(id_, table, view, cfg), -id_) for id_ in ids), reverse=True)
        chosen: list[int] = []
        for gain, minus_id in worth[: self.terms.batch]:
            cost = per_gas * (use.further if chosen else use.first)
            if gain < cost * self.terms.edge:
                break
            chosen.append(-minus_id)
        bill = per_gas * (use.first + use.further * (len(chosen) - 1))
        if not chosen or self.spent - self.earned + bill > self.terms.capital:
            self.skipped += len(ids)
            return None
        self.spent += bill
        return liquidate_many(self.account, chosen)

    def deleverage(self, ids: list[int], view: View, gwei: float) -> list[Move]:
        """Nobody is paid for it: a keeper does it for the pool's sake, within its limits."""
        bill = gas_use().deleverage * gwei * 1e-9 * view.mark / WAD
        found = []
        for id_ in ids:
            over = self.spent - self.earned + bill > self.terms.capital
            if gwei > self.terms.most_gwei or over:
                break
            self.spent += bill
            found.append(Move(self.account, "deleverage", (id_,), "deleverages"))
        return found


def reward(id_: int, table: Table, view: View, cfg: Config) -> float:
    """What liquidating a position pays (quote): the plan that the contract would make."""
    equity, _, price = table.exact(id_, view)
    size = table.get(id_).size
    terms = liquidation.costs(view.spread, view.skew, size, cfg)
    closed = liquidation.closed_size(equity, size, price, view.ramp, terms)
    notional = ceil_div((abs(size) if closed is None else closed) * price, WAD)
    paid = terms.reward(notional)
    if closed is None:
        costs = ceil_div(terms.rate * notional, WAD)
        paid = min(paid, max(cfg.reward_floor, equity - costs))
    return min(paid, table.get(id_).margin * cfg.unit + max(0, equity)) / WAD
