"""The demo from the first block to the last: prices, traders, keeper, liquidity providers, laws."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bulkhead.demo import keeper as keeping
from bulkhead.demo import laws, traders
from bulkhead.demo.laws import LawBook
from bulkhead.demo.metrics import Tally, sample
from bulkhead.demo.mirror import Mined, differences
from bulkhead.demo.observe import Observation, observe
from bulkhead.demo.population import Trader
from bulkhead.demo.settings import Settings
from bulkhead.demo.stage import Stage
from bulkhead.prices.path import BLOCK_SECS
from bulkhead.sim.moves import Move

Progress = Callable[[int, int, str], None]  # done, total, what is going on
PATIENCE = 5  # steps until a trader who was refused tries again


@dataclass
class Run:
    """A run and what came of it."""

    settings: Settings
    stage: Stage
    crowd: tuple[Trader, ...]
    books: list[traders.Book]
    tally: Tally = field(default_factory=Tally)
    laws: LawBook = field(default_factory=LawBook)
    before: Observation | None = None
    after: Observation | None = None
    lp_asked: int | None = None  # step
    lp_left: int | None = None
    seconds: float = 0.0

    # ---- blocks

    def mine(self, step: int) -> list[Mined]:
        """Mine what is queued, count it, and hold the chain to the laws."""
        mirror = self.stage.mirror
        mined = mirror.mine()
        self.tally.count(mined, step, mirror.twin.now)
        self.laws.check("I-50", mirror.blocks, differences(mined))
        for one in mined:
            for event in one.events:
                if event.name == "BadDebt":
                    sums = (event.amount, event.fromInsurance, event.fromPool)
                    self.laws.check("I-32", mirror.blocks, list(laws.bad_debt_adds_up(*sums)))
        return mined

    def inspect(self) -> Observation:
        """Look at the whole chain and check every law of balances and books."""
        stage = self.stage
        twin, block = stage.mirror.twin, stage.mirror.blocks
        seen = observe(stage.system, stage.vaults(), stage.holders, stage.providers)
        unit = twin.core.cfg.unit
        self.laws.check("I-01", block, laws.vaults_hold(seen, twin))
        self.laws.check("I-02", block, laws.tokens_conserved(seen))
        self.laws.check("I-04", block, laws.nav_follows(seen, stage.params, unit))
        self.laws.check("I-05", block, laws.sums_agree(seen))
        self.laws.check("I-07", block, laws.pool_covers(seen, stage.system.pool.address))
        self.laws.check("I-50", block, laws.twin_agrees(seen, twin))
        self.laws.check("I-50", block, laws.views_agree(seen, twin))
        return seen

    # ---- one price

    def step(self, place: int) -> None:
        """A price is published, people act on it, and a block later the keeper."""
        path, mirror, stage = self.settings.path, self.stage.mirror, self.stage
        mirror.begin(path.times[place])
        answer = path.answers[place]
        mirror.do(Move(stage.reporter, "push", (answer, path.times[place])))
        self._providers(place)
        for trader, book in zip(self.crowd, self.books, strict=True):
            self._trader(trader, book, place, path.wad(place))
        mirror.do(Move(stage.keeper, "accrue", note="takes the price"))
        self.mine(place)
        seen = self.inspect()
        if self._keep(place):
            seen = self.inspect()
        insurance = seen.balances[stage.system.fund.address] + seen.state.insuranceDue
        self.tally.samples.append(sample(seen, path.times[place], insurance))

    def _trader(self, trader: Trader, book: traders.Book, place: int, price: int) -> None:
        mirror = self.stage.mirror
        move: Move | None = None
        if book.gone or place < trader.opens:
            return
        if book.id:
            move = traders.managing(mirror, trader, book, place, price)
        elif (place - trader.opens) % PATIENCE == 0:
            move = traders.opening(mirror, trader, price)
        if move is not None:
            played = mirror.do(move)
            if played.error is None:
                traders.remember(book, move, played.value)

    def _providers(self, place: int) -> None:
        """One liquidity provider asks to leave, and takes what each pricing sets aside."""
        stage = self.stage
        if stage.ask_to_leave():
            self.lp_asked = place
        account = stage.mirror.twin.pool.redemptions.folded(stage.leaver)
        if account.shares:
            args = (account.shares, stage.leaver, stage.leaver)
            stage.mirror.do(Move(stage.leaver, "redeem", args, "leaves"))
            self.lp_left = place if self.lp_left is None else self.lp_left

    def _keep(self, place: int) -> bool:
        """The keeper looks, and acts one block later. Whether it did."""
        path, mirror, stage = self.settings.path, self.stage.mirror, self.stage
        following = path.times[place + 1] if place + 1 < len(path) else path.times[place] + 60
        delay = min(BLOCK_SECS, (following - path.times[place]) // 2)
        sighting = keeping.Sighting(
            keeping.seen(stage.system), keeping.foretold(mirror, stage.keeper)
        )
        self.laws.check("I-26", mirror.blocks, sighting.problems)
        if not sighting.seen and not stage.system.lens.marketView(stage.system.market).adlActive:
            return False
        mirror.begin(path.times[place] + delay)
        keeping.keep(stage, sighting.seen)
        self.mine(place)
        return True


def play(settings: Settings, stage: Stage, crowd: Sequence[Trader], progress: Progress) -> Run:
    """The whole run on a stage that is set."""
    started = time.monotonic()
    run = Run(settings, stage, tuple(crowd), [traders.Book() for _ in crowd])
    run.before = run.inspect()
    total = len(settings.path)
    for place in range(total):
        run.step(place)
        progress(place + 1, total, _doing(run))
    stage.mirror.begin(stage.mirror.twin.now + BLOCK_SECS)
    stage.mirror.do(Move(stage.keeper, "sweep_fees"))
    run.mine(total - 1)
    run.after = run.inspect()
    run.seconds = time.monotonic() - started
    return run


def _doing(run: Run) -> str:
    tally = run.tally
    partial = sum(1 for one in tally.liquidations if not one.full)
    return (
        f"price {tally.samples[-1].mark // 10**16 / 100:,.2f}, {tally.opened} opened, "
        f"{tally.top_ups} topped up, {partial}+{len(tally.liquidations) - partial} liquidated, "
        f"{'laws hold' if run.laws.holds else 'LAWS BROKEN'}"
    )
