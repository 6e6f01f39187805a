"""The positions of a market as its lens shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bulkhead.chain.contract import at
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.record import plain
from bulkhead.errors import BadInput
from bulkhead.money import tokens, wad

PAGE = 200  # ids in one call


@dataclass(frozen=True)
class Listing:
    """A market and the positions asked for, at one block. Units as in the lens."""

    market: str
    symbol: str
    decimals: int
    view: Any
    rows: Sequence[Any]

    def as_record(self) -> dict[str, Any]:
        """For machines: the lens's own fields."""
        view = {name: value for name, value in self.view._asdict().items() if name != "state"}
        return {
            "market": self.market,
            "token": self.symbol,
            "token_decimals": self.decimals,
            "view": plain(view),
            "state": plain(self.view.state._asdict()),
            "positions": [plain(row._asdict()) for row in self.rows],
        }

    def tables(self) -> list[Table]:
        """For people."""
        return [_market(self), _positions(self)]


def distance(row: Any, mark: int) -> int | None:
    """How far the mark is from the liquidation price, as a share of the mark (Wad); None: never."""
    if not row.size or not row.liquidationPrice:
        return None
    gap = mark - row.liquidationPrice
    return int((gap if row.size > 0 else -gap) * 10**18 // mark)


def _market(listing: Listing) -> Table:
    view, state = listing.view, listing.view.state
    table = Table(title=f"Market {listing.market}", title_justify="left", box=None)
    table.show_header = False
    price = "" if view.fresh else " (no fresh price: nothing trades)"
    for name, value in (
        ("mark", f"{wad(state.mark)}{price}"),
        ("pool NAV", f"{wad(view.nav)} {listing.symbol}"),
        ("open interest", f"{wad(view.notionalLong)} long, {wad(view.notionalShort)} short"),
        ("skew", wad(view.skew, 4)),
        ("funding a day", wad(view.fundingPerDay, 6)),
        ("multipliers", f"initial {wad(view.muIm, 4)}, maintenance {wad(view.muMm, 4)}"),
    ):
        table.add_row(name, value)
    return table


def _positions(listing: Listing) -> Table:
    table = Table(title="\nPositions, closest to liquidation first", title_justify="left", box=None)
    for name in ("id", "owner"):
        table.add_column(name, no_wrap=True)
    names = ("size", "entry", "notional", "margin", "equity", "ratio", "liquidation", "away")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in listing.rows:
        away = distance(row, listing.view.state.mark)
        table.add_row(
            f"{row.id}",
            f"{row.owner[:6]}…{row.owner[-4:]}",
            wad(row.size, 4),
            wad(row.entryPrice),
            wad(row.notional),
            tokens(row.margin, listing.decimals),
            wad(row.equity),
            f"{wad(row.marginRatio * 100, 2)} %" if row.size else "flat",
            wad(row.liquidationPrice) if row.liquidationPrice else "none",
            f"{wad(away * 100, 2)} %" if away is not None else "",
            "LIQUIDATABLE" if row.liquidatable else "",
            style="bold red" if row.liquidatable else "",
        )
    return table


def _order(row: Any, mark: int) -> tuple[int, int, int]:
    away = distance(row, mark)
    return (0, away, row.id) if away is not None else (1, 0, row.id)


def read_positions(
    rpc: Rpc,
    market: str,
    lens: str,
    *,
    ids: Sequence[int] = (),
    owner: str | None = None,
    liquidatable: bool = False,
    flat: bool = False,
    limit: int | None = None,
) -> Listing:
    """All open positions, or those asked for; `flat` adds the flat ones."""
    views, target = at(rpc, "MarketLens", lens), at(rpc, "Market", market)
    token = at(rpc, "TestToken", target.TOKEN())
    view = views.marketView(market)
    rows: list[Any] = []
    if ids:
        rows = views.positionsOf(market, list(ids))
        for row in rows:
            if not int(row.owner, 16):
                raise BadInput("--id", row.id, f"1 to {view.state.nextId - 1} are known")
    else:
        for start in range(1, view.state.nextId, PAGE):
            rows += views.positions(market, start, start + PAGE)
        rows = [row for row in rows if row.size or flat]
    if owner is not None:
        rows = [row for row in rows if row.owner == owner.lower()]
    if liquidatable:
        rows = [row for row in rows if row.liquidatable]
    rows.sort(key=lambda row: _order(row, view.state.mark))
    return Listing(market, token.symbol(), token.decimals(), view, rows[:limit])
