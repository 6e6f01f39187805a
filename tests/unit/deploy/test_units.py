"""Quantities as people write them become exact integers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.deploy import units


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.ratio, "5 bp", 5 * 10**14),
        (units.ratio, "0.25 %", 25 * 10**14),
        (units.ratio, "0.25%", 25 * 10**14),
        (units.ratio, "3", 3 * 10**18),
        (units.ratio, "2/3", 666_666_666_666_666_666),
        (units.ratio, "0.000000000000000001", 1),
        (units.duration, "10 min", 600),
        (units.duration, "1.5 h", 5_400),
        (units.duration, "3 days", 259_200),
        (units.rate, "0.05 % / h", 5 * 10**23 // 3_600),
        (units.velocity, "9 / day2", 9 * 10**27 // 86_400**2),
        (units.hourly, "1 / h", 10**18),
        (units.hourly, "24 / day", 10**18),
        (units.count, "400k", 400_000),
        (units.count, "1,234,567", 1_234_567),
    ],
)
def test_parse__good__is_exact(parse: Callable[[str], int], text: str, value: int) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (units.ratio, "abc", "a number is wanted"),
        (units.ratio, "", "a number is wanted"),
        (units.ratio, "5 bpp", "unit 'bpp' is unknown"),
        (units.ratio, "1e5", "unit 'e5' is unknown"),
        (units.ratio, "1,00", "groups of three"),
        (units.ratio, "-1 %", "must not be negative"),
        (units.ratio, "1/0", "division by 0"),
        (units.ratio, "1.2.3", "a number is wanted"),
        (units.ratio, "0.0000000000000000001", "18 decimals"),
        (units.ratio, "5 min", "unit 'min' is unknown"),
        (units.duration, "5", "write s, min, h or days"),
        (units.duration, "0.5 s", "whole seconds"),
        (units.rate, "5 %", "a unit of time is wanted"),
        (units.rate, "5 % / day2", "a unit of time is wanted"),
        (units.velocity, "9 / day", "such as / h2 or / day2"),
        (units.count, "1.5", "whole number"),
        (units.count, "1 gas", "no unit"),
    ],
)
def test_parse__bad__says_what_is_wanted(
    parse: Callable[[str], int], text: str, message: str
) -> None:
    with pytest.raises(units.UnitError, match=message):
        parse(text)


def test_amount__unit__must_be_the_one_named() -> None:
    assert units.amount("500k USD", "USD") == 500_000 * 10**18
    assert units.amount("4,000 ETH", "ETH") == 4_000 * 10**18
    with pytest.raises(units.UnitError, match="USD is wanted, EUR is given"):
        units.amount("5 EUR", "USD")
    with pytest.raises(units.UnitError, match="no unit is given"):
        units.amount("5M", "USD")


@given(st.integers(0, 10**30), st.integers(0, 18))
def test_ratio__any_decimal__loses_no_digit(digits: int, places: int) -> None:
    whole, rest = divmod(digits, 10**places)
    text = f"{whole}.{rest:0{places}d}" if places else str(whole)
    assert units.ratio(text) == Fraction(digits, 10**places) * 10**18
