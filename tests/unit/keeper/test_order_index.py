"""The index of orders names exactly those that time and price allow, whatever came before."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bulkhead.keeper.order_index import OrderIndex, body_of, id_of, order_of
from bulkhead.keeper.store import OrderRow
from bulkhead.model import order_rules
from bulkhead.model.order_types import Order, OrderKind, OrderStatus, hash_of
from bulkhead.model.wad import WAD

DELAY = 12
OWNER = "0x" + "ab" * 20


def order(kind: OrderKind, size: int, trigger: int, salt: int, **more: int) -> Order:
    trailing = kind == OrderKind.TRAILING_STOP
    return Order(
        owner=OWNER, kind=kind, size=size * WAD, reduce_only=trailing,
        trigger_price=0 if kind == OrderKind.MARKET else trigger,
        trail=WAD // 10 if trailing else 0, expiry=more.get("expiry", 10**6), salt=salt,
    )  # fmt: skip


def row(
    one: Order, placed: int = 100, best: int = 0, position: int = 1, status: int = 1
) -> OrderRow:
    trailing = one.kind == OrderKind.TRAILING_STOP
    kept = best if trailing else 0
    return OrderRow(
        "0x" + hash_of(one).hex(), body_of(one), status, placed, position, kept, 1
    )  # fmt: skip


def index(*rows: OrderRow) -> OrderIndex:
    made = OrderIndex(DELAY)
    for one in rows:
        made.put(one)
    return made


def test_body__of_any_order__comes_back_whole() -> None:
    one = Order(
        owner=OWNER, position_id=7, epoch=2, phase=3, kind=OrderKind.STOP, reduce_only=True,
        size=-5, trigger_price=6, trail=0, price_limit=2**255, margin=1, keeper_fee=2,
        expiry=3, parent=b"\1" * 32, group=b"\2" * 32, salt=2**256 - 1,
    )  # fmt: skip
    assert order_of(body_of(one)) == one


kinds = st.sampled_from(list(OrderKind))
prices = st.integers(1, 60)
entries = st.tuples(
    kinds, st.sampled_from([1, -1]), prices, st.integers(100, 140), st.integers(0, 60)
)


@given(
    st.lists(entries, max_size=30),
    st.lists(st.tuples(prices, st.integers(100, 170)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["end", "best", "sleep"])), max_size=8),
)
def test_due__any_orders_and_ticks__are_those_that_the_rules_allow(
    made: list[tuple[OrderKind, int, int, int, int]],
    ticks: list[tuple[int, int]],
    changes: list[tuple[int, str]],
) -> None:
    rows = [
        row(order(kind, side, price, place), placed, best)
        for place, (kind, side, price, placed, best) in enumerate(made)
    ]
    held, asleep, published = index(*rows), set(), 0
    for step, (mark, later) in enumerate(sorted(ticks, key=lambda tick: tick[1])):
        published = later
        found = {one.hash for one in held.due(mark, published)}
        assert found == {
            one.hash
            for one in rows
            if one.status == OrderStatus.PLACED
            and one.hash not in asleep
            and published >= one.changed_at + DELAY + 1
            and order_rules.triggered(order_of(one.body), one.best, mark) is None
        }
        trails = {one.hash for one in held.trailing(mark)}
        assert trails == {
            one.hash
            for one in rows
            if one.status == OrderStatus.PLACED
            and one.hash not in asleep
            and order_of(one.body).kind == OrderKind.TRAILING_STOP
            and published >= one.changed_at + DELAY + 1
            and (
                one.best == 0
                or (mark > one.best if order_of(one.body).size < 0 else mark < one.best)
            )
        }
        for place, what in changes[step::2]:
            if place >= len(rows):
                continue
            one = rows[place]
            if what == "sleep":
                if one.status == OrderStatus.PLACED:
                    held.sleep(one.hash)
                    asleep.add(one.hash)
                continue
            one = (
                replace(one, status=OrderStatus.FILLED)
                if what == "end"
                else replace(one, best=mark if one.best or mark % 2 else 0)
            )
            if order_of(one.body).kind != OrderKind.TRAILING_STOP:
                one = replace(one, best=0)
            rows[place] = one
            held.put(one)
            asleep.clear()  # all are of one position: whatever happens to it wakes them
    assert len(held) == sum(one.status == OrderStatus.PLACED for one in rows)


def test_tick__that_reaches_nothing__names_nobody() -> None:
    many = [row(order(OrderKind.STOP, -1, 1_000 - n, n)) for n in range(500)]
    held = index(*many)
    assert held.due(1_001, 10**6) == []
    assert [one.order.trigger_price for one in held.due(998, 10**6)] == [998, 999, 1_000]


def test_parent__filled_later__starts_the_time_anew() -> None:
    held = index(row(order(OrderKind.MARKET, 1, 0, 0)))
    (one,) = held.due(5, 200)
    held.later(one.hash, 300)
    assert held.due(5, 299) == []
    assert held.due(5, 300) == [one]


def test_wake__another_position__sleeps_on() -> None:
    ours = row(order(OrderKind.MARKET, 1, 0, 0), position=1)
    held = index(ours, row(order(OrderKind.MARKET, 1, 0, 1), position=2))
    held.due(5, 200)
    held.sleep(ours.hash)
    held.wake(2)
    assert [one.position for one in held.due(5, 200)] == [2]
    held.wake(1)
    assert sorted(one.position for one in held.due(5, 200)) == [1, 2]


def test_expired__is_what_the_next_second_can_fill_no_more() -> None:
    held = index(*(row(order(OrderKind.MARKET, 1, 0, n, expiry=500 + n)) for n in range(3)))
    assert [one.order.expiry for one in held.expired(501)] == [500]


def test_id__fits_a_database() -> None:
    assert id_of("0x" + "ff" * 32) == 2**63 - 1
