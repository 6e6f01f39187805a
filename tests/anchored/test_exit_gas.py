"""I-33: a liquidation that came upon waiting deposits and redemptions took more gas than ever seen.

Whoever brings a bucket's first mark pays for its pricing, and for the bucket behind it: a fixed
amount, however many wait, but more than random sequences had shown.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.by_order import order_of
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.liquidation import GAS
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER, LP, LP2, PRICE
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import dear, plain
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model.wad import WAD

SETTINGS = (Setting(6, (plain(),)), Setting(2, (dear(),), "BlacklistToken"))
SHORT = 4  # a position that wins when the mark falls
LONG = 5


@pytest.fixture(params=SETTINGS, ids=["plain", "listing"])
def world(request: pytest.FixtureRequest, artifacts: Artifacts) -> Iterator[World]:
    """Deposits and redemptions wait, and others behind them."""
    world = stand_up("anvil", request.param, Bench(), artifacts)
    try:
        for who, amount in ((LP, 1_000), (LP2, 500)):
            world.play(Op("request_deposit", who, (world.dollars(amount), who, who)))
        for part in (10, 20):
            shares = world.twin.pool.shares[LP2] // part
            world.play(Op("request_redeem", LP2, (shares, LP2, LP2)))
        yield world
    finally:
        world.engine.close()


def used(world: World, op: Op) -> int:
    """Gas of a call that succeeds and prices both."""
    supply = world.twin.pool.state.supply
    assert world.play(op).startswith("ok")
    assert world.twin.pool.state.supply != supply
    assert world.last is not None
    assert world.last.gas <= GAS[op.name]
    return world.last.gas


def test_exits_that_price_what_waits(world: World) -> None:
    """Some time after a fall; the figures that the law's constants are made of."""
    day, fall = world.params.redeem_delay_secs + 1, PRICE * 55 // 100
    wait = world.params.pricing_wait_secs + 1
    world.play(Op("set_price", args=(fall, 0, 0, 0), wait=day))
    world.play(Op("accrue", KEEPER))
    owner = world.twin.position(SHORT).owner
    limits = (SHORT, ANY_BUY, FOREVER)
    for op in (
        Op("liquidate", KEEPER, (LONG, KEEPER), wait),
        Op("close", owner, limits, wait),
        Op("close_and_withdraw", owner, (*limits, owner), wait),
    ):
        with world.undone():
            gas = used(world, op)
            assert gas * 125 // 100 > GAS[op.name]


def test_an_order_that_prices_what_waits(world: World) -> None:
    """A new position: its vault is deployed too."""
    owner = world.twin.position(SHORT).owner
    order = order_of(world, owner, 0, 3 * WAD, margin=world.dollars(2_000))
    day = world.params.redeem_delay_secs + 1
    world.play(Op("place_order", owner, (order,), day - 100))
    world.play(Op("set_price", args=(PRICE, 0, 0, 0), wait=100))
    gas = used(world, Op("execute_order", KEEPER, (order, KEEPER), 1))
    assert gas * 125 // 100 > GAS["execute_order"]
