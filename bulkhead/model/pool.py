"""The pool's side of the twin: requests, pricing and claims (docs/protocol-pool.md)."""

from __future__ import annotations

from bulkhead.model.claims import Claims
from bulkhead.model.core import Result
from bulkhead.model.errors import PoolRefused, TransferRefused
from bulkhead.model.queues import (
    DEAD_SHARES,
    VIRTUAL,
    Account,
    Queue,
    Request,
)
from bulkhead.model.types import ZERO_ADDRESS, Address, Mode

DEAD = "0x000000000000000000000000000000000000dead"
MIN_DEPOSIT = 2
SUPPLY_MAX = 2**128 - 1
MOST_CASH = 2**95  # token units: the pool's cash and what waits to join it


class Pool(Claims):
    """The liquidity pool. Actions take the caller first and return a Result."""

    # ---- requests

    def request_deposit(
        self, caller: Address, assets: int, controller: Address, owner: Address
    ) -> Result:
        """Asks to deposit. Returns the requestId."""
        return self.core.run(lambda: self._request_deposit(caller, assets, controller, owner))

    def _request_deposit(
        self, caller: Address, assets: int, controller: Address, owner: Address
    ) -> int:
        self._authorise(caller, owner)
        if controller == ZERO_ADDRESS:
            raise PoolRefused("ZeroController")
        if assets < MIN_DEPOSIT:
            raise PoolRefused("AmountTooSmall", assets, MIN_DEPOSIT)
        if self.core.state.mode == Mode.SETTLED:
            raise PoolRefused("MarketSettled")
        queue = self.deposits.queue
        if self.core.state.cash + queue.amount + queue.collected + assets > MOST_CASH:
            raise PoolRefused("AmountTooLarge", assets, MOST_CASH)
        account = self.deposits.folded(controller)
        if not self.core.transfer(owner, self.address, assets):
            raise TransferRefused(self.address, assets)
        number = queue.collecting
        queue.collected += assets
        self.deposits.accounts.put(controller, _joined(account, number, assets))
        self.core.emit(
            "DepositRequest",
            controller=controller,
            owner=owner,
            requestId=number,
            sender=caller,
            assets=assets,
        )
        self._close_if_idle(queue, deposit=True)
        return number

    def refund_deposit(self, caller: Address, receiver: Address, controller: Address) -> Result:
        """Takes back what waits unpriced in a settled market. Returns the assets."""
        return self.core.run(lambda: self._refund_deposit(caller, receiver, controller))

    def _refund_deposit(self, caller: Address, receiver: Address, controller: Address) -> int:
        self._authorise(caller, controller)
        if self.core.state.mode != Mode.SETTLED:
            raise PoolRefused("MarketNotSettled")
        account, queue = self.deposits.folded(controller), self.deposits.queue
        assets = 0
        for request in account.requests:
            assets += request.amount
            if request.bucket == queue.collecting:
                queue.collected -= request.amount
            else:
                queue.amount -= request.amount
        if not queue.amount:
            queue.waiting = queue.due_at = 0
        if assets == 0:
            raise PoolRefused("AmountTooSmall", 0, 1)
        self.deposits.accounts.put(controller, account._replace(requests=()))
        if not self.core.transfer(self.address, receiver, assets):
            raise TransferRefused(receiver, assets)
        self.core.emit(
            "DepositRefunded",
            controller=controller,
            receiver=receiver,
            sender=caller,
            assets=assets,
        )
        return assets

    def request_redeem(
        self, caller: Address, shares: int, controller: Address, owner: Address
    ) -> Result:
        """Asks to redeem. Returns the requestId."""
        return self.core.run(lambda: self._request_redeem(caller, shares, controller, owner))

    def _request_redeem(
        self, caller: Address, shares: int, controller: Address, owner: Address
    ) -> int:
        if controller == ZERO_ADDRESS:
            raise PoolRefused("ZeroController")
        if shares < 1:
            raise PoolRefused("AmountTooSmall", 0, 1)
        if caller != owner and not self.operators.get((owner, caller)):
            self._spend(owner, caller, shares)
        account = self.redemptions.folded(controller)
        self._move_shares(owner, self.address, shares)
        queue = self.redemptions.queue
        number = queue.collecting
        queue.collected += shares
        self.redemptions.accounts.put(controller, _joined(account, number, shares))
        self.core.emit(
            "RedeemRequest",
            controller=controller,
            owner=owner,
            requestId=number,
            sender=caller,
            shares=shares,
        )
        self._close_if_idle(queue, deposit=False)
        return number

    def _close_if_idle(self, queue: Queue, deposit: bool) -> None:
        if not queue.waiting and queue.collected:
            self._close(queue, deposit)
            self.core.state.bucket_due_at = self.next_due_at()

    def _close(self, queue: Queue, deposit: bool) -> None:
        cfg, amount = self.core.cfg, queue.collected
        delay = cfg.deposit_delay_secs if deposit else cfg.redeem_delay_secs
        number = queue.close(self.core.now + delay)
        if not deposit:
            self.redemptions.joined.put(number, self.redemptions.snapshot())
        self.core.emit(
            "BucketClosed", requestId=number, deposit=deposit, amount=amount, dueAt=queue.due_at
        )

    def next_due_at(self) -> int:
        """Earliest due moment of a waiting bucket, 0 if none."""
        queues = (self.deposits.queue, self.redemptions.queue)
        return min((q.due_at for q in queues if q.waiting), default=0)

    # ---- pricing, for the market

    def price_deposits(self, published_at: int, nav_up: int) -> int:
        """Prices the waiting deposit bucket. Returns tokens that become cash."""
        queue = self.deposits.queue
        if not queue.waiting or published_at <= queue.due_at:
            return 0
        number, assets, supply = queue.waiting, queue.amount, self.state.supply
        minted = assets * (supply + VIRTUAL) // (nav_up + 1)
        dead = 0 if supply else DEAD_SHARES
        if (dead and minted <= dead) or minted > SUPPLY_MAX - supply:
            return 0
        if dead:
            self._mint(DEAD, dead)
        self._mint(self.address, minted - dead)
        self.deposits.priced.put(number, (assets, minted - dead))
        queue.waiting = queue.amount = queue.due_at = 0
        self.core.emit(
            "DepositBucketPriced",
            requestId=number,
            assets=assets,
            shares=minted - dead,
            navTokens=nav_up,
        )
        if queue.collected:
            self._close(queue, deposit=True)
        return assets

    def price_redeems(self, published_at: int, nav_down: int, free: int) -> int:
        """Prices the waiting redemptions. Returns tokens that leave the cash."""
        queue = self.redemptions.queue
        if not queue.waiting or published_at <= queue.due_at:
            return 0
        number, waiting = queue.waiting, queue.amount
        assets = waiting * (nav_down + 1) // (self.state.supply + VIRTUAL)
        burned, paid = self.redemptions.fill(assets, free)
        self.shares.put(self.address, self.shares.get(self.address, 0) - burned)
        self.state.supply -= burned
        self.state.reserve += paid
        self.core.emit(
            "RedeemBucketPriced",
            requestId=number,
            shares=waiting,
            burned=burned,
            assets=paid,
            navTokens=nav_down,
        )
        if not queue.amount:
            queue.waiting = queue.due_at = 0
        if queue.collected:
            self._close(queue, deposit=False)
        elif queue.amount:
            queue.due_at = self.core.now + self.core.cfg.redeem_delay_secs
        return paid

    def _mint(self, to: Address, amount: int) -> None:
        self.state.supply += amount
        self.shares.put(to, self.shares.get(to, 0) + amount)


def _joined(account: Account, bucket: int, amount: int) -> Account:
    """The account with an amount added to its request in the collecting bucket."""
    others = tuple(r for r in account.requests if r.bucket != bucket)
    mine = sum(r.amount for r in account.requests if r.bucket == bucket)
    return account._replace(requests=(*others, Request(bucket, mine + amount)))
