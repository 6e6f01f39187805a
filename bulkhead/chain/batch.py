"""Many views read at once, from one block."""

from __future__ import annotations

from typing import Any

from bulkhead.chain.contract import Contract, Function
from bulkhead.chain.errors import RpcError
from bulkhead.chain.rpc import Rpc


class Batch:
    """Calls of views, made at once."""

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._requests: list[tuple[str, list[Any]]] = []

    def add(self, contract: Contract, function: Function, *args: Any) -> None:
        """One more call."""
        data = {"to": contract.address, "data": "0x" + function.encode(*args).hex()}
        self._functions.append(function)
        self._requests.append(("eth_call", [data, "latest"]))

    def __len__(self) -> int:
        return len(self._functions)

    def run(self, rpc: Rpc) -> list[Any]:
        """The decoded results; raises what the first failing call raised."""
        results = []
        for function, answer in zip(self._functions, rpc.batch(self._requests), strict=True):
            if isinstance(answer, RpcError):
                raise answer
            results.append(function.decode(bytes.fromhex(answer[2:])))
        return results
