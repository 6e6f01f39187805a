"""Tokens that refuse, lie or call back; keepers who starve; many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from order_world import (
    SIZE,
    WAD,
    Desk,
    OrderKind,
    OrderReason,
    OrderStatus,
    hash_of,
    refused,
    reverts,
)

from bulkhead.chain.contract import Contract, deploy, events

MARK = 2_000 * WAD


# ---- tokens that refuse


@pytest.mark.parametrize("end", ["cancel", "cancelSigned", "release", "edit"])
def test_a_blocklisted_owner_ends_an_order(new_desk: Callable[..., Desk], end: str) -> None:
    """The refund waits, and goes where its owner says."""
    desk = new_desk(token="BlacklistToken")
    w, me = desk.w, desk.signer
    order = desk.order(owner=me)
    desk.place(order)
    w.token.setBlocked(me, True, False)  # may pay, may not be paid
    kept = 7
    if end == "cancel":
        desk.cancel(order)
    elif end == "cancelSigned":
        desk.cancel_signed(order, desk.sign_cancel(order))
    elif end == "edit":
        desk.edit(order, desk.order(owner=me))
    else:
        w.at(order.expiry + 1)
        desk.release(order)
        kept = 6
    assert desk.book.refundOf(me) == kept
    with reverts("TransferRefused", to=me, amount=kept):
        desk.send(desk.book.claimRefund, me, by=me)
    before = desk.balance(w.dave)
    desk.send(desk.book.claimRefund, w.dave, by=w.bob)  # nothing waits for Bob
    assert desk.balance(w.dave) == before
    claimed = desk.event(desk.send(desk.book.claimRefund, w.dave, by=me), "RefundClaimed")
    assert (claimed.owner, claimed.to, claimed.amount) == (me, w.dave, kept)
    assert desk.balance(w.dave) == before + kept
    assert not events(desk.send(desk.book.claimRefund, w.dave, by=me), of=desk.book)
    assert desk.balance(w.dave) == before + kept


def test_kept_refunds_add_up(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="BlacklistToken")
    w = desk.w
    orders = [desk.order(keeper_fee=fee) for fee in (5, 11)]
    for order in orders:
        desk.place(order)
    w.token.setBlocked(w.alice, True, False)
    for order in orders:
        desk.cancel(order)
    assert desk.book.refundOf(w.alice) == 16


@pytest.mark.parametrize("kind", ["PausableToken", "FalseReturnToken", "ReturnBombToken"])
def test_a_token_that_stops(new_desk: Callable[..., Desk], kind: str) -> None:
    """Cancels go on. Nothing that pays a keeper or takes from an owner does."""
    desk = new_desk(token=kind)
    w = desk.w
    id_ = desk.opened()
    waiting, exit_, late = desk.order(), desk.exit(id_), desk.order(expiry=desk.w.now + 1)
    for order in (waiting, exit_, late):
        desk.place(order)
    switch = {
        "PausableToken": "setPaused",
        "FalseReturnToken": "setManner",
        "ReturnBombToken": "setBomb",
    }[kind]
    desk.due()
    stop = getattr(w.token, switch)
    stop(2 if kind == "ReturnBombToken" else 1)
    with reverts("TransferRefused", to=w.keeper, amount=7):
        desk.execute(exit_)
    with reverts("TransferRefused", to=w.keeper, amount=1):
        desk.release(late)
    assert [desk.status(one) for one in (exit_, late)] == [OrderStatus.PLACED] * 2
    desk.cancel(waiting)
    assert desk.book.refundOf(w.alice) == 7
    if kind != "ReturnBombToken":  # its transferFrom works
        with reverts():
            desk.place(desk.order())
    stop(0)
    w.tick()
    desk.execute(exit_)
    desk.send(desk.book.claimRefund, w.alice, by=w.alice)


def test_a_keeper_who_can_t_be_paid_fills_nothing(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="BlacklistToken")
    w = desk.w
    order = desk.order()
    desk.place(order)
    desk.due()
    w.token.setBlocked(w.dave, True, True)
    with reverts("TransferRefused", to=w.dave, amount=7):
        desk.execute(order, to=w.dave)
    desk.execute(order)


def test_a_token_without_returns(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="NoReturnToken")
    id_ = desk.opened()
    desk.fill(desk.exit(id_))
    order = desk.order()
    desk.place(order)
    desk.cancel(order)


def test_a_token_that_lies(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(token="FalseReturnToken")
    desk.w.token.setManner(2)
    with reverts("WrongAmountReceived", received=0, asked=3_000 * desk.w.one):
        desk.place(desk.order())
    with reverts("WrongAmountReceived", received=0, asked=7):
        desk.place(desk.order(margin=0))


# ---- a token that calls back


class Callback:
    """Somebody who is called in the middle of every transfer to or from them."""

    def __init__(self, desk: Desk) -> None:
        self.desk, w = desk, desk.w
        self.actor: Contract = deploy(w.rpc, "ReentrantActor", sender=w.deployer).as_(w.deployer)
        w.token.setHook(self.actor, self.actor)
        w.token.mint(self.actor, 100_000 * w.one)
        desk.owners.append(self.actor.address)
        self.run(w.token, w.token.approve.encode(desk.book, 2**256 - 1))
        self.run(desk.market, desk.market.setDelegate.encode(0, desk.book, 2**40))

    def run(self, target: Contract, data: bytes) -> None:
        self.desk.send(self.actor.run, target, data, by=self.desk.w.deployer)


def inner_calls(desk: Desk, owner: str) -> list[tuple[str, bytes]]:
    """Everything that changes the book, as calldata that would work outside."""
    book, keeper = desk.book, desk.w.keeper
    mine = desk.order(owner=owner)
    placed = desk.order(owner=owner)
    return [
        ("place", book.place.encode(mine.as_tuple())),
        ("cancel", book.cancel.encode(mine.as_tuple())),
        ("edit", book.edit.encode(placed.as_tuple(), mine.as_tuple())),
        ("execute", book.execute.encode(mine.as_tuple(), keeper)),
        ("executeMany", book.executeMany.encode([mine.as_tuple()], keeper)),
        ("release", book.release.encode(mine.as_tuple(), keeper)),
        ("advance", book.advance.encode(mine.as_tuple())),
        ("placeSigned", book.placeSigned.encode(mine.as_tuple(), b"")),
        ("cancelSigned", book.cancelSigned.encode(mine.as_tuple(), b"")),
        ("claimRefund", book.claimRefund.encode(owner)),
        ("multicall", book.multicall.encode([book.cancel.encode(mine.as_tuple())])),
    ]


@pytest.mark.parametrize("moment", ["place", "cancel", "execute"])
def test_a_token_that_calls_back(new_desk: Callable[..., Desk], moment: str) -> None:
    """In the middle of a payment of the book's nothing of it can be called."""
    desk = new_desk(token="HookToken")
    w, book = desk.w, desk.book
    someone = Callback(desk)
    me = someone.actor.address
    guard = bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()
    for name, data in inner_calls(desk, me):
        with w.rpc.isolated():
            order = desk.order(owner=me)
            if moment != "place":
                someone.run(book, book.place.encode(order.as_tuple()))
                desk.due()
            someone.actor.arm(book, data)
            if moment == "place":
                someone.run(book, book.place.encode(order.as_tuple()))
            elif moment == "cancel":
                someone.run(book, book.cancel.encode(order.as_tuple()))
            else:
                desk.execute(order, to=me)
            assert someone.actor.called(), name
            assert not someone.actor.worked(), name
            assert someone.actor.answer() == guard, name
        w.rpc.next_time(w.now)


