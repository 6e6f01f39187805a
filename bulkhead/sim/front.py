"""Who knows the next price, with and without delayed orders: one attacker against the pool.

Block by block, on the exact twin of market and order book. The attacker sees the price outside, and
each round of the feed with its price before it lands; it moves first and last in every block, and
honest keepers work for nothing: nobody sees more or acts sooner. Its ways:

direct: trades at the market's mark whenever the price outside is further from it than the costs.
orders: the same through the order book; the exit is ordered once the entry is filled.
cancels: orders on both sides at all times. Those that the round about to land would fill badly,
    measured at the price outside, are cancelled just before, and placed anew.
starves: orders on both sides that nobody can fill: the entries' vaults are empty, and the book is
    no delegate for the exits. When the price outside has left the mark behind, it puts that right
    and fills them itself at the old mark.

Keepers fill what they can in every block, and release what is due and kept from filling once they
saw it so `release_after` blocks ago. The attacker has its turn before them in that block, and
places anew after it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import fmean

import numpy as np

from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.params import read
from bulkhead.deploy.schema import MarketFile
from bulkhead.errors import BadInput, BulkheadError
from bulkhead.model import pricing
from bulkhead.model.base import ORDER_BOOK
from bulkhead.model.errors import ModelError
from bulkhead.model.order_types import NAME, VERSION, Domain, Order, OrderReason
from bulkhead.model.orders import OrderBook
from bulkhead.model.wad import WAD
from bulkhead.prices.models import Gbm, path
from bulkhead.prices.path import WAD_PER_ANSWER, PricePath
from bulkhead.sim.calibration import default
from bulkhead.sim.engine import Progress, quiet
from bulkhead.sim.moves import FOREVER, Move
from bulkhead.sim.oracle import OracleTerms, Round, rounds
from bulkhead.sim.stage import planned_nav
from bulkhead.sim.sweep import cores
from bulkhead.sim.twin import TwinBackend

DIRECT, ORDERS, CANCELS, STARVES = "direct", "orders", "cancels", "starves"
WAYS = (DIRECT, ORDERS, CANCELS, STARVES)
ANY = {1: 2**128, -1: 0}
MARKET = ROOT / "markets" / "eth-usd.yaml"
START = 1_735_689_600
PRICE = 2_500.0
GAS = ROOT / "gas" / "snapshot.json"
NEVER = -1  # nobody releases what is kept from filling
# what the attacker sends, by its name there; its orders bring no margin
PLACING, CANCELLING = "order_place_reduce_only", "order_cancel_reduce_only"
ENTERING, LEAVING = "order_execute_increase", "order_execute_decrease"


@dataclass(frozen=True)
class FrontTerms:
    """One experiment. `notional` of each trade and the price's volatility a year as plain
    numbers; `oracle.block` is the length of a block. `gas_gwei`: what the attacker pays for gas.
    `edge`: what must be left of a gap after two taker fees and the spread, for an entry. Below 0 it
    counts on its exit, which it chooses too."""

    market: MarketFile
    oracle: OracleTerms
    way: str = DIRECT
    hours: float = 168.0
    sigma: float = 0.8
    notional: float = 500_000.0
    release_after: int = 1  # blocks
    gas_gwei: float = 2.0
    edge: float = 0.0001

    def __post_init__(self) -> None:
        after = self.release_after
        rules = (
            ("way", self.way, self.way in WAYS, f"one of {', '.join(WAYS)}"),
            ("hours", self.hours, 0 < self.hours <= 8_784, "above 0, at most 8784"),
            ("volatility", self.sigma, 0 < self.sigma <= 20, "above 0, at most 20"),
            ("notional", self.notional, 1_000 <= self.notional <= 1e9, "1000 to 1e9"),
            ("release after", after, NEVER <= after <= 7_200, "-1 (nobody does) to 7200 blocks"),
            ("edge", self.edge, -0.1 <= self.edge <= 0.1, "-0.1 to 0.1"),
            ("gas price", self.gas_gwei, 0 <= self.gas_gwei <= 1e6, "0 to 1e6 gwei"),
        )
        for name, value, holds, limit in rules:
            if not holds:
                raise BadInput(name, value, limit)


@dataclass(frozen=True)
class FrontResult:
    """What came of it, in quote units.

    `taken`: what its trades gave the attacker at the price outside of their moments. It is its
    profit without the luck of holding a position while the price moves; `profit` is with it. `gas`:
    of its orders, which is taken off neither.
    """

    way: str
    taken: float
    gas: float
    profit: float
    pool: float  # change of NAV
    placed: float
    trades: float
    cancelled: float
    released: float
    rounds: float


@dataclass
class _Leg:
    """One side's position and the order on it."""

    side: int
    id: int
    order: Order | None = None
    kept_since: int | None = None  # when keepers first saw its order due and could not fill it


