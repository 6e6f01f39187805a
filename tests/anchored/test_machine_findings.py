"""Counterexamples of the state machine. Each is played on market and twin under all laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.exits import ROUNDED_UP
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import (
    ALICE,
    ANY_BUY,
    DELAY,
    EVE,
    FOREVER,
    GOVERNANCE,
    KEEPER,
    LP,
    LP2,
    PRICE,
)
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import dear, dust, free, plain, steep
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model.types import LiquidationResult, Mode, Reason
from bulkhead.model.wad import RAY, WAD

ACCRUE = Op("accrue", KEEPER)


def price(percent: int, lag: int = 0, wait: int = 1) -> Op:
    """A mark relative to the first one."""
    return Op("set_price", args=(PRICE * percent // 100, 0, lag, 0), wait=wait)


@pytest.fixture
def world(artifacts: Artifacts) -> World:
    """Six decimals and the first parameter set, after the opening."""
    return stand_up("revm", Setting(6, (plain(),)), Bench(), artifacts)


def play(world: World, ops: Sequence[Op]) -> str:
    """All of them; what was said to the last."""
    return [world.play(op) for op in ops][-1]


def dies(world: World, percent: int) -> None:
    """An outage without end, and a final price."""
    wait = world.params.dead_after_secs
    ops = (
        Op("fail_oracle", args=(1,)),
        Op("accrue", KEEPER, (), wait),
        Op("announce_final", GOVERNANCE, (PRICE * percent // 100,)),
        Op("execute_final", EVE, (), wait),
    )
    assert play(world, ops) == "ok"


def test_liquidation_at_held_mark_survives_failing_oracle(world: World) -> None:
    said = play(
        world,
        [price(50), ACCRUE, Op("fail_oracle", args=(2,)), Op("liquidate", KEEPER, (1, KEEPER))],
    )

    assert said == "ok 6"


@pytest.mark.parametrize("name", ["accrue", "settle"])
def test_renewed_block_is_for_liquidations_only(world: World, name: str) -> None:
    play(world, [price(100, lag=5, wait=12), ACCRUE, price(50, wait=0)])
    play(world, [Op("liquidate", KEEPER, (1, KEEPER))])

    said = play(world, [Op(name, KEEPER, () if name == "accrue" else (2,))])

    assert said == f"Refused(9, {world.now}, {world.now + 1})"


@pytest.mark.parametrize("name", ["liquidate", "transfer_position"])
def test_deployed_vault_is_no_receiver(world: World, name: str) -> None:
    said = play(world, [Op(name, ALICE, (1, world.vault(6)))])

    assert said.startswith("Refused(32,")


def test_flat_position_is_refused_before_its_price(world: World) -> None:
    limit = 0 if world.twin.position(1).size > 0 else ANY_BUY
    play(world, [price(100), Op("close", ALICE, (1, limit, FOREVER))])

    said = play(world, [Op("fail_oracle", args=(1,)), Op("liquidate", KEEPER, (1, KEEPER), wait=1)])

    assert said == "Refused(4, 0, 1)"


def test_settling_funding_after_final_price_funds_no_ticket(world: World) -> None:
    dies(world, 150)
    play(world, [Op("settle_final", EVE, (1,))])
    owed = [i for i in world.ids[1:] if world.twin.position(i).size]
    paid = world.twin.core.totals.paid

    for id_ in owed:
        assert play(world, [Op("settle", EVE, (id_,))]) == "ok"

    assert world.twin.core.totals.paid == paid


def test_settled_market_gives_waiting_deposits_back(world: World) -> None:
    """Nothing is priced any more, so nobody joins a pool that has ended; both buckets go back."""
    dies(world, 100)
    for who, amount in ((LP, 1_000), (LP, 500), (LP2, 200)):
        play(world, [Op("request_deposit", who, (world.dollars(amount), who, who))])
    refund = Op("refund_deposit", LP, (LP, LP))
    assert play(world, [refund]) == "MarketNotSettled()"
    for id_ in list(world.ids):
        play(world, [Op("settle_final", EVE, (id_,))])
    assert world.twin.state.mode == Mode.SETTLED

    cash, shares = world.twin.state.cash, world.twin.pool.state.supply
    play(world, [Op("settle", EVE, (1,), wait=DELAY), ACCRUE])
    assert (world.twin.state.cash, world.twin.pool.state.supply) == (cash, shares)
    assert play(world, [Op("refund_deposit", EVE, (EVE, LP))]) == f"NotAllowed{(LP, EVE)}"
    before = world.twin.balance(LP), world.twin.balance(LP2)
    assert play(world, [refund]) == f"ok {world.dollars(1_500)}"
    assert play(world, [refund]) == "AmountTooSmall(0, 1)"
    assert play(world, [Op("refund_deposit", LP2, (LP2, LP2))]) == f"ok {world.dollars(200)}"
    after = world.twin.balance(LP), world.twin.balance(LP2)
    assert (after[0] - before[0], after[1] - before[1]) == (
        world.dollars(1_500),
        world.dollars(200),
    )
    assert world.twin.pool.next_due_at() == 0


def test_settled_market_takes_no_new_money(world: World) -> None:
    dies(world, 100)
    for id_ in list(world.ids):
        play(world, [Op("settle_final", EVE, (id_,))])

    said = play(world, [Op("request_deposit", LP, (WAD, LP, LP))])

    assert said == "MarketSettled()"


def test_a_vault_does_not_pay_itself(world: World) -> None:
    """Found where owners named their own vault: its event told a margin that the payment, which
    came back, was no part of, and who rebuilds positions from events had it wrong."""
    own = world.vault(1)
    refused = f"Refused({int(Reason.BAD_RECEIVER)}"
    play(world, [price(100), ACCRUE])

    assert play(world, [Op("remove_margin", ALICE, (1, 1, own))]).startswith(refused)
    leave = Op("close_and_withdraw", ALICE, (1, 0, FOREVER, own))
    assert play(world, [leave]).startswith(refused)
    assert play(world, [Op("close", ALICE, (1, 0, FOREVER))]).startswith("ok")
    assert play(world, [Op("remove_margin", ALICE, (1, 1, own))]).startswith(refused)
    assert play(world, [Op("remove_margin", ALICE, (1, 1, world.vault(6)))]) == "ok"


def test_dust_may_have_to_round_itself_up(artifacts: Artifacts) -> None:
    """Found where positions may be as small as they like: one wei of size needs a wei of margin,
    and its close costs a token unit."""
    world = stand_up("revm", Setting(8, (dust(),)), Bench(), artifacts)
    play(world, [price(101), ACCRUE])
    size = world.twin.position(6).size
    assert play(world, [Op("decrease", ALICE, (6, -size - 1, ANY_BUY, FOREVER))]) == "ok"
    free = world.twin.withdrawable(6)
    assert play(world, [Op("remove_margin", ALICE, (6, free, ALICE))]) == "ok"

    close = Op("close", ALICE, (6, ANY_BUY, FOREVER))
    assert play(world, [close]).startswith(f"Refused({int(Reason.EQUITY_TOO_LOW)}")
    assert play(world, [Op("add_margin", EVE, (6, ROUNDED_UP)), close]).startswith("ok")


@pytest.mark.parametrize("waiting", [False, True], ids=["cash alone", "deposits that wait too"])
def test_pool_takes_no_more_than_its_word_holds(artifacts: Artifacts, waiting: bool) -> None:
    """Found by a market of 30 billion tokens of 18 decimals, which the model let grow for ever."""
    world = stand_up("revm", Setting(18, (plain(),), scale=100_000), Bench(), artifacts)
    room = 2**95 - world.twin.state.cash
    if waiting:
        play(world, [Op("request_deposit", LP2, (world.dollars(1), LP2, LP2))])
        room -= world.dollars(1)

    too_much = play(world, [Op("request_deposit", LP, (room + 1, LP, LP))])
    assert too_much == f"AmountTooLarge{(room + 1, 2**95)}"
    assert play(world, [Op("request_deposit", LP, (room, LP, LP))]).startswith("ok")
    more = play(world, [Op("request_deposit", LP, (2, LP, LP))])
    assert more == f"AmountTooLarge{(2, 2**95)}"


def test_worthless_settled_pool_gives_waiting_deposits_back(artifacts: Artifacts) -> None:
    world = stand_up("revm", Setting(18, (dear(),)), Bench(), artifacts)
    size = 40_000 * WAD * WAD // PRICE
    margin = world.dollars(20_000)
    play(world, [price(100), Op("open", ALICE, (0, size, margin, ANY_BUY, FOREVER))])
    dies(world, 900)
    play(world, [Op("request_deposit", LP, (world.dollars(1_000), LP, LP))])
    for id_ in list(world.ids):
        play(world, [Op("settle_final", EVE, (id_,))])

    play(world, [Op("accrue", KEEPER, (), DELAY)])

    assert world.twin.state.mode == Mode.SETTLED
    assert world.twin.state.cash == 0
    assert play(world, [Op("refund_deposit", LP, (LP, LP))]) == f"ok {world.dollars(1_000)}"


def test_rules_are_told_before_a_payment_is_refused(artifacts: Artifacts) -> None:
    world = stand_up("revm", Setting(6, (plain(),), "BlacklistToken"), Bench(), artifacts)
    play(world, [price(100), Op("block", EVE, (ALICE, True, True))])
    size = 10 * WAD

    assert play(world, [Op("open", ALICE, (0, size, 5, ANY_BUY, FOREVER))]).startswith("Refused(15")
    enough = (0, size, world.dollars(10_000), ANY_BUY, FOREVER)
    assert play(world, [Op("open", ALICE, enough)]) == "the token refuses"


def test_adl_target_is_named_with_the_highest_that_is_accepted(world: World) -> None:
    params = replace(world.params, adl_target=world.params.adl_start)

    said = play(world, [Op("set_params", GOVERNANCE, (params,))])

    assert said == f"BadParameter('adlTarget', {params.adl_start}, {params.adl_start - 1})"


def test_a_ticket_of_a_refusing_vault_is_not_counted_as_cash(artifacts: Artifacts) -> None:
    world = stand_up("revm", Setting(6, (free(),), "BlacklistToken"), Bench(), artifacts)
    owner, more = world.twin.position(3).owner, 14_741_999_732_998_340_659
    grow = Op("increase", owner, (3, more, ANY_BUY, FOREVER))
    refuse = Op("block", EVE, (world.vault(3), True, True))
    ends = [Op("liquidate", KEEPER, (id_, KEEPER)) for id_ in (2, 4, 6, 8)]

    assert play(world, [grow, refuse, price(150), *ends]) == "ok 6"
    assert play(world, [Op("deleverage", KEEPER, (3,))]) == "ok"  # I-35 among the laws

    assert world.twin.position(3).size == 0
    assert world.twin.ticket(1).amount > world.twin.core.totals.paid


def test_gift_to_the_book_that_the_token_swallows(artifacts: Artifacts) -> None:
    """The token says no without reverting: the sender's call succeeds and nothing has moved."""
    world = stand_up("revm", Setting(8, (free(),), "FalseReturnToken"), Bench(), artifacts)
    with world.looking():
        gift = Op("send", ALICE, (world.site.book.address, 5))
        assert play(world, [Op("halt", KEEPER, (True,)), gift]) == "ok"
        assert play(world, [Op("halt", KEEPER, (False,)), gift, ACCRUE]) == "ok"
    assert world.ghost.gifts == 5


