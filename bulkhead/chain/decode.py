"""What a revert or a log means, looked up in the ABIs of all contracts that are compiled."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import AbiError, JsonAbi, address, canonical, parameters
from bulkhead.chain.artifacts import default
from bulkhead.chain.errors import ChainError, Decoded
from bulkhead.chain.wire import Log, Outcome, Receipt

_BUILT_IN: list[JsonAbi] = [
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


def signature(entry: JsonAbi) -> str:
    """`name(type,...)`, as it is hashed into selectors and topics."""
    return f"{entry['name']}({','.join(canonical(item) for item in entry.get('inputs', ()))})"


class Event:
    """A decoded event: `event.args["id"]`, or shorter `event.id`."""

    __slots__ = ("address", "args", "index", "name")

    def __init__(self, name: str, args: dict[str, Any], log: Log) -> None:
        self.name = name
        self.args = args
        self.address = log.address
        self.index = log.index

    def __getattr__(self, name: str) -> Any:
        try:
            return self.args[name]
        except KeyError:
            raise AttributeError(f"event {self.name} has no {name}") from None

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.args.items())})"


class _ErrorDef:
    def __init__(self, entry: JsonAbi) -> None:
        inputs = entry["inputs"]
        self.name: str = entry["name"]
        self.signature = signature(entry)
        self._names = [item.get("name") or str(place) for place, item in enumerate(inputs)]
        self._values = parameters([{**item, "name": ""} for item in inputs])

    def decode(self, data: bytes) -> Decoded:
        values = self._values.decode(data[4:], 0)
        return Decoded(self.name, self.signature, dict(zip(self._names, values, strict=True)))


class _EventDef:
    def __init__(self, entry: JsonAbi) -> None:
        self.name: str = entry["name"]
        self.topic = keccak(signature(entry).encode())
        self.order = [item["name"] for item in entry["inputs"]]
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        plain = [item for item in entry["inputs"] if not item["indexed"]]
        self.indexed = [(item["name"], _topic_codec(item)) for item in indexed]
        self._plain_names = [item["name"] for item in plain]
        self._plain = parameters([{**item, "name": ""} for item in plain])

    def decode(self, log: Log) -> Event:
        found = {
            name: codec.decode(topic, 0)[0]
            for (name, codec), topic in zip(self.indexed, log.topics[1:], strict=True)
        }
        found.update(zip(self._plain_names, self._plain.decode(log.data, 0), strict=True))
        return Event(self.name, {name: found[name] for name in self.order}, log)


def _topic_codec(item: JsonAbi) -> Any:
    """Indexed values that do not fit a word are there as their hash only."""
    hashed = item["type"] in ("string", "bytes") or item["type"].startswith("tuple")
    if hashed or item["type"].endswith("]"):
        return parameters([{"type": "bytes32", "name": ""}])
    return parameters([{**item, "name": ""}])


class Registry:
    """Every error and event that is known, whichever contract it comes from."""

    def __init__(self, entries: Iterable[JsonAbi]) -> None:
        self._errors: dict[bytes, _ErrorDef] = {}
        self._events: dict[tuple[bytes, int], _EventDef] = {}
        self._event_entries: dict[str, JsonAbi] = {}
        for entry in [*_BUILT_IN, *entries]:
            if entry["type"] == "error":
                self._errors[keccak(signature(entry).encode())[:4]] = _ErrorDef(entry)
            elif entry["type"] == "event" and not entry.get("anonymous"):
                indexed = [item["name"] for item in entry["inputs"] if item["indexed"]]
                self._event_entries[f"{signature(entry)} {len(indexed)}"] = entry
        for entry in self._event_entries.values():
            event = _EventDef(entry)
            self._events[event.topic, len(event.indexed)] = event

    def error(self, data: bytes) -> Decoded | None:
        """Decode revert data; None where it is empty, unknown or malformed."""
        known = self._errors.get(data[:4])
        if known is None:
            return None
        try:
            return known.decode(data)
        except AbiError:
            return None

    def event(self, log: Log) -> Event | None:
        """Decode a log; None where it is unknown."""
        if not log.topics:
            return None
        known = self._events.get((log.topics[0], len(log.topics) - 1))
        return known.decode(log) if known else None

    def topic(self, name: str) -> str:
        """The first topic of the event of this name."""
        for event in self._events.values():
            if event.name == name:
                return "0x" + event.topic.hex()
        raise ChainError(f"no event {name} is known")


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Errors and events of all compiled contracts of this project."""
    return Registry(default().abis)


def events(
    logs: Receipt | Outcome | Iterable[Log], name: str | None = None, *, of: Any = None
) -> list[Event]:
    """Decoded events of a receipt, of this name and from this contract where given."""
    source = logs.logs if isinstance(logs, (Receipt, Outcome)) else logs
    emitter = None if of is None else address(of)
    known = registry()
    found = (known.event(log) for log in source if emitter in (None, log.address))
    return [event for event in found if event and name in (None, event.name)]
