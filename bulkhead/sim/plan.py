"""What a simulation is asked for, read and checked in full before any work begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.params import check_listing, to_params
from bulkhead.errors import BadInput
from bulkhead.prices import read
from bulkhead.prices.models import Bootstrap, Model
from bulkhead.prices.path import WAD_PER_ANSWER, PricePath
from bulkhead.sim.calibration import Calibration, default, load
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.keepers import KeeperTerms
from bulkhead.sim.oracle import OracleTerms, Outage
from bulkhead.sim.others import AttackerTerms
from bulkhead.sim.rules import RULES, rule
from bulkhead.sim.scenario import KEEPERS, ROLLUP, START_PRICE, Scenario
from bulkhead.sim.sweep import MAX_RUNS, Case, cores
from bulkhead.sim.vary import grid, varied

MARKET = ROOT / "markets" / "eth-usd.yaml"
OUT = ROOT / "out"
MODELS = ("regimes", "merton", "gbm", "bootstrap")
MAX_WORKERS = 1_024
MAX_SEED = 2**63
MOST_ON_CHAIN = 100  # runs: each deploys a market
SHORTEST = 20  # prices of a history
STANDIN = "0x" + "01" * 20  # an address where none is known yet
_OUTAGE = re.compile(r"(\d+)\.\.(\d+)")


@dataclass(frozen=True)
class Asked:
    """As the command line has it; None where nothing was said. Minutes, shares and quote units."""

    prices: Path | None = None
    start: str | None = None
    end: str | None = None
    max_gap: int | None = None
    model: str = "regimes"
    history: Path | None = None
    block: int = 120
    hours: float = 24.0
    calibration: Path | None = None
    market: Path = MARKET
    grid: tuple[str, ...] = ()
    rules: str = "bulkhead"
    runs: int = 200
    seed: int = 1
    traders: int = 300
    fill: float = 0.6
    attacker: float = 0.0
    liquidity: float = 1.0
    insurance: float = 0.0025
    keeper_latency: int | None = None
    gas_scale: float = ROLLUP
    heartbeat: int | None = None
    deviation: float | None = None
    latency: float | None = None
    outage: tuple[str, ...] = ()
    confidence: float = 0.99
    workers: int | None = None
    scheduler: str | None = None
    backend: str = "model"
    node: str | None = None
    out: Path = OUT / "sim"


@dataclass(frozen=True)
class Plan:
    """A checked simulation."""

    asked: Asked
    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    workers: int
    calibration: Calibration
    source: str  # of the prices, for people


def _bounded(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadInput(name, value, f"{low} to {high}")


def _numbers(asked: Asked) -> None:
    _bounded("--runs", asked.runs, 1, MAX_RUNS)
    _bounded("--seed", asked.seed, 0, MAX_SEED)
    if not 0.5 <= asked.confidence < 1:
        raise BadInput("--confidence", asked.confidence, "0.5 to below 1")
    if asked.workers is not None:
        _bounded("--workers", asked.workers, 1, MAX_WORKERS)
    if asked.backend == "chain":
        _bounded("--runs on a chain", asked.runs, 1, MOST_ON_CHAIN)
        for name, value in (("--scheduler", asked.scheduler), ("--workers", asked.workers)):
            if value is not None:
                raise BadInput(name, value, "it is for the model backend")
    elif asked.node is not None:
        raise BadInput("--node", asked.node, "it is for --backend chain")


def _history(asked: Asked) -> PricePath | None:
    if asked.prices is None:
        return None
    path = read(asked.prices, asked.start, asked.end, asked.max_gap).thinned()
    if len(path) < SHORTEST:
        raise BadInput(path.source, f"{len(path)} prices", f"at least {SHORTEST} are wanted")
    return path


def _model(asked: Asked, found: Calibration) -> tuple[Model, int]:
    """The model, and the step of its paths in seconds."""
    if asked.model == "bootstrap":
        if asked.history is None:
            raise BadInput("--model", "bootstrap", "it needs a price file: give --history too")
        history = read(asked.history, max_gap=asked.max_gap)
        made = Bootstrap(history, max(1, asked.block * 60 // _usual(history)))
        return made, made.step
    if asked.max_gap is not None:
        raise BadInput("--max-gap", asked.max_gap, "it is for --model bootstrap")
    if asked.history is not None:
        raise BadInput("--history", asked.history, "it is for --model bootstrap")
    if asked.model not in MODELS:
        raise BadInput("--model", asked.model, f"one of {', '.join(MODELS)}")
    made_of: Model = getattr(found, asked.model)
    return made_of, 60


def _usual(history: PricePath) -> int:
    return Bootstrap(history, 1).step


def _oracle(asked: Asked, found: OracleTerms) -> OracleTerms:
    outages = []
    for text in asked.outage:
        match = _OUTAGE.fullmatch(text)
        if match is None:
            raise BadInput("--outage", text, "minutes such as 30..90 are wanted")
        outages.append(Outage(int(match[1]) * 60, int(match[2]) * 60))
    return OracleTerms(
        heartbeat=found.heartbeat if asked.heartbeat is None else asked.heartbeat,
        deviation=found.deviation if asked.deviation is None else asked.deviation,
        latency_mean=found.latency_mean if asked.latency is None else asked.latency,
        block=found.block,
        outages=tuple(outages),
    )


def _rules(asked: Asked) -> list[str]:
    names = list(RULES) if asked.rules == "all" else asked.rules.split(",")
    for place, name in enumerate(names):
        found = rule(name.strip())
        if names.index(name) != place:
            raise BadInput("--rules", asked.rules, "each rule stands once")
        if asked.backend == "chain" and found.model is not RULES["bulkhead"].model:
            raise BadInput("--rules", name, "the contracts know bulkhead, no-mu and whole only")
    return [name.strip() for name in names]


def plan(asked: Asked) -> Plan:
    """Everything read and checked; raises `BadInput`."""
    _numbers(asked)
    found = default() if asked.calibration is None else load(asked.calibration)
    history = _history(asked)
    if history is None:
        for name, value in (("--from", asked.start), ("--to", asked.end)):
            if value is not None:
                raise BadInput(name, value, "it is for price files: give --prices too")
    model, step = (None, 60) if history is not None else _model(asked, found)
    keepers: tuple[KeeperTerms, ...] = KEEPERS
    if asked.keeper_latency is not None:
        keepers = (KeeperTerms(latency=asked.keeper_latency),)
    terms: dict[str, Any] = {
        "oracle": _oracle(asked, found.oracle),
        "gas": replace(found.gas, scale=asked.gas_scale),
        "model": model,
        "history": history,
        "hours": asked.hours,
        "step": step,
        "crowd": CrowdTerms(count=asked.traders, fill=asked.fill),
        "keepers": keepers,
        "attacker": AttackerTerms(capital=asked.attacker),
        "liquidity": asked.liquidity,
        "insurance": asked.insurance,
    }
    cases = tuple(_cases(asked, terms))
    for case in cases:
        _listed(case)
    return Plan(
        asked=asked,
        cases=cases,
        seeds=tuple(range(asked.seed, asked.seed + asked.runs)),
        workers=asked.workers or min(cores(), -(-asked.runs * len(cases) // 10)),
        calibration=found,
        source=history.source if history is not None else f"{asked.model} model",
    )


def _cases(asked: Asked, terms: dict[str, Any]) -> Sequence[Case]:
    points = grid(asked.grid)
    return [
        Case(name, point, Scenario(market=_market(asked, name, point), rule=name, **terms))
        for point in points
        for name in _rules(asked)
    ]


def _market(asked: Asked, name: str, point: dict[str, str]) -> Any:
    """The market file with the rule's changes; what the grid says goes first."""
    return varied(asked.market, {**RULES[name].changes, **point})


def _listed(case: Case) -> None:
    """Parameters that the contracts would refuse at the first price."""
    scenario = case.scenario
    mark = int(START_PRICE * 10**18)
    if scenario.history is not None:
        mark = scenario.history.answers[0] * WAD_PER_ANSWER
    params = to_params(scenario.market, oracle=STANDIN, treasury=STANDIN)
    check_listing(scenario.market, params, mark)
