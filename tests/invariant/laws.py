"""The laws (docs/invariants.md) as functions of plain values. Each raises `Broken` with its id.

What a law needs it computes here, from the specification, not by the twin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

WAD = 10**18


class Broken(AssertionError):
    """A law that does not hold."""

    def __init__(self, law: str, text: str) -> None:
        super().__init__(f"{law}: {text}")
        self.law = law


def hold(law: str, condition: bool, text: str) -> None:
    """Raises unless the condition holds."""
    if not condition:
        raise Broken(law, text)


def up(a: int, b: int) -> int:
    """Quotient rounded up."""
    return -(-a // b)


class Pos(NamedTuple):
    """What the laws see of a position."""

    size: int
    basis: int
    entry: int
    margin: int  # of its vault, token units


@dataclass(frozen=True)
class Terms:
    """Parameters and market state that decide about a position's health."""

    mark: int
    spread: int
    index: int
    ramp: int
    skew: int
    unit: int
    table: tuple[tuple[int, int], ...]  # (highest notional, maintenance rate)
    min_notional: int
    buffer: int
    reward_floor: int
    reward_cap: int
    taker_fee: int
    maker_fee: int
    skew_scale: int
    max_impact: int

    def price(self, size: int) -> int:
        """The favourable price of a position."""
        half = up(self.mark * self.spread, 2 * WAD)
        return self.mark + half if size > 0 else max(1, self.mark - half)


def claim(size: int, basis: int, price: int, index: int) -> int:
    """What the pool owes a position (Wad)."""
    return size * (price - index) // WAD - basis


def equity(p: Pos, t: Terms, price: int) -> int:
    """Margin and claim (Wad)."""
    return p.margin * t.unit + claim(p.size, p.basis, price, t.index)


def notional(size: int, price: int) -> int:
    """Rounded up (Wad)."""
    return up(abs(size) * price, WAD)


def base(n: int, t: Terms) -> int:
    """MM at multiplier 1 (1e36 scale): each bracket's rate on the notional inside it."""
    n, total, below = max(n, t.min_notional), 0, 0
    for upper, rate in t.table:
        total += rate * (min(n, upper) - below)
        if n <= upper:
            break
        below = upper
    return total


def maintenance(size: int, price: int, t: Terms) -> int:
    """MM (Wad)."""
    return up(base(notional(size, price), t) * t.ramp, WAD * WAD)


def target(size: int, price: int, t: Terms) -> int:
    """TM (Wad)."""
    return up(base(notional(size, price), t) * t.ramp * (WAD + t.buffer), WAD**3)


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


# ---- the laws


def i_01_vaults(held: Mapping[int, int], expected: Mapping[int, int]) -> None:
    """Every vault holds what the model says."""
    for id_, amount in held.items():
        hold("I-01", amount == expected[id_], f"vault {id_} holds {amount}, model {expected[id_]}")


def i_02_conserved(protocol: int, entered: int, left: int) -> None:
    """What the protocol holds is what entered less what left."""
    hold("I-02", protocol == entered - left, f"{protocol} held of {entered} - {left}")


def i_05_sums(sums: Sequence[int], positions: Collection[Pos]) -> None:
    """sizeLong, sizeShort, basisLong, basisShort are the positions'."""
    longs = [p for p in positions if p.size >= 0]
    shorts = [p for p in positions if p.size < 0]
    found = (
        sum(p.size for p in longs),
        -sum(p.size for p in shorts),
        sum(p.basis for p in longs),
        sum(p.basis for p in shorts),
    )
    hold("I-05", tuple(sums) == found, f"sums {tuple(sums)}, positions {found}")


def i_10_locality(
    before: Mapping[int, Pos], after: Mapping[int, Pos], touched: Collection[int]
) -> None:
    """Nobody else's position or vault changes."""
    for id_, p in before.items():
        if id_ not in touched:
            hold("I-10", after[id_] == p, f"position {id_} was {p}, is {after[id_]}")


