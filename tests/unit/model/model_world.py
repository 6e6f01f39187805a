"""A market with people in it, and the laws it must obey."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bulkhead.model import MarketModel, Reading
from bulkhead.model.margin import mm
from bulkhead.model.presets import eth_usd
from bulkhead.model.wad import WAD

LP, OTHER_LP, KEEPER, OWNER, RIVAL = (f"0x{0xACC << 144 | n:040x}" for n in range(1, 6))
START = 1_700_000_000
MARK = 3000 * WAD
FOREVER = 2**64
ANY_BUY, ANY_SALE = 2**200, 0


def limit(delta: int) -> int:
    """A price limit that every fill meets."""
    return ANY_BUY if delta > 0 else ANY_SALE


class World:
    """A model whose clock and oracle move together."""

    def __init__(self, decimals: int = 6, liquidity: int = 10_000_000, **changes: Any) -> None:
        self.m = MarketModel(replace(eth_usd(), **changes), decimals, initial_mark=MARK, now=START)
        self.token = 10**decimals
        self.mark = MARK
        self.shared_cash = False  # a deleveraging may leave cash to others beside a ticket
        self.spread = 0
        for who in (LP, OTHER_LP, KEEPER, OWNER, RIVAL):
            self.m.give(who, 10**9 * self.token)
        self.minted = 5 * 10**9 * self.token
        self.pass_time(0)
        if liquidity:
            self.m.pool.request_deposit(LP, liquidity * self.token, LP, LP)
            self.pass_time(self.m.core.cfg.deposit_delay_secs + 1)
            self.m.accrue(LP)

    def pass_time(self, seconds: int) -> None:
        """Lets time pass; the oracle keeps up."""
        self.m.now += seconds
        self.publish(self.mark)

    def publish(self, mark: int, spread: int | None = None) -> None:
        """A new reading at the present block."""
        self.mark = mark
        self.spread = self.spread if spread is None else spread
        self.m.oracle = Reading(mark, self.spread, self.m.now)

    def step(self, mark: int, seconds: int = 1) -> None:
        """A later block with a new mark, accepted."""
        self.m.now += seconds
        self.publish(mark)
        self.m.accrue(KEEPER)

    def open(self, size: int, margin: int, who: str = OWNER) -> int:
        """Opens a position with margin in whole tokens."""
        result = self.m.open(who, 0, size, margin * self.token, limit(size), FOREVER)
        return int(result.value)


def laws(world: World) -> None:
    """What holds after every step."""
    m, s, core = world.m, world.m.state, world.m.core
    unit = core.cfg.unit
    assert sum(core.balances.values()) == world.minted, "tokens are conserved"
    assert min(core.balances.values()) >= 0
    held = core.positions.values()
    longs, shorts = [p for p in held if p.size >= 0], [p for p in held if p.size < 0]
    assert s.size_long == sum(p.size for p in longs)
    assert s.size_short == -sum(p.size for p in shorts)
    assert s.basis_long == sum(p.basis for p in longs)
    assert s.basis_short == sum(p.basis for p in shorts)
    claims = sum(m.claim(id_) for id_ in core.positions)
    assert 0 <= m.net_claim() - claims <= len(core.positions) + 1, "aggregate claims"
    assert s.cash >= 0
    assert s.insurance_due >= 0
    assert s.treasury_due >= 0
    totals, pool = core.totals, m.pool
    assert totals.paid <= totals.owed
    first = s.mode >= 3 or s.cash == 0 or totals.paid == totals.owed
    assert first or world.shared_cash, "tickets come first"
    drawn = sum(t.drawn for t in core.tickets.values())
    waiting = pool.deposits.queue.amount + pool.deposits.queue.collected
    accounted = s.cash + s.insurance_due + s.treasury_due + pool.state.reserve + waiting
    if s.mode < 4:
        assert m.balance(core.cfg.pool) == accounted + totals.paid - drawn, "pool balance"
    else:
        assert m.balance(core.cfg.pool) >= accounted + totals.paid - drawn
    assert pool.state.supply == sum(pool.shares.values())
    assert unit == 10**18 // world.token
    if s.renewed is False and s.mode < 3 and not m.in_grace():
        for id_, p in core.positions.items():
            price = core.favourable(p.size)
            equity = core.ledger(id_).equity(price)
            n = -(-abs(p.size) * price // WAD)
            assert m.liquidatable(id_) == (p.size != 0 and equity < mm(n, s.ramp, core.cfg)), (
                "liquidatable iff"
            )
