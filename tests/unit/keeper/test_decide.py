"""`decide` and the fees: what pays is sent, in order, within budget; the rest has its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeper_world import ETHER, GWEI, MARKET, PRICE, RICH, policy, price, sight, target

from bulkhead.chain.binaries import ROOT
from bulkhead.keeper.decide import GasUse, Kind, Purse, Why, Winner, decide, reward
from bulkhead.keeper.fees import Caps, Fees, bid, bump
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD


def whys(decision: object) -> dict[int, Why]:
    return {skip.id: skip.why for skip in decision.skips}  # type: ignore[attr-defined]


# ---- liquidations


def test_decide__one_position__is_liquidated_singly() -> None:
    found = decide(sight(target(7)), price(), RICH, policy())
    (action,) = found.actions
    assert (action.kind, action.ids, action.market) == (Kind.LIQUIDATE, (7,), MARKET)
    assert action.reward == reward(target(7), sight()) > 0
    assert action.profit == action.reward * 10**12 - action.cost >= WAD
    assert action.worst == action.gas_limit * action.fees.most
    assert found.skips == ()


def test_decide__many__go_in_batches_that_pay_best_first() -> None:
    crowd = [target(id_, size=id_ * 5 * WAD) for id_ in range(1, 8)]
    found = decide(sight(*crowd), price(), RICH, policy(max_batch=4))
    assert [one.kind for one in found.actions] == [Kind.LIQUIDATE_MANY] * 2
    assert [one.ids for one in found.actions] == [(7, 6, 5, 4), (3, 2, 1)]
    assert found.actions[0].profit > found.actions[1].profit


def test_decide__batch_shares_its_cost__small_ones_pay_only_together() -> None:
    """Five dollars don't pay for a transaction of its own at 16 gwei, but for a seat in one."""
    small = [target(id_, size=WAD * 6 // 10) for id_ in range(1, 4)]
    terms = policy(min_profit=0)
    alone = decide(sight(small[0]), price(base_gwei=16, tip_gwei=0), RICH, terms)
    assert whys(alone) == {1: Why.UNPROFITABLE}
    together = decide(sight(*small, target(9, 80 * WAD)), price(16, 0), RICH, terms)
    assert [one.ids for one in together.actions] == [(9, 1, 2, 3)]


def test_decide__gas_limit__bounds_the_batch() -> None:
    crowd = [target(id_) for id_ in range(1, 30)]
    found = decide(sight(*crowd), price(), RICH, policy(max_gas=2_000_000))
    assert [len(one.ids) for one in found.actions] == [18, 11]
    assert all(one.gas_limit <= 2_000_000 for one in found.actions)
    assert sorted(id_ for one in found.actions for id_ in one.ids) == list(range(1, 30))


def test_decide__unprofitable__says_what_was_missing() -> None:
    found = decide(sight(target(3, size=WAD)), price(base_gwei=400), RICH, policy())
    assert found.actions == ()
    assert whys(found) == {3: Why.UNPROFITABLE}
    assert "reward" in found.skips[0].detail


def test_decide__l1_data_fee__is_part_of_the_cost() -> None:
    terms = policy(caps=Caps(500 * GWEI, 50 * GWEI, tip_share=0))
    cheap = decide(sight(target()), price(0, 0), RICH, terms)
    dear = decide(sight(target()), price(0, 0, l1_per_byte=10**13), RICH, terms)
    assert cheap.actions[0].cost == 0
    assert dear.actions[0].cost == (4 + 32 * 2 + 130) * 10**13 * PRICE // WAD
    ruin = decide(sight(target()), price(0, 0, l1_per_byte=10**15), RICH, policy())
    assert whys(ruin) == {1: Why.UNPROFITABLE}


def test_decide__races_that_are_lost__make_it_dearer() -> None:
    sure = decide(sight(target()), price(), RICH, policy()).actions[0]
    half = decide(sight(target()), price(), RICH, policy(win_rate=WAD // 2)).actions[0]
    assert half.profit < sure.profit // 2
    assert decide(sight(target()), price(), RICH, policy(win_rate=0)).actions == ()


def test_decide__margin_call__goes_alone_with_gas_for_the_call() -> None:
    called = target(5, margin_call=True)
    found = decide(sight(called, target(6), target(7)), price(1, 0), RICH, policy())
    alone = next(one for one in found.actions if one.ids == (5,))
    assert alone.kind == Kind.LIQUIDATE
    assert alone.gas_limit > 400_000 * 64 // 63 + 600_000 + alone.gas
    assert alone.reward == 5 * 10**6  # what a healed call pays
    off = decide(sight(called), price(), RICH, policy(margin_calls=False))
    assert whys(off) == {5: Why.MARGIN_CALLS_OFF}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"fresh": False, "problem": "PriceStale(...)"}, Why.NO_PRICE),
        ({"mode": Mode.FINAL}, Why.MODE),
        ({"in_grace": True}, Why.IN_GRACE),
        ({"taken": frozenset([1])}, Why.TAKEN),
    ],
)
def test_decide__market_forbids__skips_with_the_reason(more: dict[str, object], why: Why) -> None:
    found = decide(sight(target(1), **more), price(), RICH, policy())
    assert found.actions == ()
    assert whys(found) == {1: why}


def test_decide__in_grace_without_equity__is_liquidated() -> None:
    found = decide(sight(target(1, equity_bps=-10), in_grace=True), price(1, 0), RICH, policy())
    assert [one.ids for one in found.actions] == [(1,)]


