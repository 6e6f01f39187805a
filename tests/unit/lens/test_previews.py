"""A preview says what the action does: every field, and every refusal with its numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_hash.auto import keccak
from foresight import Lenses
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import deploy
from bulkhead.model.types import Reason

USD = 10**6


@pytest.fixture
def lens(world: World) -> Lenses:
    return Lenses(world)


def reason(lens: Lenses, want: Reason | str, action: str, caller: str, *args: object) -> None:
    said, done = lens.play(action, caller, *args)
    assert done.refusal is not None, f"{action}{args} was allowed"
    if isinstance(want, Reason):
        assert said.reason == want


@pytest.mark.parametrize("seed", range(4))
def test_whole_walk(new_world: Callable[..., World], seed: int) -> None:
    """Random actions on both sides through profit and loss, with spread and funding."""
    dice = random.Random(seed)
    w = new_world(liquidity=10_000_000 if seed % 2 else 300_000)
    lens = Lenses(w)
    price, allowed, kinds = 2_000 * WAD, 0, set[str]()
    for _ in range(60):
        if dice.random() < 0.5:
            price = price * dice.randint(960, 1040) // 1000
            seconds = dice.choice([1, 12, 600, 20_000])
            w.tick(price, seconds=seconds, spread=dice.choice([0, 0, WAD // 2_000]))
        ids = list(range(1, w.twin.state.next_id)) or [1]
        id_, who = dice.choice(ids), dice.choice([w.alice, w.alice, w.bob])
        held = w.twin.position(id_).size if w.twin.state.next_id > 1 else 0
        size = dice.choice([1, -1]) * dice.randint(1, 60) * WAD // dice.choice([1, 10])
        limit = ANY[1 if size > 0 else -1]
        sign = 1 if held >= 0 else -1
        action, *args = dice.choice(
            [
                ("open", 0, size, dice.randint(100, 20_000) * USD, limit, SOON),
                ("open", 0, size, dice.randint(5_000, 30_000) * USD, limit, SOON),
                ("open", id_, size, dice.randint(100, 20_000) * USD, limit, SOON),
                ("increase", id_, sign * abs(size) // 5, ANY[sign], SOON),
                ("decrease", id_, -sign * dice.randint(1, abs(held) or 1), ANY[-sign], SOON),
                ("decrease", id_, -held, ANY[-sign], SOON),
                ("close", id_, ANY[-sign], SOON),
                ("remove_margin", id_, dice.randint(1, 5_000 * USD), w.carol),
                ("settle", id_),
                ("liquidate", id_, w.keeper),
                ("deleverage", id_),
                ("liquidate", dice.choice(ids), w.keeper),
            ]
        )
        _, done = lens.play(action, who, *args)
        if done.refusal is None:
            allowed += 1
            kinds.add(action)
    assert allowed > 12
    assert len(kinds) >= 5


def test_reasons_of_opening(lens: Lenses) -> None:
    w = lens.w
    ok = (10 * WAD, 3_000 * USD, ANY[1], SOON)
    reason(lens, Reason.DEADLINE_PASSED, "open", w.alice, 0, *ok[:3], w.now - 1)
    reason(lens, "UnknownPosition", "open", w.alice, 9, *ok)
    reason(lens, Reason.ZERO_AMOUNT, "open", w.alice, 0, 0, *ok[1:])
    reason(lens, Reason.SIZE_TOO_LARGE, "open", w.alice, 0, 2**127, *ok[1:])
    reason(lens, Reason.PRICE_LIMIT, "open", w.alice, 0, *ok[:2], 0, SOON)
    reason(lens, Reason.MARGIN_TOO_LOW, "open", w.alice, 0, 10 * WAD, 100 * USD, ANY[1], SOON)
    reason(lens, Reason.NOTIONAL_TOO_SMALL, "open", w.alice, 0, WAD // 10**6, *ok[1:])
    reason(lens, Reason.SKEW_TOO_LARGE, "open", w.alice, 0, w.params.max_skew + WAD, *ok[1:])
    said, done = lens.play("open", w.alice, 0, *ok)
    assert said.position.id == done.value
    reason(lens, Reason.NOT_FLAT, "open", w.alice, 1, *ok)
    reason(lens, "NotAuthorised", "open", w.bob, 1, *ok)
    w.ok("enter_reduce_only", w.guardian)
    reason(lens, Reason.MODE_FORBIDS, "open", w.alice, 0, *ok)
    w.ok("leave_reduce_only", w.governance)
    reason(lens, Reason.IN_GRACE, "open", w.alice, 0, *ok)


def test_caps(new_world: Callable[..., World]) -> None:
    w = new_world(max_open_interest=3_000_000 * WAD)
    args = (0, 1_501 * WAD, 900_000 * USD, ANY[1], SOON)
    reason(Lenses(w), Reason.OPEN_INTEREST_TOO_LARGE, "open", w.alice, *args)
    poor = new_world(liquidity=20_000)
    args = (0, 20 * WAD, 20_000 * USD, ANY[1], SOON)
    reason(Lenses(poor), Reason.UTILISATION_TOO_HIGH, "open", poor.alice, *args)


def test_a_dead_market(lens: Lenses) -> None:
    w = lens.w
    id_ = w.open(w.alice, 10 * WAD, 3_000 * USD)
    w.at(w.now + w.params.dead_after_secs)
    w.silence()
    w.ok("announce_final", w.governance, 1_900 * WAD)
    reason(lens, Reason.MODE_FORBIDS, "open", w.alice, 0, WAD, 900 * USD, ANY[1], SOON)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.keeper)
    w.speak()
    w.set(1_000 * WAD)
    reason(lens, Reason.MODE_FORBIDS, "close", w.alice, id_, ANY[-1], SOON)
    reason(lens, Reason.MODE_FORBIDS, "remove_margin", w.alice, id_, 1, w.alice)
    reason(lens, Reason.MODE_FORBIDS, "liquidate", w.keeper, id_, w.keeper)
    lens.play("settle", w.bob, id_)
    seen = lens.all()
    assert (seen.fresh, seen.state.mark, seen.priceReason) == (False, 1_900 * WAD, 7)
    assert lens.market.liquidatable(w.market, 0, 0) == []


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_reasons_of_changing(lens: Lenses, sign: int) -> None:
    w = lens.w
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * USD)
    for action, away in (("increase", 1), ("decrease", -1)):
        delta, limit = sign * away * WAD, ANY[sign * away]
        reason(lens, Reason.DEADLINE_PASSED, action, w.alice, id_, delta, limit, w.now - 1)
        reason(lens, Reason.ZERO_AMOUNT, action, w.alice, id_, 0, limit, SOON)
        reason(lens, Reason.WRONG_DIRECTION, action, w.alice, id_, -delta, limit, SOON)
        reason(lens, Reason.PRICE_LIMIT, action, w.alice, id_, delta, ANY[-sign * away], SOON)
        reason(lens, "NotAuthorised", action, w.bob, id_, delta, limit, SOON)
    tiny, flip = -sign * (50 * WAD - WAD // 10**6), -sign * 51 * WAD
    reason(lens, Reason.WOULD_FLIP, "decrease", w.alice, id_, flip, ANY[-sign], SOON)
    reason(lens, Reason.NOTIONAL_TOO_SMALL, "decrease", w.alice, id_, tiny, ANY[-sign], SOON)
    reason(lens, Reason.MARGIN_TOO_LOW, "increase", w.alice, id_, sign * 60 * WAD, ANY[sign], SOON)
    reason(lens, Reason.ZERO_AMOUNT, "remove_margin", w.alice, id_, 0, w.alice)
    reason(lens, Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 10**12, w.alice)
    reason(lens, Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, 6_000 * USD, w.alice)
    reason(lens, "NotAuthorised", "remove_margin", w.bob, id_, 1, w.bob)
    reason(lens, Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    reason(lens, "UnknownPosition", "liquidate", w.keeper, 9, w.keeper)
    w.tick((2_000 - sign * 350) * WAD)
    reason(lens, Reason.EQUITY_TOO_LOW, "close", w.alice, id_, ANY[-sign], SOON)
    reason(lens, Reason.EQUITY_TOO_LOW, "decrease", w.alice, id_, -sign * WAD, ANY[-sign], SOON)
    said, _ = lens.play("liquidate", w.keeper, id_, w.keeper)
    assert said.deficit > 0
    reason(lens, Reason.IS_FLAT, "liquidate", w.keeper, id_, w.keeper)
    reason(lens, Reason.IS_FLAT, "close", w.alice, id_, ANY[-sign], SOON)


def test_partial_liquidation_leaves_the_target(lens: Lenses) -> None:
    w = lens.w
    id_ = w.open(w.alice, 200 * WAD, 22_000 * USD)
    w.tick()
    w.tick(lens.see(id_).liquidationPrice)
    said, _ = lens.play("liquidate", w.keeper, id_, w.keeper)
    assert 0 < said.closedSize < 200 * WAD
    assert said.position.favourableEquity >= said.position.tm > said.position.mm
    assert not said.position.liquidatable


def test_bad_prices(lens: Lenses) -> None:
    w = lens.w
    id_ = w.open(w.alice, 10 * WAD, 3_000 * USD)
    args = ("close", w.alice, id_, ANY[-1], SOON)
    w.tick()
    w.set(2_000 * WAD, published=1)
    reason(lens, Reason.PRICE_BACKWARDS, *args)
    w.set(10**8)
    reason(lens, Reason.PRICE_OUT_OF_RANGE, *args)
    w.set(2**97)
    reason(lens, Reason.PRICE_OUT_OF_RANGE, *args)
    w.set(2_000 * WAD, spread=w.params.max_spread + 1)
    reason(lens, Reason.SPREAD_TOO_WIDE, *args)
    assert lens.all().priceReason == Reason.SPREAD_TOO_WIDE
    assert not lens.all().fresh
    w.silence()
    reason(lens, "PriceInvalid", *args)
    assert lens.all().priceFailure
    assert not lens.see(id_).liquidatable
    lens.play("settle", w.bob, id_)  # goes on without a mark


def test_a_renewed_block_only_liquidates(lens: Lenses) -> None:
    w = lens.w
    first = w.open(w.alice, 50 * WAD, 8_000 * USD)
    second = w.open(w.bob, 50 * WAD, 30_000 * USD)
    w.at(w.now + 12)
    w.set(2_000 * WAD, published=w.now - 5)
    w.ok("accrue", w.keeper)
    w.set(1_880 * WAD)
    assert lens.market.liquidatable(w.market, 0, 0) == [first]
    lens.play("liquidate", w.keeper, first, w.keeper)
    args = (second, ANY[-1], SOON)
    reason(lens, Reason.BLOCK_IS_LIQUIDATION_ONLY, "close", w.bob, *args)
    lens.play("settle", w.keeper, second)


def test_no_view_in_the_middle_of_an_action(lens: Lenses) -> None:
    """A liquidation is not done in its margin call: lenses say Locked, but for a removal."""
    w = lens.w
    owner = deploy(w.rpc, "ReentrantOwner", sender=w.deployer).as_(w.alice)
    w.give(w.alice, 10_000 * USD)
    w.token.transfer(owner, 8_000 * USD, sender=w.alice)
    owner.run(w.token, w.token.approve.encode(w.market, 8_000 * USD))
    owner.run(w.market, w.market.open.encode(0, 50 * WAD, 8_000 * USD, ANY[1], SOON))
    owner.run(w.market, w.market.setMarginCall.encode(1, True))
    w.tick(1_880 * WAD)
    locked = keccak(b"Locked()")[:4]
    for target, data in (
        (lens.market, lens.market.marketView.encode(w.market)),
        (lens.market, lens.market.positions.encode(w.market, 0, 0)),
        (lens.preview, lens.preview.previewClose.encode(w.market, 1, owner, 0, SOON)),
        (lens.liquidation, lens.liquidation.previewLiquidate.encode(w.market, 1)),
    ):
        with w.rpc.isolated():
            owner.arm(target, data)
            w.market.liquidate(1, w.keeper, sender=w.keeper)
            assert (owner.worked(), owner.answer()) == (False, locked)
        w.rpc.next_time(w.now)


def test_what_a_wallet_needs_in_a_margin_call(new_world: Callable[..., World]) -> None:
    """All is written when an owner is called: it may ask what its other positions can spare, and
    the pool's value; of the id that is called nothing can be removed."""
    w = new_world(margin_call_gas=3_000_000)  # to store a whole preview
    lens = Lenses(w)
    owner = deploy(w.rpc, "ReentrantOwner", sender=w.deployer).as_(w.alice)
    w.give(w.alice, 30_000 * USD)
    w.token.transfer(owner, 25_000 * USD, sender=w.alice)
    owner.run(w.token, w.token.approve.encode(w.market, 25_000 * USD))
    for size, margin in ((50, 8_000), (-10, 9_000)):
        sign = 1 if size > 0 else -1
        data = w.market.open.encode(0, size * WAD, margin * USD, ANY[sign], SOON)
        owner.run(w.market, data)
    owner.run(w.market, w.market.setMarginCall.encode(1, True))
    w.tick(1_880 * WAD)
    preview = lens.preview.previewRemoveMargin
    locked = keccak(b"Locked()")[:4]

    def called(target: object, data: bytes) -> bytes:
        with w.rpc.isolated():
            owner.arm(target, data)
            w.market.liquidate(1, w.keeper, sender=w.keeper, gas=10_000_000)
            assert owner.worked()
            answer: bytes = owner.answer()
        w.rpc.next_time(w.now)
        return answer

    assert w.market.calledId() == 0
    assert int.from_bytes(called(w.market, w.market.calledId.encode()), "big") == 1
    for view in (w.market.nav, w.market.freeLiquidity):
        shown = int.from_bytes(called(w.market, view.encode()), "big")
        with w.rpc.isolated():
            w.market.accrue(sender=w.keeper)
            assert shown == view()
        w.rpc.next_time(w.now)
    spare = preview.decode(called(lens.preview, preview.encode(w.market, 2, owner, 5_000 * USD)))
    assert (spare.allowed, spare.failure) == (True, b"")
    much = preview.decode(called(lens.preview, preview.encode(w.market, 2, owner, 8_900 * USD)))
    assert (much.allowed, much.reason) == (False, Reason.MARGIN_TOO_LOW)
    own = preview.decode(called(lens.preview, preview.encode(w.market, 1, owner, 1)))
    assert (own.allowed, own.failure) == (False, locked)


