"""Laws about liquidation, bad debt and deleveraging: I-26 to I-33, I-35."""

from __future__ import annotations

from collections.abc import Sequence

from bulkhead.fuzz.laws.base import (
    WAD,
    Terms,
    claim,
    equity,
    hold,
    maintenance,
    notional,
    potential,
    target,
    trading_cost,
    up,
)
from bulkhead.fuzz.probe import Pos

# Gas of a transaction, whatever the state: a new mark, waiting deposits and redemptions priced
# while others take their place, tickets written, a vault deployed. 15 % above 322,935, 297,998,
# 312,778 and 401,543, the most that tests/anchored/test_exit_gas.py could make of it; 696 random
# sequences used less ("worst_gas" of `bulkhead fuzz --engine anvil --seed 12 --json`).
# docs/gas.md has what is typical.
GAS = {
    "liquidate": 371_000,
    "close": 343_000,
    "close_and_withdraw": 360_000,
    "execute_order": 462_000,
}


SOLVER_LIMIT = 2**112  # notional above which all is closed (Wad)


def due(p: Pos, t: Terms, in_grace: bool) -> bool:
    """Whether a third party may liquidate."""
    price = t.price(p.size)
    have = equity(p, t, price)
    return p.size != 0 and have < maintenance(p.size, price, t) and (not in_grace or have <= 0)


def i_26_iff(p: Pos, t: Terms, in_grace: bool, liquidated: bool) -> bool:
    """Liquidated iff equity < MM, and in grace only at equity <= 0."""
    price = t.price(p.size)
    have, need = equity(p, t, price), maintenance(p.size, price, t)
    text = f"equity {have}, MM {need}, grace {in_grace}, liquidated {liquidated}: {p}"
    hold("I-26", due(p, t, in_grace) == liquidated, text)
    return abs(have - need) <= t.unit or (in_grace and abs(have) <= t.unit)


def i_27_unblockable(p: Pos, t: Terms, in_grace: bool, liquidated: bool, owner: str) -> bool | None:
    """No owner, whatever it is or does, keeps a liquidation that is due from happening."""
    if not due(p, t, in_grace):
        return None
    hold("I-27", liquidated, f"{owner} escapes: {p}")
    return False


def i_28_partial(before: Pos, after: Pos, t: Terms) -> bool | None:
    """After a liquidation: flat, or smaller, safer, at the target and not too small."""
    if after.size == 0:
        return None
    hold("I-28", before.size * after.size > 0, f"flipped {before.size} to {after.size}")
    hold("I-28", abs(after.size) < abs(before.size), f"size {before.size} to {after.size}")
    price = t.price(before.size)
    had, has = equity(before, t, price), equity(after, t, price)
    n, rest = notional(before.size, price), notional(after.size, price)
    hold("I-28", has * n > had * rest, f"ratio {had}/{n} to {has}/{rest}")
    goal = target(after.size, price, t)
    hold("I-28", has >= goal, f"equity {has} is under the target {goal}")
    hold("I-28", rest >= t.min_notional, f"the rest {rest} is under {t.min_notional}")
    return has - goal <= t.unit or rest == t.min_notional


def unwinding(size: int, t: Terms) -> int:
    """What taking the whole position out adds to the potential, never less than 0."""
    return max(0, potential(t.skew - size, t) - potential(t.skew, t))


