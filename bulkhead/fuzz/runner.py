"""Runs sequences on worlds until the time is over or a law breaks."""

from __future__ import annotations

import gc
import random
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.errors import BadInput
from bulkhead.fuzz import counterexample
from bulkhead.fuzz.engine import Engine
from bulkhead.fuzz.form import HARNESS
from bulkhead.fuzz.judge import Bench, Judge
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder, opening
from bulkhead.fuzz.node import Node
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import START
from bulkhead.fuzz.report import PARTS, Failure, HarnessFailed, Report, rss_mb
from bulkhead.fuzz.revm import Revm
from bulkhead.fuzz.settings import settings
from bulkhead.fuzz.shrink import breaks, smallest, story
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import PHASES, Tally, World
from bulkhead.processes import Stop

ENGINES = ("revm", "anvil")


@dataclass(frozen=True)
class Shape:
    """How long sequences are: bytes of a short and of a long one (six or so for a step)."""

    skin: int
    deep: int
    deep_every: int  # each how many sequences is a deep one; 0: none


@dataclass(frozen=True)
class Plan:
    """One worker's run."""

    engine: str
    seconds: float
    seed: int
    shape: Shape
    drawn: int = 4  # settings that the seed draws, besides the fixed ones
    only: tuple[str, ...] = ()
    worker: int = 0
    workers: int = 1
    shrink: bool = True
    artifacts: Path | None = None  # a folder of compiled contracts
    roomy: bool = False  # code may be larger than chains take (mutants, coverage)


@dataclass(frozen=True)
class Profile:
    """A named plan."""

    minutes: float
    shape: Shape
    drawn: int
    full: bool = False  # an empty reachable bucket fails it


PROFILES = {
    "quick": Profile(0.25, Shape(700, 0, 0), 4),
    "ci": Profile(3, Shape(700, 6_000, 20), 16),
    "nightly": Profile(60, Shape(700, 6_000, 10), 96, full=True),
    "deep": Profile(240, Shape(1_400, 6_000, 2), 96, full=True),
}


def engine(name: str, roomy: bool = False) -> Engine:
    """A new chain."""
    return Revm(START, roomy) if name == "revm" else Node(START, roomy)


def artifacts_in(folder: Path | None) -> Artifacts:
    """Compiled contracts of this project, or of another folder (of mutants, for instance)."""
    if folder is None:
        return default()
    found = Artifacts()
    found.folder = folder
    return found


def stand_up(
    name: str, setting: Setting, bench: Bench, artifacts: Artifacts, roomy: bool = False
) -> World:
    """A world after its opening."""
    try:
        world = World(engine(name, roomy), setting, Judge(bench), artifacts)
    except (Reverted, ChainError) as problem:
        raise Broken("I-50", f"the market can't be stood up: {problem}") from problem
    for op in opening(world):
        world.play(op)
    world.opened = len(world.played)
    # What stands now stays: the collector need not walk through it again and again.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return world


