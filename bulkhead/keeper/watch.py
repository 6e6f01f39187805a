"""Watching one market: events and vault transfers say who changed, the lens says what they are now,
and the book what became of an order.

Nothing is added up from events; an order's whole text is in the event of its placing alone, and its
hash proves it. Whoever an event or a transfer to or from a vault touched is read
whole, at the very block up to which events have been seen; checkpoint and rows move in one
database transaction. So a kill at any point loses nothing, a re-org only means reading those it
touched once more, and a change of an event's fields changes nothing here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bulkhead.chain.decode import Event
from bulkhead.chain.errors import RpcError
from bulkhead.chain.wire import log_of
from bulkhead.keeper import names
from bulkhead.keeper.index import Floats, PositionIndex
from bulkhead.keeper.market import PAGE, WAD, MarketNode, worth
from bulkhead.keeper.metrics import Metrics
from bulkhead.keeper.node import Head, NodeDown, NodeLied
from bulkhead.keeper.order_index import OrderIndex, body_of, order_of
from bulkhead.keeper.store import Cursor, OrderNews, OrderRow, Row, Store
from bulkhead.keeper.terms import Moment, Table
from bulkhead.model.order_types import OrderStatus, hash_of

log = logging.getLogger("bulkhead.keeper.watch")


@dataclass(frozen=True)
class Seen:
    """What a range of blocks says: (block, id) touched, and whether parameters changed."""

    touched: frozenset[tuple[int, int]]
    params: bool = False
    orders: frozenset[tuple[int, str]] = frozenset()  # (block, hash)
    bodies: dict[str, str] = field(default_factory=dict)  # of orders placed in them


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _body(event: Event) -> str:
    """The text of an order that was placed."""
    owner, *rest = tuple(event.order)
    order = order_of(json.dumps([owner.lower(), *(_plain(value) for value in rest)]))
    if hash_of(order) != event.orderHash:
        raise NodeLied(f"the order of 0x{event.orderHash.hex()} is another")
    return body_of(order)


class Watch:
    """One market's positions and orders in database and memory, kept level with the chain."""

    def __init__(
        self, node: MarketNode, store: Store, metrics: Metrics, *, max_range: int = 2_000
    ) -> None:
        """`max_range`: blocks in one request for events; halved while the node refuses."""
        self.node, self.store, self.metrics = node, store, metrics
        self.max_range = max_range
        self.cursor: Cursor | None = None
        table, moment = Table.of_config(node.cfg), Moment(1.0, 0.0, 0.0, 1.0)
        self.index = PositionIndex(table, moment)
        self.orders = OrderIndex(node.cfg.order_delay_secs)
        self.basis: Floats = np.zeros(1)  # by id, whole units
        self._audit_at = 1
        self._params_changed = False  # or may have: they are read again until that went well

    # ---- memory

    def _remember(self, row: Row) -> None:
        self.index.put(row.id, row.size, worth(row, self.node.cfg.unit))
        if row.id >= len(self.basis):
            more = np.zeros(max(row.id + 1, len(self.basis) * 5 // 4) - len(self.basis))
            self.basis = np.concatenate([self.basis, more])
        self.basis[row.id] = row.basis / WAD
        self.orders.wake(row.id)

    def _load(self) -> None:
        """Everything from the database."""
        unit = self.node.cfg.unit
        found = (
            (row.id, row.size / WAD, worth(row, unit) / WAD, row.basis / WAD)
            for row in self.store.rows()
        )
        table = np.fromiter(found, np.dtype((np.float64, 4)))
        ids = table[:, 0].astype(np.int64)
        self.index.load(ids, table[:, 1], table[:, 2])
        self.basis = np.zeros(len(self.index.size))
        self.basis[ids] = table[:, 3]
        self._load_orders()
        self.cursor = self.store.cursor()

    def _load_orders(self) -> None:
        self.orders = OrderIndex(self.node.cfg.order_delay_secs)
        for row in self.store.orders():
            self.orders.put(row)

    def _catch_up(self) -> None:
        """What another keeper wrote since; the events were seen by it alone, those of changed
        parameters among them."""
        self._params_changed = True
        held, there = self.cursor, self.store.cursor()
        if held is None or there is None or there.rewinds != held.rewinds:
            self._load()
            return
        for row in self.store.rows(since=held.block):
            self._remember(row)
        for order in self.store.orders(since=held.block):
            self.orders.put(order)
        self.cursor = there

    # ---- events

    def advance(self) -> Head:
        """Sees everything up to the newest block; returns that block."""
        head = self.node.rpc.head()
        if head is None:
            raise NodeDown("the node has no newest block")
        stored = self.store.cursor()
        if stored is not None and stored != self.cursor:
            self._catch_up()
        if stored is None:
            self.snapshot(head)
        elif not self._follow(head):
            self._catch_up()  # another keeper was quicker: its rows are as good
        if self._params_changed:
            self.reconfigure()
        self.metrics.block.labels(self.node.address).set(head.number)
        self.metrics.positions.labels(self.node.address).set(len(self.index))
        self.metrics.orders.labels(self.node.address).set(len(self.orders))
        return head

    def _follow(self, head: Head) -> bool:
        """From the checkpoint to this block. False if somebody else moved it meanwhile."""
        before = self.cursor
        assert before is not None
        if (head.number, head.hash) == (before.block, before.hash):
            return True
        fork, dirty = self._fork(before, head)
        if fork is None:
            log.warning("re-org deeper than remembered", extra={"block": head.number})
            self.snapshot(head)
            return True
        rewound = fork < before.block
        seen = self._events(fork + 1, head)
        self._params_changed |= seen.params or rewound
        ids = sorted({id_ for _, id_ in seen.touched} | dirty)
        rows, gone = self._read(ids, head)
        again = self.store.orders_touched_after(fork) if rewound else set()
        news = self._read_orders(seen, again, head)
        after = Cursor(head.number, head.hash, before.rewinds + rewound)
        touched = seen.touched | {(head.number, id_) for id_ in dirty}
        undone = fork if rewound else None
        if not self.store.apply(before, after, rows, touched, gone, undone, news):
            return False
        if rewound:
            self.metrics.rewinds.labels(self.node.address).inc()
            extra = {"fork": fork, "from": before.block, "to": head.number, "again": len(dirty)}
            log.warning("re-org", extra=extra)
        for row in rows:
            self._remember(row)
        for id_ in gone:
            self.index.put(id_, 0, 0)
        for order in news.rows:
            self.orders.put(order)
        if rewound:
            self._load_orders()  # what was asleep may have been so for what is undone
        self.cursor = after
        return True

    def _fork(self, before: Cursor, head: Head) -> tuple[int | None, set[int]]:
        """The newest block that both the checkpoint's chain and the node's have, and whom the
        undone blocks touched. None: it is older than what is remembered."""
        if head.number == before.block + 1 and head.parent == before.hash:
            return before.block, set()
        conflict = False
        for number, known in self.store.known_blocks():
            if number > head.number:
                continue
            there = self.node.rpc.head(number)
            if there is None:
                raise NodeDown(f"block {number} is missing below {head.number}")
            if there.hash != known:
                conflict = True
                continue
            if head.number < before.block and not conflict:
                raise NodeDown(f"the node is at {head.number}, behind {before.block}")
            return number, self.store.touched_after(number) if number < before.block else set()
        return None, set()

    def _events(self, start: int, head: Head) -> Seen:
        """Who was touched in these blocks, `head` included."""
        touched: set[tuple[int, int]] = set()
        orders: set[tuple[int, str]] = set()
        bodies: dict[str, str] = {}
        params, size = False, self.max_range
        while start <= head.number:
            end = min(start + size - 1, head.number)
            try:
                found = self.node.logs(start, end)
            except RpcError as problem:
                if isinstance(problem, NodeDown) or size == 1:
                    raise
                size = max(1, size // 2)  # too many results for this node
                continue
            part = self._meaning(found, start, end, head)
            touched |= part.touched
            orders |= part.orders
            bodies |= part.bodies
            params |= part.params
            start = end + 1
        return Seen(frozenset(touched), params, frozenset(orders), bodies)

    def _meaning(self, found: Sequence[dict[str, Any]], start: int, end: int, head: Head) -> Seen:
        touched: set[tuple[int, int]] = set()
        ends: dict[str, list[int]] = {}  # address -> blocks of its transfers
        params = False
        orders: set[tuple[int, str]] = set()
        bodies: dict[str, str] = {}
        asked = (self.node.address, self.node.token, self.node.book.address)
        for entry in found:
            block = int(entry["blockNumber"], 16)
            raw = log_of(entry)
            if not start <= block <= end or raw.address not in asked:
                raise NodeLied(f"an event of {raw.address} in block {block} was not asked for")
            if block == head.number and entry["blockHash"] != head.hash:
                raise NodeDown(f"block {block} changed while its events were read")
            if raw.address == self.node.token:
                event = names.token_events().event(raw)
                if event and event.name == names.TRANSFER:
                    for side in list(event.args.values())[:2]:
                        ends.setdefault(side, []).append(block)
                continue
            if raw.address == self.node.book.address:
                told = names.book_events().event(raw)
                if told and names.ORDER in told.args:
                    order_hash = "0x" + told.orderHash.hex()
                    orders.add((block, order_hash))
                    if told.name == names.PLACED:
                        bodies[order_hash] = _body(told)
                continue
            event = names.market_events().event(raw)
            if event is None:
                continue
            params |= event.name in names.PARAMS_CHANGED
            if event.args.get(names.ID):
                touched.add((block, event.args[names.ID]))
        for vault, id_ in self.store.ids_of_vaults(ends).items():
            touched |= {(block, id_) for block in ends[vault]}
        return Seen(frozenset(touched), params, frozenset(orders), bodies)

    # ---- reading positions

    def _read(self, ids: Iterable[int], head: Head) -> tuple[list[Row], list[int]]:
        """Rows at this block, and ids that nobody has there."""
        rows, gone = [], []
        for view in self.node.views(ids, head):
            if int(view.owner, 16):
                rows.append(self.node.row(view, head))
            else:
                gone.append(view.id)
        return rows, gone

    def _read_orders(self, seen: Seen, again: Iterable[str], head: Head) -> OrderNews:
        """What the book keeps at this block of orders that events speak of, and of these. One that
        was cancelled and never placed has no text here, and needs none."""
        hashes = {one for _, one in seen.orders} | set(again)
        known = {row.hash: row.body for row in self.store.orders(hashes=sorted(hashes))}
        known |= seen.bodies
        wanted = sorted(hashes & known.keys())
        rows, gone = [], []
        for one, state in zip(wanted, self.node.order_states(wanted, head), strict=True):
            if state.status == OrderStatus.NONE:
                gone.append(one)
                continue
            kept = (state.status, state.changedAt, state.positionId, state.best)
            rows.append(OrderRow(one, known[one], *kept, head.number))
        touched = seen.orders | {(head.number, one) for one in again}
        return OrderNews(rows, frozenset(touched), gone)

    def _snapshot_orders(self, head: Head) -> list[OrderRow]:
        """Every order that is placed at this block: the book does not list them, so the events of
        all blocks are read."""
        seen = self._events(min(self.node.place.since, head.number), head)
        return [
            row
            for row in self._read_orders(seen, [r.hash for r in self.store.orders()], head).rows
            if row.status == OrderStatus.PLACED
        ]

    def snapshot(self, head: Head) -> None:
        """Reads everything at this block. It counts from the moment the checkpoint is written."""
        self.metrics.snapshots.labels(self.node.address).inc()
        end = self.node.next_id(head)
        for start in range(1, end, PAGE):
            views = self.node.page(start, min(start + PAGE, end), head)
            self.store.fill([self.node.row(view, head) for view in views])
        self.store.fill([], self._snapshot_orders(head))
        self.store.begin_at(Cursor(head.number, head.hash, time.time_ns() // 1_000), end)
        self._load()
        self._params_changed = True
        known = {"positions": len(self.index), "orders": len(self.orders)}
        log.info("snapshot", extra={"block": head.number, **known})

    def audit(self, head: Head, count: int = PAGE) -> int:
        """Compares the next ids with the chain and repairs what differs: a node that withholds
        events is found out sooner or later. Returns how many differed."""
        if count <= 0 or (self.cursor and self.cursor.hash != head.hash):
            return 0
        end = self.node.next_id(head)
        start = self._audit_at if self._audit_at < end else 1
        self._audit_at = start + count
        if start >= end:
            return 0
        rows = [
            self.node.row(view, head)
            for view in self.node.page(start, min(start + count, end), head)
        ]
        unit = self.node.cfg.unit
        wrong = [
            row
            for row in rows
            if row.id >= len(self.index.size)
            or self.index.size[row.id] != row.size / WAD
            or (row.size and self.index.worth[row.id] != worth(row, unit) / WAD)
        ]
        known = self.store.ids_of_vaults(row.vault for row in rows)
        wrong += [row for row in rows if row.vault not in known and row not in wrong]
        self.metrics.audited.labels(self.node.address).inc(len(rows))
        if wrong:
            self.metrics.audit_differences.labels(self.node.address).inc(len(wrong))
            log.error("audit: rows differ from the chain", extra={"ids": [r.id for r in wrong]})
            self.store.repair(wrong)
            for row in wrong:
                self._remember(row)
        return len(wrong)

    def reconfigure(self) -> None:
        """Parameters may have changed: new lines, new keys."""
        table = Table.of_config(self.node.config())
        self._params_changed = False
        if table != self.index.table:
            self.index.rebuild(self.index.reference, table)
        if self.node.cfg.order_delay_secs != self.orders.delay:
            self._load_orders()

    # ---- the index

    def winners(self, moment: Moment, side: int, most: int) -> list[int]:
        """Ids of one side (0: both) with the largest claims per notional, for ADL. Looks at
        everybody: ADL is rare."""
        size = np.zeros(len(self.basis))
        size[: len(self.index.size)] = self.index.size[: len(self.basis)]
        chosen = size != 0 if side == 0 else size * side > 0
        claim = size * (moment.mark - moment.funding) - self.basis
        share = np.where(chosen, claim / np.maximum(np.abs(size) * moment.mark, 1e-18), -np.inf)
        best = np.argsort(-share, kind="stable")[:most]
        return [int(id_) for id_ in best if share[id_] > 0]
