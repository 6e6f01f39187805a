"""From a plan to its answers, and to the one run that the charts show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bulkhead.chain.rpc import Rpc
from bulkhead.prices.path import PricePath
from bulkhead.sim.answers import Answer, answer
from bulkhead.sim.backend import Backend
from bulkhead.sim.chain import ChainBackend, node
from bulkhead.sim.engine import Progress, quiet
from bulkhead.sim.outcome import Outcome
from bulkhead.sim.plan import Plan
from bulkhead.sim.run import Run, ready
from bulkhead.sim.scenario import Scenario
from bulkhead.sim.stage import set_up_secs
from bulkhead.sim.sweep import Case, cluster, sweep


@dataclass(frozen=True)
class Played:
    """A plan and what came of it. `shown`: the first case's run with the most bad debt."""

    plan: Plan
    answers: list[Answer]
    shown: Run
    shown_outcome: Outcome


def on_chain(plan: Plan, progress: Progress) -> list[list[Outcome]]:
    """Each run on contracts of its own; what a node had before is put back."""
    found, total, done = [], len(plan.cases) * len(plan.seeds), 0
    for case in plan.cases:
        outcomes = []
        for seed in plan.seeds:
            outcomes.append(_one_on_chain(case, seed, plan.asked.node))
            done += 1
            progress(done, total, case.name)
        found.append(outcomes)
    return found


def _one_on_chain(case: Case, seed: int, url: str | None) -> Outcome:
    scenario = case.scenario
    start = scenario.path(np.random.default_rng(seed).spawn(1)[0]).times[0]
    starts = start - set_up_secs(scenario.market, len(scenario.providers))
    with node(url, scenario.accounts, starts) as (rpc, accounts), rpc.isolated():
        market = _deployed(rpc, accounts)
        run = ready(scenario, np.random.default_rng(seed), seed=seed, market=market)
        return run.engine.run()


def _deployed(rpc: Rpc, accounts: list[str]) -> Any:
    def open_(scenario: Scenario, path: PricePath, born: int) -> Backend:
        return ChainBackend(rpc, accounts, scenario.market, answer=path.answers[0], born=born)

    return open_


def play(plan: Plan, progress: Progress = quiet) -> Played:
    """Run everything."""
    if plan.asked.backend == "chain":
        outcomes = on_chain(plan, progress)
    else:
        with cluster(plan.workers, plan.asked.scheduler) as client:
            outcomes = sweep(plan.cases, plan.seeds, client, progress)
    answers = [
        answer(case, found, plan.asked.confidence)
        for case, found in zip(plan.cases, outcomes, strict=True)
    ]
    shown, outcome = _worst(plan.cases[0], outcomes[0])
    return Played(plan, answers, shown, outcome)


def _worst(case: Case, outcomes: Sequence[Outcome]) -> tuple[Run, Outcome]:
    """The first case's worst run, once more and with charts (on the twin, which is equal)."""
    worst = max(outcomes, key=lambda one: (one.bad_debt, one.liquidation_loss))
    run = ready(case.scenario, np.random.default_rng(worst.seed), seed=worst.seed, charts=True)
    return run, run.engine.run()
