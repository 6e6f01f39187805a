"""Bugs found in a minute of the processor: our fuzzer and forge's, on the same mutants.

Both get the same budget for each mutant and stop at the first law that breaks; neither cuts its
finding down. forge begins from a market that is stood up for it, and is charged neither for that
nor for its own start; it has the laws that need no twin (tests/forge). Ours stands its markets up
within its budget.
"""

from __future__ import annotations

import math
from typing import Any

from bulkhead.chain.artifacts import default
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.fuzz import forge
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.runner import artifacts_in, stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.mutants.build import FOLDER, Woven, link
from bulkhead.mutants.mutant import Mutant, catalogue
from bulkhead.mutants.trial import trial

AREAS_APART = ("feed",)  # of contracts that forge's handler has none of


def sample(count: int) -> list[Mutant]:
    """So many mutants from all over the catalogue, each of which changes what the market does."""
    able = [
        mutant
        for mutant in catalogue()
        if mutant.semantic and not mutant.equivalent and mutant.area not in AREAS_APART
    ]
    step = len(able) / count
    return [able[int(place * step)] for place in range(min(count, len(able)))]


def start_secs(seed: int) -> float:
    """What forge uses before and after its calls (seconds of the processor)."""
    forge.build()  # else the first run compiles
    world = stand_up("anvil", FIXED[0], Bench(forge.LAWS), default())
    try:
        place = forge.write_state(world, forge.FOLDER / "mutant.json")
    finally:
        world.engine.close()
    few, more = (forge.run(place, sequences, seed) for sequences in (1, 11))
    return max(0.0, few.cpu_secs - (more.cpu_secs - few.cpu_secs) / 10)


def bugs(woven: Woven, count: int, budget: float, seed: int) -> dict[str, Any]:
    """Kills a minute of both, and who found what. `budget` in seconds of the processor, each."""
    start = start_secs(seed)
    rows = [_beside(woven, mutant, budget, start, seed) for mutant in sample(count)]
    found = {name: [row for row in rows if row[name]] for name in ("revm", "forge")}
    spent = {name: sum(row[f"{name}_s"] for row in rows) for name in found}
    return {
        "mutants": rows,
        "budget_cpu_s": budget,
        "found": {name: len(kills) for name, kills in found.items()},
        "bugs_per_cpu_minute": {
            name: round(60 * len(kills) / spent[name], 1) if spent[name] else 0.0
            for name, kills in found.items()
        },
    }


def _beside(woven: Woven, mutant: Mutant, budget: float, start: float, seed: int) -> dict[str, Any]:
    """The law that each found broken (empty: none), and after how long."""
    folder = link(woven, mutant.switch, ROOT / FOLDER / "linked" / f"bench-{mutant.id}")
    ours = trial(folder, seed, budget)
    law, used = _forges(folder, budget, start, seed)
    return {
        "id": mutant.id,
        "breaks": mutant.breaks,
        "revm": ours.law,
        "revm_s": ours.seconds,
        "forge": law,
        "forge_s": used,
    }


def _forges(folder: Any, budget: float, start: float, seed: int) -> tuple[str, float]:
    try:
        world = stand_up("anvil", FIXED[0], Bench(forge.LAWS), artifacts_in(folder), roomy=True)
    except (Broken, Reverted, ChainError):
        return "set-up", 0.0  # it would have failed: counted as found, at no cost
    try:
        place = forge.write_state(world, forge.FOLDER / "mutant.json")
    finally:
        world.engine.close()
    theirs = forge.hunt(place, math.ceil(budget + start), seed)
    return theirs.law, round(max(0.0, theirs.cpu_secs - start), 2)


def table(found: dict[str, Any]) -> str:
    """Who found which, as text."""
    lines = [f"{'mutant':8} {'revm':>5} {'s':>6}  {'forge':>6} {'s':>6}  what it breaks"]
    lines += [
        f"{row['id']:8} {row['revm'] or '-':>5} {row['revm_s']:6.1f}  "
        f"{row['forge'] or '-':>6} {row['forge_s']:6.1f}  {row['breaks']}"
        for row in found["mutants"]
    ]
    kills, rates = found["found"], found["bugs_per_cpu_minute"]
    lines += [
        f"{name}: {kills[name]} of {len(found['mutants'])}, {rates[name]} a minute"
        for name in ("revm", "forge")
    ]
    return "\n".join(lines)
