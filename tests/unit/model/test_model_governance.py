"""Parameters, their bounds and changes, and the end of a dead market."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_world import ANY_BUY, FOREVER, KEEPER, LP, MARK, OWNER, RIVAL, World, laws

from bulkhead.model import Bracket, MarketModel, Refused
from bulkhead.model.errors import AccessManagedUnauthorized, BadParameter
from bulkhead.model.governance import relief
from bulkhead.model.margin import mm, rows
from bulkhead.model.presets import BPS, eth_usd
from bulkhead.model.types import UNBOUNDED, Mode, Reason, as_abi
from bulkhead.model.wad import WAD


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("brackets", {"brackets": ()}),
        ("upperNotional", {"brackets": (Bracket(10**24, 500 * BPS, 250 * BPS),)}),
        (
            "upperNotional",
            {"brackets": (Bracket(0, 500 * BPS, 250 * BPS), Bracket(UNBOUNDED, WAD, 250 * BPS))},
        ),
        ("mmRate", {"brackets": (Bracket(UNBOUNDED, 250 * BPS, 250 * BPS),)}),
        ("mmRate", {"max_spread": 150 * BPS}),
        ("maxSkew", {"max_skew": 4001 * WAD}),
        ("maxImpact", {"max_impact": WAD}),
        ("rewardFloor", {"reward_floor": 6 * WAD}),
        ("marginCallReward", {"margin_call_reward": 5 * WAD + 1}),
        ("rewardCap", {"reward_cap": 4 * WAD}),
        ("adlStart", {"adl_start": WAD * 79 // 100}),
        ("makerFee", {"maker_fee": 5 * BPS + 1}),
        ("adlTarget", {"adl_target": WAD * 85 // 100}),
        ("reserveFactor", {"reserve_factor": WAD // 10 - 1}),
        ("rampPerHour", {"ramp_per_hour": 2 * WAD + 1}),
        ("redeemDelaySecs", {"redeem_delay_secs": 3599}),
        ("deadAfterSecs", {"dead_after_secs": 3 * 86_400 - 1}),
        ("maxRate", {"max_rate": 10**22}),
        ("maxVelocity", {"max_velocity": 10**17 // 4}),
        ("delayedOnly", {"delayed_only": 2}),
        ("orderDelaySecs", {"order_delay_secs": 3601}),
        ("fillWindowSecs", {"fill_window_secs": 23}),
        ("fillWindowSecs", {"fill_window_secs": 86_401}),
        ("feeInsuranceShare", {"fee_insurance_share": WAD // 2 + 1}),
    ],
)
def test_deployment__parameter_out_of_bounds__is_refused(
    name: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(BadParameter) as caught:
        MarketModel(replace(eth_usd(), **changes), 6, initial_mark=MARK)
    assert caught.value.args[0] == name


def test_decimals__more_than_18__are_refused() -> None:
    with pytest.raises(BadParameter):
        MarketModel(eth_usd(), 19, initial_mark=MARK)


def test_set_params__stranger__is_refused() -> None:
    world = World()
    with pytest.raises(AccessManagedUnauthorized):
        world.m.set_params(OWNER, eth_usd())


def test_set_params__cheaper_skew_for_a_full_pool__is_refused() -> None:
    world = World()
    with pytest.raises(BadParameter) as caught:
        world.m.set_params(
            world.m.core.timelock,
            replace(
                eth_usd(), skew_scale=800_000 * WAD // 2, max_skew=2000 * WAD, max_impact=50 * BPS
            ),
        )
    assert caught.value.args[0] == "skewScale"


@given(
    rates=st.lists(st.integers(150, 900), min_size=1, max_size=4),
    uppers=st.lists(st.integers(10_000, 10_000_000), min_size=3, max_size=3, unique=True),
    minimum=st.integers(100, 5_000),
    n=st.integers(1, 2**112),
)
def test_relief__any_tables__never_raises_anyones_mm(
    rates: list[int], uppers: list[int], minimum: int, n: int
) -> None:
    old = World(liquidity=0).m.core.cfg
    rates, uppers = sorted(rates), sorted(uppers)[: len(rates) - 1]
    tops = [u * WAD for u in uppers] + [UNBOUNDED]
    brackets = tuple(
        Bracket(top, 2 * rate * BPS, rate * BPS) for top, rate in zip(tops, rates, strict=True)
    )
    new = replace(old, table=rows(brackets), min_notional=minimum * WAD)
    r0 = relief(old, new)
    for ramp in (WAD, 2 * WAD + 7):
        assert mm(n, ramp * r0 // WAD, new) <= mm(n, ramp, old) + 1


def test_set_params__higher_rates__ramp_up_slowly() -> None:
    world = World()
    id_ = world.open(100 * WAD, 20_000)
    before = world.m.requirements(id_)[1]
    table = tuple(
        Bracket(b.upper_notional, b.im_rate * 11 // 10, b.mm_rate * 11 // 10)
        for b in eth_usd().brackets
    )
    world.m.set_params(world.m.core.timelock, replace(eth_usd(), brackets=table))
    assert world.m.requirements(id_)[1] <= before
    world.pass_time(3600)
    world.m.accrue(KEEPER)
    assert world.m.requirements(id_)[1] > before * 109 // 100


def dead(world: World) -> None:
    """Kills the market at a price."""
    m = world.m
    m.now += m.core.cfg.dead_after_secs
    m.announce_final(m.core.timelock, world.mark)
    m.now += m.core.cfg.dead_after_secs


def test_announce__market_alive__is_refused() -> None:
    world = World()
    with pytest.raises(Refused) as caught:
        world.m.announce_final(world.m.core.timelock, MARK)
    assert caught.value.args == (Reason.NOT_DEAD, 0, 3 * 86_400)


def test_valid_mark__before_execution__cancels_the_end() -> None:
    world = World()
    dead(world)
    world.pass_time(0)
    world.m.accrue(KEEPER)
    assert world.m.state.mode == Mode.REDUCE_ONLY
    with pytest.raises(Refused) as caught:
        world.m.execute_final(KEEPER)
    assert caught.value.reason == Reason.MODE_FORBIDS


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("move", [2, 40, 100])
def test_final__solvent_or_not__everybody_gets_their_part(sign: int, move: int) -> None:
    world = World(liquidity=1_000_000, max_utilisation=4 * WAD)
    m = world.m
    losing = world.open(-sign * 300 * WAD, 300_000)
    winning = world.open(sign * 900 * WAD, 600_000, RIVAL)
    world.mark = MARK * (100 + sign * move) // 100 if sign * move > -100 else 10**9
    dead(world)
    m.execute_final(KEEPER)
    for id_ in (losing, winning):
        m.settle_final(KEEPER, id_)
        laws(world)
    assert m.state.mode == Mode.SETTLED
    # what the loser earned by funding is a ticket too
    number = next(n for n in (1, 2) if m.ticket(n).owner == RIVAL)
    ticket = m.ticket(number)
    paid = m.draw_ticket(RIVAL, number, RIVAL).value
    ratio = m.core.totals.final_ratio
    assert paid == ticket.amount * ratio // 10**27
    assert (ratio == 10**27) == (move <= 40)
    m.remove_margin(RIVAL, winning, m.margin(winning), RIVAL)
    m.pool.deposit(LP, 10**6 * world.token, LP, LP)
    m.pool.request_redeem(LP, m.pool.shares[LP], LP, LP)
    m.now += 86_401
    m.accrue(KEEPER)
    laws(world)
    with pytest.raises(Refused):
        m.open(OWNER, 0, WAD, 1, ANY_BUY, FOREVER)


def test_as_abi__state__has_soliditys_names() -> None:
    names = as_abi(World().m.state)
    assert {"publishedAt", "sizeLong", "bucketDueAt", "lnSample"} <= set(names)
