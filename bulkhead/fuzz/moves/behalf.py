"""One acts for another, in favour of a third: operators of providers, delegates of traders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bulkhead.fuzz.moves.orders import Ordering
from bulkhead.fuzz.moves.others import Others
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, DELEGATE, FOREVER, KEEPER, OWNERS
from bulkhead.fuzz.signing import GOOD, OTHER_ACT, SIGNATURES
from bulkhead.fuzz.stage import MOLE
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD


class Behalf(Ordering, Others):
    """Those who may act for somebody, at all that they may do."""

    def operator(self) -> Iterator[Op]:
        """A provider's operator asks in its name, for it or another; when that is priced each of
        them claims, in both ways, for whom they like."""
        read, world, pool = self.read, self.world, self.twin.pool
        who = read.pick(world.stage.providers)
        operator, delays = self._operator(who), world.params
        if not pool.operators.get((who, operator)):
            yield self.op("set_operator", who, (operator, True), self.wait())
        if self.twin.state.mode < Mode.SETTLED:
            amount = world.dollars(read.pick((10, 1_000, 20_000)))
            yield self.op("request_deposit", operator, (amount, self._provider(who), who))
            shares = pool.shares.get(who, 0) // read.pick((7, 40))
            yield self.op("request_redeem", operator, (shares, self._provider(who), who))
            for wait in (delays.deposit_delay_secs, delays.redeem_delay_secs):
                wait = max(wait, delays.pricing_wait_secs) + 1
                yield self.op("set_price", args=(world.site.reading.mark, 0, 0, 0), wait=wait)
                yield self.op("accrue", KEEPER)
        for _ in range(3):
            choice = read.byte()
            caller = operator if choice % 3 else who
            yield self._claim(caller, who, choice // 3 % 4, self._provider(who))
        if self.twin.state.mode == Mode.SETTLED:
            yield self.op("refund_deposit", operator, (self.receiver(who), who))
        if read.byte() < 90:
            yield self.op("set_operator", who, (operator, False))
            yield self._claim(operator, who, read.byte() % 4, who)

    def deputy(self) -> Iterator[Op]:
        """A delegate trades its owner's position and orders for it: the owner gets what comes of
        it, the delegate pays what it orders."""
        read, world, id_ = self.read, self.world, self.some()
        held = self.twin.position(id_)
        if held.owner not in world.stage.people or held.size == 0:
            return
        deputy = DELEGATE if read.byte() < 128 else read.pick(OWNERS)
        scope = read.pick((0, id_))
        yield self.op("set_delegate", held.owner, (scope, deputy, FOREVER), self.wait())
        order = self._growing(held.owner, id_)
        part = held.size // 40
        buys, sells = (ANY_BUY, 0) if part > 0 else (0, ANY_BUY)
        for _ in range(2):
            # One who calls the market when it is paid must not be the book's to pay.
            choice = read.byte() % (5 if MOLE in world.stage.contracts else 8)
            if choice < 2:
                yield self.op("increase", deputy, (id_, part, buys, FOREVER))
            elif choice < 4:
                yield self.op("decrease", deputy, (id_, -part, sells, FOREVER))
            elif choice == 4:
                yield self.op("close", deputy, (id_, sells, FOREVER))
            else:
                yield self.op("place_order", deputy, (order,))
                edited = replace(order, salt=order.salt ^ WAD)
                yield self.op(
                    "edit_order", read.pick((deputy, deputy, held.owner)), (order, edited)
                )
                if read.byte() < 128:
                    yield self.op("cancel_order", deputy, (edited,))
                return

    def signed(self) -> Iterator[Op]:
        """An order that its owner signed, or not so; then an end that it did not sign so."""
        read, world = self.read, self.world
        owner = read.pick(world.stage.signers)
        order = self._order(owner, self._size())
        hows = SIGNATURES
        placing, ending = (read.byte(), read.byte())
        how = hows[placing % len(hows)] if placing < 60 else GOOD
        yield self.op("place_signed", KEEPER, (order, how), self.wait())
        yield self.op("cancel_signed", KEEPER, (order, hows[ending % len(hows)]), self.wait())
        if ending < 60:
            yield self.op("place_signed", KEEPER, (order, OTHER_ACT))
