"""Several workers at once, each a process of its own; the first broken law ends all.

They are forks of this process, so that they need not read and compile anything again. What stands
before that serves all of them: the worlds of the engine in process. A node serves one worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from bulkhead.errors import BadInput
from bulkhead.fuzz.report import Failure, HarnessFailed, Report
from bulkhead.fuzz.runner import Plan, Worker
from bulkhead.processes import CLOSING_SECS, Send, Stop, Task

GRACE_SECS = 120.0  # for a worker that is still cutting its counterexample down
LOOK_SECS = 0.2  # how often it is looked whether to stop
Tell = Callable[[Report], None]


def run(plan: Plan, tell: Tell, stop: Stop | None = None) -> tuple[Report, Failure | None]:
    """All workers of a plan, until its time is over, a law breaks or they are asked to stop.
    Raises `HarnessFailed`."""
    first = Worker(plan, stop)
    try:
        if plan.workers == 1:
            failure = first.run(tell)
            return first.report(), failure
        failure = first.prepare() if plan.engine == "revm" else None
        if failure is not None or first.stop.asked:
            return first.report(), failure
        return forked(first, tell)
    finally:
        first.close()


def _work(send: Send, stop: Stop, worker: Worker, number: int) -> None:
    """Sends reports; at its end the last one with what it found, or what went wrong."""
    worker.begin(number, stop)
    try:
        failure = worker.run(lambda report: send((report, None)))
        send((worker.report(), (failure, None)))
    except BrokenPipeError:
        raise
    except HarnessFailed as problem:
        send((worker.report(), (None, (str(problem), problem.record))))
    except Exception as problem:
        text = str(problem) if isinstance(problem, BadInput) else repr(problem)
        send((worker.report(), (None, (f"worker {number}: {text}", None))))
    finally:
        worker.close()


class Crew:
    """Forks of a worker, as many as its plan says, and what they told."""

    def __init__(self, first: Worker) -> None:
        self.latest: dict[int, Report] = {-1: first.report()}  # what the first counted itself
        self.failure: Failure | None = None
        self.crash: tuple[str, dict[str, Any] | None] | None = None
        self.tasks = [Task("fork", _work, first, number) for number in range(first.plan.workers)]
        self.running: dict[Any, int] = {
            task.answers: number for number, task in enumerate(self.tasks)
        }

    def hear(self) -> bool:
        """What was told since then; whether anything was."""
        ready: list[Any] = wait(list(self.running), timeout=LOOK_SECS)
        for answers in ready:
            number = self.running[answers]
            try:
                self.latest[number], end = answers.recv()
            except EOFError:
                code = self.tasks[number].code
                end = (None, (f"worker {number} ended unasked with code {code}", None))
            if end is not None:
                del self.running[answers]
                failure, crash = end
                self.failure, self.crash = self.failure or failure, self.crash or crash
        return bool(ready)

    def dismiss(self) -> None:
        """Ends all; who can end at once is heard out."""
        for task in self.tasks:
            task.ask()
        limit = time.monotonic() + CLOSING_SECS
        while self.running and time.monotonic() < limit:
            self.hear()
        for task in self.tasks:
            if task.answers not in self.running:
                task.process.join(max(0.0, limit - time.monotonic()))  # it closes its chains
            task.end()


def forked(first: Worker, tell: Tell) -> tuple[Report, Failure | None]:
    """Runs forks of a worker, as many as its plan says. What it counted itself is in the report."""
    plan, stop = first.plan, first.stop
    crew = Crew(first)
    end = time.monotonic() + plan.seconds + GRACE_SECS
    late: list[int] = []
    try:
        while crew.running and crew.failure is None and crew.crash is None and not stop.asked:
            if crew.hear():
                tell(total(crew.latest))
            if crew.running and time.monotonic() > end:
                late = sorted(crew.running.values())
                break
    finally:
        crew.dismiss()
    if crew.failure is None and late:
        raise HarnessFailed(
            f"workers {late} still ran {GRACE_SECS:g} s after their time: what they found is lost"
        )
    if crew.failure is None and crew.crash is not None:
        text, record = crew.crash
        raise HarnessFailed(f"seed {plan.seed}: {text}" if record is None else text, record)
    return total(crew.latest), crew.failure


def total(reports: dict[int, Report]) -> Report:
    """The sum of all."""
    found = Report()
    for report in reports.values():
        found.add(report)
    return found
