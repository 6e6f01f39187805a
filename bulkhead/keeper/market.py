"""One market and its order book over a node: addresses, parameters and views, as plain records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bulkhead.chain.contract import Contract, at
from bulkhead.chain.errors import Reverted
from bulkhead.errors import BadInput
from bulkhead.keeper import names
from bulkhead.keeper.node import Head, NodeRpc, shown
from bulkhead.keeper.store import Row, parts
from bulkhead.model.order_types import Order
from bulkhead.model.types import Config, Terms, camel
from bulkhead.model.types import Row as Bracket
from bulkhead.model.wad import WAD

PAGE = 200  # positions in one call of the lens


@dataclass(frozen=True)
class MarketPlace:
    """Where a market and its lens are."""

    market: str
    lens: str
    since: int = 0  # block before which it had no orders


def config_of(found: Any) -> Config:
    """The twin's configuration from the market's."""
    shared = {one.name: getattr(found, camel(one.name)) for one in fields(Terms)}
    rows = []
    for place in range(found.bracketCount):
        upper, rates, d_im, d_mm = found.table[4 * place : 4 * place + 4]
        rows.append(Bracket(upper, rates >> 128, rates & (2**128 - 1), d_im, d_mm))
    return Config(
        **shared,
        token=found.token,
        pool=found.pool,
        fund=found.fund,
        order_book=found.orderBook,
        unit=found.unit,
        max_reward=found.maxReward,
        initial_mark=found.initialMark,
        vol_factor=found.volFactor,
        table=tuple(rows),
    )


class MarketNode:
    """The reads that watching and deciding need. Addresses are lower-case hex."""

    def __init__(self, rpc: NodeRpc, place: MarketPlace) -> None:
        self.rpc, self.place = rpc, place
        self.contract: Contract = at(rpc, names.MARKET, place.market)
        self.lens: Contract = at(rpc, names.LENS, place.lens)
        for what, contract in (("market", self.contract), ("lens", self.lens)):
            if not rpc.code(contract.address):
                raise BadInput(what, contract.address, f"there is no contract on {shown(rpc.url)}")
        self.token: str = self.contract.TOKEN().lower()
        self.book: Contract = at(rpc, names.BOOK, self.contract.ORDER_BOOK())
        self.cfg = self.config()

    @property
    def address(self) -> str:
        """The market's."""
        return self.contract.address

    def config(self) -> Config:
        """Parameters as they are now."""
        self.cfg = config_of(self.contract.config())
        return self.cfg

    def next_id(self, head: Head) -> int:
        """The first id that is not taken."""
        return int(self.contract.state.call(block=head.tag).nextId)

    def row(self, view: Any, head: Head) -> Row:
        """What is stored of a position."""
        return Row(view.id, view.size, view.basis, view.margin, view.flags, view.vault, head.number)

    def views(self, ids: Iterable[int], head: Head | None = None) -> list[Any]:
        """Whole positions with their health, in batched calls, at this very block."""
        block: Any = head.tag if head else "latest"
        found: list[Any] = []
        for part in parts(ids, PAGE):
            found += self.lens.positionsOf.call(self.address, part, block=block)
        return found

    def page(self, start: int, end: int, head: Head) -> list[Any]:
        """Positions of the ids from start up to end, without it, at this very block."""
        found: list[Any] = self.lens.positions.call(self.address, start, end, block=head.tag)
        return found

    def view(self, head: Head | None = None) -> Any:
        """The market as an action in this block would see it."""
        block: Any = head.tag if head else "latest"
        return self.lens.marketView.call(self.address, block=block)

    def logs(self, start: int, end: int) -> Sequence[dict[str, Any]]:
        """Raw events of market and token in these blocks, both included."""
        query = {
            "fromBlock": hex(start),
            "toBlock": hex(end),
            "address": [self.address, self.token, self.book.address],
        }
        found: Sequence[dict[str, Any]] = self.rpc.request("eth_getLogs", query)
        return found

    def order_states(self, hashes: Sequence[str], head: Head) -> list[Any]:
        """What the book keeps of orders, at this very block."""
        state = self.book.orderState
        asked = [state.encode(bytes.fromhex(one[2:])) for one in hashes]
        return [state.decode(one) for one in self._multicall(asked, head)]

    def check_orders(
        self, orders: Iterable[Order], mark: int, published_at: int, head: Head
    ) -> list[Any]:
        """What the book says of orders at this mark: reason, actual, limit, size."""
        check = self.book.check
        asked = [check.encode(one.as_tuple(), mark, published_at) for one in orders]
        return [check.decode(one) for one in self._multicall(asked, head)]

    def _multicall(self, asked: Iterable[bytes], head: Head) -> list[bytes]:
        found: list[bytes] = []
        for part in parts(asked, PAGE):
            found += self.book.multicall.call(part, block=head.tag)
        return found

    def price_problem(self, view: Any) -> str:
        """Why the market has no fresh price; empty where it has."""
        if view.fresh:
            return ""
        if view.priceFailure:
            return str(Reverted(view.priceFailure))
        return f"refused for reason {view.priceReason}"


def worth(row: Row, unit: int) -> int:
    """Margin less basis (Wad): what the index keys by."""
    return row.margin * unit - row.basis


__all__ = ["WAD", "MarketNode", "MarketPlace", "config_of", "worth"]
