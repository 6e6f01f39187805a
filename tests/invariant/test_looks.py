"""The cheap look reads what the contracts' views say, and is never believed against them."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count, islice
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import MARKETS_EVERY, Judge
from bulkhead.fuzz.laws import conservation, differential, isolation
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import DAVE, GOVERNANCE, KEEPER, LP
from bulkhead.fuzz.revm import Revm
from bulkhead.fuzz.runner import PROFILES, Plan, Worker
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.slots import FULL_EVERY, WHOLE_EVERY, Slots, balance_slot, mapped
from bulkhead.fuzz.world import ASK_EVERY, LOGS_EVERY, Step, World
from bulkhead.model import MarketModel
from bulkhead.model.errors import Refused
from bulkhead.model.types import Reason

from .conftest import NewWorld


def play(world: World, seed: int) -> None:
    """A sequence."""
    for op in Decoder(world, random.Random(seed).randbytes(700)).ops():
        world.play(op)


def breaks(world: World, op: Op) -> str:
    """The law that a step breaks; empty: none."""
    try:
        world.play(op)
    except Broken as problem:
        return problem.law
    return ""


@pytest.mark.parametrize("which", range(len(FIXED)))
def test_storage_and_views_say_the_same(
    new_world: NewWorld, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", which)
    words, kept, read = Slots.words, Slots.kept, 0

    def views(slots: Slots) -> tuple[int, ...]:
        nonlocal read
        site = next(site for site in world.sites if site.slots is slots)
        read += 1
        return site.layout.words(world.engine.view(site.probe.address, site.look).data)

    def whole(self: Slots, nav: int, expected: tuple[int, ...]) -> tuple[int, ...]:
        found = words(self, nav, expected)
        assert found == views(self)
        return found

    def part(self: Slots, expected: tuple[int, ...], before: tuple[int, ...], named: int) -> bool:
        found = kept(self, expected, before, named)
        assert found == (expected == views(self))
        return found

    monkeypatch.setattr(Slots, "words", whole)
    monkeypatch.setattr(Slots, "kept", part)
    for seed in (1, 2):
        with world.undone():
            play(world, seed)
    assert read > 50


def test_what_is_stored_counts_only_where_the_model_expects_it(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    words = Slots.words

    def shifted(self: Slots, nav: int, expected: tuple[int, ...]) -> tuple[int, ...]:
        found = words(self, nav, expected)
        return (*found[1:], found[0])  # as if storage were laid out anew

    monkeypatch.setattr(Slots, "words", shifted)
    monkeypatch.setattr(Slots, "kept", lambda *_: False)
    with world.undone():
        play(world, 1)
        world.finish()


def holder(world: World) -> tuple[str, int]:
    """Where the token keeps a bystander's balance."""
    token, storage = world.stage.token.address, world.engine.storage
    assert storage is not None
    slot = balance_slot(storage, token, DAVE, world.twin.core.balances[DAVE])
    assert slot is not None
    return token, mapped(int(DAVE, 16), slot)


def places(world: World) -> dict[str, tuple[str, int]]:
    """A slot of each kind that an accrual leaves alone, and of one that it does not."""
    market, pool = world.site.market.address, world.site.pool.address
    return {
        "position": (market, mapped(3, 9) + 1),
        "position's owner": (market, mapped(3, 9)),
        "balance": holder(world),
        "shares": (pool, mapped(int(LP, 16), 0)),
        "supply": (pool, 2),
    }


@pytest.mark.parametrize("what", ["position", "position's owner", "balance", "shares", "supply"])
def test_what_an_action_had_to_leave_alone_is_read_every_fourth_success(
    new_world: NewWorld, what: str
) -> None:
    world = new_world("revm", 0)
    assert isinstance(world.engine, Revm)
    where, slot = places(world)[what]
    accrual = Op("accrue", KEEPER, (), 1)
    with world.undone():
        world.play(accrual)
        held = world.engine.evm.storage(where, slot)
        world.engine.evm.insert_account_storage(where, slot, held + 1)
        assert any(breaks(world, accrual) for _ in range(WHOLE_EVERY))
        world.engine.evm.insert_account_storage(where, slot, held)


def test_what_an_action_changes_is_read_at_once(new_world: NewWorld) -> None:
    world = new_world("revm", 0)
    assert isinstance(world.engine, Revm)
    where, slot = places(world)["balance"]
    add = Op("add_margin", DAVE, (4, world.dollars(1)), 1)
    held = world.engine.evm.storage(where, slot)
    found = []
    for successes in range(WHOLE_EVERY):
        with world.undone():
            world.begin(ASK_EVERY * successes)
            world.engine.evm.insert_account_storage(where, slot, held + 1)
            found.append(breaks(world, add))
            world.engine.evm.insert_account_storage(where, slot, held)
    assert all(found)


