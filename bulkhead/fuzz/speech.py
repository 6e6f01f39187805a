"""What model and chain say of a call, in the same words."""

from __future__ import annotations

import ast
from typing import Any

from bulkhead.chain.decode import registry
from bulkhead.model.errors import ModelError, OracleError, PoolRefused, Refused, TransferRefused
from bulkhead.model.order_types import OrderReason
from bulkhead.model.types import Reason

FAILURES = (
    *("", "PriceStale", "PriceInvalid", "PriceOutOfBand", "PriceTooUncertain", "SequencerDown"),
)
NO_BALANCE = "the token refuses"
_TOKEN_ERRORS = (
    "ERC20InsufficientBalance",
    "ERC20InvalidReceiver",
    "TransferRefused",
    "Listed",
    "SafeERC20FailedOperation",
    "Paused",
)
_REASONS = {
    "Refused": {int(reason): reason.name for reason in Reason},
    "OrderRefused": {int(reason): reason.name for reason in OrderReason},
}


def plain(value: Any) -> Any:
    """Comparable: enums and booleans as integers, sequences as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple([plain(part) for part in value])
    return int(value) if isinstance(value, int) else value


def values(said: str) -> tuple[int, ...]:
    """The numbers that a success returned."""
    found = ast.literal_eval(said[3:])
    return found if isinstance(found, tuple) else (found,)


def error_text(problem: ModelError) -> str:
    """The twin's refusal, with its values."""
    if isinstance(problem, Refused):
        return f"Refused{(int(problem.reason), problem.actual, problem.limit)}"
    if isinstance(problem, OracleError):
        name, args = problem.args
        return f"{name}{plain(args)}"
    if isinstance(problem, PoolRefused):
        return f"{problem.name}{plain(problem.values)}"
    if isinstance(problem, TransferRefused):
        return NO_BALANCE
    return f"{problem.name}{plain(problem.args)}"


def meaning(data: bytes, shares: bool = False) -> str:
    """The chain's refusal, as the twin would say it. shares: no token moves, only the pool's own
    shares, whose errors say what they lack."""
    error = registry().error(data)
    if error is None:
        return f"revert 0x{data.hex()}"
    args = tuple(error.args.values())
    if error.name in _TOKEN_ERRORS and not shares:
        return NO_BALANCE
    if error.name in ("BadParameter", "BadSetting"):
        args = (args[0].rstrip(b"\0").decode(), *args[1:])
    return f"{error.name}{plain(args)}"


def short(text: str) -> str:
    """A refusal with the name of its reason, for people."""
    if text.startswith("ok"):
        return text if len(text) < 24 else "ok"
    head, _, rest = text.partition("(")
    names = _REASONS.get(head)
    return f"refused: {names[int(rest.partition(',')[0])]}" if names else head
