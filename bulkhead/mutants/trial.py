"""One mutant against the fuzzer: played until a law breaks or the budget is spent."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bulkhead.fuzz.report import HarnessFailed
from bulkhead.fuzz.runner import PROFILES, Plan, Worker
from bulkhead.processes import Stop

PROFILE = PROFILES["ci"]
DRAWN = 16


@dataclass(frozen=True)
class Outcome:
    """What came of it. Seconds are of the processor: other work on the machine changes nothing."""

    killed: bool
    law: str = ""
    text: str = ""
    seconds: float = 0.0
    steps: int = 0
    story: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """For the cache."""
        return asdict(self)


def plan(artifacts: Path, seed: int, seconds: float) -> Plan:
    """The run that every mutant gets."""
    return Plan(
        engine="revm",
        seconds=seconds,
        seed=seed,
        shape=PROFILE.shape,
        drawn=DRAWN,
        shrink=False,
        artifacts=artifacts,
        roomy=True,
    )


def trial(artifacts: Path, seed: int, seconds: float, stop: Stop | None = None) -> Outcome:
    """Plays sequence after sequence; raises `HarnessFailed`, also where it is asked to stop."""
    began = time.process_time()
    worker = Worker(plan(artifacts, seed, seconds), stop)
    number = 0

    def spent() -> float:
        return time.process_time() - began

    while spent() < seconds:
        failure = worker.sequence(number)
        if worker.stop.asked:
            raise HarnessFailed("it was asked to stop")
        if failure is not None:
            return Outcome(
                True,
                failure.law,
                failure.text,
                round(spent(), 2),
                failure.after_steps,
                failure.story,
            )
        number += 1
    return Outcome(False, seconds=round(spent(), 2), steps=worker.report().steps)
