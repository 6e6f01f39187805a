"""The keeper's process ends at any point, and the node's: what follows is as if it had not."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from keeper_stage import KEYS, Stage, addresses, build

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.keeper.journal import UNDER_WAY, State
from bulkhead.keeper.service import Keeper

LOW = 1_930


class Killed(BaseException):
    """Stands for SIGKILL between two of the keeper's requests to the node."""


def dies(keeper: Keeper, at: int, after_sending: bool) -> None:
    """Lets the keeper die before its request number `at`, or after that sending was taken."""
    asked = [0]
    ask = keeper.rpc.request

    def request(method: str, *params: Any) -> Any:
        sending = method == "eth_sendRawTransaction"
        if after_sending and not sending:
            return ask(method, *params)
        asked[0] += 1
        if asked[0] != at:
            return ask(method, *params)
        if after_sending:
            ask(method, *params)
        raise Killed

    keeper.rpc.request = request  # type: ignore[method-assign]


def recover(stage: Stage, folder: Path) -> Keeper:
    """Another process, until nothing is under way."""
    keeper = stage.keeper(folder, max_batch=2)
    for _ in range(6):
        stage.blocks()
        keeper.tick()
        if not keeper.wallet.journal.find(*UNDER_WAY) and not stage.due():  # type: ignore[union-attr]
            break
    return keeper


@pytest.mark.slow
@pytest.mark.parametrize("after_sending", [False, True])
def test_killed_between_any_two_requests__everything_once(
    stage: Stage, tmp_path: Path, after_sending: bool
) -> None:
    """In the middle of two batches, at each point in turn."""
    ready = tmp_path / "ready"
    ready.mkdir()
    first = stage.keeper(ready, max_batch=2)
    stage.crowd(4)
    first.tick()
    first.close()
    stage.slide(LOW)
    due = stage.due()
    deaths = 0
    for at in range(1, 100):
        snapshot = stage.rpc.snapshot()
        folder = tmp_path / f"{at}"
        shutil.copytree(ready, folder)
        keeper = stage.keeper(folder, max_batch=2)
        dies(keeper, at, after_sending)
        killed = False
        try:
            keeper.tick()
        except Killed:
            killed = True
        keeper.close()
        deaths += killed
        again = recover(stage, folder)
        assert Counter(event.id for event in stage.liquidations()) == Counter(due), f"at {at}"
        mined = again.wallet.journal.find(State.MINED, State.FINAL)  # type: ignore[union-attr]
        assert stage.rpc.nonce(addresses()[0]) == len(mined) == 2
        assert again.wallet.journal.find(*UNDER_WAY) == []  # type: ignore[union-attr]
        rows = {row.id: row.size for row in again.seats[0].store.rows()}
        views = stage.system.lens.positions(stage.market.address, 1, 0)
        assert rows == {view.id: view.size for view in views}
        again.close()
        stage.rpc.revert(snapshot)
        if not killed:
            break
    assert deaths >= (2 if after_sending else 15)


def process(stage: Stage, folder: Path) -> subprocess.Popen[bytes]:
    """The command, in a process of its own."""
    pair = f"{stage.market.address}@{stage.system.lens.address}"
    command = [sys.executable, "-m", "bulkhead.cli", "keeper", "run", pair, "--node", stage.url]
    command += ["--database", f"sqlite:///{folder / 'keeper.db'}", "--min-profit", "0.01"]
    env = {
        **os.environ,
        "BULKHEAD_KEEPER_KEY": KEYS[0],
        "BULKHEAD_KEEPER_MAX_BATCH": "2",
        "BULKHEAD_KEEPER_POLL_SECS": "0.05",
        "PYTHONPATH": str(ROOT),
    }
    log = (folder / "log").open("ab")
    return subprocess.Popen(command, env=env, stderr=log, stdout=log, cwd=folder)


def wait(what: str, true: Any, secs: float = 40.0) -> None:
    limit = time.monotonic() + secs
    while not true():
        assert time.monotonic() < limit, f"{what}: not within {secs} s"
        time.sleep(0.01)


@pytest.mark.slow
def test_sigkill_in_the_middle_of_batches__recovers_alone(stage: Stage, tmp_path: Path) -> None:
    account = addresses()[0]
    stage.rpc.set_balance(account, 10**20)
    stage.crowd(8)
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)

    def pending() -> int:
        return int(stage.rpc.request("eth_getTransactionCount", account, "pending"), 16)

    first = process(stage, tmp_path)
    wait("the first batch", lambda: pending() >= 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    sent = pending()
    again = process(stage, tmp_path)
    try:
        wait("all batches", lambda: pending() == (len(due) + 1) // 2)
        assert sent >= 1
        stage.rpc.automine(True)
        stage.blocks()
        wait("everything", lambda: not stage.due())
        again.send_signal(signal.SIGTERM)
        assert again.wait(20) == 0
    finally:
        again.kill()
        again.wait()
    assert Counter(event.id for event in stage.liquidations()) == Counter(due)
    assert stage.rpc.nonce(account) == (len(due) + 1) // 2


@pytest.mark.slow
def test_node_dies_and_comes_back__keeper_goes_on(artifacts: Artifacts, tmp_path: Path) -> None:
    """A node that is killed and started again from its last state, without its pool."""
    chain = Anvil(accounts=12, history=None)
    stage = build(chain)
    keeper = stage.keeper(tmp_path)
    stage.crowd(4)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    stage.rpc.automine(False)
    assert keeper.tick()[0].sent  # in the pool that dies with the node
    state = tmp_path / "state.json"
    state.write_bytes(gzip.decompress(bytes.fromhex(stage.rpc.request("anvil_dumpState")[2:])))
    port = int(chain.url.rsplit(":", 1)[1])
    chain.stop()
    keeper.run(looks=2)
    assert "NodeDown" in keeper.health.problem
    with Anvil(accounts=12, history=None, port=port, extra=["--load-state", str(state)]) as back:
        back.rpc.mine()
        keeper.run(looks=1)
        back.rpc.mine()
        keeper.run(looks=1)
        assert keeper.health.problem == ""
        found = keeper.wallet.journal.find(State.MINED)  # type: ignore[union-attr]
        assert [sorted(one.ids) for one in found] == [due]
        assert back.rpc.nonce(addresses()[0]) == 1
    keeper.close()
