"""I-33: what exits, fills and claims cost does not grow with positions, orders or providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.by_order import order_of
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ALICE, ANY_BUY, DAVE, FOREVER, KEEPER, LP, PRICE
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import Order
from bulkhead.model.wad import WAD

MANY = 40
MINE = 1  # of Alice: a long that comes before any crowd


@pytest.fixture
def world(artifacts: Artifacts) -> Iterator[World]:
    world = stand_up("anvil", FIXED[0], Bench(), artifacts)
    yield world
    world.engine.close()


def ok(world: World, op: Op) -> int:
    """Gas of a call that succeeds."""
    assert world.play(op).startswith("ok"), op
    assert world.last is not None
    return world.last.gas


def somebody(number: int) -> str:
    """An address."""
    return f"0x{0xC0 << 152 | number:040x}"


def positions(world: World, count: int) -> None:
    """Of others, on both sides."""
    for number in range(count):
        size = WAD * (1 if number % 2 else -1)
        limit = ANY_BUY if size > 0 else 0
        ok(world, Op("open", DAVE, (0, size, world.dollars(500), limit, FOREVER)))


def orders(world: World, count: int) -> None:
    """On the position in question, and on new ones of others."""
    for number in range(count):
        who, id_ = (ALICE, MINE) if number % 2 else (DAVE, 0)
        size, margin = (-WAD, 0) if id_ else (WAD, world.dollars(500))
        order = order_of(world, who, id_, size, margin=margin, reduce_only=bool(id_))
        ok(world, Op("place_order", who, (order,)))


def providers(world: World, count: int) -> None:
    """Who wait in the buckets of deposits and redemptions, and with claims from earlier ones."""
    for _ in range(2):
        for number in range(1, count + 1):
            who = somebody(number)
            ok(world, Op("request_deposit", LP, (world.dollars(10) + number, who, LP)))
            ok(world, Op("request_redeem", LP, (10**6 + number, who, LP)))
        tomorrow(world)


CROWDS: dict[str, Callable[[World, int], None]] = {
    "positions": positions,
    "orders": orders,
    "providers": providers,
}


def tomorrow(world: World) -> None:
    """A new mark of the same price, past all waits."""
    wait = max(world.params.redeem_delay_secs, world.params.deposit_delay_secs) + 1
    ok(world, Op("set_price", "", (PRICE, 0, 0, 0), wait))
    ok(world, Op("accrue", KEEPER))


def plain(order: Order) -> Order:
    """The same with no more zero bytes, which cost less, at one moment than at another."""
    return replace(order, salt=1, expiry=order.expiry | 0x0101)


def costs(world: World) -> dict[str, int]:
    """Gas of each call, in the same state but for the crowd: buckets of both kinds fall due in
    it."""
    fallen = Op("set_price", "", (PRICE * 93 // 100, 0, 0, 0), 90_000)
    same = Op("set_price", "", (PRICE, 0, 0, 0), 90_000)
    order = plain(order_of(world, ALICE, MINE, -WAD, reduce_only=True))
    ok(world, Op("place_order", ALICE, (order,)))
    ok(world, Op("request_deposit", LP, (world.dollars(1_000), LP, LP)))
    ok(world, Op("request_redeem", LP, (10**9, LP, LP)))
    calls = {
        "liquidate": (fallen, Op("liquidate", KEEPER, (MINE, KEEPER))),
        "close": (same, Op("close", ALICE, (MINE, 0, FOREVER))),
        "close_and_withdraw": (same, Op("close_and_withdraw", ALICE, (MINE, 0, FOREVER, ALICE))),
        "decrease": (same, Op("decrease", ALICE, (MINE, -WAD, 0, FOREVER))),
        "settle": (same, Op("settle", KEEPER, (MINE,))),
        "execute_order": (same, Op("execute_order", KEEPER, (order, KEEPER))),
        "accrue": (same, Op("accrue", KEEPER)),
    }
    found = {}
    for name, ops in calls.items():
        with world.undone():
            found[name] = [ok(world, op) for op in ops][-1]
    found |= claims(world, order)
    return found


def claims(world: World, order: Order) -> dict[str, int]:
    """The same of a provider's calls and an owner's cancelling."""
    found = {"cancel_order": 0}
    with world.undone():
        found["cancel_order"] = ok(world, Op("cancel_order", ALICE, (order,)))
    for _ in range(2):
        tomorrow(world)
    pool = world.twin.pool
    adding, leaving = pool.deposits.folded(LP), pool.redemptions.folded(LP)
    for name, amount in (
        ("deposit", adding.assets),
        ("mint", adding.shares),
        ("redeem", leaving.shares),
        ("withdraw", leaving.assets),
        ("request_deposit", world.dollars(7)),
        ("request_redeem", 10**7),
    ):
        with world.undone():
            found[name] = ok(world, Op(name, LP, (amount, LP, LP)))
    return found


@pytest.mark.parametrize("crowd", CROWDS)
def test_costs_do_not_grow(world: World, crowd: str) -> None:
    gas = []
    for count in (2, MANY):
        with world.undone():
            CROWDS[crowd](world, count)
            gas.append(costs(world))
    assert all(few > 30_000 for few in gas[0].values())
    assert gas[0] == gas[1]


def test_what_looks_at_each_grows(world: World) -> None:
    """What is measured is the gas of the call itself."""
    fallen = Op("set_price", "", (PRICE * 93 // 100, 0, 0, 0), 60)
    gas = []
    for ids in ((MINE, 2), (MINE, 2, 3)):
        with world.undone():
            ok(world, fallen)
            gas.append(ok(world, Op("liquidate_many", KEEPER, (ids, KEEPER))))
    assert gas[1] > gas[0] + 2_100  # a slot at least