def test_claims_wait_while_the_token_pays_nobody(artifacts: Artifacts) -> None:
    """A provider's claim that a halted token refuses is no broken promise of the pool's."""
    setting = Setting(6, (dear(),), "PausableToken", contracts=True)
    world = stand_up("revm", setting, Bench(), artifacts)
    ops = [Op("request_redeem", LP, (3_847_499_999_935, LP, LP), 1)]
    for wait in (601, 86_401):
        ops += [price(85, wait=wait), ACCRUE]
    play(world, [*ops, Op("halt", KEEPER, (True,))])
    assert world.twin.pool.redemptions.folded(LP).assets > 0
    assert world.play(Op("trial", "", ("claims", 1))) == "ok"


@pytest.mark.parametrize("token", ["NoReturnToken", "TestToken"])
def test_a_margin_call_is_answered_with_a_token_without_returns(
    artifacts: Artifacts, token: str
) -> None:
    """The healing owner of the tests expected an answer of its token, and paid nothing."""
    world = stand_up("revm", Setting(6, (plain(),), token, contracts=True), Bench(), artifacts)
    id_ = world.twin.state.next_id
    healer = next(who for who, name in world.stage.agents.items() if name == "healer")
    entry = Op("open", healer, (0, 20 * WAD, 4_000 * 10**6, ANY_BUY, FOREVER))
    assert play(world, [entry, Op("set_margin_call", healer, (id_, True))]) == "ok"
    fall = Op("liquidate", KEEPER, (id_, KEEPER))
    assert play(world, [price(92, wait=12), fall]) == f"ok {int(LiquidationResult.HEALED)}"


