"""Laws about walls between positions and markets: I-10, I-11, I-13, I-14."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bulkhead.fuzz.laws.base import WAD, Terms, equity, hold, initial, maintenance
from bulkhead.fuzz.probe import Pos


def i_10_locality(
    before: Mapping[int, Pos], after: Mapping[int, Pos], touched: Collection[int]
) -> bool | None:
    """Nobody else's position or vault changes."""
    for id_, p in before.items():
        now = after[id_]
        if now is not p and now != p and id_ not in touched:
            hold("I-10", False, f"position {id_} was {p}, is {now}")
    return None if _everybody(before, touched) else False


def _everybody(there: Mapping[int, Pos], among: Collection[int]) -> bool:
    """Whether nobody is there but these."""
    return len(there) <= len(among) and there.keys() <= set(among)


def i_10_received(id_: int, was: Pos, now: Pos, paid: int) -> bool:
    """A vault that is paid by another's action has exactly that more (token units), and its
    position is what it was."""
    due = was if paid == 0 else was._replace(margin=was.margin + paid)
    if now != due:
        hold("I-10", False, f"position {id_} was {was} and was paid {paid}, is {now}")
    return False


def i_11_interference(
    before: Mapping[int, Pos],
    after: Mapping[int, Pos],
    was: Terms,
    now: Terms,
    acted: Collection[int],
) -> bool | None:
    """In a block whose mark stays, nobody else's equity moves: neither mark nor index does."""
    if (was.mark, was.index) != (now.mark, now.index):
        moved = f"mark {was.mark} to {now.mark}, index {was.index} to {now.index}"
        hold("I-11", False, f"{moved} in one block")
    for id_, p in before.items():
        if id_ not in acted and after[id_] is not p:
            had, has = equity(p, was, was.mark), equity(after[id_], now, now.mark)
            if had != has:
                hold("I-11", False, f"equity of {id_}: {had} to {has} by another's action")
    return None if _everybody(before, acted) else False


def i_13_markets(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """An action in one market changes nothing that can be seen of another."""
    places = [
        place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]
    ]
    changed = f"words {places} changed" if places else f"{len(before)} words, now {len(after)}"
    hold("I-13", before == after, changed)
    return False


def i_14_health(was: Pos, now: Pos, t: Terms) -> bool | None:
    """Healthy before an action at its mark, healthy after it."""
    if was.size == 0 or now.size == 0:
        return None
    price = t.price(now.size)
    had = equity(was, t, price) - maintenance(was.size, price, t)
    if had < 0:
        return None
    has = equity(now, t, price) - maintenance(now.size, price, t)
    if has < 0:
        hold("I-14", False, f"{had} above MM before, {has} after: {was} to {now}")
    return has <= t.unit


def i_14_margin(now: Pos, locks: int, t: Terms, multiplier: int) -> bool:
    """After adding risk: min(margin less locks, equity) >= IM at the mark.

    locks: what a removal must leave free, token units; a trade may use it. multiplier: a lower
    bound of the requirement's, from ramp and depth (Wad).
    """
    need = initial(now.size, t.mark, t, max(WAD, multiplier))
    have = min(max(0, now.margin - locks) * t.unit, equity(now, t, t.mark))
    if have < need:
        hold("I-14", False, f"min(margin, equity) {have} is under IM {need}: {now}")
    return have - need <= t.unit
