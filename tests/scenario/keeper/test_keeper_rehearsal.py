"""Before anything is sent it is rehearsed: what would revert or do nothing is left, and why."""

from __future__ import annotations

import pytest
from keeper_stage import Stage

from bulkhead.keeper.act import Actor
from bulkhead.keeper.decide import Action, Kind, Policy, Skip, Why
from bulkhead.keeper.fees import Caps, Fees, GasPrice
from bulkhead.model.wad import WAD

GWEI = 10**9
PRICE = GasPrice(GWEI, GWEI, quote_per_native=2_000 * WAD)
POLICY = Policy(Caps(100 * GWEI, 10 * GWEI, 0), min_profit=0, budget=10**19)
UNIT = 10**12


def action(stage: Stage, kind: Kind, *ids: int, each: int = 5 * 10**6) -> Action:
    """As `decide` makes them, with more room than needed."""
    return Action(
        kind, stage.market.address, ids, 200_000, 3_000_000, Fees(4 * GWEI, GWEI),
        (each,) * len(ids), 0, 0, 12 * 10**15,
    )  # fmt: skip


def prepared(stage: Stage, wanted: Action) -> tuple[Action | None, list[Skip]]:
    return Actor(stage.market, None, stage.people[4]).prepare(wanted, UNIT, PRICE, POLICY)


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Kind.LIQUIDATE, "Refused(reason=18"), (Kind.DELEVERAGE, "Refused(reason=21")],
)
def test_healthy__reverts__with_the_decoded_error(stage: Stage, kind: Kind, said: str) -> None:
    (id_, _) = stage.crowd(2)
    ready, (skip,) = prepared(stage, action(stage, kind, id_))
    assert ready is None
    assert (skip.id, skip.why) == (id_, Why.REVERTED)
    assert said in skip.detail


def test_unknown__reverts__by_name(stage: Stage) -> None:
    _, (skip,) = prepared(stage, action(stage, Kind.LIQUIDATE, 99))
    assert "UnknownPosition(id=99)" in skip.detail


def test_batch__the_healthy_and_the_unknown__are_taken_out(stage: Stage) -> None:
    ids = stage.crowd(3)
    stage.slide(1_930)
    healthy = stage.open(1, 1_000)
    ready, skips = prepared(stage, action(stage, Kind.LIQUIDATE_MANY, *ids, healthy, 99))
    assert ready is not None
    assert (ready.kind, ready.ids) == (Kind.LIQUIDATE_MANY, tuple(ids))
    assert ready.rewards == (5 * 10**6,) * 3
    assert 100_000 < ready.gas < ready.gas_limit
    assert [(skip.id, skip.why, skip.detail) for skip in skips] == [
        (healthy, Why.NOTHING_DONE, "healthy"),
        (99, Why.NOTHING_DONE, "unknown"),
    ]


def test_batch__one_is_left__goes_singly(stage: Stage) -> None:
    ids = stage.crowd(1)
    stage.slide(1_930)
    ready, _ = prepared(stage, action(stage, Kind.LIQUIDATE_MANY, *ids, 99))
    assert ready is not None
    assert (ready.kind, ready.ids) == (Kind.LIQUIDATE, tuple(ids))


def test_gas_seen__makes_it_unprofitable__left(stage: Stage) -> None:
    ids = stage.crowd(2)
    stage.slide(1_930)
    ready, skips = prepared(stage, action(stage, Kind.LIQUIDATE_MANY, *ids, each=10**5))
    assert ready is None
    assert {skip.why for skip in skips} == {Why.UNPROFITABLE}
    assert "gas (Wad)" in skips[0].detail