def test_an_empty_vault_keeps_what_its_keeper_is_not_paid(artifacts: Artifacts) -> None:
    """Funding ate a margin, the pool has no cash: part of the reward is not paid to anybody, and
    the position keeps more than its target, which is no more closed than needed."""
    params = replace(steep(), max_rate=4 * RAY // 1_000 // 3_600)
    world = stand_up("revm", Setting(18, (params,)), Bench(), artifacts)
    with world.looking():
        said = play(
            world,
            [
                Op("set_price", args=(7_244_496456483545965367, 0, 0, 0), wait=1),
                Op("close", ALICE, (1, 0, FOREVER)),
                Op("set_price", args=(2_031_673228997556014732, 0, 0, 0), wait=12),
                Op("accrue", KEEPER, (), 3_600),
                Op("accrue", KEEPER, (), 14_400),
                Op("set_price", args=(1_556_072659038010381106, 0, 0, 0)),
                Op("liquidate", KEEPER, (3, KEEPER)),
                Op("accrue", KEEPER, (), 86_401),
                Op("set_price", args=(1_848_782379421254964040, 5 * WAD // 1_000, 0, 0)),
                Op("liquidate", KEEPER, (8, KEEPER)),
            ],
        )
    assert said == f"ok {int(LiquidationResult.PARTIAL)}"
    assert world.twin.state.cash == world.twin.margin(8) == 0