def test_locks_and_a_flat_position(lens: Lenses) -> None:
    w = lens.w
    id_ = w.open(w.alice, 10 * WAD, 5_000 * USD)
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    lens.play("increase", w.bob, id_, WAD, ANY[1], SOON)
    w.ok("set_lock", w.bob, id_, 1_000 * USD)
    assert lens.see(id_).locks == 1_000 * USD
    lens.play("remove_margin", w.alice, id_, 500 * USD, w.alice)
    reason(lens, Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, 3_300 * USD, w.alice)
    lens.play("close", w.alice, id_, ANY[-1], SOON)
    w.silence()
    reason(lens, Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 4_000 * USD, w.alice)
    lens.play("remove_margin", w.alice, id_, 1_000 * USD, w.alice)


def test_where_all_trades_are_delayed_the_book_alone_is_foreseen_to_trade(lens: Lenses) -> None:
    w = lens.w
    id_ = w.open(w.alice, 10 * WAD, 5_000 * USD)
    w.ok("set_delegate", w.alice, id_, w.book, SOON)
    w.bring_book()
    w.ok("set_params", w.governance, replace(w.params, delayed_only=1))
    only = Reason.ORDERS_ONLY
    reason(lens, only, "open", w.alice, 0, 10 * WAD, 5_000 * USD, ANY[1], SOON)
    reason(lens, only, "increase", w.alice, id_, WAD, ANY[1], SOON)
    reason(lens, only, "decrease", w.alice, id_, -WAD, ANY[-1], SOON)
    reason(lens, only, "close", w.alice, id_, ANY[-1], SOON)
    lens.play("close", w.bob, id_, ANY[-1], SOON)  # not authorised, with whatever else
    lens.play("remove_margin", w.alice, id_, USD, w.alice)
    w.rpc.request("anvil_impersonateAccount", w.book)
    w.rpc.request("anvil_setBalance", w.book, hex(10**20))
    lens.play("increase", w.book, id_, WAD, ANY[1], SOON)
    lens.play("decrease", w.book, id_, -WAD, ANY[-1], SOON)
    lens.play("close", w.book, id_, ANY[-1], SOON)


