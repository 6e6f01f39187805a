"""The values of `interfaces/IOrderBook.sol`, an order's identity, and the book's typed refusals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from bulkhead.model.errors import TOP, ModelError
from bulkhead.model.types import Address

NOTHING = bytes(32)  # no parent, no group, no order
NAME, VERSION = "Bulkhead OrderBook", "1"  # of the signatures' domain


class OrderKind(IntEnum):
    """What makes an order due."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    TRAILING_STOP = 3


class OrderStatus(IntEnum):
    """Where an order stands."""

    NONE = 0
    PLACED = 1
    FILLED = 2
    CANCELLED = 3
    RELEASED = 4


class OrderReason(IntEnum):
    """Why an order is refused."""

    NONE = 0
    WRONG_STATUS = 1
    EXPIRED = 2
    NOT_OVER = 3
    WRONG_OWNER = 4
    WRONG_EPOCH = 5
    WRONG_PHASE = 6
    GROUP_USED = 7
    PARENT_NOT_FILLED = 8
    WRONG_DIRECTION = 9
    NOTHING_TO_REDUCE = 10
    TOO_EARLY = 11
    MARK_TOO_OLD = 12
    TRIGGER_NOT_REACHED = 13
    NO_TRIGGER = 14
    NOT_DELEGATE = 15
    NOT_ADVANCING = 16
    BAD_SIZE = 17
    BAD_TRIGGER = 18
    BAD_MARGIN = 19
    BAD_FEE = 20
    BAD_EXPIRY = 21
    NOT_REDUCE_ONLY = 22
    BAD_PARENT = 23


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order, whole. Prices, sizes and trail in Wad; margin and keeper's fee in token units."""

    owner: Address
    position_id: int = 0
    epoch: int = 0
    phase: int = 0
    kind: OrderKind = OrderKind.MARKET
    reduce_only: bool = False
    size: int = 0
    trigger_price: int = 0
    trail: int = 0
    price_limit: int = 0
    margin: int = 0
    keeper_fee: int = 0
    expiry: int = 0
    parent: bytes = NOTHING
    group: bytes = NOTHING
    salt: int = 0

    def as_tuple(self) -> tuple[Any, ...]:
        """As the ABI takes it."""
        return tuple(getattr(self, name) for name in _NAMES)


_NAMES = tuple(field.name for field in fields(Order))
MEMBERS = (
    *("address owner", "uint256 positionId", "uint256 epoch", "uint256 phase", "uint8 kind"),
    *("bool reduceOnly", "int256 size", "uint256 triggerPrice", "uint256 trail"),
    *("uint256 priceLimit", "uint256 margin", "uint256 keeperFee", "uint256 expiry"),
    *("bytes32 parent", "bytes32 group", "uint256 salt"),
)
_ORDER_TYPE = keccak(f"Order({','.join(MEMBERS)})".encode())
_CANCEL_TYPE = keccak(b"Cancel(bytes32 orderHash)")
_DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


@lru_cache(maxsize=256)
def hash_of(order: Order) -> bytes:
    """The order's EIP-712 struct hash: its identity."""
    return keccak(_ORDER_TYPE + b"".join(map(_word, order.as_tuple())))


def _word(value: Any) -> bytes:
    """An ABI word of an address, a number or 32 bytes."""
    if isinstance(value, bytes):
        return value
    number = int(value, 16) if isinstance(value, str) else int(value)
    return number.to_bytes(32, "big", signed=number < 0)


@dataclass(frozen=True)
class Domain:
    """What binds a signature to one contract on one chain."""

    name: str
    version: str
    chain_id: int
    contract: Address

    @cached_property
    def separator(self) -> bytes:
        """EIP-712's."""
        values = (_DOMAIN_TYPE, keccak(self.name.encode()), keccak(self.version.encode()))
        types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
        return keccak(encode(types, (*values, self.chain_id, self.contract)))

    def place_digest(self, order: Order) -> bytes:
        """What an owner signs to place an order."""
        return self.digest(hash_of(order))

    def cancel_digest(self, order_hash: bytes) -> bytes:
        """What an owner signs to cancel one."""
        return self.digest(keccak(encode(("bytes32", "bytes32"), (_CANCEL_TYPE, order_hash))))

    def digest(self, struct_hash: bytes) -> bytes:
        """What is signed of a struct (EIP-712)."""
        return keccak(b"\x19\x01" + self.separator + struct_hash)


@dataclass(frozen=True)
class OrderState:
    """What the book keeps of an order."""

    status: OrderStatus = OrderStatus.NONE
    at: int = 0
    position_id: int = 0
    best: int = 0


class OrderRefused(ModelError):
    """OrderRefused(reason, actual, limit)."""

    def __init__(self, reason: OrderReason, actual: int, limit: int) -> None:
        actual, limit = min(actual, TOP), min(limit, TOP)
        super().__init__(reason, actual, limit)
        self.reason, self.actual, self.limit = reason, actual, limit


class NotAuthorised(ModelError):
    """NotAuthorised(owner, caller): the book's."""


class BadSignature(ModelError):
    """BadSignature(owner, digest)."""


def require(holds: bool, reason: OrderReason, actual: int, limit: int) -> None:
    """Refuses unless a rule holds."""
    if not holds:
        raise OrderRefused(reason, actual, limit)
