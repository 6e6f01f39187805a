"""The crowd: reproducible, diverse, and whole numbers only."""

from __future__ import annotations

import pytest

from bulkhead.demo.population import MOST_LEVERAGE, Temper, population
from bulkhead.errors import BadInput

ACCOUNTS = [f"0x{place:040x}" for place in range(1, 201)]


def test_population__same_seed__is_the_same_crowd() -> None:
    assert population(7, ACCOUNTS, 500) == population(7, ACCOUNTS, 500)
    assert population(7, ACCOUNTS, 500) != population(8, ACCOUNTS, 500)


@pytest.mark.parametrize("seed", range(5))
def test_population__two_hundred__has_all_kinds(seed: int) -> None:
    crowd = population(seed, ACCOUNTS, 500)
    assert {one.side for one in crowd} == {1, -1}
    assert {one.temper for one in crowd} == set(Temper)
    assert {MOST_LEVERAGE, 2} <= {one.leverage for one in crowd}
    assert {one.by_transfer for one in crowd} == {True, False}
    assert all(0 <= one.opens < 500 and one.leaves >= one.opens for one in crowd)
    assert all(isinstance(one.notional, int) and one.notional >= 2_000 * 10**18 for one in crowd)
    assert [one.account for one in crowd] == ACCOUNTS


def test_population__nobody_or_too_many__is_refused() -> None:
    with pytest.raises(BadInput, match="0 is refused; 1 to 2000"):
        population(7, [], 500)
    with pytest.raises(BadInput, match="2001 is refused; 1 to 2000"):
        population(7, ACCOUNTS * 10 + ACCOUNTS[:1], 500)