@dataclass
class _Scene:
    """Market, book, people."""

    terms: FrontTerms
    backend: TwinBackend
    book: OrderBook
    attacker: str
    keeper: str
    placed: int = 0
    cancelled: int = 0
    trades: int = 0
    released: int = 0
    taken: int = 0  # token units
    gas: int = 0
    legs: list[_Leg] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = self.backend.twin
        self.capital = int(self.terms.notional * WAD) // self.backend.cfg.unit
        cfg = self.backend.cfg
        self.gas_of: dict[str, int] = json.loads(GAS.read_text(encoding="utf-8"))
        self.costs = (2 * cfg.taker_fee + self.terms.market.oracle.spread) / WAD

    def look(self) -> None:
        """The oracle as it answers now."""
        market = self.market
        market.oracle = self.backend.feed.read(market.state.published_at, market.now)

    def size(self, side: int) -> int:
        return side * int(self.terms.notional * WAD) * WAD // self.market.state.mark

    def held(self, leg: _Leg) -> int:
        return self.market.position(leg.id).size

    def gap(self, outside: int, price: int) -> float:
        """How far the price outside is above a price."""
        return outside / price - 1

    # ---- direct

    def direct(self, outside: int) -> None:
        """At the market's own mark, while it stands."""
        self.look()
        gap = self.gap(outside, self.market.state.mark)
        for leg in self.legs:
            if self.held(leg) == 0:
                if leg.side * gap > self.costs + self.terms.edge:
                    self.trade(leg, self.size(leg.side))
            elif leg.side * gap <= 0:
                self.trade(leg, -self.held(leg))

    def trade(self, leg: _Leg, size: int) -> None:
        market, limit = self.market, ANY[1 if size > 0 else -1]
        if self.held(leg) == 0:
            market.open(self.attacker, leg.id, size, 0, limit, FOREVER)
        else:
            market.close(self.attacker, leg.id, limit, FOREVER)
        self.trades += 1

    # ---- orders

    def place(self, leg: _Leg) -> None:
        """An entry where the leg is flat, else its exit."""
        held, position = self.held(leg), self.market.position(leg.id)
        size = -held or self.size(leg.side)
        self.placed += 1
        self.gas += self.gas_of[PLACING]
        self.trust(leg, FOREVER)
        leg.kept_since = None
        leg.order = Order(
            owner=self.attacker, position_id=leg.id, phase=position.phase,
            epoch=self.market.core.epochs.get(leg.id, 0), reduce_only=bool(held), size=size,
            price_limit=ANY[1 if size > 0 else -1], expiry=FOREVER - 1, salt=self.placed,
        )  # fmt: skip
        self.book.place(self.attacker, leg.order)
        self.trust(leg, 0)

    def trust(self, leg: _Leg, until: int) -> None:
        """Who starves lets the book trade a position only while it wants it to."""
        if self.terms.way == STARVES:
            self.market.set_delegate(self.attacker, leg.id, self.book.address, until)

    def drop(self, leg: _Leg) -> None:
        assert leg.order is not None
        self.book.cancel(self.attacker, leg.order)
        leg.order, self.cancelled = None, self.cancelled + 1
        self.gas += self.gas_of[CANCELLING]

    def fill(self, leg: _Leg, by: str) -> bool:
        """Whether the order on a leg could be filled now."""
        if leg.order is None:
            return False
        self.look()
        try:
            self.book.execute(by, leg.order, by)
        except ModelError:
            return False
        if by == self.attacker:
            self.gas += self.gas_of[LEAVING if leg.order.reduce_only else ENTERING]
        leg.order, self.trades = None, self.trades + 1
        return True

    def keep(self, leg: _Leg) -> None:
        """The keepers' turn: fill, or else release what was kept from filling for long enough."""
        state, after = self.market.state, self.terms.release_after
        if leg.order is None or self.fill(leg, self.keeper) or after == NEVER:
            return
        reason = self.book.check(leg.order, state.mark, state.published_at)[0]
        if reason == OrderReason.NONE and leg.kept_since is None:
            leg.kept_since = self.market.now
        since = leg.kept_since
        if since is not None and self.market.now >= since + after * self.terms.oracle.block:
            try:
                self.book.release(self.keeper, leg.order, self.keeper)
            except ModelError:
                return
            leg.order, self.released = None, self.released + 1

    def before(self, outside: int, landing: Round | None) -> None:
        """The attacker's first turn of a block: it knows what is about to land."""
        way = self.terms.way
        if way == DIRECT:
            self.direct(outside)
        elif way == STARVES:
            for leg in self.legs:
                self.starve(leg, outside)
        elif way == CANCELS and landing is not None:
            gap = self.gap(outside, landing.answer * WAD_PER_ANSWER)
            for leg in self.legs:
                if leg.order is not None and not self.worth_it(leg, gap):
                    self.drop(leg)

    def after(self, outside: int) -> None:
        """Its last turn, when keepers have filled what they could."""
        way = self.terms.way
        if way == DIRECT:
            self.direct(outside)
            return
        gap = self.gap(outside, self.market.state.mark)
        for leg in self.legs:
            flat = self.held(leg) == 0
            if way == STARVES:
                self.starve(leg, outside)
                if leg.order is None:
                    self.place(leg)
            elif leg.order is None and (way == CANCELS or not flat or self.worth_it(leg, gap)):
                self.place(leg)

    def worth_it(self, leg: _Leg, gap: float) -> bool:
        """Whether a leg gains where it trades so far from the price outside."""
        if self.held(leg):
            return leg.side * gap <= 0
        return leg.side * gap > self.costs + self.terms.edge

    def starve(self, leg: _Leg, outside: int) -> None:
        """Lets a leg's order fill once that is worth it at the standing mark. Flat legs' vaults
        are empty till then."""
        market, who = self.market, self.attacker
        held = self.held(leg)
        if held == 0 and market.margin(leg.id):
            self.look()
            market.remove_margin(who, leg.id, market.margin(leg.id), who)
        gap = self.gap(outside, market.state.mark)
        if leg.order is None or not self.worth_it(leg, gap):
            return
        amount = 0 if held else min(self.capital, market.balance(who))
        market.send(who, market.core.vault(leg.id), amount)
        self.trust(leg, FOREVER)
        if not self.fill(leg, who):
            self.trust(leg, 0)
            if amount:
                market.remove_margin(who, leg.id, amount, who)

    # ---- blocks

    def block(self, time: int, outside: int, landing: Round | None) -> None:
        """Attacker, round, keepers, attacker."""
        market = self.market
        market.now = time
        had = self.worth(outside)
        self.before(outside, landing)
        if landing is not None:
            self.backend.feed.push(landing.answer, time)
            self.look()
            market.accrue(self.keeper)
        for leg in self.legs:
            self.keep(leg)
        self.after(outside)
        self.taken += self.worth(outside) - had

    def worth(self, price: int) -> int:
        """What the attacker has (token units), its positions at this price (Wad)."""
        found = self.market.balance(self.attacker)
        for leg in self.legs:
            found += self.market.margin(leg.id)
            position, s = self.market.position(leg.id), self.market.state
            claim = position.size * (price - s.funding_index) // WAD - position.basis
            found += claim // self.backend.cfg.unit
        return found


