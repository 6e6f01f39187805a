"""Views that no call needs: the lenses of positions and markets, the standards of the pool."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bulkhead.fuzz.chain import answered
from bulkhead.fuzz.laws import differential
from bulkhead.fuzz.laws import pool as laws
from bulkhead.fuzz.laws.base import terms
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import KEEPER, USERS
from bulkhead.fuzz.probe import STATE, Pos, claimable
from bulkhead.fuzz.speech import error_text, meaning, plain
from bulkhead.fuzz.stage import LENSES
from bulkhead.fuzz.twins import oracle_error
from bulkhead.fuzz.world import World
from bulkhead.model import acceptance, funding, liquidating, pricing, volatility
from bulkhead.model.errors import ModelError, OracleError, Refused
from bulkhead.model.margin import im, mm, tm
from bulkhead.model.queues import DEAD_SHARES, VIRTUAL
from bulkhead.model.types import ZERO_ADDRESS, Mode, Reason, camel
from bulkhead.model.wad import RAY, WAD, ceil_div, trunc_div

DAY = 86_400
TOP = 2**256 - 1
_COUNTED = 2**128 - 1  # the most of a utilisation that the depth multiplier counts (Wad)
_KEPT = ("config_store", "bucket_due_at", "tickets_open")  # as stored, or the layout's matter
# What the pool says it is: ERC-165, 7540 (operators, deposits, redemptions), 7575; and is not.
INTERFACES = ("01ffc9a7", "e3bc4e65", "ce3bbe50", "620ee8e4", "2f0a18c5")
NO_INTERFACES = ("ffffffff", "00000000", "36372b07")


class Views:
    """I-50 and I-37: every view says what the model says, and what a call then does."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """Some views of the pool, or of the lenses at a moment from now."""
        if dice.random() < 0.5:
            self._pool(world, dice)
            self._owners(world, dice)
            return
        rich = self._enriched(world, dice)
        world.now += dice.choice((0, 0, 1, 60, 3_600))
        for site in world.sites:
            site.twin.now = world.now
        world.engine.set_time(world.now)
        if world.site.failure:
            world.twin.oracle = oracle_error(world, world.site.failure)
        self._lenses(world, dice, rich)

    def _see(self, name: str, found: Any, expected: Any) -> None:
        same = found == expected
        self.bench.hold(differential.i_50_view, "" if same else name, found, expected)

    def _ask(self, world: World, contract: Any, name: str, *args: Any) -> Any:
        """What a view answers; the text of its refusal."""
        bound = contract[name] if "(" in name else getattr(contract, name)
        return answered(world, contract.address, bound.method, args)

    # ---- lenses

    def _enriched(self, world: World, dice: random.Random) -> list[int]:
        """A short that is given so much that only in a higher bracket it is ill."""
        shorts = [i for i in world.ids if world.twin.position(i).size < 0]
        ends = [row.upper_notional for row in world.params.brackets[:-1]]
        if not shorts or not ends:
            return []
        id_, amount = dice.choice(shorts), dice.choice(ends) * dice.randint(1, 3) // world.unit
        amount = min(amount, world.twin.balance(KEEPER))
        world.play(Op("send", KEEPER, (world.vault(id_), amount), 0, world.at))
        return [id_]

    def _lenses(self, world: World, dice: random.Random, rich: list[int]) -> None:
        lens, where = world.stage.lenses[LENSES["market"]], world.site.market.address
        ids = [*dice.sample(world.ids, min(3, len(world.ids))), world.twin.state.next_id]
        ids += rich
        views = self._ask(world, lens, "positionsOf", where, ids)
        whole = self._ask(world, lens, "marketView", where)
        part = dice.choice(((0, 0), (dice.choice(ids), dice.choice(ids))))
        ids_in = range(max(1, part[0]), part[1] or world.twin.state.next_id)
        ill = self._ask(world, lens, "liquidatable", where, *part)
        probed = dice.choice(ids)
        marks = [dice.randint(1, 4 * world.twin.state.mark) for _ in range(2)]
        sums = self._ask(world, lens, "liquidatableNotional", where, *part, marks)
        price = self._ask(world, lens, "liquidationPrice", where, probed)
        for answer in (views, whole, ill, sums, price):
            if isinstance(answer, str):
                self._see("a lens", answer, "an answer")
                return
        with at_mark(world) as refused:
            for id_, view in zip(ids, views, strict=True):
                self._fields(f"position {id_} of the lens", view, _position(world, id_))
                if id_ == probed:
                    self._see("liquidationPrice", price, (view.liquidationPrice, view.driftPerDay))
            self._fields("the lens's market", whole, _market(world, refused))
            why = error_text(refused) if isinstance(refused, OracleError) else ""
            said = meaning(whole.priceFailure) if whole.priceFailure else ""
            self._see("the lens's market: priceFailure", said, why)
            state = {camel(name): getattr(world.twin.state, name) for name in _told()}
            self._fields("the lens's state", whole.state, state)
            now = world.twin.state
            fresh = now.accepted_at == world.now and now.mode < Mode.FINAL
            due = [i for i in ids_in if fresh and world.twin.liquidatable(i)]
            self._see("liquidatable", list(ill), due)
            t = terms(now.__dict__, world.params, world.unit)
            held = [_pos(world, i) for i in ids_in]
            self._see("liquidatableNotional", plain(sums), _below(held, t, marks))
            for id_, view in zip(ids, views, strict=True):
                p = _pos(world, id_)
                if p.size:
                    values = (p, t, view.liquidationPrice)
                    self.bench.hold(differential.i_50_liquidation_price, *values)

    def _fields(self, what: str, view: Any, expected: dict[str, Any]) -> None:
        for name, value in expected.items():
            self._see(f"{what}: {name}", plain(getattr(view, name)), plain(value))

    # ---- pool

    def _pool(self, world: World, dice: random.Random) -> None:
        twin, pool, core = world.twin.pool, world.site.pool, world.twin.core

        def see(name: str, expected: Any, *args: Any) -> None:
            self._see(f"{name}{args}", plain(self._ask(world, pool, name, *args)), plain(expected))

        people = (*world.site.layout.providers, dice.choice((*world.stage.people, ZERO_ADDRESS)))
        who = dice.choice(people)
        adding, leaving = claimable(twin.deposits, who), claimable(twin.redemptions, who)
        for kind, account, queue in (
            ("Deposit", adding, twin.deposits.queue),
            ("Redeem", leaving, twin.redemptions.queue),
        ):
            entry = (account.entry,) if account.entry else ()
            requests = (*account.requests, *entry)
            known = {account.label, queue.collecting, queue.collecting - 1, 0, TOP}
            known.update(request.bucket for request in requests)
            most = account.assets if kind == "Deposit" else account.shares
            for number in [*dice.sample(sorted(known), 2), account.label]:
                pending = sum(r.amount for r in requests if r.bucket == number)
                see(f"pending{kind}Request", pending, number, who)
                ready = most if number == account.label else 0
                see(f"claimable{kind}Request", ready, number, who)
        see("maxDeposit", adding.assets, who)
        see("maxMint", adding.shares, who)
        see("maxWithdraw", leaving.assets, who)
        see("maxRedeem", leaving.shares, who)
        see("balanceOf", twin.shares.get(who, 0), who)
        other = dice.choice(USERS)
        see("isOperator", bool(twin.operators.get((who, other))), who, other)
        assets, supply = world.twin.total_assets(), twin.state.supply
        amount = dice.choice((0, 1, assets, supply, dice.randrange(1 << 96), (1 << 128) - 1))
        see("totalAssets", assets)
        see("convertToShares", amount * (supply + VIRTUAL) // (assets + 1), amount)
        see("convertToAssets", amount * (assets + 1) // (supply + VIRTUAL), amount)
        what = dice.choice(("Deposit", "Mint", "Withdraw", "Redeem"))
        see(f"preview{what}", "NoPreview()", amount)
        self._buckets(world, dice, see)
        see("asset", core.cfg.token)
        see("share", pool.address)
        see("decimals", world.setting.decimals + 3)
        see("MARKET", core.market)
        yes, no = dice.choice(INTERFACES), dice.choice(NO_INTERFACES)
        see("supportsInterface", True, bytes.fromhex(yes))
        see("supportsInterface", False, bytes.fromhex(no))

    def _owners(self, world: World, dice: random.Random) -> None:
        """Whose a position is, who may trade it, and what they hold back."""
        market, twin, core = world.site.market, world.twin, world.twin.core
        people = (*world.stage.people, world.site.book.address)
        id_, who = dice.choice(world.ids or [1]), dice.choice(people)
        owner = twin.position(id_).owner

        def see(name: str, expected: Any, *args: Any) -> None:
            found = self._ask(world, market, name, *args)
            self._see(f"{name}{args}", plain(found), plain(expected))

        if owner != ZERO_ADDRESS:
            see("isAuthorised", core.is_authorised(id_, who), id_, who)
        see("ownerOf", owner, id_)
        see("epochOf", core.epochs.get(id_, 0), id_)
        see("lockOf", twin.lock_of(id_, who), id_, who)
        see("lockedOf", core.locked_of(id_), id_)
        for number in (0, id_):
            expiry = core.delegate_expiry(owner, number, who)
            see("delegateExpiry", expiry, owner, number, who)
        see("heldMark", (twin.state.mark, twin.state.published_at))
        p = world.params
        see("orderTerms", (p.delayed_only, p.order_delay_secs, p.fill_window_secs))

    def _buckets(self, world: World, dice: random.Random, see: Any) -> None:
        """What waits, and what pricing it would give."""
        twin = world.twin.pool
        for name, queue in (("deposit", twin.deposits.queue), ("redeem", twin.redemptions.queue)):
            row = (queue.amount, queue.collected, queue.collecting, queue.due_at)
            see(f"{name}Buckets", row)
        moment = twin.deposits.queue.due_at + dice.choice((0, 1, 1, DAY))
        worth = max(0, world.twin.nav() // world.unit) + dice.choice((0, 1, -1, 10**6))
        worth = max(1, worth)
        expected = _priced(world, moment, worth)
        see("previewPriceDeposits", expected, moment, worth)
        moment = twin.redemptions.queue.due_at + dice.choice((0, 1, 1, DAY))
        free = dice.choice((0, 1, world.twin.free_liquidity(), dice.randint(0, worth), 2**95))
        more = dice.choice((0, 0, expected[1], 1))
        with forgotten(world):
            twin.state.supply += more
            paid = twin.price_redeems(moment, worth, free)
        see("previewPriceRedeems", paid, moment, worth, free, more)

    def birth(self, world: World, dice: random.Random) -> None:
        """I-50: what the first deposit of all would be given, at values about the one at which it
        is as many shares as nobody gets; then it is priced."""
        who, twin = world.site.layout.providers[0], world.twin.pool
        amount = dice.choice((2, 3, 1_001, world.dollars(1) + 1))
        world.play(Op("request_deposit", who, (amount, who, who), 0, world.at))
        due = twin.deposits.queue.due_at
        dead = amount * VIRTUAL // DEAD_SHARES - 1
        for worth in (dead - 1, dead, dead + 1, 2 * dead + 1, amount * VIRTUAL, 0):
            for moment in (due, due + 1):
                found = self._ask(world, world.site.pool, "previewPriceDeposits", moment, worth)
                expected = _priced(world, moment, worth)
                self._see(f"the first deposit at {worth}", plain(found), plain(expected))
        mark, wait = world.site.reading.mark, max(0, due + 1 - world.now)
        world.play(Op("set_price", "", (mark, 0, 0, 0), wait, world.at))
        world.play(Op("accrue", KEEPER, (), 0, world.at))

    def limits(self, world: World, dice: random.Random) -> None:
        """I-37: exactly what a limit says can be claimed, and not a unit more."""
        if world.refuses():
            return
        who = dice.choice(world.site.layout.providers)
        name = dice.choice(("deposit", "mint", "withdraw", "redeem"))
        most, shares = (
            self._ask(world, world.site.pool, view, who)
            for view in (f"max{name.capitalize()}", "maxMint")
        )
        with world.undone():
            above = world.play(Op(name, who, (most + 1, who, who), 0, world.at))
        said = world.play(Op(name, who, (most, who, who), 0, world.at))
        least = 1 if name != "deposit" or shares else 0  # shares may round down to none
        self.bench.hold(laws.i_37_limit, name, who, most, (said, above), min(most, least))


def _priced(world: World, moment: int, worth: int) -> tuple[int, int]:
    """What pricing deposits would take and give."""
    twin = world.twin.pool
    supply = twin.state.supply
    with forgotten(world):
        taken = twin.price_deposits(moment, worth)
        return taken, twin.state.supply - supply


class _Undo(Exception):
    """Ends a look ahead."""


@contextmanager
def forgotten(world: World) -> Iterator[None]:
    """What the twin does inside is undone."""
    try:
        with world.twin.core.transaction():
            yield
            raise _Undo
    except _Undo:
        pass


@contextmanager
def at_mark(world: World) -> Iterator[ModelError | None]:
    """The twin at the mark that a liquidation would take now, or accrued at the one it held; says
    why there is none."""
    core, pool = world.twin.core, world.twin.pool
    refused: ModelError | None = None
    with forgotten(world):
        if core.state.mode >= Mode.FINAL:
            refused = Refused(Reason.MODE_FORBIDS, int(core.state.mode), int(Mode.FINAL_ANNOUNCED))
        else:
            try:
                with core.transaction():
                    acceptance.renew(core, pool)
            except ModelError as problem:
                refused = problem
                acceptance.accrue(core)
        yield refused


def _told() -> list[str]:
    return [name for name in STATE if name not in _KEPT]


def _pos(world: World, id_: int) -> Pos:
    p, core = world.twin.position(id_), world.twin.core
    return Pos(p.size, p.basis, p.funding_entry, core.margin(id_))


def _below(held: list[Pos], t: Any, marks: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Notionals of longs and of shorts that are below MM at each mark."""
    rows = []
    for sign in (1, -1):
        side = [p for p in held if p.size * sign > 0]
        rows.append(tuple(differential.below_maintenance(side, t, mark) for mark in marks))
    return rows[0], rows[1]