class Worker:
    """Stands its worlds up when they are first drawn, and plays sequence after sequence."""

    def __init__(self, plan: Plan, stop: Stop | None = None) -> None:
        self.plan = plan
        self.stop = stop or Stop()
        self.bench = Bench(plan.only)
        self.artifacts = artifacts_in(plan.artifacts)
        self.settings = settings(plan.seed, plan.drawn)
        self.worlds: dict[int, World] = {}
        self.sequences = 0
        self.memory_mb: list[float] = []
        self.began = time.monotonic()

    def world(self, place: int) -> World:
        """One of the worlds."""
        if place not in self.worlds:
            setting = self.settings[place]
            self.worlds[place] = stand_up(
                self.plan.engine, setting, self.bench, self.artifacts, self.plan.roomy
            )
        return self.worlds[place]

    def prepare(self) -> Failure | None:
        """Stands all worlds up."""
        for place in range(len(self.settings)):
            if self.stop.asked:
                break
            try:
                self.world(place)
            except Broken as problem:
                return self._unopened(place, problem)
            except BadInput:
                raise
            except Exception as problem:
                raise self._crash(place, place, problem, ()) from problem
        return None

    def begin(self, number: int, stop: Stop | None = None) -> None:
        """Goes on as the worker of this number, which counts, and has its time, from here."""
        self.began, self.stop = time.monotonic(), stop or self.stop
        self.plan = replace(self.plan, worker=number)
        self.sequences, self.memory_mb = 0, []
        self.bench.clear()
        for world in self.worlds.values():
            world.tally, world.engine.calls = Tally(), 0

    def report(self) -> Report:
        """What was counted so far."""
        found = Report(sequences=self.sequences, memory_mb=list(self.memory_mb))
        found.checks.update(self.bench.checks)
        found.boundary.update(self.bench.boundary)
        for world in self.worlds.values():
            found.calls += world.engine.calls
            found.steps += world.tally.steps
            found.coverage.update(world.tally.coverage)
            found.outcomes.update(world.tally.outcomes)
            found.burn(world.tally.gas)
            found.worst = max(found.worst, world.tally.worst // 10**world.setting.decimals)
        return found

    def run(self, tell: Callable[[Report], None], every: float = 0.5) -> Failure | None:
        """Until the time is over, a law breaks, or it is asked to stop. `tell` hears of progress;
        raises `HarnessFailed`."""
        plan = self.plan
        end, next_ = self.began + plan.seconds, self.began
        number = plan.worker
        while time.monotonic() < end and not self.stop.asked:
            failure = self.sequence(number, end)
            number += plan.workers
            if failure is not None:
                return failure
            while time.monotonic() - self.began >= plan.seconds * (len(self.memory_mb) + 1) / PARTS:
                self.memory_mb.append(rss_mb())
            if time.monotonic() >= next_:
                tell(self.report())
                next_ = time.monotonic() + every
        return None

    def sequence(self, number: int, end: float = float("inf")) -> Failure | None:
        """Plays the sequence of this number: the same for the same seed, whoever plays it."""
        plan, shape = self.plan, self.plan.shape
        dice = random.Random(f"{plan.seed}:{number}")
        place = number if number < len(self.settings) else dice.randrange(len(self.settings))
        deep = shape.deep_every and number % shape.deep_every == shape.deep_every - 1
        blob = dice.randbytes(shape.deep if deep else shape.skin)
        played: list[Op] = []
        try:
            try:
                world = self.world(place)
            except Broken as problem:
                return self._unopened(place, problem)
            self.sequences += 1
            with world.undone():
                world.begin(dice.randrange(PHASES))
                try:
                    for op in Decoder(world, blob).ops():
                        world.play(op)
                        if time.monotonic() > end or self.stop.asked:
                            break
                    world.finish()
                except Broken as problem:
                    broken, ops = problem, list(world.played[world.opened :])
                    told = world.story
                except Exception:
                    played = list(world.played)
                    raise
                else:
                    return None
        except BadInput:
            raise
        except Exception as problem:  # the harness's own fault, or its chain's: no verdict
            raise self._crash(number, place, problem, played) from problem
        return self._failure(world, broken, ops, told)

    def _crash(
        self, number: int, place: int, problem: Exception, played: Sequence[Op]
    ) -> HarnessFailed:
        """What is told and kept of an error that is no law's: all steps of the market's life."""
        line = f"{type(problem).__name__}: {problem}"[:500]
        where = f"sequence {number} of seed {self.plan.seed}"
        record = counterexample.unopened(self.settings[place], HARNESS, f"{where}: {line}")
        record["trace"] = "".join(traceback.format_exception(problem))
        if played:
            names = self.worlds[place].stage.names()
            record["steps"] = [op.record(names) for op in played]
        return HarnessFailed(f"{where}: {line}", record)

    def _unopened(self, place: int, problem: Broken) -> Failure:
        """A law that breaks before the first sequence: the opening itself is the story."""
        seconds = time.monotonic() - self.began
        name, setting = self.plan.engine, self.settings[place]
        lines: list[str] = []
        found = counterexample.unopened(setting, problem.law, problem.text)
        chain = engine(name, self.plan.roomy)
        try:
            world = World(chain, setting, Judge(self.bench), self.artifacts)
            try:
                for op in opening(world):
                    world.play(op)
            except Broken:
                lines = list(world.story)
                found = counterexample.record(world, problem.law, problem.text, world.played)
        except (Broken, Reverted, ChainError):
            lines = ["stand the market up"]
        finally:
            chain.close()
        return Failure(problem.law, problem.text, tuple(lines), seconds, len(lines), found)

    def _failure(
        self, world: World, problem: Broken, ops: Sequence[Op], told: Sequence[str]
    ) -> Failure:
        seconds, steps = time.monotonic() - self.began, self.report().steps
        fewest, end = list(ops), problem
        opened = len(world.story)
        lines, crashed = told, ""
        try:
            if self.plan.shrink:
                # Where nothing is sampled another law may notice the same fault, or sooner.
                first = breaks(world, ops) or problem
                fewest = smallest(world, ops, first.law, self.stop)
            lines, again = story(world, fewest)
            end = again or problem
        except Exception:  # what broke stays broken, whatever fewer steps do to the harness
            fewest, lines, end = list(ops), told, problem
            crashed = traceback.format_exc()
        found = counterexample.record(world, end.law, end.text, [*world.played, *fewest])
        if crashed:
            found["trace"] = crashed
            lines = [*lines, "(cutting this down crashed: see `trace` in the record)"]
        return Failure(end.law, end.text, tuple(lines[opened:]), seconds, steps, found)

    def close(self) -> None:
        """Ends all chains."""
        for world in self.worlds.values():
            world.engine.close()
