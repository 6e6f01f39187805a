"""Parameters, modes, delays, and who may call what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from market_world import WAD, World

from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import reverts
from bulkhead.deploy.params import abi
from bulkhead.model import MarketModel
from bulkhead.model.config import BOUNDS
from bulkhead.model.errors import BadParameter
from bulkhead.model.types import ZERO_ADDRESS, Bracket, Mode, Reason, camel

BPS = WAD // 10_000
DELAY = 2 * 86_400


@pytest.mark.parametrize(
    "change",
    [
        {"adl_start": 79 * WAD // 100},
        {"adl_target": 85 * WAD // 100},
        {"maker_fee": 5 * BPS + 1},
        {"reserve_factor": WAD // 10 - 1},
        {"ramp_per_hour": 2 * WAD + 1},
        {"redeem_delay_secs": 3_599},
        {"dead_after_secs": 3 * 86_400 - 1},
        {"max_impact": WAD},
        {"max_skew": 4_001 * WAD},
        {"reward_floor": 6 * WAD},
        {"reward_cap": 1_001 * WAD},
        {"margin_call_reward": 6 * WAD},
        {"fee_pool_share": WAD},
        {"keeper_rate": 200 * BPS},
        {"max_rate": 10**24},
        {"mu_max": WAD - 1},
        {"brackets": ()},
        {"brackets": (Bracket(2**128 - 1, 250 * BPS, 250 * BPS),)},
        {"brackets": (Bracket(10**24, 500 * BPS, 250 * BPS),)},
        {"brackets": (Bracket(0, 500 * BPS, 250 * BPS), Bracket(2**128 - 1, 500 * BPS, 250 * BPS))},
        {"min_notional": 0},
        {"deep_ratio": WAD + 1},
        {"max_velocity": 0},
        {"max_rate": 10**21},
        {"adl_target": 0},
        {"reward_cap": 1_000 * WAD + 10**12},  # 6 decimals: a part of a unit more is allowed
        {"fee_insurance_share": 2**256 - 1},
        {"brackets": tuple(Bracket(10**24 + i, 500 * BPS, 250 * BPS) for i in range(9))},
        {"oracle": ZERO_ADDRESS},
        {"treasury": ZERO_ADDRESS},
    ],
    ids=lambda change: next(iter(change)),
)
def test_parameters_out_of_bounds(world: World, change: dict[str, Any]) -> None:
    w = world
    w.no("BadParameter", "set_params", w.governance, replace(w.params, **change))


@pytest.mark.parametrize("name", BOUNDS)
def test_hard_bounds(world: World, name: str) -> None:
    """One beyond each bound; chain and twin say the same name, value and limit."""
    w = world
    low, high = BOUNDS[name]
    for value, limit in ((low - 1, low), (high + 1, high)):
        if value < 0:
            continue
        said = w.no("BadParameter", "set_params", w.governance, replace(w.params, **{name: value}))
        assert said.args == (camel(name), value, limit)


def test_a_part_of_a_unit_over_the_largest_reward(world: World) -> None:
    w = world
    w.ok("set_params", w.governance, replace(w.params, reward_cap=1_000 * WAD + 10**12 - 1))


def test_a_treasury_that_could_not_use_its_tokens(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    vault = w.twin.core.vault(id_)
    for useless in (w.market.address, w.pool.address, w.token.address, vault):
        said = w.no("BadParameter", "set_params", w.governance, replace(w.params, treasury=useless))
        assert said.args == ("treasury", int(useless, 16), 0)
    implementation = w.market.VAULT_IMPLEMENTATION()
    data = abi(replace(w.params, treasury=implementation))
    with reverts("BadParameter", actual=int(implementation, 16), limit=0):
        w.market.setParams(data, sender=w.governance)
    w.ok("set_params", w.governance, replace(w.params, treasury=w.fund.address))


@pytest.mark.parametrize("over", [0, 1])
def test_the_first_reward_cap_is_bounded(world: World, over: int) -> None:
    """It is the vaults' for ever: at most what the rate makes of a full side."""
    w = world
    most = w.params.keeper_rate * w.params.max_open_interest // WAD
    params = replace(w.params, reward_cap=most + over)
    vault = deploy(
        w.rpc, "PositionVault", w.market, w.token, w.pool, 2**200 // 10**12, sender=w.deployer
    )
    parts = (w.token, w.pool, w.fund, w.book, vault, w.authority)

    def both() -> None:
        MarketModel(params, 6, initial_mark=2_000 * WAD)

    if over:
        with reverts("BadParameter", actual=most + 1, limit=most):
            deploy(w.rpc, "Market", parts, abi(params), 0, sender=w.deployer)
        with pytest.raises(BadParameter, match=f"rewardCap', {most + 1}, {most}"):
            both()
    else:
        deploy(w.rpc, "Market", parts, abi(params), 0, sender=w.deployer)
        both()


def test_a_steeper_table_makes_nobody_liquidatable(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    rows = tuple(
        Bracket(row.upper_notional, row.im_rate * 6 // 5, row.mm_rate * 6 // 5)
        for row in w.params.brackets
    )
    before = w.twin.requirements(id_)[1]
    w.ok("set_params", w.governance, replace(w.params, brackets=rows))
    assert w.twin.requirements(id_)[1] <= before
    assert w.market.state().ramp < WAD
    w.tick(seconds=3_600)
    w.ok("accrue", w.bob)
    w.tick(seconds=3_600)
    w.ok("accrue", w.bob)
    assert w.twin.requirements(id_)[1] > before


def test_harmless_changes(world: World) -> None:
    w = world
    w.open(w.alice, 500 * WAD, 90_000 * w.one)
    w.tick(seconds=20_000)
    w.ok("set_params", w.governance, replace(w.params, max_rate=10**20))
    w.tick(seconds=20_000)
    w.ok("set_params", w.governance, replace(w.params, taker_fee=6 * BPS, max_rate=10**20))


def test_the_delay_is_enforced(new_world: Callable[..., World]) -> None:
    """Governance schedules, waits, and only then acts."""
    w = new_world(delay=DELAY)
    data = w.market.setParams.encode(abi(w.params))

    def said() -> str:
        receipt = w.rpc.send(w.market, data, sender=w.governance, check=False)
        return "" if receipt.ok else w._refused(w.rpc.revert_data(receipt.hash))

    assert said().startswith("AccessManagerNotScheduled")
    w.authority.schedule(w.market.address, data, 0, sender=w.governance)
    w.at(w.now + DELAY - 1)
    assert said().startswith("AccessManagerNotReady")
    w.at(w.now + 1)
    assert said() == ""
    assert said().startswith("AccessManagerNotScheduled")
    w.market.enterReduceOnly(sender=w.guardian)
    assert w.market.state().mode == Mode.REDUCE_ONLY


def test_modes(world: World) -> None:
    w = world
    w.no(Reason.MODE_FORBIDS, "leave_reduce_only", w.governance)
    w.ok("enter_reduce_only", w.guardian)
    w.no(Reason.MODE_FORBIDS, "enter_reduce_only", w.guardian)
    w.ok("leave_reduce_only", w.governance)