def _position(world: World, id_: int) -> dict[str, Any]:
    """A position's view, but for its liquidation price."""
    core, s, p = world.twin.core, world.twin.state, world.twin.position(id_)
    margin = core.margin(id_)
    found: dict[str, Any] = {
        "id": id_,
        "owner": p.owner,
        "vault": core.vault(id_),
        "flags": p.flags,
        "epoch": core.epochs.get(id_, 0),
        "size": p.size,
        "basis": p.basis,
        "fundingEntry": p.funding_entry if p.size else 0,
        "margin": margin,
        "locks": core.locked_of(id_),
    }
    if p.size == 0:
        names = (
            "favourablePrice",
            "entryPrice",
            "notional",
            "im",
            "mm",
            "tm",
            "marginRatio",
            "liquidationPrice",
        )
        equity = margin * core.cfg.unit - p.basis
        found |= {"equity": equity, "favourableEquity": equity, "liquidatable": False}
        return found | dict.fromkeys(names, 0)
    books = core.ledger(id_)
    equity, there, need = books.equity(s.mark), core.favourable(p.size), core.cfg
    n, value = (ceil_div(abs(p.size) * price, WAD) for price in (s.mark, there))
    fresh = s.accepted_at == world.now and s.mode < Mode.FINAL
    return found | {
        "entryPrice": max(0, trunc_div(p.basis * WAD, p.size) + p.funding_entry),
        "notional": n,
        "equity": equity,
        "im": im(n, pricing.im_multiplier(core), need),
        "favourablePrice": there,
        "favourableEquity": books.equity(there),
        "mm": mm(value, s.ramp, need),
        "tm": tm(value, s.ramp, need),
        "marginRatio": trunc_div(equity * WAD, n) if n else 0,
        "liquidatable": fresh and liquidating.judge(core, id_) is None,
    }


