"""A change of the impact is bounded at every skew there can be, not only at the new maxSkew.

Once the bound looked at the new maxSkew alone: lowering it along with skewScale made any change
pass, and the rebate of the skew that was open came out of NAV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_world import WAD, World

from bulkhead.model import impact
from bulkhead.model.config import check_impact_change, derive
from bulkhead.model.errors import BadParameter
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import Config


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_lower_skew_limit_hides_no_rebate(world: World, sign: int) -> None:
    w = world
    w.open(w.alice, sign * 3_900 * WAD, 2_000_000 * w.one)
    w.tick()
    steeper = replace(w.params, skew_scale=80_000 * WAD, max_skew=10 * WAD)
    said = w.no("BadParameter", "set_params", w.governance, steeper)
    assert said.args[0] == "skewScale"


def test_skew_beyond_its_limit_counts(world: World) -> None:
    """Closes of the smaller side leave a skew that no trade could open."""
    w = world
    w.open(w.alice, 2_400 * WAD, 1_500_000 * w.one)
    other = w.open(w.bob, -2_400 * WAD, 1_500_000 * w.one)
    w.open(w.carol, 1_500 * WAD, 1_500_000 * w.one)
    narrow = replace(w.params, max_skew=1_600 * WAD)
    steeper = replace(narrow, skew_scale=645_000 * WAD)
    w.ok("set_params", w.governance, narrow)
    with w.branch() as b:
        b.ok("set_params", b.governance, steeper)
    w.close(w.bob, other)
    state = w.market.state()
    assert state.sizeLong - state.sizeShort == 3_900 * WAD
    assert w.no("BadParameter", "set_params", w.governance, steeper).args[0] == "skewScale"


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("old", [5, 50], ids=["fees rise", "fees fall"])
def test_new_fees_pay_for_no_old_trades(
    new_world: Callable[..., World], sign: int, old: int
) -> None:
    """Fees raised along with the impact are paid after the change alone; once they counted as if
    paid before it as well, and who opened at the old ones took the rest out of NAV."""
    bp = WAD // 10_000
    w = new_world(taker_fee=old * bp)
    w.open(w.alice, sign * 3_900 * WAD, 2_000_000 * w.one)
    w.tick()
    steeper = replace(
        w.params, taker_fee=(55 - old) * bp, skew_scale=500_000 * WAD, max_skew=2_500 * WAD
    )
    said = w.no("BadParameter", "set_params", w.governance, steeper)
    assert said.args == ("skewScale", 15 * WAD // 4, 4_000 * 7 * bp // 2)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_flatter_impact_pays_no_closer(world: World, sign: int) -> None:
    """Once a fourfold skewScale passed: who took the skew back before it and gave it back after
    kept three quarters of the rebate, at a constant price."""
    w = world
    w.open(w.alice, sign * 3_900 * WAD, 2_000_000 * w.one)
    w.tick()
    flatter = replace(w.params, skew_scale=3_200_000 * WAD)
    said = w.no("BadParameter", "set_params", w.governance, flatter)
    assert said.args == ("skewScale", 15 * WAD // 2, 4_000 * 7 * WAD // 20_000)
    w.ok("set_params", w.governance, replace(w.params, skew_scale=900_000 * WAD))


def config(skew_scale: int, max_impact: int, max_skew: int, taker_fee: int) -> Config:
    terms = replace(
        eth_usd("0x" + "1" * 40, "0x" + "2" * 40),
        skew_scale=skew_scale,
        max_impact=max_impact,
        max_skew=min(max_skew, max_impact * skew_scale // WAD),
        taker_fee=taker_fee,
    )
    one = "0x" + "3" * 40
    return derive(
        terms,
        token=one,
        pool=one,
        fund=one,
        decimals=6,
        initial_mark=2_000 * WAD,
        max_reward=1_000 * 10**6,
    )


SCALE = st.integers(10_000, 5_000_000).map(lambda n: n * WAD)
SLOPE = st.integers(1, 60).map(lambda n: n * 10**14)
SKEW = st.integers(1, 20_000).map(lambda n: n * WAD)
FEE = st.integers(2, 40).map(lambda n: n * 10**14)
TERMS = st.tuples(SCALE, SLOPE, SKEW, FEE)


@given(old=TERMS, new=TERMS, data=st.data())
def test_an_allowed_change_is_worth_no_more_than_fees_anywhere(
    old: tuple[int, int, int, int], new: tuple[int, int, int, int], data: st.DataObject
) -> None:
    """Four places decide for all of them."""
    held, later = config(*old), config(*new)
    skew = data.draw(SKEW)
    try:
        check_impact_change(later, held, skew)
    except BadParameter:
        return
    most = max(held.max_skew, later.max_skew, skew)
    paid = min(held.taker_fee, later.taker_fee) + min(held.maker_fee, later.maker_fee)
    fees = Fraction(paid, 2 * WAD)
    for part in range(65):
        place = most * part // 64
        moved = impact.phi(place, later) - impact.phi(place, held)
        assert abs(moved) <= place * fees + 4
