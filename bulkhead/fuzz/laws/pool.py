"""Laws about the pool: I-08, I-09, I-36 to I-39, I-49."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bulkhead.fuzz.laws.base import hold, up

VIRTUAL = 1_000  # shares that price rounding is charged to


def i_08_exit(refused: Sequence[str]) -> bool:
    """Everybody got out."""
    hold("I-08", not refused, f"could not leave: {'; '.join(refused[:3])}")
    return False


def i_08_providers(rows: Sequence[Sequence[int]], waits: tuple[int, int]) -> bool:
    """No provider has shares or a claim that pays, no request waits. rows: shares, then what may
    be deposited, minted, withdrawn and redeemed; waits: deposits, redemptions."""
    for shares, _, minted, withdrawn, _ in rows:
        stuck = (shares, minted, withdrawn)
        hold("I-08", not any(stuck), f"shares, mintable, withdrawable: {stuck} after leaving")
    hold("I-08", not any(waits), f"deposits {waits[0]}, redemptions {waits[1]} wait for ever")
    return False


def i_08_supply(supply: int, explained: int, steps: int) -> bool:
    """The shares that remain are nobody's: the dead deposit's, those of contracts that can't act,
    and at most two a step that rounding left."""
    hold("I-08", supply <= explained + 2 * steps, f"{supply} shares, {explained} explained")
    return supply == explained


def i_08_left(tokens: int, nav: int, supply: tuple[int, int], steps: int) -> bool:
    """The tokens that remain, but for gifts, tickets and funding in waiting, are what the shares
    that remain were worth (and the virtual ones), and two units a step at most. nav: whole token
    units before; supply: before, after."""
    worth = up((nav + 1) * (supply[1] + VIRTUAL), supply[0] + VIRTUAL)
    hold("I-08", tokens <= worth + 2 * steps, f"{tokens} remain, {worth} explained")
    return tokens == worth


def i_08_bankrupt(cash: int, due: int, steps: int) -> bool:
    """Where NAV is 0 or less all cash is for tickets and for funding in waiting (token units)."""
    hold("I-08", cash <= due + 2 * steps, f"cash {cash} is kept, only {due} is due")
    return cash == due


def i_09_extraction(before: int, after: int, allowed: int, slack: int) -> bool:
    """Accounts that act together, liquidity providers and keepers among them, end at the same
    price with no more than they began with and what the rules let others lose to them (Wad)."""
    text = f"a coalition made {before} into {after}, {allowed} was others' to lose"
    hold("I-09", after <= before + allowed + slack, text)
    return after >= before + allowed - slack


def i_09_conserved(gained: int, lost: int, slack: int) -> bool:
    """At one price what a coalition gains is what all others and the pool lose (Wad)."""
    hold("I-09", abs(gained - lost) <= slack, f"a coalition gained {gained}, others lost {lost}")
    return gained == lost


def i_36_share_price(
    nav: tuple[int, int], supply: tuple[int, int], unit: int, rest: int = 0
) -> bool | None:
    """At a constant mark a share's price does not fall: (before, after), NAV in Wad.

    Slack: NAV rounds down once for each of its four terms. rest: what a size unit is worth (Wad),
    by which the skew's impact rounds, where nobody pays for that: a liquidation fills at the mark.
    """
    if nav[0] <= 0:
        return None
    old, new = (nav[0] // unit + 1) * unit, nav[1] + 4 + unit + rest
    if new * (supply[0] + VIRTUAL) < old * (supply[1] + VIRTUAL):
        hold("I-36", False, f"NAV {nav[0]} of {supply[0]} to {nav[1]} of {supply[1]}")
    return nav[0] == nav[1] and supply[0] == supply[1]


def i_36_priced(worth: tuple[int, int], supply: tuple[int, int], unit: int) -> bool:
    """Pricing deposits and redemptions keeps a share's price but for rounding, to the pool's
    favour: (before, after), worth in Wad. It rises by a unit of NAV, two of what is paid, and two
    shares at most."""
    had, has = worth[0] + unit, worth[1] + unit
    old, new = supply[0] + VIRTUAL, supply[1] + VIRTUAL
    text = f"NAV {worth[0]} of {supply[0]} to {worth[1]} of {supply[1]} by pricing"
    if worth[0] > 0:
        hold("I-36", (has + 4) * old >= had * new, f"falls: {text}")
    most = max(unit, had) + unit
    hold("I-36", has * old <= most * (new + 4) + 4 * unit * old, f"rises: {text}")
    return has * old == had * new


def i_36_gift(nav: tuple[int, int], supply: tuple[int, int]) -> bool:
    """Tokens or shares that are sent change neither NAV nor supply: (before, after)."""
    hold("I-36", nav[0] == nav[1], f"a gift moved NAV from {nav[0]} to {nav[1]}")
    hold("I-36", supply[0] == supply[1], f"a gift moved the supply: {supply[0]} to {supply[1]}")
    return False


def i_37_backed(
    reserve: int, withdrawable: int, escrowed: int, owed_shares: int, slack: int
) -> bool | None:
    """What may be claimed was set aside: tokens of redemptions, shares of deposits and requests."""
    if withdrawable == owed_shares == 0:
        return None
    hold(
        "I-37", withdrawable <= reserve + slack, f"{withdrawable} claimable of {reserve} set aside"
    )
    hold("I-37", owed_shares <= escrowed + slack, f"{owed_shares} shares owed of {escrowed} held")
    return withdrawable == reserve


def i_37_assets(total: int, nav: int, unit: int) -> bool:
    """totalAssets = max(0, NAV) in token units."""
    hold("I-37", total == max(0, nav) // unit, f"totalAssets {total} at a NAV of {nav}")
    return nav <= 0


def i_37_exact(what: str, got: int, exact: Fraction) -> bool:
    """Whoever is priced in buckets gets what the buckets' prices say in exact rationals, never
    more, two units less at most."""
    hold("I-37", exact - 2 <= got <= exact, f"{got} {what}, exactly {float(exact):.3f}")
    return got == exact


def i_37_newcomer(paid: int, worth: int, hole: int = 0) -> bool:
    """Whoever joins an empty market after the worst gift of the first loses less than 0.01 %,
    beside what the pool lacked before (hole)."""
    lost = paid - worth - hole
    hold("I-37", lost * 10_000 < paid, f"{paid} put in, worth {worth} at once; {hole} lacked")
    return lost == 0


def i_37_limit(name: str, who: str, most: int, said: tuple[str, str], pays: int) -> bool:
    """What a limit says can be claimed, and not a unit more. said: to all of it, and to a unit
    above; pays: whether all of it gives anything."""
    at, above = said
    limit = f"ERC4626ExceededMax{name.capitalize()}{(who, most + 1, most)}"
    hold("I-37", above == limit, f"{name} of {most + 1} at a limit of {most}: {above}")
    hold("I-37", at.startswith("ok") == (pays > 0), f"{name} of the limit {most}: {at}")
    return True


def i_38_minted(nav: int, empty: bool) -> bool | None:
    """Nothing is minted at a NAV of 0 or below, but into an empty market."""
    if empty:
        return None
    hold("I-38", nav > 0, f"minted at a NAV of {nav}")
    return False


def i_38_asked(asked: int) -> bool:
    """Nobody asks to deposit 0 or 1 unit."""
    hold("I-38", asked >= 2, f"a request for {asked} was taken")
    return asked == 2


def i_39_waited(due: int, published: int, priced: bool) -> bool | None:
    """A bucket is priced only by a mark published after it was due: nobody knows their price."""
    if not priced:
        return None
    hold("I-39", due != 0 and published > due, f"due {due}, priced at {published}")
    return published == due + 1


def i_39_foreknown(idle: int, acted: int, slack: int) -> bool:
    """Who knows the next mark, or moves the skew, around a deposit or redemption of theirs has no
    more in the end than had they done nothing (token units)."""
    hold("I-39", acted <= idle + slack, f"{acted} by a request, {idle} without, slack {slack}")
    return acted >= idle - slack


def i_49_priced(what: str, waits: int, free: int) -> bool:
    """What is due and was not priced: no deposit, and redemptions only as far as nothing is free
    (token units)."""
    hold("I-49", waits == 0 or free <= 2, f"{waits} of {what} wait, {free} are free")
    return 0 < free <= 2


def i_49_liveness(said: str) -> bool:
    """A healthy trader with a fresh price takes everything out; a claim is paid."""
    hold("I-49", said.startswith("ok"), f"could not leave: {said}")
    return False
