"""Signatures of orders: one account has a key."""

from __future__ import annotations

from eth_account import Account

from bulkhead.fuzz.people import ALICE, ALICE_KEY
from bulkhead.model.order_types import Domain, Order, hash_of

GOOD, STRANGER, ELSEWHERE = "good", "stranger's", "for another book"
SIGNATURES = (GOOD, STRANGER, ELSEWHERE)
_OTHER_KEY = "0x" + "5e" * 32
_OTHER_BOOK = "0x" + "b0" * 20


def signed(domain: Domain, order: Order, how: str, cancel: bool) -> bytes:
    """A signature that places an order, or cancels it: the owner's, or not."""
    if how == ELSEWHERE:
        domain = Domain(domain.name, domain.version, domain.chain_id, _OTHER_BOOK)
    digest = domain.cancel_digest(hash_of(order)) if cancel else domain.place_digest(order)
    key = _OTHER_KEY if how == STRANGER else ALICE_KEY
    return bytes(Account.unsafe_sign_hash(digest, key).signature)


def valid(order: Order, how: str) -> bool:
    """Whether that is the owner's."""
    return how == GOOD and order.owner == ALICE