def test_a_changed_slot_is_seen(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = new_world("revm", 0)
    monkeypatch.setattr(MarketModel, "add_margin", lambda self, *_: self.core.run(lambda: None))
    amount = world.dollars(1)
    with world.undone(), pytest.raises(Broken, match="I-01"):
        world.play(Op("add_margin", KEEPER, (1, amount)))


def test_views_are_asked_in_time_and_at_the_end(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    accrual = Op("accrue", KEEPER, (), 1)
    with world.undone():
        world.look(world.site)
        monkeypatch.setattr(MarketModel, "free_liquidity", lambda self, nav: 1)
        for _ in range(FULL_EVERY - 1):
            world.play(accrual)
        with pytest.raises(Broken, match="I-50"):
            world.play(accrual)
    with world.undone(), pytest.raises(Broken, match="I-50"):
        world.finish()
    with world.undone(), world.looking(), pytest.raises(Broken, match="I-50"):
        world.play(accrual)


def test_nav_is_asked_every_fourth_success(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    world.look(world.site)
    monkeypatch.setattr(MarketModel, "nav", lambda self: 1)
    accrual = Op("accrue", KEEPER, (), 1)
    with world.undone():
        assert any(breaks(world, accrual) for _ in range(WHOLE_EVERY))


def test_what_one_look_tells_is_asked_every_fourth_success_and_at_the_end(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)

    def i_05_sums(*_: object) -> bool:
        raise Broken("I-05", "planted")

    monkeypatch.setattr(conservation, "i_05_sums", i_05_sums)
    accrual = Op("accrue", KEEPER, (), 1)
    with world.undone():
        found = [breaks(world, accrual) for _ in range(WHOLE_EVERY)]
    assert found.count("I-05") == 1
    with world.undone(), pytest.raises(Broken, match="I-05"):
        world.finish()
    with world.undone(), world.looking(), pytest.raises(Broken, match="I-05"):
        world.play(accrual)


@pytest.mark.parametrize(
    ("which", "laws", "law", "every"),
    [(4, isolation, "i_13_markets", MARKETS_EVERY), (0, differential, "i_50_events", LOGS_EVERY)],
    ids=["the other market", "events"],
)
def test_what_is_dear_is_asked_every_fourth_step_and_when_looking(
    new_world: NewWorld,
    monkeypatch: pytest.MonkeyPatch,
    which: int,
    laws: Any,
    law: str,
    every: int,
) -> None:
    world = new_world("revm", which)

    def planted(*_: object) -> bool:
        raise Broken("planted", law)

    planted.__name__ = law
    monkeypatch.setattr(laws, law, planted)
    accrual = Op("accrue", KEEPER, (), 1)
    with world.undone():
        assert [breaks(world, accrual) for _ in range(every)].count("planted") == 1
    with world.undone(), world.looking():
        assert [breaks(world, accrual) for _ in range(every)].count("planted") == every


def test_what_is_looked_at_is_the_same_whatever_was_played_before(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan("revm", float("inf"), 8_702, PROFILES["quick"].shape, drawn=0)
    honest, seen = Judge.step, []

    def step(self: Judge, world: World, step: Step) -> None:
        views = world.site.unseen == 0
        seen.append((step.found, step.whole, views, step.logs is None, step.preview is None))
        honest(self, world, step)

    monkeypatch.setattr(Judge, "step", step)

    def looked(worker: Worker, number: int) -> tuple[Any, ...]:
        worker.bench.clear()
        del seen[:]
        assert worker.sequence(number) is None
        return list(seen), worker.bench.checks

    draws = (number for number in count(len(FIXED)) if not place(plan.seed, number))
    first, *others = islice(draws, 5)
    alone, busy = Worker(plan), Worker(plan)
    for worker in (alone, busy):
        worker.world(0)  # its opening is no sequence's
    found = looked(alone, first)
    for number in (0, *others):
        assert busy.sequence(number) is None
    assert looked(busy, first) == found
    assert looked(alone, first) == found
    phases = {tuple(step[1:4] for step in looked(alone, number)[0][:8]) for number in others}
    assert len(phases) > 1


def place(seed: int, number: int) -> int:
    """Which world a sequence is played on."""
    return random.Random(f"{seed}:{number}").randrange(len(FIXED))


def test_a_simulated_step_is_judged_by_its_own_parameters(new_world: NewWorld) -> None:
    world = new_world("anvil", 0)
    faster = replace(world.params, max_velocity=world.params.max_velocity * 3 // 2)
    with world.undone():
        accruals = [Op("accrue", KEEPER, (), 1) for _ in range(2 * WHOLE_EVERY)]
        world.play_all(iter([*accruals, Op("set_params", GOVERNANCE, (faster,))]))
    assert world.last is not None
    assert world.last.found == "ok"


def test_a_simulated_success_that_was_not_foretold_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("anvil", 0)

    def settle(*_: object) -> None:
        raise Refused(Reason.HEALTHY, 1, 0)

    monkeypatch.setattr(MarketModel, "settle", settle)
    with world.undone(), pytest.raises(Broken, match="I-50"):
        world.play_all(iter([Op("accrue", KEEPER, (), 1), Op("settle", KEEPER, (1,))]))
