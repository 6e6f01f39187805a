"""Signatures of orders: one account has a key, one wallet says what it signed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from eth_account import Account

from bulkhead.fuzz.people import ALICE_KEY
from bulkhead.model.order_types import Domain, Order, hash_of

GOOD, STRANGER, ELSEWHERE = "good", "stranger's", "for another book"
OTHER_ACT, OTHER_ORDER = "for the other act", "of another order"
OTHER_CHAIN, OTHER_RELEASE = "for another chain", "for another release"
SIGNATURES = (GOOD, STRANGER, ELSEWHERE, OTHER_ACT, OTHER_ORDER, OTHER_CHAIN, OTHER_RELEASE)
_OTHER_KEY = "0x" + "5e" * 32
_OTHER_BOOK = "0x" + "b0" * 20
_OTHERS: dict[str, Callable[[Domain], Domain]] = {
    ELSEWHERE: lambda domain: replace(domain, contract=_OTHER_BOOK),
    OTHER_CHAIN: lambda domain: replace(domain, chain_id=domain.chain_id + 1),
    OTHER_RELEASE: lambda domain: replace(domain, version=domain.version + "1"),
}


def digest(domain: Domain, order: Order, how: str, cancel: bool) -> bytes:
    """What is signed to place an order, or to cancel it; or something else that is much like it."""
    if how in _OTHERS:
        domain = _OTHERS[how](domain)
    if how == OTHER_ORDER:
        order = replace(order, salt=order.salt ^ 1)
    if cancel != (how == OTHER_ACT):
        return domain.cancel_digest(hash_of(order))
    return domain.place_digest(order)


def signed(domain: Domain, order: Order, how: str, cancel: bool) -> bytes:
    """A signature that places an order, or cancels it: the owner's, or not."""
    key = _OTHER_KEY if how == STRANGER else ALICE_KEY
    return bytes(Account.unsafe_sign_hash(digest(domain, order, how, cancel), key).signature)


def valid(order: Order, how: str, signers: Collection[str]) -> bool:
    """Whether that is the owner's."""
    return how == GOOD and order.owner in signers
