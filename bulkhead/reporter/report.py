"""What a reporter signs, and how reports become data for `QuorumOracle.update`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature

from bulkhead.errors import BulkheadError

NAME, VERSION = "Bulkhead QuorumOracle", "1"
_FIELDS = (("feed", "bytes32"), ("price", "uint256"), ("publishedAt", "uint256"))
_TYPES = {"Report": [{"name": name, "type": kind} for name, kind in _FIELDS]}
_HIGH_BIT = 1 << 255
FEED_BYTES = 32


class ReportError(BulkheadError):
    """A report is malformed, or signed by somebody else."""


@dataclass(frozen=True)
class Feed:
    """What every report is bound to: a chain, a contract on it, and a feed."""

    chain_id: int
    oracle: str
    feed: bytes

    def message(self, price: int, published_at: int) -> SignableMessage:
        """A price (Wad) of a moment (unix seconds) as EIP-712 has it signed."""
        return encode_typed_data(
            domain_data={
                "name": NAME,
                "version": VERSION,
                "chainId": self.chain_id,
                "verifyingContract": self.oracle,
            },
            message_types=_TYPES,
            message_data={"feed": self.feed, "price": price, "publishedAt": published_at},
        )


@dataclass(frozen=True)
class Report:
    """One reporter's price (Wad) of a moment (unix seconds), with its signature (64 bytes)."""

    signer: str
    price: int
    published_at: int
    signature: bytes

    def record(self) -> dict[str, Any]:
        """For JSON; the price as text, as it does not fit a double."""
        return {
            "signer": self.signer,
            "price": str(self.price),
            "published_at": self.published_at,
            "signature": "0x" + self.signature.hex(),
        }


def feed_id(name: str) -> bytes:
    """A feed's name as the contract has it: its bytes, padded with zeros."""
    found = name.encode()
    if not 0 < len(found) <= FEED_BYTES:
        raise ReportError(f"feed {name!r}: 1 to {FEED_BYTES} bytes are wanted")
    return found.ljust(FEED_BYTES, b"\0")


def sign(feed: Feed, key: bytes | str, price: int, published_at: int) -> Report:
    """A report of this price; `key` is the reporter's private key."""
    signed = Account.sign_message(feed.message(price, published_at), key)
    high = _HIGH_BIT if signed.v == 28 else 0
    compact = signed.r.to_bytes(32, "big") + (signed.s | high).to_bytes(32, "big")
    return Report(Account.from_key(key).address.lower(), price, published_at, compact)


def signer_of(feed: Feed, price: int, published_at: int, signature: bytes) -> str:
    """Who signed this, as the contract would find; '' where it is no signature at all."""
    s = int.from_bytes(signature[32:], "big")
    full = signature[:32] + (s % _HIGH_BIT).to_bytes(32, "big") + bytes([27 + s // _HIGH_BIT])
    try:
        found: str = Account.recover_message(feed.message(price, published_at), signature=full)
    except (BadSignature, ValueError):
        return ""
    return found.lower()


def read(feed: Feed, record: Any) -> Report:
    """A report out of JSON; it must be signed by whom it names."""
    try:
        signature = bytes.fromhex(record["signature"].removeprefix("0x"))
        price, published_at = int(record["price"]), int(record["published_at"])
        signer = str(record["signer"]).lower()
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ReportError(f"not a report: {problem!r}") from None
    if len(signature) != 64 or not 0 < price < 2**256 or not 0 < published_at < 2**40:
        raise ReportError(f"no report can say this: price {price} at {published_at}")
    if signer_of(feed, price, published_at, signature) != signer:
        raise ReportError(f"{signer} did not sign this")
    return Report(signer, price, published_at, signature)


def update_data(published_at: int, reports: Sequence[Report]) -> bytes:
    """One element of `update`'s data. The order is kept: the contract wants the signers' own."""
    rows = [(one.price, one.signature[:32], one.signature[32:]) for one in reports]
    return bytes(encode(["uint256", "(uint256,bytes32,bytes32)[]"], [published_at, rows]))
