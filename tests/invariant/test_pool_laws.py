"""What the laws know of the pool's providers: refusals, round trips, prices nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bulkhead.fuzz import exits
from bulkhead.fuzz.epochs import Epochs
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import EVE, LP
from bulkhead.fuzz.world import World
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


def trial(world: World, name: str, seeds: int = 12) -> set[str]:
    """The laws that some trials break."""
    found = set()
    for seed in range(seeds):
        try:
            world.play(Op(TRIAL, "", (name, seed), 0, world.at))
        except Broken as problem:
            found.add(problem.law)
    return found


@pytest.mark.parametrize(("engine", "seeds"), [("revm", 30), ("anvil", 3)])
def test_providers_join_and_leave(new_world: NewWorld, engine: str, seeds: int) -> None:
    world = new_world(engine, 0)
    bench = world.judge.bench  # type: ignore[attr-defined]
    before = {law: bench.checks[law] for law in ("I-37", "I-39", "I-49")}
    assert trial(world, "provider", seeds) | trial(world, "sandwich", seeds) == set()
    assert all(bench.checks[law] > before[law] + seeds for law in before)


def test_a_price_known_before_the_request_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a mark that its provider knew were new enough: it is published a second later."""
    world, honest = new_world("revm", 0), Epochs._publish

    def early(self: Epochs, world: World, mark: int, wait: int, lag: int = 0) -> None:
        honest(self, world, mark, wait + (wait in delays), 0)

    delays = {delay + lag for delay in _delays(world) for lag in (0, 5)}
    monkeypatch.setattr(Epochs, "_publish", early)
    assert trial(world, "sandwich", 30) == {"I-39"}


def _delays(world: World) -> tuple[int, int]:
    return world.params.deposit_delay_secs, world.params.redeem_delay_secs


def test_a_claim_that_pays_more_or_less_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, honest = new_world("revm", 0), Epochs._tokens
    for much in (3, -3):
        calls = iter(range(10**6))

        def other(
            self: Epochs, world: World, who: str, calls: Any = calls, much: int = much
        ) -> int:
            return honest(self, world, who) + much * (next(calls) % 3 == 2)

        monkeypatch.setattr(Epochs, "_tokens", other)
        assert trial(world, "provider", 1) == {"I-37"}, much


def test_a_request_that_is_never_priced_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    monkeypatch.setattr(Epochs, "_wait", lambda self, world: 1)
    monkeypatch.setattr("bulkhead.fuzz.epochs.EPOCHS", 1)
    assert trial(world, "provider", 3) == {"I-49"}


def test_a_newcomer_who_is_robbed_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the gift of the first took 0.02 % of what the next one puts in."""
    world, honest = new_world("revm", 0), exits.answered
    assert trial(world, "everyone", 3) == set()

    def less(world: World, to: str, method: Any, args: tuple[Any, ...]) -> Any:
        found = honest(world, to, method, args)
        return found * 9_998 // 10_000 if method.name == "convertToAssets" else found

    monkeypatch.setattr(exits, "answered", less)
    assert trial(world, "everyone", 3) == {"I-37"}
