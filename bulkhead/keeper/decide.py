"""What to do about a market, from what was seen of it: pure, no chain, no clock, no chance.

`decide` maps (sight, gas price, purse, policy) to actions in the order they should be sent, and a
reason for everything it leaves. Money is Wad of quote, rewards rounded down, costs up. Whoever
keeps a market in a simulation or from another framework calls the same function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bulkhead.keeper.fees import Caps, Fees, GasPrice, bid
from bulkhead.model import liquidation
from bulkhead.model.types import Config, Mode
from bulkhead.model.wad import WAD, ceil_div

AFTER_CALL = 600_000  # gas that a market keeps back for itself before a margin call
WORD = 32


class Why(StrEnum):
    """Why something was left. `docs/keeper.md` says what to do about each."""

    NO_PRICE = "no_price"  # the oracle has no valid price: nothing can be liquidated
    MODE = "mode"  # the market is at its end
    IN_GRACE = "in_grace"  # after an outage only positions without equity may be liquidated
    HEALTHY = "healthy"  # a candidate of the index that the lens calls healthy
    TAKEN = "taken"  # a transaction of ours is on it, or a keeper that shares our state
    UNPROFITABLE = "unprofitable"  # the reward does not pay for the gas
    GAS_TOO_HIGH = "gas_too_high"  # above the highest fee allowed
    BUDGET = "budget"  # would exceed the budget, or what the account holds
    MARGIN_CALLS_OFF = "margin_calls_off"
    ADL_OFF = "adl_off"
    TOO_MANY = "too_many"  # more transactions than are sent at once
    REVERTED = "reverted"  # the simulation reverted; the decoded error is in the detail
    NOTHING_DONE = "nothing_done"  # the simulation did nothing for this position
    LOST = "lost"  # somebody else was first
    REFUSED = "refused"  # the node refused the transaction
    DISPUTED = "disputed"  # the second node sees it differently
    DRY_RUN = "dry_run"  # there is no key
    NOT_DUE = "not_due"  # the book's own rules refuse an order now


class Kind(StrEnum):
    """What a keeper sends: the market's actions, and the order book's."""

    LIQUIDATE = "liquidate"
    LIQUIDATE_MANY = "liquidate_many"
    DELEVERAGE = "deleverage"
    EXECUTE = "execute"
    EXECUTE_MANY = "execute_many"
    RELEASE = "release"
    ADVANCE = "advance"


ORDER = 16  # words of an order
# words of calldata: of the call, and of each id in it
_WORDS = {
    Kind.LIQUIDATE: (1, 1),
    Kind.LIQUIDATE_MANY: (3, 1),
    Kind.DELEVERAGE: (0, 1),
    Kind.EXECUTE: (1, ORDER),
    Kind.EXECUTE_MANY: (3, ORDER),
    Kind.RELEASE: (1, ORDER),
    Kind.ADVANCE: (0, ORDER),
}


@dataclass(frozen=True)
class Target:
    """A position below maintenance margin, valued at its favourable price (Wad)."""

    id: int
    size: int
    price: int
    equity: int
    margin: int  # token units in the vault
    margin_call: bool = False  # its owner is called first


@dataclass(frozen=True)
class Winner:
    """A position with a profit, for ADL (Wad, at the mark)."""

    id: int
    claim: int
    notional: int


@dataclass(frozen=True)
class Sight:
    """One market at one moment."""

    market: str
    cfg: Config
    mark: int
    spread: int
    ramp: int
    skew: int
    fresh: bool = True  # there is a price for this block
    problem: str = ""  # why not
    mode: Mode = Mode.NORMAL
    in_grace: bool = False
    targets: tuple[Target, ...] = ()
    adl_active: bool = False
    winners: tuple[Winner, ...] = ()
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True)
class GasUse:
    """Gas that actions use. The defaults are the repository's gas snapshot, rounded up."""

    single: int = 160_000
    batch: int = 100_000  # of a batch, whatever its size
    each: int = 65_000  # of a batch, for each position in it
    lost: int = 80_000  # when somebody else was first
    deleverage: int = 135_000
    fills: int = 100_000  # of filling orders, however many
    fill_add: int = 155_000  # of each that opens or increases
    fill_reduce: int = 80_000
    release: int = 80_000
    release_kept: int = 200_000  # of what is kept from filling: the trade is tried
    advance: int = 120_000
    headroom: int = 50  # percent on top, as the transaction's limit


@dataclass(frozen=True)
class Policy:
    """How this keeper works. Amounts in Wad quote unless said."""

    caps: Caps
    min_profit: int  # of a transaction
    budget: int  # wei in the purse's window
    win_rate: int = WAD  # share of the races that are won (Wad)
    max_batch: int = 40
    max_gas: int = 2**24  # limit of a transaction (EIP-7825)
    max_transactions: int = 8  # at once
    margin_calls: bool = True
    adl: bool = False  # ADL pays nothing: for those with a stake in the market
    advance_step: int = WAD // 4  # of its distance, that a trailing stop's mark is behind (Wad)
    advance_share: int = WAD // 4  # of an order's fee, that its advances may cost (Wad)
    advance_subsidy: int = 0  # that each advance may cost beyond that
    order_subsidy: int = 0  # that filling an order, or ending a kept one, may cost beyond its fee
    gas: GasUse = field(default_factory=GasUse)


