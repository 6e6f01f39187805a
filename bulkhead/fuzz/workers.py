"""Several workers at once, each a process of its own; the first broken law ends all.

They are forks of this process, so that they need not read and compile anything again. What stands
before that serves all of them: the worlds of the engine in process. A node serves one worker.
"""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable
from typing import Any

from bulkhead.fuzz.report import Failure, Report
from bulkhead.fuzz.runner import Plan, Worker

GRACE_SECS = 120.0  # for a worker that is still cutting its counterexample down
CLOSING_SECS = 10.0  # for one that is done and ends its chains
Tell = Callable[[Report], None]


def run(plan: Plan, tell: Tell) -> tuple[Report, Failure | None]:
    """All workers of a plan."""
    if plan.workers == 1:
        worker = Worker(plan)
        try:
            failure = worker.run(tell)
            return worker.report(), failure
        finally:
            worker.close()
    return _many(plan, tell)


def _work(worker: Worker, number: int, out: Any) -> None:
    worker.begin(number)
    try:
        failure = worker.run(lambda report: out.put((number, report, None, False)))
        out.put((number, worker.report(), failure, True))
    finally:
        worker.close()


def _many(plan: Plan, tell: Tell) -> tuple[Report, Failure | None]:
    first = Worker(plan)
    failure = first.prepare() if plan.engine == "revm" else None
    if failure is not None:
        return first.report(), failure
    return forked(first, tell)


def forked(first: Worker, tell: Tell) -> tuple[Report, Failure | None]:
    """Runs forks of a worker, as many as its plan says. What it counted itself is in the report."""
    plan, failure = first.plan, None
    latest: dict[int, Report] = {-1: first.report()}
    context = multiprocessing.get_context("fork")
    out: Any = context.Queue()
    processes = [
        context.Process(target=_work, args=(first, number, out)) for number in range(plan.workers)
    ]
    for process in processes:
        process.start()
    running = set(range(plan.workers))
    end = time.monotonic() + plan.seconds + GRACE_SECS
    try:
        while running and failure is None and time.monotonic() < end:
            try:
                number, report, found, done = out.get(timeout=1.0)
            except queue.Empty:
                dead = {n for n in running if processes[n].exitcode not in (None, 0)}
                if dead:
                    raise RuntimeError(f"workers {sorted(dead)} ended unasked") from None
                continue
            latest[number] = report
            failure = found or failure
            if done:
                running.discard(number)
            tell(total(latest))
        if running and failure is None:
            raise RuntimeError(
                f"workers {sorted(running)} still ran {GRACE_SECS:g} s after their time: "
                "what they found is lost"
            )
    finally:
        for number, process in enumerate(processes):
            if number not in running:
                process.join(CLOSING_SECS)
            process.terminate() if process.is_alive() else None
            process.join()
    return total(latest), failure


def total(reports: dict[int, Report]) -> Report:
    """The sum of all."""
    found = Report()
    for report in reports.values():
        found.add(report)
    return found
