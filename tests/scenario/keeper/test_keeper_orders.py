"""The keeper fills orders on a real chain: those that are due, once, for their fees."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from keeper_stage import Stage
from order_stage import FEE, USD, WAD, Desk, OrderKind, OrderStatus, mixed, same_orders

from bulkhead.keeper.decide import GasUse, Kind, Why
from bulkhead.model.order_types import hash_of

CHEAP = {"min_profit": 0, "native_price": "1"}  # gas costs next to nothing


def test_thirty_mixed_orders__through_a_swing__those_that_the_twin_calls_due(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    mixed(desk)
    keeper = stage.keeper(tmp_path, max_batch=8, **CHEAP)
    keeper.tick()
    assert desk.fills() == []  # too early, all of them
    filled: set[bytes] = set()
    for dollars in (2_000, 2_012, 2_030, 2_022, 2_004, 1_990, 1_972, 1_950):
        stage.price(dollars)
        due = desk.foretold()
        keeper.tick()
        now = desk.with_status(OrderStatus.FILLED)
        assert now - filled == due, f"at {dollars}"
        filled = now
        stage.blocks()
        keeper.tick()  # nothing more to do at the same price
        assert desk.with_status(OrderStatus.FILLED) == filled
        same_orders(desk, keeper)
    assert len(filled) >= 24
    assert {one.kind for one in desk.placed if hash_of(one) in filled} == set(OrderKind)
    found = Counter(bytes(event.orderHash) for event in desk.fills())
    assert found == Counter(dict.fromkeys(filled, 1))
    assert desk.earned() == len(filled) * FEE
    market = stage.market.address
    kinds = {"execute", "execute_many", "advance"}
    done = {k: keeper.metrics.orders_done.labels(market, k)._value.get() for k in kinds}
    assert done["execute"] + done["execute_many"] == len(filled)
    assert done["execute_many"] > done["execute"]
    assert done["advance"] > 0
    keeper.close()


def test_fill__price_limit_not_met__left_with_the_markets_reason(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    bad = desk.place(OrderKind.MARKET, 1, price_limit=1_000 * WAD)
    good = desk.place(OrderKind.MARKET, 1)
    stage.price(2_000)
    (look,) = keeper.tick()
    assert (desk.status(bad), desk.status(good)) == (OrderStatus.PLACED, OrderStatus.FILLED)
    (skip,) = [one for one in look.skips if one.market == desk.book.address]
    assert skip.why == Why.REVERTED
    assert "Refused(reason=" in skip.detail
    keeper.close()


def test_refused_by_the_market__tried_less_and_less_until_something_changes(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    one = desk.place(OrderKind.MARKET, 1, price_limit=1_000 * WAD)
    stage.price(2_000)
    tried = []
    for block in range(12):
        (look,) = keeper.tick()
        if [skip.why for skip in look.skips] == [Why.REVERTED]:
            tried.append(block)
        stage.blocks()
    assert tried == [0, 1, 3, 7]
    vault = stage.market.vaultOf(desk.book.orderState(hash_of(one)).positionId)
    stage.system.token.transfer(vault, 500 * USD, sender=stage.people[6])
    (look,) = keeper.tick()
    assert [skip.why for skip in look.skips] == [Why.REVERTED]
    keeper.close()


def test_kept_from_filling__is_ended_at_the_first_mark_in_time(
    stage: Stage, tmp_path: Path
) -> None:
    """For a quarter of its fee. What the market refuses for other reasons stays."""
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    starved = desk.place(OrderKind.MARKET, 1, margin=5 * USD)
    shut = desk.place(OrderKind.MARKET, 1, who=7)
    dear = desk.place(OrderKind.MARKET, 1, price_limit=1_000 * WAD)
    good = desk.place(OrderKind.MARKET, 1)
    stage.market.setDelegate(0, desk.book.address, 0, sender=stage.people[7])
    keeper.tick()
    assert desk.with_status(OrderStatus.PLACED) == {hash_of(one) for one in desk.placed}
    stage.price(2_000)
    (look,) = keeper.tick()
    assert desk.with_status(OrderStatus.RELEASED) == {hash_of(starved), hash_of(shut)}
    assert (desk.status(dear), desk.status(good)) == (OrderStatus.PLACED, OrderStatus.FILLED)
    assert [skip.why for skip in look.skips] == [Why.REVERTED]  # the price limit's
    kinds = Counter(one.action.kind for one in look.sent)
    assert kinds == {Kind.EXECUTE: 1, Kind.RELEASE: 2}
    assert desk.earned() == FEE + 2 * (FEE // 4)
    use = GasUse().release_kept
    assert use * 0.4 < max(one.action.gas for one in look.sent[1:]) <= use
    stage.blocks()
    keeper.tick()
    same_orders(desk, keeper)
    keeper.close()


def test_without_a_fee__filled_and_ended_by_who_gives_a_subsidy(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    starved = desk.place(OrderKind.MARKET, 1, margin=5 * USD, keeper_fee=0)
    good = desk.place(OrderKind.MARKET, 1, keeper_fee=0)
    stage.price(2_000)
    keeper = stage.keeper(tmp_path, **CHEAP)
    (look,) = keeper.tick()
    assert [skip.why for skip in look.skips] == [Why.UNPROFITABLE] * 2
    keeper.close()
    giving = stage.keeper(tmp_path, order_subsidy="0.01", **CHEAP)
    (look,) = giving.tick()
    assert (desk.status(starved), desk.status(good)) == (OrderStatus.RELEASED, OrderStatus.FILLED)
    assert look.skips == ()
    assert all(-WAD // 100 <= one.action.profit < 0 for one in look.sent)
    giving.close()


def test_refused_by_the_market__is_tried_at_every_new_mark(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    one = desk.place(OrderKind.MARKET, 1, price_limit=1_990 * WAD)
    for dollars in (2_000, 1_999, 1_998):
        stage.price(dollars, seconds=20)
        (look,) = keeper.tick()
        assert [skip.why for skip in look.skips] == [Why.REVERTED]
    stage.price(1_985, seconds=20)
    keeper.tick()
    assert desk.status(one) == OrderStatus.FILLED
    keeper.close()


def test_fill__fee_below_the_gas__is_left_until_gas_is_cheap(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, min_profit=0)
    one = desk.place(OrderKind.MARKET, 1, keeper_fee=USD // 100)
    stage.price(2_000)
    (look,) = keeper.tick()
    assert [skip.why for skip in look.skips] == [Why.UNPROFITABLE]
    assert desk.status(one) == OrderStatus.PLACED
    keeper.close()
    cheap = stage.keeper(tmp_path, **CHEAP)
    cheap.tick()
    assert desk.status(one) == OrderStatus.FILLED
    cheap.close()


def test_bracket__entry_then_one_exit__the_other_is_never_sent(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP)
    entry = desk.place(OrderKind.LIMIT, 1, 1_995)
    pair = {"parent": hash_of(entry), "group": b"\7" * 32, "phase": 1, "reduce_only": True}
    stop = desk.place(OrderKind.STOP, -1, 1_980, margin=0, **pair)
    profit = desk.place(OrderKind.LIMIT, -1, 2_010, margin=0, **pair)
    for dollars in (2_000, 2_011):  # the exits' prices come before the entry's: nothing happens
        stage.price(dollars)
        keeper.tick()
    assert desk.fills() == []
    stage.price(1_994)
    keeper.tick()
    assert desk.with_status(OrderStatus.FILLED) == {hash_of(entry)}
    stage.price(2_012)
    keeper.tick()
    assert desk.status(profit) == OrderStatus.FILLED
    stage.price(1_975)
    keeper.tick()
    assert desk.status(stop) == OrderStatus.PLACED
    assert desk.earned() == 2 * FEE
    keeper.close()


def test_trailing_stop__rises_with_the_price__and_sells_on_the_way_back(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP, advance_share=1)
    one = desk.place(OrderKind.TRAILING_STOP, -1, of=stage.open(1, 400), trail=WAD // 100)
    best = 0
    for dollars in (2_000, 2_001, 2_010, 2_025):
        stage.price(dollars)
        keeper.tick()
        stage.blocks()
        best_before, best = best, desk.book.orderState(hash_of(one)).best // WAD
        assert best == (best_before if dollars == 2_001 else dollars)  # a step is five dollars
    stage.price(2_006)
    keeper.tick()
    assert desk.status(one) == OrderStatus.PLACED
    stage.price(2_004)
    keeper.tick()
    assert desk.status(one) == OrderStatus.FILLED
    keeper.close()


def test_trailing_stop__fee_that_pays_no_advance__needs_the_subsidy(
    stage: Stage, tmp_path: Path
) -> None:
    desk = Desk(stage)
    one = desk.place(
        OrderKind.TRAILING_STOP, -1, of=stage.open(1, 400), trail=WAD // 100, keeper_fee=USD // 100
    )
    stage.price(2_000)
    for folder, subsidy, best in ((tmp_path / "a", 0, 0), (tmp_path / "b", 5, 2_000)):
        folder.mkdir()
        keeper = stage.keeper(folder, min_profit=0, advance_subsidy=subsidy)
        (look,) = keeper.tick()
        assert [skip.why for skip in look.skips] == ([] if subsidy else [Why.UNPROFITABLE])
        assert desk.book.orderState(hash_of(one)).best == best * WAD
        keeper.close()


def test_expired__cleaned_up_where_a_quarter_of_the_fee_pays(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, min_profit=1)
    soon = stage.rpc.time() + 100
    rich = desk.place(OrderKind.LIMIT, 1, 1_000, expiry=soon, keeper_fee=40 * USD)
    poor = desk.place(OrderKind.LIMIT, 1, 1_000, expiry=soon, keeper_fee=USD)
    stage.price(2_000)
    assert keeper.tick()[0].sent == ()
    stage.price(2_000)
    (look,) = keeper.tick()
    assert [one.action.kind for one in look.sent] == [Kind.RELEASE]
    assert (desk.status(rich), desk.status(poor)) == (OrderStatus.RELEASED, OrderStatus.PLACED)
    assert desk.earned() == 10 * USD
    keeper.close()


def test_orders_off__nothing_is_filled(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP, orders=False)
    desk.place(OrderKind.MARKET, 1)
    stage.price(2_000)
    assert keeper.tick()[0].sent == ()
    assert desk.fills() == []
    keeper.close()


def test_dry_run__foretells_the_profit(stage: Stage, tmp_path: Path) -> None:
    desk = Desk(stage)
    keeper = stage.keeper(tmp_path, **CHEAP, key=None)
    desk.place(OrderKind.MARKET, 1)
    stage.price(2_000)
    (look,) = keeper.tick()
    assert [skip.why for skip in look.skips] == [Why.DRY_RUN]
    assert desk.fills() == []
    keeper.close()
