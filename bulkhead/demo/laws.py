"""The laws that the demo holds the chain to, after every block and to the last unit.

Ids are those of `docs/invariants.md`. What a law says is computed here from what the chain shows,
independently of both the contracts and the twin; only I-01 and I-50 ask the twin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

from bulkhead.demo.observe import Observation
from bulkhead.model import MarketModel, liquidating, pricing
from bulkhead.model import margin as requirements
from bulkhead.model.types import Params, as_abi

WAD = 10**18
RAY = 10**27
SHOWN = 50  # breaches kept in full

TITLES = {
    "I-01": "every vault holds what the twin says, exactly",
    "I-02": "no token unit appears or disappears",
    "I-04": "the pool's NAV follows from its positions",
    "I-05": "both sides' sums equal the positions'",
    "I-07": "the pool holds at least what it accounts for",
    "I-26": "the view and the twin name the same liquidatable positions",
    "I-32": "bad debt is what insurance and pool paid",
    "I-50": "every field and every outcome is what the twin foretold",
}


@dataclass(frozen=True)
class Breach:
    """A law that did not hold, where, and with which numbers."""

    law: str
    block: int
    text: str

    def __str__(self) -> str:
        return f"{self.law} at block {self.block}: {self.text}"


@dataclass
class LawBook:
    """Counts what was checked and keeps what was broken."""

    checked: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)

    def check(self, law: str, block: int, problems: Iterator[str] | Sequence[str]) -> None:
        """One check of a law; every problem is a breach."""
        self.checked[law] += 1
        for text in problems:
            self.broken[law] += 1
            if len(self.breaches) < SHOWN:
                self.breaches.append(Breach(law, block, text))

    @property
    def holds(self) -> bool:
        """Whether nothing was broken."""
        return not self.broken


def vaults_hold(seen: Observation, twin: MarketModel) -> Iterator[str]:
    """I-01."""
    for id_, margin in enumerate(seen.margins, start=1):
        if margin != twin.margin(id_):
            yield f"vault of {id_} holds {margin}, the twin says {twin.margin(id_)}"


def tokens_conserved(seen: Observation) -> Iterator[str]:
    """I-02: vaults, pool, fund, treasury and people together have all there is."""
    total = sum(seen.margins) + sum(seen.balances.values())
    if total != seen.token_supply:
        yield f"{total} token units are known of {seen.token_supply} minted"


def _unwinding(skew: int, params: Params) -> int:
    """The impact potential, floor of each of its parts as the specification has it."""
    knee = floor(Fraction(params.max_impact * params.skew_scale, WAD))
    inner = min(abs(skew), knee)
    outer = Fraction(params.max_impact * (abs(skew) - inner), WAD)
    return floor(Fraction(inner**2, 2 * params.skew_scale)) + floor(outer)


def recomputed_nav(seen: Observation, params: Params, unit: int) -> tuple[int, int]:
    """NAV from the single positions (Wad), and how many there are."""
    s = seen.state
    claims = [
        floor(Fraction(p.size * (s.mark - s.fundingIndex), WAD)) - p.basis for p in seen.positions
    ]
    unfunded = seen.tickets.owed - seen.tickets.paid
    rebate = ceil(Fraction(s.mark * _unwinding(s.sizeLong - s.sizeShort, params), WAD))
    squared = ceil(Fraction(s.fundingRate**2, RAY))
    size = ceil(Fraction(squared * params.skew_scale, 2 * params.max_velocity))
    waiting = ceil(Fraction(s.mark * size, WAD))
    return (s.cash - unfunded) * unit - sum(claims) - rebate - waiting, len(claims)


def nav_follows(seen: Observation, params: Params, unit: int) -> Iterator[str]:
    """I-04: within one wei a position, never above."""
    expected, positions = recomputed_nav(seen, params, unit)
    if not 0 <= expected - seen.nav <= positions:
        yield f"NAV is {seen.nav}, the positions make it {expected}"


def sums_agree(seen: Observation) -> Iterator[str]:
    """I-05."""
    s = seen.state
    longs = [p for p in seen.positions if p.size >= 0]
    shorts = [p for p in seen.positions if p.size < 0]
    pairs = (
        ("sizeLong", s.sizeLong, sum(p.size for p in longs)),
        ("sizeShort", s.sizeShort, -sum(p.size for p in shorts)),
        ("basisLong", s.basisLong, sum(p.basis for p in longs)),
        ("basisShort", s.basisShort, sum(p.basis for p in shorts)),
    )
    for name, held, summed in pairs:
        if held != summed:
            yield f"{name} is {held}, the positions sum to {summed}"


def pool_covers(seen: Observation, pool: str) -> Iterator[str]:
    """I-07, in tokens: what is accounted for, and funded tickets, lies in the pool."""
    if seen.balances[pool] < seen.accounted:
        yield f"the pool holds {seen.balances[pool]} of {seen.accounted} accounted for"


def bad_debt_adds_up(amount: int, insurance: int, pool: int) -> Iterator[str]:
    """I-32."""
    if amount != insurance + pool:
        yield f"bad debt {amount} is not {insurance} from insurance and {pool} from the pool"


def _fields(name: str, found: Any, foretold: object) -> Iterator[str]:
    for key, value in as_abi(foretold).items():
        held = getattr(found, key)
        if held != value:
            yield f"{name}.{key} is {held}, the twin says {value}"


def _foretold_view(twin: MarketModel, id_: int) -> dict[str, Any]:
    """What the lens must say of a position at a mark accepted in this block."""
    core, size = twin.core, twin.position(id_).size
    if size == 0:
        return {"margin": twin.margin(id_), "liquidatable": False, "mm": 0, "im": 0}
    equity, need, price = liquidating.health(core, id_)
    notional = ceil(Fraction(abs(size) * price, WAD))
    return {
        "margin": twin.margin(id_),
        "equity": twin.equity(id_),
        "im": twin.requirements(id_)[0],
        "favourablePrice": price,
        "favourableEquity": equity,
        "mm": need,
        "tm": requirements.tm(notional, twin.state.ramp, core.cfg),
        "liquidatable": twin.liquidatable(id_),
    }


def views_agree(seen: Observation, twin: MarketModel) -> Iterator[str]:
    """I-50, the lens: at a mark accepted in this block it shows what the twin computes."""
    if twin.state.accepted_at != twin.now:
        return
    view = seen.market_view
    pairs = (
        ("nav", view.nav, twin.nav()),
        ("freeLiquidity", view.freeLiquidity, twin.free_liquidity()),
        ("netClaim", view.netClaim, twin.net_claim()),
        ("longClaim", view.longClaim, twin.side_claim(1)),
        ("shortClaim", view.shortClaim, twin.side_claim(-1)),
        ("muIm", view.muIm, pricing.im_multiplier(twin.core)),
        ("muMm", view.muMm, twin.state.ramp),
    )
    for name, held, expected in pairs:
        if held != expected:
            yield f"the lens's {name} is {held}, the twin says {expected}"
    for id_, found in enumerate(seen.views, start=1):
        for name, expected in _foretold_view(twin, id_).items():
            if getattr(found, name) != expected:
                held = getattr(found, name)
                yield f"the lens's {name} of {id_} is {held}, the twin says {expected}"


def twin_agrees(seen: Observation, twin: MarketModel) -> Iterator[str]:
    """I-50: every field of every record."""
    state = as_abi(twin.state)
    for key, value in state.items():
        held = getattr(seen.state, key)
        if held != value:
            yield f"state.{key} is {held}, the twin says {value}"
    for id_, found in enumerate(seen.positions, start=1):
        yield from _fields(f"position {id_}", found, twin.position(id_))
    totals, pool = twin.core.totals, twin.pool
    pairs = (
        ("owedTotal", seen.tickets.owed, totals.owed),
        ("paidTotal", seen.tickets.paid, totals.paid),
        ("nextTicketId", seen.tickets.next_id, totals.next_ticket_id),
        ("nav", seen.nav, twin.nav()),
        ("freeLiquidity", seen.free_liquidity, twin.free_liquidity()),
        ("pool.totalSupply", seen.supply, pool.state.supply),
        ("pool.redemptionReserve", seen.reserve, pool.state.reserve),
    )
    for name, held, expected in pairs:
        if held != expected:
            yield f"{name} is {held}, the twin says {expected}"
    for who, amount in seen.balances.items():
        if amount != twin.balance(who):
            yield f"{who} has {amount} token units, the twin says {twin.balance(who)}"
    for who, amount in seen.shares.items():
        expected = pool.shares.get(who, 0)
        if amount != expected:
            yield f"{who} has {amount} shares, the twin says {expected}"
