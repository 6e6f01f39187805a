"""What a run counts, block by block, from the moves' events and the positions around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bulkhead.model.types import Action, Config
from bulkhead.model.wad import WAD
from bulkhead.sim.backend import Done, Held, View
from bulkhead.sim.keepers import Keeper
from bulkhead.sim.outcome import Outcome, Shadow, Shadows
from bulkhead.sim.table import Requirement, favourable

LIQUIDATED = {Action.LIQUIDATE_PARTIAL, Action.LIQUIDATE_FULL}
WATCHED_SECS = 3_600  # how long a liquidated position may take to have been liquidated wrongly


def equity(one: Held, view: View, unit: int) -> int:
    """Vault and claim at the favourable price (Wad)."""
    price = favourable(view, one.size)
    return one.margin * unit + one.size * (price - view.funding_index) // WAD - one.basis


class Count:
    """Fills an `Outcome`."""

    def __init__(
        self, seed: int, cfg: Config, requirement: Requirement, keepers: list[Keeper], view: View
    ) -> None:
        self.cfg, self.requirement = cfg, requirement
        self.outcome = Outcome(seed)
        self.shadows = Shadows()
        self._keepers = {one.account: one for one in keepers}
        self._nav = view.nav
        self.outcome.insurance_start = self.money(view.insurance)
        self.outcome.lowest_mark = view.mark / WAD

    def money(self, tokens: int) -> float:
        """Token units as quote."""
        return tokens * self.cfg.unit / WAD

    def block(
        self, done: Iterable[Done], before: dict[int, Held], after: dict[int, Held], view: View
    ) -> None:
        """A block's moves. `before` and `after`: the positions that they touched."""
        for one in done:
            if one.error:
                self.outcome.refused += 1
                continue
            self.outcome.opened += one.move.name == "open"
            for name, values in one.events:
                self._event(name, values, one, before, after, view)
        total = self.outcome
        down = total.insurance_start - self.money(view.insurance) + total.bad_debt_pool
        total.insurance_drawdown = max(total.insurance_drawdown, down)

    def _event(
        self,
        name: str,
        values: dict[str, Any],
        done: Done,
        before: dict[int, Held],
        after: dict[int, Held],
        view: View,
    ) -> None:
        total = self.outcome
        if name == "PositionChanged" and values["action"] in LIQUIDATED:
            self._liquidated(values, done, before[values["id"]], after[values["id"]], view)
        elif name == "BadDebt":
            total.bad_debt += self.money(values["amount"])
            total.bad_debt_insurance += self.money(values["fromInsurance"])
            total.bad_debt_pool += self.money(values["fromPool"])
        elif name == "TicketWritten":
            total.tickets += self.money(values["amount"])
        elif name == "RedeemBucketPriced":
            total.lp_paid_out += self.money(values["assets"])
        elif name == "PositionChanged" and done.move.name == "deleverage":
            closed = abs(before[values["id"]].size) - abs(after[values["id"]].size)
            total.adl += 1
            total.adl_notional += closed / WAD * view.mark / WAD

    def _liquidated(
        self, values: dict[str, Any], done: Done, was: Held, now: Held, view: View
    ) -> None:
        total, unit = self.outcome, self.cfg.unit
        price = favourable(view, was.size)
        notional = (abs(was.size) - abs(now.size)) / WAD * price / WAD
        reward = self.money(values["payout"])
        worth, left = equity(was, view, unit) / WAD, equity(now, view, unit) / WAD
        total.liquidations += 1
        total.partial += now.size != 0
        total.liquidated_notional += notional
        total.liquidation_loss += max(0.0, worth) - max(0.0, left)
        total.keeper_rewards += reward
        self._keepers[done.move.actor].earned += reward
        whole = abs(was.size) * price // WAD
        target = self.requirement.needed(whole, view) * (WAD + self.cfg.buffer) // WAD
        self.shadows.watched.append(
            Shadow(
                view.time + WATCHED_SECS,
                was.size / WAD,
                price / WAD,
                worth,
                target / WAD,
                notional,
            )
        )

    def look(self, view: View) -> None:
        """A new mark."""
        total, mark = self.outcome, view.mark / WAD
        self.shadows.look(view.time, mark)
        interest = (view.size_long + view.size_short) / WAD * mark
        total.peak_open_interest = max(total.peak_open_interest, interest)
        total.lowest_mark = min(total.lowest_mark, mark)

    def finish(self, view: View, open_: Iterable[Held]) -> Outcome:
        """The last look."""
        total = self.outcome
        total.insurance_end = self.money(view.insurance)
        total.lp_result = (view.nav - self._nav) / WAD + total.lp_paid_out
        total.lp_return = total.lp_result / (self._nav / WAD)
        total.wrongly_liquidated = self.shadows.recovered
        deficits = (equity(one, view, self.cfg.unit) for one in open_)
        total.open_deficit = sum(-worth for worth in deficits if worth < 0) / WAD
        total.keeper_gas = sum(one.spent for one in self._keepers.values())
        total.keeper_skipped = sum(one.skipped for one in self._keepers.values())
        return total
