"""The placed orders of a market, and what each waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from bulkhead.chain.contract import Contract, at, events
from bulkhead.chain.errors import Reverted
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.record import plain
from bulkhead.model.order_types import OrderKind, OrderReason, OrderStatus
from bulkhead.model.types import Reason
from bulkhead.money import tokens, wad

PAGE = 100  # states in one call
RANGE = 2_000  # blocks in one request for events
LAST_TIME = 253_402_300_799  # the last that a date can show
PRICES = {OrderReason.TRIGGER_NOT_REACHED, Reason.PRICE_LIMIT}
TIMES = {OrderReason.EXPIRED, OrderReason.TOO_EARLY, OrderReason.MARK_TOO_OLD}


@dataclass(frozen=True)
class Entry:
    """One order: as it was placed, what the book keeps of it, and what the lens says of it."""

    hash: str
    order: Any
    state: Any
    preview: Any  # None where it is over

    @property
    def due(self) -> bool:
        """Whether it would be filled now."""
        return self.preview is not None and bool(self.preview.executes)

    @property
    def why(self) -> str:
        """What it waits for, or how it ended."""
        if self.preview is None:
            return OrderStatus(self.state.status).name.lower()
        if self.due:
            return "DUE"
        seen = self.preview
        if seen.reason:
            return _said(OrderReason(seen.reason), seen.actual, seen.limit)
        trade = seen.trade
        if trade.failure:
            return str(Reverted(trade.failure))
        return "market: " + _said(Reason(trade.reason), trade.actual, trade.limit)


def _said(reason: OrderReason | Reason, actual: int, limit: int) -> str:
    name = reason.name.lower().replace("_", " ")
    if reason in PRICES:
        return f"{name}: {wad(actual)}, {wad(limit)}"
    if reason in TIMES:
        return f"{name}: {moment(actual)}, {moment(limit)}"
    return f"{name}: {actual}, {limit}"


def moment(seconds: int) -> str:
    """A time for people (UTC)."""
    if not 0 <= seconds <= LAST_TIME:
        return str(seconds)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Orders:
    """A book's orders, the oldest first. Units as in the book."""

    book: str
    symbol: str
    decimals: int
    entries: Sequence[Entry]

    def as_record(self) -> dict[str, Any]:
        """For machines: the contracts' own fields."""
        rows = []
        for one in self.entries:
            status = OrderStatus(one.state.status).name.lower()
            row = {"hash": one.hash, "status": status, "due": one.due, "why": one.why}
            row["order"] = plain(one.order._asdict())
            row["state"] = plain(one.state._asdict())
            row["preview"] = _nested(one.preview) if one.preview is not None else None
            rows.append(row)
        return {
            "book": self.book,
            "token": self.symbol,
            "token_decimals": self.decimals,
            "orders": rows,
        }

    def table(self) -> Table:
        """For people."""
        table = Table(title=f"Orders of {self.book}", title_justify="left", box=None)
        for name in ("order", "owner"):
            table.add_column(name, no_wrap=True)
        for name in ("id", "size", "trigger", "limit", "margin", "fee"):
            table.add_column(name, justify="right", no_wrap=True)
        for name in ("kind", "expires", "waits for"):
            table.add_column(name, overflow="fold")
        for one in self.entries:
            order = one.order
            kind = OrderKind(order.kind).name.lower().replace("_", " ")
            table.add_row(
                f"{one.hash[:10]}…",
                f"{order.owner[:6]}…{order.owner[-4:]}",
                f"{one.state.positionId}",
                wad(order.size, 4),
                wad(order.triggerPrice) if order.triggerPrice else "",
                _limit(order),
                tokens(order.margin, self.decimals) if order.margin else "",
                tokens(order.keeperFee, self.decimals),
                kind + (" exit" if order.reduceOnly else ""),
                moment(order.expiry),
                one.why,
                style="bold" if one.due else "",
            )
        return table


def _limit(order: Any) -> str:
    """The worst fill, where any is set."""
    binds = order.priceLimit < 2**128 if order.size > 0 else order.priceLimit > 0
    return wad(order.priceLimit) if binds else ""


def _nested(value: Any) -> Any:
    """Structs within structs, for JSON."""
    if hasattr(value, "_asdict"):
        return {name: _nested(part) for name, part in value._asdict().items()}
    return plain(value)


def _placed(rpc: Rpc, book: Contract, since: int) -> Iterator[Any]:
    """Every OrderPlaced of the book."""
    newest = rpc.block_number()
    for start in range(since, newest + 1, RANGE):
        end = min(start + RANGE - 1, newest)
        yield from events(rpc.logs(start=start, end=end, of=book.address), "OrderPlaced", of=book)


def read_orders(
    rpc: Rpc,
    market: str,
    lens: str,
    *,
    since: int = 0,
    owner: str | None = None,
    ids: Sequence[int] = (),
    due: bool = False,
    ended: bool = False,
) -> Orders:
    """Placed orders, or those asked for; `ended` adds what is over."""
    target = at(rpc, "Market", market)
    book, views = at(rpc, "OrderBook", target.ORDER_BOOK()), at(rpc, "OrderLens", lens)
    token = at(rpc, "TestToken", target.TOKEN())
    wanted = [
        one
        for one in _placed(rpc, book, since)
        if (owner is None or one.owner.lower() == owner.lower())
        and (not ids or one.positionId in ids)
    ]
    states: list[Any] = []
    for start in range(0, len(wanted), PAGE):
        asked = [book.orderState.encode(one.orderHash) for one in wanted[start : start + PAGE]]
        states += [book.orderState.decode(one) for one in book.multicall.call(asked)]
    entries = []
    for one, state in zip(wanted, states, strict=True):
        placed = state.status == OrderStatus.PLACED
        if not placed and not ended:
            continue
        preview = views.previewOrder(book.address, tuple(one.order)) if placed else None
        entries.append(Entry("0x" + one.orderHash.hex(), one.order, state, preview))
    if due:
        entries = [one for one in entries if one.due]
    return Orders(book.address, token.symbol(), token.decimals(), entries)
