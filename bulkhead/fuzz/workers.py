"""Several workers at once, each a process of its own; the first broken law ends all."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bulkhead.fuzz.report import Failure, Report
from bulkhead.fuzz.runner import Plan, Worker

GRACE_SECS = 120.0  # for a worker that is still cutting its counterexample down
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


def _work(plan: Plan, out: Any) -> None:
    worker = Worker(plan)
    try:
        failure = worker.run(lambda report: out.put((plan.worker, report, None, False)))
        out.put((plan.worker, worker.report(), failure, True))
    finally:
        worker.close()


def _many(plan: Plan, tell: Tell) -> tuple[Report, Failure | None]:
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    plans = [replace(plan, worker=number) for number in range(plan.workers)]
    processes = [context.Process(target=_work, args=(each, out)) for each in plans]
    for process in processes:
        process.start()
    latest: dict[int, Report] = {}
    failure: Failure | None = None
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
    finally:
        for process in processes:
            process.terminate() if failure or process.is_alive() else None
            process.join()
    return total(latest), failure


def total(reports: dict[int, Report]) -> Report:
    """The sum of all."""
    found = Report()
    for report in reports.values():
        found.add(report)
    return found