@pytest.mark.parametrize("margin", [0, 50])
def test_more_than_was_asked_is_refused_too(new_desk: Callable[..., Desk], margin: int) -> None:
    """What a payer sends along in the middle of a payment is no part of it."""
    desk = new_desk(token="HookToken")
    someone = Callback(desk)
    me, book = someone.actor.address, desk.book
    to = desk.market.vaultOf(desk.market.state().nextId) if margin else book.address
    someone.actor.arm(desk.w.token, desk.w.token.transfer.encode(to, 5))
    asked = margin or 7
    with reverts("WrongAmountReceived", received=asked + 5, asked=asked):
        someone.run(book, book.place.encode(desk.order(owner=me, margin=margin).as_tuple()))


def test_a_position_handed_on_while_its_margin_is_paid(new_desk: Callable[..., Desk]) -> None:
    """The lock is the payer's, in the epoch that ended: nothing is held back from the new owner."""
    desk = new_desk(token="HookToken")
    w, market = desk.w, desk.market
    someone = Callback(desk)
    me, margin = someone.actor.address, 3_000 * w.one
    id_ = market.state().nextId
    market.reserve(me, sender=w.bob)
    order = desk.on(id_)
    someone.actor.arm(market, market.transferPosition.encode(id_, w.bob))
    someone.run(desk.book, desk.book.place.encode(order.as_tuple()))
    assert someone.actor.worked()
    assert (market.ownerOf(id_), desk.margin(id_), desk.lock(id_)) == (w.bob, margin, 0)
    desk.remove(id_, margin, by=w.bob)
    someone.run(desk.book, desk.book.cancel.encode(order.as_tuple()))
    assert desk.balance(desk.book.address) == 0


