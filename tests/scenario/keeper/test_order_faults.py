"""Orders while nodes die, chains fork, rivals win and processes end: each is filled once."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from gate import Gate
from keeper_stage import KEYS, Stage, addresses, same_as_chain
from order_stage import FEE, Desk, Order, OrderKind, OrderStatus, same_orders
from test_keeper_crash import Killed, dies

from bulkhead.keeper.decide import Why
from bulkhead.keeper.journal import UNDER_WAY, State
from bulkhead.keeper.node import NodeDown, NodeLied
from bulkhead.keeper.service import Keeper
from bulkhead.model.order_types import hash_of

CHEAP = {"min_profit": 0, "native_price": "1"}


def once_each(desk: Desk, orders: list[Order]) -> None:
    """These are filled, nothing else, none twice."""
    found = Counter(bytes(event.orderHash) for event in desk.fills())
    assert found == Counter(hash_of(one) for one in orders)


def test_node_down__goes_on_where_it_was(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, node=gate.url, **CHEAP)
    one = desk.place(OrderKind.MARKET, 1)
    keeper.tick()
    gate.down = True
    two = desk.place(OrderKind.MARKET, 1)
    stage.price(2_000)
    with pytest.raises(NodeDown):
        keeper.tick()
    gate.down = False
    keeper.tick()
    once_each(desk, [one, two])
    keeper.close()


def test_restart__knows_its_orders_without_a_snapshot(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    first = desk.place(OrderKind.LIMIT, 1, 1_990)
    keeper.tick()
    keeper.close()
    second = desk.place(OrderKind.LIMIT, 1, 1_995)
    stage.price(1_989)
    again = stage.keeper(tmp_path, **CHEAP)
    again.tick()
    once_each(desk, [first, second])
    assert again.metrics.snapshots.labels(stage.market.address)._value.get() == 0
    again.close()


def test_new_keeper__reads_the_orders_of_all_blocks(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    orders = [desk.place(OrderKind.LIMIT, 1, 1_900 + n) for n in range(5)]
    desk.book.cancel(orders[0].as_tuple(), sender=stage.people[6])
    keeper = stage.keeper(tmp_path, max_log_range=3, **CHEAP)
    keeper.tick()
    same_orders(desk, keeper)
    assert len(keeper.seats[0].watch.orders) == 4
    keeper.close()


def test_rival__fills_first__the_loser_knows(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keepers = []
    for place, key in enumerate(KEYS[:2]):
        folder = tmp_path / str(place)
        folder.mkdir()
        keepers.append(stage.keeper(folder, key=key, **CHEAP))
    orders = [desk.place(OrderKind.MARKET, 1, who=7) for _ in range(3)]
    stage.price(2_000)
    stage.rpc.automine(False)
    for keeper in keepers:
        assert len(keeper.tick()[0].sent) == 1
    stage.blocks()
    once_each(desk, orders)
    for keeper in keepers:
        keeper.tick()
        assert keeper.wallet.journal.find(*UNDER_WAY) == []  # type: ignore[union-attr]
        same_orders(desk, keeper)
    book = desk.book.address
    lost = [one.metrics.skips.labels(book, Why.LOST.value)._value.get() for one in keepers]
    assert sorted(lost) == [0, 3]
    assert sorted(desk.earned(place) for place in range(2)) == [0, 3 * FEE]
    for keeper in keepers:
        keeper.close()


def test_two_keepers_sharing_a_database__fill_each_once(
    stage: Stage, shared: str, tmp_path: Path
) -> None:
    desk = Desk(stage)
    more = {**CHEAP, "database": shared, "max_batch": 2, "max_transactions": 1}
    keepers = [stage.keeper(tmp_path, key=KEYS[place], **more) for place in range(2)]
    orders = [desk.place(OrderKind.MARKET, 1, who=7) for _ in range(4)]
    stage.price(2_000)
    stage.rpc.automine(False)
    looks = [keeper.tick()[0] for keeper in keepers]
    stage.blocks()
    stage.rpc.automine(True)
    ids = [id_ for look in looks for one in look.sent for id_ in one.action.ids]
    assert len(ids) == len(set(ids)) == 4
    for keeper in keepers:
        keeper.tick()
        same_orders(desk, keeper)
    once_each(desk, orders)
    assert [desk.earned(place) for place in range(2)] == [2 * FEE, 2 * FEE]
    for keeper in keepers:
        keeper.close()


def test_reorg__orders_and_our_fill_undone__both_followed(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    kept = desk.place(OrderKind.MARKET, 1)
    keeper.tick()
    snapshot = stage.rpc.snapshot()
    gone = desk.place(OrderKind.LIMIT, 1, 1_500)
    stage.price(2_000)
    keeper.tick()
    keeper.tick()
    once_each(desk, [kept])
    same_orders(desk, keeper)
    stage.rpc.revert(snapshot)
    stage.price(2_000, seconds=61)
    stage.blocks(5)
    assert desk.status(gone) == OrderStatus.NONE
    for _ in range(3):
        keeper.tick()
        stage.blocks()
    once_each(desk, [kept])
    same_orders(desk, keeper)
    same_as_chain(stage, keeper)
    assert stage.rpc.nonce(addresses()[0]) == 1
    assert desk.earned() == FEE
    keeper.close()


def test_reorg__deeper_than_remembered__orders_are_read_anew(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    snapshot = stage.rpc.snapshot()
    stage.blocks()
    keeper = stage.keeper(tmp_path, reorg_depth=2, **CHEAP)
    gone = desk.place(OrderKind.LIMIT, 1, 1_500)
    for _ in range(4):
        stage.blocks()
        keeper.tick()
    stage.rpc.revert(snapshot)
    stage.price(2_001)
    new = desk.place(OrderKind.LIMIT, 1, 1_400)
    stage.blocks(20)
    keeper.tick()
    assert desk.with_status(OrderStatus.PLACED) == {hash_of(new)}
    assert desk.status(gone) == OrderStatus.NONE
    same_orders(desk, keeper)
    keeper.close()


def test_node_forges_an_order__is_found_out(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    """An order's text is believed for its hash alone."""
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, node=gate.url, **CHEAP)
    keeper.tick()
    one = desk.place(OrderKind.MARKET, 1)
    fee, other = one.keeper_fee.to_bytes(32, "big").hex(), (10**12).to_bytes(32, "big").hex()

    def forge(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs":
            return result
        return [{**entry, "data": entry["data"].replace(fee, other)} for entry in result]

    gate.twist = forge
    with pytest.raises(NodeLied, match="is another"):
        keeper.tick()
    gate.twist = None
    keeper.tick()
    same_orders(desk, keeper)
    keeper.close()


def recover(stage: Stage, desk: Desk, folder: Path) -> Keeper:
    """Another process, until nothing is under way."""
    keeper = stage.keeper(folder, max_batch=2, **CHEAP)
    for _ in range(6):
        stage.blocks()
        keeper.tick()
        under_way = keeper.wallet.journal.find(*UNDER_WAY)  # type: ignore[union-attr]
        if not under_way and not desk.foretold():
            break
    return keeper


@pytest.mark.slow
@pytest.mark.parametrize("after_sending", [False, True])
def test_killed_between_any_two_requests__each_order_once(
    stage: Stage, tmp_path: Path, after_sending: bool
) -> None:
    """In the middle of two batches, at each point in turn."""
    desk = Desk(stage)
    ready = tmp_path / "ready"
    ready.mkdir()
    first = stage.keeper(ready, max_batch=2, **CHEAP)
    orders = [desk.place(OrderKind.MARKET, 1, who=7) for _ in range(4)]
    first.tick()
    first.close()
    stage.price(2_000)
    deaths = 0
    for at in range(1, 100):
        snapshot = stage.rpc.snapshot()
        folder = tmp_path / f"{at}"
        shutil.copytree(ready, folder)
        keeper = stage.keeper(folder, max_batch=2, **CHEAP)
        dies(keeper, at, after_sending)
        killed = False
        try:
            keeper.tick()
        except Killed:
            killed = True
        keeper.close()
        deaths += killed
        again = recover(stage, desk, folder)
        once_each(desk, orders)
        mined = again.wallet.journal.find(State.MINED, State.FINAL)  # type: ignore[union-attr]
        assert stage.rpc.nonce(addresses()[0]) == len(mined) == 2, f"at {at}"
        assert desk.earned() == 4 * FEE
        same_orders(desk, again)
        again.close()
        stage.rpc.revert(snapshot)
        if not killed:
            break
    assert deaths >= (2 if after_sending else 15)
