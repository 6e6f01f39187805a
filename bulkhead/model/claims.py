"""The pool's shares, and the claims of what its buckets were priced to."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.model.core import Core, Result, Store
from bulkhead.model.errors import PoolRefused, TransferRefused
from bulkhead.model.queues import Deposits, Redemptions
from bulkhead.model.types import ZERO_ADDRESS, Address
from bulkhead.model.wad import ceil_div

EVERYTHING = 2**256 - 1  # an allowance without end


@dataclass
class PoolState:
    """What the pool holds apart from its queues."""

    supply: int = 0
    reserve: int = 0  # tokens set aside for redemptions


class Claims:
    """Shares, operators and claims of the pool."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.address = core.cfg.pool
        self.state = PoolState()
        core.extra.append(self.state)
        self.deposits = Deposits(core)
        self.redemptions = Redemptions(core)
        self.shares: Store[Address, int] = Store(core.journal)
        self.operators: Store[tuple[Address, Address], bool] = Store(core.journal)
        self.allowances: Store[tuple[Address, Address], int] = Store(core.journal)

    # ---- claims and shares (see claims.py for the claims' arithmetic)

    def set_operator(self, caller: Address, operator: Address, approved: bool) -> Result:
        """Lets an operator act for the caller."""

        def action() -> None:
            self.operators.put((caller, operator), approved)
            self.core.emit("OperatorSet", controller=caller, operator=operator, approved=approved)

        return self.core.run(action)

    def transfer(self, caller: Address, to: Address, amount: int) -> Result:
        """Moves shares."""
        return self.core.run(lambda: self._move_shares(caller, to, amount))

    def approve(self, caller: Address, spender: Address, amount: int) -> Result:
        """Lets a spender move (or ask to redeem) shares."""
        return self.core.run(lambda: self.allowances.put((caller, spender), amount))

    def transfer_from(self, caller: Address, owner: Address, to: Address, amount: int) -> Result:
        """Moves somebody's shares, of whom the caller may."""

        def action() -> None:
            self._spend(owner, caller, amount)
            self._move_shares(owner, to, amount)

        return self.core.run(action)

    def _spend(self, owner: Address, spender: Address, amount: int) -> None:
        """Uses an allowance up; one of 2^256 - 1 stays."""
        allowed = self.allowances.get((owner, spender), 0)
        if allowed == EVERYTHING:
            return
        if allowed < amount:
            raise PoolRefused("ERC20InsufficientAllowance", spender, allowed, amount)
        self.allowances.put((owner, spender), allowed - amount)

    def deposit(
        self, caller: Address, assets: int, receiver: Address, controller: Address
    ) -> Result:
        """Claims shares for assets of priced deposits. Returns the shares."""
        return self.core.run(lambda: self._take(caller, controller, receiver, assets, "deposit"))

    def mint(self, caller: Address, shares: int, receiver: Address, controller: Address) -> Result:
        """Claims an amount of shares. Returns the assets used up."""
        return self.core.run(lambda: self._take(caller, controller, receiver, shares, "mint"))

    def redeem(
        self, caller: Address, shares: int, receiver: Address, controller: Address
    ) -> Result:
        """Claims tokens for filled redemptions. Returns the tokens."""
        return self.core.run(lambda: self._take(caller, controller, receiver, shares, "redeem"))

    def withdraw(
        self, caller: Address, assets: int, receiver: Address, controller: Address
    ) -> Result:
        """Claims an amount of tokens. Returns the shares used up."""
        return self.core.run(lambda: self._take(caller, controller, receiver, assets, "withdraw"))

    def _take(
        self, caller: Address, controller: Address, receiver: Address, amount: int, kind: str
    ) -> int:
        self._authorise(caller, controller)
        incoming = kind in ("deposit", "mint")
        side = self.deposits if incoming else self.redemptions
        account = side.folded(controller)
        by_assets = kind in ("deposit", "withdraw")
        limit, other = (account.assets, account.shares)[:: 1 if by_assets else -1]
        if amount > limit:
            name = f"ERC4626ExceededMax{kind.capitalize()}"
            raise PoolRefused(name, controller, amount, limit)
        if amount < 1:
            raise PoolRefused("AmountTooSmall", 0, 1)
        paid_first = kind in ("deposit", "redeem")  # the other side is what is paid: down
        counter = amount * other // limit if paid_first else ceil_div(amount * other, limit)
        assets, shares = (amount, counter)[:: 1 if by_assets else -1]
        left = account._replace(assets=account.assets - assets, shares=account.shares - shares)
        side.accounts.put(controller, left)
        if incoming:
            if shares == 0:
                raise PoolRefused("AmountTooSmall", assets, assets + 1)
            self._move_shares(self.address, receiver, shares)
            self.core.emit(
                "Deposit", sender=controller, owner=receiver, assets=assets, shares=shares
            )
        else:
            self.state.reserve -= assets
            self.core.emit(
                "Withdraw",
                sender=caller,
                receiver=receiver,
                owner=controller,
                assets=assets,
                shares=shares,
            )
            if not self.core.transfer(self.address, receiver, assets):
                raise TransferRefused(receiver, assets)
        return counter

    def _authorise(self, caller: Address, owner: Address) -> None:
        if caller != owner and not self.operators.get((owner, caller)):
            raise PoolRefused("NotAllowed", owner, caller)

    def _move_shares(self, source: Address, to: Address, amount: int) -> None:
        if to == ZERO_ADDRESS:
            raise PoolRefused("ERC20InvalidReceiver", to)
        have = self.shares.get(source, 0)
        if have < amount:
            raise PoolRefused("ERC20InsufficientBalance", source, have, amount)
        self.shares.put(source, have - amount)
        self.shares.put(to, self.shares.get(to, 0) + amount)