def test_executing_many_can_t_be_called_into(new_desk: Callable[..., Desk]) -> None:
    """Not the step between either, which is the book's alone."""
    desk = new_desk(token="HookToken")
    someone = Callback(desk)
    one, two = desk.order(), desk.order()
    desk.place(one)
    desk.place(two)
    desk.due()
    keeper = someone.actor.address
    for data in (
        desk.book.executeOne.encode(two.as_tuple(), keeper),
        desk.book.execute.encode(two.as_tuple(), keeper),
    ):
        with desk.w.rpc.isolated():
            someone.actor.arm(desk.book, data)
            desk.send(desk.book.executeMany, [one.as_tuple()], keeper, by=desk.w.keeper)
            assert someone.actor.called()
            assert not someone.actor.worked()
            assert desk.status(two) == OrderStatus.PLACED
        desk.w.rpc.next_time(desk.w.now)


def test_the_step_between_is_the_book_s(desk: Desk) -> None:
    order = desk.order()
    desk.place(order)
    desk.due()
    with reverts("NotSelf", caller=desk.w.keeper):
        desk.send(desk.book.executeOne, order.as_tuple(), desk.w.keeper, by=desk.w.keeper)


# ---- many at once


def test_many_skip_what_can_t_be_filled(desk: Desk) -> None:
    """Without loss for anybody: only what was filled is paid for."""
    w, keeper = desk.w, desk.w.keeper
    good = [desk.order(), desk.order(owner=w.bob, size=-SIZE)]
    poor, far = desk.order(margin=1), desk.order(kind=OrderKind.LIMIT, trigger_price=MARK - WAD)
    cancelled, unknown, late = desk.order(), desk.order(), desk.order(expiry=w.now + 1)
    for order in (*good, poor, far, cancelled, late):
        desk.place(order)
    desk.cancel(cancelled)
    desk.due()
    batch = [poor, good[0], far, cancelled, unknown, good[0], late, good[1]]
    before = desk.balance(keeper)
    data = [one.as_tuple() for one in batch]
    sizes = desk.book.executeMany.call(data, keeper, sender=keeper)
    assert list(sizes) == [0, SIZE, 0, 0, 0, 0, 0, -SIZE]
    desk.send(desk.book.executeMany, data, keeper, by=keeper)
    assert desk.balance(keeper) == before + 14
    assert [desk.status(one) for one in (poor, far, late)] == [OrderStatus.PLACED] * 3
    assert desk.book.executeMany.call([], keeper, sender=keeper) == []


