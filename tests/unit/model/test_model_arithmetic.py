"""The twin's arithmetic against exact rationals and high precision."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.model.wad import WAD, ceil_div, clamp, exp_wad, ln_wad, sqrt_up, trunc_div

WIDE = st.integers(-(2**255), 2**255)
NONZERO = WIDE.filter(bool)


@given(a=WIDE, b=NONZERO)
def test_division__any_signs__rounds_as_named(a: int, b: int) -> None:
    exact = Fraction(a, b)
    assert ceil_div(a, b) == ceil(exact)
    assert a // b == floor(exact)
    assert trunc_div(a, b) == trunc(exact)


@given(x=st.integers(0, 2**512))
def test_sqrt_up__any__is_the_least_root(x: int) -> None:
    root = sqrt_up(x)
    assert root * root >= x
    assert root == 0 or (root - 1) ** 2 < x


@given(x=WIDE, low=WIDE, width=st.integers(0, 2**255))
def test_clamp__any__lies_between(x: int, low: int, width: int) -> None:
    assert low <= clamp(x, low, low + width) <= low + width


@given(x=st.integers(1, 2**96 - 1) | st.integers(WAD // 2, 2 * WAD))
def test_ln__any_mark__is_within_two_wei(x: int) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(x) / WAD).ln() * WAD
        assert abs(exact - ln_wad(x)) < 2


@given(x=st.integers(-45 * WAD, 130 * WAD) | st.integers(-WAD, WAD))
def test_exp__any__is_within_1e_minus_18_or_two_wei(x: int) -> None:
    with localcontext() as context:
        context.prec = 90
        exact = (Decimal(x) / WAD).exp() * WAD
        assert abs(exact - exp_wad(x)) < max(Decimal(2), exact / 10**18)


@given(x=st.integers(1, 2**96 - 2))
def test_ln__one_wei_more__never_falls(x: int) -> None:
    assert ln_wad(x + 1) >= ln_wad(x)


@pytest.mark.parametrize(("x", "value"), [(WAD, 0), (1, -41446531673892822313)])
def test_ln__known_points__are_exact(x: int, value: int) -> None:
    assert ln_wad(x) == value


@pytest.mark.parametrize(("x", "value"), [(0, WAD), (-41446531673892822313, 0), (-(2**255), 0)])
def test_exp__known_points__are_exact(x: int, value: int) -> None:
    assert exp_wad(x) == value


@pytest.mark.parametrize("x", [0, -1, 1 << 255])
def test_ln__outside_its_domain__raises(x: int) -> None:
    with pytest.raises(ValueError, match="ln of"):
        ln_wad(x)


def test_exp__too_large__raises() -> None:
    with pytest.raises(OverflowError):
        exp_wad(135305999368893231589)
