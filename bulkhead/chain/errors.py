"""What can go wrong on the way to a contract, and what a revert meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bulkhead.errors import BulkheadError

if TYPE_CHECKING:
    from bulkhead.chain.wire import Receipt


class ChainError(BulkheadError):
    """Anything wrong between here and the chain."""


class RpcError(ChainError):
    """The node answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class TransactionLost(ChainError):
    """A transaction that was sent was not mined in time."""


@dataclass(frozen=True)
class Decoded:
    """A custom error: its name, its signature and its arguments by name."""

    name: str
    signature: str
    args: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.args.items())})"


class Reverted(RpcError):
    """A call or transaction reverted with `data`; `error` is its meaning where it is known.

    `e["limit"]` is the error's argument of that name.
    """

    def __init__(
        self, data: bytes, *, message: str = "reverted", receipt: Receipt | None = None
    ) -> None:
        super().__init__(3, message)
        self.data = data
        self.receipt = receipt

    @property
    def error(self) -> Decoded | None:
        """The decoded error, from all contracts that are compiled."""
        from bulkhead.chain.decode import registry  # late: the registry reads all artifacts

        return registry().error(self.data)

    @property
    def name(self) -> str:
        """Name of the error; empty where there is no data, the selector where it is unknown."""
        error = self.error
        return error.name if error else self.data[:4].hex() and f"0x{self.data[:4].hex()}"

    def __getitem__(self, argument: str) -> Any:
        error = self.error
        if error is None:
            raise KeyError(argument)
        return error.args[argument]

    def __str__(self) -> str:
        error = self.error
        return f"reverted: {error or '0x' + self.data.hex()}"


@contextmanager
def reverts(name: str | None = None, **args: Any) -> Iterator[list[Reverted]]:
    """Expect a revert with this error and these arguments (those not named are free).

    The list that is yielded holds the exception afterwards.
    """
    caught: list[Reverted] = []
    try:
        yield caught
    except Reverted as problem:
        caught.append(problem)
        if name is not None and problem.name != name:
            raise AssertionError(f"expected {name}, but {problem}") from problem
        for key, wanted in args.items():
            if problem[key] != wanted:
                raise AssertionError(f"expected {key}={wanted}, but {problem}") from problem
        return
    raise AssertionError(f"expected a revert{' with ' + name if name else ''}, nothing reverted")
