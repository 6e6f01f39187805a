"""Actions around a position: owner, delegates, locks, margin calls, tickets, fees, governance."""

from __future__ import annotations

from dataclasses import replace

from bulkhead.model import acceptance, checks, final, governance, liquidating
from bulkhead.model.base import Base
from bulkhead.model.core import DEPLOYED, HAS_LOCKS, OPTED_IN, Result
from bulkhead.model.errors import (
    DoesNotFit,
    ModelError,
    NotAuthorised,
    NotTicketOwner,
    Refused,
    TransferRefused,
)
from bulkhead.model.types import ZERO_ADDRESS, Address, Mode, Params, Reason


class Ownership(Base):
    """The actions that do not change a size."""

    def set_margin_call(self, caller: Address, id_: int, opt_in: bool) -> Result:
        """Opts a position in to (or out of) margin calls. Owner only; in, only a contract."""
        core = self.core

        def action() -> None:
            held = self._owned(id_, caller)
            if opt_in and caller not in core.contracts:
                raise NotAuthorised(id_, caller)
            flags = held.flags | OPTED_IN if opt_in else held.flags & ~OPTED_IN
            core.positions.put(id_, replace(held, flags=flags))
            core.emit("MarginCallSet", id=id_, optedIn=opt_in)

        return core.run(action)

    def transfer_position(self, caller: Address, id_: int, to: Address) -> Result:
        """Hands a position over; not while liquidatable."""
        core = self.core

        def action() -> None:
            held = self._owned(id_, caller)
            core.check_receiver(to, vaults=True)
            if held.size:
                checks.mode(core, Mode.FINAL_ANNOUNCED)
                acceptance.load(core, self.pool)
                equity, need, _ = liquidating.health(core, id_)
                checks.require(equity >= need, Reason.LIQUIDATABLE, equity, need)
            epoch = core.epochs.get(id_, 0) + 1
            core.epochs.put(id_, epoch)
            flags = held.flags & ~(OPTED_IN | HAS_LOCKS)
            core.positions.put(id_, replace(core.positions[id_], owner=to, flags=flags))
            core.emit("PositionTransferred", **{"id": id_, "from": caller}, to=to, epoch=epoch)

        return core.run(action)

    def set_delegate(self, caller: Address, id_: int, delegate: Address, expiry: int) -> Result:
        """Lets somebody trade a position (0: all of the caller's)."""
        core = self.core

        def action() -> None:
            if id_:
                self._owned(id_, caller)
                key = (ZERO_ADDRESS, id_, core.epochs.get(id_, 0), delegate)
            else:
                key = (caller, 0, 0, delegate)
            core.delegates.put(key, expiry)
            core.emit("DelegateSet", owner=caller, id=id_, delegate=delegate, expiry=expiry)
            if id_ and expiry == 0:
                self._lock(id_, delegate, 0)

        return core.run(action)

    def set_lock(self, caller: Address, id_: int, amount: int) -> Result:
        """Sets what the caller, a delegate, holds back from removal."""
        core = self.core

        def action() -> None:
            self._known(id_)
            raising = amount > self.lock_of(id_, caller)
            if raising and not core.is_delegate(id_, caller):
                raise NotAuthorised(id_, caller)
            self._lock(id_, caller, amount)

        return core.run(action)

    def free_lock(self, caller: Address, id_: int, delegate: Address) -> Result:
        """Frees the lock of somebody who is no longer a delegate."""
        core = self.core

        def action() -> None:
            self._known(id_)
            if core.is_delegate(id_, delegate):
                raise NotAuthorised(id_, caller)
            self._lock(id_, delegate, 0)

        return core.run(action)

    def lock_of(self, id_: int, delegate: Address) -> int:
        """A delegate's lock in the present epoch (token units)."""
        return self.core.locks.get((id_, self.core.epochs.get(id_, 0), delegate), 0)

    def _lock(self, id_: int, delegate: Address, amount: int) -> None:
        core = self.core
        epoch, held = core.epochs.get(id_, 0), self.lock_of(id_, delegate)
        if held == amount:
            return
        total = core.locked_of(id_) + amount - held
        for value in (amount, total):
            if value >> 128:
                raise DoesNotFit(value, 128)
        core.locks.put((id_, epoch, delegate), amount)
        core.lock_sums.put((id_, epoch), total)
        position = core.positions[id_]
        flags = position.flags | HAS_LOCKS if total else position.flags & ~HAS_LOCKS
        core.positions.put(id_, replace(position, flags=flags))
        core.emit("LockSet", id=id_, epoch=epoch, delegate=delegate, amount=amount, total=total)

    def sweep_foreign(self, caller: Address, id_: int, token: Address, to: Address) -> Result:
        """Sends a foreign token out of a vault, deploying it first (foreign balances are not
        modelled); the collateral under a second address is none."""
        core = self.core

        def action() -> None:
            held = self._owned(id_, caller)
            if token == core.cfg.token:
                raise CollateralToken(token)
            shrinks = token in core.aliases and to != core.vault(id_) and core.balance_of(id_)
            if shrinks:
                raise CollateralToken(token)
            core.positions.put(id_, replace(held, flags=held.flags | DEPLOYED))

        return core.run(action)

    # ---- tickets and fees

    def draw_ticket(self, caller: Address, number: int, to: Address) -> Result:
        """Draws what a ticket may draw. Returns what was paid."""
        core = self.core

        def action() -> int:
            core.check_receiver(to)
            ticket = self.ticket(number)
            if ticket.owner != caller:
                raise NotTicketOwner(number, caller)
            paid = final.drawable(core, ticket)
            if paid == 0:
                return 0
            core.tickets.put(number, replace(ticket, drawn=ticket.drawn + paid))
            if not core.transfer(core.cfg.pool, to, paid):
                raise TransferRefused(to, paid)
            core.emit("TicketPaid", ticketId=number, to=to, amount=paid)
            return paid

        return core.run(action)

    def sweep_fees(self, caller: Address) -> Result:
        """Sends the waiting fee shares out; a receiver that refuses goes without."""
        core = self.core

        def action() -> None:
            s, cfg = core.state, core.cfg
            insurance, treasury = s.insurance_due, s.treasury_due
            if not core.transfer(cfg.pool, cfg.fund, insurance):
                insurance = 0
            if not core.transfer(cfg.pool, cfg.treasury, treasury):
                treasury = 0
            s.insurance_due -= insurance
            s.treasury_due -= treasury
            core.emit("FeesSwept", toInsurance=insurance, toTreasury=treasury)

        return core.run(action)

    # ---- the end, and governance

    def settle_final(self, caller: Address, id_: int) -> Result:
        """Pays a position out at the final price."""

        def action() -> None:
            held = self._known(id_)
            checks.require(held.size != 0, Reason.IS_FLAT, 0, 1)
            s = self.core.state
            if s.mode != Mode.FINAL:
                raise Refused(Reason.MODE_FORBIDS, int(s.mode), int(Mode.FINAL))
            final.settle(self.core, id_)

        return self.core.run(action)

    def set_params(self, caller: Address, params: Params) -> Result:
        """Sets all parameters. Timelock."""

        def action() -> None:
            governance.only(self.core, caller, self.core.timelock)
            governance.set_params(self.core, params)

        return self.core.run(action)

    def enter_reduce_only(self, caller: Address) -> Result:
        """Stops everything that adds risk. Guardian."""

        def action() -> None:
            governance.only(self.core, caller, self.core.guardian)
            governance.enter_reduce_only(self.core)

        return self.core.run(action)

    def leave_reduce_only(self, caller: Address) -> Result:
        """Ends ReduceOnly; grace follows. Timelock."""

        def action() -> None:
            governance.only(self.core, caller, self.core.timelock)
            governance.leave_reduce_only(self.core)

        return self.core.run(action)

    def announce_final(self, caller: Address, mark: int) -> Result:
        """Announces the final price of a dead market. Timelock."""

        def action() -> None:
            governance.only(self.core, caller, self.core.timelock)
            final.announce(self.core, mark)

        return self.core.run(action)

    def execute_final(self, caller: Address) -> Result:
        """Fixes the announced price. Anyone."""
        return self.core.run(lambda: final.execute(self.core))


class CollateralToken(ModelError):
    """CollateralToken(token)."""
