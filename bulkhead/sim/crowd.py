"""The traders of a simulation: drawn from one generator, watched as arrays.

Each has one position at a time: enters when the draw says, at the leverage it likes or the most
that the market allows, and then does what its style is. People look now and then, not each second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bulkhead.errors import BadInput
from bulkhead.model import margin
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.backend import Done, View
from bulkhead.sim.moves import FOREVER, Move
from bulkhead.sim.table import Health, Table

Ints: TypeAlias = NDArray[np.int64]
MAX_TRADERS = 1_000_000
CLOSE_CALL = 1.6  # times maintenance margin at which people wake up
TOP_UP_TO = 2.5  # times maintenance margin
TOP_UPS = 3
ROOM = 102  # percent of the least margin that the most leveraged put in
SLIPPAGE = 20  # parts of the mark: people accept a fill 5 % away
SPREAD_OF_SIZES = 1.2  # standard deviation of the logarithm of notional


class Style(IntEnum):
    """What a trader does once the position is open."""

    HOLDS = 0  # nothing, come what may
    DEFENDS = 1  # tops up when it gets close, while the purse lasts
    STOPS = 2  # closes when a share of the margin is lost, or won
    TRIMS = 3  # halves the position when it gets close


@dataclass(frozen=True)
class CrowdTerms:
    """Who trades. Shares are of 1.

    `fill`: notional of the larger side wanted, as a share of the open interest cap. `leverages`:
    (share, leverage), 0 standing for the most that the market allows. `styles`: shares by `Style`.
    """

    count: int = 300
    fill: float = 0.6
    long_share: float = 0.57
    leverages: tuple[tuple[float, int], ...] = (
        *((0.18, 0), (0.22, 17), (0.20, 12), (0.16, 8)),
        *((0.12, 5), (0.08, 3), (0.04, 2)),
    )
    styles: tuple[float, float, float, float] = (0.40, 0.22, 0.22, 0.16)
    early_share: float = 0.8  # enter in the first tenth of the path, the others anywhere
    purse: float = 1.0  # times its margin that a trader keeps for top-ups
    stop: float = 0.45  # share of the margin lost at which a stopper closes
    take: float = 0.80  # and won
    attention: int = 15  # looks at least once in so many prices

    def __post_init__(self) -> None:
        shares = sum(share for share, _ in self.leverages)
        rules = (
            ("traders", self.count, 1 <= self.count <= MAX_TRADERS, f"1 to {MAX_TRADERS}"),
            ("fill", self.fill, 0 < self.fill <= 1, "above 0, at most 1"),
            ("long share", self.long_share, 0 <= self.long_share <= 1, "0 to 1"),
            ("early share", self.early_share, 0 <= self.early_share <= 1, "0 to 1"),
            ("shares of leverages", shares, abs(shares - 1) < 1e-9, "they must sum to 1"),
            (
                "shares of styles",
                sum(self.styles),
                abs(sum(self.styles) - 1) < 1e-9,
                "they must sum to 1",
            ),
            ("attention", self.attention, self.attention >= 1, "at least 1 price"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)


@dataclass
class Crowd:
    """Everybody, as columns. `id` 0: no position yet; `gone`: left, or was refused."""

    terms: CrowdTerms
    accounts: Sequence[str]
    notional: list[int]  # Wad, signed by side
    leverage: Ints
    style: Ints
    enters: Ints  # place in the path
    phase: Ints  # looks when the place is this, modulo the attention
    id: Ints
    gone: NDArray[np.bool_]
    paid_in: NDArray[np.float64]  # quote
    top_ups: Ints
    trimmed: NDArray[np.bool_]
    purse: list[int]  # token units left for top-ups

    def __post_init__(self) -> None:
        self._by_account = {account: place for place, account in enumerate(self.accounts)}
        looks = range(self.terms.attention)
        self._awake = [np.flatnonzero(self.phase == phase) for phase in looks]
        order = np.argsort(self.enters, kind="stable")
        self._queue, self._next = order, 0

    # ---- decisions

    def entries(self, place: int, view: View, cfg: Config) -> list[Move]:
        """Those whose time has come."""
        found = []
        while self._next < len(self._queue) and self.enters[self._queue[self._next]] <= place:
            who = int(self._queue[self._next])
            self._next += 1
            found.append(self._open(who, view, cfg))
        return found

    def _open(self, who: int, view: View, cfg: Config) -> Move:
        wanted = self.notional[who]
        size = wanted * WAD // view.mark
        costs = abs(wanted) * (cfg.taker_fee + view.spread + cfg.max_impact) // WAD
        least = margin.im(abs(wanted), view.mu_im(cfg), cfg) * ROOM // 100 + costs
        leverage = int(self.leverage[who])
        asked = max(least, abs(wanted) // leverage) if leverage else least
        tokens = ceil_div(asked, cfg.unit)
        return Move(
            self.accounts[who], "open", (0, size, tokens, _limit(view.mark, size), FOREVER), "opens"
        )

    def reactions(self, place: int, view: View, table: Table, health: Health) -> list[Move]:
        """What people who look at this price do about their positions."""
        who = self._awake[place % self.terms.attention]
        who = who[(self.id[who] > 0) & ~self.gone[who]]
        if len(who) == 0:
            return []
        rows = self.id[who] - 1
        equity, needed = health.equity[rows], health.needed[rows]
        is_open = health.open[rows]
        close = is_open & (equity < CLOSE_CALL * needed)
        style, paid = self.style[who], self.paid_in[who]
        tops = close & (style == Style.DEFENDS) & (self.top_ups[who] < TOP_UPS)
        trims = close & (style == Style.TRIMS) & ~self.trimmed[who]
        lost = equity <= paid * (1 - self.terms.stop)
        exits = is_open & (style == Style.STOPS) & (lost | (equity >= paid * (1 + self.terms.take)))
        found = [self._top_up(one, view, table) for one in who[tops].tolist()]
        found += [self._trim(one, view, table) for one in who[trims].tolist()]
        found += [self._exit(one, view, table) for one in who[exits].tolist()]
        return [move for move in found if move is not None]

    def _top_up(self, who: int, view: View, table: Table) -> Move | None:
        id_ = int(self.id[who])
        equity, needed, _ = table.exact(id_, view)
        wanted = ceil_div(max(0, int(needed * TOP_UP_TO) - equity), table.unit)
        amount = min(wanted, self.purse[who])
        if amount == 0:
            return None
        return Move(self.accounts[who], "add_margin", (id_, amount), "tops up")

    def _trim(self, who: int, view: View, table: Table) -> Move:
        id_ = int(self.id[who])
        size = table.get(id_).size
        delta = -(size // 2) if size > 0 else -size // 2
        args = (id_, delta, _limit(view.mark, delta), FOREVER)
        return Move(self.accounts[who], "decrease", args, "reduces")

    def _exit(self, who: int, view: View, table: Table) -> Move:
        id_ = int(self.id[who])
        limit = _limit(view.mark, -table.get(id_).size)
        account = self.accounts[who]
        return Move(account, "close_and_withdraw", (id_, limit, FOREVER, account), "closes")

    # ---- what came of them

    def remember(self, done: Done, unit: int) -> None:
        """Keep in mind what a move of somebody in the crowd did."""
        who = self._by_account[done.move.actor]
        name, args = done.move.name, done.move.args
        if name == "open":
            self.gone[who] = bool(done.error)
            if not done.error:
                self.id[who] = int(done.value)
                self.paid_in[who] = args[2] * unit / WAD
        elif done.error:
            return
        elif name == "add_margin":
            self.paid_in[who] += args[1] * unit / WAD
            self.top_ups[who] += 1
            self.purse[who] -= args[1]
        elif name == "decrease":
            self.trimmed[who] = True
        elif name == "close_and_withdraw":
            self.gone[who] = True


def _limit(mark: int, delta: int) -> int:
    """The worst fill that is accepted."""
    return mark + mark // SLIPPAGE if delta > 0 else mark - mark // SLIPPAGE


def _sizes(draw: np.random.Generator, terms: CrowdTerms, cfg: Config) -> list[int]:
    """Signed notionals (Wad): lognormal, scaled so that the larger side is what `fill` says."""
    weights = np.exp(SPREAD_OF_SIZES * draw.standard_normal(terms.count))
    sides = np.where(draw.random(terms.count) < terms.long_share, 1.0, -1.0)
    larger = max(weights[sides > 0].sum(), weights[sides < 0].sum())
    quote = terms.fill * cfg.max_open_interest / WAD / larger
    least = cfg.min_notional // WAD * 2  # room for the price to fall
    return [
        int(side) * max(least, round(weight * quote)) * WAD
        for side, weight in zip(sides.tolist(), weights.tolist(), strict=True)
    ]


def draw_crowd(
    draw: np.random.Generator,
    terms: CrowdTerms,
    cfg: Config,
    accounts: Sequence[str],
    steps: int,
) -> Crowd:
    """A trader for each account, over a path of `steps` prices."""
    count = terms.count
    shares = np.cumsum([share for share, _ in terms.leverages])
    kinds = np.array([leverage for _, leverage in terms.leverages])
    last = len(kinds) - 1
    picked = np.minimum(np.searchsorted(shares, draw.random(count), side="right"), last)
    styles = np.searchsorted(np.cumsum(terms.styles), draw.random(count), side="right")
    notional = _sizes(draw, terms, cfg)
    early = draw.random(count) < terms.early_share
    span = np.where(early, max(1, steps // 10), max(1, steps * 9 // 10))
    purse = [int(terms.purse * abs(one) // (12 * cfg.unit)) for one in notional]
    return Crowd(
        terms=terms,
        accounts=accounts[:count],
        notional=notional,
        leverage=kinds[picked].astype(np.int64),
        style=np.minimum(styles, len(Style) - 1).astype(np.int64),
        enters=(draw.random(count) * span).astype(np.int64),
        phase=draw.integers(0, terms.attention, count),
        id=np.zeros(count, dtype=np.int64),
        gone=np.zeros(count, dtype=np.bool_),
        paid_in=np.zeros(count),
        top_ups=np.zeros(count, dtype=np.int64),
        trimmed=np.zeros(count, dtype=np.bool_),
        purse=purse,
    )


def purses(crowd: Crowd, cfg: Config) -> dict[str, int]:
    """Token units each trader brings: the whole notional, whatever the leverage, and the purse."""
    found = {}
    for account, notional, spare in zip(crowd.accounts, crowd.notional, crowd.purse, strict=True):
        found[account] = abs(notional) // cfg.unit + spare
    return found
