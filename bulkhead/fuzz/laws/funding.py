"""Laws about funding: I-22 to I-25."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bulkhead.fuzz.laws.base import WAD, hold, up
from bulkhead.fuzz.probe import Pos

RAY = 10**27
INDEX_MAX = 2**87 - 1  # either way, Wad


def i_22_zero_sum(
    positions: Collection[Pos], mark: int, index: tuple[int, int], worth: tuple[int, int]
) -> bool:
    """Funding that accrues is the traders' loss and the pool's gain, to the wei a position.

    index and worth: (before, after) the accrual; worth: NAV with what waits in it (Wad).
    """
    old, new = index
    lost = sum([p.size * (mark - old) // WAD - p.size * (mark - new) // WAD for p in positions])
    gained = worth[1] - worth[0]
    slack = 2 * len(positions) + 4
    hold("I-22", abs(gained - lost) <= slack, f"traders lost {lost}, the pool gained {gained}")
    return gained == lost


def i_23_index(
    index: tuple[int, int],
    rate: tuple[int, int],
    skew: int,
    mark: int,
    seconds: int,
    scale: int,
    velocity: int,
    most: int,
) -> bool:
    """Index and rate after `seconds` are the closed form's: a ramp that ends at the clamp."""
    if abs(rate[1]) > most:
        hold("I-23", False, f"rate {rate[1]} beyond {most}")
    if seconds == 0:
        if index[0] != index[1] or rate[0] != rate[1]:
            hold("I-23", False, f"index {index} and rate {rate} without time")
        return False
    # Exact, in fractions: rates times `scale`, the area under them times `parts`.
    slope = max(-scale, min(scale, skew)) * velocity
    start = max(-most, min(most, rate[0])) * scale
    end = max(-most * scale, min(most * scale, start + slope * seconds))
    climb = abs(end - start)
    parts = 2 * scale * (abs(slope) or 1)
    area = (start + end) * climb + 2 * end * (seconds * (abs(slope) or 1) - climb)
    off = abs(rate[1] * scale - end)
    if off > (2 + seconds) * scale:
        hold("I-23", False, f"rate {rate[1]}, in closed form {end / scale}")
    least, room = ((last - index[0]) * parts * RAY for last in (-INDEX_MAX, INDEX_MAX))
    grown, told = index[1] - index[0], max(least, min(room, area * mark))
    slack = (mark * (2 + seconds) * seconds + 2 * RAY) * parts
    if abs(grown * parts * RAY - told) > slack:
        hold("I-23", False, f"index grew {grown}, should {told / (parts * RAY)}")
    return abs(rate[1]) == most


def i_23_pieces(
    once: tuple[int, int], pieces: tuple[int, int], count: int, mark: int, seconds: int
) -> bool:
    """k accruals make what one makes: (index, rate) of both."""
    slack = count + 2
    hold("I-23", abs(once[1] - pieces[1]) <= slack, f"rate {once[1]}, in pieces {pieces[1]}")
    slack += count * up(mark * seconds, RAY) * 2
    hold("I-23", abs(once[0] - pieces[0]) <= slack, f"index {once[0]}, in pieces {pieces[0]}")
    return once == pieces


def i_24_inserted(plain: tuple[int, ...], inserted: tuple[int, ...]) -> bool:
    """An accrual (or a settlement of the same position) before an action changes nothing."""
    places = [i for i, pair in enumerate(zip(plain, inserted, strict=False)) if pair[0] != pair[1]]
    same = plain == inserted
    hold("I-24", same, f"words {places}: {[(plain[i], inserted[i]) for i in places[:3]]}")
    return False


def i_24_at_once(
    results: tuple[Sequence[int], Sequence[int]], words: tuple[tuple[int, ...], tuple[int, ...]]
) -> bool:
    """One call that acts on many does to each what a call of its own does, one after another:
    (together, alone) what was done, 0 for the refused, and the market's words after it."""
    together, alone = results
    hold("I-24", tuple(together) == tuple(alone), f"together {together}, one by one {alone}")
    places = [i for i, pair in enumerate(zip(*words, strict=False)) if pair[0] != pair[1]]
    same = words[0] == words[1]
    hold("I-24", same, f"words {places}: {[(words[0][i], words[1][i]) for i in places[:3]]}")
    return False


def i_24_renamed(plain: tuple[int, ...], renamed: tuple[int, ...]) -> bool:
    """Who acts does not matter: the same moves by other people lead to the same market."""
    hold("I-24", plain == renamed, "the same moves by other people led elsewhere")
    return False


def i_24_mirrored(long: int, short: int, unit: int) -> bool:
    """A round trip costs long what it costs short at the mirrored skew, to a unit a trade."""
    slack = 4 * unit + 8 * WAD // 10**9
    hold("I-24", abs(long - short) <= slack, f"long costs {long}, short {short}")
    return long == short


def i_25_solvent(paid: int, cash: int) -> bool | None:
    """Funding is paid out of cash that is there (token units)."""
    if paid == 0:
        return None
    hold("I-25", paid <= cash, f"{paid} paid of a cash of {cash}")
    return paid == cash


def i_25_credited(was: Pos, index: int, unit: int, paid: int, cash: int) -> bool:
    """The funding that a call settles goes the way the index went since the position's last, is no
    more than that makes in whole token units, and a credit no more than the cash that was there.

    paid: by the trader, negative: to it; cash: of the pool when it was settled (token units).
    """
    owed = was.size * (index - was.entry)
    most = abs(owed) // WAD // unit
    text = f"{paid} paid of {most} (the index went {index - was.entry}): {was}"
    hold("I-25", 0 <= (paid if owed > 0 else -paid) <= most, text)
    hold("I-25", -paid <= cash, f"{-paid} credited of a cash of {cash}")
    return 0 < -paid == cash


def i_25_starved(p: Pos, said: str) -> bool:
    """Who falls below MM by paying funding, at an unchanged mark, is liquidated in that block."""
    hold("I-25", said.startswith("ok"), f"below MM by funding alone, and {said}: {p}")
    return False
