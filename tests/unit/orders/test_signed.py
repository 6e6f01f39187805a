"""Orders and cancels that their owner signed and anybody hands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from order_world import (
    OTHER_KEY,
    SIZE,
    Desk,
    OrderReason,
    OrderStatus,
    hash_of,
    refused,
    reverts,
)

from bulkhead.chain.contract import Contract
from bulkhead.model.order_types import Domain, Order

REJECT, ACCEPT, BURN, BOMB = range(4)


def domain(desk: Desk) -> Domain:
    """As the twin has it."""
    given = desk.domain()
    return Domain(given["name"], given["version"], given["chainId"], given["verifyingContract"])


def test_what_is_signed(desk: Desk) -> None:
    order = desk.order(size=-SIZE, parent=b"\1" * 32, group=b"\2" * 32, kind=3, reduce_only=True)
    assert desk.book.hashOf(order.as_tuple()) == hash_of(order)
    assert desk.book.placeDigest(order.as_tuple()) == domain(desk).place_digest(order)
    assert desk.book.cancelDigest(hash_of(order)) == domain(desk).cancel_digest(hash_of(order))
    found = desk.book.eip712Domain()
    assert (found.name, found.version) == ("Bulkhead OrderBook", "1")
    assert (found.chainId, found.verifyingContract) == (
        *(desk.w.rpc.chain_id(), desk.book.address),
    )


def test_the_owner_pays_whoever_hands_it_in(desk: Desk) -> None:
    w = desk.w
    order = desk.order(owner=desk.signer)
    before, keeper = desk.balance(desk.signer), desk.balance(w.keeper)
    placed = desk.event(desk.place_signed(order, desk.sign(order)), "OrderPlaced")
    assert before - desk.balance(desk.signer) == 3_000 * w.one + 7
    assert desk.balance(w.keeper) == keeper
    desk.due()
    desk.execute(order)
    assert desk.market.position(placed.positionId).owner == desk.signer


def test_a_signature_is_used_once(desk: Desk) -> None:
    """Not after it was placed, filled, cancelled or released."""
    order = desk.order(owner=desk.signer)
    signature = desk.sign(order)
    desk.place_signed(order, signature)
    with refused(OrderReason.WRONG_STATUS, OrderStatus.PLACED, OrderStatus.NONE):
        desk.place_signed(order, signature)
    desk.due()
    ends: tuple[tuple[Callable[[], object], OrderStatus], ...] = (
        (lambda: desk.execute(order), OrderStatus.FILLED),
        (lambda: desk.cancel(order), OrderStatus.CANCELLED),
        (lambda: (desk.w.at(order.expiry + 1), desk.release(order)), OrderStatus.RELEASED),
    )
    for end, status in ends:
        with desk.w.branch():
            end()
            with refused(OrderReason.WRONG_STATUS, status, OrderStatus.NONE):
                desk.place_signed(order, signature)


def test_a_signature_cancelled_before_it_was_used(desk: Desk) -> None:
    """By its owner, or by the owner's other signature."""
    one, two = desk.order(owner=desk.signer), desk.order(owner=desk.signer)
    desk.cancel(one)
    desk.cancel_signed(two, desk.sign_cancel(two))
    for order in (one, two):
        with refused(OrderReason.WRONG_STATUS, OrderStatus.CANCELLED, OrderStatus.NONE):
            desk.place_signed(order, desk.sign(order))


def test_cancel_by_signature(desk: Desk) -> None:
    w = desk.w
    order = desk.order(owner=desk.signer)
    desk.place_signed(order, desk.sign(order))
    w.silence()
    before = desk.balance(desk.signer)
    signature = desk.sign_cancel(order)
    assert desk.event(desk.cancel_signed(order, signature), "OrderCancelled").refund == 7
    assert desk.balance(desk.signer) == before + 7
    with refused(OrderReason.WRONG_STATUS, OrderStatus.CANCELLED, OrderStatus.PLACED):
        desk.cancel_signed(order, signature)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": OTHER_KEY},
        {"chainId": 1},
        {"verifyingContract": "0x" + "12" * 20},
        {"name": "Bulkhead OrderBook 2"},
        {"version": "2"},
    ],
    ids=["signer", "chain", "contract", "name", "version"],
)
def test_wrong_signatures(desk: Desk, wrong: dict[str, Any]) -> None:
    order = desk.order(owner=desk.signer)
    with reverts("BadSignature", owner=desk.signer, digest=domain(desk).place_digest(order)):
        desk.place_signed(order, desk.sign(order, **wrong))
    with reverts("BadSignature", owner=desk.signer):
        desk.cancel_signed(order, desk.sign_cancel(order, **wrong))


def test_signatures_of_something_else(desk: Desk) -> None:
    order = desk.order(owner=desk.signer)
    good = desk.sign(order)
    other = replace(order, margin=order.margin + 1)
    desk.seen[hash_of(other)] = other
    mirrored = good[:32] + (SECP - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    mirrored += bytes([55 - good[64]])
    for bad in (b"", good[:64], good + b"\0", mirrored, b"\0" * 65, desk.sign_cancel(order)):
        with reverts("BadSignature"):
            desk.place_signed(order, bad)
    with reverts("BadSignature"):
        desk.place_signed(other, good)
    with reverts("BadSignature"):
        desk.cancel_signed(order, good)
    with reverts("BadSignature"):  # nobody's
        desk.place_signed(replace(order, owner="0x" + "0" * 40), b"\0" * 65)
    with reverts("BadSignature"):  # the book's own position would be nobody's too
        desk.place_signed(replace(order, owner=desk.book.address), good)
    desk.place_signed(order, good)


SECP = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_a_delegate_s_signature_is_none(desk: Desk) -> None:
    w = desk.w
    desk.send(desk.market.setDelegate, 0, desk.signer, 2**40, by=w.alice)
    order = desk.order()
    with reverts("BadSignature", owner=w.alice):
        desk.place_signed(order, desk.sign(order))


# ---- contracts


def told(wallet: Contract, manner: int, digest: bytes) -> None:
    wallet.set(manner, digest)


def wallet_order(desk: Desk) -> tuple[Contract, Order]:
    wallet = desk.wallet()
    return wallet, desk.order(owner=wallet.address)


def test_a_wallet_accepts(desk: Desk) -> None:
    w = desk.w
    wallet, order = wallet_order(desk)
    told(wallet, ACCEPT, domain(desk).place_digest(order))
    before = desk.balance(wallet.address)
    desk.place_signed(order, b"anything")
    assert before - desk.balance(wallet.address) == 3_000 * w.one + 7
    with reverts("BadSignature"):  # that was no acceptance of a cancel
        desk.cancel_signed(order, b"anything")
    told(wallet, ACCEPT, domain(desk).cancel_digest(hash_of(order)))
    desk.cancel_signed(order, b"anything")
    assert desk.status(order) == OrderStatus.CANCELLED


@pytest.mark.parametrize("manner", [REJECT, BURN, BOMB])
def test_a_wallet_does_not(desk: Desk, manner: int) -> None:
    wallet, order = wallet_order(desk)
    told(wallet, manner, domain(desk).place_digest(order))
    with reverts("BadSignature", owner=wallet.address):
        desk.place_signed(order, b"", gas=3_000_000)
    with reverts("BadSignature", owner=wallet.address):
        desk.cancel_signed(order, b"", gas=3_000_000)
    assert desk.status(order) == OrderStatus.NONE


def test_a_wallet_without_code_for_signatures(desk: Desk) -> None:
    order = desk.order(owner=desk.market.address)
    with reverts("BadSignature"):
        desk.place_signed(order, b"")
