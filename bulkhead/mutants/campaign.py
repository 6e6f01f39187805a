"""Tries all mutants, several at once; what was tried before under the same code is not repeated."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.mutants.build import FOLDER, Woven, digest, link
from bulkhead.mutants.mutant import Mutant
from bulkhead.mutants.trial import Outcome, trial
from bulkhead.processes import Send, Stop, Task

KILLED, SURVIVED, EQUIVALENT = "killed", "survived", "equivalent"
HELD, FAILED, INVALID, CRASHED = "held", "failed", "does not compile", "crashed"
LATE = "late"  # killed, but not within the budget: no kill of this run's
UNTRIED = "undecided"  # neither killed nor played for the whole budget
CONTROL = Mutant("control", "control", "", "", "", "no mutant is on")
SLACK = 20  # times its budget, until a trial that does not end is stopped
LEAST_WAIT_SECS = 900.0
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Result:
    """A row."""

    mutant: Mutant
    status: str
    outcome: Outcome

    @property
    def wrong(self) -> bool:
        """Whether it tells of a flaw of the suite or of the catalogue."""
        if self.mutant.neutral or self.mutant is CONTROL:
            return self.status != HELD
        if self.mutant.equivalent:
            return self.status != EQUIVALENT
        return self.status != KILLED

    def record(self) -> dict[str, Any]:
        """For docs/mutation.json."""
        mutant, outcome = self.mutant, self.outcome
        return {
            "id": mutant.id,
            "area": mutant.area,
            "file": mutant.file,
            "breaks": mutant.breaks,
            "expected_law": mutant.law,
            "status": self.status,
            "law": outcome.law,
            "seconds": outcome.seconds,
            "steps": outcome.steps,
            "found": outcome.text,
            "reason": mutant.equivalent,
        }


@dataclass(frozen=True)
class Terms:
    """What every trial gets."""

    seed: int = 1
    seconds: float = 120.0  # of the processor
    jobs: int = 2
    fresh: bool = False  # try again what is known


def status_of(mutant: Mutant, outcome: Outcome, budget: float) -> str:
    """The word for it, with so many seconds of the processor. A false alarm is one at any time."""
    if mutant.neutral or mutant is CONTROL:
        return FAILED if outcome.killed else HELD
    if outcome.killed:
        return KILLED if outcome.seconds <= budget else LATE
    return EQUIVALENT if mutant.equivalent else SURVIVED


class Campaign:
    """Mutants of one build."""

    def __init__(self, woven: Woven, terms: Terms, root: Path = ROOT) -> None:
        self.woven, self.terms, self.root = woven, terms, root
        self.folder = woven.folder.parent
        package = root / "bulkhead"
        parts = [package / "fuzz", package / "model"]
        parts += [package / "mutants" / name for name in ("trial.py", "weave.py")]
        self.code = woven.source + digest(parts)

    # ---- known results

    def _path(self, mutant: Mutant) -> Path:
        terms = (self.code, asdict(mutant), self.terms.seed)
        key = hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / "results" / f"{mutant.id}-{key}.json"

    def known(self, mutant: Mutant) -> Outcome | None:
        """From an earlier run of the same code with no smaller budget."""
        try:
            found = json.loads(self._path(mutant).read_text())
            outcome = Outcome(**(found | {"story": tuple(found["story"])}))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        enough = outcome.killed or outcome.seconds >= self.terms.seconds
        return outcome if enough else None

    def tried(self, mutants: Sequence[Mutant]) -> list[Result]:
        """What is known of them by now, without trying any."""
        found = []
        for mutant in mutants:
            outcome = self.known(mutant)
            found.append(
                Result(mutant, UNTRIED, Outcome(False))
                if outcome is None
                else self._result(mutant, outcome)
            )
        return found

    def _result(self, mutant: Mutant, outcome: Outcome) -> Result:
        return Result(mutant, status_of(mutant, outcome, self.terms.seconds), outcome)

    def _keep(self, mutant: Mutant, outcome: Outcome) -> None:
        path = self._path(mutant)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(outcome.record()))

    # ---- trials

    def run(self, mutants: Sequence[Mutant], tell: Tell) -> list[Result]:
        """All of them, in the order given."""
        found: dict[str, Result] = {}
        pending = []
        for mutant in mutants:
            outcome = None if self.terms.fresh else self.known(mutant)
            if outcome is None:
                pending.append(mutant)
            else:
                found[mutant.id] = self._result(mutant, outcome)
        for result in self._tried(pending):
            found[result.mutant.id] = result
            if result.status != CRASHED:
                self._keep(result.mutant, result.outcome)
            why = result.outcome.text if result.status == CRASHED else result.outcome.law
            text = f"{result.mutant.id} {result.status} {why}"
            tell(len(found), len(mutants), text)
        return [found[mutant.id] for mutant in mutants]

    def _tried(self, mutants: Sequence[Mutant]) -> Iterator[Result]:
        running: dict[Connection, Running] = {}
        queue = list(mutants)
        try:
            while queue or running:
                while queue and len(running) < self.terms.jobs:
                    each = Running(queue.pop(0), self)
                    running[each.answers] = each
                ready = wait(list(running), timeout=5.0)
                for each in [each for each in running.values() if each.answers in ready]:
                    yield running.pop(each.answers).result()
                for late in [each for each in running.values() if each.late]:
                    yield running.pop(late.answers).stop("it did not end")
        finally:
            for each in running.values():
                each.stop("")


class Running:
    """A trial in a process of its own: no mutant can take the campaign with it."""

    def __init__(self, mutant: Mutant, campaign: Campaign) -> None:
        self.mutant, self.budget = mutant, campaign.terms.seconds
        terms = campaign.terms
        self.end = time.monotonic() + max(LEAST_WAIT_SECS, terms.seconds * SLACK)
        switch = 0 if mutant is CONTROL else mutant.switch
        self.artifacts = link(
            campaign.woven, switch, campaign.folder / "linked" / mutant.id, campaign.root
        )
        self.task = Task("fork", _answer, self.artifacts, terms.seed, terms.seconds)
        self.answers: Connection = self.task.answers

    @property
    def late(self) -> bool:
        """Whether it should have ended long ago."""
        return time.monotonic() > self.end

    def result(self) -> Result:
        """After it answered or died."""
        try:
            outcome: Outcome | str = self.answers.recv()
        except EOFError:
            outcome = f"its process ended with code {self.task.code}"
        if isinstance(outcome, str):
            return self.stop(outcome)
        self._end()
        return Result(self.mutant, status_of(self.mutant, outcome, self.budget), outcome)

    def stop(self, why: str) -> Result:
        """Ends it without an outcome."""
        self._end()
        return Result(self.mutant, CRASHED, Outcome(False, text=why))

    def _end(self) -> None:
        self.task.end()
        shutil.rmtree(self.artifacts, ignore_errors=True)


def _answer(send: Send, stop: Stop, artifacts: Path, seed: int, seconds: float) -> None:
    try:
        send(trial(artifacts, seed, seconds, stop))
    except BrokenPipeError:
        raise
    except Exception as problem:  # what the harness itself can't stand is told, not hidden
        send(f"{type(problem).__name__}: {problem}"[:500])


__all__ = ["FOLDER", "Campaign", "Result", "Terms"]