def i_26_iff(p: Pos, t: Terms, in_grace: bool, liquidated: bool) -> None:
    """Liquidated iff equity < MM, and in grace only at equity <= 0."""
    price = t.price(p.size)
    have, need = equity(p, t, price), maintenance(p.size, price, t)
    due = p.size != 0 and have < need and (not in_grace or have <= 0)
    text = f"equity {have}, MM {need}, grace {in_grace}, liquidated {liquidated}: {p}"
    hold("I-26", due == liquidated, text)


def i_28_partial(before: Pos, after: Pos, t: Terms) -> None:
    """After a liquidation: flat, or smaller, safer, at the target and not too small."""
    if after.size == 0:
        return
    hold("I-28", before.size * after.size > 0, f"flipped {before.size} to {after.size}")
    hold("I-28", abs(after.size) < abs(before.size), f"size {before.size} to {after.size}")
    price = t.price(before.size)
    had, has = equity(before, t, price), equity(after, t, price)
    n, rest = notional(before.size, price), notional(after.size, price)
    hold("I-28", has * n > had * rest, f"ratio {had}/{n} to {has}/{rest}")
    goal = target(after.size, price, t)
    hold("I-28", has >= goal, f"equity {has} is under the target {goal}")
    hold("I-28", rest >= t.min_notional, f"the rest {rest} is under {t.min_notional}")


def closing_cost(size: int, delta: int, t: Terms) -> int:
    """Impact, half the spread and the fee of trading `delta` at the mark (Wad)."""
    half = up(t.mark * t.spread, 2 * WAD)
    moved = up(t.mark * (potential(t.skew + delta, t) - potential(t.skew, t)), WAD)
    cost = moved + up(abs(delta) * half, WAD)
    value = (up(delta * t.mark, WAD) + cost) * WAD
    fill = max(0, up(value, delta) if delta > 0 else value // delta)
    shrink = min(abs(delta), abs(t.skew)) if t.skew * delta < 0 else 0
    fee = up(fill * ((abs(delta) - shrink) * t.taker_fee + shrink * t.maker_fee), WAD * WAD)
    return cost + up(fee, t.unit) * t.unit


def second_order(delta: int, size: int, t: Terms) -> int:
    """What a liquidation forgets: costs on costs (Wad).

    A trade pays its fee on a price that has spread and impact in it; section 9 adds the rates and
    takes them of the notional at the favourable price. With half spread h, impact i and fee f that
    is short by 2h^2 + 2hf + if + ih of the notional.
    """
    h = up(up(t.mark * t.spread, 2 * WAD) * WAD, t.mark)
    moved = max(0, potential(t.skew - size, t) - potential(t.skew, t))
    i, f = up(moved * WAD, abs(size)), t.taker_fee
    rate = up(2 * h * h + 2 * h * f + i * f + i * h, WAD)
    return up(rate * up(abs(delta) * t.mark, WAD), WAD) + 2 * t.unit


def i_30_no_profit(
    before: Pos, after: Pos, t: Terms, reward: int, ticket: int, inflow: int
) -> None:
    """Owner and liquidator together get no more than by trading out at the mark.

    reward, ticket and inflow (pool to vault) in token units.
    """
    full = after.size == 0
    worth = (reward + ticket + after.margin) * t.unit
    if not full:
        worth += claim(after.size, after.basis, t.mark, t.index)
    delta = after.size - before.size
    alone = equity(before, t, t.mark) - closing_cost(before.size, delta, t)
    allowed = max(0, alone) + t.reward_floor if full else alone
    allowed += second_order(delta, before.size, t)
    hold("I-30", worth <= allowed, f"got {worth}, trading out gives {allowed}: {before}")
    hold("I-30", reward * t.unit <= t.reward_cap, f"reward {reward} above the cap")
    held = before.margin + inflow
    hold("I-30", reward <= held, f"reward {reward} of a vault of {held}")


def i_50_outcome(found: str, foretold: str) -> None:
    """A call's success or refusal, with all its values."""
    hold("I-50", found == foretold, f"the chain says {found}, the model {foretold}")


def i_50_view(name: str, found: object, expected: object) -> None:
    """A view equals the model."""
    hold("I-50", found == expected, f"{name} is {found}, the model says {expected}")
