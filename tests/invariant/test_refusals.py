"""A token that may refuse exempts nobody whom it pays: only a payment that it refuses now does."""

from __future__ import annotations

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import EVE, KEEPER, PRICE
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import plain
from bulkhead.fuzz.stage import HALTING, LISTING_TOKEN, Setting
from bulkhead.fuzz.world import World

# Of whom a part is closed, so that I-29 has something to say, at which mark.
FALLEN = {1: PRICE * 95 // 100, 3: PRICE * 92 // 100}
LAWS = ("I-29", "I-32")


def checked(world: World, bench: Bench, id_: int) -> dict[str, int]:
    """How often the laws that need the token's payments were checked in a liquidation."""
    world.play(Op("set_price", "", (FALLEN[id_], 0, 0, 0), 700))
    before = {law: bench.checks[law] for law in LAWS}
    assert world.play(Op("liquidate", KEEPER, (id_, KEEPER))).startswith("ok")
    return {law: bench.checks[law] - before[law] for law in LAWS}


@pytest.mark.parametrize("token", [LISTING_TOKEN, *HALTING])
def test_liquidations_that_a_token_pays_are_held_to_all_laws(
    artifacts: Artifacts, token: str
) -> None:
    bench = Bench()
    world = stand_up("revm", Setting(6, (plain(),), token), bench, artifacts)
    for id_ in (1, 3):
        with world.undone():
            assert checked(world, bench, id_)["I-29"]


def test_only_whom_the_token_refuses_is_exempt(artifacts: Artifacts) -> None:
    bench = Bench()
    world = stand_up("revm", Setting(6, (plain(),), LISTING_TOKEN), bench, artifacts)
    assert not world.refuses()
    world.play(Op("block", EVE, (world.vault(1), False, True)))

    assert world.refuses()
    assert world.refuses(EVE, world.vault(1))
    assert not world.refuses(world.vault(3), KEEPER)
    with world.undone():
        assert checked(world, bench, 3)["I-29"]
    with world.undone():
        assert not checked(world, bench, 1)["I-29"]


@pytest.mark.parametrize("token", list(HALTING))
def test_halted_token_refuses_everybody(artifacts: Artifacts, token: str) -> None:
    world = stand_up("revm", Setting(6, (plain(),), token), Bench(), artifacts)
    world.play(Op("halt", "", (True,)))

    assert world.refuses(KEEPER)
    world.play(Op("halt", "", (False,)))
    assert not world.refuses()
