"""The market's actions: results, refusals with their values, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from model_world import (
    ANY_BUY,
    ANY_SALE,
    FOREVER,
    KEEPER,
    LP,
    MARK,
    OWNER,
    RIVAL,
    World,
    laws,
    limit,
)

from bulkhead.model import ModelError, OracleError, Reading, Refused
from bulkhead.model.errors import (
    Locked,
    NotAuthorised,
    NotTicketOwner,
    TransferRefused,
    UnknownPosition,
)
from bulkhead.model.types import LiquidationResult, Mode, Reason
from bulkhead.model.wad import WAD

SIDES = pytest.mark.parametrize("sign", [1, -1])


def refusal(world: World, action: str, *args: Any) -> tuple[Reason, int, int]:
    """The refusal of an action, which must change nothing."""
    before = (dict(world.m.state.__dict__), dict(world.m.core.balances))
    with pytest.raises(Refused) as caught:
        getattr(world.m, action)(*args)
    assert before == (dict(world.m.state.__dict__), dict(world.m.core.balances))
    return caught.value.reason, caught.value.actual, caught.value.limit


@pytest.fixture
def world() -> World:
    return World()


@SIDES
@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_open_and_close__constant_mark__costs_impact_and_fees(sign: int, decimals: int) -> None:
    world = World(decimals)
    before = world.m.balance(OWNER)
    id_ = world.open(sign * 100 * WAD, 30_000)
    paid = world.m.close_and_withdraw(OWNER, id_, limit(-sign), FOREVER, OWNER).value
    assert paid == world.m.balance(OWNER) - before + 30_000 * world.token
    # 300,000 notional at 5 + 2 bp; the impact comes back
    assert 30_000 - 210 - 3 <= paid / world.token <= 30_000 - 210 + 1
    assert world.m.position(id_).size == world.m.position(id_).basis == 0
    laws(world)


def test_open__checks__come_in_the_written_order(world: World) -> None:
    m, size = world.m, 100 * WAD
    now = m.now
    assert refusal(world, "open", OWNER, 0, 0, 0, 0, now - 1) == (
        Reason.DEADLINE_PASSED,
        now,
        now - 1,
    )
    with pytest.raises(UnknownPosition):
        m.open(OWNER, 99, 0, 0, 0, now)
    id_ = m.reserve(RIVAL, OWNER).value
    with pytest.raises(NotAuthorised):
        m.open(RIVAL, id_, 0, 0, 0, now)
    assert refusal(world, "open", OWNER, id_, 0, 0, 0, now) == (Reason.ZERO_AMOUNT, 0, 1)
    fill = refusal(world, "open", OWNER, id_, size, 0, 1, now)
    assert fill[0] == Reason.PRICE_LIMIT
    assert fill[2] == 1
    small = refusal(world, "open", OWNER, id_, WAD // 10, 0, ANY_BUY, now)
    assert small == (Reason.NOTIONAL_TOO_SMALL, 300 * WAD, 1000 * WAD)
    skewed = refusal(world, "open", OWNER, id_, 5000 * WAD, 0, ANY_BUY, now)
    assert skewed == (Reason.SKEW_TOO_LARGE, 5000 * WAD, 4000 * WAD)
    used = refusal(world, "open", OWNER, id_, 3500 * WAD, 0, ANY_BUY, now)
    assert used[0] == Reason.UTILISATION_TOO_HIGH
    margin = refusal(world, "open", OWNER, id_, size, 14_999 * world.token, ANY_BUY, now)
    assert margin[0] == Reason.MARGIN_TOO_LOW
    assert margin[2] == 15_000 * WAD
    m.open(OWNER, id_, size, 20_000 * world.token, ANY_BUY, now)
    assert refusal(world, "open", OWNER, id_, size, 0, 0, now) == (Reason.NOT_FLAT, size, 0)


@SIDES
def test_decrease__directions__are_checked(world: World, sign: int) -> None:
    size = sign * 100 * WAD
    id_ = world.open(size, 40_000)
    wrong = refusal(world, "decrease", OWNER, id_, sign, limit(sign), FOREVER)
    assert wrong == (Reason.WRONG_DIRECTION, sign, size)
    flip = -size - sign
    assert refusal(world, "decrease", OWNER, id_, flip, limit(-sign), FOREVER) == (
        Reason.WOULD_FLIP,
        flip,
        size,
    )
    assert refusal(world, "increase", OWNER, id_, -sign, 0, FOREVER)[0] == Reason.WRONG_DIRECTION
    world.m.decrease(OWNER, id_, -size // 4, limit(-sign), FOREVER)
    assert world.m.position(id_).size == size - size // 4
    world.m.decrease(OWNER, id_, -(size - size // 4), limit(-sign), FOREVER)
    assert world.m.position(id_).size == 0
    laws(world)


def test_oracle__reverts__exits_that_need_no_price_still_work(world: World) -> None:
    id_ = world.open(100 * WAD, 20_000)
    flat = world.m.reserve(OWNER, OWNER).value
    world.m.add_margin(OWNER, flat, 5)
    world.m.now += 1
    world.m.oracle = OracleError("PriceStale", (1, 2, 3))
    for action, args in (
        ("open", (OWNER, 0, WAD, 1, ANY_BUY, FOREVER)),
        ("close", (OWNER, id_, ANY_SALE, FOREVER)),
        ("liquidate", (KEEPER, id_, KEEPER)),
        ("deleverage", (KEEPER, id_)),
    ):
        with pytest.raises(OracleError):
            getattr(world.m, action)(*args)
    world.m.add_margin(OWNER, id_, 1)
    world.m.remove_margin(OWNER, flat, 5, OWNER)
    world.m.pool.request_redeem(LP, 1, LP, LP) if world.m.pool.shares.get(LP) else None
    accrued = world.m.state.accrued_at
    world.m.accrue(KEEPER)
    assert world.m.state.accrued_at == accrued + 1
    laws(world)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        ((MARK, 0, -1), Reason.PRICE_BACKWARDS),
        ((10**9 - 1, 0, 1), Reason.PRICE_OUT_OF_RANGE),
        ((2**96, 0, 1), Reason.PRICE_OUT_OF_RANGE),
        ((MARK, WAD // 200 + 1, 1), Reason.SPREAD_TOO_WIDE),
    ],
)
def test_accept__bad_reading__is_refused(
    world: World, reading: tuple[int, int, int], reason: Reason
) -> None:
    mark, spread, later = reading
    world.m.now += 1
    world.m.oracle = Reading(mark, spread, world.m.state.published_at + later)
    assert refusal(world, "open", OWNER, 0, WAD, 1, ANY_BUY, FOREVER)[0] == reason
    world.m.accrue(KEEPER)
    assert world.m.state.mark == MARK


def test_one_mark_per_block__renewal__is_for_liquidation_only(world: World) -> None:
    id_ = world.open(100 * WAD, 20_000)
    world.m.now += 10
    world.m.oracle = Reading(MARK, 0, world.m.now - 5)
    world.m.accrue(KEEPER)
    world.m.oracle = Reading(MARK * 94 // 100, 0, world.m.now - 4)
    assert refusal(world, "open", OWNER, 0, WAD, 1, ANY_BUY, FOREVER)[0] == Reason.MARGIN_TOO_LOW
    assert world.m.state.mark == MARK
    assert world.m.liquidate(KEEPER, id_, KEEPER).value == LiquidationResult.FULL
    now = world.m.now
    blocked = (Reason.BLOCK_IS_LIQUIDATION_ONLY, now, now + 1)
    assert refusal(world, "open", OWNER, 0, WAD, 1, ANY_BUY, FOREVER) == blocked
    assert refusal(world, "accrue", KEEPER) == blocked
    world.m.add_margin(OWNER, id_, 1)
    world.pass_time(1)
    world.m.accrue(KEEPER)
    assert not world.m.state.renewed
    laws(world)


def test_liquidate_many__renewal_that_liquidates_nothing__is_refused(world: World) -> None:
    id_ = world.open(100 * WAD, 20_000)
    world.m.now += 10
    world.m.oracle = Reading(MARK, 0, world.m.now - 5)
    world.m.accrue(KEEPER)
    world.m.oracle = Reading(MARK, 0, world.m.now - 4)
    assert refusal(world, "liquidate_many", KEEPER, [id_, 77], KEEPER) == (
        Reason.NOTHING_LIQUIDATED,
        0,
        1,
    )
    world.m.oracle = Reading(MARK, 0, world.m.now - 5)
    results = world.m.liquidate_many(KEEPER, [id_, 77], KEEPER).value
    assert results == [LiquidationResult.HEALTHY, LiquidationResult.UNKNOWN]


@SIDES
def test_liquidate__at_exact_equity__is_strict(world: World, sign: int) -> None:
    id_ = world.open(sign * 100 * WAD, 20_000)
    world.step(MARK - sign * 110 * WAD, 12)
    m = world.m
    _, mm, _ = m.requirements(id_)
    vault, gap = m.core.vault(id_), (m.equity(id_) - mm) // m.core.cfg.unit
    m.core.balances[vault] -= gap + 1
    world.minted -= gap + 1
    assert m.liquidatable(id_)
    m.core.balances[vault] += 1
    world.minted += 1
    assert not m.liquidatable(id_)
    assert refusal(world, "liquidate", KEEPER, id_, KEEPER)[0] == Reason.HEALTHY
    m.core.balances[vault] -= 1
    world.minted -= 1
    assert m.liquidate(KEEPER, id_, KEEPER).value == LiquidationResult.PARTIAL
    assert not m.liquidatable(id_)
    laws(world)


def test_liquidate__bad_receiver__is_refused(world: World) -> None:
    id_ = world.open(100 * WAD, 20_000)
    core = world.m.core
    for to in (core.vault(id_), core.cfg.pool, core.cfg.fund, core.market):
        got = refusal(world, "liquidate", KEEPER, id_, to)
        assert got == (Reason.BAD_RECEIVER, int(to, 16), 0)


def test_grace__only_the_insolvent__are_liquidated(world: World) -> None:
    id_ = world.open(100 * WAD, 20_000)
    world.m.now += 10
    world.m.oracle = Reading(MARK * 95 // 100, 0, world.m.now, world.m.now - 1)
    world.m.accrue(KEEPER)
    end = world.m.now - 1 + 900
    assert refusal(world, "liquidate", KEEPER, id_, KEEPER) == (
        Reason.IN_GRACE,
        world.m.now,
        end,
    )
    assert refusal(world, "increase", OWNER, id_, WAD, ANY_BUY, FOREVER)[0] == Reason.IN_GRACE
    world.step(MARK * 90 // 100)
    assert world.m.liquidate(KEEPER, id_, KEEPER).value == LiquidationResult.FULL
    laws(world)


def callee(world: World, respond: Any) -> int:
    """A position of a contract that opted in."""
    id_ = world.open(100 * WAD, 20_000)
    world.m.core.contracts.add(OWNER)
    world.m.set_margin_call(OWNER, id_, True)
    world.m.on_margin_call[OWNER] = respond
    world.step(MARK * 955 // 1000, 12)
    return id_


def test_margin_call__healed__pays_only_the_reward(world: World) -> None:
    def top_up(model: Any, id_: int, shortfall: int) -> None:
        assert model.send(OWNER, model.core.vault(id_), shortfall)
        with pytest.raises(Locked):
            model.close(OWNER, id_, ANY_SALE, FOREVER)

    id_ = callee(world, top_up)
    result = world.m.liquidate(KEEPER, id_, KEEPER)
    assert result.value == LiquidationResult.HEALED
    assert world.m.position(id_).size == 100 * WAD
    assert (world.m.core.vault(id_), KEEPER, 5 * world.token) in result.payments
    assert world.m.equity(id_) >= world.m.requirements(id_)[2]
    laws(world)


def test_margin_call__fails_half_way__is_undone_and_liquidated(world: World) -> None:
    def fail(model: Any, id_: int, shortfall: int) -> None:
        model.send(OWNER, model.core.vault(id_), shortfall)
        raise Locked

    id_ = callee(world, fail)
    held = world.m.balance(OWNER)
    assert world.m.liquidate(KEEPER, id_, KEEPER).value == LiquidationResult.PARTIAL
    assert world.m.balance(OWNER) == held
    assert world.m.position(id_).flags & 1 == 0
    laws(world)


@SIDES
def test_refusing_vault__never_blocks_liquidation_or_close(world: World, sign: int) -> None:
    m = world.m
    losing = world.open(sign * 100 * WAD, 20_000)
    winning = world.open(-sign * 100 * WAD, 40_000, RIVAL)
    world.step(MARK * (1000 - sign * 55) // 1000, 12)
    for id_ in (losing, winning):
        m.core.refuse_from.add(m.core.vault(id_))
        m.core.refuse_to.add(m.core.vault(id_))
    assert m.liquidate(KEEPER, losing, KEEPER).value == LiquidationResult.FULL
    held = m.position(losing)
    assert held.size == 0
    assert 0 < held.basis <= m.margin(losing) * m.core.cfg.unit
    m.close(RIVAL, winning, limit(sign), FOREVER)
    assert len(m.core.tickets) == 1
    laws(world)
    m.core.refuse_from.clear()
    m.core.refuse_to.clear()
    worth = m.nav()
    m.settle(KEEPER, losing)
    assert m.position(losing).basis == 0
    assert m.nav() == worth
    with pytest.raises(NotTicketOwner):
        m.draw_ticket(OWNER, 1, OWNER)
    assert m.draw_ticket(RIVAL, 1, RIVAL).value == m.core.tickets[1].amount
    laws(world)


def test_delegate__trades_but_never_withdraws(world: World) -> None:
    m, id_ = world.m, world.open(100 * WAD, 40_000)
    m.set_delegate(OWNER, id_, RIVAL, m.now)
    m.increase(RIVAL, id_, WAD, ANY_BUY, FOREVER)
    m.set_lock(RIVAL, id_, 24_000 * world.token)
    with pytest.raises(NotAuthorised):
        m.remove_margin(RIVAL, id_, 1, RIVAL)
    free = m.margin(id_) - 24_000 * world.token
    assert refusal(world, "remove_margin", OWNER, id_, free + 1, OWNER) == (
        Reason.AMOUNT_TOO_LARGE,
        free + 1,
        free,
    )
    m.set_delegate(OWNER, id_, RIVAL, 0)
    assert m.core.locked_of(id_) == 0
    with pytest.raises(NotAuthorised):
        m.increase(RIVAL, id_, WAD, ANY_BUY, FOREVER)


def test_transfer_position__clears_delegates_locks_and_opt_in(world: World) -> None:
    m, id_ = world.m, world.open(100 * WAD, 40_000)
    m.core.contracts.add(OWNER)
    m.set_margin_call(OWNER, id_, True)
    m.set_delegate(OWNER, id_, KEEPER, FOREVER)
    m.set_lock(KEEPER, id_, 5)
    m.transfer_position(OWNER, id_, RIVAL)
    assert m.position(id_).owner == RIVAL
    assert m.position(id_).flags & 3 == 0
    assert m.core.locked_of(id_) == 0
    assert not m.core.is_authorised(id_, KEEPER)
    assert not m.core.is_authorised(id_, OWNER)


def test_removal_refused_by_token__changes_nothing(world: World) -> None:
    m, id_ = world.m, world.open(100 * WAD, 40_000)
    m.core.refuse_to.add(OWNER)
    held = m.margin(id_)
    with pytest.raises(TransferRefused):
        m.remove_margin(OWNER, id_, 1, OWNER)
    assert m.margin(id_) == held


def test_reduce_only__exits_work_and_risk_does_not(world: World) -> None:
    m, id_ = world.m, world.open(100 * WAD, 40_000)
    m.enter_reduce_only(m.core.guardian)
    for action, args in (
        ("open", (OWNER, 0, WAD, 1, ANY_BUY, FOREVER)),
        ("increase", (OWNER, id_, WAD, ANY_BUY, FOREVER)),
        ("remove_margin", (OWNER, id_, 1, OWNER)),
    ):
        assert refusal(world, action, *args) == (Reason.MODE_FORBIDS, Mode.REDUCE_ONLY, 0)
    m.decrease(OWNER, id_, -WAD, ANY_SALE, FOREVER)
    with pytest.raises(ModelError):
        m.leave_reduce_only(m.core.guardian)
    m.leave_reduce_only(m.core.timelock)
    assert m.in_grace()
