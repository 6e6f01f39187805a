"""The laws of orders: a state in which each holds, and violations that it must report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bulkhead.fuzz.laws import access
from bulkhead.fuzz.laws import orders as laws
from bulkhead.fuzz.laws.base import WAD
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.settings import plain
from bulkhead.model.order_types import Order, OrderKind, OrderStatus

from .terms import FLAT, OTHER, TERMS, WELL

ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20
MARK = 2_000 * WAD
BUY = Order(
    owner=ALICE, position_id=1, epoch=2, phase=4, size=10 * WAD, price_limit=MARK, expiry=50
)
SALE = replace(BUY, size=-10 * WAD, phase=5, reduce_only=True)
LIMIT = replace(BUY, kind=OrderKind.LIMIT, trigger_price=MARK)
STOP = replace(SALE, kind=OrderKind.STOP, trigger_price=MARK)
PROFIT = replace(SALE, kind=OrderKind.LIMIT, trigger_price=MARK)
TRAIL = replace(SALE, kind=OrderKind.TRAILING_STOP, trail=WAD // 10, trigger_price=1_700 * WAD)
SHORT_TRAIL = replace(TRAIL, size=10 * WAD, trigger_price=2_300 * WAD)
PLACED, FILLED = int(OrderStatus.PLACED), int(OrderStatus.FILLED)
CANCELLED = int(OrderStatus.CANCELLED)

GREEDY = replace(BUY, price_limit=2 * MARK)
PART = replace(SALE, size=-5 * WAD, price_limit=0)


def kept(
    order: Order, was: Pos, trusted: bool = True, nav: int = 10**7 * WAD, variance: int = 0
) -> Callable[[], bool]:
    sides, funds = (20 * WAD, 10 * WAD), (10**12, nav, variance)
    return lambda: laws.i_43_kept(order, was, TERMS, sides, funds, plain(), trusted)


HOLDING: dict[str, Callable[[], object]] = {
    "I-43 once": lambda: laws.i_43_once(BUY, int(OrderStatus.NONE)),
    "I-43 open": lambda: laws.i_43_open(BUY, PLACED, 50),
    "I-43 signed": lambda: laws.i_43_signed(True, "good"),
    "I-43 alone": lambda: laws.i_43_alone(False, None),
    "I-43 parent": lambda: laws.i_43_alone(False, FILLED),
    "I-43 bound": lambda: laws.i_43_bound(BUY, (ALICE, 2, 4)),
    "I-43 first second": lambda: laws.i_43_time(10, 16, 20, 5, 60),
    "I-43 last second": lambda: laws.i_43_time(10, 30, 90, 5, 60),
    "I-43 fresh": lambda: laws.i_43_fresh(20, 20),
    "I-43 no trigger": lambda: laws.i_43_trigger(BUY, 0, 1),
    "I-43 limit of a buy": lambda: laws.i_43_trigger(LIMIT, 0, MARK),
    "I-43 stop of a sale": lambda: laws.i_43_trigger(STOP, 0, MARK),
    "I-43 take-profit": lambda: laws.i_43_trigger(PROFIT, 0, MARK),
    "I-43 trail": lambda: laws.i_43_trigger(TRAIL, MARK, 1_800 * WAD),
    "I-43 trail's start": lambda: laws.i_43_trigger(TRAIL, 0, 1_700 * WAD),
    "I-43 short's trail": lambda: laws.i_43_trigger(SHORT_TRAIL, MARK + 1, 2_200 * WAD + 2),
    "I-43 price limit": lambda: laws.i_43_limit(BUY, MARK),
    "I-43 size": lambda: laws.i_43_size(BUY, 5 * WAD, 15 * WAD, 10 * WAD),
    "I-43 what is left": lambda: laws.i_43_size(SALE, 4 * WAD, 0, -4 * WAD),
    "I-43 sum": lambda: laws.i_43_sum(5, 5),
    "I-43 escrow": lambda: laws.i_43_escrow(7, 7),
    "I-43 paid": lambda: laws.i_43_paid({ALICE: 5, BOB: -5}, {BOB: -5, ALICE: 5}),
    "I-43 margin": lambda: laws.i_43_margin(9, 5, 5),
    "I-43 little margin": lambda: laws.i_43_margin(3, 3, 5),
    "I-43 kept by its owner": kept(GREEDY, FLAT._replace(margin=3_000_000_000), trusted=False),
    "I-43 kept by its margin": kept(GREEDY, FLAT._replace(margin=900_000_000)),
    "I-43 kept by depth": kept(GREEDY, FLAT._replace(margin=1_400_000_000), nav=30_000 * WAD),
    "I-43 kept by volatility": kept(GREEDY, FLAT._replace(margin=1_400_000_000), variance=40 * WAD),
    "I-43 kept by what it leaves": kept(replace(PART, size=-9_600_000_000_000_000_000), WELL),
    "I-43 kept by a part's loss": kept(PART, WELL._replace(margin=1_000_000_000)),
    "I-43 kept by a close's loss": kept(replace(PART, size=-20 * WAD), WELL._replace(margin=1)),
    "I-43 ended": lambda: laws.i_43_ended(BUY, True),
    "I-43 best": lambda: laws.i_43_best(TRAIL, MARK, MARK + 1, MARK + 1),
    "I-43 first best": lambda: laws.i_43_best(SHORT_TRAIL, 0, MARK, MARK),
    "I-43 front runner": lambda: laws.i_43_front_run(5, 6, 1),
    "I-34 order": lambda: access.i_34_invalid("execute_order", True, "ok 5"),
    "I-34 cancel": lambda: access.i_34_invalid("cancel_order", False, "ok"),
}

PLANTED: dict[str, Callable[[], object]] = {
    "I-43 placed again": lambda: laws.i_43_once(BUY, CANCELLED),
    "I-43 filled twice": lambda: laws.i_43_open(BUY, FILLED, 50),
    "I-43 cancelled, filled": lambda: laws.i_43_open(BUY, CANCELLED, 50),
    "I-43 expired": lambda: laws.i_43_open(BUY, PLACED, 51),
    "I-43 forged": lambda: laws.i_43_signed(False, "stranger's"),
    "I-43 group": lambda: laws.i_43_alone(True, None),
    "I-43 parent waits": lambda: laws.i_43_alone(False, PLACED),
    "I-43 parent unknown": lambda: laws.i_43_alone(False, 0),
    "I-43 another owner": lambda: laws.i_43_bound(BUY, (BOB, 2, 4)),
    "I-43 another epoch": lambda: laws.i_43_bound(BUY, (ALICE, 4, 4)),
    "I-43 another phase": lambda: laws.i_43_bound(BUY, (ALICE, 2, 6)),
    "I-43 too early": lambda: laws.i_43_time(10, 15, 20, 5, 60),
    "I-43 too late": lambda: laws.i_43_time(10, 30, 91, 5, 60),
    "I-43 held mark": lambda: laws.i_43_fresh(19, 20),
    "I-43 limit of a buy": lambda: laws.i_43_trigger(LIMIT, 0, MARK + 1),
    "I-43 limit of a sale": lambda: laws.i_43_trigger(PROFIT, 0, MARK - 1),
    "I-43 stop of a sale": lambda: laws.i_43_trigger(STOP, 0, MARK + 1),
    "I-43 stop of a buy": lambda: laws.i_43_trigger(
        replace(STOP, size=10 * WAD, phase=4, reduce_only=False), 0, MARK - 1
    ),
    "I-43 trail": lambda: laws.i_43_trigger(TRAIL, MARK, 1_800 * WAD + 1),
    "I-43 trail of nothing": lambda: laws.i_43_trigger(replace(TRAIL, trigger_price=0), 0, 1),
    "I-43 short's trail": lambda: laws.i_43_trigger(SHORT_TRAIL, MARK + 1, 2_200 * WAD + 1),
    "I-43 buy above its limit": lambda: laws.i_43_limit(BUY, MARK + 1),
    "I-43 sale below its limit": lambda: laws.i_43_limit(SALE, MARK - 1),
    "I-43 less than asked": lambda: laws.i_43_size(BUY, 0, 9 * WAD, 9 * WAD),
    "I-43 another size told": lambda: laws.i_43_size(BUY, 0, 10 * WAD, 9 * WAD),
    "I-43 against itself": lambda: laws.i_43_size(BUY, -20 * WAD, -10 * WAD, 10 * WAD),
    "I-43 reduce-only adds": lambda: laws.i_43_size(SALE, -WAD, -11 * WAD, -10 * WAD),
    "I-43 reduce-only opens": lambda: laws.i_43_size(SALE, 0, -10 * WAD, -10 * WAD),
    "I-43 reduce-only flips": lambda: laws.i_43_size(SALE, 4 * WAD, -6 * WAD, -10 * WAD),
    "I-43 reduces too little": lambda: laws.i_43_size(SALE, 20 * WAD, 11 * WAD, -9 * WAD),
    "I-43 sum": lambda: laws.i_43_sum(5, 4),
    "I-43 fee kept": lambda: laws.i_43_escrow(8, 7),
    "I-43 fee paid twice": lambda: laws.i_43_escrow(6, 7),
    "I-43 paid to another": lambda: laws.i_43_paid({BOB: 5}, {ALICE: 5}),
    "I-43 half paid": lambda: laws.i_43_paid({ALICE: 2}, {ALICE: 5}),
    "I-43 margin taken": lambda: laws.i_43_margin(9, 4, 5),
    "I-43 little margin taken": lambda: laws.i_43_margin(3, 2, 5),
    "I-43 released, could fill": kept(GREEDY, FLAT._replace(margin=3_000_000_000)),
    "I-43 released for its limit": kept(BUY, FLAT),
    "I-43 released for a sale's limit": kept(
        replace(PART, size=-9_600_000_000_000_000_000, price_limit=2 * MARK), WELL
    ),
    "I-43 released, leaves enough": kept(replace(PART, size=-9_500_000_000_000_000_000), WELL),
    "I-43 released, part could fill": kept(PART, WELL),
    "I-43 released, could close": kept(replace(PART, size=-20 * WAD), WELL),
    "I-43 released, reduces nothing": kept(PART, FLAT, trusted=False),
    "I-43 released, against": kept(GREEDY, OTHER, trusted=False),
    "I-34 ended without a mark": lambda: access.i_34_invalid("release_due", False, "ok"),
    "I-34 release needs a price": lambda: access.i_34_invalid(
        "release_order", False, "PriceStale(1, 2, 3)"
    ),
    "I-43 ended twice": lambda: laws.i_43_ended(BUY, False),
    "I-43 best of a sale falls": lambda: laws.i_43_best(TRAIL, MARK, MARK - 1, MARK - 1),
    "I-43 best of a buy rises": lambda: laws.i_43_best(SHORT_TRAIL, MARK, MARK + 1, MARK + 1),
    "I-43 best of nowhere": lambda: laws.i_43_best(TRAIL, MARK, MARK + 2, MARK + 1),
    "I-43 front runner": lambda: laws.i_43_front_run(5, 7, 1),
    "I-34 order without a mark": lambda: access.i_34_invalid("execute_order", False, "ok 5"),
    "I-34 cancel needs a price": lambda: access.i_34_invalid(
        "cancel_order", False, "PriceStale(1, 2, 3)"
    ),
}
