"""What traders do, step by step: pure decisions from what they see. Integers only."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.demo.mirror import Mirror
from bulkhead.demo.population import MOST_LEVERAGE, Temper, Trader
from bulkhead.model import Result
from bulkhead.model import margin as requirements
from bulkhead.model.errors import Refused
from bulkhead.model.types import Reason
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.moves import ANY_BUY, FOREVER, Move

TOP_UPS = 3  # times a defender tops up before giving up
CLOSE_CALL = 16  # tenths of maintenance margin at which people act
TARGET, STOP = 60, 45  # percent of margin won or lost at which an exit is made
SLIPPAGE = 200  # parts of the mark: half a percent


@dataclass
class Book:
    """What a trader remembers: the position's id (0: none yet), and the money put in."""

    id: int = 0
    paid_in: int = 0  # token units
    taken_out: int = 0
    top_ups: int = 0
    trimmed: bool = False
    scaled: bool = False
    gone: bool = False  # has left, or never came


def _limit(mark: int, delta: int) -> int:
    """The worst fill that is accepted."""
    return mark + mark // SLIPPAGE if delta > 0 else mark - mark // SLIPPAGE


@dataclass(frozen=True)
class Health:
    """A position at a price: equity, maintenance margin and what its margin has become (Wad)."""

    size: int
    notional: int
    equity: int
    maintenance: int


def health(mirror: Mirror, id_: int, price: int) -> Health:
    """Valued at a price that the market may not have accepted yet."""
    core = mirror.twin.core
    size = core.positions[id_].size
    if size == 0:
        return Health(0, 0, core.margin(id_) * core.cfg.unit, 0)
    notional = ceil_div(abs(size) * price, WAD)
    need = requirements.mm(notional, core.state.ramp, core.cfg)
    return Health(size, notional, core.ledger(id_).equity(price), need)


def opening(mirror: Mirror, trader: Trader, price: int) -> Move | None:
    """Open with the margin wanted, or the least that the market takes; None if it takes none."""
    unit = mirror.twin.core.cfg.unit
    notional, room = trader.notional, mirror.twin.balance(trader.account)
    for _ in range(4):  # too large for what is left: half of it
        size = trader.side * (notional * WAD // price)
        asked = notional // trader.leverage if trader.leverage != MOST_LEVERAGE else notional // 25
        margin = asked // unit
        for _ in range(6):
            args = (0, size, margin, _limit(price, size), FOREVER)
            outcome = mirror.try_("open", trader.account, *args)
            if isinstance(outcome, Result):
                return Move(trader.account, "open", args, "opens")
            if not _short_of_margin(outcome):
                break
            margin += ceil_div(outcome.limit - outcome.actual, unit)
            if margin > room:
                break
        notional //= 2
    return None


def _short_of_margin(outcome: object) -> bool:
    return isinstance(outcome, Refused) and outcome.reason == Reason.MARGIN_TOO_LOW


def managing(mirror: Mirror, trader: Trader, book: Book, step: int, price: int) -> Move | None:
    """What the owner of an open position does at this step, if anything."""
    seen = health(mirror, book.id, price)
    if seen.size == 0:
        return _collecting(mirror, trader, book)
    close_call = seen.equity * 10 < seen.maintenance * CLOSE_CALL
    late = step >= trader.leaves
    if trader.temper is Temper.DEFENDS and close_call and book.top_ups < TOP_UPS:
        return _top_up(mirror, trader, book, seen)
    if trader.temper is Temper.TRIMS and not book.trimmed and (close_call or late):
        return _trim(mirror, trader, book, seen, price)
    if trader.temper is Temper.EXITS and (late or _decided(mirror, book, seen)):
        args = (book.id, _limit(price, -seen.size), FOREVER, trader.account)
        return _if_allowed(mirror, Move(trader.account, "close_and_withdraw", args, "closes"))
    if trader.temper is Temper.SCALES:
        return _scale(mirror, trader, book, seen, price, late)
    if trader.temper is Temper.HOLDS and step == trader.leaves:
        return _overreach(mirror, trader, book)
    return None


def _if_allowed(mirror: Mirror, move: Move) -> Move | None:
    """People look at the preview before they sign."""
    return move if isinstance(mirror.try_(move.name, move.actor, *move.args), Result) else None


def _decided(mirror: Mirror, book: Book, seen: Health) -> bool:
    """Profit target or stop reached."""
    paid = book.paid_in * mirror.twin.core.cfg.unit
    gain = (seen.equity - paid) * 100
    return gain >= paid * TARGET or gain <= -paid * STOP


def _top_up(mirror: Mirror, trader: Trader, book: Book, seen: Health) -> Move | None:
    """Back to two and a half times maintenance, by the market or straight to the vault."""
    unit = mirror.twin.core.cfg.unit
    wanted = max(0, seen.maintenance * 25 // 10 - seen.equity)
    amount = min(ceil_div(wanted, unit), mirror.twin.balance(trader.account))
    if amount == 0:
        return None
    if trader.by_transfer:
        args: tuple[object, ...] = (mirror.twin.core.vault(book.id), amount)
        return Move(trader.account, "send", args, "tops up")
    return Move(trader.account, "add_margin", (book.id, amount), "tops up")


def _trim(mirror: Mirror, trader: Trader, book: Book, seen: Health, price: int) -> Move | None:
    delta = -(seen.size // 2) if seen.size > 0 else -seen.size // 2
    args = (book.id, delta, _limit(price, delta), FOREVER)
    return _if_allowed(mirror, Move(trader.account, "decrease", args, "reduces"))


def _scale(
    mirror: Mirror, trader: Trader, book: Book, seen: Health, price: int, late: bool
) -> Move | None:
    """Adds a third in profit; later takes out what may be taken."""
    paid = book.paid_in * mirror.twin.core.cfg.unit
    if not book.scaled and seen.equity * 10 > paid * 13:
        delta = seen.size // 3
        args = (book.id, delta, _limit(price, delta), FOREVER)
        return _if_allowed(mirror, Move(trader.account, "increase", args, "adds"))
    free = mirror.twin.withdrawable(book.id) if late else 0
    if free * 20 > book.paid_in:
        takes = (book.id, free // 2, trader.account)
        return _if_allowed(mirror, Move(trader.account, "remove_margin", takes, "takes out"))
    return None


def _overreach(mirror: Mirror, trader: Trader, book: Book) -> Move:
    """One unit more than may be taken out: chain and twin must refuse it with the same numbers."""
    amount = mirror.twin.withdrawable(book.id) + 1
    return Move(trader.account, "remove_margin", (book.id, amount, trader.account), "overreaches")


def _collecting(mirror: Mirror, trader: Trader, book: Book) -> Move | None:
    """A position that was liquidated whole leaves its rest in the vault: the owner takes it."""
    left = mirror.twin.margin(book.id)
    if left == 0:
        return None
    return Move(trader.account, "remove_margin", (book.id, left, trader.account), "collects")


def remember(book: Book, move: Move, value: object) -> None:
    """Keep in mind a move that was made."""
    name, args = move.name, move.args
    if name == "open":
        book.id, book.paid_in = int(str(value)), args[2]
    elif move.note == "tops up":
        book.paid_in += args[1]
        book.top_ups += 1
    elif name == "decrease":
        book.trimmed = True
    elif name == "increase":
        book.scaled = True
    elif name == "remove_margin":
        book.taken_out += args[1]
    elif name == "close_and_withdraw":
        book.taken_out += int(str(value))
        book.gone = True


__all__ = ["ANY_BUY", "Book", "Health", "health", "managing", "opening", "remember"]
