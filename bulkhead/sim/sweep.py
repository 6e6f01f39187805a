"""Thousands of runs over all cores, or over a cluster: the same code, another address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bulkhead import __version__
from bulkhead.errors import BadInput, BulkheadError
from bulkhead.sim.engine import Progress, quiet
from bulkhead.sim.outcome import Outcome
from bulkhead.sim.run import simulate
from bulkhead.sim.scenario import Scenario

if TYPE_CHECKING:
    from distributed import Client

BATCH = 10  # runs in a task
CONNECT_SECS = 10
MAX_RUNS = 1_000_000


@dataclass(frozen=True)
class Case:
    """One point of the grid under one rule. `changes` are to the market file."""

    rule: str
    changes: dict[str, str]
    scenario: Scenario

    @property
    def name(self) -> str:
        """For people."""
        parts = [f"{name} {value}" for name, value in self.changes.items()]
        return ", ".join([self.rule, *parts])


def run_batch(scenario: Scenario, seeds: Sequence[int]) -> list[Outcome]:
    """Runs in this process."""
    return [simulate(scenario, seed) for seed in seeds]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def cluster(workers: int, scheduler: str | None) -> Iterator[Client | None]:
    """A client of a Dask scheduler, of local processes, or None: this process does it alone."""
    if scheduler is None and workers == 1:
        yield None
        return
    with _remote(scheduler) if scheduler else _local(workers) as client:
        yield client


@contextmanager
def _local(workers: int) -> Iterator[Client]:
    from distributed import Client, LocalCluster  # slow to import

    # Tasks are short and alike: no dashboard; memory is flat: no limit is watched.
    options: dict[str, Any] = {"dashboard_address": None, "memory_limit": 0, "silence_logs": 50}
    local = LocalCluster(n_workers=workers, threads_per_worker=1, **options)  # type: ignore[no-untyped-call]
    with local, Client(local) as client:  # type: ignore[no-untyped-call]
        yield client


@contextmanager
def _remote(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECS)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError, TypeError) as problem:
        raise BadInput("Dask scheduler", address, f"it can't be reached: {problem}") from None
    with client:
        _check(client, address)
        yield client


def _check(client: Client, address: str) -> None:
    """Workers must be there, and have this very package."""
    try:
        found = client.run(version)
    except Exception as problem:  # whatever the other side raised, unpickled here
        limit = f"its workers can't import bulkhead: {problem}"
        raise BadInput("Dask scheduler", address, limit) from None
    if not found:
        raise BadInput("Dask scheduler", address, "it has no workers")
    others = sorted({str(one) for one in found.values()} - {__version__})
    if others:
        limit = f"its workers have bulkhead {', '.join(others)}, not {__version__}"
        raise BadInput("Dask scheduler", address, limit)


def version() -> str:
    """Of the package, on whatever machine this runs."""
    return __version__


def sweep(
    cases: Sequence[Case],
    seeds: Sequence[int],
    client: Client | None,
    progress: Progress = quiet,
) -> list[list[Outcome]]:
    """Outcomes by case, in the order of the seeds: the same whoever computed them."""
    batches = [list(seeds[at : at + BATCH]) for at in range(0, len(seeds), BATCH)]
    tasks = [(case, batch) for case in range(len(cases)) for batch in range(len(batches))]
    total, done = len(cases) * len(seeds), 0
    found: dict[tuple[int, int], list[Outcome]] = {}
    for task, outcomes in _results(cases, batches, tasks, client):
        found[task] = outcomes
        done += len(outcomes)
        progress(done, total, cases[task[0]].name)
    return [
        [one for batch in range(len(batches)) for one in found[case, batch]]
        for case in range(len(cases))
    ]


Task = tuple[int, int]


def _results(
    cases: Sequence[Case], batches: list[list[int]], tasks: list[Task], client: Client | None
) -> Iterator[tuple[Task, list[Outcome]]]:
    if client is None:
        for case, batch in tasks:
            yield (case, batch), run_batch(cases[case].scenario, batches[batch])
        return
    from distributed import as_completed

    scenarios = [case.scenario for case in cases]
    shared = client.scatter(scenarios, broadcast=True, hash=False)  # type: ignore[no-untyped-call]
    futures = {
        client.submit(run_batch, shared[case], batches[batch], pure=False): (case, batch)
        for case, batch in tasks
    }
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        try:
            yield futures[future], future.result()
        except BulkheadError:
            raise
        except Exception as problem:  # a worker died, or the cluster is gone
            raise BulkheadError(f"a worker failed: {problem!r}") from problem
