"""The keeper's tables, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData()


class Whole(TypeDecorator[int]):
    """An integer of any size, as decimal text: no database's numbers hold 256 bits alike."""

    impl = String(80)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        """From the database."""
        return None if value is None else int(value)


# One row a market: up to where its events have been seen. `rewinds` starts anew with each snapshot
# (at its microsecond) and counts re-orgs, so that keepers who share the tables notice that rows
# were replaced or went back.
markets = Table(
    "markets",
    metadata,
    Column("market", String(80), primary_key=True),  # chain id:address
    Column("block", BigInteger, nullable=False),
    Column("hash", String(66), nullable=False),
    Column("rewinds", BigInteger, nullable=False),
)

# Positions as the lens showed them at `block`. Sizes in Wad, margin in token units.
positions = Table(
    "positions",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("size", Whole, nullable=False),
    Column("basis", Whole, nullable=False),
    Column("margin", Whole, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("vault", String(42), nullable=False),
    Column("block", BigInteger, nullable=False),
    Index("positions_by_vault", "market", "vault"),
    Index("positions_by_block", "market", "block"),
)

# Blocks seen lately, to find where a re-org began.
blocks = Table(
    "blocks",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(66), nullable=False),
)

# Who was touched in which of those blocks: to be read again when the block is undone.
touched = Table(
    "touched",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
)

# Orders as they were placed (JSON), and what the book kept of them at `block`. Ended ones stay as
# long as a re-org may undo their end.
orders = Table(
    "orders",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("hash", String(66), primary_key=True),
    Column("body", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # unix seconds
    Column("position", BigInteger, nullable=False),
    Column("best", Whole, nullable=False),
    Column("block", BigInteger, nullable=False),
    Index("orders_by_block", "market", "block"),
)

# Which orders were touched in which of the blocks seen lately.
touched_orders = Table(
    "touched_orders",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(66), primary_key=True),
)

# Positions (and orders, under the book's name) that a keeper is working on, so that keepers who
# share the tables don't race.
claims = Table(
    "claims",
    metadata,
    Column("market", String(80), primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("keeper", String(80), nullable=False),
    Column("until", Float, nullable=False),  # unix seconds
)

# Every transaction, written before it is sent. Fees and costs in wei, rewards in token units.
transactions = Table(
    "transactions",
    metadata,
    Column("hash", String(66), primary_key=True),
    Column("account", String(80), nullable=False),  # chain id:address
    Column("nonce", BigInteger, nullable=False),
    Column("market", String(80), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("ids", Text, nullable=False),  # JSON
    Column("to", String(42), nullable=False),
    Column("data", Text, nullable=False),  # hex
    Column("raw", Text, nullable=False),  # signed, hex
    Column("gas_limit", BigInteger, nullable=False),
    Column("max_fee", Whole, nullable=False),
    Column("tip", Whole, nullable=False),
    Column("worst", Whole, nullable=False),
    Column("reward", Whole, nullable=False),  # expected, then real
    Column("state", String(16), nullable=False),
    Column("sent_at", Float, nullable=False),  # unix seconds
    Column("sent_block", BigInteger, nullable=False),
    Column("block", BigInteger),
    Column("block_hash", String(66)),
    Column("cost", Whole),
    Index("transactions_by_account", "account", "nonce"),
)
