"""A clone of a vault whose market is an account, and what it could move."""

from __future__ import annotations

from typing import Any

from bulkhead.chain.contract import at, deploy
from bulkhead.chain.rpc import Rpc

MAX_REWARD = 1_000


def clone(rpc: Rpc, implementation: Any, sender: str) -> str:
    """A plain minimal proxy (ERC-1167)."""
    target = bytes.fromhex(implementation.address[2:])
    runtime = (
        bytes.fromhex("363d3d373d3d3d363d73")
        + target
        + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    )
    receipt = rpc.send(None, bytes.fromhex("3d602d80600a3d3981f3") + runtime, sender=sender)
    assert receipt.contract is not None
    return receipt.contract


class Vaults:
    """Two vaults of one market over one implementation."""

    def __init__(
        self, rpc: Rpc, accounts: list[str], *, token: str = "TestToken", decimals: int = 6
    ) -> None:
        self.rpc = rpc
        self.admin, self.market, self.pool, self.owner, self.keeper, self.attacker = accounts[:6]
        self.token = deploy(rpc, token, decimals, sender=self.admin).as_(self.admin)
        self.bare = deploy(
            rpc,
            "PositionVault",
            self.market,
            self.token,
            self.pool,
            MAX_REWARD,
            sender=self.admin,
        )
        self.vault = at(rpc, "PositionVault", clone(rpc, self.bare, self.admin)).as_(self.market)
        self.other = at(rpc, "PositionVault", clone(rpc, self.bare, self.admin)).as_(self.market)
        for who in (self.vault, self.other, self.bare):
            self.token.mint(who, 5_000)

    def balances(self) -> dict[str, int]:
        """Everybody's collateral."""
        holders = {
            "vault": self.vault,
            "other": self.other,
            "bare": self.bare,
            "market": self.market,
            "pool": self.pool,
            "owner": self.owner,
            "keeper": self.keeper,
            "attacker": self.attacker,
        }
        return {name: self.token.balanceOf(who) for name, who in holders.items()}

    def moved(self, before: dict[str, int]) -> dict[str, int]:
        """What changed since."""
        after = self.balances()
        return {name: after[name] - before[name] for name in after if after[name] != before[name]}