def test_decide__oracle_outage_without_candidates__is_still_said() -> None:
    found = decide(sight(fresh=False, problem="PriceInvalid"), price(), RICH, policy())
    assert found.skips[0].id == 0
    assert found.skips[0].detail == "PriceInvalid"


# ---- money


def test_decide__budget__is_never_exceeded() -> None:
    crowd = [target(id_) for id_ in range(1, 200)]
    for left in (0, ETHER // 50, ETHER // 5, ETHER):
        purse = Purse(100 * ETHER, spent=10 * ETHER - left)
        found = decide(sight(*crowd), price(), purse, policy(max_batch=10))
        assert sum(one.worst for one in found.actions) <= left
        seen = {id_ for one in found.actions for id_ in one.ids} | set(whys(found))
        assert seen == {one.id for one in crowd}


@given(
    balance=st.integers(0, ETHER),
    spent=st.integers(0, 12 * ETHER),
    reserved=st.integers(0, ETHER),
    base=st.integers(0, 600),
    share=st.integers(0, WAD),
    sizes=st.lists(st.integers(WAD // 2, 500 * WAD), max_size=12),
)
def test_decide__any_purse__spends_within_it_and_only_for_profit(
    balance: int, spent: int, reserved: int, base: int, share: int, sizes: list[int]
) -> None:
    terms = policy(caps=Caps(300 * GWEI, 100 * GWEI, share))
    crowd = [target(place, size) for place, size in enumerate(sizes, start=1)]
    purse = Purse(balance, spent, reserved)
    found = decide(sight(*crowd), price(base), purse, terms)
    worst = sum(one.worst for one in found.actions)
    assert worst == 0 or worst <= min(balance - reserved, 10 * ETHER - spent - reserved)
    assert all(one.profit >= terms.min_profit for one in found.actions)
    assert all(one.fees.most <= terms.caps.max_fee for one in found.actions)
    named = [id_ for one in found.actions for id_ in one.ids] + [one.id for one in found.skips]
    assert sorted(named) == [one.id for one in crowd]  # each once: acted on, or skipped


def test_decide__more_transactions_than_allowed__waits() -> None:
    crowd = [target(id_) for id_ in range(1, 9)]
    found = decide(sight(*crowd), price(), RICH, policy(max_batch=2, max_transactions=2))
    assert len(found.actions) == 2
    assert set(whys(found).values()) == {Why.TOO_MANY}


def test_decide__gas_above_the_highest_fee__waits() -> None:
    terms = policy(caps=Caps(30 * GWEI, 5 * GWEI, 0))
    assert whys(decide(sight(target()), price(20), RICH, terms)) == {1: Why.GAS_TOO_HIGH}


def test_gas_use__is_not_below_what_was_measured() -> None:
    measured = json.loads((ROOT / "gas" / "snapshot.json").read_text())
    found = dict(_numbers(measured))
    use = GasUse()
    assert use.single >= max(found["liquidate_full"], found["liquidate_partial"])
    assert use.batch + 10 * use.each >= 10 * found["liquidate_many_10_per_position"]
    assert use.deleverage >= found["deleverage"]
    assert use.fills + use.fill_add >= found["order_execute_open"]
    assert use.fills + use.fill_reduce >= found["order_execute_decrease"]
    assert use.fill_reduce >= found["order_execute_many_10_per_order"]
    assert use.release >= found["order_release"]
    assert use.advance >= found["order_advance"]


def _numbers(record: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, int):
            yield name, value


# ---- ADL


def test_decide__adl__largest_profit_per_notional_first() -> None:
    winners = (Winner(1, 10 * WAD, 1_000 * WAD), Winner(2, 30 * WAD, 1_000 * WAD), Winner(3, 0, 1))
    seen = replace(sight(), adl_active=True, winners=winners)
    found = decide(seen, price(), RICH, policy(adl=True))
    assert [(one.kind, one.ids) for one in found.actions] == [
        (Kind.DELEVERAGE, (2,)),
        (Kind.DELEVERAGE, (1,)),
    ]
    assert all(one.profit < 0 for one in found.actions)
    assert whys(decide(seen, price(), RICH, policy())) == {0: Why.ADL_OFF}


# ---- fees


def test_bid__gives_a_share_of_the_profit_within_caps() -> None:
    caps = Caps(500 * GWEI, 50 * GWEI, WAD // 4)
    assert bid(0, 150_000, price(), caps) == Fees(41 * GWEI, GWEI)
    some = bid(40 * WAD, 150_000, price(), caps)
    assert some.tip == 10 * WAD * WAD // PRICE // 150_000
    assert bid(10**6 * WAD, 150_000, price(), caps).tip == 50 * GWEI


@given(most=st.integers(1, 10**13), tip=st.integers(0, 10**12), base=st.integers(0, 10**12))
def test_bump__replaces_and_stays_under_the_caps(most: int, tip: int, base: int) -> None:
    old = Fees(most, min(tip, most))
    caps = Caps(max_fee=10**12, max_tip=10**11, tip_share=0)
    new = bump(old, replace(price(), base=base, tip=0), caps)
    if new is None:
        least = old.bumped()
        assert least.tip > caps.max_tip or max(least.most, 2 * base + least.tip) > caps.max_fee
        return
    assert new.most * 100 >= old.most * 112
    assert new.tip * 100 >= old.tip * 112
    assert new.tip <= new.most <= caps.max_fee
