"""Random walks of the model alone, law by law after every step."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_world import (
    FOREVER,
    KEEPER,
    LP,
    OTHER_LP,
    OWNER,
    RIVAL,
    World,
    laws,
    limit,
)

from bulkhead.model import ModelError, Refused, Result
from bulkhead.model.errors import TransferRefused
from bulkhead.model.impact import half_spread, unwinding
from bulkhead.model.margin import tm
from bulkhead.model.types import LiquidationResult, Mode, Reason
from bulkhead.model.wad import WAD, ceil_div

TRADERS = (OWNER, RIVAL)
# Refusals that a sensible actor may meet; anything else is a fault of the model.
ORDINARY = set(Reason) - {Reason.SIZE_TOO_LARGE, Reason.PRICE_LIMIT, Reason.DEADLINE_PASSED}
NEVER_BLOCKED = ("liquidate", "close", "settle_final", "sweep_fees")


class Walk:
    """One world, random actors, and the laws of each kind of step."""

    def __init__(self, seed: int, decimals: int, liquidity: int) -> None:
        self.draw = random.Random(seed)
        self.world = World(decimals, liquidity, max_utilisation=4 * WAD, redeem_delay_secs=3600)
        self.hostile = self.draw.random() < 0.3
        self.trend = self.draw.choice((-1, 1))
        self.m = self.world.m
        self.seen: Counter[str] = Counter()

    def run(self, steps: int) -> None:
        """Steps, each followed by the laws."""
        kinds = [
            (6, self.trade),
            (4, self.move),
            (3, self.liquidate_all),
            (2, self.margin),
            (2, self.settle),
            (2, self.lp),
            (2, self.deleverage),
            (1, self.draw_tickets),
            (1, self.blacklist),
        ]
        weights, actions = zip(*kinds, strict=True)
        for _ in range(steps):
            self.draw.choices(actions, weights)[0]()
            laws(self.world)

    def attempt(self, name: str, *args: object) -> Result | None:
        """An action; ordinary refusals are counted and change nothing."""
        m = self.m
        before = (dict(m.state.__dict__), dict(m.core.balances), dict(m.core.positions))
        try:
            result = getattr(m, name)(*args)
        except (Refused, TransferRefused) as error:
            self.seen[f"{name} {error}"[:40]] += 1
            if isinstance(error, Refused):
                ordinary = error.reason in ORDINARY
            else:
                ordinary = self.hostile and name not in NEVER_BLOCKED
            if not ordinary:
                raise
            after = (dict(m.state.__dict__), dict(m.core.balances), dict(m.core.positions))
            assert before == after, "a refusal changes nothing"
            return None
        self.seen[name] += 1
        assert isinstance(result, Result)
        for event, _ in result.events:
            self.seen[event] += 1
        return result

    def some_id(self) -> int | None:
        ids = [i for i, p in self.m.core.positions.items() if p.size]
        return self.draw.choice(ids) if ids else None

    # ---- steps

    def trade(self) -> None:
        m, draw = self.m, self.draw
        m.accrue(KEEPER)
        worth = m.nav()
        id_ = self.some_id()
        kind = draw.choice(("open", "open", "increase", "decrease", "close"))
        sign = draw.choice((1, -1))
        if kind == "open" or id_ is None:
            size = sign * draw.randint(WAD // 2, 600 * WAD)
            n = abs(size) * m.state.mark // WAD
            margin = n * draw.randint(6, 60) // 100 // m.core.cfg.unit
            self.attempt("open", draw.choice(TRADERS), 0, size, margin, limit(size), FOREVER)
        else:
            held = m.position(id_)
            if kind == "close":
                self.attempt("close", held.owner, id_, limit(-held.size), FOREVER)
            else:
                part = held.size * draw.randint(1, 100) // 100
                delta = part if kind == "increase" else -part
                self.attempt(kind, held.owner, id_, delta, limit(delta), FOREVER)
        assert m.nav() >= worth, "a trade never costs the pool"

    def move(self) -> None:
        draw, world = self.draw, self.world
        width = draw.choice((5, 20, 100, 400))
        factor = 1000 + self.trend * draw.randint(-width, width * 2)
        world.m.now += draw.choice((1, 12, 60, 3600, 40_000))
        mark = min(max(world.mark * max(100, factor) // 1000, 10 * WAD), 10**6 * WAD)
        world.publish(mark, draw.choice((0, 0, WAD // 1000, WAD // 200)))
        world.m.accrue(KEEPER)

    def liquidate_all(self) -> None:
        m = self.m
        m.accrue(KEEPER)
        for id_, held in list(m.core.positions.items()):
            if not m.liquidatable(id_):
                continue
            price = m.core.favourable(held.size)
            worth = m.nav()
            result = self.attempt("liquidate", KEEPER, id_, KEEPER)
            assert result is not None
            self.seen["frozen"] += m.position(id_).basis > 0 and not m.position(id_).size
            self.seen[str(result.value)] += 1
            after = m.position(id_)
            if result.value == LiquidationResult.PARTIAL:
                n = ceil_div(abs(after.size) * price, WAD)
                need = tm(n, m.state.ramp, m.core.cfg)
                assert m.core.ledger(id_).equity(price) >= need, "partial heals"
                assert n >= m.core.cfg.min_notional
            else:
                assert after.size == 0
                assert after.basis <= m.margin(id_) * m.core.cfg.unit
            borne = sum(v["fromPool"] for name, v in result.events if name == "BadDebt")
            lost = borne * m.core.cfg.unit
            if result.value == LiquidationResult.FULL:  # what equity may not have covered
                half = half_spread(m.state.mark, m.state.spread)
                unwound = unwinding(m.state.skew + held.size, held.size, m.core.cfg)
                lost += ceil_div(m.state.mark * unwound + abs(held.size) * half, WAD) + 4
            assert m.nav() >= worth - lost, "a liquidation costs the pool what it says"

    def margin(self) -> None:
        m, id_ = self.m, self.some_id()
        if id_ is None:
            return
        owner = m.position(id_).owner
        if self.draw.random() < 0.3:
            self.attempt("add_margin", RIVAL, id_, self.draw.randint(1, 10**4) * self.world.token)
            return
        m.accrue(KEEPER)
        most = m.withdrawable(id_)
        refused = m.preview("remove_margin", owner, id_, most + 1, owner)
        assert isinstance(refused, Refused), "one unit more than withdrawable"
        if most:
            allowed = m.preview("remove_margin", owner, id_, most, owner)
            assert isinstance(allowed, Result) or (
                self.hostile and isinstance(allowed, TransferRefused)
            )
            self.attempt("remove_margin", owner, id_, self.draw.randint(1, most), owner)

    def settle(self) -> None:
        m, id_ = self.m, self.some_id()
        if id_ is None:
            return
        m.accrue(KEEPER)
        before, worth = m.equity(id_), m.nav()
        others = {i: (p, m.margin(i)) for i, p in m.core.positions.items() if i != id_}
        self.attempt("settle", KEEPER, id_)
        assert m.equity(id_) == before, "settling never changes equity"
        assert m.nav() == worth, "settling never changes NAV"
        left = {i: (p, m.margin(i)) for i, p in m.core.positions.items() if i != id_}
        assert left == others, "no other position is touched"

    def lp(self) -> None:
        pool, draw = self.m.pool, self.draw
        who = draw.choice((LP, OTHER_LP))
        try:
            kind = draw.randint(0, 3)
            if kind == 0:
                pool.request_deposit(who, draw.randint(2, 10**6 * self.world.token), who, who)
            elif kind == 1 and pool.shares.get(who, 0):
                pool.request_redeem(who, draw.randint(1, pool.shares[who]), who, who)
            elif kind == 2 and pool.deposits.folded(who).assets:
                pool.deposit(who, pool.deposits.folded(who).assets, who, who)
            else:
                pool.redeem(who, pool.redemptions.folded(who).shares, who, who)
            self.seen[f"lp {kind}"] += 1
        except ModelError as error:
            self.seen[f"lp {error.args[0]}"] += 1
        claims = [pool.redemptions.folded(w) for w in (LP, OTHER_LP)]
        assert sum(a.assets for a in claims) <= pool.state.reserve, "claims are set aside"
        queue = pool.redemptions.queue
        waiting = sum(a.entry.amount if a.entry else 0 for a in claims)
        assert waiting <= queue.amount

    def deleverage(self) -> None:
        m, cfg = self.m, self.m.core.cfg
        m.accrue(KEEPER)
        for id_ in [i for i, p in m.core.positions.items() if p.size]:
            claim, cash, worth = m.net_claim(), m.state.cash * cfg.unit, m.nav()
            result = self.attempt("deleverage", KEEPER, id_)
            if result is None:
                continue
            self.world.shared_cash |= any(name == "TicketWritten" for name, _ in result.events)
            now_claim, now_cash = max(0, m.net_claim()), m.state.cash * cfg.unit
            assert now_claim * cash <= claim * now_cash + cfg.unit * cash, "the factor never rises"
            if claim < cash:
                assert now_claim * WAD + cfg.unit * WAD >= cfg.adl_target * now_cash
            assert m.nav() >= worth

    def blacklist(self) -> None:
        core = self.m.core
        for refusing in (core.refuse_from, core.refuse_to):
            refusing.clear()
            if self.hostile:
                someone = (*(core.vault(i) for i in core.positions), core.cfg.fund, KEEPER, OWNER)
                refusing.update(self.draw.sample(someone, min(4, len(someone))))

    def end(self) -> None:
        """The market dies; everybody is settled and leaves."""
        m, core = self.m, self.m.core
        m.enter_reduce_only(core.guardian)
        m.now += core.cfg.dead_after_secs + 1
        m.announce_final(core.timelock, self.world.mark)
        m.now += core.cfg.dead_after_secs
        m.execute_final(KEEPER)
        ids = [i for i, p in core.positions.items() if p.size]
        self.draw.shuffle(ids)
        for id_ in ids:
            assert self.attempt("settle_final", KEEPER, id_) is not None
            laws(self.world)
        assert m.state.mode == Mode.SETTLED
        core.refuse_from.clear()
        core.refuse_to.clear()
        for id_, held in list(core.positions.items()):
            self.attempt("settle", KEEPER, id_)
            if m.margin(id_):
                self.attempt("remove_margin", held.owner, id_, m.margin(id_), held.owner)
            assert m.margin(id_) == 0
            assert m.position(id_).basis <= 0
        self.draw_tickets()
        ratio = core.totals.final_ratio
        for ticket in core.tickets.values():
            assert ticket.drawn >= ticket.amount * ratio // 10**27 - 1
        for _ in range(3):
            for who in (LP, OTHER_LP):
                held_shares = m.pool.shares.get(who, 0)
                if held_shares:
                    m.pool.request_redeem(who, held_shares, who, who)
            m.now += 10**5
            m.accrue(KEEPER)
            for who in (LP, OTHER_LP):
                for kind in ("deposit", "redeem"):
                    side = m.pool.deposits if kind == "deposit" else m.pool.redemptions
                    account = side.folded(who)
                    amount = account.assets if kind == "deposit" else account.shares
                    if amount and (kind == "redeem" or account.shares):
                        getattr(m.pool, kind)(who, amount, who, who)
            laws(self.world)
        self.seen["ended"] += 1

    def draw_tickets(self) -> None:
        for number, ticket in list(self.m.core.tickets.items()):
            self.attempt("draw_ticket", ticket.owner, number, ticket.owner)
        self.attempt("sweep_fees", KEEPER)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**64),
    decimals=st.sampled_from((0, 6, 18)),
    liquidity=st.sampled_from((1_000_000, 10_000_000)),
)
def test_walk__random_actions__every_law_holds(seed: int, decimals: int, liquidity: int) -> None:
    walk = Walk(seed, decimals, liquidity)
    walk.run(60)
    walk.end()
