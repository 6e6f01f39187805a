"""What the laws share: how one fails, and the arithmetic of a position's health.

Each law is a function of plain values named after its id (docs/invariants.md). What it needs it
computes here, from the specification, not by the twin. It raises `Broken`, or returns whether the
check was at a boundary: at equality or a unit off. None: what it is about did not happen (a
flat position has no health to lose); that is no check, and is not counted as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bulkhead.fuzz.probe import Pos
from bulkhead.model.types import Params

WAD = 10**18


class Broken(AssertionError):
    """A law that does not hold."""

    def __init__(self, law: str, text: str) -> None:
        super().__init__(f"{law}: {text}")
        self.law = law
        self.text = text


def hold(law: str, condition: bool, text: str) -> None:
    """Raises unless the condition holds."""
    if not condition:
        raise Broken(law, text)


def up(a: int, b: int) -> int:
    """Quotient rounded up."""
    return -(-a // b)


class Terms(NamedTuple):
    """Parameters and market state that decide about a position's health."""

    mark: int
    spread: int
    index: int  # type: ignore[assignment]  # hides tuple.index
    ramp: int
    skew: int
    unit: int
    table: tuple[tuple[int, int, int], ...]  # (highest notional, IM rate, MM rate)
    min_notional: int
    buffer: int
    deep_ratio: int
    keeper_rate: int
    insurance_rate: int
    reward_floor: int
    reward_cap: int
    call_reward: int
    taker_fee: int
    maker_fee: int
    skew_scale: int
    max_impact: int

    def price(self, size: int) -> int:
        """The favourable price of a position."""
        mark = self.mark
        half = -(-mark * self.spread // (2 * WAD))
        return mark + half if size > 0 else max(1, mark - half)

    @property
    def half(self) -> int:
        """Half the spread as a price, up."""
        return up(self.mark * self.spread, 2 * WAD)


def terms(state: Mapping[str, int], p: Params, unit: int) -> Terms:
    """From a market's state and parameters."""
    known = _fixed.get(id(p))
    if known is None or known[0] is not p or known[1] != unit:
        if len(_fixed) > _KEPT:
            _fixed.clear()
        known = _fixed[id(p)] = p, unit, _of_params(p, unit)[_OF_STATE:]
    skew = state["size_long"] - state["size_short"]
    now = (state["mark"], state["spread"], state["funding_index"], state["ramp"], skew)
    return Terms._make(now + known[2])


_KEPT = 64
_OF_STATE = 5  # of the terms, the first
# By identity (hashing forty fields is dear): unit, and the terms that are no state.
_fixed: dict[int, tuple[Params, int, tuple[Any, ...]]] = {}


def _of_params(p: Params, unit: int) -> Terms:
    return Terms(
        mark=0,
        spread=0,
        index=0,
        ramp=0,
        skew=0,
        unit=unit,
        table=tuple((row.upper_notional, row.im_rate, row.mm_rate) for row in p.brackets),
        min_notional=p.min_notional,
        buffer=p.buffer,
        deep_ratio=p.deep_ratio,
        keeper_rate=p.keeper_rate,
        insurance_rate=p.insurance_rate,
        reward_floor=p.reward_floor,
        reward_cap=p.reward_cap,
        call_reward=p.margin_call_reward,
        taker_fee=p.taker_fee,
        maker_fee=p.maker_fee,
        skew_scale=p.skew_scale,
        max_impact=p.max_impact,
    )


def claim(size: int, basis: int, price: int, index: int) -> int:
    """What the pool owes a position (Wad)."""
    return size * (price - index) // WAD - basis


def total(positions: Iterable[Pos], t: Terms) -> int:
    """What the pool owes all of them at the mark (Wad), each claim floored."""
    move = t.mark - t.index
    return sum([p.size * move // WAD - p.basis for p in positions])


def equity(p: Pos, t: Terms, price: int) -> int:
    """Margin and claim (Wad)."""
    return p.margin * t.unit + claim(p.size, p.basis, price, t.index)


def notional(size: int, price: int) -> int:
    """Rounded up (Wad)."""
    return -(-abs(size) * price // WAD)


def base(n: int, t: Terms, column: int) -> int:
    """IM (column 1) or MM (2) at multiplier 1 (1e36 scale): each bracket's rate on the notional
    inside it."""
    n, total, below = max(n, t.min_notional), 0, 0
    for row in t.table:
        upper = row[0]
        if n <= upper:
            return total + row[column] * (n - below)
        total += row[column] * (upper - below)
        below = upper
    return total


def initial(size: int, price: int, t: Terms, multiplier: int) -> int:
    """IM (Wad)."""
    return up(up(base(notional(size, price), t, 1), WAD) * multiplier, WAD)


def maintenance(size: int, price: int, t: Terms) -> int:
    """MM (Wad)."""
    return -(-base(notional(size, price), t, 2) * t.ramp // (WAD * WAD))


def target(size: int, price: int, t: Terms) -> int:
    """TM (Wad)."""
    return up(base(notional(size, price), t, 2) * t.ramp * (WAD + t.buffer), WAD**3)


def surplus(p: Pos, t: Terms) -> int:
    """Equity above MM at the favourable price (Wad); liquidatable below 0."""
    price = t.price(p.size)
    return equity(p, t, price) - maintenance(p.size, price, t)


def potential(skew: int, t: Terms) -> int:
    """Phi, floor of each part."""
    knee = t.max_impact * t.skew_scale // WAD
    inner = min(abs(skew), knee)
    outer = t.max_impact * (abs(skew) - inner) // WAD
    return inner * inner // (2 * t.skew_scale) + outer


def execution(delta: int, t: Terms) -> tuple[int, int, int]:
    """(cost above the mark, fill, fee) of a trade at the mark, all Wad, against the trader."""
    moved = up(t.mark * (potential(t.skew + delta, t) - potential(t.skew, t)), WAD)
    cost = moved + up(abs(delta) * t.half, WAD)
    value = (up(delta * t.mark, WAD) + cost) * WAD
    fill = max(0, up(value, delta) if delta > 0 else value // delta)
    shrink = min(abs(delta), abs(t.skew)) if t.skew * delta < 0 else 0
    rates = (abs(delta) - shrink) * t.taker_fee + shrink * t.maker_fee
    return cost, fill, up(fill * rates, WAD * WAD)


def mixed(delta: int, t: Terms) -> int:
    """How much less the fees of a trade's parts may be (Wad, up): nothing unless it crosses a skew
    of 0, else the rates' difference of what the fills lie off the mark on both sides."""
    shrink = min(abs(delta), abs(t.skew)) if t.skew * delta < 0 else 0
    if shrink in (0, abs(delta)):
        return 0
    first = shrink if delta > 0 else -shrink
    costs = (execution(first, t), execution(delta - first, t._replace(skew=t.skew + first)))
    return up(sum(abs(cost) for cost, _, _ in costs) * abs(t.taker_fee - t.maker_fee), WAD)


def trading_cost(delta: int, t: Terms) -> int:
    """Impact, half the spread and the fee in whole token units (Wad)."""
    cost, _, fee = execution(delta, t)
    return cost + up(fee, t.unit) * t.unit
