"""Whoever sends a transaction chooses its gas, and so could make a token's transfer run out of it.

A payment that a token refuses changes what an action does; one that is only starved must not: with
every amount of gas an action does all that it does with plenty, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import deploy, events
from bulkhead.chain.wire import Block, Call, Outcome

STEP = 101  # gas, from nothing to plenty


def told(outcome: Outcome) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, event.args) for event in events(outcome)]


def held(w: World, margin: int) -> int:
    return w.open(w.alice, 50 * WAD, margin * w.one)


def fund_liquidation(w: World) -> tuple[str, bytes]:
    """Bad debt: vault to pool, reward, and fund to pool."""
    id_ = held(w, 6_000)
    w.give(w.fund.address, 100_000 * w.one)
    w.tick(1_860 * WAD)
    return w.keeper, w.market.liquidate.encode(id_, w.keeper)


def partial_liquidation(w: World) -> tuple[str, bytes]:
    id_ = held(w, 6_000)
    w.tick(1_915 * WAD)
    return w.keeper, w.market.liquidate.encode(id_, w.keeper)


def profitable_close(w: World) -> tuple[str, bytes]:
    """Pool to vault, vault to owner."""
    id_ = held(w, 9_000)
    w.tick(2_050 * WAD)
    return w.alice, w.market.closeAndWithdraw.encode(id_, ANY[-1], SOON, w.alice)


def losing_close(w: World) -> tuple[str, bytes]:
    id_ = held(w, 9_000)
    w.tick(1_950 * WAD)
    return w.alice, w.market.close.encode(id_, ANY[-1], SOON)


def fee_sweep(w: World) -> tuple[str, bytes]:
    held(w, 9_000)
    w.tick()
    return w.bob, w.market.sweepFees.encode()


@pytest.mark.parametrize(
    "scene", [fund_liquidation, partial_liquidation, profitable_close, losing_close, fee_sweep]
)
def test_action__any_amount_of_gas__is_whole_or_nothing(
    world: World, scene: Callable[[World], tuple[str, bytes]]
) -> None:
    w = world
    who, data = scene(w)

    def attempt(gas: int) -> Outcome:
        call = Call(w.market.address, data, who, 0, gas)
        return w.rpc.simulate([Block((call,), time=w.now + 1)])[0][0]

    plenty = attempt(5_000_000)
    assert plenty.ok
    wanted = told(plenty)
    done = failed = 0
    for gas in range(60_000, plenty.gas_used * 3 // 2, STEP):
        outcome = attempt(gas)
        if outcome.ok:
            done += 1
            assert told(outcome) == wanted, f"with {gas} gas"
        else:
            failed += 1
    assert done > 10
    assert failed > 10


@pytest.mark.parametrize("scene", [fund_liquidation, partial_liquidation])
def test_liquidation__a_rewarded_keeper_burns_gas__is_whole_or_nothing(
    new_world: Callable[..., World], scene: Callable[[World], tuple[str, bytes]]
) -> None:
    """Where a token calls who is paid, a keeper burns millions between its reward and the pool's
    part. The token keeps a 64th of them too, so the pool's part is not starved."""
    w = new_world(token="HookToken")
    who, data = scene(w)
    burner = deploy(w.rpc, "GasBurningReceiver", sender=w.deployer).as_(w.deployer)
    w.token.setHook(burner, burner)
    data = w.market.liquidate.encode(1, burner.address)

    def attempt() -> Outcome:
        call = Call(w.market.address, data, who, 0, 16_000_000)
        return w.rpc.simulate([Block((call,), time=w.now + 1)])[0][0]

    plenty = attempt()
    assert plenty.ok
    wanted = told(plenty)
    for leave in (500, 5_000, 20_000):
        burner.setLeave(leave)
        outcome = attempt()
        assert outcome.ok
        assert outcome.gas_used > 10_000_000
        assert told(outcome) == wanted, f"with {leave} gas left"
