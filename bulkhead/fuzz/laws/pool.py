"""Laws about the pool: I-08, I-09, I-36 to I-39, I-49."""

from __future__ import annotations

from collections.abc import Sequence

from bulkhead.fuzz.laws.base import hold

VIRTUAL = 1_000  # shares that price rounding is charged to


def i_08_exit(refused: Sequence[str], left: int, allowed: int) -> bool:
    """Everybody got out; what remains is rounding, donations and the dead deposit (token units)."""
    hold("I-08", not refused, f"could not leave: {'; '.join(refused[:3])}")
    hold("I-08", left <= allowed, f"{left} remain, {allowed} explained")
    return left == allowed


def i_09_extraction(before: int, after: int, slack: int) -> bool:
    """Accounts that act together at a constant price, liquidity providers among them, end with no
    more than they began with (Wad)."""
    hold("I-09", after <= before + slack, f"a coalition made {before} into {after}")
    return after >= before - slack


def i_36_share_price(nav: tuple[int, int], supply: tuple[int, int], unit: int) -> bool:
    """At a constant mark a share's price does not fall: (before, after), NAV in Wad.

    Slack: NAV rounds down once for each of its four terms.
    """
    old, new = (nav[0] // unit + 1) * unit, nav[1] + 4 + unit
    held = new * (supply[0] + VIRTUAL) >= old * (supply[1] + VIRTUAL)
    if nav[0] > 0 and not held:
        hold("I-36", False, f"NAV {nav[0]} of {supply[0]} to {nav[1]} of {supply[1]}")
    return nav[0] == nav[1] and supply[0] == supply[1]


def i_37_backed(
    reserve: int, withdrawable: int, escrowed: int, owed_shares: int, slack: int
) -> bool:
    """What may be claimed was set aside: tokens of redemptions, shares of deposits and requests."""
    hold(
        "I-37", withdrawable <= reserve + slack, f"{withdrawable} claimable of {reserve} set aside"
    )
    hold("I-37", owed_shares <= escrowed + slack, f"{owed_shares} shares owed of {escrowed} held")
    return withdrawable == reserve


def i_37_assets(total: int, nav: int, unit: int) -> bool:
    """totalAssets = max(0, NAV) in token units."""
    hold("I-37", total == max(0, nav) // unit, f"totalAssets {total} at a NAV of {nav}")
    return nav <= 0


def i_38_edges(nav: int, empty: bool, supply: tuple[int, int], asked: int) -> bool:
    """Nothing is minted at a NAV of 0 or below (but into an empty market), or for 0 or 1 unit."""
    if supply[1] > supply[0]:
        hold("I-38", nav > 0 or empty, f"minted {supply[1] - supply[0]} at a NAV of {nav}")
    hold("I-38", asked >= 2, f"a request for {asked} was taken")
    return asked == 2


def i_39_waited(due: int, published: int, priced: bool) -> bool:
    """A bucket is priced only by a mark published after it was due: nobody knows their price."""
    hold("I-39", not priced or (due != 0 and published > due), f"due {due}, priced at {published}")
    return priced and published == due + 1


def i_49_liveness(said: str) -> bool:
    """A healthy trader with a fresh price takes everything out; a claim is paid."""
    hold("I-49", said.startswith("ok"), f"could not leave: {said}")
    return False
