"""Contract ABI encoding, compiled once per type: the hot path of tests, fuzz and keeper.

Structs and named results decode to named tuples, addresses to lower-case hex strings, `bytesN` and
`bytes` to `bytes`. Where an address is wanted, anything with an `address` attribute will do.
"""

from __future__ import annotations

import keyword
import re
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from bulkhead.errors import BulkheadError

JsonAbi: TypeAlias = Mapping[str, Any]
_ARRAY = re.compile(r"^(.*)\[(\d*)\]$")


class AbiError(BulkheadError):
    """A value does not fit its type, or data is too short for it."""


class Type(ABC):
    """One ABI type. `size` is its length in the head: 32 where it is dynamic."""

    size = 32
    dynamic = False

    @abstractmethod
    def encode(self, value: Any) -> bytes:
        """The value as ABI bytes, a multiple of 32; AbiError where it does not fit."""

    @abstractmethod
    def decode(self, data: bytes, at: int) -> Any:
        """The value that starts at this byte."""


class _Uint(Type):
    def __init__(self, bits: int) -> None:
        self.limit = 1 << bits

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, int) or not 0 <= value < self.limit:
            raise AbiError(f"{value!r} is no uint{self.limit.bit_length() - 1}")
        return value.to_bytes(32, "big")

    def decode(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + 32], "big")


class _Int(Type):
    def __init__(self, bits: int) -> None:
        self.limit = 1 << (bits - 1)

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, int) or not -self.limit <= value < self.limit:
            raise AbiError(f"{value!r} is no int{self.limit.bit_length()}")
        return value.to_bytes(32, "big", signed=True)

    def decode(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + 32], "big", signed=True)


class _Bool(Type):
    def encode(self, value: Any) -> bytes:
        if value not in (True, False):
            raise AbiError(f"{value!r} is no bool")
        return int(value).to_bytes(32, "big")

    def decode(self, data: bytes, at: int) -> bool:
        return data[at + 31] != 0


class _Address(Type):
    def encode(self, value: Any) -> bytes:
        return _address_word(value if isinstance(value, bytes) else address(value))

    def decode(self, data: bytes, at: int) -> str:
        return "0x" + data[at + 12 : at + 32].hex()


@lru_cache(maxsize=4096)
def _address_word(value: str | bytes) -> bytes:
    try:
        raw = value if isinstance(value, bytes) else bytes.fromhex(value[2:])
    except ValueError:
        raw = b""
    if len(raw) != 20:
        raise AbiError(f"{value!r} is no address")
    return raw.rjust(32, b"\0")


class _FixedBytes(Type):
    def __init__(self, length: int) -> None:
        self.length = length

    def encode(self, value: Any) -> bytes:
        raw = raw_bytes(value)
        if len(raw) != self.length:
            raise AbiError(f"{value!r} is no bytes{self.length}")
        return raw.ljust(32, b"\0")

    def decode(self, data: bytes, at: int) -> bytes:
        return data[at : at + self.length]


class _Bytes(Type):
    dynamic = True

    def encode(self, value: Any) -> bytes:
        raw = raw_bytes(value)
        return len(raw).to_bytes(32, "big") + raw + b"\0" * (-len(raw) % 32)

    def decode(self, data: bytes, at: int) -> Any:
        length = int.from_bytes(data[at : at + 32], "big")
        if at + 32 + length > len(data):
            raise AbiError("bytes run past the end of the data")
        return data[at + 32 : at + 32 + length]


class _String(_Bytes):
    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise AbiError(f"{value!r} is no string")
        return super().encode(value.encode())

    def decode(self, data: bytes, at: int) -> str:
        raw: bytes = super().decode(data, at)
        return raw.decode("utf-8", "replace")


class _Tuple(Type):
    def __init__(self, parts: Sequence[Type], make: Callable[[list[Any]], Any]) -> None:
        self.parts = tuple(parts)
        self.make = make
        self.dynamic = any(part.dynamic for part in parts)
        self.head = sum(part.size for part in parts)
        self.size = 32 if self.dynamic else self.head
        self.fields: tuple[str, ...] = getattr(make, "fields", ())

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, (tuple, list)) and isinstance(value, Mapping):  # which is slow
            value = [value[name] for name in self.fields]
        if len(value) != len(self.parts):
            raise AbiError(f"{len(self.parts)} values wanted, {len(value)} given")
        if not self.dynamic:
            pairs = zip(self.parts, value, strict=True)
            return b"".join([part.encode(item) for part, item in pairs])
        head: list[bytes] = []
        tail: list[bytes] = []
        at = self.head
        for part, item in zip(self.parts, value, strict=True):
            code = part.encode(item)
            if part.dynamic:
                head.append(at.to_bytes(32, "big"))
                tail.append(code)
                at += len(code)
            else:
                head.append(code)
        return b"".join(head + tail)

    def decode(self, data: bytes, at: int) -> Any:
        if at + self.head > len(data):
            raise AbiError(f"{len(data)} bytes are too few")
        values = []
        here = at
        for part in self.parts:
            if part.dynamic:
                values.append(part.decode(data, at + int.from_bytes(data[here : here + 32], "big")))
            else:
                values.append(part.decode(data, here))
            here += part.size
        return self.make(values)


