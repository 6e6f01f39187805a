"""The keeper's memory in a database: checkpoints, positions, claims. Every change is one
transaction that either happened or did not, whenever the process ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bulkhead.errors import BadInput
from bulkhead.keeper import schema
from bulkhead.model.order_types import OrderStatus

PART = 500  # rows in one statement, ids in one condition


@dataclass(frozen=True)
class Cursor:
    """Up to where a market's events have been seen."""

    block: int
    hash: str
    rewinds: int = 0


@dataclass(frozen=True)
class Row:
    """A position as the lens showed it at `block`. Size and basis Wad, margin in token units."""

    id: int
    size: int
    basis: int
    margin: int
    flags: int
    vault: str
    block: int


@dataclass(frozen=True)
class OrderRow:
    """An order as the book kept it at `block`; `body` is the whole of it."""

    hash: str
    body: str
    status: int
    changed_at: int
    position: int
    best: int
    block: int


@dataclass(frozen=True)
class OrderNews:
    """What a range of blocks did to orders: rows, (block, hash) touched, and what was never placed
    on this chain."""

    rows: Sequence[OrderRow] = ()
    touched: frozenset[tuple[int, str]] = field(default_factory=frozenset)
    gone: Sequence[str] = ()


def parts(values: Iterable[Any], size: int = PART) -> Iterator[list[Any]]:
    """Handfuls."""
    part: list[Any] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _pragmas(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def open_engine(url: str) -> Engine:
    """SQLite or PostgreSQL by URL; tables are made. `BadInput` where it does not open."""
    try:
        engine = create_engine(url, pool_pre_ping=True)
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise BadInput("database", engine.dialect.name, "sqlite or postgresql+psycopg")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _pragmas)
        schema.metadata.create_all(engine)
    except (SQLAlchemyError, ImportError) as problem:
        limit = f"it can't be opened: {str(problem).splitlines()[0]}"
        raise BadInput("database", url.split("@")[-1], limit) from None
    return engine


