"""The two request queues of the pool: buckets of deposits, and the pro rata redemption queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bulkhead.model.core import Core, Store
from bulkhead.model.types import Address
from bulkhead.model.wad import ceil_div

VIRTUAL = 1000  # 10^offset
DEAD_SHARES = 1000
PRODUCT_ONE = 10**36
PRODUCT_MIN = 10**27
SCALE = 10**9  # of the sums, and of a carried generation's product
CARRIED_MAX = 3


class Request(NamedTuple):
    """Somebody's part of a bucket."""

    bucket: int
    amount: int


class Snapshot(NamedTuple):
    """Where the redemption queue stood."""

    generation: int
    product: int
    total: int


START = Snapshot(0, PRODUCT_ONE, 0)


class Account(NamedTuple):
    """A controller's claimable totals and open requests of one kind."""

    assets: int = 0
    shares: int = 0
    label: int = 0
    requests: tuple[Request, ...] = ()
    entry: Request | None = None  # redemptions: what waits in the queue
    since: Snapshot = START

    @property
    def waits(self) -> int:
        """What is asked for and not claimable: tokens of deposits, shares of redemptions."""
        return sum(request.amount for request in (*self.requests, *filter(None, (self.entry,))))


NOBODY = Account()


@dataclass
class Queue:
    """One kind's buckets."""

    collecting: int = 1
    collected: int = 0
    waiting: int = 0  # number of the newest waiting bucket, 0: none
    amount: int = 0  # what waits
    due_at: int = 0

    def close(self, due_at: int) -> int:
        """The collecting bucket joins what waits. Returns its number."""
        self.waiting = self.collecting
        self.amount += self.collected
        self.due_at = due_at
        self.collecting += 1
        self.collected = 0
        return self.waiting


class Deposits:
    """Buckets that are filled whole."""

    def __init__(self, core: Core) -> None:
        self.queue = Queue()
        core.extra.append(self.queue)
        self.priced: Store[int, tuple[int, int]] = Store(core.journal)  # id -> assets, shares
        self.accounts: Store[Address, Account] = Store(core.journal)

    def folded(self, who: Address) -> Account:
        """The account with priced buckets made claimable."""
        held = self.accounts.get(who, NOBODY)
        for request in held.requests:
            filled = self.priced.get(request.bucket)
            if filled is not None:
                assets, shares = filled
                held = held._replace(
                    assets=held.assets + request.amount,
                    shares=held.shares + request.amount * shares // assets,
                    label=request.bucket,
                    requests=tuple(r for r in held.requests if r != request),
                )
        return held


class Redemptions:
    """A queue that is filled pro rata, accounted by product and sum."""

    def __init__(self, core: Core) -> None:
        self.queue = Queue()
        self.fill_state = FillState()
        core.extra += [self.queue, self.fill_state]
        self.sums: Store[int, int] = Store(core.journal)
        self.carried: Store[int, bool] = Store(core.journal)
        self.joined: Store[int, Snapshot] = Store(core.journal)
        self.accounts: Store[Address, Account] = Store(core.journal)

    def snapshot(self) -> Snapshot:
        """Where the queue stands."""
        at = self.fill_state
        return Snapshot(at.generation, at.product, self.sums.get(at.generation, 0))

    def fill(self, assets: int, free: int) -> tuple[int, int]:
        """Fills the queue with min(assets, free). Returns (burned shares, paid tokens)."""
        at, waiting = self.fill_state, self.queue.amount
        whole = assets <= free
        paid = assets if whole else free
        burned = waiting if whole else ceil_div(waiting * free, assets)
        g = at.generation
        if burned:
            grown = self.sums.get(g, 0) + at.product * paid * SCALE // waiting
            self.sums.put(g, grown)
        self.queue.amount = waiting - burned
        if burned == waiting:
            at.generation, at.product = g + 1, PRODUCT_ONE
            return burned, paid
        at.product = at.product * (waiting - burned) // waiting
        if at.product == 0:  # a rest too small to be anybody's: to its holders all is filled
            at.generation, at.product = g + 1, PRODUCT_ONE
        while at.product < PRODUCT_MIN:
            self.carried.put(at.generation, True)
            at.generation, at.product = at.generation + 1, at.product * SCALE
        return burned, paid

    def _settled(self, amount: int, since: Snapshot) -> tuple[int, int]:
        """(earned tokens, remaining shares) of an amount that joined at a snapshot."""
        at = self.fill_state
        first = since.generation
        earned = amount * (self.sums.get(first, 0) - since.total) // (since.product * SCALE)
        scale = 1
        for step in range(CARRIED_MAX + 1):
            if first + step == at.generation:
                return earned, amount * at.product // (since.product * scale)
            if step == CARRIED_MAX or not self.carried.get(first + step):
                break
            scale *= SCALE
            earned += amount * self.sums.get(first + step + 1, 0) // (since.product * SCALE * scale)
        return earned, 0

    def folded(self, who: Address) -> Account:
        """The account with all fills made claimable and closed requests in the queue."""
        held = self.accounts.get(who, NOBODY)
        now = self.snapshot()
        if held.entry is not None and held.since != now:
            held = self._fold(held, held.entry, held.since, 0)
        for request in held.requests:
            since = self.joined.get(request.bucket)
            if since is not None:
                waiting = held.entry.amount if held.entry else 0
                held = self._fold(held._replace(requests=()), request, since, waiting)
        return held if held.since == now else held._replace(since=now)

    def _fold(self, held: Account, part: Request, since: Snapshot, waiting: int) -> Account:
        earned, remaining = self._settled(part.amount, since)
        filled = part.amount - remaining
        rest = waiting + remaining
        return held._replace(
            assets=held.assets + earned,
            shares=held.shares + filled,
            label=part.bucket if filled else held.label,
            entry=Request(part.bucket, rest) if rest else None,
        )


@dataclass
class FillState:
    """The redemption queue's product and generation."""

    product: int = PRODUCT_ONE
    generation: int = 0
