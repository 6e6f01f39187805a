"""The market's external actions. Each takes the caller first and returns a Result or raises."""

from __future__ import annotations

from collections.abc import Sequence

from bulkhead.model import acceptance, adl, checks, final, liquidating, payments
from bulkhead.model.core import Result
from bulkhead.model.errors import Refused
from bulkhead.model.trades import Trades
from bulkhead.model.types import Action, Address, LiquidationResult, Mode, Reason


class MarketModel(Trades):
    """The exact twin of one market with its pool, fund, oracle and collateral token."""

    # ---- margin

    def add_margin(self, caller: Address, id_: int, amount: int) -> Result:
        """Adds margin from the caller. Anyone, always."""
        core = self.core

        def action() -> None:
            core.position(id_)
            checks.require(amount > 0, Reason.ZERO_AMOUNT, 0, 1)
            self._pull(caller, core.vault(id_), amount)
            margin = core.balance_of(id_)
            core.emit("MarginAdded", **{"id": id_, "from": caller}, amount=amount, margin=margin)

        return core.run(action)

    def remove_margin(self, caller: Address, id_: int, amount: int, to: Address) -> Result:
        """Pays margin out. A flat position needs no price."""
        core = self.core

        def action() -> None:
            core.check_receiver(to)
            held = self._owned(id_, caller)
            core.check_not_own(id_, to)
            checks.require(amount > 0, Reason.ZERO_AMOUNT, 0, 1)
            if held.size:
                checks.mode(core, Mode.NORMAL)
                acceptance.load(core, self.pool, called=bool(core.calling))
                checks.no_grace(core)
            books = core.ledger(id_)
            funding = books.touch()
            free = max(0, books.vault - core.locked_of(id_))
            checks.require(amount <= free, Reason.AMOUNT_TOO_LARGE, amount, free)
            books.vault -= amount
            core.write(id_, books)
            if held.size:
                checks.initial_margin(core, books, free - amount)
            payments.must_net(core, id_, books)
            payments.pay_owner(core, id_, to, amount)
            payments.emit_changed(core, id_, Action.REMOVE_MARGIN, 0, funding, payout=amount)
            final.share_late(core, books.net)

        return core.run(action)

    def settle(self, caller: Address, id_: int) -> Result:
        """Settles a position's funding; while tickets are open also a loss."""
        core = self.core

        def action() -> None:
            self._known(id_)
            s = core.state
            if s.mode < Mode.FINAL:
                acceptance.accrue_or_accept(core, self.pool)
            books = core.ledger(id_)
            lost = books.write_off()
            funding = books.touch()
            claim = books.claim(s.mark)
            open_tickets = books.owed > books.paid  # the funding may have filled the last one
            if books.size and open_tickets and s.accepted_at == core.now and claim < 0:
                books.collect_spare(-claim // core.cfg.unit)
            if lost and not payments.passes(core, id_, books):  # what is left stays owed
                books = core.ledger(id_)
                books.write_off()
            core.write(id_, books)
            payments.must_net(core, id_, books)
            payments.absorb(core, id_, lost)
            payments.emit_changed(core, id_, Action.SETTLE, 0, funding)
            final.share_late(core, books.net)

        return core.run(action)

    def accrue(self, caller: Address) -> Result:
        """Accrues and, where the oracle has a valid mark, accepts it."""
        return self.core.run(lambda: acceptance.accrue_or_accept(self.core, self.pool))

    # ---- liquidation

    def liquidate(self, caller: Address, id_: int, reward_to: Address) -> Result:
        """Liquidates a position below maintenance margin. Returns a LiquidationResult."""
        core = self.core

        def action() -> LiquidationResult:
            core.check_receiver(reward_to, vaults=True)
            held = self._known(id_)
            checks.require(held.size != 0, Reason.IS_FLAT, 0, 1)
            checks.mode(core, Mode.FINAL_ANNOUNCED)
            acceptance.renew(core, self.pool)
            verdict = liquidating.judge(core, id_)
            equity, need, _ = liquidating.health(core, id_)
            if verdict == LiquidationResult.HEALTHY:
                raise Refused(Reason.HEALTHY, equity, need)
            if verdict == LiquidationResult.IN_GRACE:
                end = core.state.resumed_at + core.cfg.grace_secs
                raise Refused(Reason.IN_GRACE, core.now, end)
            return liquidating.execute(core, self, id_, reward_to)

        return core.run(action)

    def liquidate_many(self, caller: Address, ids: Sequence[int], reward_to: Address) -> Result:
        """Tries each id. Returns a LiquidationResult for each."""
        core = self.core

        def action() -> list[LiquidationResult]:
            core.check_receiver(reward_to, vaults=True)
            checks.mode(core, Mode.FINAL_ANNOUNCED)
            renewed = acceptance.renew(core, self.pool)
            results = [self._attempt(id_, reward_to) for id_ in ids]
            acted = any(result >= LiquidationResult.PARTIAL for result in results)
            checks.require(acted or not renewed, Reason.NOTHING_LIQUIDATED, 0, 1)
            return results

        return core.run(action)

    def _attempt(self, id_: int, reward_to: Address) -> LiquidationResult:
        """One id of `liquidate_many`."""
        if id_ in self.core.calling:
            return LiquidationResult.HEALTHY
        verdict = liquidating.judge(self.core, id_)
        if verdict is not None:
            return verdict
        return liquidating.execute(self.core, self, id_, reward_to)

    def deleverage(self, caller: Address, id_: int) -> Result:
        """Closes a profitable position when cash no longer covers the claims."""
        core = self.core

        def action() -> None:
            held = self._known(id_)
            checks.require(held.size != 0, Reason.IS_FLAT, 0, 1)
            checks.mode(core, Mode.FINAL_ANNOUNCED)
            acceptance.load(core, self.pool)
            adl.deleverage(core, id_)

        return core.run(action)
