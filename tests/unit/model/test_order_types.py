"""An order's identity and its digests, against a library."""

from __future__ import annotations

from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from bulkhead.model.order_types import MEMBERS, NAME, VERSION, Domain, Order, OrderKind, hash_of

OWNER, BOOK = "0x" + "a1" * 20, "0x" + "b0" * 20


def test_hash__against_the_library__same() -> None:
    order = Order(
        owner=OWNER,
        position_id=3,
        epoch=1,
        phase=5,
        kind=OrderKind.STOP,
        reduce_only=True,
        size=-(10**19),
        trigger_price=2**95,
        trail=1,
        price_limit=2**255,
        margin=9,
        keeper_fee=8,
        expiry=2**39,
        parent=b"\x11" * 32,
        group=b"\x22" * 32,
        salt=7,
    )
    domain = Domain(NAME, VERSION, 31337, BOOK)
    types = [dict(zip(("type", "name"), member.split(), strict=True)) for member in MEMBERS]
    message = dict(
        zip((field["name"] for field in types), order.as_tuple(), strict=True),
    )
    said = encode_typed_data(
        {"name": NAME, "version": VERSION, "chainId": 31337, "verifyingContract": BOOK},
        {"Order": types},
        message,
    )
    assert (hash_of(order), domain.separator) == (said.body, said.header)
    assert domain.place_digest(order) == keccak(b"\x19\x01" + said.header + said.body)
    ended = encode_typed_data(
        {"name": NAME, "version": VERSION, "chainId": 31337, "verifyingContract": BOOK},
        {"Cancel": [{"name": "orderHash", "type": "bytes32"}]},
        {"orderHash": hash_of(order)},
    )
    assert domain.cancel_digest(hash_of(order)) == keccak(b"\x19\x01" + ended.header + ended.body)
