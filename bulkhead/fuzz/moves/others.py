"""Liquidity providers, governance, hostile tokens, the end of a market, and the forbidden."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bulkhead.fuzz.moves.prices import Prices
from bulkhead.fuzz.moves.trading import Trading
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import (
    ANY_BUY,
    DELAY,
    EVE,
    FOREVER,
    GOVERNANCE,
    GUARDIAN,
    KEEPER,
    NOBODY,
    OWNERS,
    USERS,
)
from bulkhead.fuzz.settings import DRAWS, changed, drawn, fitted
from bulkhead.fuzz.stage import MOLE
from bulkhead.model.config import BOUNDS
from bulkhead.model.final import drawable
from bulkhead.model.types import Mode, Params
from bulkhead.model.wad import WAD


class Others(Trading, Prices):
    """Whoever else takes part."""

    # ---- the pool

    def provide(self) -> Iterator[Op]:
        """Requests and claims by a provider, by its operator, by a stranger; for that provider
        itself or in favour of another."""
        read, world = self.read, self.world
        providers, pool = world.stage.providers, self.twin.pool
        who, choice, whom = read.pick(providers), read.byte() % 8, read.byte()
        caller = who
        if whom >= 230:
            caller = read.pick((*world.stage.operators, *providers, EVE))
        elif whom >= 130:
            caller = self._operator(who)
            if not pool.operators.get((who, caller)):
                yield self.op("set_operator", who, (caller, True))
        shares_to = self._provider(who)
        settled = self.twin.state.mode == Mode.SETTLED
        if choice == 0 and (settled or read.byte() < 50):
            yield self.op("refund_deposit", caller, (self.receiver(who), who), self.wait())
        elif choice < 2:
            amount = (
                read.byte() % 4
                if read.byte() < 12
                else world.dollars(read.pick((1, 1_000, 100_000)))
            )
            yield self.op("request_deposit", caller, (amount, shares_to, who), self.wait())
        elif choice < 4:
            have = pool.shares.get(who, 0)
            amount = have * (1 + read.byte() % 20) // 20 + read.byte() // 254
            yield self.op("request_redeem", caller, (amount, shares_to, who), self.wait())
        else:
            yield self._claim(caller, who, choice - 4, shares_to)

    def _claim(self, caller: str, who: str, which: int, shares_to: str) -> Op:
        """A claim of what was priced, all of it or a part; of the other side if this has none."""
        sides = self.twin.pool.deposits, self.twin.pool.redemptions
        account = sides[which // 2].folded(who)
        if not account.assets:
            which ^= 2
            account = sides[which // 2].folded(who)
        name = ("deposit", "mint", "redeem", "withdraw")[which]
        most = account.assets if name in ("deposit", "withdraw") else account.shares
        choice = self.read.byte()
        amount = (most, most, most // 3, most + 1)[choice % 4]
        if which < 2 and caller == who and choice % 3 == 0:
            return self.op(f"{name}_own", caller, (amount, shares_to), self.wait())
        to = shares_to if which < 2 else self.receiver(who)
        return self.op(name, caller, (amount, to, who), self.wait())

    def _operator(self, who: str) -> str:
        """Somebody who may act for a provider, or is to be told that they may."""
        stage, allowed = self.world.stage, self.twin.pool.operators
        others = [each for each in (*stage.operators, *stage.providers) if each != who]
        known = [each for each in others if allowed.get((who, each))]
        return self.read.pick(known or others)

    def _provider(self, who: str) -> str:
        """Whom shares or requests are for; now and then nobody, who may have none."""
        choice, providers = self.read.byte(), self.world.stage.providers
        if choice < 128:
            return who
        return providers[choice % len(providers)] if choice < 250 else NOBODY

    def operate(self) -> Iterator[Op]:
        """An operator is named, dismissed, or may move shares, and tries what it may, or might."""
        read, stage = self.read, self.world.stage
        who, operator = read.pick(stage.providers), read.pick((*stage.operators, *stage.providers))
        shares = self.twin.pool.shares.get(who, 0) // 50
        if read.byte() % 2:
            yield self.op("set_operator", who, (operator, read.byte() % 3 > 0))
        else:
            allowed = read.pick((0, shares - 1, shares, 3 * shares, 2**256 - 1))
            yield self.op("share_approve", who, (operator, max(0, allowed)))
        for _ in range(2):
            if read.byte() % 3:
                to = read.pick(stage.providers)
                yield self.op("request_redeem", operator, (shares, to, who), self.wait())
            else:
                to = read.pick(stage.providers)
                yield self.op("share_transfer_from", operator, (who, to, shares), self.wait())

    def sandwich(self) -> Iterator[Op]:
        """A provider asks just before a price it knows, and takes out just after."""
        who = self.read.pick(self.world.stage.providers)
        amount = self.world.dollars(50_000)
        if self.read.byte() % 2:
            yield self.op("request_deposit", who, (amount, who, who))
        else:
            yield self.op("request_redeem", who, (self.twin.pool.shares.get(who, 0) // 2, who, who))
        yield from self.storm()
        p = self.world.params
        for wait in (p.deposit_delay_secs + 1, p.redeem_delay_secs + 1):
            mark = self.world.site.reading.mark
            yield self.op("set_price", args=(mark, 0, 0, 0), wait=wait)
            yield self.op("accrue", KEEPER)
        yield from self.provide()

    def epoch(self) -> Iterator[Op]:
        """Long enough for the pool's buckets to be priced."""
        p, read = self.world.params, self.read
        delay = read.pick((p.deposit_delay_secs, p.redeem_delay_secs))
        for wait in (delay + read.pick((0, 1, 1, 1)), p.pricing_wait_secs + 1):
            mark = self.world.site.reading.mark
            yield self.op("set_price", args=(mark, 0, 0, 0), wait=wait)
            yield self.op("accrue", KEEPER)
        yield from self.provide()

    def punctual(self) -> Iterator[Op]:
        """A mark published in the second in which a bucket falls due, before or after it; who
        brings it to the market first has the bucket priced."""
        pool = self.twin.pool
        due = [each.queue.due_at for each in (pool.deposits, pool.redemptions) if each.queue.amount]
        due += [self.twin.state.bucket_due_at] if self.twin.state.bucket_due_at else []
        if not due:
            yield from self.epoch()
            return
        moment = self.read.pick(due) + self.read.pick((-1, 0, 0, 0, 1, 1))
        mark, wait = self.world.site.reading.mark, max(0, moment - self.world.now)
        yield self.op("set_price", args=(mark, 0, 0, 0), wait=wait)
        if self.twin.state.mode < Mode.FINAL and self.read.byte() < 100:
            yield from self.read.pick((self.liquidate, self.close))()
        yield self.op("accrue", KEEPER)

    def sweep(self) -> Iterator[Op]:
        """Fee shares leave."""
        yield self.op("sweep_fees", EVE, (), self.wait())

    def sweep_foreign(self) -> Iterator[Op]:
        """What somebody sent to a vault in another token leaves it, to whom its owner says; the
        collateral does not, under either of its addresses, be there some or none."""
        read, world = self.read, self.world
        id_, stage, choice = self.some(), world.stage, read.byte()
        if choice < 60:
            id_ = read.pick(
                [i for i in world.ids if not self.twin.balance(world.vault(i))] or [id_]
            )
        if choice % 2:
            sent = (world.vault(id_), 1 + read.byte())
            yield self.op("send_foreign", read.pick(USERS), sent, self.wait())
        token = read.pick((stage.foreign.address, stage.second or stage.foreign.address))
        if choice % 4 == 0:
            token = world.site.token.address
        owner = self.owner(id_)
        to = self.receiver(owner, id_)
        to = owner if to == NOBODY else to  # which the other token refuses, and is not ours
        yield self.op("sweep_foreign", owner, (id_, token, to), self.wait())

    def draw(self) -> Iterator[Op]:
        """A ticket: mostly one that is there to be drawn."""
        core = self.twin.core
        last = core.totals.next_ticket_id
        number = self.read.byte() % last + (1 if self.read.byte() < 200 else 0)
        if self.read.byte() < 150:
            funded = [n for n in range(1, last) if drawable(core, core.tickets[n])]
            number = self.read.pick(funded) if funded else number
        owner = self.twin.ticket(number).owner
        if owner not in self.world.stage.people or self.read.byte() > 245:
            owner = EVE
        yield self.op("draw_ticket", owner, (number, self.receiver(owner)), self.wait())

    # ---- governance

    def modes(self) -> Iterator[Op]:
        """ReduceOnly and back."""
        if self.twin.state.mode == Mode.NORMAL or self.read.byte() < 25:
            yield self.op("enter_reduce_only", GUARDIAN, (), self.wait())
        else:
            yield self.op("leave_reduce_only", GOVERNANCE, (), self.wait())

    def parameters(self) -> Iterator[Op]:
        """Governance moves margins, multipliers, fees, caps, any parameter; sometimes out of
        bounds."""
        now, read = self.world.params, self.read
        rows = tuple(
            replace(row, im_rate=row.im_rate * 21 // 20, mm_rate=row.mm_rate * 21 // 20)
            for row in now.brackets
        )
        options = (
            replace(now, brackets=rows),
            replace(now, max_rate=now.max_rate // 2),
            replace(now, grace_secs=read.byte()),
            replace(now, taker_fee=now.taker_fee // 2, maker_fee=0),
            replace(now, max_velocity=now.max_velocity * 2),
            replace(now, z_score=now.z_score * 2, ramp_per_hour=WAD // 2),
            replace(now, min_notional=now.min_notional * 2),
            replace(now, max_open_interest=max(1, now.max_open_interest // 2)),
            replace(now, order_delay_secs=read.byte() % 30, fill_window_secs=24 + read.byte()),
            replace(now, taker_fee=WAD),
            replace(now, adl_target=now.adl_start),
        )
        new = read.pick(options) if read.byte() < 110 else self._changed(now)
        who = GOVERNANCE if read.byte() < 230 else EVE
        yield self.op("set_params", who, (new,), self.wait())

    def _changed(self, now: Params) -> Params:
        """One parameter is another: drawn, or a bound, or just outside it."""
        read = self.read
        choice = read.byte()
        if choice < 20:  # who could not use it
            site = self.world.site
            wrong = (NOBODY, site.market.address, site.pool.address, self.world.vault(self.some()))
            to = read.pick((*wrong, site.token.address, site.fund, EVE))
            return replace(now, treasury=to)
        if choice < 160:
            name = read.pick(tuple(DRAWS))
            new = changed(now, **{name: drawn(name, now, random.Random(read.word()))})
            return fitted(new) if read.byte() % 2 else new
        name = read.pick(tuple(BOUNDS))
        low, high = BOUNDS[name]
        value = read.pick((low, high, max(0, low - 1), high + 1))
        return changed(now, **{name: value})

    def final(self) -> Iterator[Op]:
        """The market dies: a final price, everybody paid."""
        twin, wait = self.twin, self.world.params.dead_after_secs
        if twin.state.mode < Mode.FINAL:
            yield self.op("fail_oracle", args=(1,), wait=self.wait())
            yield self.op("accrue", KEEPER, (), wait - DELAY - self.read.byte() % 2)
            mark = twin.state.mark * (50 + self.read.byte()) // 100
            yield self.op("announce_final", GOVERNANCE, (mark,), self.read.byte() % 3)
            if self.read.byte() < 90:
                yield from self.too_late()
            yield from self.too_soon()
            if self.read.byte() < 30:
                yield self.op("set_price", args=(twin.state.mark, 0, 0, 0), wait=60)
                yield from self.liquidate()
            yield self.op("execute_final", EVE, (), wait - self.read.byte() // 250)
            return
        held = self.held()
        if held:
            yield self.op("settle_final", EVE, (self.read.pick(held),), self.wait())
        moves = self.draw, self.provide, self.remove, self.idle, self.sweep, self.too_late
        yield from self.read.pick(moves)()

    def too_soon(self) -> Iterator[Op]:
        """Somebody's final settlement at a price that is only announced."""
        held = self.held()
        if held and self.read.byte() < 90:
            yield self.op("settle_final", EVE, (self.read.pick(held),), self.wait())

    def too_late(self) -> Iterator[Op]:
        """Whoever may change a market's mode or parameters tries again, however far its end has
        come: another final price, that one once more, trading as before."""
        read, choice = self.read, self.read.byte()
        if choice < 100:
            mark = self.twin.state.mark * (50 + read.byte()) // 100
            yield self.op("announce_final", GOVERNANCE, (mark,), self.wait())
        elif choice < 140:
            yield self.op("execute_final", EVE, (), self.wait())
        elif choice < 180:
            yield self.op("enter_reduce_only", GUARDIAN, (), self.wait())
        elif choice < 220:
            yield self.op("leave_reduce_only", GOVERNANCE, (), self.wait())
        else:
            yield from self.parameters()

    def misdirect(self) -> Iterator[Op]:
        """The right caller names a receiver that could never use it."""
        read, world, site = self.read, self.world, self.world.site
        id_ = self.some()
        owner = self.twin.position(id_).owner
        wrong = (NOBODY, site.market.address, site.pool.address, site.fund)
        wrong += tuple(self.twin.core.deployed()[:1])
        to, provider = read.pick(wrong), read.pick(world.stage.providers)
        name, caller, args = read.pick(
            (
                ("remove_margin", owner, (id_, 1, to)),
                ("close_and_withdraw", owner, (id_, 0, FOREVER, to)),
                ("transfer_position", owner, (id_, to)),
                ("liquidate", KEEPER, (id_, to)),
                ("reserve", KEEPER, (wrong[read.byte() % 4],)),
                ("draw_ticket", self.twin.ticket(1).owner, (1, to)),
                ("redeem", provider, (1, to, provider)),
                ("request_deposit", provider, (2, to, provider)),
            )
        )
        yield self.op(name, caller, args, self.wait())

    # ---- the hostile

    def blacklist(self) -> Iterator[Op]:
        """The token stops serving somebody (both ways, or one), or relents."""
        world, read = self.world, self.read
        site = world.site
        who = read.pick(
            (
                *(*OWNERS, KEEPER, world.vault(self.some()), world.vault(self.some())),
                *(site.fund, site.book.address),
            )
        )
        choice = read.byte()
        listed = (True, True) if choice < 70 else (True, False) if choice < 110 else (False, False)
        yield self.op("block", EVE, (who, *listed))
        if choice < 110:
            yield from self.liquidate()
            yield (
                self.op("block", EVE, (who, False, False))
                if choice % 2
                else self._liquidate(self.some())
            )

    def destroy(self) -> Iterator[Op]:
        """The token's issuer destroys what a vault holds, all or a part, of a flat position what
        backs its debt, or a unit of that; then it is settled, served again or not."""
        read, world, twin = self.read, self.world, self.twin
        owing = [id_ for id_ in world.ids if self._owes(id_)]
        if not owing or read.byte() < 60:
            id_ = self.some()
            yield self.op("block", EVE, (world.vault(id_), True, True))
            if read.byte() < 170:
                yield self._left(id_)
        else:
            id_ = read.pick(owing)
        held, vault = twin.margin(id_), world.vault(id_)
        p = twin.position(id_)
        over = held - p.basis // world.unit if p.size == 0 else held // 2
        part = read.pick((held, over + 1, over, held // 2, (held + over) // 2, held - 1, 1))
        yield self.op("destroy", EVE, (vault, max(0, part)), self.wait())
        if read.byte() < 100:
            yield self.op("block", EVE, (vault, False, False))
        if read.byte() < 200:
            yield self.op("settle", EVE, (id_,), self.wait())

    def _owes(self, id_: int) -> bool:
        held = self.twin.position(id_)
        return bool(held.size == 0 and held.basis > 0)

    def _left(self, id_: int) -> Op:
        """A position ends, as it can now."""
        held = self.twin.position(id_)
        if self.twin.state.mode >= Mode.FINAL:
            return self.op("settle_final", EVE, (id_,), self.wait())
        if self.twin.liquidatable(id_):
            return self.op("liquidate", KEEPER, (id_, KEEPER), self.wait())
        limit = 0 if held.size > 0 else ANY_BUY
        return self.op("close", held.owner, (id_, limit, FOREVER), self.wait())

    def halt(self) -> Iterator[Op]:
        """The token stops paying altogether, or pays again."""
        on = not self.twin.core.halted
        yield self.op("halt", KEEPER, (on,))
        if on:
            yield from self.liquidate()

    def call_back(self) -> Iterator[Op]:
        """A payment to or from somebody whom the token tells of it, and who then calls back."""
        world = self.world
        mole = world.stage.contracts[MOLE].address
        yield self.op("arm", KEEPER, (self.market_call(), self.some()))
        own = [i for i in world.ids if self.twin.position(i).owner == mole]
        if not own:
            size = self._size()
            margin = abs(size) * self.twin.state.mark // WAD // 5 // world.unit
            limit = 2**255 if size > 0 else 0
            yield self.op("open", mole, (0, size, margin, limit, FOREVER), self.wait())
            return
        id_ = self.read.pick(own)
        limit = 0 if self.twin.position(id_).size > 0 else 2**255
        name, args = self.read.pick(
            (
                ("add_margin", (id_, self.amount())),
                ("remove_margin", (id_, max(1, self.twin.withdrawable(id_)), mole)),
                ("close_and_withdraw", (id_, limit, FOREVER, mole)),
                ("liquidate", (self.some(), mole)),
            )
        )
        yield self.op(name, mole, args, self.wait())

    def forbidden(self) -> Iterator[Op]:
        """What nobody may do."""
        id_, world = self.some(), self.world
        site = world.site
        name, args = self.read.pick(
            (
                ("enter_reduce_only", ()),
                ("leave_reduce_only", ()),
                ("liquidate", (id_, site.pool.address)),
                ("liquidate", (id_, world.vault(id_))),
                ("liquidate", (99, EVE)),
                ("settle", (0,)),
                ("remove_margin", (id_, 1, site.fund)),
                ("close", (99, 0, FOREVER)),
                ("add_margin", (77, 5)),
                ("settle_final", (id_,)),
                ("execute_final", ()),
                ("reserve", (site.pool.address,)),
                ("reserve", (self.read.pick(OWNERS),)),
                ("deleverage", (99,)),
                ("transfer_position", (id_, EVE)),
                ("set_margin_call", (id_, True)),
                ("draw_ticket", (1, EVE)),
                *self._taking(self.read.pick(world.stage.providers)),
            )
        )
        yield self.op(name, EVE, args)

    def _taking(self, who: str) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """What a provider has, for somebody whom it has told nothing."""
        pool = self.twin.pool
        adding, leaving = pool.deposits.folded(who), pool.redemptions.folded(who)
        shares = pool.shares.get(who, 0)
        return (
            ("request_redeem", (shares, EVE, who)),
            ("share_transfer_from", (who, EVE, shares)),
            ("deposit", (adding.assets, EVE, who)),
            ("mint", (adding.shares, EVE, who)),
            ("redeem", (leaving.shares, EVE, who)),
            ("withdraw", (leaving.assets, EVE, who)),
            ("refund_deposit", (EVE, who)),
            ("request_deposit", (self.world.dollars(1_000), EVE, who)),
        )
