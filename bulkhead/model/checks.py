"""The rules that actions share, each raising the contract's typed refusal."""

from __future__ import annotations

from bulkhead.model import acceptance, margin, pricing
from bulkhead.model.core import Core
from bulkhead.model.errors import Refused
from bulkhead.model.ledger import Ledger
from bulkhead.model.types import Address, Mode, Reason
from bulkhead.model.wad import WAD, ceil_div

SIZE_MAX = 2**127 - 1  # of one position or trade
SIDE_MAX = 2**112 - 1  # of all positions of a side


def require(holds: bool, reason: Reason, actual: int, limit: int) -> None:
    """Refuses unless a rule holds."""
    if not holds:
        raise Refused(reason, actual, limit)


def deadline(core: Core, last: int) -> None:
    """The caller's last block time."""
    require(core.now <= last, Reason.DEADLINE_PASSED, core.now, last)


def trader(core: Core, caller: Address) -> None:
    """Where all trades are delayed only the order book makes them."""
    book = core.cfg.order_book
    allowed = not core.cfg.delayed_only or caller == book
    require(allowed, Reason.ORDERS_ONLY, int(caller, 16), int(book, 16))


def mode(core: Core, highest: Mode) -> None:
    """The highest mode that allows an action."""
    held = core.state.mode
    require(held <= highest, Reason.MODE_FORBIDS, int(held), int(highest))


def no_grace(core: Core) -> None:
    """Risk-adding actions wait until the grace is over."""
    end = core.state.resumed_at + core.cfg.grace_secs
    require(not acceptance.in_grace(core), Reason.IN_GRACE, core.now, end)


def price_limit(fill: int, delta: int, limit: int) -> None:
    """A buy at most, a sale at least at the caller's limit."""
    require(fill <= limit if delta > 0 else fill >= limit, Reason.PRICE_LIMIT, fill, limit)


def min_notional(core: Core, size: int) -> None:
    """What stays open must not be dust."""
    n = ceil_div(abs(size) * core.state.mark, WAD)
    require(n >= core.cfg.min_notional, Reason.NOTIONAL_TOO_SMALL, n, core.cfg.min_notional)


def initial_margin(core: Core, books: Ledger, free: int) -> None:
    """min(free margin, equity) >= IM at the mark, on the written post-state."""
    mark = core.state.mark
    have = min(free * core.cfg.unit, books.equity(mark))
    n = ceil_div(abs(books.size) * mark, WAD)
    need = margin.im(n, pricing.im_multiplier(core), core.cfg)
    require(have >= need, Reason.MARGIN_TOO_LOW, have, need)


def size(asked: int) -> None:
    """A size that an argument asks for must fit its word."""
    require(abs(asked) <= SIZE_MAX, Reason.SIZE_TOO_LARGE, asked, SIZE_MAX)


def side_fits(core: Core, sign: int) -> None:
    """The sum of a side must fit its word, on the written post-state."""
    side = core.state.size_short if sign < 0 else core.state.size_long
    require(side <= SIDE_MAX, Reason.SIZE_TOO_LARGE, side, SIDE_MAX)


def caps(core: Core, sign: int) -> None:
    """Skew, open interest and utilisation, on the written post-state."""
    cfg, skew = core.cfg, abs(core.state.skew)
    require(skew <= cfg.max_skew, Reason.SKEW_TOO_LARGE, skew, cfg.max_skew)
    side = pricing.side_notional(core, sign)
    limit = cfg.max_open_interest
    require(side <= limit, Reason.OPEN_INTEREST_TOO_LARGE, side, limit)
    limit = cfg.max_utilisation * max(0, pricing.nav(core)) // WAD
    require(side <= limit, Reason.UTILISATION_TOO_HIGH, side, limit)
