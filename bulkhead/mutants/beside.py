"""Bugs found in a minute of the processor: our fuzzer and forge's, on the same mutants.

Both get the same budget for each mutant and stop at the first law that breaks; neither cuts its
finding down. forge begins from a market that is stood up for it, which it is not charged for, and
has the laws that need no twin (tests/forge); ours stands its markets up within its budget.
"""

from __future__ import annotations

from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.fuzz import forge
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.runner import artifacts_in, stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.mutants.build import FOLDER, link
from bulkhead.mutants.mutant import Mutant, catalogue
from bulkhead.mutants.run import by_hand
from bulkhead.mutants.trial import trial

SEQUENCES_A_SECOND = 15  # of forge, about: what turns a budget into a number of sequences


def sample(count: int) -> list[Mutant]:
    """So many mutants from all over the catalogue, each of which changes what the contracts do."""
    able = [mutant for mutant in catalogue() if mutant.semantic and not mutant.equivalent]
    step = len(able) / count
    return [able[int(place * step)] for place in range(min(count, len(able)))]


def bugs(count: int, budget: float, seed: int) -> dict[str, Any]:
    """Kills a minute of both, and who found what. `budget` in seconds of the processor, each."""
    woven = by_hand()
    forge.build()
    mutants = sample(count)
    found: dict[str, list[str]] = {"revm": [], "forge": []}
    spent = {"revm": 0.0, "forge": 0.0}
    for mutant in mutants:
        folder = link(woven, mutant.switch, ROOT / FOLDER / "linked" / f"bench-{mutant.id}")
        ours = trial(folder, seed, budget)
        spent["revm"] += ours.seconds
        if ours.killed:
            found["revm"].append(mutant.id)
        try:
            world = stand_up("anvil", FIXED[0], Bench(forge.LAWS), artifacts_in(folder), roomy=True)
        except (Broken, Reverted, ChainError):
            found["forge"].append(mutant.id)  # its set-up would have failed: counted, at no cost
            continue
        try:
            place = forge.write_state(world, forge.FOLDER / "mutant.json")
        finally:
            world.engine.close()
        theirs = forge.run(place, round(budget * SEQUENCES_A_SECOND), seed, shrink=False)
        spent["forge"] += theirs.cpu_secs
        if theirs.law:
            found["forge"].append(mutant.id)
    return {
        "mutants": [mutant.id for mutant in mutants],
        "budget_cpu_s": budget,
        "found": {name: len(ids) for name, ids in found.items()},
        "missed": {
            name: [mutant.id for mutant in mutants if mutant.id not in ids]
            for name, ids in found.items()
        },
        "bugs_per_cpu_minute": {
            name: round(60 * len(ids) / spent[name], 1) if spent[name] else 0.0
            for name, ids in found.items()
        },
    }
