"""Calls that act on many are judged member by member, and held to the calls of one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bulkhead.fuzz import batches
from bulkhead.fuzz.batches import Alone
from bulkhead.fuzz.by_order import order_of
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import EVE, KEEPER, LP, PRICE
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.speech import values
from bulkhead.fuzz.world import World
from bulkhead.model.types import LiquidationResult

from .conftest import NewWorld

CRASH = Op("set_price", "", (PRICE * 9 // 10, 0, 0, 0), 700)
MANY = Op("liquidate_many", KEEPER, (tuple(range(1, 9)), KEEPER))
TWO_MARKETS = next(place for place, setting in enumerate(FIXED) if len(setting.params) > 1)
PARTIAL, HEALED = (int(LiquidationResult[name]) for name in ("PARTIAL", "HEALED"))


def crash(world: World) -> None:
    """Some of the eight are ill then."""
    world.play(CRASH)


def test_each_member_of_batch_is_judged_alone(new_world: NewWorld) -> None:
    bench = Bench()
    world = new_world("revm", 0, bench)
    crash(world)
    before = {law: bench.checks[law] for law in ("I-26", "I-30", "I-31")}

    said = world.play(MANY)

    done = sum(result >= PARTIAL for result in values(said))
    assert done >= 2
    assert bench.checks["I-26"] - before["I-26"] == len(MANY.args[0])
    for law in ("I-30", "I-31"):
        assert bench.checks[law] - before[law] >= done
    assert world.played[-2:] == [CRASH, MANY]


def test_batch_of_orders_is_judged_fill_by_fill(new_world: NewWorld) -> None:
    bench = Bench()
    world = new_world("revm", 0, bench)
    orders = []
    for id_ in (1, 2):
        p = world.twin.position(id_)
        orders.append(order_of(world, p.owner, id_, p.size // 10))
        world.play(Op("place_order", p.owner, (orders[-1],)))
    world.play(Op("set_price", "", (PRICE, 0, 0, 0), world.params.order_delay_secs + 1))
    laws = ("I-07", "I-14", "I-19", "I-20", "I-43")
    before = {law: bench.checks[law] for law in laws}

    said = world.play(Op("execute_orders", KEEPER, (tuple(orders), KEEPER)))

    assert said == f"ok {tuple(order.size for order in orders)}"
    for law in laws:
        assert bench.checks[law] - before[law] >= 2


@pytest.mark.parametrize("fault", ["results", "words", "refused"])
def test_batch_that_differs_from_its_members_is_caught(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    world, real = new_world(), batches.alone

    def other(world: World, op: Op) -> Alone:
        found = real(world, op)
        if fault == "words":
            return found._replace(words=(*found.words[:-1], found.words[-1] + 1))
        return found._replace(results=(HEALED, *found.results[1:]))

    if fault != "refused":
        crash(world)
    batch = MANY
    if fault == "refused":
        batch = Op("liquidate_many", KEEPER, ((2, 4), world.site.pool.address))
    monkeypatch.setattr(batches, "alone", other)

    with world.undone(), pytest.raises(Broken, match="I-24"):
        world.play(batch)


def test_law_that_breaks_in_a_member_leaves_the_batch_in_the_story(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world()
    crash(world)
    monkeypatch.setattr(
        "bulkhead.fuzz.laws.liquidation.i_28_partial",
        lambda *_: (_ for _ in ()).throw(Broken("I-28", "planted")),
    )

    with pytest.raises(Broken, match="I-28"):
        world.play(MANY)

    assert world.played[-1] == MANY
    assert world.story[-2].startswith("keeper.liquidate_many")
    assert world.story[-1].startswith("  keeper.liquidate(")


def test_batch_of_nothing_is_compared_with_the_present(new_world: NewWorld) -> None:
    """A provider has paid into another market since this one was looked at last: found after an
    hour of several markets at once."""
    world = new_world("revm", TWO_MARKETS)
    p = world.sites[1].twin.position(1)
    world.at = 1
    order = order_of(world, p.owner, 1, -p.size)
    world.play(Op("request_deposit", LP, (50_000, LP, LP)))

    assert world.play(Op("execute_orders", KEEPER, ((order,), KEEPER), market=1)) == "ok (0,)"


def test_batch_of_the_healthy_is_compared_with_the_present(new_world: NewWorld) -> None:
    """The same where a batch of liquidations finds nobody after a renewal: found after 194
    sequences of a seed."""
    world = new_world("revm", TWO_MARKETS)
    order = order_of(world, EVE, 0, PRICE // 2_000)
    world.play(Op("place_order", EVE, (replace(order, keeper_fee=100_000),)))
    world.play(Op("set_price", "", (PRICE, 0, 5, 0), 12, 1))
    world.play(Op("accrue", KEEPER, (), 0, 1))
    world.play(Op("set_price", "", (PRICE * 8 // 10, 0, 0, 0), 0, 1))
    assert world.play(Op("liquidate_many", KEEPER, ((1,), KEEPER), 0, 1)).startswith("ok")
    world.play(Op("cancel_order", EVE, (replace(order, keeper_fee=100_000),)))

    said = world.play(Op("liquidate_many", KEEPER, ((1, 2), KEEPER), 0, 1))

    assert said.startswith(("ok", "Refused"))
