"""What the laws know of the pool's providers: refusals, round trips, prices nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import EVE, LP
from bulkhead.model.errors import PoolRefused
from bulkhead.model.pool import Pool
from bulkhead.model.types import ZERO_ADDRESS

from .conftest import NewWorld

Wrong = Callable[..., Any]
REFUSALS = (
    Op("deposit", LP, (10**9, LP, LP)),
    Op("mint", LP, (10**12, LP, LP)),
    Op("redeem", LP, (5, LP, LP)),
    Op("withdraw", LP, (5, LP, LP)),
    Op("redeem", LP, (0, LP, LP)),
    Op("deposit", EVE, (1, EVE, LP)),
    Op("request_deposit", LP, (1, LP, LP)),
    Op("request_deposit", LP, (2**200, LP, LP)),
    Op("request_deposit", EVE, (10, EVE, LP)),
    Op("request_deposit", LP, (10, ZERO_ADDRESS, LP)),
    Op("request_redeem", LP, (10, ZERO_ADDRESS, LP)),
    Op("request_redeem", LP, (2**120, LP, LP)),
    Op("request_redeem", EVE, (7, EVE, LP)),
    Op("share_transfer", EVE, (LP, 3)),
    Op("share_transfer", LP, (ZERO_ADDRESS, 3)),
)


def off_by_one(honest: Wrong) -> Wrong:
    """The same call, whose refusals say one more (or name somebody else)."""

    def wrong(self: Pool, *args: Any) -> Any:
        try:
            return honest(self, *args)
        except PoolRefused as problem:
            last = problem.values[-1]
            other = last + 1 if isinstance(last, int) else "0x" + "1" * 40
            raise PoolRefused(problem.name, *problem.values[:-1], other) from None

    return wrong


def test_refusals_of_the_pool_are_compared_with_all_values(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    calls = ("deposit", "mint", "redeem", "withdraw", "request_deposit", "request_redeem")
    told = [world.play(op) for op in REFUSALS]
    assert not any(said.startswith("ok") for said in told)
    for name in (*calls, "transfer"):
        monkeypatch.setattr(Pool, name, off_by_one(getattr(Pool, name)))
    for op, said in zip(REFUSALS, told, strict=True):
        if "(" in said and not said.endswith("()"):
            with pytest.raises(Broken, match="I-50"):
                world.play(op)
