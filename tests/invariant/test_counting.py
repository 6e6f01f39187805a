"""What a law says nothing of is no check of it: a run that never met a law's premise says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws import (
    access,
    conservation,
    funding,
    isolation,
    liquidation,
    margin,
    orders,
    pool,
)
from bulkhead.fuzz.laws.base import WAD, Broken
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import BOB, FOREVER
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.runner import PROFILES, Plan, Worker
from bulkhead.fuzz.settings import FIXED

from .conftest import NewWorld
from .planted import DEEP
from .planted_orders import BUY
from .terms import FLAT, ILL, STATE, TERMS, WELL

# A law, and values of which it says nothing.
APART: dict[str, tuple[Callable[..., bool | None], tuple[object, ...]]] = {
    "I-01 no vault": (conservation.i_01_vaults, ({}, {})),
    "I-10 nobody else": (isolation.i_10_locality, (STATE, {1: FLAT, 2: FLAT}, {1, 2, 3})),
    "I-11 nobody else": (isolation.i_11_interference, (STATE, STATE, TERMS, TERMS, {1, 2})),
    "I-14 flat before": (isolation.i_14_health, (FLAT, WELL, TERMS)),
    "I-14 flat after": (isolation.i_14_health, (WELL, FLAT, TERMS)),
    "I-14 ill before": (isolation.i_14_health, (ILL, ILL, TERMS)),
    "I-25 nothing paid": (funding.i_25_solvent, (0, 5)),
    "I-27 well": (liquidation.i_27_unblockable, (WELL, TERMS, False, False, "burner")),
    "I-27 in grace": (liquidation.i_27_unblockable, (ILL, TERMS, True, False, "burner")),
    "I-28 all closed": (liquidation.i_28_partial, (ILL, FLAT, TERMS)),
    "I-29 all closed": (liquidation.i_29_minimal, (ILL, FLAT, TERMS, 5)),
    "I-29 deep under": (liquidation.i_29_full, (DEEP, TERMS)),
    "I-32 no flat position": (liquidation.i_32_flat, (1, WELL, False, 1)),
    "I-34 nothing to do with prices": (access.i_34_invalid, ("set_params", False, "ok")),
    "I-34 the block has its mark": (access.i_34_invalid, ("close", True, "ok")),
    "I-34 nothing waits": (access.i_34_pool, (False, False, False)),
    "I-34 priced at the block's mark": (access.i_34_pool, (True, True, True)),
    "I-35 all of it gone": (liquidation.i_35_reached, (WELL, FLAT, TERMS, (9, 5), (5, 5), 1)),
    "I-36 no NAV": (pool.i_36_share_price, ((0, 0), (5, 5), 1)),
    "I-37 no claims": (pool.i_37_backed, (5, 0, 5, 0, 2)),
    "I-38 an empty market": (pool.i_38_minted, (0, True)),
    "I-39 nothing priced": (pool.i_39_waited, (10, 20, False)),
    "I-43 no trigger": (orders.i_43_trigger, (BUY, 0, WAD)),
    "I-43 no group, no parent": (orders.i_43_alone, (None, None)),
    "I-44 flat": (access.i_44_step, (FLAT, TERMS, TERMS)),
    "I-44 ill before": (access.i_44_step, (ILL, TERMS, TERMS)),
    "I-45 nobody else": (access.i_45_others, ("close", {1: 5}, {1: 4}, 1)),
    "I-45 nothing moved": (access.i_45_reentry, (False, False)),
}


@pytest.mark.parametrize("name", APART)
def test_what_a_law_says_nothing_of_is_not_counted(name: str) -> None:
    bench, (law, values) = Bench(), APART[name]
    bench.hold(law, *values)
    assert (bench.checks[name[:4]], bench.boundary[name[:4]]) == (0, 0)


def test_checks_and_boundary_hits_are_counted() -> None:
    bench = Bench()
    for amount in (0, 7):
        bench.hold(margin.i_21_parts, 7, [7, amount], 0)
    assert (bench.checks["I-21"], bench.boundary["I-21"]) == (2, 1)


def test_every_law_is_met(artifacts: Artifacts) -> None:
    shape = PROFILES["quick"].shape
    worker = Worker(Plan("revm", float("inf"), 8701, shape, drawn=0))
    met: Counter[str] = Counter()
    for number in range(600):
        assert worker.sequence(number) is None
        met = worker.bench.checks
        if number >= len(FIXED) and len(+met) == len(LAWS) - 1:
            break
    assert set(LAWS) - set(+met) == {"I-33"}  # gas is known of mined transactions only


def test_a_removal_leaves_what_is_locked(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, honest, seen = new_world("revm", 0), isolation.i_14_margin, []

    def i_14_margin(now: Pos, locks: int, *rest: Any) -> bool:
        seen.append(locks)
        return honest(now, locks, *rest)

    monkeypatch.setattr(isolation, "i_14_margin", i_14_margin)
    p, core = world.twin.position(1), world.twin.core
    lock = world.dollars(3)
    world.play(Op("set_delegate", p.owner, (1, BOB, FOREVER)))
    world.play(Op("set_lock", BOB, (1, lock)))
    assert world.play(Op("remove_margin", p.owner, (1, 1, p.owner))).startswith("ok")
    limit = 2**96 - 1 if p.size > 0 else 0
    assert world.play(Op("increase", p.owner, (1, p.size // 100, limit, FOREVER))).startswith("ok")
    assert seen == [lock, 0]  # a trade may use all of it

    core.lock_sums.put((1, core.epochs.get(1, 0)), world.twin.margin(1))
    with pytest.raises(Broken, match="I-14"):
        world.play(Op("remove_margin", p.owner, (1, 1, p.owner)))