def _listed(terms: FrontTerms, prices: PricePath) -> _Scene:
    """A market with the liquidity that its file plans for, and an attacker who may trade in it."""
    born = prices.times[0] - 4 * terms.market.pool.deposit_delay
    backend = TwinBackend(terms.market, answer=prices.answers[0], born=born, accounts=3)
    twin, (lp, attacker, keeper) = backend.twin, backend.accounts
    book = OrderBook(twin, Domain(NAME, VERSION, 31_337, ORDER_BOOK))
    scene = _Scene(terms, backend, book, attacker, keeper)
    nav = planned_nav(terms.market) // backend.cfg.unit
    twin.give(lp, nav)
    twin.give(attacker, 2 * scene.capital)
    wait = terms.market.pool.deposit_delay + 60
    for step, move in enumerate(("request_deposit", "", "deposit")):
        twin.now = born + 60 + step * wait
        backend.feed.push(prices.answers[0], twin.now)
        scene.look()
        twin.accrue(keeper)
        if move:
            done = backend.play(twin.now, [Move(lp, move, (nav, lp, lp))])
            if done[0].error:
                raise BulkheadError(f"setting the stage failed: {done[0].error}")
    if terms.way != STARVES:
        twin.set_delegate(attacker, 0, book.address, FOREVER)
    for side in (1, -1):
        leg = _Leg(side, int(twin.reserve(attacker, attacker).value))
        scene.legs.append(leg)
        if terms.way != STARVES:
            twin.send(attacker, twin.core.vault(leg.id), scene.capital)
    return scene


