"""Placed orders by what makes them due, so that a price tick touches only those it can fill.

An order waits for the first second that a mark of its may be published at; then it lies in one of
two lists by its trigger, or in none (market orders). A mark reaches one end of each list. What the
book refuses for the sake of its position or parent sleeps until something happens to that position
(a parent is of the same position). Times are unix seconds, prices Wad.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import astuple, dataclass
from functools import lru_cache

from bulkhead.keeper.store import OrderRow
from bulkhead.model.order_rules import stop_level
from bulkhead.model.order_types import Order, OrderKind, OrderStatus

NEVER = 2**256  # above every price
LAST = "~"  # after every hash
Keys = list[tuple[int, str]]


def id_of(order_hash: str) -> int:
    """A number for actions, claims and logs: the hash's first 63 bits. Two orders alike in them
    only keep each other waiting."""
    return int(order_hash[2:18], 16) >> 1


def body_of(order: Order) -> str:
    """As it is stored."""
    return json.dumps([v.hex() if isinstance(v, bytes) else v for v in astuple(order)])


@lru_cache(maxsize=1 << 16)
def order_of(body: str) -> Order:
    """From the store."""
    owner, id_, epoch, phase, kind, *rest = json.loads(body)
    parent, group, salt = bytes.fromhex(rest[8]), bytes.fromhex(rest[9]), rest[10]
    return Order(
        owner=owner, position_id=id_, epoch=epoch, phase=phase, kind=OrderKind(kind),
        reduce_only=rest[0], size=rest[1], trigger_price=rest[2], trail=rest[3],
        price_limit=rest[4], margin=rest[5], keeper_fee=rest[6], expiry=rest[7],
        parent=parent, group=group, salt=salt,
    )  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """One placed order."""

    hash: str
    order: Order
    changed_at: int
    position: int
    best: int

    @property
    def id(self) -> int:
        """Its number."""
        return id_of(self.hash)


class OrderIndex:
    """All placed orders of one book."""

    def __init__(self, delay: int) -> None:
        """delay: seconds that a mark is published after an order was placed, at the least."""
        self.delay = delay
        self.orders: dict[str, Placed] = {}
        self.by_position: dict[int, set[str]] = defaultdict(set)
        self.stirred: set[int] = set()  # positions that something happened to; who reads clears
        self._asleep: set[str] = set()
        self._first: dict[str, int] = {}  # of what waits for its time
        self._waiting: Keys = []
        self._always: set[str] = set()
        self._below: Keys = []  # due at or below their trigger
        self._above: Keys = []
        self._rising: Keys = []  # trailing sales by their best mark: a higher one advances them
        self._falling: Keys = []
        self._expiry: Keys = []

    def __len__(self) -> int:
        return len(self.orders)

    # ---- changes

    def put(self, row: OrderRow) -> None:
        """An order as it is now; whoever slept for its position's sake wakes."""
        self.remove(row.hash)
        self.wake(row.position)
        if row.status != OrderStatus.PLACED:
            return
        made = Placed(row.hash, order_of(row.body), row.changed_at, row.position, row.best)
        self.orders[row.hash] = made
        self.by_position[row.position].add(row.hash)
        insort(self._expiry, (made.order.expiry, row.hash))
        self._wait(row.hash, row.changed_at + self.delay + 1)

    def remove(self, order_hash: str) -> None:
        """One that is placed no more."""
        made = self.orders.get(order_hash)
        if made is None:
            return
        self._disarm(made)
        self._asleep.discard(order_hash)
        _take(self._expiry, (made.order.expiry, order_hash))
        self.by_position[made.position].discard(order_hash)
        if not self.by_position[made.position]:
            del self.by_position[made.position]
        del self.orders[order_hash]

    def later(self, order_hash: str, first: int) -> None:
        """It counts from this second only: its parent was filled later."""
        self._disarm(self.orders[order_hash])
        self._wait(order_hash, first)

    def sleep(self, order_hash: str) -> None:
        """Nothing to do with it until its position changes."""
        self._disarm(self.orders[order_hash])
        self._asleep.add(order_hash)

    def wake(self, position: int) -> None:
        """Something happened to this position, or to an order on it."""
        self.stirred.add(position)
        for one in self._asleep & self.by_position.get(position, set()):
            self._asleep.discard(one)
            self._wait(one, self.orders[one].changed_at + self.delay + 1)

    def _wait(self, order_hash: str, first: int) -> None:
        self._first[order_hash] = first
        insort(self._waiting, (first, order_hash))

    def _trigger(self, made: Placed) -> tuple[Keys, int] | None:
        """The list that it lies in once its time has come, and its price there."""
        order, price = made.order, made.order.trigger_price
        if order.kind == OrderKind.TRAILING_STOP:
            if made.best == 0 == price:
                return None
            price = stop_level(order, made.best) if made.best else price
        below = (order.size > 0) == (order.kind == OrderKind.LIMIT)
        return (self._below if below else self._above), price

    def _trail(self, made: Placed) -> tuple[Keys, int] | None:
        if made.order.kind != OrderKind.TRAILING_STOP:
            return None
        return (self._rising, made.best) if made.order.size < 0 else (
            self._falling, made.best or NEVER
        )  # fmt: skip

    def _arm(self, made: Placed) -> None:
        if made.order.kind == OrderKind.MARKET:
            self._always.add(made.hash)
        for place in (self._trigger(made), self._trail(made)):
            if place is not None and made.order.kind != OrderKind.MARKET:
                insort(place[0], (place[1], made.hash))

    def _disarm(self, made: Placed) -> None:
        first = self._first.pop(made.hash, None)
        if first is not None:
            _take(self._waiting, (first, made.hash))
            return
        if made.hash in self._asleep:
            return
        self._always.discard(made.hash)
        for place in (self._trigger(made), self._trail(made)):
            if place is not None and made.order.kind != OrderKind.MARKET:
                _take(place[0], (place[1], made.hash))

    # ---- queries

    def due(self, mark: int, published_at: int) -> list[Placed]:
        """Those that this mark may fill. O(log n + what is found)."""
        end = bisect_right(self._waiting, (published_at, LAST))
        ready, self._waiting = self._waiting[:end], self._waiting[end:]
        for _, one in ready:
            del self._first[one]
            self._arm(self.orders[one])
        found = [one for _, one in self._below[bisect_left(self._below, (mark, "")) :]]
        found += [one for _, one in self._above[: bisect_right(self._above, (mark, LAST))]]
        return [self.orders[one] for one in (*self._always, *found)]

    def trailing(self, mark: int) -> list[Placed]:
        """Trailing stops whose time has come that this mark would advance."""
        found = [one for _, one in self._rising[: bisect_left(self._rising, (mark, ""))]]
        found += [one for _, one in self._falling[bisect_right(self._falling, (mark, LAST)) :]]
        return [self.orders[one] for one in found]

    def expired(self, now: int) -> list[Placed]:
        """Those that no block from now on can fill."""
        end = bisect_left(self._expiry, (now, ""))
        return [self.orders[one] for _, one in self._expiry[:end]]


def _take(keys: Keys, key: tuple[int, str]) -> None:
    place = bisect_left(keys, key)
    assert keys[place] == key
    del keys[place]
