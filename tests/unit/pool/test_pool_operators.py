"""setOperator and isOperator."""

from __future__ import annotations

import pytest
from pool_world import World, changes, only


@pytest.mark.parametrize("approved", [True, False])
def test_set_operator__either_way__is_kept_and_told(world: World, approved: bool) -> None:
    pool = world.pool.as_(world.lp)
    pool.setOperator(world.operator, not approved)
    before = world.books()
    assert pool.setOperator.call(world.operator, approved) is True
    event = only(pool.setOperator(world.operator, approved), "OperatorSet")
    assert (event.controller, event.operator) == (world.lp, world.operator)
    assert event.approved is approved
    assert pool.isOperator(world.lp, world.operator) is approved
    assert pool.isOperator(world.operator, world.lp) is False
    assert changes(before, world.books()) == {}


def test_set_operator__revoked__may_do_nothing_more(world: World) -> None:
    pool = world.pool.as_(world.lp)
    pool.setOperator(world.operator, True)
    world.pool.as_(world.operator).requestDeposit(10, world.lp, world.lp)
    pool.setOperator(world.operator, False)
    receipt = world.pool.as_(world.operator).requestDeposit.send(
        10, world.lp, world.lp, check=False
    )
    assert not receipt.ok
