"""Signatures of orders: one account has a key, one wallet says what it signed."""

from __future__ import annotations

from collections.abc import Collection

from eth_account import Account

from bulkhead.fuzz.people import ALICE_KEY
from bulkhead.model.order_types import Domain, Order, hash_of

GOOD, STRANGER, ELSEWHERE = "good", "stranger's", "for another book"
SIGNATURES = (GOOD, STRANGER, ELSEWHERE)
_OTHER_KEY = "0x" + "5e" * 32
_OTHER_BOOK = "0x" + "b0" * 20


def digest(domain: Domain, order: Order, how: str, cancel: bool) -> bytes:
    """What is signed to place an order, or to cancel it: for this book, or for another."""
    if how == ELSEWHERE:
        domain = Domain(domain.name, domain.version, domain.chain_id, _OTHER_BOOK)
    return domain.cancel_digest(hash_of(order)) if cancel else domain.place_digest(order)


def signed(domain: Domain, order: Order, how: str, cancel: bool) -> bytes:
    """A signature that places an order, or cancels it: the owner's, or not."""
    key = _OTHER_KEY if how == STRANGER else ALICE_KEY
    return bytes(Account.unsafe_sign_hash(digest(domain, order, how, cancel), key).signature)


def valid(order: Order, how: str, signers: Collection[str]) -> bool:
    """Whether that is the owner's."""
    return how == GOOD and order.owner in signers
