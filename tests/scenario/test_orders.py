"""Orders on the chain and on the twin: every kind, both sides, and whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_account import Account
from market_world import ANY, PRICE, SOON, World
from order_twin import WAD, Desk

from bulkhead.model.order_types import Order, OrderKind, OrderReason, OrderStatus, hash_of
from bulkhead.model.types import Reason

DELAY, WINDOW = 5, 60
SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
TERMS = {"order_delay_secs": DELAY, "fill_window_secs": WINDOW}
KEY = "0x" + "51" * 32


@pytest.fixture
def new_desk(new_world: Callable[..., World]) -> Callable[..., Desk]:
    def new(**terms: object) -> Desk:
        return Desk(new_world(**{**TERMS, **terms}))

    return new


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    return new_desk()


@SIDES
@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_every_kind__fills_when_due_and_not_before(
    new_desk: Callable[..., Desk], decimals: int, sign: int
) -> None:
    desk = new_desk(decimals=decimals)
    world = desk.world
    alice, keeper = world.alice, world.keeper

    entry = desk.place(desk.order(alice, sign * 10))
    id_ = desk.twin.state(hash_of(entry)).position_id
    world.tick(seconds=DELAY)
    desk.no(OrderReason.TOO_EARLY, "execute", keeper, entry, keeper)
    world.tick(seconds=1)
    desk.ok("execute", keeper, entry, keeper)
    desk.no(OrderReason.WRONG_STATUS, "execute", keeper, entry, keeper)

    step = sign * PRICE // 100
    dip = PRICE - step
    more = desk.order(alice, sign * 4, id_, kind=OrderKind.LIMIT, trigger_price=dip)
    desk.place(more)
    world.tick(dip + sign, DELAY + 1)
    desk.no(OrderReason.TRIGGER_NOT_REACHED, "execute", keeper, more, keeper)
    desk.fill(more, dip)
    assert world.twin.position(id_).size == sign * 14 * WAD

    again = desk.order(alice, sign, id_, kind=OrderKind.STOP, trigger_price=PRICE, margin=0)
    desk.place(again)
    world.tick(PRICE - sign, DELAY + 1)
    desk.no(OrderReason.TRIGGER_NOT_REACHED, "execute", keeper, again, keeper)
    desk.fill(again, PRICE)

    top = PRICE + step
    profit = desk.reduce(id_, -sign * 5, kind=OrderKind.LIMIT, trigger_price=top)
    desk.place(profit)
    world.tick(top - sign, DELAY + 1)
    desk.no(OrderReason.TRIGGER_NOT_REACHED, "execute", keeper, profit, keeper)
    desk.fill(profit, top)
    assert world.twin.position(id_).size == sign * 10 * WAD

    stop = desk.reduce(id_, -sign * 40, kind=OrderKind.STOP, trigger_price=dip)
    trail = desk.reduce(id_, -sign * 6, kind=OrderKind.TRAILING_STOP, trail=WAD // 100)
    desk.place(stop)
    desk.place(trail)
    world.tick(top, DELAY + 1)
    desk.no(OrderReason.NO_TRIGGER, "execute", keeper, trail, keeper)
    desk.ok("advance", world.bob, trail)
    world.tick(top + 2 * step)
    desk.ok("advance", world.bob, trail)
    world.tick(top + 2 * step - step // 2)
    desk.no(OrderReason.NOT_ADVANCING, "advance", world.bob, trail)
    desk.no(OrderReason.TRIGGER_NOT_REACHED, "execute", keeper, trail, keeper)
    desk.fill(trail, PRICE + step // 2)
    assert world.twin.position(id_).size == sign * 4 * WAD
    world.tick(dip + sign)
    desk.no(OrderReason.TRIGGER_NOT_REACHED, "execute", keeper, stop, keeper)
    desk.fill(stop, dip)  # asked for 40, takes the 4 that are left
    assert world.twin.position(id_).size == 0
    free = world.twin.withdrawable(id_)
    world.ok("remove_margin", alice, id_, free, alice)


def bracket(desk: Desk, sign: int) -> tuple[Order, Order, Order]:
    """An entry, its take-profit and its stop-loss, all in one transaction."""
    entry = desk.order(desk.world.alice, sign * 10)
    group, step = b"\x77" * 32, sign * PRICE // 50
    child = {"parent": hash_of(entry), "group": group, "phase": 1, "reduce_only": True}
    profit, loss = (
        desk.order(desk.world.alice, -sign * 10, kind=kind, trigger_price=at, **child)
        for kind, at in ((OrderKind.LIMIT, PRICE + step), (OrderKind.STOP, PRICE - step))
    )
    calls = [desk.book.place.encode(one.as_tuple()) for one in (entry, profit, loss)]
    desk.book.multicall.send(calls, sender=desk.world.alice)
    desk.world.twin.now = desk.world.now
    for one in (entry, profit, loss):
        desk.twin.place(desk.world.alice, one)
    desk.compare("bracket")
    return entry, profit, loss


@SIDES
def test_bracket__one_leg_ends_the_other(desk: Desk, sign: int) -> None:
    world, keeper = desk.world, desk.world.keeper
    entry, profit, loss = bracket(desk, sign)
    world.tick(PRICE + sign * PRICE // 50, DELAY + 1)
    desk.no(OrderReason.PARENT_NOT_FILLED, "execute", keeper, profit, keeper)
    desk.no(OrderReason.NOT_OVER, "release", keeper, profit, keeper)
    desk.ok("execute", keeper, entry, keeper)
    desk.no(OrderReason.TOO_EARLY, "execute", keeper, profit, keeper)
    desk.fill(profit)
    desk.no(OrderReason.GROUP_USED, "execute", keeper, loss, keeper)
    before = world.token.balanceOf(world.alice)
    desk.ok("release", world.bob, loss, world.bob)
    assert world.token.balanceOf(world.alice) == before + desk.fee


@SIDES
def test_bracket__entry_cancelled__children_are_void(desk: Desk, sign: int) -> None:
    entry, profit, loss = bracket(desk, sign)
    desk.ok("cancel", desk.world.alice, entry)
    for child in (profit, loss):
        desk.world.tick(seconds=DELAY + 1)
        keeper = desk.world.keeper
        desk.no(OrderReason.PARENT_NOT_FILLED, "execute", keeper, child, keeper)
        desk.ok("release", keeper, child, keeper)


@SIDES
def test_group__half_filled_leg__the_other_never_fills(desk: Desk, sign: int) -> None:
    world, keeper = desk.world, desk.world.keeper
    id_ = world.open(world.alice, sign * 10 * WAD, 5_000 * world.one)
    group = b"\x01" * 32
    one, other = (desk.place(desk.reduce(id_, -sign * 3, group=group)) for _ in range(2))
    third = desk.place(desk.reduce(id_, -sign * 20))
    world.tick(seconds=DELAY + 1)
    done = desk.ok("execute_many", keeper, [one, other, third, third], keeper)
    assert done.value == (-sign * 3 * WAD, 0, -sign * 7 * WAD, 0)
    assert world.twin.position(id_).size == 0


def after_cancel(desk: Desk, order: Order, id_: int) -> None:
    desk.ok("cancel", order.owner, order)


def after_expiry(desk: Desk, order: Order, id_: int) -> None:
    desk.world.at(order.expiry + 1)


def after_close(desk: Desk, order: Order, id_: int) -> None:
    desk.world.close(order.owner, id_)


def after_reopening(desk: Desk, order: Order, id_: int) -> None:
    world, size = desk.world, desk.world.twin.position(id_).size
    world.close(order.owner, id_)
    world.ok("open", order.owner, id_, size, 0, ANY[1 if size > 0 else -1], SOON)


def after_transfer(desk: Desk, order: Order, id_: int) -> None:
    desk.world.ok("transfer_position", order.owner, id_, desk.world.bob)


def after_transfer_and_back(desk: Desk, order: Order, id_: int) -> None:
    after_transfer(desk, order, id_)
    desk.world.ok("transfer_position", desk.world.bob, id_, order.owner)


def after_liquidation(desk: Desk, order: Order, id_: int) -> None:
    world = desk.world
    long = world.twin.position(id_).size > 0
    world.tick(PRICE // 2 if long else PRICE * 2)
    world.ok("liquidate", world.keeper, id_, world.keeper)
    assert world.twin.position(id_).size == 0


def after_revoking(desk: Desk, order: Order, id_: int) -> None:
    world = desk.world
    world.ok("set_delegate", order.owner, 0, desk.book.address, 0)
    world.ok("free_lock", world.bob, id_, desk.book.address)


def after_edit(desk: Desk, order: Order, id_: int) -> None:
    edited = replace(order, price_limit=PRICE, salt=10**9)
    desk.ok("edit", order.owner, order, edited)


VOID: dict[str, tuple[Callable[[Desk, Order, int], None], OrderReason | str]] = {
    "cancelled": (after_cancel, OrderReason.WRONG_STATUS),
    "expired": (after_expiry, OrderReason.EXPIRED),
    "closed": (after_close, OrderReason.WRONG_PHASE),
    "reopened": (after_reopening, OrderReason.WRONG_PHASE),
    "transferred": (after_transfer, OrderReason.WRONG_OWNER),
    "back": (after_transfer_and_back, OrderReason.WRONG_EPOCH),
    "liquidated": (after_liquidation, OrderReason.WRONG_PHASE),
    "revoked": (after_revoking, "NotAuthorised"),
    "edited": (after_edit, OrderReason.WRONG_STATUS),
}


@SIDES
@pytest.mark.parametrize("adds", [True, False], ids=["increase", "reduce"])
@pytest.mark.parametrize("event", VOID)
def test_order__whatever_comes_between__never_fills_and_all_money_returns(
    desk: Desk, event: str, adds: bool, sign: int
) -> None:
    world, (happens, reason) = desk.world, VOID[event]
    alice, keeper = world.alice, world.keeper
    id_ = world.open(alice, sign * 10 * WAD, 5_000 * world.one)
    size = sign * 2 if adds else -sign * 2
    terms = {} if adds else {"reduce_only": True}
    order = desk.place(desk.order(alice, size, id_, **terms))
    happens(desk, order, id_)
    world.tick(seconds=DELAY + 1)
    desk.no(reason, "execute", keeper, order, keeper)
    if event in ("cancelled", "edited"):
        desk.no(OrderReason.WRONG_STATUS, "release", keeper, order, keeper)
        desk.no(OrderReason.WRONG_STATUS, "cancel", alice, order)
    else:
        desk.ok("release", keeper, order, keeper)
    desk.no(OrderReason.WRONG_STATUS, "place", alice, order)
    if event != "edited":
        assert world.token.balanceOf(desk.book.address) == 0
        assert world.twin.lock_of(id_, desk.book.address) == 0


def test_edit__margin_and_fee_are_paid_by_the_difference(desk: Desk) -> None:
    world, alice, keeper = desk.world, desk.world.alice, desk.world.keeper
    order = desk.place(desk.order(alice, 10))
    world.tick(seconds=DELAY + 1)
    bigger = replace(order, margin=order.margin + 5, keeper_fee=3 * desk.fee, salt=100)
    desk.ok("edit", alice, order, bigger)
    desk.no(OrderReason.TOO_EARLY, "execute", keeper, bigger, keeper)
    smaller = replace(bigger, margin=order.margin // 2, salt=101)
    desk.ok("edit", alice, bigger, smaller)
    id_ = desk.twin.state(hash_of(smaller)).position_id
    assert world.twin.withdrawable(id_) == order.margin + 5 - smaller.margin
    world.tick()
    free = world.twin.withdrawable(id_)
    world.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", alice, id_, free + 1, alice)
    world.ok("remove_margin", alice, id_, free, alice)
    desk.fill(smaller)


def test_window__mark_too_old__next_one_fills(desk: Desk) -> None:
    world, keeper = desk.world, desk.world.keeper
    order = desk.place(desk.order(world.alice, 10))
    world.tick(seconds=DELAY + 1)
    world.at(world.now + WINDOW + 1)
    desk.no(OrderReason.MARK_TOO_OLD, "execute", keeper, order, keeper)
    world.set(PRICE, published=world.now - WINDOW)
    desk.ok("execute", keeper, order, keeper)


@SIDES
@pytest.mark.parametrize("way", ["margin", "delegation", "rest"])
def test_kept_back__ends_at_the_first_mark_in_time(desk: Desk, way: str, sign: int) -> None:
    """What the market refuses for its owner's reasons; what it refuses for others stays."""
    world, alice, keeper = desk.world, desk.world.alice, desk.world.keeper
    if way == "rest":
        entry = desk.place(desk.order(alice, sign * 10))
        desk.fill(entry)
        id_ = desk.twin.state(hash_of(entry)).position_id
        leaves_one = -sign * (10 * WAD - 1)
        order = replace(desk.reduce(id_, -sign), size=leaves_one)
    else:
        order = desk.order(alice, sign * 10, **({"margin": world.one} if way == "margin" else {}))
    desk.place(order)
    if way == "delegation":
        world.ok("set_delegate", alice, 0, world.book, 0)
    desk.no(OrderReason.NOT_OVER, "release", keeper, order, keeper)
    world.tick(seconds=DELAY + 1)
    desk.ok("release", keeper, order, keeper)
    desk.no(OrderReason.WRONG_STATUS, "execute", keeper, order, keeper)


