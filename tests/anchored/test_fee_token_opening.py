"""A token that takes fees shows at an opening, wherever the margin goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.errors import reverts


@pytest.mark.parametrize("margin", [40_000_000, 50_024_999, 50_025_001, 90_000_000, 10**10])
def test_fees_show_at_an_opening(new_world: Callable[..., World], margin: int) -> None:
    """All of the margin, more than half or less than half of it is the pool's fee."""
    w = new_world(token="FeeToken")
    id_ = w.ok("reserve", w.alice, w.alice).value
    w.send(w.alice, w.twin.core.vault(id_), 9_000 * w.one)
    args = (id_, 50 * WAD, margin, ANY[1], SOON)
    with w.branch() as b:
        b.ok("open", b.alice, *args)
    w.token.setFee(100)
    with reverts("WrongAmountReceived"):
        w.market.open(*args, sender=w.alice)
    w.token.setFee(0)
    w.ok("open", w.alice, *args)
