"""A whole system with a crowd in it, and positions ready for what is measured.

Everything is at fixed times, from fixed accounts, in a fixed order: the same code gives the same
gas. The positions that are measured come before the crowd, so that they have the same ids whatever
its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.contract import Contract, deploy, events
from bulkhead.chain.rpc import Receipt
from bulkhead.deploy.system import System
from bulkhead.errors import BulkheadError
from bulkhead.gas.stepped import Stepped
from bulkhead.gas.system import DECIMALS, stand_up

START = 1_800_000_000  # time of the first block
USD = 10**6  # the token's unit
WAD = 10**18
PRICE = 2_000  # USD per ETH, when everybody opens
STEP = 120  # seconds from one step to the next: longer than the sample interval
LAG = 12  # seconds from a round to the transaction that uses it: a block
MINUTE, HOUR = 60, 3_600
SIZE = 50 * WAD  # of each position that is measured
MARGIN = 6_000 * USD  # for 100,000 USD of notional
LIQUIDITY = 20_000_000 * USD
CROWD_LONG, CROWD_SHORT = 1_000 * WAD, 1_200 * WAD  # a skew remains: 650 ETH of ours are long
PURSE = 10**9 * USD
NAMES = (
    *("deployer", "governance", "guardian", "treasury", "lp", "keeper"),
    *("holder", "rich", "returner", "newcomer", "crowd", "second_lp"),
)


class GasError(BulkheadError):
    """A measured action was not what its name says."""


def require(condition: object, what: str) -> None:
    """Stop if a measurement measures something else."""
    if not condition:
        raise GasError(what)


@dataclass
class Stage:
    """The system, its people (addresses by name) and positions (ids by name)."""

    rpc: Stepped
    system: System
    feed: Contract  # the aggregator
    people: dict[str, str]
    healer: Contract
    ids: dict[str, int] = field(default_factory=dict)
    many: list[int] = field(default_factory=list)
    price: int = PRICE

    @property
    def market(self) -> Contract:
        """The market."""
        return self.system.market

    @property
    def pool(self) -> Contract:
        """Its pool."""
        return self.system.pool

    @property
    def book(self) -> Contract:
        """Its orders."""
        return self.system.order_book

    @property
    def token(self) -> Contract:
        """Its collateral."""
        return self.system.token

    # ---------------------------------------------------------------- time and price

    def tick(self, price: int | None = None, seconds: int = STEP) -> int:
        """Publish a round a block before the next transaction, whose time is returned."""
        self.price = price or self.price
        moment = self.rpc.time() + seconds
        self.rpc.next_time(moment - LAG)
        self.feed.push(self.price * 10**DECIMALS, moment - LAG, sender=self.people["deployer"])
        self.rpc.next_time(moment)
        return moment

    def idle(self, seconds: int) -> None:
        """Let time pass with hourly rounds that the market takes in."""
        while seconds > 0:
            self.tick(seconds=min(HOUR, seconds))
            self.market.accrue(sender=self.people["keeper"])
            seconds -= HOUR

    # ---------------------------------------------------------------- positions

    def limit(self, size: int) -> int:
        """Two per cent worse than the price."""
        return self.price * WAD * (102 if size > 0 else 98) // 100

    def deadline(self) -> int:
        """Soon enough for every transaction here."""
        return self.rpc.time() + HOUR

    def open_args(self, id_: int, size: int, margin: int) -> tuple[int, ...]:
        """Arguments of `open`."""
        return id_, size, margin, self.limit(size), self.deadline()

    def open(self, who: str, size: int = SIZE, margin: int = MARGIN, id_: int = 0) -> int:
        """Open, and return the id."""
        receipt = self.market.open(*self.open_args(id_, size, margin), sender=self.people[who])
        return int(self.changed(receipt).id)

    def changed(self, receipt: Receipt) -> Any:
        """The receipt's one PositionChanged."""
        found = events(receipt, "PositionChanged", of=self.market)
        require(len(found) == 1, f"{len(found)} positions changed, not one")
        return found[0]

    def vault(self, name: str) -> str:
        """Where a position's margin lies."""
        return str(self.market.vaultOf(self.ids[name]))

    def margin(self, name: str) -> int:
        """A position's margin in token units."""
        return int(self.token.balanceOf(self.vault(name)))

    # ---------------------------------------------------------------- measuring

    @contextmanager
    def accruing(self) -> Iterator[None]:
        """Require that the transaction inside takes a new mark, samples it and accrues funding."""
        before = self.market.state()
        yield
        after = self.market.state()
        require(after.acceptedAt == self.rpc.time(), "no mark was accepted in its block")
        require(after.publishedAt > before.publishedAt, "the mark was not a new one")
        require(after.sampledAt == after.publishedAt, "volatility was not sampled")
        require(after.variance != before.variance, "the variance did not move")
        require(after.fundingIndex != before.fundingIndex, "no funding accrued")
        require(after.fundingRate != before.fundingRate, "the funding rate did not move")
        require(after.sizeLong and after.sizeShort, "one side is empty")