def i_29_minimal(before: Pos, after: Pos, t: Terms, reward: int) -> bool | None:
    """A partial liquidation closes no more than the target asks for: what is left above it is
    worth at most eight token units (four of the solver's, four of rounding) and one size unit,
    and what an empty vault could not pay of the reward. `reward` was paid (token units)."""
    if after.size == 0:
        return None
    price = t.price(before.size)
    closed = abs(before.size) - abs(after.size)
    over = equity(after, t, price) - target(after.size, price, t)
    gain = up(maintenance(before.size, price, t) * (WAD + t.buffer), WAD)
    slack = 8 * t.unit + up(gain, max(1, abs(before.size))) + up(price, WAD) + 8
    if after.margin == 0:
        due = max(min(t.keeper_rate * notional(closed, price) // WAD, t.reward_cap), t.reward_floor)
        slack += due - reward * t.unit
    hold("I-29", closed == 1 or over <= slack, f"closed {closed}, {over} above the target")
    return over <= t.unit


def i_29_full(before: Pos, t: Terms) -> bool | None:
    """All of a position that is not deep under is closed only where no part reaches the target.

    What a part leaves above the target is linear in the rest between the edges of the brackets and
    of the reward's floor and cap: if the most it leaves is anywhere, it is at one of them.
    """
    price, whole = t.price(before.size), abs(before.size)
    have, n = equity(before, t, price), notional(before.size, price)
    deep = up(t.deep_ratio * maintenance(before.size, price, t), WAD)
    if have < deep or n > SOLVER_LIMIT:
        return None
    rate = t.insurance_rate + t.spread + t.taker_fee + up(unwinding(before.size, t) * WAD, whole)
    edges = [t.min_notional, *(row[0] + more for row in t.table for more in (0, 1)), n]
    if t.keeper_rate:
        edges += [n - bound * WAD // t.keeper_rate for bound in (t.reward_floor, t.reward_cap)]
    for edge in edges:
        for rest in (edge * WAD // price, up(edge * WAD, price), whole - 1):
            kept = notional(rest, price)
            if not 0 < rest < whole or kept < t.min_notional:
                continue
            closed = notional(whole - rest, price)
            reward = max(min(t.keeper_rate * closed // WAD, t.reward_cap), t.reward_floor)
            over = have - reward - up(rate * closed, WAD) - target(rest, price, t)
            hold("I-29", over < 16 * t.unit, f"all closed; {rest} left would be {over} above")
    return have - deep <= t.unit


def second_order(delta: int, size: int, t: Terms) -> int:
    """What a liquidation forgets: costs on costs (Wad).

    A trade pays its fee on a price that has spread and impact in it; a liquidation adds the rates
    and takes them of the notional at the favourable price. With half spread h, impact i and fee f
    that is short by 2h^2 + 2hf + if + ih of the notional. Two token units, and two size units of
    the potential, whose ends a trade rounds, are nobody's profit.
    """
    h = up(t.half * WAD, t.mark)
    i, f = up(unwinding(size, t) * WAD, abs(size)), t.taker_fee
    rate = up(2 * h * h + 2 * h * f + i * f + i * h, WAD)
    return up(rate * up(abs(delta) * t.mark, WAD), WAD) + 2 * t.unit + 2 * up(t.mark, WAD)


def i_30_no_profit(
    before: Pos, after: Pos, t: Terms, reward: int, ticket: int, inflow: int
) -> bool:
    """Owner and liquidator together get no more than by trading out at the mark.

    reward, ticket and inflow (pool to vault) in token units.
    """
    full = after.size == 0
    worth = (reward + ticket + after.margin) * t.unit
    worth += claim(after.size, after.basis, t.mark, t.index)  # flat: what a refusing token kept
    delta = after.size - before.size
    alone = equity(before, t, t.mark) - trading_cost(delta, t)
    allowed = max(0, alone) + t.reward_floor if full else alone
    allowed += second_order(delta, before.size, t)
    hold("I-30", worth <= allowed, f"got {worth}, trading out gives {allowed}: {before}")
    hold("I-30", reward * t.unit <= t.reward_cap, f"reward {reward} above the cap")
    held = before.margin + inflow
    hold("I-30", reward <= held, f"reward {reward} of a vault of {held}")
    return reward == held or reward == t.reward_cap // t.unit


def i_31_again(said: str) -> bool:
    """A second liquidation at the same mark is refused: the position is healthy, or flat."""
    refused = said.startswith(("Refused(18,", "Refused(4,"))
    hold("I-31", refused, f"liquidated again at the same mark: {said}")
    return False


def i_32_waterfall(before: Pos, t: Terms, reward: int, deficit: int) -> bool:
    """Bad debt of a full liquidation = max(0, reward - equity), in token units up."""
    price = t.price(before.size)
    exact = reward * t.unit - equity(before, t, price)
    most = max(0, up(exact, t.unit))
    found = deficit
    hold("I-32", max(0, most - 1) <= found <= most + 1, f"bad debt {found}, reward - equity {most}")
    return abs(exact) <= t.unit


def i_32_written_off(was: Pos, unit: int, deficit: int) -> bool | None:
    """Bad debt of a settlement is what a flat position's vault no longer has of what it owes, in
    token units, up; an open one's makes none."""
    lost = 0 if was.size else max(0, up(was.basis, unit) - was.margin)
    hold("I-32", deficit == lost, f"bad debt {deficit}, the vault lacks {lost}: {was}")
    return lost == 1 if lost else None


def i_32_flat(id_: int, p: Pos, refusing: bool, unit: int, gone: int = 0) -> bool | None:
    """No flat position owes anything, but for what a refusing token kept in its vault. gone: token
    units that were destroyed there, until it is settled."""
    if p.size:
        return None
    if p.basis <= 0:
        return False
    hold("I-32", refusing, f"flat position {id_} owes {p.basis}")
    backed = (p.margin + gone) * unit
    hold("I-32", p.basis <= backed, f"flat position {id_} owes {p.basis}, its vault backs {backed}")
    return False


def i_33_gas(name: str, gas: int, call_gas: int) -> bool:
    """Exits cost at most a fixed amount of gas, plus what an owner's margin call was given."""
    limit = GAS[name] + call_gas
    hold("I-33", gas <= limit, f"{name} used {gas} gas of {limit}")
    return False


def i_35_adl(
    was: Pos,
    now: Pos,
    t: Terms,
    claims: tuple[int, int],
    cash: tuple[int, int],
    start: int,
    goal: int,
) -> bool:
    """Deleveraging: only above adlStart, a winner, its margin untouched; the factor never rises
    and from below 1 never passes adlTarget. (before, after) net claims and cash (Wad)."""
    hold("I-35", claims[0] * WAD > start * cash[0], f"claims {claims[0]} of cash {cash[0]}")
    hold("I-35", claim(was.size, was.basis, t.mark, t.index) > 0, f"no winner: {was}")
    hold("I-35", now.margin >= was.margin, f"margin {was.margin} to {now.margin}")
    hold("I-35", abs(now.size) < abs(was.size), f"size {was.size} to {now.size}")
    if claims[0] < cash[0]:
        slack = 4 * t.unit * WAD
        fell = claims[1] * cash[0] <= claims[0] * cash[1] + 2 * t.unit * max(1, cash[0])
        hold("I-35", fell, f"factor {claims[0]}/{cash[0]} rose to {claims[1]}/{cash[1]}")
        passed = claims[1] * WAD + slack >= goal * cash[1]
        hold("I-35", passed, f"factor {claims[1]}/{cash[1]} passed the target {goal}")
    return cash[0] * start == claims[0] * WAD


def i_35_bystanders(before: Sequence[int], after: Sequence[int]) -> bool:
    """Deleveraging takes nothing of anybody's wallet, shares or claims on the pool."""
    lost = [was - now for was, now in zip(before, after, strict=True)]
    hold("I-35", max(lost) <= 0, f"deleveraging took {lost} from wallets, shares and claims")
    return False


def i_35_fair(was: Pos, side: tuple[int, int], t: Terms) -> bool:
    """Nobody is deleveraged whose claim per notional is below its side's. side: size and basis of
    all of it, the size with its sign."""
    mine = claim(was.size, was.basis, t.mark, t.index)
    all_ = claim(*side, t.mark, t.index)
    one, other = mine * notional(side[0], t.mark), all_ * notional(was.size, t.mark)
    hold("I-35", one >= other, f"claim {mine} is under its side's average of {all_}: {was}")
    return one == other


def i_35_reached(
    was: Pos, now: Pos, t: Terms, claims: tuple[int, int], cash: tuple[int, int], goal: int
) -> bool | None:
    """Deleveraging ends at adlTarget, but where the position or the skew it leans to is used up;
    at a factor of 1 or more all of it goes. (before, after) net claims and cash (Wad)."""
    if now.size == 0:
        return None
    hold("I-35", claims[0] < cash[0], f"{now.size} of {was.size} left at a factor above 1")
    closed = abs(was.size) - abs(now.size)
    if closed == abs(t.skew):
        return True
    one = up(abs(claim(was.size, was.basis, t.mark, t.index)), abs(was.size))
    over = claims[1] * WAD - goal * cash[1]
    slack = (2 * t.unit + one + 4) * WAD
    hold("I-35", over <= slack, f"factor {claims[1]}/{cash[1]} is above the target {goal}")
    return over <= WAD