def test_profit_beyond_the_cash_becomes_a_ticket(new_world: Callable[..., World]) -> None:
    w = new_world(liquidity=300_000)
    lens = Lenses(w)
    id_ = w.open(w.alice, 30 * WAD, 20_000 * USD)
    w.tick(20_000 * WAD)
    said, _ = lens.play("close", w.alice, id_, ANY[-1], SOON)
    assert said.ticket > 0


def test_due_buckets_are_priced_virtually(lens: Lenses) -> None:
    w = lens.w
    w.open(w.alice, 10 * WAD, 3_000 * USD)
    w.give(w.bob, 50_000 * USD)
    w.do("request_deposit", w.bob, 50_000 * USD, w.bob, w.bob)
    w.do("request_redeem", w.lp, 10_000 * 10**6, w.lp, w.lp)
    w.tick(seconds=w.params.redeem_delay_secs + w.params.deposit_delay_secs + 60)
    foreseen = lens.all()
    w.ok("accrue", w.keeper)
    state = w.market.state()
    assert foreseen.state.cash == state.cash
    assert foreseen.nav == w.market.nav()
    assert foreseen.freeLiquidity == w.market.freeLiquidity()


@pytest.mark.parametrize("decimals", [0, 6, 18])
@pytest.mark.parametrize(
    ("mark", "whole", "ticket"), [(4_500, False, False), (4_800, True, False), (5_000, True, True)]
)
def test_deleveraging(
    new_world: Callable[..., World], decimals: int, mark: int, whole: bool, ticket: bool
) -> None:
    """Below factor 1 what brings it to the target, paid; from 1 on all of it, partly by ticket."""
    w = new_world(decimals=decimals, liquidity=400_000)
    lens = Lenses(w)
    first = w.open(w.alice, 100 * WAD, 40_000 * w.one)
    later = w.open(w.bob, 60 * WAD, 40_000 * w.one)
    against = w.open(w.carol, -20 * WAD, 90_000 * w.one)
    reason(lens, Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, first)
    reason(lens, "UnknownPosition", "deleverage", w.keeper, 9)
    flat = w.ok("reserve", w.bob, w.bob).value
    reason(lens, Reason.IS_FLAT, "deleverage", w.keeper, flat)
    w.tick(mark * WAD, seconds=60)
    reason(lens, Reason.NOT_ADL_TARGET, "deleverage", w.keeper, against)
    reason(lens, Reason.NOT_ADL_TARGET, "deleverage", w.keeper, later)  # bought dearer than first
    said, done = lens.play("deleverage", w.keeper, first)
    assert done.refusal is None
    if whole:
        assert (said.closedSize, said.position.size) == (100 * WAD, 0)
    else:
        assert 0 < said.closedSize < 100 * WAD
        assert said.position.size == 100 * WAD - said.closedSize
        reason(lens, Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, later)
    assert (said.fill, said.fee, said.reward, said.deficit) == (mark * WAD, 0, 0, 0)
    assert said.toPool < 0
    assert (said.ticket > 0) == ticket
    w.silence()
    w.at(w.now + 1)
    reason(lens, "PriceInvalid", "deleverage", w.keeper, later)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("left", [0, 700], ids=["all gone", "some left"])
def test_settle__a_frozen_debt_that_was_destroyed__is_foreseen_as_bad_debt(
    new_world: Callable[..., World], sign: int, left: int
) -> None:
    """Once the lens left out the write-off: it told a deficit of 0."""
    w = new_world(token="BlacklistToken")
    lens = Lenses(w)
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    vault = w.twin.core.vault(id_)
    w.block(vault)
    w.tick((2_000 - sign * 110) * WAD)
    w.ok("liquidate", w.keeper, id_, w.keeper)
    owed = w.twin.position(id_).basis // w.twin.core.cfg.unit
    w.block(vault, False, False)
    w.send(w.rpc.impersonate(vault), w.dave, w.twin.margin(id_) - left)
    said, _ = lens.play("settle", w.bob, id_)
    assert (said.deficit, said.toPool) == (owed - left, left)
