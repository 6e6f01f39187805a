"""From the lens's views to what `decide` takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bulkhead.keeper import names
from bulkhead.keeper.decide import Sight, Skip, Target, Why, Winner
from bulkhead.model.types import Config, Mode


def target(row: Any) -> Target:
    """A position of the lens, as `decide` values it."""
    return Target(
        id=row.id,
        size=row.size,
        price=row.favourablePrice,
        equity=row.favourableEquity,
        margin=row.margin,
        margin_call=bool(row.flags & names.OPTED_IN),
    )


def due(row: Any) -> bool:
    """Below maintenance margin at its favourable price."""
    return bool(row.size and row.favourableEquity < row.mm)


def winner(row: Any, view: Any, unit: int) -> Winner | None:
    """A position that ADL may close: claim per notional at or above its side's average."""
    claim = row.equity - row.margin * unit
    long = row.size > 0
    side_claim = view.longClaim if long else view.shortClaim
    side_notional = view.notionalLong if long else view.notionalShort
    if claim <= 0 or side_claim <= 0 or claim * side_notional < side_claim * row.notional:
        return None
    return Winner(row.id, claim, row.notional)


def adl_side(view: Any) -> int:
    """The side that may be deleveraged: 0 is both."""
    if view.adlFactor >= 10**18:
        return 0
    return 1 if view.skew > 0 else -1


def sight(
    market: str,
    cfg: Config,
    view: Any,
    rows: Iterable[Any],
    *,
    problem: str = "",
    winners: Iterable[Any] = (),
    taken: Iterable[int] = (),
) -> tuple[Sight, list[Skip]]:
    """What is seen of a market, and the candidates that turned out healthy."""
    looked = list(rows)
    state = view.state
    found = Sight(
        market=market,
        cfg=cfg,
        mark=state.mark,
        spread=state.spread,
        ramp=state.ramp,
        skew=view.skew,
        fresh=view.fresh,
        problem=problem,
        mode=Mode(state.mode),
        in_grace=view.inGrace,
        targets=tuple(target(row) for row in looked if due(row)),
        adl_active=view.adlActive,
        winners=tuple(one for row in winners if (one := winner(row, view, cfg.unit))),
        taken=frozenset(taken),
    )
    healthy = [
        Skip(market, row.id, Why.HEALTHY, f"equity {row.favourableEquity} >= {row.mm}")
        for row in looked
        if not due(row)
    ]
    return found, healthy