@pytest.mark.parametrize("many", [False, True])
def test_low_gas_neither_ends_nor_pays(desk: Desk, many: bool) -> None:
    """Whatever gas a keeper gives: the order is filled whole, or as it was."""
    w, keeper = desk.w, desk.w.keeper
    order = desk.order()
    desk.place(order)
    desk.due()
    with w.rpc.isolated():
        needed = int(desk.execute(order).gas_used)
    w.rpc.next_time(w.now)
    seen = set()
    for gas in range(60_000, needed * 13 // 10, 17_000):
        with w.rpc.isolated():
            before = desk.balance(keeper)
            args: tuple[Any, ...] = (order.as_tuple(), keeper)
            function = desk.book.execute
            if many:
                args, function = ([order.as_tuple()], keeper), desk.book.executeMany
            receipt = function.send(*args, sender=keeper, gas=gas, check=False)
            desk.conserved()
            status = desk.status(order)
            paid = desk.balance(keeper) - before
            assert (status, paid) in ((OrderStatus.PLACED, 0), (OrderStatus.FILLED, 7))
            assert receipt.ok or status == OrderStatus.PLACED
            seen.add(status)
        w.rpc.next_time(w.now)
    assert seen == {OrderStatus.PLACED, OrderStatus.FILLED}


@pytest.mark.parametrize("end", ["cancel", "release"])
def test_low_gas_keeps_no_refund(desk: Desk, end: str) -> None:
    """Nobody makes a refund wait by starving the token."""
    w = desk.w
    order = desk.order(owner=desk.signer)
    desk.place(order)
    w.at(order.expiry + 1)
    signature = desk.sign_cancel(order)
    ended = 0
    for gas in range(50_000, 200_000, 1_300):
        with w.rpc.isolated():
            if end == "cancel":
                args = (order.as_tuple(), signature)
                desk.book.cancelSigned.send(*args, sender=w.keeper, gas=gas, check=False)
            else:
                args = (order.as_tuple(), w.keeper)
                desk.book.release.send(*args, sender=w.keeper, gas=gas, check=False)
            desk.conserved()
            assert desk.book.refundOf(desk.signer) == 0
            ended += desk.status(order) != OrderStatus.PLACED
        w.rpc.next_time(w.now)
    assert ended > 10


# ---- brackets


def bracket(desk: Desk) -> tuple[Any, Any, Any]:
    """Entry, stop-loss and take-profit, placed in one transaction on a new position."""
    group = b"\5" * 32
    entry = desk.order()
    parent = hash_of(entry)
    exits = {"parent": parent, "phase": 1, "size": -SIZE, "reduce_only": True, "group": group}
    loss = desk.order(kind=OrderKind.STOP, trigger_price=MARK - 50 * WAD, **exits)
    profit = desk.order(kind=OrderKind.LIMIT, trigger_price=MARK + 50 * WAD, **exits)
    calls = [desk.book.place.encode(one.as_tuple()) for one in (entry, loss, profit)]
    desk.send(desk.book.multicall, calls, by=desk.w.alice)
    return entry, loss, profit


@pytest.mark.parametrize("wins", [True, False], ids=["profit", "loss"])
def test_a_bracket_in_one_transaction(desk: Desk, wins: bool) -> None:
    """One leg fills; the other is void then, and its fee goes back."""
    w = desk.w
    entry, loss, profit = bracket(desk)
    id_ = desk.state(entry).positionId
    assert [desk.state(one).positionId for one in (loss, profit)] == [id_, id_]
    desk.due()
    desk.execute(entry)
    desk.due(MARK + (50 if wins else -50) * WAD)
    leg, rest = (profit, loss) if wins else (loss, profit)
    with refused(OrderReason.TRIGGER_NOT_REACHED):
        desk.execute(rest)
    desk.execute(leg)
    assert desk.market.position(id_).size == 0
    with refused(OrderReason.GROUP_USED, 1, 0):
        desk.execute(rest)
    before = desk.balance(w.alice)
    desk.release(rest)
    assert desk.balance(w.alice) == before + 7
    desk.remove(id_, desk.margin(id_))


def test_one_bad_leg_and_nothing_is_placed(desk: Desk) -> None:
    entry = desk.order()
    bad = desk.order(parent=hash_of(entry), phase=1, size=0, reduce_only=True)
    calls = [desk.book.place.encode(one.as_tuple()) for one in (entry, bad)]
    with refused(OrderReason.BAD_SIZE):
        desk.send(desk.book.multicall, calls, by=desk.w.alice)
    assert desk.status(entry) == OrderStatus.NONE
    assert desk.market.state().nextId == 1


def test_a_multicall_is_its_caller_s(desk: Desk) -> None:
    w = desk.w
    order = desk.order()
    desk.place(order)
    with reverts("NotAuthorised", owner=w.alice, caller=w.bob):
        desk.send(desk.book.multicall, [desk.book.cancel.encode(order.as_tuple())], by=w.bob)
    with reverts("NotSelf"):
        data = desk.book.executeOne.encode(order.as_tuple(), w.bob)
        desk.send(desk.book.multicall, [data], by=w.bob)
