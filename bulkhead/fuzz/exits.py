"""Trials of leaving: one who can, one without a price, everybody, and while liquidations go on."""

from __future__ import annotations

import random
from typing import Any

from bulkhead.fuzz import by_order
from bulkhead.fuzz.chain import answered
from bulkhead.fuzz.laws import access, margin, pool
from bulkhead.fuzz.laws.base import maintenance, terms, up
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import DELAY, EVE, FOREVER, GOVERNANCE, KEEPER, OWNERS
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.trades import waiting
from bulkhead.fuzz.twins import patience
from bulkhead.fuzz.world import World
from bulkhead.model.pool import DEAD
from bulkhead.model.queues import DEAD_SHARES
from bulkhead.model.types import Mode

ROUNDED_UP = 4  # token units: funding, fee, loss, and what is left


class Exits:
    """I-08, I-16, I-44, I-49."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def _fresh(self, world: World, wait: int) -> bool:
        """A published mark, as it was; past any grace."""
        mark = world.site.reading.mark
        world.play(Op("set_price", args=(mark, 0, 0, 0), wait=wait, market=world.at))
        world.play(Op("accrue", KEEPER, (), 0, world.at))
        s = world.twin.state
        return s.accepted_at == world.now and s.mode < Mode.FINAL and not world.twin.in_grace()

    def _round_up(self, world: World, id_: int) -> None:
        """Where a requirement is a few token units, it need not cover what leaving is rounded up
        to: whoever holds so little adds those units first."""
        s, p = world.twin.state, world.twin.position(id_)
        t = terms(s.__dict__, world.params, world.unit)
        if maintenance(p.size, t.price(p.size), t) < ROUNDED_UP * t.unit:
            world.play(Op("add_margin", KEEPER, (id_, ROUNDED_UP), 0, world.at))

    def unpriced(self, world: World, dice: random.Random) -> None:
        """I-16: a flat position pays out while the oracle fails."""
        twin, core = world.twin, world.twin.core
        flat = [
            i
            for i in world.ids
            if not twin.position(i).size
            and twin.position(i).basis == 0
            and twin.margin(i) > core.locked_of(i)
        ]
        if not flat or world.refuses():
            return
        world.play(Op("fail_oracle", args=(dice.randint(1, 5),), wait=7, market=world.at))
        id_ = dice.choice(flat)
        owner, free = twin.position(id_).owner, twin.margin(id_) - core.locked_of(id_)
        said = world.play(Op("remove_margin", owner, (id_, free, owner), 0, world.at))
        self.bench.hold(margin.i_16_unpriced, said)

    def leave(self, world: World, dice: random.Random) -> None:
        """I-49: a healthy trader with a fresh price takes everything."""
        if not self._fresh(world, world.params.grace_secs + 1):
            return
        twin = world.twin
        well = [i for i in world.ids if twin.position(i).size and not twin.liquidatable(i)]
        if not well or world.refuses():
            return
        id_ = dice.choice(well)
        self._round_up(world, id_)
        if world.params.delayed_only:
            said = by_order.close(world, id_)
        else:
            p = twin.position(id_)
            limit = 0 if p.size > 0 else 2**255
            args = (id_, limit, FOREVER, p.owner)
            said = world.play(Op("close_and_withdraw", p.owner, args, 0, world.at))
        self.bench.hold(pool.i_49_liveness, said)

    def everyone(self, world: World, dice: random.Random) -> None:
        """I-08: traders in any order, then the providers."""
        if world.refuses():
            return
        if not self._fresh(world, world.params.grace_secs + 1):
            return
        refused: list[str] = []
        gifts = spare(world.sight)

        def must(op: Op) -> None:
            said = world.play(op)
            if not said.startswith("ok"):
                refused.append(f"{op}: {said}")

        twin = world.twin
        for id_ in dice.sample(world.ids, len(world.ids)):
            p = twin.position(id_)
            if p.size and twin.liquidatable(id_):
                must(Op("liquidate", KEEPER, (id_, KEEPER), 0, world.at))
                p = twin.position(id_)
            if p.size:
                self._round_up(world, id_)
                said = by_order.close(world, id_)
                if not said.startswith("ok"):
                    refused.append(f"closing {id_}: {said}")
            if twin.position(id_).basis > 0:  # what a token that refused once kept back
                must(Op("settle", KEEPER, (id_,), 0, world.at))
            free = twin.margin(id_) - twin.core.locked_of(id_)
            if free > 0 and p.owner in world.stage.people:
                must(Op("remove_margin", p.owner, (id_, free, p.owner), 0, world.at))
        for number in range(1, twin.core.totals.next_ticket_id):
            owner = twin.ticket(number).owner
            if owner in world.stage.people:
                must(Op("draw_ticket", owner, (number, owner), 0, world.at))
        must(Op("sweep_fees", EVE, (), 0, world.at))
        worth = self._providers(world, must)
        self.bench.hold(pool.i_08_exit, refused)
        if not refused:
            self._empty(world, gifts, worth)
            self._newcomer(world, dice)

    def _providers(self, world: World, must: Any) -> tuple[int, int]:
        """All shares out; what they were worth beforehand: (NAV in Wad, supply)."""
        providers = _providing(world)
        for _ in range(2):  # what waits, and what waits for that
            self._fresh(world, patience(world))
        for who in providers:
            self._claim(world, who, "deposits", "deposit", must)
            shares = world.twin.pool.shares.get(who, 0)
            if shares:
                must(Op("request_redeem", who, (shares, who, who), 0, world.at))
        market = world.look(world.site).market
        for _ in range(3):
            self._fresh(world, patience(world))
        for who in providers:
            self._claim(world, who, "redemptions", "redeem", must)
        return market["nav"], market["totalSupply"]

    def _empty(self, world: World, gifts: int, worth: tuple[int, int]) -> None:
        """Holds what the chain shows of a market that everybody left."""
        seen, params, unit = world.look(world.site), world.params, world.unit
        s, m = seen.state, seen.market
        unfunded = m["ticketsOwed"] - m["ticketsPaid"]
        due = up(waiting(s, params), unit) + unfunded
        steps = len(world.played)
        if worth[0] <= 0:
            self.bench.hold(pool.i_08_bankrupt, s["cash"], due, steps)
            return
        waits = (m["pendingDepositAssets"], m["pendingRedeemShares"])
        self.bench.hold(pool.i_08_providers, seen.providers, waits)
        others = self._others(world)
        supply = (worth[1], m["totalSupply"])
        self.bench.hold(pool.i_08_supply, m["totalSupply"], DEAD_SHARES + others, steps)
        undrawn = m["ticketsPaid"] - sum(ticket[3] for ticket in seen.tickets)
        tokens = seen.balances[0] - gifts - undrawn - due
        self.bench.hold(pool.i_08_left, tokens, worth[0] // unit, supply, steps)

    def _newcomer(self, world: World, dice: random.Random) -> None:
        """I-37: whoever joins when all have left, after one who put in the least and gave away as
        much as they liked, has what they put in."""
        vault = world.site.pool
        gift, amount = world.dollars(dice.choice((0, 1, 10**6))), world.dollars(100_000)
        who = dice.choice(OWNERS[:4])
        before = answered(world, vault.address, vault.maxMint.method, (who,))
        said = [world.play(Op("request_deposit", EVE, (2, EVE, EVE), 0, world.at))]
        self._priced(world)
        shares = world.twin.pool.deposits.folded(EVE).assets
        world.play(Op("deposit", EVE, (shares, EVE, EVE), 0, world.at))
        shares = world.twin.pool.shares.get(EVE, 0) * dice.randint(0, 1)
        said.append(world.play(Op("share_transfer", EVE, (vault.address, shares), 0, world.at)))
        said.append(world.play(Op("send", EVE, (vault.address, gift), 0, world.at)))
        said.append(world.play(Op("request_deposit", who, (amount, who, who), 0, world.at)))
        hole = -min(0, world.sight.market["nav"] // world.unit)
        self._priced(world)
        if any(not one.startswith("ok") for one in said) or world.sight.market["nav"] <= 0:
            return
        shares = answered(world, vault.address, vault.maxMint.method, (who,)) - before
        worth = answered(world, vault.address, vault.convertToAssets.method, (shares,))
        self.bench.hold(pool.i_37_newcomer, amount, worth, hole)

    def _priced(self, world: World) -> None:
        """What waits, and what waits for that, past any jump."""
        for _ in range(2):
            self._fresh(world, patience(world))

    def _others(self, world: World) -> int:
        """Shares of nobody who can act: sent, or asked for in the name of a contract."""
        held, providers = world.twin.pool, _providing(world)
        known = {*providers, held.address, DEAD}
        for_others = [who for who in held.deposits.accounts if who not in providers]
        sent = sum(amount for who, amount in held.shares.items() if who not in known)
        return int(sent + sum(held.deposits.folded(who).shares for who in for_others))

    def _claim(self, world: World, who: str, side: str, name: str, must: Any) -> None:
        account = getattr(world.twin.pool, side).folded(who)
        amount = account.assets if name == "deposit" else account.shares
        if account.assets and account.shares:
            must(Op(name, who, (amount, who, who), 0, world.at))

    def stillborn(self, world: World, dice: random.Random) -> None:
        """I-50: a market that never accepted a mark can be declared dead so long after it was
        listed, not a second before; it pays back what was brought to it."""
        who, dead_after = world.site.layout.providers[0], world.params.dead_after_secs
        dead_at = world.twin.core.created_at + dead_after
        mark = world.site.reading.mark * dice.randint(1, 300) // 100
        amount = world.dollars(1_000)
        world.play(Op("request_deposit", who, (amount, who, who), 0, world.at))
        for caller, early in ((GOVERNANCE, dead_after), (EVE, 0), (GOVERNANCE, 1), (GOVERNANCE, 0)):
            delay = DELAY if caller == GOVERNANCE else 0
            wait = max(0, dead_at - early - delay - world.now)
            with world.undone():
                said = world.play(Op("announce_final", caller, (mark,), wait, world.at))
                if said != "ok":
                    continue
                for left in (1, 0):
                    wait = max(0, world.twin.core.totals.executable_at - left - world.now)
                    world.play(Op("execute_final", EVE, (), wait, world.at))
                world.play(Op("announce_final", GOVERNANCE, (mark,), 0, world.at))
                world.play(Op("refund_deposit", who, (who, who), 0, world.at))

    def pause(self, world: World, dice: random.Random) -> None:
        """I-44: where somebody can be liquidated, margin can be added and the position closed."""
        twin = world.twin
        held = [i for i in world.ids if twin.position(i).size]
        if not held or world.refuses():
            return
        id_ = dice.choice(held)
        with world.undone():
            if not world.play(Op("liquidate", KEEPER, (id_, KEEPER), 0, world.at)).startswith("ok"):
                return
            renewed = twin.state.renewed
        with world.undone():
            said = world.play(Op("add_margin", KEEPER, (id_, 1), 0, world.at))
            self.bench.hold(access.i_44_exits, "adding margin", said)
        if renewed:  # that block is for liquidations alone; the next is not
            return
        said = by_order.close(world, id_)
        under = said.startswith("Refused(16,")  # its equity does not pay for the close
        self.bench.hold(access.i_44_exits, "closing", "ok" if under else said)


def _providing(world: World) -> tuple[str, ...]:
    """Providers, and all others who can act and were given shares or requests."""
    pool, providers = world.twin.pool, world.site.layout.providers
    known = {*pool.shares, *pool.deposits.accounts, *pool.redemptions.accounts} - {*providers}
    return (*providers, *(who for who in world.stage.people if who in known))


def spare(seen: Sight) -> int:
    """Tokens of the pool that it accounts for nowhere: what it was given."""
    m = seen.market
    undrawn = m["ticketsPaid"] - sum(ticket[3] for ticket in seen.tickets)
    return seen.balances[0] - m["accounted"] - undrawn
