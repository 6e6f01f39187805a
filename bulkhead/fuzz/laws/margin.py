"""Laws about margin, fills and fees: I-15 to I-21."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    if p.size == 0 and p.basis and not (refusing and p.basis > 0):
        hold("I-16", False, f"flat with a basis: {p}")
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
    had, has, grown = abs(was.size), abs(now.size), abs(now.size - was.size)
    common = had * has  # of prices as integers
    old = ((was.basis if was.size > 0 else -was.basis) * WAD + t.index * had) * has
    new = ((now.basis if now.size > 0 else -now.basis) * WAD + t.index * has) * had
    low, high = sorted((old, fill * common))
    slack = (t.unit + 4) * WAD * common + 2 * common * grown
    within = low * grown - slack <= new * grown <= high * grown + slack
    ends = (low // common, high // common)
    hold("I-19", within, f"entry {new // common} not within {ends}")
    return new in (low, high)


def i_20_rounding(was: Pos, now: Pos, t: Terms, before: Terms, delta: int, charged: int) -> bool:
    """A trade costs at least what exact arithmetic says, and at most a few units and wei more.

    The potential is a number of size units, floored twice at each end, so that every path between
    two skews costs the same: two size units at the mark either way. A fill is a price, rounded to a
    wei; a sale's down, so that its fee may be the fee of a wei for each whole unit less. t: at the
    mark, before: with the skew before the trade; charged: equity lost (Wad) net of flows that are
    no cost.
    """
    cost, parts = exact_cost(delta, before)
    over = charged * parts - cost  # what was charged beyond it, in those parts of a wei
    floors = 2 * up(t.mark, WAD) + 2 + up(abs(delta) * t.taker_fee, WAD * WAD)
    slack = 3 * t.unit + floors + 6 + 3 * up(abs(delta), WAD)
    if not -floors * parts <= over <= slack * parts:
        hold("I-20", False, f"charged {charged}, exactly {cost // parts}: {was} to {now}")
    return over <= parts


def exact_cost(delta: int, t: Terms) -> tuple[int, int]:
    """Impact, half the spread and the fee of a trade: (numerator, denominator) of a Wad.

    Nothing is rounded: prices, sizes and rates are integers over 1e18, so the denominators are
    known beforehand, and integers carry it all.
    """
    scale, most, size = t.skew_scale, t.max_impact, abs(delta)

    def potential(skew: int) -> int:  # in parts of 1 / (2 * scale * WAD**2)
        k = abs(skew)
        if k * WAD <= most * scale:
            return k * k * WAD**2
        return most * scale * (2 * WAD * k - most * scale)

    moved = potential(t.skew + delta) - potential(t.skew)
    cost = t.mark * (moved + size * t.spread * scale * WAD)
    parts = 2 * scale * WAD**3
    shrink = min(size, abs(t.skew)) if t.skew * delta < 0 else 0
    rates = (size - shrink) * t.taker_fee + shrink * t.maker_fee
    value = t.mark * size * 2 * scale * WAD**2 + (cost if delta > 0 else -cost)
    return cost * WAD * size + max(0, value) * rates, parts * WAD * size


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
