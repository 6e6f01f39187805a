"""The flows of one action, done in order on plain numbers, then paid once, netted."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.model.types import Config, Mode, Position, State
from bulkhead.model.wad import WAD, ceil_div, trunc_div

CASH_MAX = 2**96 - 1  # what does not fit stays in the pool uncounted
COUNTER_MAX = 2**80 - 1  # insuranceDue and treasuryDue


@dataclass
class Totals:
    """What the pool owes ticket holders (token units; ratio in Ray)."""

    owed: int = 0
    paid: int = 0
    final_ratio: int = 0
    next_ticket_id: int = 1
    final_mark: int = 0
    executable_at: int = 0


class Ledger:
    """One position's vault and the pool's cash while an action runs."""

    def __init__(
        self,
        cfg: Config,
        state: State,
        totals: Totals,
        position: Position,
        vault: int,
        frozen: bool = False,
    ) -> None:
        self.cfg, self.unit = cfg, cfg.unit
        self.index = state.funding_index
        self.real = vault
        self.vault = 0 if frozen else vault
        self.cash = 0 if frozen else state.cash
        self.hidden_cash = state.cash if frozen else 0
        self.frozen = frozen
        self.final = state.mode >= Mode.FINAL
        self.owed, self.paid = totals.owed, totals.paid
        self.insurance, self.treasury = state.insurance_due, state.treasury_due
        self.size, self.basis, self.entry = position.size, position.basis, position.funding_entry
        self.net = 0  # vault -> pool, negative: pool -> vault
        self.reward = 0
        self.ticket = 0
        self.deficit = 0

    def claim(self, price: int) -> int:
        """What the pool owes the position (Wad, signed)."""
        return self.size * (price - self.index) // WAD - self.basis

    def equity(self, price: int) -> int:
        """Vault and claim (Wad, signed)."""
        return self.vault * self.unit + self.claim(price)

    def inflow(self, amount: int) -> None:
        """Tokens that become the pool's own: tickets are funded first."""
        if self.owed > self.paid and not self.final:
            funding = min(amount, self.owed - self.paid)
            self.paid += funding
            amount -= funding
        self.cash = min(CASH_MAX, self.cash + amount)

    def to_pool(self, amount: int) -> None:
        """Vault to the pool's cash."""
        self.vault -= amount
        self.net += amount
        self.inflow(amount)

    def from_pool(self, amount: int) -> None:
        """The pool's cash to the vault."""
        self.cash -= amount
        self.vault += amount
        self.net -= amount

    def collect_spare(self, wanted: int) -> int:
        """As `collect`, but the vault keeps what a liquidator is paid at least."""
        kept = self.cfg.reward_floor // self.unit
        return self.collect(min(wanted, max(0, self.vault - kept)))

    def collect(self, wanted: int) -> int:
        """Moves what the vault can pay of `wanted` to the pool, off the basis."""
        amount = min(wanted, self.vault)
        self.to_pool(amount)
        self.basis -= amount * self.unit
        return amount

    def draw(self, wanted: int) -> int:
        """Moves what the cash can pay of `wanted` to the vault, onto the basis."""
        amount = min(wanted, self.cash)
        self.from_pool(amount)
        self.basis += amount * self.unit
        return amount

    def credit_insurance(self, amount: int) -> None:
        """Vault to the insurance counter; what does not fit goes to the pool."""
        self.vault -= amount
        self.net += amount
        fits = min(amount, COUNTER_MAX - self.insurance)
        self.insurance += fits
        self.inflow(amount - fits)

    def pay_fee(self, amount: int) -> None:
        """A trading fee: pool, insurance and treasury by their shares."""
        cfg = self.cfg
        self.vault -= amount
        self.net += amount
        insurance = amount * cfg.fee_insurance_share // WAD
        pool = amount * cfg.fee_pool_share // WAD
        treasury = amount - insurance - pool
        fits = min(insurance, COUNTER_MAX - self.insurance)
        self.insurance += fits
        pool += insurance - fits
        fits = min(treasury, COUNTER_MAX - self.treasury)
        self.treasury += fits
        self.inflow(pool + treasury - fits)

    def pay_reward(self, wanted: int) -> None:
        """Vault to the keeper, as far as it goes."""
        self.reward = min(wanted, self.vault)
        self.vault -= self.reward

    def touch(self) -> int:
        """Settles funding (or the debt of a flat position). Returns what the trader paid."""
        if self.size == 0:
            if self.basis > 0:
                moved = min(ceil_div(self.basis, self.unit), self.vault)
                self.to_pool(moved)
                self.basis = max(0, self.basis - moved * self.unit)
            return 0
        owed = trunc_div(self.size * (self.index - self.entry), WAD)
        whole = abs(owed) // self.unit
        self.entry = self.index
        if owed > 0:
            return self.collect_spare(whole)
        return 0 if self.final else -self.draw(whole)  # a dead market pays by ticket alone

    def write_off(self) -> int:
        """Of a flat position: what its vault no longer backs leaves the basis. Returns it."""
        if self.size or self.basis <= self.vault * self.unit:
            return 0
        lost = ceil_div(self.basis, self.unit) - self.vault
        self.basis = self.vault * self.unit
        return lost

    def settle_share(self, claim: int, closed: int, before: int) -> int:
        """The closed fraction of a claim (Wad, signed); pays it if positive."""
        share = claim * closed // before
        if share > 0:
            self.draw(share // self.unit)
        return share

    def cover(self, needed: int, price: int) -> None:
        """Pulls what fees need beyond the vault from a positive claim."""
        claim = self.claim(price)
        if self.vault < needed and claim > 0:
            self.draw(min(needed - self.vault, claim // self.unit))

    def freeze_flat(self, claim: int, costs: int) -> None:
        """Closes with a token that refuses: what the vault holds of the debt stays in basis.

        What is owed is rounded up, what is due down, to token units: the pool gains.
        """
        self.size = self.basis = 0
        owed = max(0, ceil_div(-claim, self.unit))
        due = max(0, claim // self.unit)
        self.ticket = max(0, due - costs)
        self.deficit = max(0, owed - self.real)
        self.basis = min(owed + max(0, costs - due), self.real) * self.unit

    def apply(self, state: State, totals: Totals) -> None:
        """Writes the market's side back."""
        state.cash = self.cash + self.hidden_cash
        state.insurance_due, state.treasury_due = self.insurance, self.treasury
        totals.paid = self.paid
