"""The chain and its twin, moved together: each block is played on both and compared.

A move is made on the twin at once, so that whoever moves next in the same block sees what it left;
the chain gets the block's moves in the same order, in one block at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.contract import Contract, Event, events
from bulkhead.chain.rpc import Receipt
from bulkhead.deploy.system import System
from bulkhead.errors import BulkheadError
from bulkhead.model import MarketModel
from bulkhead.model.errors import ModelError
from bulkhead.sim.feed import Feed
from bulkhead.sim.moves import Move, chain_call, error_text, revert_text, twin_action

GAS = 3_000_000
GAS_PER_ID = 900_000  # liquidateMany


@dataclass(frozen=True)
class Played:
    """A move as the twin made it. `error` is None where it was allowed."""

    move: Move
    error: ModelError | None
    value: Any = None


@dataclass(frozen=True)
class Mined:
    """The same move with what the chain made of it."""

    played: Played
    receipt: Receipt
    events: tuple[Event, ...]
    difference: str  # empty where chain and twin agree


class Mirror:
    """Both worlds. `begin` a block, `do` moves in it, `mine` it."""

    def __init__(self, system: System, aggregator: Contract, twin: MarketModel, feed: Feed) -> None:
        self.system = system
        self._aggregator = aggregator
        self.twin = twin
        self.feed = feed
        self.blocks = 0
        self.transactions = 0
        self._queue: list[Played] = []

    def begin(self, time: int) -> None:
        """The next block's time (unix seconds)."""
        if self._queue:
            raise BulkheadError(f"{len(self._queue)} moves of the block before were not mined")
        if time <= self.twin.now:
            raise BulkheadError(f"a block at {time} after one at {self.twin.now}")
        self.twin.now = time

    def do(self, move: Move) -> Played:
        """Make a move on the twin and queue it for the chain."""
        played = self._play(move)
        self._queue.append(played)
        return played

    def _play(self, move: Move) -> Played:
        if move.name == "push":
            self.feed.push(*move.args)
            return Played(move, None)
        self.look()
        try:
            result = twin_action(self.twin, move)()
        except ModelError as refusal:
            return Played(move, refusal)
        return Played(move, None, getattr(result, "value", result))

    def look(self) -> None:
        """Let the twin's oracle answer for the present moment."""
        self.twin.oracle = self.feed.read(self.twin.state.published_at, self.twin.now)

    def try_(self, name: str, *args: Any) -> Any:
        """What a move would do now: a Result or the refusal. Nothing is kept."""
        self.look()
        return self.twin.preview(name, *args)

    def mine(self) -> list[Mined]:
        """Play the block on the chain and compare each move's outcome."""
        queue, self._queue = self._queue, []
        rpc = self.system.rpc
        rpc.next_time(self.twin.now)
        calls = [
            chain_call(self.system, self._aggregator, one.move, _gas(one.move)) for one in queue
        ]
        receipts = rpc.send_all(calls)
        self.blocks += 1
        self.transactions += len(receipts)
        return [self._compare(one, receipt) for one, receipt in zip(queue, receipts, strict=True)]

    def _compare(self, played: Played, receipt: Receipt) -> Mined:
        said = "" if receipt.ok else revert_text(self.system.rpc.revert_data(receipt.hash))
        foretold = "" if played.error is None else error_text(played.error)
        difference = ""
        if said != foretold:
            difference = f"{played.move.text}: the chain {said or 'did it'}, {foretold or 'done'}"
        return Mined(played, receipt, tuple(events(receipt)), difference)


def _gas(move: Move) -> int:
    if move.name == "liquidate_many":
        return GAS + GAS_PER_ID * len(move.args[0])
    return GAS


def differences(mined: Sequence[Mined]) -> list[str]:
    """What chain and twin disagree on."""
    return [one.difference for one in mined if one.difference]