def front(terms: FrontTerms, seed: int) -> FrontResult:
    """One path."""
    of_path, of_feed = np.random.default_rng(seed).spawn(2)
    step = terms.oracle.block
    count = max(2, round(terms.hours * 3_600 / step))
    prices = path(Gbm(terms.sigma), of_path, start=PRICE, time=START, steps=count, step=step)
    landings: Sequence[Round] = list(rounds(prices, terms.oracle, of_feed))
    by_time = {one.time: one for one in landings}
    scene = _listed(terms, prices)
    start, end = (prices.answers[place] * WAD_PER_ANSWER for place in (0, -1))
    brought, nav = scene.worth(start), pricing.nav(scene.market.core)
    for time, answer in zip(prices.times, prices.answers, strict=True):
        scene.block(time, answer * WAD_PER_ANSWER, by_time.get(time))
    unit = scene.backend.cfg.unit
    return FrontResult(
        terms.way,
        scene.taken * unit / WAD,
        scene.gas * terms.gas_gwei * 1e-9 * PRICE,
        (scene.worth(end) - brought) * unit / WAD,
        (pricing.nav(scene.market.core) - nav) / WAD,
        scene.placed,
        scene.trades,
        scene.cancelled,
        scene.released,
        len(landings),
    )


@dataclass(frozen=True)
class Asked:
    """What the command is asked for."""

    runs: int = 4
    seed: int = 1
    hours: float = 48.0
    sigma: float = 0.8
    notional: float = 500_000.0
    fill_window: str | None = None
    delay: str | None = None
    taker_fee: str | None = None
    release_after: int = 1
    gas_gwei: float = 2.0
    edge: float = 0.0001
    ways: str = ",".join(WAYS)
    workers: int | None = None
    market: Path = MARKET

    def terms(self, way: str) -> FrontTerms:
        """Of one way; raises `BadInput`."""
        changes = {"orders.delayed_only": "off" if way == DIRECT else "on"}
        for name, value in (("fill_window", self.fill_window), ("delay", self.delay)):
            if value is not None:
                changes[f"orders.{name}"] = value
        if self.taker_fee is not None:
            changes["fees.taker"] = self.taker_fee
        market, oracle = read(self.market, changes), default().oracle
        return FrontTerms(
            market, oracle, way, self.hours, self.sigma, self.notional,
            self.release_after, self.gas_gwei, self.edge,
        )  # fmt: skip


def play(asked: Asked, progress: Progress = quiet) -> list[FrontResult]:
    """Means over the runs, a row for each way. All ways meet the same paths."""
    if not 1 <= asked.runs <= 10_000:
        raise BadInput("--runs", asked.runs, "1 to 10000")
    ways = asked.ways.split(",")
    jobs = [(asked.terms(way), asked.seed + run) for way in ways for run in range(asked.runs)]
    found: list[FrontResult] = []
    with ProcessPoolExecutor(asked.workers or cores()) as pool:
        for one in pool.map(front, *zip(*jobs, strict=True)):
            found.append(one)
            progress(len(found), len(jobs), one.way)
    return [_mean(way, [one for one in found if one.way == way]) for way in ways]


def _mean(way: str, runs: Sequence[FrontResult]) -> FrontResult:
    names = [one.name for one in fields(FrontResult)][1:]
    return FrontResult(way, *(fmean(getattr(one, name) for one in runs) for name in names))
