"""The twin and the chain, the same seed, each deciding for itself: equal to the last unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from sim_world import CRASH, FOUND, a_day

from bulkhead.chain.artifacts import Artifacts
from bulkhead.prices.models import Gbm
from bulkhead.prices.path import PricePath
from bulkhead.sim.backend import Backend, Done, View
from bulkhead.sim.chain import ChainBackend, node
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.keepers import KeeperTerms
from bulkhead.sim.moves import Move
from bulkhead.sim.oracle import Outage
from bulkhead.sim.others import AttackerTerms
from bulkhead.sim.outcome import Outcome
from bulkhead.sim.run import ready, twin
from bulkhead.sim.scenario import Scenario
from bulkhead.sim.stage import set_up_secs

CROWD = CrowdTerms(count=24, attention=5)
SCENARIOS = {
    "a crash": a_day(*CRASH, crowd=CROWD, keepers=(KeeperTerms(600), KeeperTerms(12, 0.2))),
    "an attacker and a wild day": a_day(
        model=Gbm(12.0), hours=3.0, crowd=CROWD, attacker=AttackerTerms(capital=100_000)
    ),
    "an outage": a_day(
        *CRASH, crowd=CROWD, oracle=replace(FOUND.oracle, outages=(Outage(1_900, 7_000),))
    ),
    "traders win it all": a_day(
        *(2_500, 2_500, 3_500, 5_000, 6_500, 6_500),
        crowd=replace(CROWD, long_share=1.0, fill=0.9, styles=(0.7, 0.1, 0.1, 0.1)),
        liquidity=0.6,
    ),
}

HAPPENS = {  # what must have happened, lest the comparison says nothing
    "a crash": ("liquidations", "partial", "bad_debt", "keeper_rewards"),
    "an attacker and a wild day": ("attacker_trades", "liquidations", "lp_fled"),
    "an outage": ("liquidations", "bad_debt", "refused"),
    "traders win it all": ("adl", "refused"),
}

# The twin says when a mark is taken, the contracts when tokens move.
OF_ONE_WORLD = {"Transfer", "BadDebtCovered", "Deposit", "Withdraw"}


@dataclass
class Witness:
    """A backend that writes down each block and what it left."""

    backend: Backend
    blocks: list[Any] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def play(self, time: int, moves: Sequence[Move]) -> list[Done]:
        done = self.backend.play(time, moves)
        alike = [self.plain(one) for one in done]
        self.blocks.append((time, alike, self.backend.view()))
        return done

    def plain(self, done: Done) -> tuple[Any, ...]:
        """What a move did: its error, and every event that both worlds have, with every argument.
        What a transaction returned is in its events and in the balances that it left."""
        events = [
            (name, {key: self.place(value) for key, value in args.items()})
            for name, args in done.events
            if name not in OF_ONE_WORLD
        ]
        return self.roles(done.move), done.error, events

    def place(self, value: Any) -> Any:
        """An account by its place, a contract as one: the two worlds have different addresses."""
        if isinstance(value, str):
            known = list(self.backend.accounts)
            return known.index(value) if value in known else "contract"
        return value

    def roles(self, move: Move) -> tuple[Any, ...]:
        """The move with accounts by their place: the two worlds have different addresses."""
        places = {account: place for place, account in enumerate(self.backend.accounts)}
        args = tuple(places.get(arg, arg) if isinstance(arg, str) else arg for arg in move.args)
        return places[move.actor], move.name, args


@contextmanager
def both(scenario: Scenario, seed: int) -> Iterator[tuple[Any, Any]]:
    """The scenario made ready on both, with witnesses."""
    path = ready(scenario, np.random.default_rng(seed)).engine.path
    starts = path.times[0] - set_up_secs(scenario.market, len(scenario.providers))
    with node(None, scenario.accounts, starts) as (rpc, accounts):

        def chain(of: Scenario, path: PricePath, born: int) -> Backend:
            found = ChainBackend(rpc, accounts, of.market, answer=path.answers[0], born=born)
            return Witness(found)  # type: ignore[return-value]

        def fast(of: Scenario, path: PricePath, born: int) -> Backend:
            return Witness(twin(of, path, born))  # type: ignore[return-value]

        yield tuple(  # type: ignore[misc]
            ready(scenario, np.random.default_rng(seed), seed=seed, market=market).engine
            for market in (fast, chain)
        )


def alike(view: View) -> dict[str, Any]:
    return {name: getattr(view, name) for name in View.__dataclass_fields__}


@pytest.mark.parametrize("name", SCENARIOS)
def test_backends__same_seed__are_equal_to_the_last_unit(name: str, artifacts: Artifacts) -> None:
    with both(SCENARIOS[name], 11) as (fast, true):
        outcomes: list[Outcome] = [fast.run(), true.run()]
        assert len(fast.backend.blocks) == len(true.backend.blocks)
        for foretold, found in zip(fast.backend.blocks, true.backend.blocks, strict=True):
            assert foretold[:2] == found[:2]
            assert alike(foretold[2]) == alike(found[2])
        foretold, found = (one.backend.snapshot() for one in (fast, true))
        foretold["state"] = {key: foretold["state"][key] for key in found["state"]}
        for part, value in found.items():
            assert foretold[part] == value, part
        assert outcomes[0].record() == outcomes[1].record()
        for what in HAPPENS[name]:
            assert getattr(outcomes[0], what) > 0, f"{what} never happened"


def test_table__on_the_chain__names_whom_the_lens_names(artifacts: Artifacts) -> None:
    """At each accepted mark: the lens on one side, the table over the chain's numbers on the
    other."""
    with both(SCENARIOS["a crash"], 12) as (_, true):
        looked = [0]
        land = true._land

        def landed(one: Any) -> None:
            land(one)
            assert true.below == true.backend.liquidatable()
            looked[0] += len(true.below)

        true._land = landed
        true.run()
        assert looked[0] > 5
