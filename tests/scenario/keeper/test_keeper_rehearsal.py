"""Before anything is sent it is rehearsed: what would revert or do nothing is left, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate import Gate
from keeper_stage import Stage

from bulkhead.keeper.act import Actor
from bulkhead.keeper.calls import MarketCalls
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
    actor = Actor(MarketCalls(stage.market), None, stage.people[4])
    return actor.prepare(wanted, UNIT, PRICE, POLICY)


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


def test_gas_seen__may_cost_more_than_is_left__stays_within_it(stage: Stage) -> None:
    """What was decided on fits the budget; the gas that the node foretells does not."""
    (id_,) = stage.crowd(1)
    stage.slide(1_930)
    meant = replace(action(stage, Kind.LIQUIDATE, id_), gas_limit=60_000, worst=24 * 10**13)
    actor = Actor(MarketCalls(stage.market), None, stage.people[4])
    _, (skip,) = actor.act([meant], UNIT, PRICE, POLICY, meant.worst)
    assert (skip.id, skip.why) == (id_, Why.BUDGET)
    _, (skip,) = actor.act([meant], UNIT, PRICE, POLICY, 10 * meant.worst)
    assert skip.why == Why.DRY_RUN
    needed = actor.prepare(meant, UNIT, PRICE, POLICY)[0]
    assert needed is not None
    _, skips = actor.act([meant, meant], UNIT, PRICE, POLICY, 2 * needed.worst - 1)
    assert [one.why for one in skips] == [Why.DRY_RUN, Why.BUDGET]


def test_node_refuses_to_run_one__the_others_are_sent(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    """An estimate that a node does not give holds up nobody else, and is said."""
    keeper = stage.keeper(tmp_path, node=gate.url, max_batch=1)
    stage.crowd(3)
    keeper.tick()
    stage.slide(1_930)
    due, asked = stage.due(), 0

    def twist(method: str, params: list[Any], result: Any) -> Any:
        nonlocal asked
        if method == "eth_estimateGas":
            asked += 1
            if asked == 1:
                raise Gate.Refusal(-32000, "gas required exceeds allowance")
        return result

    gate.twist = twist
    (look,) = keeper.tick()
    (skip,) = [one for one in look.skips if one.why == Why.REFUSED]
    assert skip.detail == "gas required exceeds allowance"
    assert sorted(id_ for one in look.sent for id_ in one.action.ids) == sorted(
        set(due) - {skip.id}
    )
    stage.blocks()
    keeper.tick()
    assert sorted(event.id for event in stage.liquidations()) == due
    keeper.close()
