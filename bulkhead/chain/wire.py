"""What goes over the wire and comes back, as records: calls, logs, receipts, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bulkhead.chain.abi import address, raw_bytes
from bulkhead.chain.errors import Reverted, RpcError

ZERO = "0x" + "00" * 20
BlockId: TypeAlias = int | str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Log:
    """One raw event."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    index: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction did."""

    hash: str
    status: int
    gas_used: int
    block: int
    contract: str | None
    logs: tuple[Log, ...]

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.status == 1


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a simulation. `to` None creates a contract."""

    to: Any
    data: bytes = b""
    sender: Any = ZERO
    value: int = 0
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one simulated call did; `data` is the result, or the revert data."""

    ok: bool
    data: bytes
    gas_used: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The calls of one simulated block, with overrides of its header and of state before it."""

    calls: Sequence[Call]
    time: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


def tag(block: BlockId) -> Any:
    """A block as the node wants it: a number, a name such as "latest", or {"blockHash": ...}."""
    return hex(block) if isinstance(block, int) else block


def error_of(body: Mapping[str, Any]) -> RpcError:
    """The exception of an error answer."""
    data = body.get("data")
    message = str(body.get("message", body))
    if isinstance(data, dict):  # some nodes wrap it
        data = data.get("data") or data.get("result")
    is_revert = body.get("code") == 3 or "revert" in message.lower()
    if is_revert:
        return Reverted(raw_bytes(data) if isinstance(data, str) else b"", message=message)
    return RpcError(int(body.get("code", 0)), message)


def log_of(entry: Mapping[str, Any]) -> Log:
    """One event of the node."""
    return Log(
        address=entry["address"].lower(),
        topics=tuple(bytes.fromhex(topic[2:]) for topic in entry["topics"]),
        data=bytes.fromhex(entry["data"][2:]),
        index=int(entry.get("logIndex") or "0x0", 16),
    )


def receipt_of(found: Mapping[str, Any]) -> Receipt:
    """The node's receipt."""
    created = found.get("contractAddress")
    return Receipt(
        hash=found["transactionHash"],
        status=int(found["status"], 16),
        gas_used=int(found["gasUsed"], 16),
        block=int(found["blockNumber"], 16),
        contract=created.lower() if created else None,
        logs=tuple(log_of(entry) for entry in found["logs"]),
    )


def simulated(block: Block) -> dict[str, Any]:
    """One block for `eth_simulateV1`."""
    overrides = dict(block.overrides)
    if block.time is not None:
        overrides["time"] = hex(block.time)
    calls = []
    for call in block.calls:
        body = {"from": address(call.sender), "input": "0x" + call.data.hex()}
        if call.to is not None:
            body["to"] = address(call.to)
        if call.value:
            body["value"] = hex(call.value)
        if call.gas is not None:
            body["gas"] = hex(call.gas)
        calls.append(body)
    shaped: dict[str, Any] = {"calls": calls}
    if overrides:
        shaped["blockOverrides"] = overrides
    if block.state:
        shaped["stateOverrides"] = dict(block.state)
    return shaped


def outcome_of(call: Mapping[str, Any]) -> Outcome:
    """One call of its answer."""
    ok = int(call["status"], 16) == 1
    data = call.get("returnData") or "0x"
    wrong = call.get("error")
    if not ok and data == "0x" and wrong:
        data = wrong.get("data") or "0x"
    return Outcome(
        ok=ok,
        data=raw_bytes(data),
        gas_used=int(call["gasUsed"], 16),
        logs=tuple(log_of(entry) for entry in call.get("logs", [])),
    )
