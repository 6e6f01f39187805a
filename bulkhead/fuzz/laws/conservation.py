"""Laws about money that neither appears nor disappears: I-01 to I-07, I-12."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from bulkhead.fuzz.laws.base import WAD, Terms, hold, potential, total, up
from bulkhead.fuzz.probe import Pos


def i_01_vaults(held: Mapping[int, int], expected: Mapping[int, int]) -> bool | None:
    """Every vault holds what the model says."""
    if held == expected:
        return False if held else None
    for id_, amount in held.items():
        hold("I-01", amount == expected[id_], f"vault {id_} holds {amount}, model {expected[id_]}")
    return False


def i_02_conserved(protocol: int, entered: int, left: int) -> bool:
    """What the protocol holds is what entered less what left."""
    hold("I-02", protocol == entered - left, f"{protocol} held of {entered} - {left}")
    return False


def i_03_zero_sum(
    deltas: Mapping[str, int],
    transfers: Iterable[tuple[str, str, int]],
    fees: Sequence[int],
    expected: Sequence[int],
) -> bool:
    """A transaction's balance changes sum to 0 and are its transfers; fees are the model's."""
    moved: dict[str, int] = {}
    for source, to, amount in transfers:
        moved[source] = moved.get(source, 0) - amount
        moved[to] = moved.get(to, 0) + amount
    hold("I-03", sum(deltas.values()) == 0, f"balance changes sum to {sum(deltas.values())}")
    for who in {*moved, *deltas}:
        found, told = deltas.get(who, 0), moved.get(who, 0)
        hold("I-03", found == told, f"{who} changed by {found}, transfers say {told}")
    hold("I-03", all(fee >= 0 for fee in fees), f"negative fees: {list(fees)}")
    hold("I-03", list(fees) == list(expected), f"fees {list(fees)}, the model's {list(expected)}")
    return False


def i_04_nav(
    nav: int, cash: int, unfunded: int, positions: Collection[Pos], t: Terms, psi: int
) -> bool:
    """NAV = cash - claims - open tickets - rebate of the skew - funding in waiting: never above,
    below by at most one wei for each position and term."""
    claims = total(positions, t)
    rebate = up(t.mark * potential(t.skew, t), WAD)
    exact = (cash - unfunded) * t.unit - claims - rebate - psi
    slack = len(positions) + 2
    if not exact - slack <= nav <= exact:
        hold("I-04", False, f"NAV {nav}, over all positions {exact}")
    return nav == exact


def i_05_sums(sums: Sequence[int], positions: Collection[Pos]) -> bool:
    """sizeLong, sizeShort, basisLong, basisShort are the positions'."""
    long = short = basis_long = basis_short = 0
    for p in positions:
        if p.size >= 0:
            long += p.size
            basis_long += p.basis
        else:
            short -= p.size
            basis_short += p.basis
    found = (long, short, basis_long, basis_short)
    if tuple(sums) != found:
        hold("I-05", False, f"sums {tuple(sums)}, positions {found}")
    return False


def i_06_claims(sums: Sequence[int], positions: Collection[Pos], t: Terms) -> bool:
    """The claim from the sums is the positions' within one wei for each, never below."""
    long, short, basis_long, basis_short = sums
    together = up((long - short) * (t.mark - t.index), WAD) - basis_long - basis_short
    each = total(positions, t)
    slack = len(positions) + 1
    if not each <= together <= each + slack:
        hold("I-06", False, f"claim of the sums {together}, of positions {each}")
    return together == each


def i_07_caps(side: int, skew: int, nav: int, most: int, share: int, max_skew: int) -> bool:
    """After risk was added: the side's notional (Wad) is within its caps, the skew within its."""
    limit = min(most, share * max(0, nav) // WAD)
    hold("I-07", side <= limit, f"side of {side} above {limit} at a NAV of {nav}")
    hold("I-07", abs(skew) <= max_skew, f"skew {skew} beyond {max_skew}")
    return limit - side <= 1 or max_skew - abs(skew) <= 1


def i_07_reserve(cash: int, nav: int, claims: int, both: int, factor: int, target: int) -> bool:
    """After liquidity left: cash covers claims / adlTarget, NAV the reserve (all Wad)."""
    need = up(max(0, claims) * WAD, target)
    hold("I-07", cash >= need, f"cash {cash} does not cover claims {claims} at {target}")
    reserve = up(factor * both, WAD)
    hold("I-07", nav >= reserve, f"NAV {nav} is under the reserve {reserve}")
    return cash - need <= 1 or nav - reserve <= 1


def i_07_backed(tokens: int, accounted: int, undrawn: int) -> bool:
    """The pool holds what it owes: cash, fees, requests, redemptions, funded tickets."""
    owed = accounted + undrawn
    hold("I-07", tokens >= owed, f"the pool holds {tokens}, accounts for {owed}")
    return tokens == owed


def i_07_swept(
    cash: tuple[int, int], nav: tuple[int, int], due: tuple[int, int], pool: tuple[int, int]
) -> bool:
    """A sweep pays the waiting shares of fees out of the pool and takes nothing else: (before,
    after) cash, NAV, what waits, and the pool's tokens."""
    hold("I-07", cash[0] == cash[1], f"a sweep moved the cash from {cash[0]} to {cash[1]}")
    hold("I-07", nav[0] == nav[1], f"a sweep moved NAV from {nav[0]} to {nav[1]}")
    left, swept = pool[0] - pool[1], due[0] - due[1]
    hold("I-07", left == swept, f"{left} left the pool, {swept} of the waiting shares were swept")
    return due[1] == 0


def i_12_confined(
    amount: int,
    insured: int,
    borne: int,
    fund: tuple[int, int],
    due: tuple[int, int],
    credited: int,
    others: Iterable[tuple[int, Pos, Pos]],
) -> bool:
    """Bad debt is paid by insurance, then the pool, by nobody else. (before, after) pairs.

    insured, borne: from insurance and pool; credited: this action's own insurance share.
    """
    hold("I-12", insured + borne == amount, f"{insured} + {borne} paid of {amount}")
    spent = fund[0] - fund[1] + due[0] + credited - due[1]
    hold("I-12", spent == insured, f"insurance spent {spent}, said {insured}")
    have = fund[0] + due[0] + credited
    hold("I-12", insured == min(amount, have), f"insurance of {have} paid {insured} of {amount}")
    for id_, was, now in others:
        hold("I-12", was.margin == now.margin, f"vault {id_}: {was.margin} to {now.margin}")
    return borne in (0, 1)
