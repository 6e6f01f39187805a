"""Each law catches a violation planted in a state in which it holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bulkhead.fuzz.laws import conservation, differential, funding, isolation, liquidation
from bulkhead.fuzz.laws.base import WAD, Broken, Terms
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.probe import Pos

from . import planted as more
from . import planted_orders, planted_views
from .terms import FLAT, ILL, OTHER, REST, STATE, TERMS, WELL


def iff(p: Pos, liquidated: bool, grace: bool = False) -> Callable[[], None]:
    return lambda: liquidation.i_26_iff(p, TERMS, grace, liquidated)


def partial(before: Pos, after: Pos) -> Callable[[], None]:
    return lambda: liquidation.i_28_partial(before, after, TERMS)


def profit(after: Pos, reward: int, ticket: int = 0, terms: Terms = TERMS) -> Callable[[], None]:
    return lambda: liquidation.i_30_no_profit(ILL, after, terms, reward, ticket, 0)


PAID = ("FeesSwept", {"to": 5})
SET = ("ModeSet", {"mode": 1})
HOLDING = {
    "I-01": lambda: conservation.i_01_vaults({1: 5, 2: 0}, {1: 5, 2: 0}),
    "I-02": lambda: conservation.i_02_conserved(70, 100, 30),
    "I-05": lambda: conservation.i_05_sums(
        (10 * WAD, 3 * WAD, 21_000 * WAD, -6_000 * WAD), [ILL, OTHER]
    ),
    "I-10": lambda: isolation.i_10_locality(STATE, {**STATE, 1: FLAT}, {1}),
    "I-26 ill": iff(ILL, True),
    "I-26 well at equality": iff(WELL, False),
    "I-26 in grace": iff(ILL, False, grace=True),
    "I-26 in grace, bankrupt": iff(ILL._replace(margin=1_000_000_000), True, grace=True),
    "I-27": lambda: liquidation.i_27_unblockable(ILL, TERMS, False, True, "burner"),
    "I-27 in grace": lambda: liquidation.i_27_unblockable(ILL, TERMS, True, False, "burner"),
    "I-28": partial(ILL, REST),
    "I-28 full": partial(ILL, FLAT),
    "I-30": profit(FLAT._replace(margin=480_000_000), 5_000_000),
    "I-50 outcome": lambda: differential.i_50_outcome("ok", "ok"),
    "I-50 view": lambda: differential.i_50_view("nav", 7, 7),
    "I-50 events": lambda: differential.i_50_events([PAID, SET], [PAID, SET]),
}

PLANTED = {
    "I-01 one unit too many": lambda: conservation.i_01_vaults({1: 6, 2: 0}, {1: 5, 2: 0}),
    "I-01 one unit missing": lambda: conservation.i_01_vaults({1: 4, 2: 0}, {1: 5, 2: 0}),
    "I-02 a unit from nowhere": lambda: conservation.i_02_conserved(71, 100, 30),
    "I-02 a unit lost": lambda: conservation.i_02_conserved(69, 100, 30),
    "I-05 size": lambda: conservation.i_05_sums((1, 0, 0, 0), [FLAT]),
    "I-05 short size": lambda: conservation.i_05_sums((0, 3 * WAD - 1, 0, -6_000 * WAD), [OTHER]),
    "I-05 basis": lambda: conservation.i_05_sums((0, 3 * WAD, 1, -6_000 * WAD), [OTHER]),
    "I-05 side of a basis": lambda: conservation.i_05_sums((0, 3 * WAD, -6_000 * WAD, 0), [OTHER]),
    "I-10 margin": lambda: isolation.i_10_locality(
        STATE, {**STATE, 2: OTHER._replace(margin=OTHER.margin - 1)}, {1}
    ),
    "I-10 basis": lambda: isolation.i_10_locality(
        STATE, {**STATE, 2: OTHER._replace(basis=OTHER.basis + 1)}, {1}
    ),
    "I-10 funding entry": lambda: isolation.i_10_locality(
        STATE, {**STATE, 2: OTHER._replace(entry=1)}, set()
    ),
    "I-26 well, liquidated": iff(WELL, True),
    "I-26 ill, refused": iff(ILL, False),
    "I-26 in grace, liquidated": iff(ILL, True, grace=True),
    "I-26 in grace, bankrupt, refused": iff(ILL._replace(margin=1_000_000_000), False, grace=True),
    "I-26 flat, liquidated": iff(FLAT, True),
    "I-27 escaped": lambda: liquidation.i_27_unblockable(ILL, TERMS, False, False, "burner"),
    "I-28 not smaller": partial(ILL, ILL),
    "I-28 flipped": partial(ILL, REST._replace(size=-4 * WAD)),
    "I-28 under the target": partial(ILL, REST._replace(margin=679_999_999)),
    "I-28 ratio falls": partial(ILL, REST._replace(margin=590_000_000)),
    "I-28 dust left": partial(ILL, Pos(WAD // 4, 525 * WAD, 0, 800_000_000)),
    "I-30 more than a close": profit(FLAT._replace(margin=496_200_000), 5_000_000),
    "I-30 by a ticket": profit(FLAT._replace(margin=480_000_000), 5_000_000, 16_200_000),
    "I-30 above the cap": profit(FLAT, 6_000_000, terms=TERMS._replace(reward_cap=5 * WAD)),
    "I-30 more than the vault": lambda: liquidation.i_30_no_profit(
        OTHER._replace(margin=4_000_000, basis=-9_000 * WAD), FLAT, TERMS, 5_000_000, 0, 0
    ),
    "I-50 success foretold": lambda: differential.i_50_outcome("Locked()", "ok"),
    "I-50 another limit": lambda: differential.i_50_outcome(
        "Refused(18, 1, 2)", "Refused(18, 1, 3)"
    ),
    "I-50 view": lambda: differential.i_50_view("nav", 7, 8),
    "I-50 another value": lambda: differential.i_50_events([PAID], [("FeesSwept", {"to": 6})]),
    "I-50 no event": lambda: differential.i_50_events([], [SET]),
    "I-50 one event more": lambda: differential.i_50_events([PAID, SET], [PAID]),
    "I-50 another order": lambda: differential.i_50_events([SET, PAID], [PAID, SET]),
}


for each in (more, planted_orders, planted_views):
    HOLDING.update(each.HOLDING)
    PLANTED.update(each.PLANTED)


@pytest.mark.parametrize("name", HOLDING)
def test_law_holds_in_sound_state(name: str) -> None:
    HOLDING[name]()


@pytest.mark.parametrize("name", PLANTED)
def test_law_catches_planted_violation(name: str) -> None:
    with pytest.raises(Broken) as caught:
        PLANTED[name]()

    assert caught.value.law == name[:4]


def test_every_law_has_planted_violation() -> None:
    assert {name[:4] for name in PLANTED} == set(LAWS) == {name[:4] for name in HOLDING}


def test_a_step_without_time_is_no_boundary_of_the_funding_rate() -> None:
    end = 10**18  # at the clamp
    for seconds, rate, at in ((0, 5, False), (0, end, False), (60, 5, False), (60, end, True)):
        index = (0, rate * seconds * 2_000 * WAD // 10**27)
        values = (index, (rate, rate), 0, 2_000 * WAD, seconds, 10**24, 1, end)
        assert funding.i_23_index(*values) is at, (seconds, rate)