class Store:
    """One market's part of the database. `market` is chain id:address."""

    def __init__(self, engine: Engine, market: str, depth: int = 128) -> None:
        """`depth`: how many blocks back a re-org is undone without reading everything anew."""
        self.engine = engine
        self.market = market
        self.depth = depth

    def upsert(self, link: Connection, table: Table, values: Sequence[dict[str, Any]]) -> None:
        """Inserts rows, or overwrites those of the same key."""
        dialect: Any = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        keys = [column.name for column in table.primary_key]
        for part in parts(values):
            insert = dialect.insert(table).values(part)
            rest = {c.name: insert.excluded[c.name] for c in table.c if c.name not in keys}
            if rest:
                link.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))
            else:
                link.execute(insert.on_conflict_do_nothing(index_elements=keys))

    # ---- reading

    def cursor(self) -> Cursor | None:
        """The checkpoint; None before the first."""
        t = schema.markets.c
        with self.engine.connect() as link:
            found = link.execute(
                select(t.block, t.hash, t.rewinds).where(t.market == self.market)
            ).first()
        return Cursor(*found) if found else None

    def rows(self, since: int = -1) -> Iterator[Row]:
        """Positions seen in blocks after this one, by id; all by default."""
        t = schema.positions.c
        wanted = select(t.id, t.size, t.basis, t.margin, t.flags, t.vault, t.block)
        wanted = wanted.where(t.market == self.market, t.block > since).order_by(t.id)
        with self.engine.connect() as link:
            for found in link.execution_options(yield_per=PART * 20).execute(wanted):
                yield Row(*found)

    def ids_of_vaults(self, vaults: Iterable[str]) -> dict[str, int]:
        """Position ids of those addresses that are vaults."""
        t = schema.positions.c
        found: dict[str, int] = {}
        with self.engine.connect() as link:
            for part in parts(sorted(set(vaults))):
                wanted = select(t.vault, t.id).where(t.market == self.market, t.vault.in_(part))
                found.update((vault, id_) for vault, id_ in link.execute(wanted))
        return found

    def known_blocks(self) -> list[tuple[int, str]]:
        """Blocks remembered, the newest first."""
        t = schema.blocks.c
        with self.engine.connect() as link:
            wanted = select(t.number, t.hash).where(t.market == self.market)
            return [(n, h) for n, h in link.execute(wanted.order_by(t.number.desc()))]

    def touched_after(self, block: int) -> set[int]:
        """Ids whose events stood in blocks after this one."""
        t = schema.touched.c
        wanted = select(t.id).where(t.market == self.market, t.block > block)
        with self.engine.connect() as link:
            return set(link.execute(wanted).scalars())

    def orders(self, since: int = -1, hashes: Iterable[str] | None = None) -> list[OrderRow]:
        """Orders seen in blocks after this one; all by default, or those of these hashes."""
        t = schema.orders.c
        wanted = select(t.hash, t.body, t.status, t.changed_at, t.position, t.best, t.block)
        wanted = wanted.where(t.market == self.market, t.block > since).order_by(t.hash)
        with self.engine.connect() as link:
            if hashes is None:
                return [OrderRow(*found) for found in link.execute(wanted)]
            return [
                OrderRow(*found)
                for part in parts(hashes)
                for found in link.execute(wanted.where(t.hash.in_(part)))
            ]

    def orders_touched_after(self, block: int) -> set[str]:
        """Hashes of orders whose events stood in blocks after this one."""
        t = schema.touched_orders.c
        wanted = select(t.hash).where(t.market == self.market, t.block > block)
        with self.engine.connect() as link:
            return set(link.execute(wanted).scalars())

    # ---- writing

    def fill(self, rows: Sequence[Row], orders: Sequence[OrderRow] = ()) -> None:
        """A page of a snapshot; it counts once the checkpoint is set."""
        with self.engine.begin() as link:
            self._put(link, rows)
            self._put_orders(link, orders)

    def begin_at(self, cursor: Cursor, end: int) -> None:
        """The end of a snapshot of all ids below `end`, and of all orders: others are forgotten.
        Nothing is deleted before, so that a snapshot that is cut short, or made by two at once,
        leaves no gap."""
        with self.engine.begin() as link:
            o = schema.orders
            old = (o.c.market == self.market) & (o.c.block != cursor.block)
            link.execute(delete(o).where(old))
            p = schema.positions
            link.execute(delete(p).where(p.c.market == self.market, p.c.id >= end))
            for table in (schema.blocks, schema.touched, schema.touched_orders):
                link.execute(delete(table).where(table.c.market == self.market))
            self.upsert(link, schema.markets, [{"market": self.market, **asdict(cursor)}])
            self._remember(link, cursor)

    def apply(
        self,
        before: Cursor,
        after: Cursor,
        rows: Sequence[Row],
        touched: Iterable[tuple[int, int]],
        gone: Iterable[int] = (),
        fork: int | None = None,
        orders: OrderNews | None = None,
    ) -> bool:
        """Moves the checkpoint with everything that was seen up to it: all of it, or, where
        somebody else moved it meanwhile, nothing (False). `touched`: (block, id)."""
        t = schema.markets.c
        with self.engine.begin() as link:
            moved = link.execute(
                update(schema.markets)
                .where(t.market == self.market, t.block == before.block)
                .where(t.hash == before.hash, t.rewinds == before.rewinds)
                .values(block=after.block, hash=after.hash, rewinds=after.rewinds)
            )
            if moved.rowcount != 1:
                return False
            if fork is not None:
                b = schema.blocks
                link.execute(delete(b).where(b.c.market == self.market, b.c.number > fork))
                for n in (schema.touched, schema.touched_orders):
                    link.execute(delete(n).where(n.c.market == self.market, n.c.block > fork))
            self._put(link, rows)
            for part in parts(gone):
                p = schema.positions
                link.execute(delete(p).where(p.c.market == self.market, p.c.id.in_(part)))
            seen = [{"market": self.market, "block": b, "id": i} for b, i in sorted(set(touched))]
            self.upsert(link, schema.touched, seen)
            self._apply_orders(link, orders or OrderNews())
            self._remember(link, after)
        return True

    def _apply_orders(self, link: Connection, news: OrderNews) -> None:
        self._put_orders(link, news.rows)
        for part in parts(news.gone):
            o = schema.orders
            link.execute(delete(o).where(o.c.market == self.market, o.c.hash.in_(part)))
        seen = [{"market": self.market, "block": b, "hash": h} for b, h in sorted(news.touched)]
        self.upsert(link, schema.touched_orders, seen)

    def _put_orders(self, link: Connection, rows: Sequence[OrderRow]) -> None:
        self.upsert(link, schema.orders, [{"market": self.market, **asdict(r)} for r in rows])

    def repair(self, rows: Sequence[Row]) -> None:
        """Overwrites positions that an audit found different."""
        with self.engine.begin() as link:
            self._put(link, rows)

    def _put(self, link: Connection, rows: Sequence[Row]) -> None:
        self.upsert(link, schema.positions, [{"market": self.market, **asdict(r)} for r in rows])

    def _remember(self, link: Connection, cursor: Cursor) -> None:
        row = {"market": self.market, "number": cursor.block, "hash": cursor.hash}
        self.upsert(link, schema.blocks, [row])
        oldest, b, o = cursor.block - self.depth, schema.blocks, schema.orders
        link.execute(delete(b).where(b.c.market == self.market, b.c.number < oldest))
        for n in (schema.touched, schema.touched_orders):
            link.execute(delete(n).where(n.c.market == self.market, n.c.block < oldest))
        ended = (o.c.status != OrderStatus.PLACED) & (o.c.block < oldest)
        link.execute(delete(o).where(o.c.market == self.market, ended))

    # ---- claims

    def claim(self, ids: Iterable[int], keeper: str, secs: float) -> set[int]:
        """Takes positions for so long; returns those that are not another keeper's."""
        now, wanted = time.time(), sorted(set(ids))
        dialect: Any = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        won: set[int] = set()
        with self.engine.begin() as link:
            for id_ in wanted:
                row = {"market": self.market, "id": id_, "keeper": keeper, "until": now + secs}
                insert = dialect.insert(schema.claims).values(row)
                free = (schema.claims.c.until < now) | (schema.claims.c.keeper == keeper)
                done = link.execute(
                    insert.on_conflict_do_update(
                        index_elements=["market", "id"],
                        set_={"keeper": keeper, "until": now + secs},
                        where=free,
                    ).returning(schema.claims.c.id)
                )
                won.update(done.scalars())
        return won

    def release(self, ids: Iterable[int], keeper: str) -> None:
        """Gives positions back."""
        c = schema.claims
        with self.engine.begin() as link:
            for part in parts(ids):
                mine = (c.c.market == self.market) & (c.c.keeper == keeper)
                link.execute(delete(c).where(mine, c.c.id.in_(part)))

    def claimed_by_others(self, keeper: str) -> set[int]:
        """Positions that other keepers are working on."""
        c = schema.claims.c
        with self.engine.connect() as link:
            wanted = select(c.id).where(c.market == self.market, c.keeper != keeper)
            return set(link.execute(wanted.where(c.until >= time.time())).scalars())

    def count(self) -> int:
        """Open positions."""
        p = schema.positions.c
        with self.engine.connect() as link:
            wanted = select(func.count()).where(p.market == self.market, p.size != 0)
            return int(link.execute(wanted).scalar_one())
