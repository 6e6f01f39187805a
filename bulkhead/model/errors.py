"""What the model raises: the contracts' typed errors, with the same values."""

from __future__ import annotations

from bulkhead.errors import BulkheadError
from bulkhead.model.types import Reason

TOP = 2**255 - 1  # larger values are shown as this


class ModelError(BulkheadError):
    """An action the contracts would revert. `args` are the error's arguments."""

    @property
    def name(self) -> str:
        """The Solidity error's name."""
        return type(self).__name__


class Refused(ModelError):
    """Refused(reason, actual, limit)."""

    def __init__(self, reason: Reason, actual: int, limit: int) -> None:
        actual, limit = min(actual, TOP), min(limit, TOP)
        super().__init__(reason, actual, limit)
        self.reason, self.actual, self.limit = reason, actual, limit


class UnknownPosition(ModelError):
    """UnknownPosition(id)."""


class NotAuthorised(ModelError):
    """NotAuthorised(id, caller)."""


class Locked(ModelError):
    """Locked()."""


class WrongAmountReceived(ModelError):
    """WrongAmountReceived(received, asked)."""


class TransferRefused(ModelError):
    """TransferRefused(to, amount)."""


class DoesNotFit(ModelError):
    """DoesNotFit(value, bits)."""


class NotPool(ModelError):
    """NotPool(caller)."""


class BadParameter(ModelError):
    """BadParameter(name, actual, limit)."""


class NotTicketOwner(ModelError):
    """NotTicketOwner(ticketId, caller)."""


class AccessManagedUnauthorized(ModelError):
    """AccessManagedUnauthorized(caller)."""


class OracleError(ModelError):
    """The oracle's read reverts. args: (error name, arguments)."""


class PoolRefused(ModelError):
    """A request, claim or transfer of shares that the pool refuses. args: (error name, its
    arguments...)."""

    @property
    def name(self) -> str:
        """The Solidity error's name."""
        return str(self.args[0])

    @property
    def values(self) -> tuple[object, ...]:
        """The Solidity error's arguments."""
        return self.args[1:]
