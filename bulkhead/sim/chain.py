"""The true world: the contracts on an Anvil, moved by real transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.batch import Batch
from bulkhead.chain.contract import Contract, events
from bulkhead.chain.errors import ChainError
from bulkhead.chain.rpc import Call, Receipt, Rpc
from bulkhead.deploy.local import LOCAL_CHAINS, deploy_local
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.system import System
from bulkhead.errors import BadInput, BulkheadError
from bulkhead.model import config
from bulkhead.model.types import Config, camel
from bulkhead.prices.path import WAD_PER_ANSWER
from bulkhead.sim.backend import Done, Held, View
from bulkhead.sim.moves import Move, chain_call, revert_text

BACKSTAGE = 4  # deployer, governance, guardian, treasury
LEAD_SECS = 3_600  # what our own chain's clock starts before a market is listed
UNLIMITED = 2**256 - 1
GAS = 3_000_000
GAS_PER_ID = 900_000  # liquidateMany
STATE = (
    *("mark", "spread", "published_at", "resumed_at", "funding_index", "funding_rate"),
    *("variance", "ramp", "size_long", "size_short", "basis_long", "basis_short", "cash"),
)
WHOLE_STATE = (
    *STATE,
    *("accepted_at", "accrued_at", "sampled_at", "ln_sample", "renewed", "next_id"),
    *("insurance_due", "treasury_due", "bucket_due_at", "jump_at", "mode"),
)


class ChainBackend:
    """A market that is deployed for this run and listed at `born` (unix seconds)."""

    def __init__(
        self, rpc: Rpc, accounts: list[str], market: MarketFile, *, answer: int, born: int
    ) -> None:
        self.accounts: Sequence[str] = accounts[:-BACKSTAGE]
        self.rpc = rpc
        rpc.next_time(born)
        rpc.request("anvil_setBlockTimestampInterval", 0)  # time stands still while it is deployed
        self.system, feed = deploy_local(rpc, market, accounts[-BACKSTAGE:], answer)
        rpc.request("anvil_removeBlockTimestampInterval")
        self._aggregator = feed.aggregator
        self._cfg = _config(self.system, answer)
        self._vaults: dict[int, str] = {}

    @property
    def cfg(self) -> Config:
        """The market's configuration, derived as the contracts do."""
        return self._cfg

    def give(self, purses: dict[str, int]) -> None:
        """Mint, and allow market and pool to take."""
        system, calls = self.system, list[Call]()
        minter = system.deployer
        for who, amount in purses.items():
            to = system.fund.address if who == "fund" else who
            calls.append(system.token.mint.prepare(to, amount, sender=minter, gas=200_000))
            if who == "fund":
                continue
            for spender in (system.market, system.pool):
                approve = system.token.approve
                allowed = approve.prepare(spender.address, UNLIMITED, sender=who, gas=200_000)
                calls.append(allowed)
        for receipt in self.rpc.send_all(calls):
            if not receipt.ok:
                raise BulkheadError(f"giving tokens failed in transaction {receipt.hash}")

    def play(self, time: int, moves: Sequence[Move]) -> list[Done]:
        """One block with a transaction for each move."""
        self.rpc.next_time(time)
        calls = [chain_call(self.system, self._aggregator, move, _gas(move)) for move in moves]
        receipts = self.rpc.send_all(calls)
        return [self._done(move, one) for move, one in zip(moves, receipts, strict=True)]

    def _done(self, move: Move, receipt: Receipt) -> Done:
        if not receipt.ok:
            return Done(move, revert_text(self.rpc.revert_data(receipt.hash)), None, ())
        found = tuple((one.name, dict(one.args)) for one in events(receipt))
        opened = [args["id"] for name, args in found if name == "PositionChanged"]
        return Done(move, "", opened[0] if move.name == "open" else None, found)

    def view(self) -> View:
        """The market's state, read at once."""
        system, batch = self.system, Batch()
        for name in ("state", "nav", "ticketTotals"):
            batch.add(system.market, getattr(system.market, name))
        batch.add(system.token, system.token.balanceOf, system.fund.address)
        batch.add(system.pool, system.pool.totalSupply)
        state, nav, tickets, fund, supply = batch.run(self.rpc)
        return View(
            time=self.rpc.time(),
            nav=nav,
            owed=tickets[0],
            paid=tickets[1],
            insurance=fund + state.insuranceDue,
            supply=supply,
            **{name: getattr(state, camel(name)) for name in STATE},
        )

    def held(self, ids: Sequence[int]) -> list[Held]:
        """Positions and their vaults' balances."""
        batch, market = Batch(), self.system.market
        for id_ in ids:
            batch.add(market, market.position, id_)
            batch.add(self.system.token, self.system.token.balanceOf, self._vault(id_))
        found = batch.run(self.rpc)
        return [
            Held(id_, one.size, one.basis, margin)
            for id_, one, margin in zip(ids, found[::2], found[1::2], strict=True)
        ]

    def _vault(self, id_: int) -> str:
        if id_ not in self._vaults:
            self._vaults[id_] = self.system.market.vaultOf(id_)
        return self._vaults[id_]

    def liquidatable(self) -> list[int]:
        """What the lens calls liquidatable now."""
        return [int(id_) for id_ in self.system.lens.liquidatable(self.system.market.address, 1, 0)]

    def shares(self, account: str) -> int:
        """Pool shares."""
        return int(self.system.pool.balanceOf(account))

    def claimable(self, account: str) -> int:
        """What of a deposit is priced."""
        return int(self.system.pool.maxDeposit(account))

    def balance(self, account: str) -> int:
        """Token units."""
        return int(self.system.token.balanceOf(account))

    def _balances(self, contract: Contract, accounts: Sequence[str]) -> list[int]:
        batch = Batch()
        for who in accounts:
            batch.add(contract, contract.balanceOf, who)
        return [int(one) for one in batch.run(self.rpc)]

    def snapshot(self) -> dict[str, Any]:
        """State, totals, positions, vaults, balances and shares."""
        system, state = self.system, self.system.market.state()
        ids = range(1, state.nextId)
        batch = Batch()
        for id_ in ids:
            batch.add(system.market, system.market.position, id_)
        treasury = system.people.treasury
        others = (system.market.address, system.pool.address, system.fund.address, treasury)
        tickets = system.market.ticketTotals()
        return {
            "state": {name: getattr(state, camel(name)) for name in WHOLE_STATE},
            "tickets": (tickets[0], tickets[1], tickets[3]),
            "positions": [(one.size, one.basis, one.fundingEntry) for one in batch.run(self.rpc)],
            "margins": self._balances(system.token, [self._vault(id_) for id_ in ids]),
            "balances": self._balances(system.token, self.accounts),
            "shares": self._balances(system.pool, self.accounts),
            "system": self._balances(system.token, others),
            "supply": system.pool.totalSupply(),
            "nav": system.market.nav(),
        }