def _fund(stage: Stage) -> None:
    """Everybody holds tokens and lets market and pool take them."""
    for who in stage.people.values():
        stage.token.mint(who, PURSE, sender=stage.people["deployer"])
        for spender in (stage.market, stage.pool):
            stage.token.approve(spender, 2**256 - 1, sender=who)
    stage.token.mint(stage.healer, PURSE, sender=stage.people["deployer"])
    stage.healer.run(stage.token, stage.token.approve.encode(stage.market.address, 2**256 - 1))


def _provide(stage: Stage) -> None:
    """Liquidity from both providers, priced and claimed."""
    lps = [stage.people["lp"], stage.people["second_lp"]]
    for who in lps:
        stage.pool.requestDeposit(LIQUIDITY // 2, who, who, sender=who)
        stage.idle(2 * HOUR)
        claimable = stage.pool.maxDeposit(who)
        require(claimable == LIQUIDITY // 2, "the deposit was not priced")
        stage.pool["deposit(uint256,address,address)"](claimable, who, who, sender=who)


def _open_measured(stage: Stage) -> None:
    stage.tick()
    stage.ids["holder"] = stage.open("holder")
    stage.ids["rich"] = stage.open("rich", margin=20_000 * USD)
    stage.many = [stage.open("holder") for _ in range(10)]
    returner = stage.people["returner"]
    stage.ids["emptied"] = stage.open("returner")
    stage.market.closeAndWithdraw(
        stage.ids["emptied"], stage.limit(-1), stage.deadline(), returner, sender=returner
    )
    args = stage.open_args(0, SIZE, MARGIN)
    receipt = stage.healer.run(stage.market, stage.market.open.encode(*args))
    stage.ids["healer"] = stage.changed(receipt).id
    opt_in = stage.market.setMarginCall.encode(stage.ids["healer"], True)
    stage.healer.run(stage.market, opt_in)


def _open_crowd(stage: Stage, count: int) -> None:
    """`count` positions of the same total, half of them on each side."""
    each = count // 2
    sizes = [CROWD_LONG // each, -CROWD_SHORT // each] * each
    stage.tick()
    calls = [
        stage.market.open.prepare(
            *stage.open_args(0, size, abs(size) * PRICE * USD // WAD // 4),
            sender=stage.people["crowd"],
            gas=1_000_000,
        )
        for size in sizes
    ]
    receipts = stage.rpc.send_all(calls)
    require(all(receipt.ok for receipt in receipts), "somebody of the crowd could not open")


def set_the_stage(anvil: Anvil, crowd: int) -> Stage:
    """The system with `crowd` positions beside those that are measured."""
    rpc = Stepped(f"ipc://{anvil.ipc}")
    rpc.request("anvil_setBlockTimestampInterval", 1)  # blocks follow no wall clock
    people = dict(zip(NAMES, anvil.accounts, strict=False))
    system, feed = stand_up(rpc, people, PRICE)
    healer = deploy(rpc, "HealingOwner", sender=people["deployer"]).as_(people["deployer"])
    stage = Stage(rpc, system, feed, people, healer)
    _fund(stage)
    _provide(stage)
    _open_measured(stage)
    _open_crowd(stage, crowd)
    stage.idle(HOUR)
    return stage
