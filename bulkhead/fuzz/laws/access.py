"""Laws about prices, roles, vaults and pauses: I-34, I-40 to I-42, I-44, I-45."""

from __future__ import annotations

from collections.abc import Sequence

from bulkhead.fuzz.laws.base import Terms, hold, surplus
from bulkhead.fuzz.probe import Pos

_ORACLE = ("Price", "SequencerDown", "QuorumNotMet", "Refused(25,", "Refused(26,", "Refused(27,")
PRICED = (
    *("open", "increase", "decrease", "close", "close_and_withdraw"),
    *("liquidate", "liquidate_many", "deleverage", "execute_order", "release_due"),
)
UNPRICED = (
    "add_margin",
    "request_deposit",
    "request_redeem",
    "set_delegate",
    "set_lock",
    "reserve",
    *("place_order", "place_signed", "edit_order", "cancel_order", "cancel_signed"),
    *("release_order", "claim_refund"),
)


def i_34_invalid(name: str, held: bool, said: str) -> bool | None:
    """Without a valid mark nothing that needs one is done; what needs none is never refused for it.

    held: whether this block has its mark already.
    """
    if name in UNPRICED:
        hold("I-34", not said.startswith(_ORACLE), f"{name} is refused for its price: {said}")
        return False
    if held or name not in PRICED:
        return None
    hold("I-34", not said.startswith("ok"), f"{name} without a valid mark")
    return False


def i_34_pool(waits: bool, held: bool, priced: bool) -> bool | None:
    """Without a valid mark nothing that waits in the pool is priced. held: whether this block has
    its mark already."""
    if held or not waits:
        return None
    hold("I-34", not priced, "deposits or redemptions were priced without a valid mark")
    return False


def i_34_reading(said: str, expected: str, scene: str) -> bool:
    """An adapter takes of its source what it should and gives a market what that allows, or the
    refusal that it asks for."""
    hold("I-34", said == expected, f"{scene}: {said}, expected {expected}")
    return False


def i_34_setting(what: str, said: str, expected: str) -> bool:
    """An adapter has the settings it was given, and none that could make a false price a valid
    one."""
    hold("I-34", said == expected, f"{what}: {said}, expected {expected}")
    return expected != "ok" and expected == said


def i_40_role(function: str, role: str, allowed: bool, said: str) -> bool:
    """Only its role calls a function."""
    barred = said.startswith(("AccessManaged", "NotMarket", "NotPool", "NotSelf", "OwnableUnauth"))
    hold("I-40", allowed != barred, f"{function} as {role}: {said}")
    return False


def i_41_vault(before: int, after: int, done: bool, who: str) -> bool:
    """Calldata of any kind, from anybody, moves nothing out of a vault."""
    hold("I-41", after >= before, f"a call by {who} took {before - after} from a vault")
    hold("I-41", not done, f"a vault did as {who} said")
    return False


def i_41_kept(before: Sequence[int], after: Sequence[int], who: str) -> bool:
    """What vault, pool and fund hold, before and after calls of somebody who may move nothing."""
    lost = [was - now for was, now in zip(before, after, strict=True)]
    hold("I-41", max(lost) <= 0, f"calls by {who} took {lost} from vault, pool and fund")
    return False


def i_41_reward(amount: int, most: int, said: str) -> bool:
    """A vault pays no reward above its maximum, even where its market asks."""
    refused = f"RewardTooLarge{(amount, most)}"
    hold("I-41", said == refused, f"a reward of {amount}, {most} at most: {said}")
    return amount == most + 1


