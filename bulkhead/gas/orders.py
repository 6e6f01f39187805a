"""Orders: placing, filling and ending them, each a transaction of its own.

The book holds another's fee already, as payees of the other measurements hold some; its owners
approved it and made it a delegate in earlier transactions. Fills take a mark, as trades do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bulkhead.chain.contract import events
from bulkhead.chain.rpc import Receipt
from bulkhead.gas.checks import CALM, HIGHER, LOWER, acted
from bulkhead.gas.stage import HOUR, MARGIN, PRICE, SIZE, USD, WAD, Stage, require
from bulkhead.model.order_types import Order, OrderKind, OrderStatus, hash_of
from bulkhead.model.types import Action

FEE = USD // 2
SOON = 2**40 - 1


def _ready(stage: Stage, *who: str) -> None:
    """They let the book take their tokens and trade for them; it holds somebody's fee."""
    book, token, market = stage.book, stage.token, stage.market
    for name in dict.fromkeys((*who, "second_lp")):
        owner = stage.people[name]
        token.approve(book, 2**256 - 1, sender=owner)
        market.setDelegate(0, book, SOON, sender=owner)
    standing = _order(stage, "second_lp", salt=10**6)
    book.place(standing.as_tuple(), sender=standing.owner)


def _order(stage: Stage, who: str, **over: Any) -> Order:
    """Opens a position; pays the keeper half a dollar."""
    given: dict[str, Any] = {
        "owner": stage.people[who],
        "size": SIZE,
        "price_limit": PRICE * WAD * 2,
        "margin": 2 * MARGIN,
        "keeper_fee": FEE,
        "expiry": stage.rpc.time() + 100 * HOUR,
    }
    return Order(**given | over)


def _on(stage: Stage, name: str, id_: int, **over: Any) -> Order:
    """An order on a position that is open."""
    bound = {"position_id": id_, "phase": stage.market.position(id_).phase}
    return _order(stage, name, **bound | over)


def _exit(stage: Stage, id_: int, size: int = SIZE, **over: Any) -> Order:
    """A reduce-only order of the holder's, a long's."""
    terms = {"size": -size, "reduce_only": True, "margin": 0, "price_limit": 0}
    return _on(stage, "holder", id_, **terms | over)


def _place(stage: Stage, order: Order) -> Receipt:
    receipt: Receipt = stage.book.place(order.as_tuple(), sender=order.owner)
    require(_status(stage, order) == OrderStatus.PLACED, "the order is not placed")
    return receipt


def _execute(stage: Stage, order: Order, mark: int, action: Action) -> int:
    keeper = stage.people["keeper"]
    stage.tick(mark)
    before = stage.token.balanceOf(keeper)
    with stage.accruing():
        receipt = stage.book.execute(order.as_tuple(), keeper, sender=keeper)
    require(stage.token.balanceOf(keeper) == before + FEE, "the keeper was not paid")
    require(_status(stage, order) == OrderStatus.FILLED, "the order is not filled")
    return acted(stage, receipt, action)


def _status(stage: Stage, order: Order) -> int:
    return int(stage.book.orderState(hash_of(order)).status)


# ---------------------------------------------------------------- placing


def order_place_open(stage: Stage) -> int:
    """A delayed order to open a first position: its id, its margin locked in its vault, the fee."""
    _ready(stage, "newcomer")
    id_ = stage.market.state().nextId
    receipt = _place(stage, _order(stage, "newcomer"))
    require(stage.market.lockOf(id_, stage.book) == 2 * MARGIN, "the margin is not locked")
    return int(receipt.gas_used)