def _market(world: World, refused: ModelError | None) -> dict[str, Any]:
    """A market's view."""
    core, s, twin = world.twin.core, world.twin.state, world.twin
    cfg, nav = core.cfg, world.twin.nav()
    sides = [pricing.side_notional(core, sign) for sign in (1, -1)]
    room = min(cfg.max_open_interest, cfg.max_utilisation * nav // WAD) if nav > 0 else 0
    larger, net, cash = max(sides), twin.net_claim(), s.cash * cfg.unit
    used = ceil_div(larger * WAD, room) if room else TOP if larger else 0
    depth = volatility.mu_depth(larger, nav, cfg)
    if room and used > _COUNTED:  # it exceeds every bound long before
        depth = WAD + ceil_div(cfg.depth_slope * (_COUNTED - cfg.depth_kink), WAD - cfg.depth_kink)
    end = s.resumed_at + cfg.grace_secs if s.resumed_at else 0
    return {
        "fresh": s.accepted_at == world.now,
        "priceReason": int(refused.reason) if isinstance(refused, Refused) else 0,
        "nav": nav,
        "freeLiquidity": twin.free_liquidity(nav),
        "netClaim": net,
        "longClaim": twin.side_claim(1),
        "shortClaim": twin.side_claim(-1),
        "fundingLiability": funding.psi(s.mark, s.funding_rate, cfg),
        "openTickets": core.totals.owed - core.totals.paid,
        "notionalLong": sides[0],
        "notionalShort": sides[1],
        "capacity": room,
        "utilisation": used,
        "roomLong": max(0, room - sides[0]),
        "roomShort": max(0, room - sides[1]),
        "skew": s.skew,
        "muVol": max(WAD, volatility.mu_vol(s.variance, cfg)),
        "muDepth": depth,
        "muIm": pricing.im_multiplier(core),
        "muMm": s.ramp,
        "fundingPerDay": trunc_div(s.funding_rate * DAY * s.mark, RAY),
        "fundingVelocity": funding.velocity(s.skew, cfg),
        "adlFactor": 0 if net <= 0 else net * WAD // cash if cash else TOP,
        "adlActive": net > 0 and net * WAD > cfg.adl_start * cash,
        "graceEnd": end,
        "inGrace": acceptance.in_grace(core),
    }
