"""What each way to keep a position's margin costs: receipts of whole transactions, every slot cold.

Only the escrow differs: no market, price or margin rule is in these figures, but the 21,000 of a
transaction and the token's own work are. Whoever is paid holds tokens already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.contract import Contract, deploy
from bulkhead.gas.stage import START, USD, require
from bulkhead.gas.stepped import Stepped

DESIGNS = {
    "PlainClones": "plain clone, one implementation (chosen)",
    "ArgumentClones": "clone with immutable arguments",
    "WholeContracts": "whole contract by CREATE2",
    "Approvers": "empty contract that approves the market",
    "SharedLedger": "one shared ledger",
}
MARGIN, PART = 1_000 * USD, 300 * USD
PURSE = 10**6 * USD


@dataclass
class Bench:
    """One design with the positions 1 and 3 open, and who takes part."""

    token: Contract
    design: Contract
    pool: str
    trader: str

    def open_first(self) -> int:
        """A position that never had an escrow."""
        return self._open(2, first=True)

    def open_again(self) -> int:
        """A position whose escrow was emptied."""
        self.design.payOwner(1, self.trader, MARGIN, sender=self.trader)
        return self._open(1, first=False)

    def top_up(self) -> int:
        """A plain transfer of tokens to the escrow; the ledger must be called."""
        if self.design.vaultOf(1) == self.design.address:
            return self._open(1, first=False)
        vault = self.design.vaultOf(1)
        return int(self.token.transfer(vault, PART, sender=self.trader).gas_used)

    def pay_pool(self) -> int:
        """A loss. In the ledger it moves no tokens."""
        return int(self.design.payPool(1, PART, sender=self.trader).gas_used)

    def pay_owner(self) -> int:
        """Margin paid out."""
        before = self.token.balanceOf(self.trader)
        gas = int(self.design.payOwner(1, self.trader, PART, sender=self.trader).gas_used)
        require(self.token.balanceOf(self.trader) == before + PART, "the owner was not paid")
        return gas

    def _open(self, id_: int, *, first: bool) -> int:
        vault = self.design.vaultOf(id_)
        before = self.token.balanceOf(vault)
        receipt = self.design.open(id_, MARGIN, first, sender=self.trader)
        require(self.token.balanceOf(vault) == before + MARGIN, "the margin is not there")
        return int(receipt.gas_used)


ACTIONS: dict[str, Callable[[Bench], int]] = {
    "first open": Bench.open_first,
    "open again": Bench.open_again,
    "top up": Bench.top_up,
    "vault to pool": Bench.pay_pool,
    "vault to owner": Bench.pay_owner,
}


def measure() -> dict[str, dict[str, int]]:
    """Gas by design, then by action."""
    found: dict[str, dict[str, int]] = {}
    with Anvil(timestamp=START) as anvil:
        rpc = Stepped(f"ipc://{anvil.ipc}")
        pool, trader = anvil.accounts[:2]
        for name in DESIGNS:
            token = deploy(rpc, "TestToken", 6, sender=pool)
            design = deploy(rpc, name, token, pool, sender=pool)
            for who in (pool, trader):
                token.mint(who, PURSE, sender=pool)
            token.approve(design, 2**256 - 1, sender=trader)
            bench = Bench(token, design, pool, trader)
            for id_ in (1, 3):  # beside the measured one another stays open
                design.open(id_, MARGIN, True, sender=trader)
            found[name] = {}
            for action, run in ACTIONS.items():
                with rpc.isolated():
                    found[name][action] = run(bench)
    return found


def table(found: dict[str, dict[str, int]]) -> str:
    """Markdown, one row a design."""
    lines = [f"| design | {' | '.join(ACTIONS)} |", "|---|" + "---:|" * len(ACTIONS)]
    for name, figures in found.items():
        cells = " | ".join(f"{figures[action]:,}" for action in ACTIONS)
        lines.append(f"| {DESIGNS[name]} | {cells} |")
    return "\n".join(lines)
