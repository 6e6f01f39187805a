"""A move is one transaction, written once and made twice: on the chain and on the twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.contract import Contract, Function
from bulkhead.chain.decode import registry
from bulkhead.chain.rpc import Call
from bulkhead.deploy.system import System
from bulkhead.model import MarketModel, OracleError
from bulkhead.model.errors import ModelError, PoolRefused, Refused
from bulkhead.model.types import camel

FOREVER = 2**40
ANY_BUY = 2**128


@dataclass(frozen=True)
class Move:
    """`name` is the twin's action; `args` follow the caller."""

    actor: str
    name: str
    args: tuple[Any, ...] = ()
    note: str = ""  # why, for the record

    @property
    def text(self) -> str:
        """For messages."""
        return f"{self.name}{self.args} by {self.actor}"


# Actions of the pool by the twin's name; the standard overloads the claims.
_POOL = {
    "request_deposit": "requestDeposit(uint256,address,address)",
    "request_redeem": "requestRedeem(uint256,address,address)",
    "deposit": "deposit(uint256,address,address)",
    "redeem": "redeem(uint256,address,address)",
}


def _function(contract: Contract, name: str) -> Function:
    found: Function = getattr(contract, camel(name))
    return found


def chain_call(system: System, aggregator: Contract, move: Move, gas: int) -> Call:
    """The move as a transaction."""
    if move.name == "push":
        return aggregator.push.prepare(*move.args, sender=move.actor, gas=gas)
    if move.name == "send":
        return system.token.transfer.prepare(*move.args, sender=move.actor, gas=gas)
    if move.name in _POOL:
        return system.pool[_POOL[move.name]].prepare(*move.args, sender=move.actor, gas=gas)
    return _function(system.market, move.name).prepare(*move.args, sender=move.actor, gas=gas)


def twin_action(twin: MarketModel, move: Move) -> Callable[[], Any]:
    """The move on the twin (prices are not its business: see `Feed`)."""
    target: Any = twin.pool if move.name in _POOL else twin
    method = getattr(target, move.name)
    return lambda: method(move.actor, *move.args)


def liquidate_many(actor: str, ids: Sequence[int]) -> Move:
    """The keeper's one call."""
    return Move(actor, "liquidate_many", (tuple(ids), actor))


def _plain(value: Any) -> Any:
    """Comparable: enums and booleans as integers, sequences as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain(part) for part in value)
    return int(value) if isinstance(value, int) else value


def error_text(error: ModelError) -> str:
    """A refusal with its values, the same for the twin's error and the chain's."""
    if isinstance(error, Refused):
        return f"Refused{(int(error.reason), error.actual, error.limit)}"
    if isinstance(error, OracleError):
        name, args = error.args
        return f"{name}{_plain(args)}"
    if isinstance(error, PoolRefused):
        return f"{error.name}{_plain(error.values)}"
    return f"{error.name}{_plain(error.args)}"


def revert_text(data: bytes) -> str:
    """The chain's revert data in the same words."""
    error = registry().error(data)
    if error is None:
        return "0x" + data.hex()
    return f"{error.name}{_plain(tuple(error.args.values()))}"
