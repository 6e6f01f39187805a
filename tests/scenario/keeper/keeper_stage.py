"""A whole market on an Anvil of its own, with liquidity and people, for the keeper to keep."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.contract import events
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.local import LocalFeed, deploy_local
from bulkhead.deploy.params import DIRECT, read
from bulkhead.deploy.system import System
from bulkhead.keeper import names
from bulkhead.keeper.service import Keeper, Look
from bulkhead.keeper.settings import KeeperSettings, load

MARKET = ROOT / "markets" / "eth-usd.yaml"
ANSWER = 10**8
WAD = 10**18
SOON = 2**40
ANY = {True: 2**255, False: 0}
KEYS = ["0x" + f"{0xB0B + place:064x}" for place in range(3)]  # of keepers


@dataclass
class Stage:
    """The market, who trades in it, and what its feed says."""

    rpc: Rpc
    url: str
    system: System
    feed: LocalFeed
    people: list[str]
    answer: int = 2_000 * ANSWER

    @property
    def market(self) -> Any:
        """The market's contract."""
        return self.system.market

    def connect(self) -> Rpc:
        """A connection of its own, for another thread."""
        return Rpc(self.url)

    # ---- time and price

    def price(self, dollars: float, seconds: int = 60) -> None:
        """A new block with a new round of the feed."""
        self.answer = round(dollars * ANSWER)
        moment = self.rpc.time() + seconds
        self.rpc.next_time(moment)
        self.feed.aggregator.push(self.answer, moment, sender=self.people[0])

    def blocks(self, count: int = 1) -> None:
        """Empty blocks."""
        self.rpc.mine(count)

    def slide(self, dollars: float, steps: int = 5) -> None:
        """To a price in steps that the adapter's band lets through, a minute each."""
        start = self.answer / ANSWER
        for step in range(1, steps + 1):
            self.price(start + (dollars - start) * step / steps)

    # ---- people

    def open(self, size: float, margin: float, who: int = 6) -> int:
        """A position (whole units; negative is short); its id."""
        signed = round(size * 10**9) * 10**9
        receipt = self.market.open(
            0, signed, round(margin * 10**6), ANY[size > 0], SOON, sender=self.people[who]
        )
        return int(events(receipt, "PositionChanged")[0].id)

    def crowd(self, count: int, leverage: float = 19.0) -> list[int]:
        """Longs of 2,000 to 4,000 dollars at the highest leverage, hedged by one big short."""
        mark = self.answer / ANSWER
        total = sum(2_000 + 2_000 * place / count for place in range(count))
        self.open(-total / mark, total, who=7)
        found = []
        for place in range(count):
            notional = 2_000 + 2_000 * place / count
            found.append(self.open(notional / mark, notional / leverage))
        return found

    def liquidations(self, start: int = 0) -> list[Any]:
        """Every liquidation so far, as events."""
        logs = self.rpc.logs(start=start, of=self.market.address)
        changes = events(logs, names.CHANGED)
        return [change for change in changes if change.action in names.LIQUIDATED]

    def due(self) -> list[int]:
        """Who can be liquidated now, says the lens."""
        return list(self.system.lens.liquidatable(self.market.address, 1, 0))

    # ---- keepers

    def settings(self, folder: Path, **more: Any) -> KeeperSettings:
        """Of a keeper with a file in this folder."""
        given = {
            "node": self.url,
            "markets": f"{self.market.address}@{self.system.lens.address}",
            "database": f"sqlite:///{folder / 'keeper.db'}",
            "key": KEYS[0],
            "min_profit": "0.01",
            "budget": "10",
            "timeout_secs": 5,
            "poll_secs": 0.05,
            "bump_after": 2,
        }
        return load(None, **{**given, **more})

    def keeper(self, folder: Path, **more: Any) -> Keeper:
        """A keeper whose account has ether."""
        settings = self.settings(folder, **more)
        account = settings.account()
        if account is not None:
            self.rpc.set_balance(account.address, 100 * 10**18)
        made = Keeper(settings)
        look = made.tick

        def tick() -> list[Look]:
            """A look, and what it sent mined: Anvil mines a moment after it answers."""
            try:
                return look()
            finally:
                self.settle()

        made.tick = tick  # type: ignore[method-assign]
        return made

    def settle(self, secs: float = 10.0) -> None:
        """Until the pool is empty, where the node mines by itself."""
        limit = time.monotonic() + secs
        while self.running() and self.rpc.request("anvil_getAutomine"):
            if int(self.rpc.request("txpool_status")["pending"], 16) == 0:
                return
            assert time.monotonic() < limit, "the node does not mine"
            time.sleep(0.005)

    def running(self) -> bool:
        """Whether the node answers."""
        try:
            self.rpc.chain_id()
        except OSError:
            return False
        return True


def liquidity(system: System, amount: int, feed: LocalFeed, people: list[str]) -> None:
    """Deposited, priced and claimed by the sixth of the people."""
    rpc, pool, who = system.rpc, system.pool, people[5]
    system.token.mint(who, amount, sender=people[0])
    system.token.approve(pool.address, 2**256 - 1, sender=who)
    pool["requestDeposit(uint256,address,address)"].send(amount, who, who, sender=who)
    for _ in range(2):
        moment = rpc.time() + system.params.deposit_delay_secs + system.params.pricing_wait_secs
        rpc.next_time(moment)
        feed.aggregator.push(2_000 * ANSWER, moment, sender=people[0])
        system.market.accrue(sender=people[0])
    pool["deposit(uint256,address,address)"].send(amount, who, who, sender=who)


def build(chain: Anvil) -> Stage:
    """Deploys and funds."""
    people = chain.accounts
    system, feed = deploy_local(chain.rpc, read(MARKET, DIRECT), people, 2_000 * ANSWER)
    liquidity(system, 20_000_000 * 10**6, feed, people)
    for trader in people[6:9]:
        system.token.mint(trader, 5_000_000 * 10**6, sender=people[0])
        system.token.approve(system.market.address, 2**256 - 1, sender=trader)
    return Stage(chain.rpc, chain.url, system, feed, people)


def addresses(keys: Iterable[str] = KEYS) -> list[str]:
    """Of keepers' keys."""
    return [Account.from_key(key).address.lower() for key in keys]


def chain_rows(stage: Stage) -> dict[int, tuple[int, int, int]]:
    views = stage.system.lens.positions(stage.market.address, 1, 0)
    return {view.id: (view.size, view.basis, view.margin) for view in views}


def same_as_chain(stage: Stage, keeper: Keeper) -> None:
    """The database holds what the chain does."""
    rows = {row.id: (row.size, row.basis, row.margin) for row in keeper.seats[0].store.rows()}
    assert rows == chain_rows(stage)
