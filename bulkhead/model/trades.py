"""The trading actions: checks in the order of the specification, then the plan."""

from __future__ import annotations

from collections.abc import Callable

from bulkhead.model import acceptance, checks, payments, trading
from bulkhead.model.core import Result
from bulkhead.model.errors import TransferRefused
from bulkhead.model.ledger import Ledger
from bulkhead.model.ownership import Ownership
from bulkhead.model.types import Action, Address, Mode, Position, Reason


class Trades(Ownership):
    """Reserve, open, increase, decrease, close."""

    # ---- open and trade

    def reserve(self, caller: Address, owner: Address) -> Result:
        """Reserves a flat position. Returns its id."""
        return self.core.run(lambda: self._reserve(owner))

    def open(
        self, caller: Address, id_: int, size: int, margin: int, limit: int, deadline: int
    ) -> Result:
        """Opens a flat position (0: reserves one for the caller). Returns its id."""
        core = self.core

        def action() -> int:
            checks.deadline(core, deadline)
            if id_:
                self._authorised(id_, caller)
            checks.trader(core, caller)
            checks.require(size != 0, Reason.ZERO_AMOUNT, 0, 1)
            if id_:
                held = core.positions[id_].size
                checks.require(held == 0, Reason.NOT_FLAT, held, 0)
            checks.size(size)
            checks.mode(core, Mode.NORMAL)
            number = id_ or self._reserve(caller)
            acceptance.load(core, self.pool)
            checks.no_grace(core)
            room = core.margin_max() - core.margin(number)
            checks.require(margin <= room, Reason.AMOUNT_TOO_LARGE, margin, room)

            def pay(books: Ledger) -> None:
                payments.pay_opening(core, number, books, caller, margin)

            trading.grow(core, number, size, limit, Action.OPEN, pay, margin)
            return number

        return core.run(action)

    def increase(self, caller: Address, id_: int, delta: int, limit: int, deadline: int) -> Result:
        """Adds to a position."""
        core = self.core

        def action() -> None:
            checks.deadline(core, deadline)
            held = self._traded(id_, caller, delta)
            checks.require(held.size * delta > 0, Reason.WRONG_DIRECTION, delta, held.size)
            checks.size(delta)
            checks.size(held.size + delta)
            checks.mode(core, Mode.NORMAL)
            acceptance.load(core, self.pool)
            checks.no_grace(core)

            def pay(books: Ledger) -> None:
                payments.pay_increase(core, id_, books)

            trading.grow(core, id_, delta, limit, Action.INCREASE, pay)

        return core.run(action)

    def decrease(self, caller: Address, id_: int, delta: int, limit: int, deadline: int) -> Result:
        """Takes from a position, never flips it."""
        core = self.core

        def action() -> None:
            checks.deadline(core, deadline)
            held = self._traded(id_, caller, delta)
            checks.require(held.size * delta < 0, Reason.WRONG_DIRECTION, delta, held.size)
            checks.require(abs(delta) <= abs(held.size), Reason.WOULD_FLIP, delta, held.size)
            checks.mode(core, Mode.FINAL_ANNOUNCED)
            acceptance.load(core, self.pool)
            if delta == -held.size:
                trading.close(core, id_, limit)(0)
            else:
                trading.shrink(core, id_, delta, limit)

        return core.run(action)

    def close(self, caller: Address, id_: int, limit: int, deadline: int) -> Result:
        """Closes a position; proceeds stay in its vault."""

        def action() -> None:
            checks.deadline(self.core, deadline)
            self._authorised(id_, caller)
            checks.trader(self.core, caller)
            self._close(id_, limit)(0)

        return self.core.run(action)

    def close_and_withdraw(
        self, caller: Address, id_: int, limit: int, deadline: int, to: Address
    ) -> Result:
        """Closes a position and pays everything unlocked out. Returns what was paid."""
        core = self.core

        def action() -> int:
            core.check_receiver(to)
            checks.deadline(core, deadline)
            self._owned(id_, caller)
            core.check_not_own(id_, to)
            checks.trader(core, caller)
            changed = self._close(id_, limit)
            paid = max(0, core.margin(id_) - core.locked_of(id_))
            if core.positions[id_].basis > 0:  # what a refusing token kept back comes first
                paid = 0
            if paid:
                payments.pay_owner(core, id_, to, paid)
            changed(paid)
            return paid

        return core.run(action)

    def _close(self, id_: int, limit: int) -> Callable[[int], None]:
        core = self.core
        checks.require(core.positions[id_].size != 0, Reason.IS_FLAT, 0, 1)
        checks.mode(core, Mode.FINAL_ANNOUNCED)
        acceptance.load(core, self.pool)
        return trading.close(core, id_, limit)

    def _traded(self, id_: int, caller: Address, delta: int) -> Position:
        self._authorised(id_, caller)
        checks.trader(self.core, caller)
        checks.require(delta != 0, Reason.ZERO_AMOUNT, 0, 1)
        held = self.core.positions[id_]
        checks.require(held.size != 0, Reason.IS_FLAT, 0, 1)
        return held

    def _pull(self, source: Address, to: Address, amount: int) -> None:
        if not self.core.transfer(source, to, amount):
            raise TransferRefused(to, amount)
