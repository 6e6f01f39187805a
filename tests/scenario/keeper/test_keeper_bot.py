"""The Silverback bot keeps a market: run by Silverback itself, signing with ape's account."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from keeper_stage import Stage

from bulkhead.chain.binaries import ROOT


@pytest.mark.slow
def test_silverback__runs_the_bot__the_crowd_is_liquidated(stage: Stage, tmp_path: Path) -> None:
    stage.crowd(3)
    stage.slide(1_930)
    due = stage.due()
    tools = Path(sys.executable).parent
    env = {
        **os.environ,
        "BULKHEAD_KEEPER_MARKETS": f"{stage.market.address}@{stage.system.lens.address}",
        "BULKHEAD_KEEPER_DATABASE": f"sqlite:///{tmp_path / 'bot.db'}",
        "BULKHEAD_KEEPER_MIN_PROFIT": "0.01",
        "BULKHEAD_KEEPER_BUDGET": "10",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
    }
    command = [str(tools / "silverback"), "run", "keeper", "--account", "TEST::9"]
    command += ["--network", f"ethereum:local:{stage.url}"]
    log = tmp_path / "log"
    with log.open("wb") as out:
        bot = subprocess.Popen(command, env=env, cwd=ROOT, stdout=out, stderr=out)
        limit = time.monotonic() + 60
        try:
            while stage.due():
                assert bot.poll() is None, log.read_text()
                assert time.monotonic() < limit, log.read_text()
                stage.blocks()
                time.sleep(0.3)
        finally:
            bot.kill()
            bot.wait()
    found = stage.liquidations()
    assert sorted(event.id for event in found) == due
    paid = stage.system.token.balanceOf(stage.people[9])
    assert paid == sum(event.payout for event in found) > 0
