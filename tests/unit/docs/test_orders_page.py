"""The orders page: its typed data is what the contract hashes, its signature is the owner's."""

from __future__ import annotations

import json
import re
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from bulkhead.chain.binaries import ROOT
from bulkhead.model.order_types import NAME, VERSION, Domain, Order, OrderKind, hash_of

PAGE = (ROOT / "docs" / "orders.md").read_text()
RULES = (ROOT / "contracts" / "orders" / "OrderRules.sol").read_text()


def typed() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def told(name: str) -> bytes:
    found = re.search(rf"^    {name} +0x([0-9a-f]+)$", PAGE, re.MULTILINE)
    assert found is not None
    return bytes.fromhex(found.group(1))


def order() -> Order:
    """The page's message, as the twin has it."""
    given = []
    for value in typed()["message"].values():
        if isinstance(value, str) and value.startswith("0x"):
            given.append(value.lower() if len(value) == 42 else bytes.fromhex(value[2:]))
        else:
            given.append(value if isinstance(value, bool) else int(value))
    given[4] = OrderKind(given[4])
    return Order(**dict(zip(Order.__dataclass_fields__, given, strict=True)))


def test_types__are_those_of_the_contract() -> None:
    parts = re.search(r"ORDER_TYPEHASH = keccak256\((.*?)\);", RULES, re.DOTALL)
    assert parts is not None
    text = "".join(re.findall(r'"([^"]*)"', parts.group(1)))
    members = ",".join(f"{one['type']} {one['name']}" for one in typed()["types"]["Order"])
    assert text == f"Order({members})"


def test_example__hash_digest_and_signature__are_right() -> None:
    data = typed()
    domain = data["domain"]
    assert (domain["name"], domain["version"]) == (NAME, VERSION)
    book = Domain(NAME, VERSION, domain["chainId"], domain["verifyingContract"])
    assert hash_of(order()) == told("hash")
    assert book.place_digest(order()) == told("digest")
    message = encode_typed_data(full_message=data)
    signed = b"\x19" + message.version + message.header + message.body
    assert keccak(signed) == told("digest")
    owner = Account.recover_message(message, signature=told("signature"))
    assert owner == data["message"]["owner"]
    assert Account.from_key("0x" + "5e" * 32).address == owner


def test_example__is_the_stop_that_the_page_speaks_of() -> None:
    made = order()
    assert (made.kind, made.reduce_only, made.size) == (OrderKind.STOP, True, -2 * 10**18)
    assert (made.trigger_price, made.price_limit) == (1_900 * 10**18, 1_880 * 10**18)
    assert made.keeper_fee == 2 * 10**6
