"""A pool with a settable market, and words for what liquidity providers do."""

from __future__ import annotations

from typing import Any

from bulkhead.chain.contract import Contract, at, deploy, events
from bulkhead.chain.rpc import Receipt, Rpc

LATE = 2**60  # published after any due moment
DEAD = "0x000000000000000000000000000000000000dEaD"
VIRTUAL = 1_000
FOREVER = 2**256 - 1

DEPOSIT = "deposit(uint256,address,address)"
MINT = "mint(uint256,address,address)"


class World:
    """Market stub, token and pool; roles are accounts."""

    def __init__(
        self, rpc: Rpc, accounts: list[str], *, token: str = "TestToken", decimals: int = 6
    ) -> None:
        self.rpc = rpc
        self.admin, self.lp, self.other, self.operator, self.attacker = accounts[:5]
        self.people = accounts[1:5]
        self.decimals = decimals
        self.unit = 10 ** (18 - decimals)
        self.one = 10**decimals
        self.token = deploy(rpc, token, decimals, sender=self.admin)
        self.market = deploy(rpc, "MarketStub", sender=self.admin).as_(self.admin)
        self.pool = deploy(
            rpc, "LiquidityPool", self.market, self.token, "Pool", "BLP", sender=self.admin
        )
        self.market.setUp(self.pool, self.unit)
        for who in self.people:
            self.token.as_(who).mint(who, 10**6 * self.one + 10**14)
            self.token.as_(who).approve(self.pool, FOREVER)

    # ---- acting

    def request_deposit(self, who: str, assets: int, controller: Any = None) -> Receipt:
        """A request of `who`'s own tokens."""
        return self.pool.as_(who).requestDeposit(assets, controller or who, who)

    def request_redeem(self, who: str, shares: int, controller: Any = None) -> Receipt:
        """A request of `who`'s own shares."""
        return self.pool.as_(who).requestRedeem(shares, controller or who, who)

    def deposit(self, assets: int, receiver: Any, controller: Any, sender: Any = None) -> Receipt:
        return self.pool[DEPOSIT].send(assets, receiver, controller, sender=sender or controller)

    def mint(self, shares: int, receiver: Any, controller: Any, sender: Any = None) -> Receipt:
        return self.pool[MINT].send(shares, receiver, controller, sender=sender or controller)

    def redeem(self, shares: int, receiver: Any, controller: Any, sender: Any = None) -> Receipt:
        return self.pool.redeem(shares, receiver, controller, sender=sender or controller)

    def withdraw(self, assets: int, receiver: Any, controller: Any, sender: Any = None) -> Receipt:
        return self.pool.withdraw(assets, receiver, controller, sender=sender or controller)

    def price(self, *, free: int | None = None, profit: int = 0) -> Receipt:
        """Price what is due; `profit` (token units, signed) reaches cash and NAV first."""
        state = self.market.state()
        value = self.market.value() + profit * self.unit
        if profit:
            if profit > 0:
                self.token.as_(self.admin).mint(self.pool, profit)
            else:
                self.market.pay(self.admin, -profit)
            self.market.setCash(state.cash + profit, state.insuranceDue, state.treasuryDue)
        self.market.setValue(value, FOREVER if free is None else free)
        return self.market.price(LATE)

    def invest(self, who: str, assets: int) -> int:
        """Deposit, price and claim; return the shares."""
        before = self.pool.balanceOf(who)
        self.request_deposit(who, assets)
        self.price()
        if self.pool.maxMint(who):  # dust at a high price may buy no share
            self.deposit(self.pool.maxDeposit(who), who, who)
        return self.pool.balanceOf(who) - before

    # ---- looking

    def books(self, *more: Any) -> dict[str, Any]:
        """Everything that a call could move."""
        found: dict[str, Any] = {
            "supply": self.pool.totalSupply(),
            "pending": self.pool.pendingDepositAssets(),
            "queued": self.pool.pendingRedeemShares(),
            "reserve": self.pool.redemptionReserve(),
            "accounted": self.pool.accounted(),
            "cash": self.market.state().cash,
            "due": self.pool.nextDueAt(),
            "scheduled": self.market.dueAt(),
            "deposits": self.pool.depositBuckets()[2],
            "redeems": self.pool.redeemBuckets()[2],
        }
        holders = {"pool": self.pool.address, "dead": DEAD, **self.roles(), **dict(enumerate(more))}
        for name, who in holders.items():
            found[f"tokens of {name}"] = self.token.balanceOf(who)
            found[f"shares of {name}"] = self.pool.balanceOf(who)
            found[f"deposited by {name}"] = self.pool.maxDeposit(who)
            found[f"minted for {name}"] = self.pool.maxMint(who)
            found[f"withdrawable by {name}"] = self.pool.maxWithdraw(who)
            found[f"redeemed by {name}"] = self.pool.maxRedeem(who)
        return found

    def roles(self) -> dict[str, str]:
        return {
            "lp": self.lp,
            "other": self.other,
            "operator": self.operator,
            "attacker": self.attacker,
        }

    def solvent(self) -> None:
        """The pool holds what it must."""
        held = self.token.balanceOf(self.pool)
        assert held >= self.pool.accounted(), "I-37: less in the pool than it owes"


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """By how much each number moved; numbers that did not are left out."""
    return {key: after[key] - before[key] for key in after if after[key] != before[key]}


def only(receipt: Receipt, name: str) -> Any:
    """The one event of this name."""
    found = events(receipt, name)
    assert len(found) == 1, f"{len(found)} events {name}"
    return found[0]


def actor(rpc: Rpc, sender: str) -> Contract:
    """A contract that calls what a test says, also in the middle of a transfer."""
    return deploy(rpc, "ReentrantActor", sender=sender).as_(sender)


__all__ = [
    "DEAD",
    "DEPOSIT",
    "FOREVER",
    "LATE",
    "MINT",
    "VIRTUAL",
    "World",
    "actor",
    "at",
    "changes",
    "only",
]