class _Array(Type):
    def __init__(self, item: Type, length: int | None) -> None:
        self.item = item
        self.length = length
        self.dynamic = length is None or item.dynamic
        self.size = 32 if self.dynamic else item.size * (length or 0)

    def _row(self, length: int) -> _Tuple:
        return _Tuple((self.item,) * length, list)

    def encode(self, value: Any) -> bytes:
        if self.length is not None and len(value) != self.length:
            raise AbiError(f"{self.length} items wanted, {len(value)} given")
        body = self._row(len(value)).encode(list(value))
        return body if self.length is not None else len(value).to_bytes(32, "big") + body

    def decode(self, data: bytes, at: int) -> Any:
        length = self.length
        if length is None:
            length = int.from_bytes(data[at : at + 32], "big")
            at += 32
        if length * self.item.size > len(data) - at:
            raise AbiError(f"an array of {length} is longer than the data")
        if self.item.dynamic:
            return self._row(length).decode(data, at)
        step = self.item.size
        decode = self.item.decode
        return [decode(data, place) for place in range(at, at + length * step, step)]


def address(value: Any) -> str:
    """Lower-case hex address of a string, or of anything with an `address` attribute."""
    text = value if isinstance(value, str) else getattr(value, "address", None)
    if not isinstance(text, str):
        raise AbiError(f"{value!r} is no address")
    return text.lower()


def raw_bytes(value: Any) -> bytes:
    """Bytes of a bytes-like value or of a 0x-hex string."""
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return bytes(value)


@lru_cache(maxsize=1024)
def _record(name: str, fields: tuple[str, ...]) -> Callable[[list[Any]], Any]:
    """A maker of named tuples, or of plain ones where the fields have no names."""
    if not fields or not all(fields) or len(set(fields)) != len(fields):
        return tuple
    safe = [f"{field}_" if keyword.iskeyword(field) else field.lstrip("_") for field in fields]
    if len(set(safe)) != len(safe):
        return tuple
    kind = namedtuple(name if name.isidentifier() else "Result", safe)  # type: ignore[misc]

    def make(values: list[Any]) -> Any:
        return kind(*values)

    make.fields = tuple(safe)  # type: ignore[attr-defined]
    return make


def canonical(item: JsonAbi) -> str:
    """The type as it stands in a signature: structs spelled out as tuples."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(canonical(part) for part in item["components"]) + ")" + kind[5:]


def parse(item: JsonAbi) -> Type:
    """Build the codec of one ABI parameter."""
    kind: str = item["type"]
    array = _ARRAY.match(kind)
    if array:
        inner = parse({**item, "type": array.group(1)})
        return _Array(inner, int(array.group(2)) if array.group(2) else None)
    if kind == "tuple":
        struct = item.get("internalType", "").removeprefix("struct ").split(".")[-1].split("[")[0]
        return parameters(item["components"], struct or "Struct")
    if kind.startswith("uint"):
        return _Uint(int(kind[4:] or 256))
    if kind.startswith("int"):
        return _Int(int(kind[3:] or 256))
    simple: dict[str, type[Type]] = {
        "address": _Address,
        "bool": _Bool,
        "string": _String,
        "bytes": _Bytes,
    }
    if kind in simple:
        return simple[kind]()
    if kind.startswith("bytes"):
        return _FixedBytes(int(kind[5:]))
    if kind == "function":
        return _FixedBytes(24)
    raise AbiError(f"unknown ABI type {kind}")


def parameters(items: Sequence[JsonAbi], name: str = "Result") -> _Tuple:
    """The codec of a parameter list."""
    fields = tuple(item.get("name", "") for item in items)
    return _Tuple([parse(item) for item in items], _record(name, fields))


def codec(*types: str) -> _Tuple:
    """The codec of a list of plain types: `codec("uint256", "address[]").encode((1, []))`."""
    return parameters([{"type": kind, "name": ""} for kind in types])
