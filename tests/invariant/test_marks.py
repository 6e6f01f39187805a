"""The mark at which a position's equity turns is found exactly."""

from __future__ import annotations

import random

import pytest

from bulkhead.fuzz.laws.base import WAD, equity, maintenance
from bulkhead.fuzz.moves.prices import last_held, turning_mark
from bulkhead.fuzz.probe import Pos

from .terms import ILL, TERMS


@pytest.mark.parametrize("sign", [1, -1])
def test_equity_reaches_mm_at_the_mark_and_not_a_tick_past_it(sign: int) -> None:
    dice = random.Random(sign)
    for _ in range(300):
        size = sign * dice.randint(1, 10 ** dice.randint(17, 22))
        margin = abs(size) * dice.randint(20, 900) // 10**12
        p = Pos(size, size * dice.randint(1_000, 3_000), 0, margin)
        t = TERMS._replace(spread=dice.choice((0, WAD // 1_000)), ramp=dice.randint(WAD, 3 * WAD))
        edge = turning_mark(p, t)
        for mark, well in ((edge, True), (edge - sign, False)):
            if 1 < edge < 2**96:
                at = t._replace(mark=mark)
                price = at.price(size)
                assert (equity(p, at, price) >= maintenance(size, price, at)) == well


def test_a_value_with_corners_is_found_like_a_line() -> None:
    for root in (1, 2, 7, 10**9, 2**90 + 5, 2**96):
        for rising in (True, False):
            sign = 1 if rising else -1

            def steep(mark: int, root: int = root, sign: int = sign) -> int:
                return sign * (mark - root) * (1 if mark > root else 10**9)

            assert last_held(steep, 2_000 * WAD, rising) == root
            assert last_held(lambda m, f=steep: max(-1, min(1, f(m))), 5, rising) == root


def test_deep_share_and_target_lie_on_either_side_of_mm() -> None:
    bankrupt, deep, ill, target = (turning_mark(ILL, TERMS, which) for which in (1, 2, 0, 3))
    assert bankrupt < deep < ill < target
