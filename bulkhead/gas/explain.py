"""Where the gas of one measurement goes: its transaction's trace, by kind of cost and by frame.

A frame is one contract's code: what linked libraries and vaults cost is theirs, not the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.abi import address
from bulkhead.chain.anvil import Anvil
from bulkhead.chain.rpc import Receipt, Rpc
from bulkhead.gas.keys import MEASUREMENTS
from bulkhead.gas.report import grid, share
from bulkhead.gas.stage import START, Stage, require, set_the_stage

COLD_ACCOUNT = 2_600
KINDS = (
    *("intrinsic and calldata", "cold accounts", "SLOAD", "SSTORE", "LOG"),
    *("vault creation", "warm calls", "memory and hashes", "arithmetic, stack, jumps"),
)
_CALLS = {"CALL", "STATICCALL", "DELEGATECALL"}
_ACCOUNTS = _CALLS | {"EXTCODESIZE", "EXTCODECOPY", "EXTCODEHASH", "BALANCE"}
_MEMORY = {
    *("MLOAD", "MSTORE", "MSTORE8", "MCOPY", "CALLDATACOPY", "CODECOPY", "RETURNDATACOPY"),
    *("KECCAK256", "RETURN", "REVERT", "TLOAD", "TSTORE"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One executed instruction: where, which, and its own cost without what it called."""

    code: str  # address of the contract whose code it is
    pc: int
    op: str
    gas: int


@dataclass(frozen=True)
class Trace:
    """All of a transaction's gas: what it cost to send, its steps, and what came back for slots."""

    used: int
    intrinsic: int
    refund: int
    steps: tuple[Step, ...]


def _intrinsic(data: str) -> int:
    return 21_000 + sum(16 if byte else 4 for byte in bytes.fromhex(data.removeprefix("0x")))


def _called(op: str, stack: Sequence[str]) -> str:
    """Address of the code that a call runs; that of a new vault is not known yet."""
    return f"0x{int(stack[-2], 16):040x}" if op in _CALLS else "new vault"


def _steps(logs: Sequence[Mapping[str, Any]], top: str) -> Iterator[Step]:
    """Each instruction with its own cost, which for a call is what the callee did not use."""
    frames = [top]
    waiting: list[tuple[int, int]] = []  # (index, gas at the callee's start) of open calls
    for at, log in enumerate(logs):
        after = logs[at + 1] if at + 1 < len(logs) else None
        if after is not None and after["depth"] > log["depth"]:
            waiting.append((at, after["gas"]))
            frames.append(_called(log["op"], log["stack"]))
            continue
        last = after is None or after["depth"] < log["depth"]
        own = log["gasCost"] if after is None or last else log["gas"] - after["gas"]
        yield Step(frames[-1], log["pc"], log["op"], own)
        if last and after is not None:
            frames.pop()
            call, start = waiting.pop()
            used = start - (log["gas"] - own)
            caller = logs[call]
            yield Step(frames[-1], caller["pc"], caller["op"], caller["gas"] - after["gas"] - used)


def trace(rpc: Rpc, receipt: Receipt) -> Trace:
    """A mined transaction's steps; the node must keep them (`--steps-tracing`)."""
    sent = rpc.request("eth_getTransactionByHash", receipt.hash)
    found = rpc.request("debug_traceTransaction", receipt.hash, {"disableStorage": True})
    require(found["structLogs"], "the node kept no steps")
    steps = tuple(_steps(found["structLogs"], address(sent["to"])))
    intrinsic = _intrinsic(sent["input"])
    refund = intrinsic + sum(step.gas for step in steps) - receipt.gas_used
    require(0 <= refund <= receipt.gas_used // 4, "the steps are not the whole transaction")
    return Trace(receipt.gas_used, intrinsic, refund, steps)


def kinds(step: Step) -> Iterator[tuple[str, int]]:
    """What a step's gas went for."""
    if step.op in {"SLOAD", "SSTORE"}:
        yield step.op, step.gas
    elif step.op.startswith("LOG"):
        yield "LOG", step.gas
    elif step.op in {"CREATE", "CREATE2"}:
        yield "vault creation", step.gas
    elif step.op in _ACCOUNTS:
        cold = COLD_ACCOUNT if step.gas >= COLD_ACCOUNT else 0
        yield "cold accounts", cold
        yield "warm calls", step.gas - cold
    elif step.op in _MEMORY:
        yield "memory and hashes", step.gas
    else:
        yield "arithmetic, stack, jumps", step.gas


def record(key: str) -> tuple[Trace, Stage]:
    """Run one measurement on a chain that keeps its steps, and trace what was measured."""
    with Anvil(timestamp=START, extra=["--steps-tracing"]) as anvil:
        stage = set_the_stage(anvil, 10)
        measured = MEASUREMENTS[key](stage)
        receipt = stage.rpc.last
        require(-(-receipt.gas_used // share(key)) == measured, "another transaction was measured")
        return trace(stage.rpc, receipt), stage


def names(stage: Stage) -> dict[str, str]:
    """What stands at the addresses of a system."""
    system = stage.system
    known = {
        "market": system.market,
        "oracle": system.oracle,
        "token": system.token,
        "pool": system.pool,
        "fund": system.fund,
        "order book": system.order_book,
        "vault implementation": system.vault,
        "feed aggregator": stage.feed,
    }
    found = {address(contract): name for name, contract in known.items()}
    found[address(system.feed)] = "feed proxy"
    found.update({address(place): name for name, place in system.libraries.items()})
    return found


def breakdown(trace: Trace, known: Mapping[str, str]) -> str:
    """Gas by kind of cost, and by frame within each."""
    cells: Counter[tuple[str, str]] = Counter()
    for step in trace.steps:
        frame = known.get(step.code, "vault")
        for kind, gas in kinds(step):
            cells[frame, kind] += gas
    cells["transaction", KINDS[0]] = trace.intrinsic
    frames = sorted({frame for frame, _ in cells}, key=lambda one: -_sum(cells, 0, one))
    rows = []
    for kind in KINDS:
        rows.append(
            [kind, *(_cell(cells[frame, kind]) for frame in frames), _cell(_sum(cells, 1, kind))]
        )
    rows.append(["refund for cleared slots", *("" for _ in frames), _cell(-trace.refund)])
    rows.append(
        ["together", *(_cell(_sum(cells, 0, frame)) for frame in frames), _cell(trace.used)]
    )
    return grid(["gas", *frames, "together"], rows)


def table(key: str) -> str:
    """Where the gas of one measurement goes, on a chain of its own."""
    trace, stage = record(key)
    return breakdown(trace, names(stage))


def _sum(cells: Counter[tuple[str, str]], at: int, name: str) -> int:
    return sum(gas for key, gas in cells.items() if key[at] == name)


def _cell(gas: int) -> str:
    return f"{gas:,}" if gas else ""
