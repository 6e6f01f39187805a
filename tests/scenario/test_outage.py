"""An oracle outage, and the grace after it."""

from __future__ import annotations

from collections.abc import Callable

from market_world import ANY, SOON, WAD, World
from story import DECIMALS, SIDES, against, crowd, empty_all, keep

from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason


@DECIMALS
@SIDES
def test_an_outage(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    w = new_world(decimals=decimals)
    ids, winner = crowd(w, sign)
    limit = ANY[-sign]

    # Two hours without a price. No trade, no liquidation, no pricing; margin still goes in.
    w.ok("request_redeem", w.lp, 1_000 * w.one, w.lp, w.lp)
    w.silence()
    w.at(w.now + 7_200)
    w.no("PriceInvalid", "liquidate", w.keeper, ids[0], w.keeper)
    w.no("PriceInvalid", "liquidate_many", w.keeper, tuple(ids), w.keeper)
    w.no("PriceInvalid", "close", w.alice, ids[0], limit, SOON)
    w.no("PriceInvalid", "deleverage", w.keeper, winner)
    w.ok("accrue", w.keeper)
    w.ok("add_margin", w.alice, ids[0], 2_000 * w.one)
    w.give(w.dave, 10 * w.one)
    w.send(w.dave, w.twin.core.vault(ids[2]), 10 * w.one)

    # It is back, 75 dollars worse. For fifteen minutes only what is worth nothing may be closed.
    w.speak()
    w.set(against(sign, 75), resumed=w.now)
    w.ok("accrue", w.keeper)
    found = keep(w, ids).value
    assert (found[0], found[1]) == (Is.HEALTHY, Is.IN_GRACE)
    assert Is.FULL not in found
    assert Is.PARTIAL not in found
    w.no(Reason.IN_GRACE, "liquidate", w.keeper, ids[1], w.keeper)
    w.no(Reason.IN_GRACE, "open", w.carol, 0, sign * WAD, 1_000 * w.one, ANY[sign], SOON)
    w.no(Reason.IN_GRACE, "remove_margin", w.bob, winner, 1, w.bob)
    w.ok("close", w.alice, ids[11], limit, SOON)

    # In the middle of the grace position 1 loses its last dollar; that one goes, no other.
    worse = next(
        move
        for move in range(75, 200)
        if w.twin.core.ledger(ids[1]).equity(against(sign, move)) <= 0
    )
    w.tick(against(sign, worse))
    found = keep(w, ids).value
    assert found[1] == Is.FULL
    assert Is.PARTIAL not in found

    # The grace ends: one second before nothing, then everybody below maintenance.
    w.tick(against(sign, 75), seconds=w.params.grace_secs - 13)
    assert keep(w, ids).value[2] == Is.IN_GRACE
    w.tick(against(sign, 75), seconds=1)
    found = keep(w, ids).value
    assert found[0] == Is.HEALTHY
    assert found[2] in (Is.PARTIAL, Is.FULL)
    w.tick()
    empty_all(w, [*ids, winner])
