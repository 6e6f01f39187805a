"""The loop: prices, rounds of the feed, traders, providers, keepers, an attacker, block by block.

Time is the path's. A round of the feed lands in a block of its own; whoever is awake acts at the
path's prices; a keeper acts its latency after the mark that made somebody liquidatable. All decide
from what the block before left.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bulkhead.keeper.decide import Action
from bulkhead.model.wad import WAD
from bulkhead.prices.path import WAD_PER_ANSWER, PricePath
from bulkhead.sim.backend import Backend, Done, View, touched
from bulkhead.sim.crowd import Crowd
from bulkhead.sim.gas import GasPrice
from bulkhead.sim.keepers import Keeper, adl_due, sight
from bulkhead.sim.ledger import Count
from bulkhead.sim.moves import Move
from bulkhead.sim.oracle import Round
from bulkhead.sim.others import Attacker, Provider
from bulkhead.sim.outcome import Outcome, Sample
from bulkhead.sim.table import Health, Table

LAST_SECS = 600  # that keepers get after the last price
Progress = Callable[[int, int, str], None]


def quiet(done: int, total: int, text: str) -> None:
    """Nobody watches."""


@dataclass
class Actors:
    """Everybody who acts."""

    crowd: Crowd
    keepers: list[Keeper]
    providers: list[Provider]
    attacker: Attacker
    reporter: str


@dataclass
class Engine:
    """One run. `rounds` are in the order they land; `max_age` and `grace` are the market's."""

    backend: Backend
    actors: Actors
    path: PricePath
    rounds: Sequence[Round]
    gas: GasPrice
    table: Table
    count: Count
    max_age: int
    samples: list[Sample] | None = None
    view: View = field(init=False)
    below: list[int] = field(default_factory=list)
    blocks: int = 0
    _health: Health | None = None
    _tasks: list[tuple[int, int]] = field(default_factory=list)  # (time, keeper)
    _next: int = 0
    _fresh: bool = False
    _sampled_gwei: float = 0.0

    def __post_init__(self) -> None:
        self.view = self.backend.view()

    def run(self, progress: Progress = quiet) -> Outcome:
        """From the first price to the last, and until keepers are done."""
        total = len(self.path)
        for place in range(total):
            time = self.path.times[place]
            self._until(time)
            self._tick(place, time)
            progress(place + 1, total, f"{self.count.outcome.liquidations} liquidated")
        self._until(self.path.times[-1] + LAST_SECS)
        attacker = self.actors.attacker
        if attacker.id:
            self.count.outcome.attacker_result = self._attacker_worth()
            self.count.outcome.attacker_trades = attacker.trades
        self.count.outcome.lp_fled = sum(one.asked for one in self.actors.providers)
        return self.count.finish(self.view, (one for one in self.table.held if one.size))

    # ---- time

    def _until(self, time: int) -> None:
        """Everything that is due up to a moment, in its order; a round before a keeper."""
        while True:
            lands = self.rounds[self._next].time if self._next < len(self.rounds) else None
            acts = self._tasks[0][0] if self._tasks else None
            if lands is not None and lands <= time and (acts is None or lands <= acts):
                self._next += 1
                self._land(self.rounds[self._next - 1])
            elif acts is not None and acts <= time:
                self._keep(acts)
            else:
                return

    def _block(self, time: int, moves: list[Move]) -> list[Done]:
        """Play a block and take in what it left."""
        ids = {move.args[0] for move in moves if move.name == "deleverage"}
        for move in moves:
            if move.name == "liquidate_many":
                ids.update(move.args[0])
        before = {id_: self.table.get(id_) for id_ in ids}
        done = self.backend.play(max(time, self.view.time + 1), moves)
        changed = sorted({id_ for one in done for id_ in touched(one)})
        found = self.backend.held(changed)
        self.table.put(found)
        self.view = self.backend.view()
        self._health = None
        self.below = [id_ for id_ in self.below if self._still_below(id_)]
        self.blocks += 1
        self.count.block(done, before, {one.id: one for one in found}, self.view)
        return done

    @property
    def health(self) -> Health:
        """Of all positions now."""
        if self._health is None:
            self._health = self.table.health(self.view)
        return self._health

    # ---- what happens

    def _land(self, one: Round) -> None:
        """A round of the feed: its price is taken, and every position is looked at."""
        time = max(one.time, self.view.time + 1)
        push = Move(self.actors.reporter, "push", (one.answer, time))
        self._block(time, [push, Move(self.actors.keepers[0].account, "accrue")])
        self._fresh = True
        self.below = self.table.below(self.view, self.health)
        outcome = self.count.outcome
        outcome.steps += 1
        outcome.position_steps += int(self.health.open.sum())
        self.count.look(self.view)
        self._sample()
        self._call_keepers(time)

    def _call_keepers(self, time: int) -> None:
        if not self._tasks and (self.below or adl_due(self.view, self.backend.cfg)):
            for place, keeper in enumerate(self.actors.keepers):
                heapq.heappush(self._tasks, (time + keeper.terms.latency, place))

    def _keep(self, time: int) -> None:
        """All keepers whose time this is look at the same state and send what pays."""
        cfg = self.backend.cfg
        gwei = self.gas.gwei(time, (self.view.variance / WAD) ** 0.5)
        self._sampled_gwei = gwei
        seen = sight(self.view, cfg, self.table, self.below, time=time, max_age=self.max_age)
        sent: list[tuple[Keeper, Action]] = []
        while self._tasks and self._tasks[0][0] == time:
            keeper = self.actors.keepers[heapq.heappop(self._tasks)[1]]
            sent += [(keeper, action) for action in keeper.decide(seen, gwei)]
        if sent:
            done = self._block(time, [keeper.move(action) for keeper, action in sent])
            for (keeper, action), one in zip(sent, done, strict=True):
                keeper.paid(action, one)

    def _still_below(self, id_: int) -> bool:
        equity, needed, _ = self.table.exact(id_, self.view)
        return self.table.get(id_).size != 0 and equity < needed

    def _tick(self, place: int, time: int) -> None:
        """Traders, providers and the attacker at a price of the path."""
        actors, view, cfg = self.actors, self.view, self.backend.cfg
        moves = actors.crowd.reactions(place, view, self.table, self.health)
        moves += actors.crowd.entries(place, view, cfg)
        of_crowd = len(moves)
        if self._fresh:
            leaving = (one.decide(view, self.backend) for one in actors.providers)
            moves += [move for move in leaving if move is not None]
        self._fresh = False
        attack = self._attack(place)
        moves += [attack] if attack is not None else []
        if moves:
            done = self._block(time, moves)
            for one in done[:of_crowd]:
                actors.crowd.remember(one, cfg.unit)
            if attack is not None:
                actors.attacker.remember(done[-1], view)
        self._call_keepers(time)

    def _attack(self, place: int) -> Move | None:
        attacker = self.actors.attacker
        if attacker.id and attacker.size and self.table.get(attacker.id).size == 0:
            attacker.size = 0  # it was liquidated, or deleveraged
        price = self.path.answers[place] * WAD_PER_ANSWER
        return attacker.decide(price, self.view, self.backend.cfg)

    def _attacker_worth(self) -> float:
        """What it has now less what it brought."""
        attacker, cfg = self.actors.attacker, self.backend.cfg
        left = self.backend.balance(attacker.account) * cfg.unit
        equity, _, _ = self.table.exact(attacker.id, self.view)
        brought = int(2 * attacker.terms.capital * WAD) // cfg.unit * cfg.unit
        return (left + equity - brought) / WAD

    # ---- charts

    def _sample(self) -> None:
        if self.samples is None:
            return
        view = self.view
        self.samples.append(
            Sample(
                time=view.time,
                mark=view.mark / WAD,
                nav=view.nav / WAD,
                insurance=self.count.money(view.insurance),
                long=view.size_long / WAD * view.mark / WAD,
                short=view.size_short / WAD * view.mark / WAD,
                mu=view.ramp / WAD,
                gwei=self._sampled_gwei,
                bad_debt=self.count.outcome.bad_debt,
                open=int(self.health.open.sum()),
            )
        )
