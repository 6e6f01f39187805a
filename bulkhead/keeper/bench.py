"""`make bench-keeper`: a price tick through the index against looking at everybody.

A healthy crowd (sizes log-normal, entries around the mark, 2x to what the market allows) and price
moves of 0.1 %, up and down, with funding and multiplier drifting meanwhile. Each tick is also
compared with the exact rule in integers near the line: `missed` counts positions that the
integers call liquidatable and the index did not name. The lens is asked on a chain of its own.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.local import deploy_local
from bulkhead.deploy.params import read as read_market
from bulkhead.deploy.params import to_params
from bulkhead.keeper.index import RELATIVE, WEI, Floats, Ids, PositionIndex
from bulkhead.keeper.terms import Moment, Table
from bulkhead.model import margin
from bulkhead.model.types import Params
from bulkhead.model.wad import WAD, ceil_div

OUT = ROOT / "out" / "bench" / "keeper.json"
MARKET = ROOT / "markets" / "eth-usd.yaml"
COUNTS = (1_000, 10_000, 100_000, 1_000_000)
MARK = 2_000 * WAD
MOVE = 1_000  # parts of the mark: 0.1 %
TICKS = 40
LENS_IDS = 1_000
SEED = 7
NOBODY = "0x" + "11" * 20


def below_maintenance(
    table: Table, moment: Moment, size: Floats, worth: Floats
) -> NDArray[np.bool_]:
    """Which positions may be below maintenance margin; errs only toward yes."""
    need = np.full(len(size), -np.inf)
    long = size > 0
    price = np.where(long, moment.favourable(1), moment.favourable(-1))
    amount = np.abs(size)
    for line in table.lines:
        need = np.maximum(need, line.rate * amount * price - line.offset)
    equity = worth + size * (price - moment.funding)
    largest = max(abs(line.offset) for line in table.lines)
    scale = np.abs(worth) + amount * (price + abs(moment.funding)) + largest * moment.ramp
    below: NDArray[np.bool_] = equity < need * moment.ramp + WEI + RELATIVE * scale
    return below


def crowd(n: int, table: Table, params: Params, seed: int = SEED) -> tuple[Ids, Floats, Floats]:
    """Ids, sizes and worths (whole units) of n positions that are all above maintenance."""
    rng = np.random.default_rng(seed)
    side = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    mark = MARK / WAD
    notional = np.clip(np.exp(rng.normal(np.log(20_000), 1.3, n)), 1_000, 5_000_000)
    size = side * notional / mark
    entry = mark * np.exp(rng.normal(0, 0.05, n))
    leverage = rng.uniform(2, 20, n)
    worth = notional / leverage - size * entry
    im = params.brackets[0].im_rate / WAD
    at = Moment.of(MARK, 0, 0, WAD)
    need = np.zeros(n)
    for line in table.lines:
        need = np.maximum(need, line.rate * notional - line.offset)
    short = worth + size * mark < need * 1.02
    worth[short] = (need * rng.uniform(1.02, 1 / (1 - im) + 1, n) - size * mark)[short]
    assert not below_maintenance(table, at, size, worth).any()
    return np.arange(1, n + 1), size, worth


def churn(index: PositionIndex) -> None:
    """A hundredth of the crowd adds a little margin: entries beside the sorted arrays, and gaps in
    them, as between two rebuilds."""
    for id_ in range(1, len(index.size), 100):
        index.put(id_, round(index.size[id_] * WAD), round((index.worth[id_] + 1) * WAD))


def ticks(count: int = TICKS) -> list[Moment]:
    """0.1 % down and up again and again, funding and multiplier moving as fast as they may."""
    found = []
    for place in range(count):
        step = MARK // MOVE * (-1 if place % 2 else 1)
        found.append(Moment.of(MARK + step, 0, place * MARK // 500_000, WAD + place * WAD // 5_000))
    return found


class Scan:
    """Who is below maintenance margin, looking at everybody: as lean as NumPy gets, no padding,
    prepared arrays, results written in place."""

    def __init__(self, index: PositionIndex) -> None:
        self.lines = index.table.lines
        self.size, self.worth = index.size, index.worth
        self.amount = np.abs(index.size)
        self.equity, self.need = np.empty_like(self.size), np.empty_like(self.size)
        self.line = np.empty_like(self.size)

    def __call__(self, at: Moment) -> Ids:
        np.multiply(self.size, at.mark - at.funding, out=self.equity)
        self.equity += self.worth
        self.need.fill(-self.lines[0].offset * at.ramp)
        for one in self.lines[1:]:
            np.multiply(self.amount, one.rate * at.mark * at.ramp, out=self.line)
            self.line -= one.offset * at.ramp
            np.maximum(self.need, self.line, out=self.need)
        return np.flatnonzero((self.equity < self.need) & (self.amount > 0))


def _timed(action: Callable[[Moment], Any], at: Sequence[Moment]) -> tuple[float, list[Any]]:
    """Median milliseconds, and what came back."""
    results, spent = [], []
    action(at[0])
    gc.disable()
    for moment in at:
        started = time.perf_counter()
        results.append(action(moment))
        spent.append((time.perf_counter() - started) * 1e3)
    gc.enable()
    return median(spent), results


def _exact(params: Params, at: Moment, size: float, worth: float) -> bool:
    """The rule in integers, of the position that these floats stand for."""
    s, w = round(size * WAD), round(worth * WAD)
    mark, index = round(at.mark * WAD), round(at.funding * WAD)
    n = ceil_div(abs(s) * mark, WAD)
    table = margin.rows(params.brackets)
    base = margin.base_mm(n, table, params.min_notional)
    return w + s * (mark - index) // WAD < ceil_div(base * round(at.ramp * WAD), WAD * WAD)


def _missed(index: PositionIndex, params: Params, at: Sequence[Moment], got: Sequence[Ids]) -> int:
    """Positions that the integers call liquidatable and the index did not name. Floats choose who
    is looked at with integers: everybody within a hundredth of the maintenance margin."""
    missed = 0
    for moment, named in zip(at, got, strict=True):
        wide = Moment(moment.mark, moment.spread, moment.funding, moment.ramp * 1.01)
        near = np.flatnonzero(
            (index.size != 0) & below_maintenance(index.table, wide, index.size, index.worth)
        )
        left = np.setdiff1d(near, named)
        missed += sum(_exact(params, moment, index.size[i], index.worth[i]) for i in left)
    return missed


def measure(n: int) -> dict[str, Any]:
    """One crowd, in this process."""
    params = to_params(read_market(MARKET), oracle=NOBODY, treasury=NOBODY)
    table = Table.of_brackets(params.brackets, params.min_notional)
    index = PositionIndex(table, Moment.of(MARK, 0, 0, WAD))
    people = crowd(n, table, params)
    started = time.perf_counter()
    index.load(*people)
    load_ms = (time.perf_counter() - started) * 1e3
    del people
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    moments = ticks()

    churn(index)
    scan = Scan(index)
    tick_ms, named = _timed(index.candidates, moments)
    scan_ms, seen = _timed(scan, moments)
    assert all(np.isin(b, a).all() for a, b in zip(named, seen, strict=True))
    started = time.perf_counter()
    index.rebuild(moments[-1])
    rebuild_ms = (time.perf_counter() - started) * 1e3
    started = time.perf_counter()
    for id_ in range(1, 1_001):
        index.put(id_, round(index.size[id_] * WAD), round(index.worth[id_] * WAD) + WAD)
    put_ms = time.perf_counter() - started
    return {
        "positions": n,
        "candidates": median(len(one) for one in named),
        "liquidatable": median(len(one) for one in seen),
        "tick_ms": round(tick_ms, 4),
        "numpy_scan_ms": round(scan_ms, 3),
        "speedup": round(scan_ms / tick_ms, 1),
        "load_ms": round(load_ms, 1),
        "rebuild_ms": round(rebuild_ms, 1),
        "put_ms": round(put_ms, 4),
        "rss_mb": round(memory, 1),
        "missed": _missed(index, params, moments, named),
    }


def lens_ms(ids: int = LENS_IDS) -> float:
    """Milliseconds in which a real lens says which of so many (flat: the cheapest) are due."""
    with Anvil(accounts=10) as chain:
        system, _ = deploy_local(chain.rpc, read_market(MARKET), chain.accounts, 2_000 * 10**8)
        reserve = system.market.reserve
        calls = [
            reserve.prepare(chain.accounts[5], sender=chain.accounts[6], gas=200_000)
            for _ in range(ids)
        ]
        chain.rpc.send_all(calls)
        spent = []
        for _ in range(3):
            started = time.perf_counter()
            system.lens.liquidatable(system.market.address, 1, 0)
            spent.append((time.perf_counter() - started) * 1e3)
        return median(spent)


def _apart(n: int) -> dict[str, Any]:
    """In a process of its own, so that memory is that crowd's."""
    command = [sys.executable, "-m", "bulkhead.keeper.bench", str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(counts: Sequence[int] = COUNTS, out: Path = OUT) -> dict[str, Any]:
    """Everything; written to `out`."""
    rows = [_apart(n) for n in counts]
    lens = lens_ms()
    last = rows[-1]
    record = {
        "move": "0.1 %",
        "sizes": rows,
        "lens_ms_at_1e3": round(lens, 2),
        "lens_ms_at_1e6_if_linear": round(lens * 1_000, 0),
        "speedup_at_1e6": last["speedup"],
        "tick_ms_at_1e6": last["tick_ms"],
        "rss_mb_at_1e6": last["rss_mb"],
        "missed": sum(row["missed"] for row in rows),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2) + "\n")
    return record


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        print(json.dumps(run(), indent=2))
