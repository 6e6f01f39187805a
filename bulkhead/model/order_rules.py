"""The rules of an order that need no book: its form, its binding, its direction, its trigger."""

from __future__ import annotations

from bulkhead.model.market import MarketModel
from bulkhead.model.order_types import Order, OrderKind, OrderReason, OrderRefused, require
from bulkhead.model.wad import WAD, ceil_div

SIZE_MAX = 2**112 - 1  # Wad; the most that a side holds
PRICE_MAX = 2**96 - 1
AMOUNT_MAX = 2**128 - 1
TIME_MAX = 2**40 - 1

Verdict = tuple[OrderReason, int, int]


def refuse(verdict: Verdict | None) -> None:
    """Raises what speaks against an order."""
    if verdict is not None:
        raise OrderRefused(*verdict)


def well_formed(order: Order, now: int) -> None:
    """An order's own fields."""
    sized = 0 < abs(order.size) <= SIZE_MAX
    require(sized, OrderReason.BAD_SIZE, order.size, SIZE_MAX)
    trails = order.kind == OrderKind.TRAILING_STOP
    adds = not trails or order.reduce_only
    require(adds, OrderReason.NOT_REDUCE_ONLY, order.kind, int(OrderKind.STOP))
    price, trail = order.trigger_price, order.trail
    if order.kind == OrderKind.MARKET:
        require(price == 0, OrderReason.BAD_TRIGGER, price, 0)
    else:
        require(price > 0 or trails, OrderReason.BAD_TRIGGER, price, 1)
        require(price <= PRICE_MAX, OrderReason.BAD_TRIGGER, price, PRICE_MAX)
    if trails:
        require(trail > 0, OrderReason.BAD_TRIGGER, trail, 1)
        require(trail < WAD, OrderReason.BAD_TRIGGER, trail, WAD - 1)
    else:
        require(trail == 0, OrderReason.BAD_TRIGGER, trail, 0)
    most = 0 if order.reduce_only else AMOUNT_MAX
    require(order.margin <= most, OrderReason.BAD_MARGIN, order.margin, most)
    require(order.keeper_fee <= AMOUNT_MAX, OrderReason.BAD_FEE, order.keeper_fee, AMOUNT_MAX)
    require(order.expiry > now, OrderReason.BAD_EXPIRY, order.expiry, now + 1)
    require(order.expiry <= TIME_MAX, OrderReason.BAD_EXPIRY, order.expiry, TIME_MAX)


def bound(market: MarketModel, order: Order, id_: int) -> Verdict | None:
    """The position must be of the order's owner, and of the epoch that the order was made in."""
    owner, epoch = market.position(id_).owner, market.core.epochs.get(id_, 0)
    if owner != order.owner:
        return OrderReason.WRONG_OWNER, int(owner, 16), int(order.owner, 16)
    if epoch != order.epoch:
        return OrderReason.WRONG_EPOCH, epoch, order.epoch
    return None


def in_phase(market: MarketModel, order: Order, id_: int) -> Verdict | None:
    """The position must not have been opened or closed since."""
    phase = market.position(id_).phase
    return None if phase == order.phase else (OrderReason.WRONG_PHASE, phase, order.phase)


def traded(order: Order, held: int) -> tuple[Verdict | None, int]:
    """What of an order would be traded against a position of size `held` (Wad)."""
    size = order.size
    if order.reduce_only:
        if held == 0:
            return (OrderReason.NOTHING_TO_REDUCE, 0, 1), 0
        if held * size > 0:
            return (OrderReason.WRONG_DIRECTION, size, held), 0
        most = min(abs(size), abs(held))
        return None, most if size > 0 else -most
    if held * size < 0:
        return (OrderReason.WRONG_DIRECTION, size, held), 0
    return None, size


def triggered(order: Order, best: int, mark: int) -> Verdict | None:
    """Whether a mark makes an order due: a limit at its trigger or better for the owner, a stop at
    it or worse."""
    buys, kind = order.size > 0, order.kind
    if kind == OrderKind.MARKET:
        return None
    trigger = order.trigger_price
    if kind == OrderKind.TRAILING_STOP:
        if best == 0 == trigger:
            return OrderReason.NO_TRIGGER, 0, 1
        trigger = stop_level(order, best)
    below = buys == (kind == OrderKind.LIMIT)
    reached = mark <= trigger if below else mark >= trigger
    return None if reached else (OrderReason.TRIGGER_NOT_REACHED, mark, trigger)


def stop_level(order: Order, best: int) -> int:
    """A trailing stop's trigger: the nearer of where it starts and what follows the best mark, of
    which there is one at least. A sale's is rounded down, a buy's up: by less than 1e-18 it fills
    later."""
    if order.size < 0:
        return max(order.trigger_price, best * (WAD - order.trail) // WAD)
    levels = [order.trigger_price, ceil_div(best * (WAD + order.trail), WAD)]
    return min(level for level in levels if level)
