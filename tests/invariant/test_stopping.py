"""Runs that are stopped tell what they saw; they leave nothing behind, killed ones neither."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT

LATEST_SECS = 20.0
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
# Starts two processes of ours that never look whether to stop, and says so.
SLEEPERS = """
import sys, time
from bulkhead.processes import Task

def sleep(send, stop):
    send("up")
    time.sleep(600)

if __name__ == "__main__":
    tasks = [Task(sys.argv[1], sleep) for _ in range(2)]
    for task in tasks:
        task.answers.recv()
    print(*(task.process.pid for task in tasks), flush=True)
    time.sleep(600)
"""


def state(pid: int) -> str:
    """A process's letter; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it may end while it is read
        return ""


def alive(pids: set[int]) -> set[int]:
    """Those that still run; whoever inherited the others may not have reaped them."""
    return {pid for pid in pids if state(pid) not in ("", "Z")}


def below(pid: int) -> set[int]:
    """All that a process started, and what these started."""
    found: set[int] = set()
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            found |= {child} | below(child)
    return found


def until(condition: Callable[[], Any], secs: float = LATEST_SECS) -> float:
    """Waits for it; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < secs, "it never happened"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
def start(artifacts: Artifacts, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `bulkhead fuzz` for a minute, in a group of its own as a terminal does."""
    begun: list[subprocess.Popen[str]] = []

    def run(*options: str) -> subprocess.Popen[str]:
        given = ["fuzz", "--seconds", "60", "--json", "--out", str(tmp_path), *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "bulkhead.cli", *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=ENV,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        for pid in {process.pid, *below(process.pid)}:
            with suppress(ProcessLookupError):  # it may end by itself just now
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def told(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """What a run said in its end, which comes soon."""
    out, err = process.communicate(timeout=LATEST_SECS)
    return json.loads(out), err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_workers_that_are_stopped_tell_what_they_saw(
    start: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = start("--workers", "2")
    until(lambda: len(below(process.pid)) == 2)
    workers = below(process.pid)
    time.sleep(1)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    found, err = told(process)
    assert process.returncode == 3
    assert found["verdict"] == "stopped"
    assert found["steps"] > 0
    assert found["laws"]["I-02"]["checks"] > 0
    assert "Traceback" not in err
    assert not alive(workers)


def test_nodes_are_stopped_and_reaped(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--engine", "anvil", "--workers", "2")
    until(lambda: len(below(process.pid)) >= 6)  # two workers, each with a node and its watchdog
    started = below(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    found, err = told(process)
    assert (process.returncode, found["verdict"]) == (3, "stopped")
    assert "Traceback" not in err
    assert [state(pid) for pid in started if state(pid)] == []  # no zombies either


def test_a_run_of_one_process_stops_too(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--engine", "anvil")
    until(lambda: len(below(process.pid)) >= 2)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    found, err = told(process)
    assert (process.returncode, found["verdict"]) == (3, "stopped")
    assert "Traceback" not in err


@pytest.mark.parametrize("engine", ["revm", "anvil"])
def test_a_parent_that_is_killed_leaves_nothing(
    start: Callable[..., subprocess.Popen[str]], engine: str
) -> None:
    process = start("--workers", "2", "--engine", engine)
    until(lambda: len(below(process.pid)) >= (6 if engine == "anvil" else 2))
    started = below(process.pid)
    process.kill()
    process.wait()
    until(lambda: not alive(started), 10.0)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_look_at_nothing_die_with_their_parent(method: str, tmp_path: Path) -> None:
    file = tmp_path / "sleepers.py"
    file.write_text(SLEEPERS)
    with subprocess.Popen(
        [sys.executable, str(file), method], stdout=subprocess.PIPE, text=True, env=ENV
    ) as parent:
        assert parent.stdout is not None
        started = set(map(int, parent.stdout.readline().split()))
        assert len(alive(started)) == 2
        parent.kill()
    until(lambda: not alive(started), 10.0)
