"""What to do about orders, from what was seen of them: pure, as `decide` is.

Fees are what pays: the whole fee of an order that is filled, a quarter of one that expired or is
kept from filling. What they do not pay for is done where the policy's subsidy does. An
advance of a trailing stop pays nothing by itself: it is worth a share of the fee that the stop will
pay, and whatever the policy gives for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.keeper.decide import ORDER, Decision, Desk, Kind, Policy, Purse, Why
from bulkhead.keeper.fees import GasPrice
from bulkhead.keeper.order_index import Placed
from bulkhead.model.orders import CLEANING_SHARE
from bulkhead.model.wad import WAD


@dataclass(frozen=True)
class OrderSight:
    """The orders of one book that something could be done about."""

    book: str
    unit: int  # Wad in one token unit
    mark: int
    due: tuple[Placed, ...] = ()
    expired: tuple[Placed, ...] = ()
    kept: tuple[Placed, ...] = ()  # due, and refused by the market: perhaps for its owner's reasons
    trailing: tuple[tuple[Placed, int], ...] = ()  # with wei spent on their advances so far


def behind(one: Placed, mark: int, step: int) -> bool:
    """Whether a trailing stop's best mark lags by a step (Wad) of its distance or more."""
    if one.best == 0:
        return True
    return abs(mark - one.best) * WAD * WAD >= one.best * one.order.trail * step


class _OrderDesk(Desk):
    def fills(self, due: tuple[Placed, ...]) -> None:
        """In batches, what pays best first; what does not pay for its own gas stays out."""
        use, worked, poor = self.policy.gas, [], []
        for one in due:
            gas = use.fill_reduce if one.order.reduce_only else use.fill_add
            cost = self.own_cost(gas, ORDER)
            margin = self.worth(one.order.keeper_fee) - cost
            if margin < 0 and self.policy.order_subsidy:
                poor.append((one, gas))
                continue
            if margin < 0:
                text = f"{one.hash}: fee {one.order.keeper_fee} token units, gas {cost} Wad"
                self.skip([one.id], Why.UNPROFITABLE, text)
                continue
            worked.append((-margin, one.changed_at, one.hash, one, gas))
        worked.sort(key=lambda work: work[:3])
        most = self.policy.max_gas * 100 // (100 + use.headroom) - use.fills
        batch: list[tuple[Placed, int]] = []
        for *_, one, gas in worked:
            full = len(batch) >= self.policy.max_batch or sum(g for _, g in batch) + gas > most
            if batch and full:
                self._fill(batch)
                batch = []
            batch.append((one, gas))
        if batch:
            self._fill(batch)
        for one, gas in poor:
            self.subsidised(Kind.EXECUTE, one, use.fills + gas, one.order.keeper_fee)

    def subsidised(self, kind: Kind, one: Placed, gas: int, paid: int) -> None:
        """Alone; it may cost the policy's subsidy for orders, where there is one."""
        limit, given = self.with_headroom(gas), self.policy.order_subsidy
        floor = -given if given else self.policy.min_profit
        self.propose(kind, (one.id,), gas, limit, (paid,), floor, bound=True)

    def _fill(self, batch: list[tuple[Placed, int]]) -> None:
        gas = self.policy.gas.fills + sum(own for _, own in batch)
        kind = Kind.EXECUTE_MANY if len(batch) > 1 else Kind.EXECUTE
        limit = min(self.with_headroom(gas), self.policy.max_gas)
        fees = tuple(one.order.keeper_fee for one, _ in batch)
        ids = tuple(one.id for one, _ in batch)
        self.propose(kind, ids, gas, limit, fees, self.policy.min_profit)

    def releases(self, expired: tuple[Placed, ...]) -> None:
        """Cleaning up pays the quarter that the book will pay."""
        gas = self.policy.gas.release
        for one in expired:
            paid = one.order.keeper_fee // CLEANING_SHARE
            limit = self.with_headroom(gas)
            self.propose(Kind.RELEASE, (one.id,), gas, limit, (paid,), self.policy.min_profit)

    def ends(self, kept: tuple[Placed, ...]) -> None:
        """What is kept from filling pays that quarter too. Whether it is, the rehearsal tells."""
        for one in sorted(kept, key=lambda one: -one.order.keeper_fee):
            paid = one.order.keeper_fee // CLEANING_SHARE
            self.subsidised(Kind.RELEASE, one, self.policy.gas.release_kept, paid)

    def advances(self, trailing: tuple[tuple[Placed, int], ...], mark: int) -> None:
        """Where the best mark lags by a step, as long as the stop's fee pays for it."""
        policy = self.policy
        gas = policy.gas.advance
        for one, spent in trailing:
            if not behind(one, mark, policy.advance_step):
                continue
            share = self.worth(one.order.keeper_fee) * policy.advance_share // WAD
            allowed = max(0, share - self.price.quote(spent)) + policy.advance_subsidy
            limit = self.with_headroom(gas)
            self.propose(Kind.ADVANCE, (one.id,), gas, limit, (0,), -allowed, bound=True)


def decide_orders(sight: OrderSight, price: GasPrice, purse: Purse, policy: Policy) -> Decision:
    """What to send for one book now, and why not the rest."""
    desk = _OrderDesk(sight.book, sight.unit, price, purse, policy)
    desk.fills(sight.due)
    desk.advances(sight.trailing, sight.mark)
    desk.ends(sight.kept)
    desk.releases(sight.expired)
    return Decision(tuple(desk.actions), tuple(desk.skips))
