"""A liquidation cascade: the price slides, each step takes the next ones with it."""

from __future__ import annotations

from collections.abc import Callable

from market_world import World
from story import DECIMALS, SIDES, against, crowd, empty_all, keep, losses

from bulkhead.model.types import LiquidationResult as Is


@DECIMALS
@SIDES
def test_a_cascade(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """A keeper at each step is enough: partial first, then full, and not a unit of bad debt."""
    w = new_world(decimals=decimals)
    ids, winner = crowd(w, sign)
    fund, seen = w.token.balanceOf(w.fund.address), set[int]()
    sizes = [abs(w.twin.position(id_).size) for id_ in ids]

    for move in range(5, 220, 5):
        w.tick(against(sign, move), seconds=30)
        done = keep(w, ids)
        seen |= set(done.value)
        assert losses(done) == (0, 0, 0)
        now = [abs(w.twin.position(id_).size) for id_ in ids]
        assert all(after <= before for after, before in zip(now, sizes, strict=True))
        sizes = now
    assert {Is.PARTIAL, Is.FULL, Is.HEALTHY} <= seen

    # A second round at the same mark finds nothing to do: the cascade does not feed itself.
    again = keep(w, ids)
    assert set(again.value) <= {Is.HEALTHY, Is.FLAT}

    # Insurance was paid, not spent; everybody who is left closes.
    w.ok("sweep_fees", w.keeper)
    assert w.token.balanceOf(w.fund.address) > fund
    w.tick()
    empty_all(w, [*ids, winner])
    assert w.market.nav() > 9_980_000 * 10**18
