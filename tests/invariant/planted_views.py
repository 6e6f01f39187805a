"""The laws of views and of the pool's providers: a state in which each holds, and violations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from bulkhead.fuzz.laws import access, differential, pool
from bulkhead.fuzz.probe import Pos

from .terms import ILL, OTHER, TERMS, WELL

LP = "0x" + "1" * 40
EXCEEDED = f"ERC4626ExceededMaxDeposit{(LP, 6, 5)}"
DUE = 2_000_000_000_102_564_102_564  # the mark at which ILL's equity is its MM
Law = Callable[[], Any]


def limit(at: str, above: str, pays: int = 1) -> Law:
    """A limit of 5."""
    return lambda: pool.i_37_limit("deposit", LP, 5, (at, above), pays)


def preview(**done: Any) -> Law:
    """A preview of a fee of 5."""
    return lambda: differential.i_50_preview("previewOpen", {"fee": 5, "outcome": "ok"}, done)


def priced(p: Pos, price: int) -> Law:
    """A liquidation price."""
    return lambda: differential.i_50_liquidation_price(p, TERMS, price)


HOLDING: dict[str, Law] = {
    "I-37 limit": limit("ok 7", EXCEEDED),
    "I-37 limit that gives nothing": limit("AmountTooSmall(5, 6)", EXCEEDED, 0),
    "I-37 exact": lambda: pool.i_37_exact("tokens", 5, Fraction(17, 3)),
    "I-37 exact, two units less": lambda: pool.i_37_exact("tokens", 5, Fraction(7)),
    "I-37 newcomer": lambda: pool.i_37_newcomer(10_001, 10_000),
    "I-39 foreknown": lambda: pool.i_39_foreknown(100, 102, 2),
    "I-41 kept": lambda: access.i_41_kept((5, 6, 7), (5, 8, 7), "its pool"),
    "I-41 reward": lambda: access.i_41_reward(6, 5, "RewardTooLarge(6, 5)"),
    "I-41 most": lambda: access.i_41_most(5, 5_999, 1_000),
    "I-41 made": lambda: access.i_41_made("vault", LP, LP),
    "I-41 router": lambda: access.i_41_router(0, 0, 5, 5),
    "I-41 router, any calldata": lambda: access.i_41_obeyed("NotOwner(1, 2)", "calldata"),
    "I-49 priced": lambda: pool.i_49_priced("deposits", 0, 2**256 - 1),
    "I-49 waiting for what is used": lambda: pool.i_49_priced("redemptions", 9, 2),
    "I-50 preview": preview(fee=5, outcome="ok"),
    "I-50 liquidation price": priced(ILL, DUE),
    "I-50 no liquidation price": priced(OTHER._replace(size=3, basis=0, margin=10**30), 0),
}
PLANTED: dict[str, Law] = {
    "I-37 limit, more is paid": limit("ok 7", "ok 8"),
    "I-37 limit, another is named": limit("ok 7", EXCEEDED.replace("5", "4")),
    "I-37 limit, refused": limit("AmountTooSmall(5, 6)", EXCEEDED),
    "I-37 limit, nothing is paid": limit("ok 0", EXCEEDED, 0),
    "I-37 exact, a profit": lambda: pool.i_37_exact("tokens", 6, Fraction(17, 3)),
    "I-37 exact, a loss": lambda: pool.i_37_exact("tokens", 4, Fraction(19, 3)),
    "I-37 newcomer, robbed": lambda: pool.i_37_newcomer(10_000, 9_999),
    "I-37 newcomer, robbed beside a hole": lambda: pool.i_37_newcomer(10_000, 9_899, 100),
    "I-39 foreknown, a gain": lambda: pool.i_39_foreknown(100, 103, 2),
    "I-49 a deposit waits": lambda: pool.i_49_priced("deposits", 1, 2**256 - 1),
    "I-49 a redemption waits beside free cash": lambda: pool.i_49_priced("redemptions", 9, 3),
    "I-41 vault, taken": lambda: access.i_41_kept((5, 6, 7), (4, 7, 7), "its pool"),
    "I-41 pool, taken": lambda: access.i_41_kept((5, 6, 7), (5, 5, 7), "a user"),
    "I-41 fund, taken": lambda: access.i_41_kept((5, 6, 7), (5, 6, 0), "its factory"),
    "I-41 most, in Wad": lambda: access.i_41_most(5_999, 5_999, 1_000),
    "I-41 most, up": lambda: access.i_41_most(6, 5_999, 1_000),
    "I-41 made elsewhere": lambda: access.i_41_made("vault", LP, "0x" + "2" * 40),
    "I-41 router, kept": lambda: access.i_41_router(1, 0, 5, 5),
    "I-41 router, another's": lambda: access.i_41_router(0, -1, 5, 5),
    "I-41 router, too much": lambda: access.i_41_router(0, 0, 6, 5),
    "I-41 router, any calldata": lambda: access.i_41_obeyed("ok", "calldata"),
    "I-41 reward, paid": lambda: access.i_41_reward(6, 5, "ok"),
    "I-41 reward, refused for another reason": lambda: access.i_41_reward(6, 5, "NotMarket(1,)"),
    "I-50 preview of another fee": preview(fee=6),
    "I-50 preview of another outcome": preview(outcome="Refused(16, 1, 2)"),
    "I-50 liquidation price too low": priced(ILL, DUE - 2 * 10**6),
    "I-50 liquidation price too high": priced(ILL, DUE + 2 * 10**6),
    "I-50 liquidation price of a short": priced(OTHER, 10**21),
    "I-50 liquidation price left out": priced(WELL, 0),
}
