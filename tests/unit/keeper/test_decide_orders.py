"""`decide_orders`: what pays is filled in batches, advanced, cleaned up; the rest has a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keeper_world import ETHER, PRICE, RICH, policy, price

from bulkhead.keeper.decide import Decision, Kind, Purse, Why
from bulkhead.keeper.decide_orders import OrderSight, behind, decide_orders
from bulkhead.keeper.order_index import Placed
from bulkhead.model.order_types import Order, OrderKind, hash_of
from bulkhead.model.wad import WAD

BOOK = "0x" + "bb" * 20
UNIT = 10**12
USD = 10**6


def placed(fee: int, salt: int = 0, best: int = 0, **more: Any) -> Placed:
    given: dict[str, Any] = {"owner": "0x" + "ab" * 20, "size": WAD, "expiry": 10**6}
    one = Order(keeper_fee=fee, salt=salt, **{**given, **more})
    return Placed("0x" + hash_of(one).hex(), one, 100, 1, best)


def trailing(fee: int, best: int, salt: int = 0) -> Placed:
    return placed(
        fee, salt, best, kind=OrderKind.TRAILING_STOP, reduce_only=True, size=-WAD, trail=WAD // 10
    )


def sight(*due: Placed, **more: Any) -> OrderSight:
    return OrderSight(BOOK, UNIT, PRICE, due=due, **more)


def whys(decision: Decision) -> dict[int, Why]:
    return {skip.id: skip.why for skip in decision.skips}


def test_fill__one_that_pays__goes_alone() -> None:
    one = placed(50 * USD)
    found = decide_orders(sight(one), price(), RICH, policy())
    (action,) = found.actions
    assert (action.kind, action.ids, action.market) == (Kind.EXECUTE, (one.id,), BOOK)
    assert action.profit == 50 * WAD - action.cost >= WAD
    assert found.skips == ()


def test_fills__go_in_batches_that_pay_best_first() -> None:
    many = [placed(n * 20 * USD, salt=n) for n in range(1, 8)]
    found = decide_orders(sight(*many), price(), RICH, policy(max_batch=4))
    assert [one.kind for one in found.actions] == [Kind.EXECUTE_MANY] * 2
    assert [one.ids for one in found.actions] == [
        tuple(many[n].id for n in (6, 5, 4, 3)),
        tuple(many[n].id for n in (2, 1, 0)),
    ]


def test_fill__fee_below_its_gas__stays_out_of_the_batch() -> None:
    """At 21 gwei and 2,000 dollars, 155,000 gas cost six and a half dollars."""
    rich, poor = placed(50 * USD), placed(6 * USD, salt=1)
    found = decide_orders(sight(rich, poor), price(), RICH, policy())
    assert [one.ids for one in found.actions] == [(rich.id,)]
    assert whys(found) == {poor.id: Why.UNPROFITABLE}
    cheaper = decide_orders(sight(rich, replace(poor)), price(base_gwei=5), RICH, policy())
    assert [one.ids for one in cheaper.actions] == [(rich.id, poor.id)]


def test_fills__gas_limit__bounds_the_batch() -> None:
    many = [placed(50 * USD, salt=n) for n in range(20)]
    found = decide_orders(sight(*many), price(), RICH, policy(max_gas=3_000_000))
    assert sum(len(one.ids) for one in found.actions) == 20
    assert max(one.gas_limit for one in found.actions) <= 3_000_000
    assert min(len(one.ids) for one in found.actions[:-1]) == 12


def test_fills__no_budget__say_so() -> None:
    found = decide_orders(sight(placed(50 * USD)), price(), Purse(ETHER // 10**6), policy())
    assert list(whys(found).values()) == [Why.BUDGET]


def test_release__a_quarter_of_the_fee__is_what_it_must_pay_by() -> None:
    gas = policy().gas
    cost = gas.release * 21 * 10**9 * PRICE // 10**18 // UNIT  # token units
    enough, short = placed(4 * (cost + 2 * USD)), placed(4 * cost - USD, salt=1)
    found = decide_orders(sight(expired=(enough, short)), price(), RICH, policy())
    assert [(one.kind, one.ids) for one in found.actions] == [(Kind.RELEASE, (enough.id,))]
    assert found.actions[0].rewards == (cost + 2 * USD,)
    assert whys(found) == {short.id: Why.UNPROFITABLE}


def test_kept__a_quarter_of_the_fee__or_a_subsidy__must_pay_for_ending_it() -> None:
    cost = policy().gas.release_kept * 21 * 10**9 * PRICE // 10**18 // UNIT  # token units
    enough, short = placed(4 * (cost + 2 * USD)), placed(4 * cost - USD, salt=1)
    found = decide_orders(sight(kept=(short, enough)), price(), RICH, policy())
    (action,) = found.actions
    assert (action.kind, action.ids) == (Kind.RELEASE, (enough.id,))
    assert (action.rewards, action.floor) == ((cost + 2 * USD,), WAD)
    assert whys(found) == {short.id: Why.UNPROFITABLE}
    given = policy(order_subsidy=WAD)
    both = decide_orders(sight(kept=(short, enough)), price(), RICH, given)
    assert [one.ids for one in both.actions] == [(enough.id,), (short.id,)]
    assert {one.floor for one in both.actions} == {-WAD}


def test_fill__subsidy__pays_up_to_itself_and_alone() -> None:
    """At 21 gwei and 2,000 dollars, 255,000 gas cost ten dollars and 71 cents."""
    rich, poor = placed(50 * USD), placed(6 * USD, salt=1)
    for given, ids in ((4 * WAD, [(rich.id,)]), (5 * WAD, [(rich.id,), (poor.id,)])):
        found = decide_orders(sight(poor, rich), price(), RICH, policy(order_subsidy=given))
        assert [one.ids for one in found.actions] == ids


# ---- trailing stops


def test_behind__a_step_of_its_distance__is_worth_an_advance() -> None:
    one = trailing(0, best=2_000 * WAD)  # its distance is 200 dollars
    assert not behind(one, 2_049 * WAD, WAD // 4)
    assert behind(one, 2_050 * WAD, WAD // 4)
    assert behind(trailing(0, best=0), PRICE, WAD)


def test_advance__share_of_the_fee__is_what_all_of_them_may_cost() -> None:
    one = trailing(100 * USD, best=1_900 * WAD)
    fresh = decide_orders(sight(trailing=((one, 0),)), price(), RICH, policy())
    (action,) = fresh.actions
    assert (action.kind, action.ids, action.rewards) == (Kind.ADVANCE, (one.id,), (0,))
    assert action.floor == -25 * WAD
    spent = 10 * ETHER // 1_000  # 20 dollars
    found = decide_orders(sight(trailing=((one, spent),)), price(), RICH, policy())
    assert whys(found) == {one.id: Why.UNPROFITABLE}


def test_advance__subsidy__pays_where_the_fee_does_not() -> None:
    one = trailing(0, best=1_900 * WAD)
    assert decide_orders(sight(trailing=((one, 0),)), price(), RICH, policy()).actions == ()
    given = policy(advance_subsidy=10 * WAD)
    (action,) = decide_orders(sight(trailing=((one, 0),)), price(), RICH, given).actions
    assert action.floor == -10 * WAD


def test_advance__not_far_behind__is_left_without_a_word() -> None:
    one = trailing(100 * USD, best=1_990 * WAD)
    found = decide_orders(sight(trailing=((one, 0),)), price(), RICH, policy())
    assert (found.actions, found.skips) == ((), ())