def test_failing_oracle__nothing_fills_everything_is_cancelled(desk: Desk) -> None:
    world, keeper = desk.world, desk.world.keeper
    order = desk.place(desk.order(world.alice, 10))
    world.at(world.now + DELAY + 1)
    world.silence()
    desk.no("PriceInvalid", "execute", keeper, order, keeper)
    assert desk.ok("execute_many", keeper, [order], keeper).value == (0,)
    desk.ok("cancel", world.alice, order)


def test_price_limit__the_markets_word(desk: Desk) -> None:
    world, keeper = desk.world, desk.world.keeper
    order = desk.place(desk.order(world.alice, 10, price_limit=PRICE))
    world.tick(seconds=DELAY + 1)
    desk.no(Reason.PRICE_LIMIT, "execute", keeper, order, keeper)
    desk.fill(order, PRICE - PRICE // 100)


def test_blocked_owner__cancels_and_claims_later(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="BlacklistToken")
    world, alice, bob = desk.world, desk.world.alice, desk.world.bob
    order = desk.place(desk.order(alice, 10))
    world.block(alice)
    desk.ok("cancel", alice, order)
    desk.no("TransferRefused", "claim_refund", alice, alice)
    desk.ok("claim_refund", alice, bob)
    assert desk.twin.refund_of(alice) == 0
    assert desk.ok("claim_refund", alice, bob).value == 0


def test_blocked_keeper__fill_fails_and_another_takes_it(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="BlacklistToken")
    world, keeper = desk.world, desk.world.keeper
    order = desk.place(desk.order(world.alice, 10))
    world.block(keeper)
    world.tick(seconds=DELAY + 1)
    desk.no("TransferRefused", "execute", keeper, order, keeper)
    desk.ok("execute", keeper, order, world.bob)


def test_delegates__trade_but_never_for_another_owner(desk: Desk) -> None:
    world, alice, bob, carol = desk.world, desk.world.alice, desk.world.bob, desk.world.carol
    id_ = world.open(alice, 10 * WAD, 5_000 * world.one)
    desk.no("NotAuthorised", "place", bob, desk.reduce(id_, -1))
    world.ok("set_delegate", alice, id_, bob, SOON)
    order = desk.place(desk.reduce(id_, -1), bob)
    desk.no("NotAuthorised", "cancel", carol, order)
    desk.ok("edit", bob, order, replace(order, salt=50))
    desk.no("NotAuthorised", "place", bob, desk.order(alice, 10))
    world.ok("transfer_position", alice, id_, carol)
    stale = replace(order, salt=50)
    desk.no("NotAuthorised", "cancel", bob, stale)
    desk.ok("cancel", alice, stale)
    world.ok("set_delegate", alice, 0, desk.book.address, 0)
    desk.no(OrderReason.NOT_DELEGATE, "place", alice, desk.order(alice, 10))


def test_signed__placed_once_by_anybody_and_killed_by_signature(desk: Desk) -> None:
    world, bob = desk.world, desk.world.bob
    signer = Account.from_key(KEY).address.lower()
    world.give(signer, 10_000 * world.one)
    hand = world.rpc.impersonate(signer)
    world.rpc.request("anvil_setBalance", signer, hex(10**20))
    world.token.approve(desk.book.address, 2**256 - 1, sender=hand)
    world.ok("set_delegate", signer, 0, desk.book.address, SOON)
    domain = desk.twin.domain

    def sign(digest: bytes, key: str = KEY) -> bytes:
        return bytes(Account.unsafe_sign_hash(digest, key).signature)

    order = desk.order(signer, 10)
    assert desk.book.placeDigest(order.as_tuple()) == domain.place_digest(order)
    assert desk.book.cancelDigest(hash_of(order)) == domain.cancel_digest(hash_of(order))
    wrong = sign(domain.place_digest(order), "0x" + "52" * 32)
    desk.no("BadSignature", "place_signed", bob, order, False, signature=wrong)
    elsewhere = replace(domain, contract=world.market.address)
    other = sign(elsewhere.place_digest(order))
    desk.no("BadSignature", "place_signed", bob, order, False, signature=other)
    good = sign(domain.place_digest(order))
    desk.ok("place_signed", bob, order, True, signature=good)
    desk.no(OrderReason.WRONG_STATUS, "place_signed", bob, order, True, signature=good)
    desk.fill(order)
    unplaced = desk.order(signer, 3)
    placing = sign(domain.place_digest(unplaced))
    desk.no("BadSignature", "cancel_signed", bob, unplaced, False, signature=placing)
    ending = sign(domain.cancel_digest(hash_of(unplaced)))
    desk.ok("cancel_signed", bob, unplaced, True, signature=ending)
    desk.no(OrderReason.WRONG_STATUS, "place_signed", bob, unplaced, True, signature=placing)
    assert desk.twin.state(hash_of(unplaced)).status == OrderStatus.CANCELLED


@SIDES
def test_delayed_market__orders_alone_trade(new_desk: Callable[..., Desk], sign: int) -> None:
    desk = new_desk(delayed_only=1)
    world, alice = desk.world, desk.world.alice
    limit = ANY[sign]
    world.no(Reason.ORDERS_ONLY, "open", alice, 0, sign * 10 * WAD, world.one, limit, SOON)
    entry = desk.place(desk.order(alice, sign * 10))
    desk.fill(entry)
    id_ = desk.twin.state(hash_of(entry)).position_id
    world.no(Reason.ORDERS_ONLY, "close", alice, id_, ANY[-sign], SOON)
    world.no(Reason.ORDERS_ONLY, "decrease", alice, id_, -sign * WAD, ANY[-sign], SOON)
    world.no(Reason.ORDERS_ONLY, "increase", alice, id_, sign * WAD, ANY[sign], SOON)
    world.no(Reason.ORDERS_ONLY, "close_and_withdraw", alice, id_, ANY[-sign], SOON, alice)
    desk.fill(desk.place(desk.reduce(id_, -sign * 10)))
    world.ok("remove_margin", alice, id_, world.twin.withdrawable(id_), alice)
