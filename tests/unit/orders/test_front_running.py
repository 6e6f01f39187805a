"""Who knows the next mark, on the contracts: it takes from the pool directly, and pays by order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from market_world import ANY, SOON, WAD
from order_world import SIZE, Desk

from bulkhead.chain.contract import events

STEPS = 25
MARGIN = 10_000 * 10**6


def marks(seed: int) -> Iterator[tuple[int, int]]:
    """A mark and the next one, which only the attacker knows: moves of up to 1 %, some of which
    do not pay for their costs."""
    dice, mark = random.Random(seed), 2_000 * WAD
    for _ in range(STEPS):
        later = mark * dice.randint(9_900, 10_100) // 10_000
        yield mark, later
        mark = later


def worth(desk: Desk, ids: list[int]) -> int:
    """What Alice has, her positions at the mark that the market holds (Wad)."""
    state, unit = desk.market.state(), desk.market.config().unit
    found = desk.balance(desk.w.alice) * unit
    for id_ in ids:
        held = desk.market.position(id_)
        found += desk.margin(id_) * unit + held.size * (state.mark - state.fundingIndex) // WAD
        found -= held.basis
    return int(found)


def test_directly__the_pool_pays(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    w, who = desk.w, desk.w.alice
    w.tick()
    receipt = desk.market.open(0, SIZE, MARGIN, ANY[1], SOON, sender=who)
    id_ = events(receipt, "PositionChanged")[0].id
    desk.market.close(id_, ANY[-1], SOON, sender=who)
    had, nav = worth(desk, [id_]), desk.market.nav()
    for mark, later in marks(1):
        if abs(later - mark) * 1_000 < 3 * mark:  # not worth its costs
            w.tick(later)
            continue
        side = 1 if later > mark else -1
        desk.market.open(id_, side * SIZE, 0, ANY[side], SOON, sender=who)
        w.tick(later)
        desk.market.close(id_, ANY[-side], SOON, sender=who)
    assert worth(desk, [id_]) - had > 1_000 * WAD
    assert desk.market.nav() < nav - 1_000 * WAD


def test_by_order__each_trade_costs_what_a_trade_costs(new_desk: Callable[..., Desk]) -> None:
    """It knows the mark that fills each order, and cancels at will; no fill is worth anything."""
    desk = new_desk(delayed_only=1)
    w = desk.w
    ids = [desk.opened(side, margin=MARGIN) for side in (1, -1)]
    paid = fills = cancelled = 0
    for step, (mark, later) in enumerate(marks(1)):
        side = 1 if later > mark else -1
        id_ = ids[0 if side > 0 else 1]
        held = desk.market.position(id_).size
        wanted = desk.on(id_, size=side * SIZE // 10) if step % 2 or not held else desk.exit(id_)
        desk.place(wanted)
        if abs(later - mark) * 1_000 < 2 * mark:
            desk.cancel(wanted)
            cancelled += 1
        desk.due(later)
        desk.market.accrue(sender=w.dave)
        if desk.state(wanted).status != 1:
            continue
        before = worth(desk, ids)
        desk.execute(wanted)
        after = worth(desk, ids)
        assert after < before, f"step {step}"
        paid += before - after
        fills += 1
    assert fills > 12
    assert cancelled > 1
    assert paid > 0
