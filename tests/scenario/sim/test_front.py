"""Who knows the next price: what that is worth without delayed orders, and what is left then."""

from __future__ import annotations

from functools import cache

import pytest

from bulkhead.cli import run
from bulkhead.errors import BadInput
from bulkhead.sim.front import NEVER, Asked, FrontResult, front

HOURS = 8.0


@cache
def played(way: str, window: str | None = None, release_after: int = 1) -> FrontResult:
    """One path, the same for every way."""
    asked = Asked(hours=HOURS, fill_window=window, release_after=release_after)
    return front(asked.terms(way), 3)


def test_without_delayed_orders__the_pool_pays_who_knows_the_next_price() -> None:
    found = played("direct")
    assert found.taken > 10_000
    assert found.pool < -10_000
    assert found.trades > 40


def test_orders__who_trades_on_what_it_sees__pays_its_costs() -> None:
    """It is filled at the price that it acted on."""
    found = played("orders")
    assert found.trades > 10
    assert found.taken < 0 < found.pool


def test_orders__cancelled_at_will__take_next_to_nothing() -> None:
    """All that is left is what the price moves while a round is on its way to the chain."""
    found = played("cancels")
    assert found.cancelled > 20
    assert found.taken <= 0.02 * played("direct").taken


def test_starved_orders__that_nobody_releases__gain_by_the_fill_window() -> None:
    """Who keeps an order unfillable for as long as the mark may be used has that long to look."""
    short, long = (played("starves", window, NEVER).taken for window in ("24 s", "10 min"))
    assert short < long / 3
    assert short < 0.1 * played("direct").taken


def test_starved_orders__released_in_the_next_block__leave_one_block_to_look() -> None:
    """Whatever the window is; and they cost the gas of placing them anew after each round."""
    left, kept = played("starves"), played("starves", release_after=NEVER)
    assert 0 < left.taken < kept.taken / 2
    assert left.released > 30
    assert left.gas > 3 * kept.gas
    assert played("starves", "10 min").taken == left.taken


def test_starved_orders__released_in_the_block_of_the_round__take_nothing() -> None:
    found = played("starves", release_after=0)
    assert found.released > 30
    assert found.taken == 0 == found.trades


def test_command__prints_each_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["front", "--runs", "1", "--hours", "1", "--ways", "direct,orders"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()] == ["way", "direct", "orders"]


@pytest.mark.parametrize(
    "bad",
    [
        {"ways": "sideways"},
        {"hours": 0.0},
        {"sigma": 0.0},
        {"notional": 1.0},
        {"runs": 0},
        {"release_after": -2},
        {"edge": 1.0},
        {"gas_gwei": -1.0},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_bad_input__is_named(bad: dict[str, object]) -> None:
    from bulkhead.sim.front import play

    with pytest.raises(BadInput):
        play(Asked(**{"runs": 1, "hours": 1.0, **bad}))  # type: ignore[arg-type]
