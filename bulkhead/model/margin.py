"""Requirements from the margin table, all rounded up."""

from __future__ import annotations

from bulkhead.model.types import Bracket, Config, Row
from bulkhead.model.wad import WAD, ceil_div


def rows(brackets: tuple[Bracket, ...]) -> tuple[Row, ...]:
    """The table with each row's offset, so that requirements are continuous."""
    table: list[Row] = []
    d_im = d_mm = 0
    for k, row in enumerate(brackets):
        if k:
            below = brackets[k - 1]
            d_im += (row.im_rate - below.im_rate) * below.upper_notional
            d_mm += (row.mm_rate - below.mm_rate) * below.upper_notional
        table.append(Row(row.upper_notional, row.im_rate, row.mm_rate, d_im, d_mm))
    return tuple(table)


def bracket(n: int, table: tuple[Row, ...]) -> int:
    """Index of the first row that holds n; the last one for whatever is larger."""
    for k, row in enumerate(table):
        if n <= row.upper:
            return k
    return len(table) - 1


def base_mm(n: int, table: tuple[Row, ...], min_notional: int) -> int:
    """MM without multiplier at 1e36 scale."""
    n = max(n, min_notional)
    row = table[bracket(n, table)]
    return row.mm_rate * n - row.d_mm


def im(n: int, mu: int, cfg: Config) -> int:
    """Initial requirement of a notional > 0."""
    n = max(n, cfg.min_notional)
    row = cfg.table[bracket(n, cfg.table)]
    return ceil_div(ceil_div(row.im_rate * n - row.d_im, WAD) * mu, WAD)


def mm(n: int, ramp: int, cfg: Config) -> int:
    """Maintenance requirement of a notional > 0."""
    return ceil_div(base_mm(n, cfg.table, cfg.min_notional) * ramp, WAD * WAD)


def gain(ramp: int, cfg: Config) -> int:
    """G: multiplier of the target margin (1e36 scale)."""
    return ramp * (WAD + cfg.buffer)


def tm(n: int, ramp: int, cfg: Config) -> int:
    """Target margin of a liquidation of a notional > 0."""
    return ceil_div(base_mm(n, cfg.table, cfg.min_notional) * gain(ramp, cfg), WAD**3)
