"""The keeper on a real chain: it sees what changes, liquidates what pays, and says why not else."""

from __future__ import annotations

from pathlib import Path

from keeper_stage import Stage, addresses


def test_crash__crowd_of_longs__liquidated_in_batches_with_the_foretold_reward(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, max_batch=8)
    ids = stage.crowd(12)
    assert keeper.tick()[0].sent == ()
    stage.slide(1_930)
    due = stage.due()
    assert len(due) >= 10
    (look,) = keeper.tick()
    assert sorted(id_ for one in look.sent for id_ in one.action.ids) == due
    assert [one.action.kind.value for one in look.sent] == ["liquidate_many"] * 2
    found = stage.liquidations()
    assert sorted(event.id for event in found) == due
    assert {event.keeper for event in found} == {addresses()[0]}
    paid = {event.id: event.reward for event in found}
    for one in look.sent:  # foretold at the block before, whose multiplier was another
        for id_, foretold in zip(one.action.ids, one.action.rewards, strict=True):
            assert abs(paid[id_] - foretold) <= foretold // 100
    keeper.tick()
    assert stage.system.token.balanceOf(addresses()[0]) == sum(paid.values())
    assert keeper.wallet is not None
    assert keeper.wallet.journal.spent(0) > 0
    assert set(ids) >= set(due)
    keeper.close()
