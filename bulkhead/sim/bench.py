"""How fast the twin goes through position-steps: one position judged at one mark, exactly.

`make bench-sim` writes `out/bench/sim.json`. The clock runs over the whole simulation after the
first positions are in: prices, the feed, funding, volatility, every trader's look, keepers'
decisions, and each liquidation to the last unit.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bulkhead.chain.binaries import ROOT
from bulkhead.sim import calibration
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.oracle import OracleTerms
from bulkhead.sim.run import ready
from bulkhead.sim.scenario import Scenario
from bulkhead.sim.vary import varied

OUT = ROOT / "out" / "bench" / "sim.json"
MARKET = ROOT / "markets" / "eth-usd.yaml"
POSITIONS = 20_000
STEPS = 1_440
# Room for them all: a hundred times the caps.
CHANGES = {
    "pool.max_open_interest": "2B USD",
    "impact.skew_scale": "80M ETH",
    "impact.max_skew": "400k ETH",
}


def scenario(positions: int, steps: int) -> Scenario:
    """A wild day on which every minute's price becomes a mark."""
    found = calibration.default()
    return Scenario(
        market=varied(MARKET, CHANGES),
        oracle=OracleTerms(heartbeat=3_600, deviation=0.0, latency_mean=0.0, block=12),
        gas=replace(found.gas, scale=0.01),
        model=found.regimes,
        hours=steps / 60,
        crowd=CrowdTerms(count=positions),
    )


def rss_mb() -> float:
    """Memory that the process holds now (MB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(positions: int = POSITIONS, steps: int = STEPS, seed: int = 1) -> dict[str, Any]:
    """One run. Memory is read when the early crowd is in, and at the end."""
    run = ready(scenario(positions, steps), np.random.default_rng(seed), seed=seed)
    memory: dict[str, float] = {}

    def watch(done: int, total: int, text: str) -> None:
        if done == total // 4:
            memory["early"] = rss_mb()

    started = time.process_time()
    outcome = run.engine.run(watch)
    seconds = time.process_time() - started
    return {
        "position_steps_per_s": round(outcome.position_steps / seconds),
        "position_steps": outcome.position_steps,
        "seconds": round(seconds, 3),
        "positions": outcome.opened,
        "marks": outcome.steps,
        "liquidations": outcome.liquidations,
        "refused": outcome.refused,
        "rss_mb_early": round(memory["early"], 1),
        "rss_mb_end": round(rss_mb(), 1),
        "seed": seed,
    }


def main() -> None:
    """`python -m bulkhead.sim.bench`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=POSITIONS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    found = measure(given.positions, given.steps)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
