"""Trading, margin, and what surrounds a position."""

from __future__ import annotations

from collections.abc import Iterator

from bulkhead.fuzz.moves.base import Moves, enough
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, DELEGATE, EVE, FOREVER, KEEPER, OWNERS, USERS
from bulkhead.model.types import UNBOUNDED
from bulkhead.model.wad import WAD

_DOLLARS = (1_000, 1_001, 5_000, 20_000, 40_000, 60_000, 90_000, 600_000)


class Trading(Moves):
    """What owners and delegates do."""

    def _size(self) -> int:
        read = self.read
        mark: int = self.twin.state.mark
        dollars = _DOLLARS[read.byte() % 8 if read.byte() < 100 else 2 + read.byte() % 4]
        size = dollars * self.world.setting.scale * WAD * WAD // mark
        choice = read.byte()
        if choice < 12:  # a bracket's end, the least notional, the size where a reward turns
            p = self.world.params
            ends = [row.upper_notional for row in p.brackets if row.upper_notional != UNBOUNDED]
            ends += [p.min_notional]
            if p.keeper_rate:
                ends += [end * WAD // p.keeper_rate for end in (p.reward_floor, p.reward_cap)]
            size = -(-read.pick(ends) * WAD // mark) + self.near()
        elif choice < 20 and self.world.params.min_notional < WAD:
            size = 1 + read.word()
        else:
            size += read.pick((0, 0, 1, 7_777_777))
        return -size if read.byte() % 2 else size

    def _who(self) -> str:
        agents = tuple(self.world.stage.agents)
        return self.read.pick(agents if agents and self.read.byte() < 110 else OWNERS)

    def open(self) -> Iterator[Op]:
        """A new position, or a flat one anew."""
        world, read = self.world, self.read
        owner, size = self._who(), self._size()
        notional = abs(size) * self.twin.state.mark // WAD
        leverage = read.pick((2, 4, 8, 12, 16, 18, 19, 20, 21))
        margin = notional // leverage // world.unit + read.byte() % 3
        flat = [i for i in world.ids if not self.twin.position(i).size]
        id_ = 0
        if flat and (len(world.ids) > 14 or read.byte() < 80):
            id_ = read.pick(flat)
            owner = self.owner(id_)
        args = (id_, size, margin, self.limit(size), self.deadline())
        yield self.op("open", owner, args, self.wait())
        if owner in world.stage.agents and read.byte() < 220:
            yield self.op("set_margin_call", owner, (id_ or len(world.ids), True))

    def lopsided(self) -> Iterator[Op]:
        """Both sides grow in turns, as far as the largest skew lets them; then one of them goes."""
        world, twin, p = self.world, self.twin, self.world.params
        cap = min(p.max_open_interest, p.max_utilisation * max(0, twin.nav()) // WAD)
        most = min(p.max_skew, cap * WAD // twin.state.mark // 4)
        sign = self.read.pick((-1, 1))
        for _ in range(4):
            sign = -sign
            size = sign * most - twin.state.skew
            if size * sign > 0:
                limit = ANY_BUY if sign > 0 else 0
                args = (0, size, 2 * enough(world, size), limit, FOREVER)
                yield self.op("open", self.read.pick(OWNERS), args)
        leaving = self.read.pick((-1, 1))
        for id_ in self.held():
            held = twin.position(id_)
            if held.size * leaving > 0:
                limit = 0 if leaving > 0 else ANY_BUY
                yield self.op("close", held.owner, (id_, limit, FOREVER))
        yield from self.accrue()

    def reserve(self) -> Iterator[Op]:
        """A flat position for somebody."""
        yield self.op("reserve", self.read.pick(USERS), (self._who(),), self.wait())

    def increase(self) -> Iterator[Op]:
        """Adds risk."""
        id_ = self.some()
        size = self.twin.position(id_).size
        delta = size * (1 + self.read.byte() % 40) // 20 or 1
        if self.read.byte() > 245:
            delta = -delta
        args = (id_, delta, self.limit(delta), self.deadline())
        yield self.op("increase", self.owner(id_), args, self.wait())

    def largest(self) -> Iterator[Op]:
        """As much risk as margin and caps allow, one unit less or one more."""
        id_ = self.some()
        held = self.twin.position(id_)
        if held.size == 0:
            return
        yield from self.accrue()
        sign = 1 if held.size > 0 else -1
        limit = 2**255 if sign > 0 else 0
        most = abs(held.size) * 8

        def args(value: int) -> tuple[int, int, int, int]:
            return id_, sign * value, limit, FOREVER

        found = self.edge("increase", held.owner, args, most)
        yield self.op("increase", held.owner, args(max(1, found + self.near())))

    def decrease(self) -> Iterator[Op]:
        """A part, all, all but one, or one too many."""
        id_ = self.some()
        size = self.twin.position(id_).size
        choice = self.read.byte()
        delta = -size * (1 + choice % 19) // 20
        if choice > 220:
            delta = -size + (choice % 3 - 1)
        args = (id_, delta, self.limit(delta), self.deadline())
        yield self.op("decrease", self.owner(id_), args, self.wait())

    def smallest(self) -> Iterator[Op]:
        """As much off as leaves the least notional or the margin needed, and a unit either way."""
        id_ = self.some()
        held = self.twin.position(id_)
        if held.size == 0:
            return
        yield from self.accrue()
        sign = 1 if held.size > 0 else -1
        limit = 0 if sign > 0 else 2**255

        def args(value: int) -> tuple[int, int, int, int]:
            return id_, -sign * value, limit, FOREVER

        found = self.edge("decrease", held.owner, args, abs(held.size) - 1)
        yield self.op("decrease", held.owner, args(max(1, found + self.near())))

    def close(self) -> Iterator[Op]:
        """Out."""
        id_ = self.some()
        limit = self.limit(-self.twin.position(id_).size)
        owner = self.owner(id_)
        if self.read.byte() % 2:
            yield self.op("close", owner, (id_, limit, self.deadline()), self.wait())
        else:
            args = (id_, limit, self.deadline(), self.receiver(owner, id_))
            yield self.op("close_and_withdraw", owner, args, self.wait())

    # ---- margin

    def add(self) -> Iterator[Op]:
        """Margin by the owner or by anybody."""
        id_ = self.some()
        yield self.op("add_margin", self.read.pick(USERS), (id_, self.amount()), self.wait())

    def remove(self) -> Iterator[Op]:
        """Just what is free, one more, one less, or anything."""
        id_, choice = self.some(), self.read.byte()
        owner = self.owner(id_)
        if choice < 60:
            to = self.receiver(owner, id_)
            yield self.op("remove_margin", owner, (id_, self.amount(), to), self.wait())
            return
        yield self.op("accrue", KEEPER, (), self.wait())
        amount = self.twin.withdrawable(id_) + (choice % 3 - 1)
        yield self.op("remove_margin", owner, (id_, max(0, amount), self.receiver(owner, id_)))

    def settle(self) -> Iterator[Op]:
        """Funding."""
        yield self.op("settle", self.read.pick(USERS), (self.some(),), self.wait())

    # ---- around positions

    def transfer(self) -> Iterator[Op]:
        """A position changes hands."""
        id_, world = self.some(), self.world
        # A vault that is not deployed would own the position, and nobody could act for it.
        vaults = self.twin.core.deployed()[:1]
        to = self.read.pick((*OWNERS, world.site.pool.address, *vaults))
        yield self.op("transfer_position", self.owner(id_), (id_, to), self.wait())

    def delegate(self) -> Iterator[Op]:
        """Delegates, what they trade and what they hold back."""
        id_, choice, read = self.some(), self.read.byte(), self.read
        who = DELEGATE if read.byte() < 160 else read.pick(USERS)
        if choice < 90:
            expiry = read.pick((0, self.world.now, self.world.now + 600, FOREVER, FOREVER))
            scope = id_ if choice % 4 else 0
            yield self.op("set_delegate", self.owner(id_), (scope, who, expiry))
        elif choice < 150:
            yield self.op("set_lock", who, (id_, self.amount() % 10**30), self.wait())
        elif choice < 180:
            yield self.op("free_lock", EVE, (id_, who), self.wait())
        elif choice < 220:
            size = self.twin.position(id_).size
            delta = size * (read.byte() % 21 - 10) // 20
            name = "increase" if delta * size > 0 else "decrease"
            yield self.op(name, who, (id_, delta, self.limit(delta), FOREVER))
        else:  # what a delegate may never do
            yield self._overreach(id_, who)

    def _overreach(self, id_: int, who: str) -> Op:
        """What a delegate may never do."""
        limit = 0 if self.twin.position(id_).size > 0 else UNBOUNDED
        name, args = self.read.pick(
            (
                ("remove_margin", (id_, 1, who)),
                ("remove_margin", (id_, max(1, self.twin.withdrawable(id_)), who)),
                ("transfer_position", (id_, who)),
                ("set_delegate", (id_, who, FOREVER)),
                ("close_and_withdraw", (id_, limit, FOREVER, who)),
                ("set_margin_call", (id_, True)),
            )
        )
        return self.op(name, who, args)

    def entrust(self) -> Iterator[Op]:
        """A delegate from its naming to its end, at each of which it tries what it may."""
        id_, read, world = self.some(), self.read, self.world
        owner, unit = self.twin.position(id_).owner, world.dollars(1)
        expiry = world.now + 60 if read.byte() % 2 else FOREVER
        scope = id_ if read.byte() % 4 else 0
        yield self.op("set_delegate", owner, (scope, DELEGATE, expiry))
        for amount in (40 * unit + 1, 30 * unit + read.byte() % 2):
            yield self.op("set_lock", DELEGATE, (id_, amount))
        yield self._overreach(id_, DELEGATE)
        yield self.op("remove_margin", owner, (id_, self.twin.withdrawable(id_) + 1, owner))
        yield self.op("free_lock", EVE, (id_, DELEGATE))
        end = read.byte() % 4
        if end == 0:
            to = read.pick([who for who in OWNERS if who != owner])
            yield self.op("transfer_position", owner, (id_, to))
        elif end == 1:
            yield self.op("set_delegate", owner, (scope, DELEGATE, 0))
        elif expiry < FOREVER:
            wait = max(0, expiry - world.now + read.byte() % 2)  # its last second, or the next
            yield self.op("set_lock", DELEGATE, (id_, 50 * unit), wait)
        yield self.op("set_lock", DELEGATE, (id_, 60 * unit))
        yield self.op("free_lock", EVE, (id_, DELEGATE))
        delta = -self.twin.position(id_).size // 20
        yield self.op("decrease", DELEGATE, (id_, delta, self.limit(delta), FOREVER))

    def donate(self) -> Iterator[Op]:
        """A plain transfer to a vault, the pool, the fund, a vault that is not there yet."""
        site, id_ = self.world.site, self.some()
        ahead = len(self.world.ids) + 1 + self.read.byte() % 2
        vault = self.world.vault(id_ if self.read.byte() < 200 or id_ == 0 else ahead)
        to = self.read.pick((vault, vault, site.pool.address, site.fund, site.book.address))
        yield self.op("send", self.read.pick(USERS), (to, self.amount()), self.wait())
