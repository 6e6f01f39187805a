"""Everybody who may call for somebody does, and pays whom they like: counted, so that none of it
fades unseen."""

from __future__ import annotations

import random

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.parties import CALLS, cell, differ, parties
from bulkhead.fuzz.people import ALICE, BOB, CAROL, DELEGATE, KEEPER, LP, LP2, OPERATOR
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import FIXED, plain
from bulkhead.fuzz.stage import ALIASED_TOKEN, Setting
from bulkhead.fuzz.world import LOGS_EVERY, World

from .conftest import NewWorld

SEQUENCES = 24  # of each setting
# What only a settled market does, or a token that refused: chapters and moves of their own.
RARE = {
    *((by, to, "refund_deposit") for by, to, name in CALLS if name == "refund_deposit"),
}


@pytest.mark.parametrize(
    ("op", "found"),
    [
        (Op("redeem", OPERATOR, (5, BOB, LP)), ("by another", "to a third", "redeem")),
        (Op("redeem", OPERATOR, (5, OPERATOR, LP)), ("by another", "to the caller", "redeem")),
        (Op("deposit_own", LP, (5, LP2)), ("by its owner", "to a third", "deposit_own")),
        (Op("draw_ticket", BOB, (1, BOB)), ("by its owner", "to its owner", "draw_ticket")),
        (Op("close", DELEGATE, (1, 0, 0)), ("by another", "to its owner", "close")),
    ],
)
def test_cells_tell_who_calls_and_who_receives(op: Op, found: tuple[str, str, str]) -> None:
    who = parties(op, lambda id_: ALICE)
    assert who is not None
    assert cell(op.name, who, vault=False) == found
    assert differ(who) == (found[:2] != ("by its owner", "to its owner"))
    assert not differ(parties(Op("accrue", KEEPER), lambda id_: ALICE))


def test_all_of_them_happen(artifacts: Artifacts) -> None:
    seen: set[tuple[str, str, str]] = set()
    for place in (0, 1, 3):
        world = stand_up("revm", FIXED[place], Bench(), artifacts)
        for number in range(SEQUENCES):
            play(world, random.Random(f"{place}:{number}"))
        seen |= world.tally.coverage.keys()
        world.engine.close()
    lacking = set(CALLS) - RARE - seen
    assert not lacking, sorted(lacking)


def play(world: World, dice: random.Random) -> None:
    """One sequence of those moves, tickets to draw among them."""
    with world.undone():
        moves = Decoder(world, dice.randbytes(6_000))
        options = (moves.operator, moves.deputy, moves.sweep_foreign, moves.draw, moves.refund)
        options += (moves.remove, moves.close, moves.provide, moves.open, moves.operator)
        for op in moves.ruin() if dice.random() < 0.5 else ():
            world.play(op)
        for _ in range(40):
            for op in dice.choice(options)():
                world.play(op)


def test_events_are_read_wherever_parties_differ(new_world: NewWorld) -> None:
    world = new_world("revm", 0)
    while (world.steps + 1) % LOGS_EVERY == 0:
        world.play(Op("accrue", KEEPER))
    owner = world.twin.position(1).owner
    for to in (CAROL, BOB, CAROL):
        world.play(Op("remove_margin", owner, (1, 1, to)))
        assert world.last is not None
        assert world.last.logs is not None


def test_foreign_tokens_go_where_their_owner_says(new_world: NewWorld) -> None:
    world = new_world("revm", 0)
    owner, foreign, vault = world.twin.position(1).owner, world.stage.foreign, world.vault(1)
    world.play(Op("send_foreign", KEEPER, (vault, 7)))
    with world.undone():
        assert world.play(Op("sweep_foreign", owner, (1, foreign.address, CAROL))) == "ok"
        assert world.stage.foreign_held[CAROL] == 7
    assert world.stage.foreign_held[vault] == 7
    world.stage.send(foreign, "mint", (vault, 1), KEEPER)  # what the model has not been told
    with pytest.raises(Broken, match="foreign tokens"):
        world.play(Op("sweep_foreign", owner, (1, foreign.address, CAROL)))


def test_collateral_leaves_under_neither_of_its_addresses(artifacts: Artifacts) -> None:
    world = stand_up("revm", Setting(6, (plain(),), ALIASED_TOKEN), Bench(), artifacts)
    owner, stage = world.twin.position(1).owner, world.stage
    for token in (stage.token.address, stage.second):
        said = world.play(Op("sweep_foreign", owner, (1, token, BOB)))
        assert said.startswith("CollateralToken"), said
    assert world.play(Op("sweep_foreign", owner, (1, stage.second, world.vault(1)))) == "ok"
    world.engine.close()
