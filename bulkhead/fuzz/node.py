"""Engine `anvil`: real transactions and receipts on a node of its own, over raw JSON-RPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.errors import Reverted
from bulkhead.chain.rpc import GAS, Block, Call, Log, Receipt, Rpc
from bulkhead.fuzz.engine import Answer, Request
from bulkhead.fuzz.people import NAMES

_CALLS = 80  # of a simulated block; the node adds up their gas limits


class Node:
    """A local chain that lets anybody send and whose clock only we move."""

    name = "anvil"

    def __init__(self, now: int, roomy: bool = False) -> None:
        """roomy: code may be larger than on a chain."""
        self.roomy = roomy
        extra = ("--disable-code-size-limit",) if roomy else ()
        self.chain = Anvil(accounts=1, timestamp=now, extra=extra)
        self.rpc: Rpc = self.chain.rpc
        self.rpc.request("anvil_autoImpersonateAccount", True)
        self.rpc.request("anvil_setBlockTimestampInterval", 0)
        for who in NAMES:
            self.rpc.set_balance(who, 10**30)
        self.calls = 0
        self.storage: Callable[[str, int], int] | None = None
        self.moment = now
        self._logs: Sequence[Log] = ()
        self._told = now

    def set_time(self, moment: int) -> None:
        """The time of the transactions from now on."""
        self.moment = moment

    def send(self, to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        """A mined transaction; what it returned comes from its trace, which costs a request."""
        self._tell_time()
        receipt = self.rpc.submit_and_wait(to, data, sender=sender)
        return self._answer(receipt, asked)

    def pay(self, to: str, data: bytes, sender: str, value: int) -> Answer:
        """A transaction that brings ether."""
        self._tell_time()
        receipt = self.rpc.send(to, data, sender=sender, value=value, check=False)
        return self._answer(receipt, asked=True)

    def ether(self, who: str) -> int:
        """What an account holds (wei)."""
        return self.rpc.balance(who)

    def _tell_time(self) -> None:
        self.calls += 1
        if self._told != self.moment:
            self.rpc.next_time(self.moment)
            self._told = self.moment

    def _answer(self, receipt: Receipt, asked: bool) -> Answer:
        self._logs = receipt.logs
        known = receipt.ok and not asked
        output = b"" if known else self.rpc.revert_data(receipt.hash)
        return Answer(receipt.ok, output, receipt.gas_used)

    def view(self, to: str, data: bytes) -> Answer:
        """A call that changes nothing."""
        self.calls += 1
        body = {"to": to, "data": "0x" + data.hex(), "gas": hex(GAS)}
        # No block of this time yet: the call is told it.
        told = () if self._told == self.moment else ({}, {"time": hex(self.moment)})
        try:
            found = self.rpc.request("eth_call", body, "latest", *told)
            return Answer(True, bytes.fromhex(found[2:]))
        except Reverted as problem:
            return Answer(False, problem.data)

    def logs(self) -> Sequence[Log]:
        """Events of the last transaction."""
        return self._logs

    def snapshot(self) -> Any:
        """A snapshot with its time."""
        return self.rpc.snapshot(), self.moment

    def restore(self, point: Any) -> None:
        """Back to a snapshot."""
        mark, self.moment = point
        self.rpc.revert(mark)
        self._told = 0

    @contextmanager
    def acting(self, who: str) -> Iterator[None]:
        """Gives a contract money for gas; then undoes everything."""
        point = self.snapshot()
        self.rpc.set_balance(who, 10**30)
        try:
            yield
        finally:
            self.restore(point)

    def simulate(
        self, requests: Sequence[Request], looks: Sequence[bool], probe: Request
    ) -> list[tuple[Answer, Answer | None]]:
        """Requests, and the probe where it is to look, as `eth_simulateV1` of whole blocks."""
        look = Call(probe.to, probe.data, probe.sender, gas=GAS)
        blocks = []
        pairs = zip(requests, looks, strict=True)
        for moment, group in groupby(pairs, key=lambda pair: pair[0].at):
            calls = []
            for request, seen in group:
                calls.append(Call(request.to, request.data, request.sender, gas=GAS))
                if seen:
                    calls.append(look)
            blocks += [
                Block(calls[place : place + _CALLS], time=moment)
                for place in range(0, len(calls), _CALLS)
            ]
        self.calls += len(requests) + sum(looks)
        answers = (
            Answer(one.ok, one.data, one.gas_used)
            for block in self.rpc.simulate(blocks)
            for one in block
        )
        return [(next(answers), next(answers) if seen else None) for seen in looks]

    def close(self) -> None:
        """Ends the node."""
        self.chain.stop()
