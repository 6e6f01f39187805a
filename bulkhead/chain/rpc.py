"""A small JSON-RPC client over one kept connection: the fast way to talk to a node.

Amounts are integers, data is `bytes`, addresses are lower-case hex strings. One `Rpc` belongs to
one thread. Transactions go out with gas given, so that the node neither estimates nor refuses
reverts: a transaction that reverts is mined, then its exact revert data is read from its trace.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bulkhead.chain.abi import address, raw_bytes
from bulkhead.chain.errors import Reverted, RpcError, TransactionLost
from bulkhead.chain.transport import connect
from bulkhead.chain.wire import (
    ZERO,
    Block,
    BlockId,
    Call,
    Log,
    Outcome,
    Receipt,
    error_of,
    log_of,
    outcome_of,
    receipt_of,
    simulated,
    tag,
)

__all__ = ["GAS", "ZERO", "Block", "Call", "Log", "Outcome", "Receipt", "Rpc"]

GAS = 15_000_000  # given to every transaction unless told otherwise


def _body(to: Any, data: bytes, sender: Any, value: int, gas: int) -> dict[str, Any]:
    body = {"from": address(sender), "data": "0x" + data.hex(), "gas": hex(gas)}
    if to is not None:
        body["to"] = address(to)
    if value:
        body["value"] = hex(value)
    return body


class Rpc:
    """A connection to one node."""

    def __init__(self, url: str, timeout: float = 120.0) -> None:
        """`url` is http://, https:// or ipc:// and the path of a socket file."""
        self.url = url
        self.transport = connect(url, timeout)
        self._id = 0

    # ---------------------------------------------------------------- transport

    def request(self, method: str, *params: Any) -> Any:
        """Send one request and return its result."""
        self._id += 1
        body = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        answer = self.transport.post(json.dumps(body).encode())
        if "error" in answer:
            raise error_of(answer["error"])
        return answer.get("result")

    def batch(self, requests: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Send independent reads at once; an error takes the place of its result.

        NOTE: Anvil does not keep the order inside a batch: never mix writes and reads.
        """
        bodies = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
            for place, (method, params) in enumerate(requests)
        ]
        if not bodies:
            return []
        answers = self.transport.post(json.dumps(bodies).encode())
        if isinstance(answers, dict):
            raise error_of(answers.get("error", {}))
        results: list[Any] = [None] * len(bodies)
        for answer in answers:
            wrong = answer.get("error")
            results[answer["id"]] = error_of(wrong) if wrong else answer.get("result")
        return results

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        self.transport.close()

    # ---------------------------------------------------------------- reading

    def _number(self, method: str, *params: Any) -> int:
        return int(self.request(method, *params), 16)

    def chain_id(self) -> int:
        """The chain's id."""
        return self._number("eth_chainId")

    def block_number(self) -> int:
        """Number of the latest block."""
        return self._number("eth_blockNumber")

    def block(self, at: int | str = "latest") -> dict[str, Any]:
        """Header of a block, as the node gives it."""
        found: dict[str, Any] = self.request("eth_getBlockByNumber", tag(at), False)
        return found

    def time(self) -> int:
        """Timestamp of the latest block."""
        return int(self.block()["timestamp"], 16)

    def accounts(self) -> list[str]:
        """Accounts that the node signs for."""
        return [account.lower() for account in self.request("eth_accounts")]

    def balance(self, who: Any) -> int:
        """Native balance in wei."""
        return self._number("eth_getBalance", address(who), "latest")

    def nonce(self, who: Any) -> int:
        """Transactions sent by an account."""
        return self._number("eth_getTransactionCount", address(who), "latest")

    def code(self, who: Any) -> bytes:
        """Runtime code of an account."""
        return raw_bytes(self.request("eth_getCode", address(who), "latest"))

    def storage(self, who: Any, slot: int) -> int:
        """One storage word."""
        return self._number("eth_getStorageAt", address(who), hex(slot), "latest")

    def call(
        self,
        to: Any,
        data: bytes,
        *,
        sender: Any = None,
        value: int = 0,
        block: BlockId = "latest",
        state: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Run a call without a transaction; raises `Reverted` with the revert data."""
        body: dict[str, Any] = {"to": address(to), "data": "0x" + data.hex()}
        if sender is not None:
            body["from"] = address(sender)
        if value:
            body["value"] = hex(value)
        params: list[Any] = [body, tag(block)]
        if state is not None or overrides is not None:
            params += [state or {}, overrides or {}]
        return bytes.fromhex(self.request("eth_call", *params)[2:])

    def logs(
        self, *, start: int = 0, end: int | str = "latest", of: Any = None, topics: Any = None
    ) -> list[Log]:
        """Events in a range of blocks."""
        query: dict[str, Any] = {"fromBlock": tag(start), "toBlock": tag(end)}
        if of is not None:
            query["address"] = [address(one) for one in of] if isinstance(of, list) else address(of)
        if topics is not None:
            query["topics"] = topics
        return [log_of(entry) for entry in self.request("eth_getLogs", query)]

    def simulate(self, blocks: Sequence[Block], at: int | str = "latest") -> list[list[Outcome]]:
        """Run whole blocks of calls on top of the state in one request; nothing is kept."""
        payload = {
            "blockStateCalls": [simulated(block) for block in blocks],
            "validation": False,
            "traceTransfers": False,
        }
        answer = self.request("eth_simulateV1", payload, tag(at))
        return [[outcome_of(call) for call in block["calls"]] for block in answer]

    # ---------------------------------------------------------------- writing

    def submit(
        self, to: Any, data: bytes = b"", *, sender: Any, value: int = 0, gas: int = GAS
    ) -> str:
        """Send a transaction from an unlocked or impersonated account; return its hash."""
        sent: str = self.request("eth_sendTransaction", _body(to, data, sender, value, gas))
        return sent

    def submit_and_wait(self, to: Any, data: bytes, *, sender: Any, gas: int = GAS) -> Receipt:
        """Send to a development node that mines at once; its answer is the receipt."""
        body = _body(to, data, sender, 0, gas)
        return receipt_of(self.request("eth_sendTransactionSync", body))

    def wait(self, transaction: str, timeout: float = 30.0) -> Receipt:
        """Poll for a receipt: Anvil mines a moment after it answers."""
        limit = time.monotonic() + timeout
        pause = 0.0
        while True:
            found = self.request("eth_getTransactionReceipt", transaction)
            if found is not None:
                return receipt_of(found)
            if time.monotonic() > limit:
                raise TransactionLost(f"{transaction} has no receipt after {timeout} s")
            time.sleep(pause)
            pause = min(0.05, pause * 2 + 0.0002)

    def send(
        self,
        to: Any,
        data: bytes = b"",
        *,
        sender: Any,
        value: int = 0,
        gas: int = GAS,
        check: bool = True,
    ) -> Receipt:
        """Send a transaction and wait; raises `Reverted` unless `check` is off."""
        receipt = self.wait(self.submit(to, data, sender=sender, value=value, gas=gas))
        if check and not receipt.ok:
            raise Reverted(self.revert_data(receipt.hash), receipt=receipt)
        return receipt

    def send_all(self, calls: Sequence[Call]) -> list[Receipt]:
        """Send transactions in this order and mine them into one block; none is checked.

        Anvil's cost of a block grows with the whole state (0.8 ms when small, 13 ms at 8,000
        slots), that of a transaction in it does not. Give `gas` in each call: the block's limit
        binds the sum.
        """
        self.automine(False)
        try:
            sent = [
                self.submit(
                    call.to,
                    call.data,
                    sender=call.sender,
                    value=call.value,
                    gas=GAS if call.gas is None else call.gas,
                )
                for call in calls
            ]
            self.mine()
        finally:
            self.automine(True)
        found = {
            one["transactionHash"]: one for one in self.request("eth_getBlockReceipts", "latest")
        }
        return [receipt_of(found[one]) if one in found else self.wait(one) for one in sent]

    def revert_data(self, transaction: str) -> bytes:
        """What a mined transaction reverted with (or returned)."""
        options = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
        trace = self.request("debug_traceTransaction", transaction, options)
        return raw_bytes(trace.get("output") or "0x")

    # ---------------------------------------------------------------- a development node's own

    def snapshot(self) -> str:
        """Remember the state; each snapshot can be gone back to once."""
        remembered: str = self.request("evm_snapshot")
        return remembered

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot."""
        self._drain()
        if self.request("evm_revert", snapshot) is not True:
            raise RpcError(0, f"snapshot {snapshot} is unknown: was it used before?")

    def _drain(self, timeout: float = 1.0) -> None:
        """Wait for mined transactions to leave the pool. Anvil shows a receipt a moment before that
        happens; a transaction that is still there would be mined again after going back."""
        limit = time.monotonic() + timeout
        while int(self.request("txpool_status")["pending"], 16) and time.monotonic() < limit:
            time.sleep(0.0005)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Undo everything done inside the block."""
        snapshot = self.snapshot()
        try:
            yield
        finally:
            self.revert(snapshot)

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks."""
        self.request("anvil_mine", hex(blocks))

    def next_time(self, timestamp: int) -> None:
        """Set the timestamp of the next block, which must not be in the past."""
        self.request("evm_setNextBlockTimestamp", hex(timestamp))

    def warp(self, seconds: int) -> int:
        """Mine a block `seconds` after the latest; return its timestamp."""
        moment = self.time() + seconds
        self.next_time(moment)
        self.mine()
        return moment

    def automine(self, on: bool) -> None:
        """Mine a block for each transaction, or only when told."""
        self.request("evm_setAutomine", on)

    def set_balance(self, who: Any, wei: int) -> None:
        """Set a native balance."""
        self.request("anvil_setBalance", address(who), hex(wei))

    def set_code(self, who: Any, code: bytes) -> None:
        """Put runtime code at an address."""
        self.request("anvil_setCode", address(who), "0x" + code.hex())

    def set_storage(self, who: Any, slot: int, value: int) -> None:
        """Write one storage word."""
        self.request("anvil_setStorageAt", address(who), hex(slot), f"0x{value:064x}")

    def impersonate(self, who: Any) -> str:
        """Let the node send for any address, which is given ether to pay gas."""
        account = address(who)
        self.request("anvil_impersonateAccount", account)
        if self.balance(account) < 10**20:
            self.set_balance(account, 10**24)
        return account