def _gas(move: Move) -> int:
    return GAS + (GAS_PER_ID * len(move.args[0]) if move.name == "liquidate_many" else 0)


def _config(system: System, answer: int) -> Config:
    return config.derive(
        system.params,
        token=system.token.address,
        pool=system.pool.address,
        fund=system.fund.address,
        order_book=system.market.ORDER_BOOK(),
        decimals=system.market_file.token.decimals,
        max_reward=system.market.config().maxReward,
        initial_mark=answer * WAD_PER_ANSWER,
    )


@contextmanager
def node(url: str | None, accounts: int, starts: int) -> Iterator[tuple[Rpc, list[str]]]:
    """A node and its accounts: one of our own, or a development node that already runs.

    `starts`: when the market must be listed (unix seconds); the node's clock must be before that.
    """
    wanted = accounts + BACKSTAGE
    if url is None:
        with Anvil(accounts=wanted, timestamp=starts - LEAD_SECS) as own:
            yield own.rpc, own.accounts
        return
    try:
        rpc = Rpc(url, timeout=10.0)
    except (ValueError, ChainError) as problem:
        raise BadInput("node", url, f"it is no address: {problem}") from None
    try:
        yield rpc, _checked(rpc, url, wanted, starts)
    finally:
        rpc.close()


def _checked(rpc: Rpc, url: str, wanted: int, starts: int) -> list[str]:
    try:
        chain, now, found = rpc.chain_id(), rpc.time(), rpc.accounts()
    except (OSError, ChainError) as problem:
        raise BadInput("node", url, f"it can't be reached: {problem}") from None
    if chain not in LOCAL_CHAINS:
        raise BadInput("node", f"{url}, chain {chain}", "only a local development chain is used")
    if len(found) < wanted:
        raise BadInput("node", f"{url}, {len(found)} accounts", f"{wanted} are wanted (--accounts)")
    if now >= starts:
        limit = f"before {starts}: start anvil with --timestamp"
        raise BadInput("node", f"{url}, whose time is {now}", limit)
    return found[:wanted]
