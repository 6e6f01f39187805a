"""One look at the chain: every number the laws speak of, read in one batch at one block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from bulkhead.chain.batch import Batch
from bulkhead.deploy.system import System


class Tickets(NamedTuple):
    """`ticketTotals` of the market (token units; ratio in Ray)."""

    owed: int
    paid: int
    final_ratio: int
    next_id: int


@dataclass(frozen=True)
class Observation:
    """The chain at one block. Units as in `interfaces/Types.sol`; positions start at id 1."""

    state: Any
    tickets: Tickets
    nav: int
    free_liquidity: int
    supply: int  # pool shares
    reserve: int  # token units set aside for redemptions
    pending_deposits: int
    pending_redeems: int
    accounted: int
    token_supply: int
    market_view: Any  # of the lens
    views: Sequence[Any]  # of the lens, by position
    positions: tuple[Any, ...]
    margins: tuple[int, ...]  # of the vaults, by position
    balances: dict[str, int]  # of everybody else who holds the token
    shares: dict[str, int]  # of the pool


def _market_calls(system: System, batch: Batch) -> None:
    """The market as a whole, its pool, and the lens's views: 12 results."""
    market, pool, token = system.market, system.pool, system.token
    for name in ("state", "ticketTotals", "nav", "freeLiquidity"):
        batch.add(market, getattr(market, name))
    for name in ("totalSupply", "redemptionReserve", "pendingDepositAssets"):
        batch.add(pool, getattr(pool, name))
    for name in ("pendingRedeemShares", "accounted"):
        batch.add(pool, getattr(pool, name))
    batch.add(token, token.totalSupply)
    batch.add(system.lens, system.lens.marketView, market.address)
    batch.add(system.lens, system.lens.positions, market.address, 1, 0)


def _market_values(found: Sequence[Any]) -> dict[str, Any]:
    """The results of `_market_calls` by name."""
    names = (
        *("state", "tickets", "nav", "free_liquidity", "supply", "reserve"),
        *("pending_deposits", "pending_redeems", "accounted", "token_supply"),
        *("market_view", "views"),
    )
    values = dict(zip(names, found, strict=True))
    return {**values, "tickets": Tickets(*values["tickets"])}


def observe(
    system: System, vaults: Sequence[str], holders: Iterable[str], providers: Iterable[str]
) -> Observation:
    """Everything at the latest block. `vaults[i]` belongs to position i + 1."""
    holders, providers = list(holders), list(providers)
    batch = Batch()
    _market_calls(system, batch)
    first = len(batch)
    for place in range(len(vaults)):
        batch.add(system.market, system.market.position, place + 1)
    for account in (*vaults, *holders):
        batch.add(system.token, system.token.balanceOf, account)
    for account in providers:
        batch.add(system.pool, system.pool.balanceOf, account)
    found = batch.run(system.rpc)
    values, rest = _market_values(found[:first]), iter(found[first:])
    return Observation(
        **values,
        positions=tuple(islice(rest, len(vaults))),
        margins=tuple(islice(rest, len(vaults))),
        balances=dict(zip(holders, islice(rest, len(holders)), strict=True)),
        shares=dict(zip(providers, rest, strict=True)),
    )
