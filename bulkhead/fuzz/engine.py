"""What the fuzzer needs of a chain, and no more: two engines stand behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from bulkhead.chain.rpc import Rpc
from bulkhead.chain.wire import Log


class Answer(NamedTuple):
    """What a transaction or view did: its result, or its revert data. `gas` 0: not known."""

    ok: bool
    data: bytes
    gas: int = 0


class Request(NamedTuple):
    """A transaction that is to be sent, and the block time it is sent at."""

    at: int
    sender: str
    to: str
    data: bytes


class Engine(Protocol):
    """A chain. Time stands still between two `set_time`s, whatever is sent."""

    name: str
    rpc: Rpc  # for deployment
    calls: int  # transactions and views so far
    storage: Callable[[str, int], int] | None  # reads a slot, where that costs nothing

    def set_time(self, moment: int) -> None:
        """The block time of all that follows (unix seconds)."""

    def send(self, to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        """A transaction of its own. Not asked what a success returns: its data may be missing."""

    def pay(self, to: str, data: bytes, sender: str, value: int) -> Answer:
        """A transaction that brings ether (wei), of which the sender has enough."""

    def ether(self, who: str) -> int:
        """What an account holds (wei)."""

    def view(self, to: str, data: bytes) -> Answer:
        """A call that changes nothing."""

    def logs(self) -> Sequence[Log]:
        """Events of the last transaction, if no view came after it."""

    def snapshot(self) -> Any:
        """Remembers the state, time included."""

    def restore(self, point: Any) -> None:
        """Goes back; a point serves once, and ends those taken after it."""

    def acting(self, who: str) -> AbstractContextManager[None]:
        """Inside, a contract's address may send as if it were an account; then all is undone."""

    def close(self) -> None:
        """Ends what was started."""


class Simulating(Engine, Protocol):
    """An engine that runs a whole sequence in one request, and keeps nothing of it."""

    def simulate(
        self, requests: Sequence[Request], looks: Sequence[bool], probe: Request
    ) -> list[tuple[Answer, Answer | None]]:
        """Every request's answer, and the probe's after it where `looks` says so."""
