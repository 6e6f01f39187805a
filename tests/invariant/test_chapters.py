"""Chapters get where they are for, and the counters of what was reached tell one from another."""

from __future__ import annotations

import random
from collections import Counter
from itertools import chain

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.coverage import drawn, missing
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.moves.chapters import Chapters
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.moves.source import Bytes
from bulkhead.fuzz.parties import Cell
from bulkhead.fuzz.people import LP, LP2
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import dear, free, plain
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model.queues import NOBODY
from bulkhead.model.types import Mode, Reason

PLAIN = Setting(6, (plain(),))
LISTING = Setting(6, (free(),), "BlacklistToken")
TIGHT = Setting(8, (dear(),))
TIMES = 20


def told(world: World, name: str, seed: int) -> None:
    """A chapter, from bytes that the seed draws."""
    moves = Chapters(world, Bytes(random.Random(seed).randbytes(700)))
    for op in getattr(moves, name)():
        world.play(op)


def reached(artifacts: Artifacts, setting: Setting, name: str) -> Counter[Cell]:
    """What a chapter reaches when it is told some times."""
    world = stand_up("revm", setting, Bench(), artifacts)
    for seed in range(TIMES):
        with world.undone():
            told(world, name, seed)
            world.finish()
    return world.tally.coverage


@pytest.mark.parametrize("setting", [PLAIN, LISTING, TIGHT], ids=["plain", "listing", "tight"])
def test_ruin_leaves_tickets_that_are_drawn_in_parts(
    artifacts: Artifacts, setting: Setting
) -> None:
    seen = reached(artifacts, setting, "ruin")
    for draw in ("a part", "another part", "all"):
        assert seen["ticket", "running", draw]


def test_winding_up_settles_whole_and_cut_and_late(artifacts: Artifacts) -> None:
    seen = reached(artifacts, LISTING, "winding_up")
    for what in ("tickets whole", "tickets cut", "late money"):
        assert seen["market", "settled", what]
    assert seen["ticket", "settled", "a part"]
    assert seen["pool", "settled", "fills all"]
    assert seen["pool", "settled", "gives back"]


def test_the_end_of_a_market_is_final(artifacts: Artifacts) -> None:
    """However far it has come, governance tries to go back, or on again."""
    world = stand_up("revm", PLAIN, Bench(), artifacts)
    tried: set[tuple[str, Mode, bool]] = set()
    for seed in range(3 * TIMES):
        with world.undone():
            moves = Decoder(world, random.Random(seed).randbytes(700))
            ending = moves.final if seed % 2 else moves.winding_up
            for op in chain(ending(), moves.too_late()):
                mode = world.twin.state.mode
                tried.add((op.name, mode, world.play(op) == "ok"))
    for name in ("announce_final", "execute_final", "leave_reduce_only", "enter_reduce_only"):
        for mode in (Mode.FINAL, Mode.SETTLED):
            assert (name, mode, False) in tried
            assert (name, mode, True) not in tried
    assert ("set_params", Mode.SETTLED, False) in tried
    assert ("announce_final", Mode.FINAL_ANNOUNCED, True) in tried


def test_a_market_that_never_had_a_mark_dies_so_long_after_its_listing(
    artifacts: Artifacts,
) -> None:
    """Every opening tries it, a second early too, and takes back what was brought."""
    world = stand_up("revm", LISTING, Bench(), artifacts)
    said = world.tally.outcomes
    assert said["announce_final: refused: NOT_DEAD"] == 2
    assert said["announce_final: ok"] == 1
    assert said["execute_final: refused: TOO_EARLY"] == said["execute_final: ok"] == 1
    assert said["refund_deposit: ok"] == 1


def test_the_queue_is_filled_in_parts(artifacts: Artifacts) -> None:
    world = stand_up("revm", TIGHT, Bench(), artifacts)
    both = 0
    for seed in range(TIMES):
        with world.undone():
            told(world, "queue", seed)
            pool = world.twin.pool
            both += all(pool.redemptions.folded(who).shares for who in (LP, LP2))
    assert both
    assert world.tally.coverage["pool", "running", "fills a part"]
    assert world.tally.coverage["pool", "running", "fills all"]


def test_a_trickle_lives_on_across_generations_and_is_claimed(artifacts: Artifacts) -> None:
    world = stand_up("revm", PLAIN, Bench(), artifacts)
    claimed = 0
    for seed in range(TIMES):
        with world.undone():
            moves = Chapters(world, Bytes(random.Random(seed).randbytes(700)))
            side = world.twin.pool.redemptions
            for op in moves.trickle():
                since = side.accounts.get(op.actor, NOBODY).since.generation
                waited = [
                    side.carried.get(each) for each in range(since, side.fill_state.generation)
                ]
                said = world.play(op)
                if op.name in ("redeem", "withdraw") and said.startswith("ok"):
                    claimed += len(waited) >= 2 and all(waited[:2])
    assert claimed


def test_the_knife_edge_is_met_to_the_wei(artifacts: Artifacts) -> None:
    """Claims that are just the share of the cash are refused for being no more than that."""
    world = stand_up("revm", TIGHT, Bench(), artifacts)
    missed_by = set()
    for seed in range(TIMES):
        with world.undone():
            moves = Chapters(world, Bytes(random.Random(seed).randbytes(700)))
            for op in moves.knife_edge():
                said = world.play(op)
                if said.startswith(f"Refused({int(Reason.FACTOR_TOO_LOW)},"):
                    _, claims, limit = said.removesuffix(")").split(", ")
                    missed_by.add(int(limit) - int(claims))
    assert 0 in missed_by
    assert any(0 < gap < 10**6 for gap in missed_by)


@pytest.mark.parametrize(
    ("was", "now", "draw"),
    [(0, 7, "all"), (0, 6, "a part"), (3, 6, "another part"), (3, 7, "the rest")],
)
def test_draws_are_told_apart(was: int, now: int, draw: str) -> None:
    """Of two tickets of 7."""

    def sight(part: int) -> Sight:
        tickets = ((1, 0, 7, 7), (1, 7, 7, part))
        return Sight((), {}, {}, (), (), {}, {}, (), tickets, 0, 0)

    assert drawn(sight(was), sight(now), 2) == draw


def test_what_is_missing_is_named() -> None:
    found = missing(Counter({("market", "settled", "tickets cut"): 1}))
    assert ("market", "settled", "tickets cut") not in found
    assert ("market", "settled", "late money") in found
