"""Providers act for and in favour of one another, and others try to take what they have."""

from __future__ import annotations

import random
from collections import Counter

from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import EVE

from .conftest import NewWorld

CLAIMS = ("deposit", "mint", "redeem", "withdraw")
REQUESTS = ("request_deposit", "request_redeem")


def kinds(op: Op, done: bool) -> set[str]:
    """What is special about a call of the pool."""
    if op.name == "share_transfer_from":
        return {"allowance used" if done else "allowance refused"}
    if op.name not in (*CLAIMS, *REQUESTS):
        return set()
    amount, other, whose = op.args
    found = set()
    if done and op.actor != whose:
        found.add(f"{op.name} for another")
    if done and other != whose:
        found.add(f"{op.name} in favour of another")
    if not done and amount and op.actor == EVE and whose != EVE:
        found.add(f"{op.name} by a thief")
    return found


def test_all_that_another_may_or_may_not_do_is_tried(new_world: NewWorld) -> None:
    world, seen = new_world("revm", 0), Counter[str]()
    for seed in range(60):
        with world.undone():
            moves = Decoder(world, random.Random(seed).randbytes(4_000))
            for turn in range(60):
                move = (moves.provide, moves.operate, moves.forbidden)[turn % 3]
                for op in (moves.epoch if turn % 10 == 9 else move)():
                    seen.update(kinds(op, world.play(op).startswith("ok")))
    wanted = {"allowance used", "allowance refused"}
    for name in (*CLAIMS, *REQUESTS):
        wanted |= {f"{name} for another", f"{name} in favour of another", f"{name} by a thief"}
    assert wanted <= seen.keys(), wanted - seen.keys()