@dataclass(frozen=True)
class Purse:
    """What there is to spend (wei). `reserved` is the most that transactions under way may cost."""

    balance: int
    spent: int = 0  # in the budget's window
    reserved: int = 0

    def left(self, budget: int) -> int:
        """What one more transaction may cost at worst."""
        return min(budget - self.spent, self.balance) - self.reserved


@dataclass(frozen=True)
class Action:
    """One transaction to send."""

    kind: Kind
    market: str
    ids: tuple[int, ...]
    gas: int  # expected
    gas_limit: int
    fees: Fees
    rewards: tuple[int, ...]  # expected of each id (token units)
    cost: int  # expected
    profit: int  # expected, after cost and lost races
    worst: int  # the most it may cost (wei)
    floor: int | None = None  # least profit, where it is not the policy's

    @property
    def reward(self) -> int:
        """Expected (token units)."""
        return sum(self.rewards)


@dataclass(frozen=True)
class Skip:
    """Something left undone, and why. id 0 is the market as a whole."""

    market: str
    id: int
    why: Why
    detail: str


@dataclass(frozen=True)
class Decision:
    """Actions in the order they should be sent, and a reason for everything else."""

    actions: tuple[Action, ...]
    skips: tuple[Skip, ...]


def reward(target: Target, sight: Sight) -> int:
    """What liquidating a position pays (token units, down), as the market will reckon it."""
    cfg = sight.cfg
    n = ceil_div(abs(target.size) * target.price, WAD)
    terms = liquidation.costs(sight.spread, sight.skew, target.size, cfg)
    closed = liquidation.closed_size(target.equity, target.size, target.price, sight.ramp, terms)
    if closed is None:
        beyond = target.equity - ceil_div(terms.rate * n, WAD)
        wad = min(terms.reward(n), max(cfg.reward_floor, beyond))
    else:
        wad = terms.reward(ceil_div(closed * target.price, WAD))
    paid = wad // cfg.unit
    if target.margin_call:  # a healed call pays its own reward: the less of the two is counted on
        paid = min(paid, cfg.margin_call_reward // cfg.unit)
    return paid


@dataclass(frozen=True)
class _Work:
    target: Target
    reward: int  # token units
    gas: int  # of its own, in a batch
    margin: int  # Wad quote: what it adds to a batch


class Desk:
    """One decision in the making, about one contract. `unit`: Wad in one token unit."""

    def __init__(
        self, market: str, unit: int, price: GasPrice, purse: Purse, policy: Policy
    ) -> None:
        self.market, self.unit = market, unit
        self.price, self.purse, self.policy = price, purse, policy
        self.actions: list[Action] = []
        self.skips: list[Skip] = []
        self.left = purse.left(policy.budget)

    def skip(self, ids: Iterable[int], why: Why, detail: str) -> None:
        """Leaves these, for a reason."""
        self.skips += [Skip(self.market, id_, why, detail) for id_ in ids]

    def worth(self, tokens: int) -> int:
        """Of a reward, lost races taken off, down."""
        return tokens * self.unit * self.policy.win_rate // WAD

    def gas_of(self, won: int) -> int:
        """Expected gas: what is lost costs something too, up."""
        lost = min(won, self.policy.gas.lost)
        rate = self.policy.win_rate
        return ceil_div(won * rate + lost * (WAD - rate), WAD)

    def own_cost(self, gas: int, words: int) -> int:
        """What one more in a batch costs (Wad quote)."""
        price = self.price
        return price.quote(gas * (price.base + price.tip) + price.l1_per_byte * WORD * words)

    def propose(
        self,
        kind: Kind,
        ids: tuple[int, ...],
        gas: int,
        limit: int,
        paid: tuple[int, ...],
        floor: int,
        *,
        bound: bool = False,
    ) -> None:
        """Adds a transaction if it pays at least `floor`, and can be paid for. `bound`: that floor
        holds when its gas has been seen, too."""
        price, policy = self.price, self.policy
        fixed, each = _WORDS[kind]
        size = 4 + WORD * (fixed + each * len(ids))
        expected = self.gas_of(gas)
        value = self.worth(sum(paid))
        base = price.quote(expected * price.base + price.l1(size))
        fees = bid(value - base - max(0, floor), expected, price, policy.caps)
        cost = price.quote(expected * (price.base + fees.tip) + price.l1(size))
        worst = limit * fees.most + price.l1(size)
        if value - cost < floor:
            text = f"worth {value}, cost {cost}, wanted {floor} (Wad)"
            self.skip(ids, Why.UNPROFITABLE, text)
        elif fees.most > policy.caps.max_fee:
            self.skip(ids, Why.GAS_TOO_HIGH, f"{fees.most} > {policy.caps.max_fee} wei per gas")
        elif worst > self.left:
            self.skip(ids, Why.BUDGET, f"may cost {worst} of {max(0, self.left)} wei left")
        elif len(self.actions) >= policy.max_transactions:
            self.skip(ids, Why.TOO_MANY, f"{policy.max_transactions} at once")
        else:
            self.left -= worst
            least = floor if bound else None
            profit = value - cost
            self.actions.append(
                Action(kind, self.market, ids, gas, limit, fees, paid, cost, profit, worst, least)
            )

    def with_headroom(self, gas: int) -> int:
        """A limit for so much expected gas."""
        return ceil_div(gas * (100 + self.policy.gas.headroom), 100)


class _MarketDesk(Desk):
    def __init__(self, sight: Sight, price: GasPrice, purse: Purse, policy: Policy) -> None:
        super().__init__(sight.market, sight.cfg.unit, price, purse, policy)
        self.sight = sight

    # ---- what pays

    def call_gas(self, target: Target) -> int:
        return self.sight.cfg.margin_call_gas if target.margin_call else 0

    def consider(self, target: Target) -> _Work | None:
        """The position's own balance: None, with a skip noted, where it does not pay."""
        sight, policy = self.sight, self.policy
        if target.id in sight.taken:
            self.skip([target.id], Why.TAKEN, "a transaction is under way")
        elif sight.in_grace and target.equity > 0:
            self.skip([target.id], Why.IN_GRACE, f"equity {target.equity} > 0 while in grace")
        elif target.margin_call and not policy.margin_calls:
            self.skip([target.id], Why.MARGIN_CALLS_OFF, "its owner would be called first")
        else:
            paid = reward(target, sight)
            gas = policy.gas.each + self.call_gas(target)
            cost = self.own_cost(gas, 1)
            margin = self.worth(paid) - cost
            if margin >= 0:
                return _Work(target, paid, gas, margin)
            self.skip([target.id], Why.UNPROFITABLE, f"reward {paid} token units, gas {cost} Wad")
        return None

    # ---- liquidations

    def limit(self, gas: int, called: Sequence[Target] = ()) -> int:
        """With headroom; a margin call must leave the market its own part."""
        found = self.with_headroom(gas)
        calls = sum(self.call_gas(one) * 64 // 63 for one in called)
        return min(found + calls + (AFTER_CALL if called else 0), self.policy.max_gas)

    def liquidations(self) -> None:
        """Those whose owners are called go alone, the others in batches, what pays best first."""
        works = [work for one in self.sight.targets if (work := self.consider(one)) is not None]
        works.sort(key=lambda work: (-work.margin, work.target.equity, work.target.id))
        plain = [work for work in works if not work.target.margin_call]
        groups = [[work] for work in works if work.target.margin_call]
        groups += self._batches(plain)
        groups.sort(key=lambda group: -sum(work.margin for work in group))
        for group in groups:
            self._liquidate(group)

    def _batches(self, works: list[_Work]) -> list[list[_Work]]:
        gas, policy = self.policy.gas, self.policy
        room = (policy.max_gas * 100 // (100 + gas.headroom) - gas.batch) // gas.each
        size = max(1, min(policy.max_batch, room))
        return [works[at : at + size] for at in range(0, len(works), size)]

    def _liquidate(self, group: list[_Work]) -> None:
        use = self.policy.gas
        ids = tuple(work.target.id for work in group)
        paid = tuple(work.reward for work in group)
        called = [work.target for work in group if work.target.margin_call]
        if len(group) == 1:
            gas = use.single + self.call_gas(group[0].target)
            kind = Kind.LIQUIDATE
        else:
            gas = use.batch + sum(work.gas for work in group)
            kind = Kind.LIQUIDATE_MANY
        self.propose(kind, ids, gas, self.limit(gas, called), paid, self.policy.min_profit)

    # ---- ADL

    def deleverages(self) -> None:
        """The most profitable first: each brings the factor down, so few are needed."""
        sight = self.sight
        if not sight.adl_active:
            return
        if not self.policy.adl:
            self.skip([0], Why.ADL_OFF, "the pool's cash hardly covers what it owes")
            return
        order = sorted(
            (one for one in sight.winners if one.claim > 0 and one.notional > 0),
            key=lambda one: (-(one.claim * WAD // one.notional), one.id),
        )
        gas = self.policy.gas.deleverage
        spend = -self.price.quote(
            2 * gas * (self.price.base + self.price.tip) + self.price.l1(4 + WORD)
        )
        for one in order:
            if one.id in sight.taken:
                self.skip([one.id], Why.TAKEN, "a transaction is under way")
                continue
            self.propose(Kind.DELEVERAGE, (one.id,), gas, self.limit(gas), (0,), spend)


def decide(sight: Sight, price: GasPrice, purse: Purse, policy: Policy) -> Decision:
    """What to send for one market now, and why not the rest."""
    desk = _MarketDesk(sight, price, purse, policy)
    if sight.mode >= Mode.FINAL:
        desk.skip([one.id for one in sight.targets], Why.MODE, f"mode {sight.mode.name}")
    elif not sight.fresh:
        desk.skip([one.id for one in sight.targets] or [0], Why.NO_PRICE, sight.problem)
    else:
        desk.liquidations()
        desk.deleverages()
    return Decision(tuple(desk.actions), tuple(desk.skips))
