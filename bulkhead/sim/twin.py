"""The fast world: the exact twin, integers only, with no chain behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bulkhead.deploy.params import check_listing, to_params
from bulkhead.deploy.schema import MarketFile
from bulkhead.model import MarketModel, pricing
from bulkhead.model.base import FUND, MARKET, POOL
from bulkhead.model.errors import ModelError
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD
from bulkhead.prices.path import WAD_PER_ANSWER
from bulkhead.sim.backend import Done, Held, View
from bulkhead.sim.feed import Feed
from bulkhead.sim.moves import Move, error_text, twin_action

LOOK_BACK = 2  # rounds before the newest that the adapter examines for an outage
ORACLE, TREASURY = f"0x{0xC1:040x}", f"0x{0xC2:040x}"


def account(place: int) -> str:
    """An address for the account at a place."""
    return f"0x{0xACC << 140 | place:040x}"


class TwinBackend:
    """The twin of a market, listed at `born` (unix seconds) at the price `answer` (8 decimals)."""

    def __init__(
        self,
        market: MarketFile,
        *,
        answer: int,
        born: int,
        accounts: int,
        model: type[MarketModel] = MarketModel,
    ) -> None:
        params = to_params(market, oracle=ORACLE, treasury=TREASURY)
        mark = answer * WAD_PER_ANSWER
        check_listing(market, params, mark)
        self.accounts: Sequence[str] = [account(place) for place in range(accounts)]
        self.twin = model(
            params,
            market.token.decimals,
            initial_mark=mark,
            initial_variance=market.listing.volatility**2 // WAD,
            now=born,
        )
        self.feed = Feed(market, LOOK_BACK)
        for _ in range(2):
            self.feed.push(answer, born)

    @property
    def cfg(self) -> Config:
        """The market's configuration."""
        return self.twin.core.cfg

    def give(self, purses: dict[str, int]) -> None:
        """Tokens out of nothing."""
        for who, amount in purses.items():
            self.twin.give(FUND if who == "fund" else who, amount)

    def play(self, time: int, moves: Sequence[Move]) -> list[Done]:
        """Each move as a transaction of the twin."""
        self.twin.now = time
        return [self._one(move) for move in moves]

    def _one(self, move: Move) -> Done:
        if move.name == "push":
            self.feed.push(*move.args)
            return Done(move, "", None, ())
        twin = self.twin
        twin.oracle = self.feed.read(twin.state.published_at, twin.now)
        try:
            result = twin_action(twin, move)()
        except ModelError as refusal:
            return Done(move, error_text(refusal), None, ())
        return Done(move, "", result.value, result.events)

    def view(self) -> View:
        """From the twin's state."""
        core, s = self.twin.core, self.twin.state
        return View(
            time=core.now,
            mark=s.mark,
            spread=s.spread,
            published_at=s.published_at,
            resumed_at=s.resumed_at,
            funding_index=s.funding_index,
            funding_rate=s.funding_rate,
            variance=s.variance,
            ramp=s.ramp,
            size_long=s.size_long,
            size_short=s.size_short,
            basis_long=s.basis_long,
            basis_short=s.basis_short,
            nav=pricing.nav(core),
            cash=s.cash,
            owed=core.totals.owed,
            paid=core.totals.paid,
            insurance=self.twin.balance(FUND) + s.insurance_due,
            supply=self.twin.pool.state.supply,
        )

    def held(self, ids: Sequence[int]) -> list[Held]:
        """Positions and the balances of their vaults."""
        found = []
        for id_ in ids:
            one = self.twin.core.positions[id_]
            found.append(Held(id_, one.size, one.basis, self.twin.core.margin(id_)))
        return found

    def shares(self, account: str) -> int:
        """Pool shares."""
        return self.twin.pool.shares.get(account, 0)

    def claimable(self, account: str) -> int:
        """What of a deposit is priced."""
        return self.twin.pool.deposits.folded(account).assets

    def balance(self, account: str) -> int:
        """Token units."""
        return self.twin.balance(account)

    def snapshot(self) -> dict[str, Any]:
        """State, totals, positions, vaults, balances and shares."""
        twin, core = self.twin, self.twin.core
        state = {**asdict(core.state), "mode": int(core.state.mode)}
        ids = range(1, core.state.next_id)
        return {
            "state": state,
            "tickets": (core.totals.owed, core.totals.paid, core.totals.next_ticket_id),
            "positions": [
                (one.size, one.basis, one.funding_entry)
                for one in (core.positions[id_] for id_ in ids)
            ],
            "margins": [core.margin(id_) for id_ in ids],
            "balances": [twin.balance(who) for who in self.accounts],
            "shares": [self.shares(who) for who in self.accounts],
            "system": [twin.balance(who) for who in (MARKET, POOL, FUND, TREASURY)],
            "supply": twin.pool.state.supply,
            "nav": twin.nav(),
        }
