"""Laws about margin, fills and fees: I-15 to I-21."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from bulkhead.fuzz.laws.base import WAD, Terms, claim, execution, hold, up
from bulkhead.fuzz.probe import Pos


def i_15_withdrawable(amount: int, at: str, above: str) -> bool:
    """Removing exactly what is free succeeds (0 is refused as nothing), one more does not."""
    done = at == "ok" if amount else at.startswith("Refused(2,")
    hold("I-15", done, f"removing the free {amount}: {at}")
    hold("I-15", above != "ok", f"removing {amount} and one more: {above}")
    return True


def i_16_flat(p: Pos, refusing: bool) -> bool:
    """A flat position has no basis (but for a refusing token's debt)."""
    if p.size == 0:
        hold("I-16", p.basis == 0 or (refusing and p.basis > 0), f"flat with a basis: {p}")
    return False


def i_16_unpriced(said: str) -> bool:
    """A flat position pays all of it out without a price."""
    hold("I-16", said == "ok", f"a flat position without a price: {said}")
    return False


def i_17_round_trip(before: int, after: int, fees: int, slack: int) -> bool:
    """At a constant mark a closed loop, by whomever, returns at most what went in less fees (Wad).

    slack: rounding of the claims that are compared (Wad).
    """
    hold("I-17", after + fees <= before + slack, f"{before} in, {after} out with fees {fees}")
    return after + fees >= before - slack


def i_17_split(whole: int, parts: int, count: int, unit: int) -> bool:
    """A trade in k parts ends no better than in one, and at most k units (and wei) apart."""
    slack = 2 * count * unit + 4 * count
    hold("I-17", parts <= whole + slack, f"in {count} parts {parts}, at once {whole}")
    hold("I-17", parts >= whole - slack, f"in {count} parts {parts}, at once {whole}")
    return parts == whole


def i_18_bounds(was: Pos, t: Terms, received: int, rebate: int) -> bool:
    """Nobody gets more from the pool than its claim at the mark, or the funding it is credited.

    received: token units; rebate: what the trade earned by shrinking the skew (Wad).
    """
    credit = was.size * (was.entry - t.index) // WAD
    due = max(0, credit, claim(was.size, was.basis, t.mark, t.index) + rebate)
    hold("I-18", received * t.unit <= due, f"received {received} of a claim of {due}")
    return due - received * t.unit < t.unit


def i_18_purses(before: Mapping[str, int], after: Mapping[str, int], actor: str) -> bool:
    """Nobody's wallet pays for another's action."""
    for who, had in before.items():
        if who != actor:
            hold("I-18", after[who] >= had, f"{who} had {had}, has {after[who]} by {actor}")
    return False


def i_19_entry(was: Pos, now: Pos, t: Terms, fill: int) -> bool:
    """The average entry price after an increase lies between the old one and the fill.

    Funding is out of it: the index is added back. Tolerance: a price tick for each rounding.
    """
    old = Fraction(was.basis, abs(was.size)) * (1 if was.size > 0 else -1)
    new = Fraction(now.basis, abs(now.size)) * (1 if now.size > 0 else -1)
    low, high = sorted((old * WAD + t.index, Fraction(fill)))
    slack = Fraction((t.unit + 4) * WAD, abs(now.size - was.size)) + 2
    found = new * WAD + t.index
    hold("I-19", low - slack <= found <= high + slack, f"entry {found} not within {low}, {high}")
    return found in (low, high)


def i_20_rounding(was: Pos, now: Pos, t: Terms, before: Terms, delta: int, charged: int) -> bool:
    """A trade costs at least what exact arithmetic says, and at most a few units and wei more.

    The potential is a number of size units, floored twice at each end, so that every path between
    two skews costs the same: two size units at the mark either way. t: at the mark, before: with
    the skew before the trade; charged: equity lost (Wad) net of flows that are no cost.
    """
    exact = exact_cost(delta, before)
    floors = 2 * up(t.mark, WAD) + 2
    text = f"charged {charged}, exactly {int(exact)}: {was} to {now}"
    hold("I-20", charged >= exact - floors, text)
    slack = 3 * t.unit + floors + 6 + 3 * up(abs(delta), WAD)
    hold("I-20", charged <= exact + slack, text)
    return charged - exact <= 1


def exact_cost(delta: int, t: Terms) -> Fraction:
    """Impact, half the spread and the fee of a trade as an exact rational (Wad)."""
    size = Fraction(delta, WAD)
    mark = Fraction(t.mark, WAD)

    def phi(skew: int) -> Fraction:
        scale, m, k = (
            Fraction(t.skew_scale, WAD),
            Fraction(t.max_impact, WAD),
            Fraction(abs(skew), WAD),
        )
        knee = m * scale
        return k * k / (2 * scale) if k <= knee else m * k - m * m * scale / 2

    cost = mark * (phi(t.skew + delta) - phi(t.skew))
    cost += abs(size) * mark * Fraction(t.spread, 2 * WAD)
    fill = (size * mark + cost) / size
    shrink = min(abs(delta), abs(t.skew)) if t.skew * delta < 0 else 0
    rates = Fraction((abs(delta) - shrink) * t.taker_fee + shrink * t.maker_fee, WAD * WAD)
    return (cost + max(Fraction(0), fill) * rates) * WAD


def i_21_fee(delta: int, t: Terms, fill: int, fee: int) -> bool:
    """fee = ceil(rate x executed notional), the taker's rate on what grows the skew, the maker's on
    what shrinks it. fill as executed (Wad), fee in token units."""
    _, price, wad = execution(delta, t)
    hold("I-21", fill == price, f"fill {fill}, by the potential {price}")
    hold("I-21", fee == up(wad, t.unit), f"fee {fee}, by the rates {up(wad, t.unit)}")
    return t.skew != 0 and abs(abs(delta) - abs(t.skew)) <= 1


def i_21_parts(whole: int, parts: Sequence[int], slack: int) -> bool:
    """Fees of parts are together no less than the fee of the whole (token units).

    slack: where a trade crosses a skew of 0 both rates are taken of its average fill, but of parts
    each its own; else 0.
    """
    paid = sum(parts)
    hold("I-21", paid >= whole - slack, f"fees {list(parts)} of parts, {whole} of the whole")
    return paid == whole
