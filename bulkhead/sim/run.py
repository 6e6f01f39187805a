"""One run of a scenario with one seed, on the twin or on a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bulkhead.prices.path import PricePath
from bulkhead.sim.backend import Backend
from bulkhead.sim.crowd import draw_crowd
from bulkhead.sim.engine import Actors, Engine, Progress, quiet
from bulkhead.sim.gas import GasPrice
from bulkhead.sim.keepers import Keeper
from bulkhead.sim.ledger import Count
from bulkhead.sim.oracle import rounds
from bulkhead.sim.others import Attacker, Provider
from bulkhead.sim.outcome import Outcome, Sample
from bulkhead.sim.rules import rule
from bulkhead.sim.scenario import Cast, Scenario
from bulkhead.sim.stage import prepare, set_up_secs
from bulkhead.sim.table import Table
from bulkhead.sim.twin import TwinBackend

# (scenario, its path, when the market must be listed) -> a market
Open = Callable[[Scenario, PricePath, int], Backend]


@dataclass
class Run:
    """A run, ready to go or done. `samples` are kept where they were asked for."""

    scenario: Scenario
    engine: Engine
    samples: list[Sample] = field(default_factory=list)


def twin(scenario: Scenario, path: PricePath, born: int) -> Backend:
    """The exact twin, under the scenario's rule."""
    return TwinBackend(
        scenario.market,
        answer=path.answers[0],
        born=born,
        accounts=scenario.accounts,
        model=rule(scenario.rule).model,
    )


def ready(
    scenario: Scenario,
    draw: np.random.Generator,
    *,
    seed: int = 0,
    market: Open = twin,
    charts: bool = False,
) -> Run:
    """Everything drawn and everybody in place. All randomness comes from `draw`."""
    of_path, of_feed, of_crowd, of_gas = draw.spawn(4)
    path = scenario.path(of_path)
    landings = list(rounds(path, scenario.oracle, of_feed))
    born = path.times[0] - set_up_secs(scenario.market, len(scenario.providers))
    backend = market(scenario, path, born)
    cfg = backend.cfg
    cast = Cast.of(scenario, list(backend.accounts))
    crowd = draw_crowd(of_crowd, scenario.crowd, cfg, cast.traders, len(path))
    prepare(backend, scenario, cast, crowd, start=path.times[0], answer=path.answers[0])
    keepers = list(map(Keeper, scenario.keepers, cast.keepers))
    providers = list(map(Provider, scenario.providers, cast.providers))
    requirement = rule(scenario.rule).requirement(cfg)
    samples: list[Sample] = []
    engine = Engine(
        backend=backend,
        actors=Actors(
            crowd,
            keepers,
            providers,
            Attacker(scenario.attacker, cast.attacker),
            cast.reporter,
        ),
        path=path,
        rounds=landings,
        gas=GasPrice(scenario.gas, of_gas),
        table=Table(requirement, cfg.unit),
        count=Count(seed, cfg, requirement, keepers, backend.view()),
        max_age=scenario.market.oracle.max_age,
        samples=samples if charts else None,
    )
    return Run(scenario, engine, samples)


def simulate(scenario: Scenario, seed: int, progress: Progress = quiet) -> Outcome:
    """A whole run on the twin."""
    return ready(scenario, np.random.default_rng(seed), seed=seed).engine.run(progress)
