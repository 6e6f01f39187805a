"""Workers that do not come back are a failure, never a verdict."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from bulkhead.fuzz import workers
from bulkhead.fuzz.report import HarnessFailed
from bulkhead.fuzz.runner import PROFILES, Plan, Worker


@pytest.fixture
def two() -> Worker:
    """What two workers are forked from, with a second to play."""
    return Worker(Plan("revm", 1.0, 1, PROFILES["quick"].shape, drawn=0, workers=2))


def test_a_worker_that_does_not_end_loses_what_it_found(
    two: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> None:
        time.sleep(60)

    monkeypatch.setattr(workers, "GRACE_SECS", 0.5)
    monkeypatch.setattr(workers, "CLOSING_SECS", 0.5)
    monkeypatch.setattr(Worker, "run", endless)
    began = time.monotonic()
    with pytest.raises(HarnessFailed, match=r"workers \[0, 1\] still ran 0\.5 s after their time"):
        workers.forked(two, lambda _: None)
    assert time.monotonic() - began < 10  # and is not waited for


def test_a_worker_that_dies_is_missed(two: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: Any) -> None:
        os._exit(3)

    monkeypatch.setattr(Worker, "run", dying)
    with pytest.raises(HarnessFailed, match=r"seed 1: worker \d ended unasked with code 3"):
        workers.forked(two, lambda _: None)
