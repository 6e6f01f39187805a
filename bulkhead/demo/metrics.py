"""What the demo counts and keeps, from the chain's own events and views. Integers only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bulkhead.chain.contract import Event
from bulkhead.demo.mirror import Mined
from bulkhead.demo.observe import Observation
from bulkhead.keeper.decide import Kind
from bulkhead.model.types import Action

KEEPING = tuple(Kind)  # names of the keeper's moves
LIQUIDATIONS = {Action.LIQUIDATE_PARTIAL, Action.LIQUIDATE_FULL, Action.MARGIN_CALL_HEALED}


@dataclass(frozen=True)
class Sample:
    """The market after a price. Token amounts in token units, rates in Ray, the rest in Wad."""

    time: int
    mark: int
    nav: int
    supply: int  # pool shares
    size_long: int
    size_short: int
    funding_rate: int  # per second
    funding_index: int
    variance: int
    mu_maintenance: int
    mu_initial: int
    insurance: int
    open_positions: int


@dataclass(frozen=True)
class Liquidation:
    """One liquidation: `step` is the price it happened at."""

    step: int
    id: int
    side: int
    full: bool
    mark: int
    closed: int  # size (Wad)
    reward: int  # token units


@dataclass
class Life:
    """One position from its opening on."""

    owner: str
    size: int
    fill: int
    margin: int  # token units put in at opening
    opened_at: int  # unix seconds
    left: int  # size after the last event
    liquidations: int = 0
    liquidated_at: int = 0  # mark of the last one
    bad_debt: int = 0


@dataclass
class Tally:
    """Everything counted over a run."""

    actions: Counter[Action] = field(default_factory=Counter)
    top_ups: int = 0
    refused: int = 0
    bad_debt: int = 0
    bad_debt_insurance: int = 0
    bad_debt_pool: int = 0
    rewards: int = 0
    keeper_gas: int = 0
    gas: int = 0
    lp_assets_out: int = 0
    tickets: int = 0
    lives: dict[int, Life] = field(default_factory=dict)
    liquidations: list[Liquidation] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def count(self, mined: Sequence[Mined], step: int, time: int) -> None:
        """Read the events of a block."""
        for one in mined:
            self.gas += one.receipt.gas_used
            if not one.receipt.ok:
                self.refused += 1
                continue
            if one.played.move.note == "tops up":
                self.top_ups += 1
            if one.played.move.name in KEEPING:
                self.keeper_gas += one.receipt.gas_used
            for event in one.events:
                self._event(event, step, time)

    def _event(self, event: Event, step: int, time: int) -> None:
        if event.name == "PositionChanged":
            self._changed(event, step, time)
        elif event.name == "BadDebt":
            self.bad_debt += event.amount
            self.bad_debt_insurance += event.fromInsurance
            self.bad_debt_pool += event.fromPool
            self.lives[event.id].bad_debt += event.amount
        elif event.name == "RedeemBucketPriced":
            self.lp_assets_out += event.assets
        elif event.name == "TicketWritten":
            self.tickets += 1

    def _changed(self, event: Event, step: int, time: int) -> None:
        action = Action(event.action)
        self.actions[action] += 1
        if action is Action.OPEN:
            paid = event.margin + event.fee
            self.lives[event.id] = Life(event.owner, event.size, event.fill, paid, time, event.size)
        elif action in LIQUIDATIONS:
            self._liquidated(event, step, action is Action.LIQUIDATE_FULL)
        self.lives[event.id].left = event.size

    def _liquidated(self, event: Event, step: int, full: bool) -> None:
        life = self.lives[event.id]
        life.liquidations += 1
        life.liquidated_at = event.mark
        self.rewards += event.payout
        side = 1 if life.size > 0 else -1
        closed = abs(life.left) - abs(event.size)
        self.liquidations.append(
            Liquidation(step, event.id, side, full, event.mark, closed, event.payout)
        )

    @property
    def opened(self) -> int:
        """Positions opened."""
        return self.actions[Action.OPEN]

    @property
    def peak_open_interest(self) -> int:
        """Largest notional of both sides together (Wad)."""
        return max(
            ((s.size_long + s.size_short) * s.mark // 10**18 for s in self.samples), default=0
        )


def sample(seen: Observation, time: int, insurance: int) -> Sample:
    """What the charts show of an observation."""
    s = seen.state
    return Sample(
        time=time,
        mark=s.mark,
        nav=seen.nav,
        supply=seen.supply,
        size_long=s.sizeLong,
        size_short=s.sizeShort,
        funding_rate=s.fundingRate,
        funding_index=s.fundingIndex,
        variance=s.variance,
        mu_maintenance=s.ramp,
        mu_initial=seen.market_view.muIm,
        insurance=insurance,
        open_positions=sum(1 for one in seen.positions if one.size),
    )