def i_41_most(found: int, cap: int, unit: int) -> bool:
    """A vault's maximum is the reward cap (Wad) that its market was listed with, in token units
    (of `unit` Wad), down."""
    hold("I-41", found == cap // unit, f"rewards of up to {found}, listed {cap} Wad at {unit}")
    return cap % unit in (0, 1, unit - 1)


def i_41_made(what: str, found: object, expected: object) -> bool:
    """Addresses and code depend on what they should, and on nothing else."""
    hold("I-41", found == expected, f"{what}: {found}, expected {expected}")
    return False


def i_41_router(kept: int, others: int, paid: int, stated: int) -> bool:
    """The router keeps nothing; of those whom it does not act for nobody has less, and its caller
    not more than stated. Changes of token units; others: the least."""
    hold("I-41", kept == 0, f"the router holds {kept} more than before")
    hold("I-41", others >= 0, f"the router took {-others} from somebody else")
    hold("I-41", paid <= stated, f"the router took {paid} from its caller, who stated {stated}")
    return paid == stated


def i_41_obeyed(said: str, what: str) -> bool:
    """The router does nothing that is not one of its functions, or not by the caller meant."""
    hold("I-41", said != "ok", f"the router did as {what} said")
    return False


def i_42_acceptance(
    mark: tuple[int, int],
    published: tuple[int, int],
    accepted: tuple[int, int],
    oracle: tuple[int, int] | None,
    now: int,
    liquidating: bool,
) -> bool:
    """The mark is the oracle's, published no earlier than the one before; one for a block, a second
    one, strictly newer, only by a liquidation. (before, after); oracle: (mark, published), None: it
    fails."""
    if published[1] == published[0] and accepted[1] == accepted[0]:
        if mark[0] != mark[1]:
            hold("I-42", False, f"mark {mark[0]} to {mark[1]} without an acceptance")
        return False
    if accepted[1] != now:
        hold("I-42", False, f"accepted at {accepted[1]}, now {now}")
    hold("I-42", oracle is not None, "accepted from a failing oracle")
    if (mark[1], published[1]) != oracle:
        hold("I-42", False, f"took {mark[1], published[1]} of {oracle}")
    if published[1] < published[0]:
        hold("I-42", False, f"published {published[0]} to {published[1]}")
    if accepted[0] == accepted[1]:
        hold("I-42", liquidating, "a second mark in one block without a liquidation")
        hold("I-42", published[1] > published[0], f"renewed by {published[1]}: not newer")
    return published[0] == published[1]


def i_44_exits(name: str, said: str) -> bool:
    """Where liquidation is possible, so are adding margin and closing."""
    hold("I-44", said == "ok", f"liquidation was possible, {name} was not: {said}")
    return False


def i_44_step(p: Pos, before: Terms, after: Terms) -> bool | None:
    """A change of parameters makes nobody liquidatable at once."""
    if p.size == 0 or (had := surplus(p, before)) < 0:
        return None
    has = surplus(p, after)
    hold("I-44", has >= 0, f"{had} above MM, {has} after a change of parameters: {p}")
    return 0 <= has <= after.unit


def i_45_shortfall(name: str, said: str) -> bool:
    """A token that delivers less than was asked is refused where it shows."""
    hold("I-45", said.startswith("WrongAmountReceived"), f"{name} took a short payment: {said}")
    return False


def i_45_reentry(paid: bool, worked: bool) -> bool | None:
    """A token that calls back in the middle of a payment gets nothing done. paid: whether the
    action moved tokens at all."""
    if not paid:
        return None
    hold("I-45", not worked, "a call from the middle of a payment was obeyed")
    return False


def i_45_inside(what: str, said: str, expected: str) -> bool:
    """A call from the middle of an action is barred, or answered, as it must be: whole, or by the
    head of what is said; `!` before it: anything else."""
    wrong, head = expected.startswith("!"), expected.removeprefix("!")
    whole = head.startswith("ok ") or head.endswith(")")
    same = said == head if whole else said.startswith(head)
    hold("I-45", same != wrong, f"{what}: {said}, expected {expected}")
    return not said.startswith("ok")


def i_45_others(
    name: str, before: dict[int, int], after: dict[int, int], touched: int
) -> bool | None:
    """A token that charges a fee on an exit costs nobody else's vault anything."""
    others = before.keys() - {touched}
    for id_ in others:
        hold("I-45", after[id_] == before[id_], f"{name} of {touched} took from vault {id_}")
    return False if others else None
