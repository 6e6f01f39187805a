"""Laws about orders: I-43."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from bulkhead.fuzz.laws.base import (
    WAD,
    Terms,
    equity,
    execution,
    hold,
    initial,
    maintenance,
    notional,
    up,
)
from bulkhead.fuzz.probe import Pos
from bulkhead.model.order_types import NOTHING, Order, OrderKind, OrderStatus
from bulkhead.model.types import Params
from bulkhead.model.wad import YEAR, trunc_div

FEW = 10**6  # wei: roundings of a multiplier
PLACED, FILLED = int(OrderStatus.PLACED), int(OrderStatus.FILLED)


def i_43_open(order: Order, status: int, now: int) -> bool:
    """An order is filled at most once: while it is placed, until its expiry."""
    hold("I-43", status == PLACED, f"filled with status {status}")
    hold("I-43", now <= order.expiry, f"filled at {now}, expired at {order.expiry}")
    return now == order.expiry


def i_43_once(order: Order, status: int) -> bool:
    """No order is placed twice, whatever became of it."""
    hold("I-43", status == OrderStatus.NONE, f"placed with status {status}: {order}")
    return False


def i_43_signed(valid: bool, how: str) -> bool:
    """Nobody's signature but the owner's, for this book, places or cancels an order."""
    hold("I-43", valid, f"a signature was taken that is {how}")
    return False


def i_43_alone(used: bool | None, parent: int | None) -> bool | None:
    """One of a group, and only after its parent. used: the group by another; parent: that one's
    status; None where it has none."""
    if used is None and parent is None:
        return None
    hold("I-43", not used, "filled although another of its group was")
    hold("I-43", parent in (None, FILLED), f"filled with its parent at {parent}")
    return False


def i_43_bound(order: Order, position: tuple[str, int, int]) -> bool:
    """Only the position it was made for: (owner, epoch, phase) before the fill."""
    owner, epoch, phase = position
    hold("I-43", owner == order.owner, f"filled for {order.owner} on a position of {owner}")
    hold("I-43", epoch == order.epoch, f"made in epoch {order.epoch}, filled in {epoch}")
    hold("I-43", phase == order.phase, f"made for phase {order.phase}, filled in {phase}")
    return False


def i_43_time(start: int, published: int, now: int, delay: int, window: int) -> bool:
    """At a mark published strictly later than the delay after its placing (or its parent's fill),
    and no longer ago than the window."""
    first, last = start + delay + 1, published + window
    hold("I-43", published >= first, f"filled at a mark of {published}, before {first}")
    hold("I-43", now <= last, f"filled at {now}, after {last}")
    return published == first or now == last


def i_43_fresh(accepted: int, now: int) -> bool:
    """At the mark that this block took."""
    hold("I-43", accepted == now, f"filled at {now} under a mark taken at {accepted}")
    return False


def i_43_trigger(order: Order, best: int, mark: int) -> bool | None:
    """Its trigger is reached at the mark it fills at."""
    if order.kind == OrderKind.MARKET:
        return None
    level, buys = order.trigger_price, order.size > 0
    if order.kind == OrderKind.TRAILING_STOP:
        follows = up(best * (WAD + order.trail), WAD) if buys else best * (WAD - order.trail) // WAD
        levels = [price for price in (level, follows) if price]
        hold("I-43", bool(levels), "a trailing stop was filled that had no level")
        level = min(levels) if buys else max(levels)
    below = buys == (order.kind == OrderKind.LIMIT)
    reached = mark <= level if below else mark >= level
    hold("I-43", reached, f"filled at {mark} with its trigger at {level}: {order}")
    return mark == level


def i_43_limit(order: Order, fill: int) -> bool:
    """Within its owner's limit."""
    within = fill <= order.price_limit if order.size > 0 else fill >= order.price_limit
    hold("I-43", within, f"filled at {fill}, its limit is {order.price_limit}")
    return fill == order.price_limit


def i_43_size(order: Order, was: int, now: int, said: int) -> bool:
    """What it trades: all of its size, or reduce-only what is left at most; never against itself.
    Sizes of the position before and after (Wad); said: what the book tells."""
    hold("I-43", now - was == said, f"traded {now - was}, said {said}")
    if not order.reduce_only:
        hold("I-43", now - was == order.size, f"asked {order.size}, traded {now - was}")
        hold("I-43", was * order.size >= 0, f"added {order.size} to {was}")
        return False
    hold("I-43", was * order.size < 0, f"reduces {was} by {order.size}")
    hold("I-43", abs(now) < abs(was) and now * was >= 0, f"reduce-only took {was} to {now}")
    most = min(abs(order.size), abs(was))
    hold("I-43", abs(said) == most, f"took {said} of {was}, was asked for {order.size}")
    return abs(was) == abs(order.size)


def i_43_sum(moved: int, said: int) -> bool:
    """Several fills of a position in one call move it by their sum (Wad)."""
    hold("I-43", moved == said, f"moved by {moved}, said {said}")
    return False


def i_43_escrow(held: int, owed: int) -> bool:
    """The book holds the fees of the orders that are placed, refunds that wait, gifts, no more and
    no less (token units)."""
    hold("I-43", held == owed, f"the book holds {held}, and owes {owed}")
    return False


def i_43_paid(found: Mapping[str, int], expected: Mapping[str, int]) -> bool:
    """An order's end pays its fee, once, to whom it is due; its placing takes fee and margin.
    Changes of balances (token units), without vaults and pool."""
    for who in found.keys() | expected.keys():
        one, other = found.get(who, 0), expected.get(who, 0)
        hold("I-43", one == other, f"{who} got {one}, due {other}")
    return False


def i_43_margin(before: int, after: int, locked: int) -> bool:
    """A removal leaves the margin of orders that wait: vault before and after, locked by them."""
    hold("I-43", after >= min(before, locked), f"{after} left of {before}, {locked} is for orders")
    return after == locked


def i_43_ended(order: Order, alive: bool) -> bool:
    """What is over is not ended again, nor advanced."""
    hold("I-43", alive, f"acted on although it is over: {order}")
    return False


def i_43_kept(
    order: Order,
    was: Pos,
    t: Terms,
    sides: tuple[int, int],
    funds: tuple[int, int, int],
    p: Params,
    trusted: bool,
) -> bool:
    """What is neither expired nor void is ended by others only where its owner keeps it from
    filling now: the book is no delegate; or, within its limit, the trade would leave too little of
    the position or of margin. All as the trade finds it; sides: long, short; funds: cash (token
    units), NAV, variance; trusted: the book is a delegate. A trade refused for its margin lacks it
    by exact arithmetic too, but for a few units."""
    delta = order.size
    if order.reduce_only:
        hold("I-43", was.size * delta < 0, f"released, reducing nothing of {was.size}: {order}")
        delta = max(delta, -was.size) if delta < 0 else min(delta, -was.size)
    hold("I-43", order.reduce_only or was.size * delta >= 0, f"released against {was.size}")
    if not trusted:
        return False
    cost, fill, wad = execution(delta, t)
    within = fill <= order.price_limit if delta > 0 else fill >= order.price_limit
    hold("I-43", within, f"released for its limit alone, which forbids {fill}: {order}")
    size, fee = was.size + delta, up(wad, t.unit)
    rest = notional(size, t.mark)
    if size and rest < t.min_notional:
        return rest == t.min_notional - 1
    have, need = equity(was, t, t.mark) - cost - fee * t.unit, 0
    if order.reduce_only:
        need = maintenance(size, t.mark, t) if size else 0
    else:
        free = max(0, _touched(was, t, funds[0]) - fee)
        grown = max(sides[0] + max(0, delta), sides[1] - min(0, delta))
        worth = funds[1] + min(0, cost) - FEW  # a rebate is the pool's
        multiplier = _multiplier(notional(grown, t.mark), worth, funds[2], t.ramp, p)
        have, need = min(have, free * t.unit), initial(size, t.mark, t, multiplier)
    hold("I-43", have < need + 2 * t.unit, f"released with {have} where {need} is enough: {order}")
    return have >= need - t.unit


def _touched(was: Pos, t: Terms, cash: int) -> int:
    """The vault after its funding was settled (token units)."""
    owed = trunc_div(was.size * (t.index - was.entry), WAD)
    whole = abs(owed) // t.unit
    return was.margin - min(whole, was.margin) if owed > 0 else was.margin + min(whole, cash)


def _multiplier(side: int, nav: int, variance: int, ramp: int, p: Params) -> int:
    """Of the initial requirement: at the most by a few wei (Wad)."""
    years = isqrt(p.horizon_secs * WAD * WAD // YEAR) + 1
    factor = up(p.z_score * years, p.brackets[0].mm_rate)
    volatile = up(factor * (isqrt(variance * WAD) + 1), WAD)
    room = min(p.max_open_interest, p.max_utilisation * max(0, nav) // WAD)
    share = up(side * WAD, room) if room else WAD
    deep = WAD + up(p.depth_slope * max(0, share - p.depth_kink), WAD - p.depth_kink)
    return max(ramp, WAD, min(p.mu_max, max(volatile, deep))) + FEW


def i_43_best(order: Order, was: int, best: int, mark: int) -> bool:
    """A trailing stop's best mark is the block's, and better than the one before."""
    hold("I-43", best == mark, f"best {best} at a mark of {mark}")
    better = was == 0 or (best < was if order.size > 0 else best > was)
    hold("I-43", better, f"best {was} to {best} for a size of {order.size}")
    return False


def i_43_front_run(before: int, after: int, funding: int) -> bool:
    """Whoever knows the next mark, and may place, edit, cancel and fill as it likes, gains nothing
    but the funding of the time it held: all it has, before and after (token units)."""
    if after > before + funding:
        hold("I-43", False, f"gained {after - before} from a mark it knew, {funding} by funding")
    return False


def parent_of(order: Order) -> bytes | None:
    """The order's parent, None where it has none."""
    return None if order.parent == NOTHING else order.parent