def order_place_increase(stage: Stage) -> int:
    """To add to a position, with margin."""
    _ready(stage, "holder")
    order = _on(stage, "holder", stage.ids["holder"], size=SIZE // 2, margin=MARGIN)
    return int(_place(stage, order).gas_used)


def order_place_reduce_only(stage: Stage) -> int:
    """To reduce a position; a stop, a take-profit and a trailing stop cost the same."""
    _ready(stage, "holder")
    order = _exit(stage, stage.ids["holder"], kind=OrderKind.STOP, trigger_price=LOWER * WAD)
    return int(_place(stage, order).gas_used)


# ---------------------------------------------------------------- filling


def order_open(stage: Stage) -> int:
    """A delayed open of a first position, its two transactions together."""
    with stage.rpc.isolated():
        placed = order_place_open(stage)
    return placed + order_execute_open(stage)


def order_execute_open(stage: Stage) -> int:
    """The first position opened, its vault included."""
    _ready(stage, "newcomer")
    order = _order(stage, "newcomer")
    id_ = stage.market.state().nextId
    _place(stage, order)
    gas = _execute(stage, order, CALM, Action.OPEN)
    require(stage.rpc.code(stage.market.vaultOf(id_)), "no vault was deployed")
    require(stage.market.position(id_).size == SIZE, "the position is not open")
    return gas


def order_execute_increase(stage: Stage) -> int:
    """A position made larger."""
    _ready(stage, "holder")
    order = _on(stage, "holder", stage.ids["holder"], size=SIZE // 2, margin=MARGIN)
    _place(stage, order)
    return _execute(stage, order, CALM, Action.INCREASE)


def order_execute_decrease(stage: Stage) -> int:
    """Half of it, at a profit."""
    _ready(stage, "holder")
    order = _exit(stage, stage.ids["holder"], SIZE // 2)
    _place(stage, order)
    return _execute(stage, order, HIGHER, Action.DECREASE)


def order_execute_take_profit(stage: Stage) -> int:
    """All of it, at a profit."""
    _ready(stage, "holder")
    terms = {"kind": OrderKind.LIMIT, "trigger_price": HIGHER * WAD}
    order = _exit(stage, stage.ids["holder"], **terms)
    _place(stage, order)
    return _execute(stage, order, HIGHER, Action.CLOSE)


def order_execute_stop(stage: Stage) -> int:
    """All of it, at a loss."""
    _ready(stage, "holder")
    terms = {"kind": OrderKind.STOP, "trigger_price": LOWER * WAD}
    order = _exit(stage, stage.ids["holder"], **terms)
    _place(stage, order)
    return _execute(stage, order, LOWER, Action.CLOSE)


def _trailing(stage: Stage) -> tuple[Order, int]:
    """A trailing stop that was brought up to date, and what that cost."""
    _ready(stage, "holder")
    terms = {"kind": OrderKind.TRAILING_STOP, "trail": WAD // 50}
    order = _exit(stage, stage.ids["holder"], **terms)
    _place(stage, order)
    stage.tick(HIGHER)
    with stage.accruing():
        receipt = stage.book.advance(order.as_tuple(), sender=stage.people["keeper"])
    require(len(events(receipt, "TrailAdvanced", of=stage.book)) == 1, "it did not advance")
    return order, receipt.gas_used


def order_advance(stage: Stage) -> int:
    """A trailing stop's first best mark."""
    return _trailing(stage)[1]


def order_execute_trailing_stop(stage: Stage) -> int:
    """All of it, two per cent below the best mark."""
    order, _ = _trailing(stage)
    return _execute(stage, order, HIGHER * 98 // 100, Action.CLOSE)


def order_execute_many_10_per_order(stage: Stage) -> int:
    """A tenth of the transaction that fills ten take-profits."""
    _ready(stage, "holder")
    terms = {"kind": OrderKind.LIMIT, "trigger_price": HIGHER * WAD}
    orders = [_exit(stage, id_, **terms) for id_ in stage.many]
    for order in orders:
        _place(stage, order)
    stage.tick(HIGHER)
    keeper = stage.people["keeper"]
    with stage.accruing():
        receipt = stage.book.executeMany(
            [order.as_tuple() for order in orders], keeper, sender=keeper
        )
    filled = events(receipt, "OrderFilled", of=stage.book)
    require([one.positionId for one in filled] == stage.many, "not all ten were filled")
    return int(-(-receipt.gas_used // 10))


# ---------------------------------------------------------------- ending


def order_cancel_open(stage: Stage) -> int:
    """An order that would open, its margin free again."""
    _ready(stage, "newcomer")
    order = _order(stage, "newcomer")
    id_ = stage.market.state().nextId
    _place(stage, order)
    receipt = stage.book.cancel(order.as_tuple(), sender=order.owner)
    require(stage.market.lockOf(id_, stage.book) == 0, "the margin is still locked")
    return int(receipt.gas_used)


def order_cancel_reduce_only(stage: Stage) -> int:
    """A stop."""
    _ready(stage, "holder")
    order = _exit(stage, stage.ids["holder"], kind=OrderKind.STOP, trigger_price=LOWER * WAD)
    _place(stage, order)
    receipt = stage.book.cancel(order.as_tuple(), sender=order.owner)
    require(_status(stage, order) == OrderStatus.CANCELLED, "it is not cancelled")
    return int(receipt.gas_used)


def order_edit(stage: Stage) -> int:
    """An opening order's margin raised."""
    _ready(stage, "newcomer")
    order = _order(stage, "newcomer")
    _place(stage, order)
    edited = replace(order, margin=3 * MARGIN)
    receipt = stage.book.edit(order.as_tuple(), edited.as_tuple(), sender=order.owner)
    require(_status(stage, edited) == OrderStatus.PLACED, "it is not placed")
    return int(receipt.gas_used)


def order_release(stage: Stage) -> int:
    """An opening order that expired."""
    _ready(stage, "newcomer")
    order = replace(_order(stage, "newcomer"), expiry=stage.rpc.time() + HOUR)
    _place(stage, order)
    stage.tick(seconds=2 * HOUR)
    keeper = stage.people["keeper"]
    receipt = stage.book.release(order.as_tuple(), keeper, sender=keeper)
    [released] = events(receipt, "OrderReleased", of=stage.book)
    require(released.fee == FEE // 4, "the keeper was not paid a quarter")
    return int(receipt.gas_used)
