"""What model and chain say of a call, in the same words."""

from __future__ import annotations

from typing import Any

from bulkhead.chain.decode import registry
from bulkhead.model.errors import ModelError, OracleError, PoolRefused, Refused, TransferRefused
from bulkhead.model.order_types import OrderReason
from bulkhead.model.types import Reason

FAILURES = (
    *("", "PriceStale", "PriceInvalid", "PriceOutOfBand", "PriceTooUncertain", "SequencerDown"),
)
NO_BALANCE = "the token refuses"
_POOL = "the pool: "
# The twin's rules of the pool, and what the contracts call them.
_POOL_NAMES = {
    "TooSmall": ("AmountTooSmall", "ZeroController"),
    "NotOperator": ("NotAllowed", "ZeroController", "ERC20InsufficientAllowance"),
    "ExceedsClaimable": (
        "AmountTooSmall",
        *(f"ERC4626ExceededMax{what}" for what in ("Deposit", "Mint", "Redeem", "Withdraw")),
    ),
    "TooLarge": ("AmountTooLarge",),
    "MarketSettled": ("MarketSettled",),
    "MarketNotSettled": ("MarketNotSettled",),
    "ZeroShares": ("AmountTooSmall",),
    "InsufficientBalance": (NO_BALANCE, "ERC20InvalidReceiver"),
}
_TOKEN_ERRORS = (
    "ERC20InsufficientBalance",
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


def error_text(problem: ModelError) -> str:
    """The twin's refusal, with its values."""
    if isinstance(problem, Refused):
        return f"Refused{(int(problem.reason), problem.actual, problem.limit)}"
    if isinstance(problem, OracleError):
        name, args = problem.args
        return f"{name}{plain(args)}"
    if isinstance(problem, PoolRefused):
        return f"{_POOL}{problem.args[0]}"
    if isinstance(problem, TransferRefused):
        return NO_BALANCE
    return f"{problem.name}{plain(problem.args)}"


def meaning(data: bytes) -> str:
    """The chain's refusal, as the twin would say it."""
    error = registry().error(data)
    if error is None:
        return f"revert 0x{data.hex()}"
    values = tuple(error.args.values())
    if error.name in _TOKEN_ERRORS:
        return NO_BALANCE
    if error.name == "BadParameter":
        values = (values[0].rstrip(b"\0").decode(), *values[1:])
    return f"{error.name}{plain(values)}"


def same_refusal(found: str, expected: str) -> bool:
    """Whether the pool says with a name of the standards what the twin foretold."""
    if not expected.startswith(_POOL):
        return False
    return found.split("(")[0] in _POOL_NAMES[expected[len(_POOL) :]]


def short(text: str) -> str:
    """A refusal with the name of its reason, for people."""
    if text.startswith("ok"):
        return text if len(text) < 24 else "ok"
    head, _, rest = text.partition("(")
    names = _REASONS.get(head)
    return f"refused: {names[int(rest.partition(',')[0])]}" if names else head
