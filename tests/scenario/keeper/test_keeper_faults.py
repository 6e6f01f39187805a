"""Faults of nodes and chains: nothing is lost, nothing is done twice, the keeper recovers alone."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from gate import Gate
from keeper_stage import KEYS, Stage, addresses, chain_rows, same_as_chain

from bulkhead.chain.errors import ChainError
from bulkhead.keeper.decide import Why
from bulkhead.keeper.journal import UNDER_WAY, State
from bulkhead.keeper.node import NodeDown
from bulkhead.keeper.service import PASSES, Keeper

LOW = 1_930


def entries(keeper: Keeper, *states: State) -> list[Any]:
    assert keeper.wallet is not None
    return keeper.wallet.journal.find(*states)


def once_each(stage: Stage, ids: list[int]) -> None:
    """Every one of them was liquidated, exactly once."""
    assert Counter(event.id for event in stage.liquidations()) == Counter(ids)


def whys(looks: list[Any]) -> set[Why]:
    return {skip.why for look in looks for skip in look.skips}


# ---- the node


def test_node_down__keeper_waits_and_goes_on(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url, health_secs=0.2)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    gate.down = True
    keeper.run(looks=2)
    assert "NodeDown" in keeper.health.problem
    assert not stage.liquidations()
    gate.down = False
    keeper.run(looks=2)
    assert keeper.health.problem == ""
    once_each(stage, due)
    same_as_chain(stage, keeper)


def test_node_down__told_to_stop__does_not_wait_for_it(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url, poll_secs=20)
    gate.down = True
    Timer(0.3, lambda: setattr(keeper, "stopping", True)).start()
    started = time.monotonic()
    keeper.run()
    assert time.monotonic() - started < 5
    assert "NodeDown" in keeper.health.problem


def test_node_slow__request_times_out_and_the_next_look_works(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url, timeout_secs=0.3)
    stage.crowd(4)
    stage.slide(LOW)
    due = stage.due()
    gate.delay = 1.0
    with pytest.raises(NodeDown):
        keeper.tick()
    gate.delay = 0.0
    keeper.tick()
    once_each(stage, due)


def test_node_slow_while_sending__sent_once(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    """The answer to a sending is lost: it is sent again as the same bytes, and made once."""
    keeper = stage.keeper(tmp_path, node=gate.url)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()

    def lose(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_sendRawTransaction":
            raise OSError("lost")
        return result

    gate.twist = lose
    keeper.tick()
    # Sent, where a second try within the tick was told that the node knows it.
    (one,) = entries(keeper, *UNDER_WAY)
    assert one.state in (State.SIGNED, State.SENT)
    gate.twist = None
    stage.blocks()
    keeper.tick()
    assert [one.state for one in entries(keeper, State.MINED)] == [State.MINED]
    assert stage.rpc.nonce(addresses()[0]) == 1
    once_each(stage, due)


def test_node_garbage__is_an_error_not_a_crash(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url)
    keeper.tick()
    gate.garbage = True
    with pytest.raises(PASSES):
        keeper.tick()
    gate.garbage = False
    keeper.tick()


def test_node_hides_events__audit_finds_the_difference(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url)
    ids = stage.crowd(3)
    keeper.tick()
    gate.twist = lambda method, _, result: [] if method == "eth_getLogs" else result
    stage.system.token.transfer(stage.market.vaultOf(ids[0]), 500 * 10**6, sender=stage.people[6])
    new = stage.open(1, 110)
    keeper.tick()
    same_as_chain(stage, keeper)  # found within one round of the audit
    differences = keeper.metrics.audit_differences.labels(stage.market.address)
    assert differences._value.get() == 2
    assert new in chain_rows(stage)


def test_node_invents_events__nothing_is_believed(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url)
    keeper.tick()
    stage.crowd(2)

    def other(method: str, _: list[Any], result: Any) -> Any:
        if method == "eth_getLogs":
            return [{**one, "blockHash": "0x" + "12" * 32} for one in result]
        return result

    gate.twist = other
    with pytest.raises(ChainError):
        keeper.tick()
    gate.twist = None
    keeper.tick()
    same_as_chain(stage, keeper)


def test_node_calls_the_healthy_liquidatable__second_node_disputes(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, second_node=gate.url)
    stage.crowd(3)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    healthy = "0x" + (2).to_bytes(32, "big").hex()
    words = [32, len(due), *[2] * len(due)]
    many = "0x" + b"".join(word.to_bytes(32, "big") for word in words).hex()

    def deny(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_call":
            return result
        return many if len(due) > 1 else healthy

    gate.twist = deny
    assert whys(keeper.tick()) == {Why.DISPUTED}
    assert not stage.liquidations()
    gate.twist = None
    stage.blocks()
    keeper.tick()
    once_each(stage, due)


# ---- the chain


def test_reorg__positions_and_our_transaction_undone__both_followed(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path)
    ids = stage.crowd(4)
    keeper.tick()
    stage.slide(1_955)
    keeper.tick()
    snapshot = stage.rpc.snapshot()
    gone = stage.open(-1, 500)
    stage.price(LOW)
    (look,) = keeper.tick()
    assert look.sent
    keeper.tick()
    assert gone in chain_rows(stage)
    assert {event.id for event in stage.liquidations()} == set(ids)
    stage.rpc.revert(snapshot)
    stage.price(LOW, seconds=61)
    stage.blocks(5)
    assert stage.liquidations() == []
    for _ in range(3):
        keeper.tick()
        stage.blocks()
    assert gone not in chain_rows(stage)
    same_as_chain(stage, keeper)
    assert keeper.metrics.rewinds.labels(stage.market.address)._value.get() == 1
    once_each(stage, ids)
    assert stage.rpc.nonce(addresses()[0]) == 1
    assert entries(keeper, *UNDER_WAY) == []


def test_reorg__deeper_than_remembered__reads_everything_anew(stage: Stage, tmp_path: Path) -> None:
    snapshot = stage.rpc.snapshot()
    stage.blocks()
    keeper = stage.keeper(tmp_path, reorg_depth=2)
    stage.crowd(3)
    keeper.tick()
    for _ in range(4):
        stage.blocks()
        keeper.tick()
    stage.rpc.revert(snapshot)
    stage.price(2_001)
    new = stage.open(1, 200)
    stage.blocks(20)
    keeper.tick()
    same_as_chain(stage, keeper)
    assert keeper.metrics.snapshots.labels(stage.market.address)._value.get() == 2
    assert set(chain_rows(stage)) == {new}


def test_node_behind__nothing_is_undone(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url)
    stage.crowd(2)
    keeper.tick()
    stage.blocks()
    old = stage.rpc.block()
    stage.blocks(3)
    keeper.tick()
    held = keeper.seats[0].store.cursor()

    def behind(method: str, params: list[Any], result: Any) -> Any:
        late = method == "eth_getBlockByNumber" and params[0] == "latest"
        return old if late else result

    gate.twist = behind
    with pytest.raises(NodeDown, match="behind"):
        keeper.tick()
    assert keeper.seats[0].store.cursor() == held
    gate.twist = None
    keeper.tick()


def test_oracle_outage__waits_then_keeps_grace_then_liquidates(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path)
    stage.crowd(3)
    stage.rpc.warp(5_000)  # the feed is silent for longer than its heartbeat
    (look,) = keeper.tick()
    assert [(skip.id, skip.why) for skip in look.skips] == [(0, Why.NO_PRICE)]
    assert "PriceStale" in look.skips[0].detail
    stage.price(2_000)
    stage.market.accrue(sender=stage.people[0])
    stage.slide(LOW)
    assert whys(keeper.tick()) == {Why.IN_GRACE}
    assert not stage.liquidations()
    for _ in range(17):
        stage.price(LOW)
    due = stage.due()
    assert due
    keeper.tick()
    once_each(stage, due)


# ---- the pool of transactions


def test_stuck__bids_more_until_it_is_mined(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    keeper.tick()
    (first,) = entries(keeper, *UNDER_WAY)
    for _ in range(6):  # blocks too dear for it
        stage.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(first.max_fee * 11 // 10))
        stage.blocks()
        keeper.tick()
    bids = keeper.wallet.journal.of_nonce(first.nonce)  # type: ignore[union-attr]
    assert len(bids) >= 2
    assert all(b.max_fee * 100 >= a.max_fee * 112 for a, b in pairwise(bids))
    stage.blocks(2)
    keeper.tick()
    once_each(stage, due)
    states = Counter(one.state for one in keeper.wallet.journal.of_nonce(first.nonce))  # type: ignore[union-attr]
    assert states == {State.MINED: 1, State.REPLACED: len(bids) - 1}


def test_stuck__nothing_left_to_do__withdrawn(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path)
    ids = stage.crowd(2)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    keeper.tick()
    (first,) = entries(keeper, *UNDER_WAY)
    stage.rpc.request("anvil_dropTransaction", first.hash)
    stage.rpc.automine(True)
    for id_ in due:  # the owners top up
        stage.system.token.transfer(stage.market.vaultOf(id_), 10**9, sender=stage.people[6])
    stage.rpc.automine(False)
    keeper.tick()
    assert entries(keeper, *UNDER_WAY)[-1].kind == "withdraw"
    stage.blocks()
    keeper.tick()
    assert entries(keeper, *UNDER_WAY) == []
    assert stage.rpc.nonce(addresses()[0]) == 1
    assert not stage.liquidations()
    assert set(due) <= set(ids)


@pytest.mark.parametrize("forgotten", [False, True])
def test_nonce_gap__is_closed(stage: Stage, tmp_path: Path, forgotten: bool) -> None:
    """The first of two transactions is lost: by the node, or even by the journal."""
    keeper = stage.keeper(tmp_path, max_batch=2)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    keeper.tick()
    first, second = entries(keeper, *UNDER_WAY)
    stage.rpc.request("anvil_dropTransaction", first.hash)
    if forgotten:
        keeper.wallet.journal.set(first, state=State.DROPPED)  # type: ignore[union-attr]
    stage.blocks()
    keeper.tick()
    stage.rpc.automine(True)
    stage.blocks(2)
    for _ in range(3):
        keeper.tick()
        stage.blocks()
    once_each(stage, due)
    assert entries(keeper, *UNDER_WAY) == []
    assert second.nonce == first.nonce + 1


def test_node_fails_between_two_receipts__the_first_is_told_all_the_same(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    """The journal has it as mined by then: it would not be told again."""
    keeper = stage.keeper(tmp_path, node=gate.url, max_batch=2)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    assert len(keeper.tick()[0].sent) == 2
    receipts = 0

    def twist(method: str, params: list[Any], result: Any) -> Any:
        nonlocal receipts
        receipts += method == "eth_getTransactionReceipt"
        if method == "eth_getTransactionReceipt" and receipts == 2:
            raise Gate.Refusal(-32603, "internal error")
        return result

    gate.twist = twist
    stage.blocks()
    with pytest.raises(ChainError, match="internal error"):
        keeper.tick()
    keeper.tick()
    told = keeper.metrics.liquidated.labels(stage.market.address)._value.get()
    assert told == len(due) == len(stage.liquidations())


# ---- others


def test_race__two_keepers__each_position_once_and_the_loser_knows(
    stage: Stage, tmp_path: Path
) -> None:
    keepers = []
    for place, key in enumerate(KEYS[:2]):
        folder = tmp_path / str(place)
        folder.mkdir()
        keepers.append(stage.keeper(folder, key=key))
    stage.crowd(4)
    for one in keepers:
        one.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    for one in keepers:
        assert one.tick()[0].sent
    stage.blocks()
    once_each(stage, due)
    for one in keepers:
        one.tick()
        assert entries(one, *UNDER_WAY) == []
        same_as_chain(stage, one)
    lost = [
        sum(
            sample.value
            for metric in one.metrics.skips.collect()
            for sample in metric.samples
            if sample.labels.get("reason") == "lost" and sample.name.endswith("_total")
        )
        for one in keepers
    ]
    assert sorted(lost) == [0, len(due)]


def test_race__two_keepers_sharing_a_database__do_not_compete(stage: Stage, tmp_path: Path) -> None:
    one, other = (stage.keeper(tmp_path, key=key) for key in KEYS[:2])
    stage.crowd(4)
    one.tick()
    other.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    assert one.tick()[0].sent
    (look,) = other.tick()
    assert look.sent == ()
    assert {skip.why for skip in look.skips} == {Why.TAKEN}
    stage.blocks()
    for _ in range(2):
        one.tick()
        other.tick()
    once_each(stage, due)
    same_as_chain(stage, other)
    assert stage.rpc.nonce(addresses()[1]) == 0
    one.close()
    other.close()
