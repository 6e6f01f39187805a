"""Sequences of ops decoded from bytes against the present state: what is likely to matter now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bulkhead.model.types import Mode

from . import laws
from .laws import Pos, Terms
from .world import (
    DELAY,
    EVE,
    FOREVER,
    GOVERNANCE,
    GUARDIAN,
    KEEPER,
    LP,
    LP2,
    OWNERS,
    PRICE,
    USERS,
    WAD,
    Op,
    World,
)

T = TypeVar("T")
ANY_BUY = 2**255
MAX_MARK = 2**96 - 1


class Bytes:
    """Choices read from a blob."""

    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.at = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.blob)

    def byte(self) -> int:
        """0 to 255; 0 at the end."""
        if self.empty:
            return 0
        self.at += 1
        return self.blob[self.at - 1]

    def word(self) -> int:
        """0 to 65,535."""
        return self.byte() << 8 | self.byte()

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.byte() % len(options)]

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """One of them by weight."""
        place = self.word() % sum(weight for weight, _ in options)
        for weight, option in options:
            if place < weight:
                return option
            place -= weight
        raise AssertionError


class Decoder:
    """Chooses the next ops."""

    def __init__(self, world: World, blob: bytes) -> None:
        self.world = world
        self.read = Bytes(blob)

    def ops(self) -> Iterator[Op]:
        """Ops until the blob ends. Each is to be played before the next is asked for."""
        while not self.read.empty:
            yield from self.read.weighted(self._options())()

    # ---- what there is

    @property
    def twin(self) -> Any:
        """The model."""
        return self.world.twin

    def _held(self) -> list[int]:
        return [id_ for id_ in self.world.ids if self.twin.position(id_).size]

    def _some(self) -> int:
        """An id, mostly with a position."""
        held = self._held()
        return self.read.pick(held if held and self.read.byte() < 240 else self.world.ids or [0])

    def _owner(self, id_: int) -> str:
        """Mostly the owner; else a stranger."""
        return self.twin.position(id_).owner if self.read.byte() < 245 else self.read.pick(USERS)

    def _wait(self) -> int:
        return self.read.pick((0, 0, 0, 0, 0, 0, 1, 1, 12, 60))

    def _options(self) -> list[tuple[int, Callable[[], Iterator[Op]]]]:
        twin, held = self.twin, self._held()
        ill = sum(twin.liquidatable(id_) for id_ in held)
        net = twin.net_claim() * WAD
        adl = net > self.world.params.adl_start * twin.state.cash * self.world.unit
        stuck = self.world.failure != 0
        return [
            (60 if len(held) < 8 else 15, self.open),
            (25, self.increase),
            (35, self.decrease),
            (12, self.close),
            (10, self.add),
            (25, self.remove),
            (12, self.settle),
            (12, self.accrue),
            (80 if stuck else 55, self.price),
            (30, self.solved_price),
            (30, self.solved_margin),
            (20, self.idle),
            (120 if ill else 8, self.liquidate),
            (25 if ill else 4, self.liquidate_many),
            (150 if adl else 3, self.deleverage),
            (8, self.transfer),
            (10, self.delegate),
            (5, self.outage),
            (25, self.provide),
            (5, self.sweep),
            (60 if twin.core.totals.next_ticket_id > 1 else 2, self.draw),
            (4 if twin.state.mode == Mode.NORMAL else 60, self.modes),
            (10, self.donate),
            (8, self.forbidden),
            (8, self.renewal),
            (12, self.storm),
            (10, self.epoch),
            (4, self.parameters),
            (2 if twin.state.mode < Mode.FINAL else 300, self.final),
        ]

    # ---- trading

    def _size(self) -> int:
        dollars = (1_000, 1_001, 5_000, 20_000, 40_000, 60_000, 90_000, 600_000)[
            self.read.byte() % 8 if self.read.byte() < 100 else 2 + self.read.byte() % 4
        ]
        size = dollars * WAD * WAD // self.twin.state.mark
        size += self.read.pick((0, 0, 1, 7_777_777))
        return -size if self.read.byte() % 2 else size

    def _limit(self, delta: int) -> int:
        choice = self.read.byte()
        if choice < 240:
            return 0 if delta < 0 else ANY_BUY
        mark: int = self.twin.state.mark
        return mark + (choice - 248) * mark // 10_000

    def _deadline(self) -> int:
        return FOREVER if self.read.byte() < 250 else self.world.now - 1 + self.read.byte() % 3

    def open(self) -> Iterator[Op]:
        """A new position, or a flat one anew."""
        owner = self.read.pick(OWNERS)
        size = self._size()
        notional = abs(size) * self.twin.state.mark // WAD
        leverage = self.read.pick((2, 4, 8, 12, 16, 18, 19, 20, 21))
        margin = notional // leverage // self.world.unit + self.read.byte() % 3
        flat = [i for i in self.world.ids if not self.twin.position(i).size]
        id_ = 0
        if flat and (len(self.world.ids) > 14 or self.read.byte() < 80):
            id_ = self.read.pick(flat)
            owner = self._owner(id_)
        args = (id_, size, margin, self._limit(size), self._deadline())
        yield Op("open", owner, args, self._wait())

    def increase(self) -> Iterator[Op]:
        """Adds risk."""
        id_ = self._some()
        size = self.twin.position(id_).size
        delta = size * (1 + self.read.byte() % 40) // 20 or 1
        if self.read.byte() > 245:
            delta = -delta
        args = (id_, delta, self._limit(delta), self._deadline())
        yield Op("increase", self._owner(id_), args, self._wait())

    def decrease(self) -> Iterator[Op]:
        """A part, all, all but one, or one too many."""
        id_ = self._some()
        size = self.twin.position(id_).size
        choice = self.read.byte()
        delta = -size * (1 + choice % 19) // 20
        if choice > 220:
            delta = -size + (choice % 3 - 1)
        args = (id_, delta, self._limit(delta), self._deadline())
        yield Op("decrease", self._owner(id_), args, self._wait())

    def close(self) -> Iterator[Op]:
        """Out."""
        id_ = self._some()
        limit = self._limit(-self.twin.position(id_).size)
        owner = self._owner(id_)
        if self.read.byte() % 2:
            yield Op("close", owner, (id_, limit, self._deadline()), self._wait())
        else:
            to = owner if self.read.byte() < 240 else self.world.pool.address
            args = (id_, limit, self._deadline(), to)
            yield Op("close_and_withdraw", owner, args, self._wait())

    # ---- margin

    def _amount(self) -> int:
        unit = self.world.dollars(1)
        return self.read.pick((0, 1, 2, unit, 37 * unit + 1, 500 * unit, 10**9 * unit))

    def add(self) -> Iterator[Op]:
        """Margin by the owner or by anybody."""
        id_ = self._some()
        yield Op("add_margin", self.read.pick(USERS), (id_, self._amount()), self._wait())

    def remove(self) -> Iterator[Op]:
        """Just what is free, one more, one less, or anything."""
        id_, choice = self._some(), self.read.byte()
        owner = self._owner(id_)
        if choice < 60:
            yield Op("remove_margin", owner, (id_, self._amount(), owner), self._wait())
            return
        yield Op("accrue", KEEPER, (), self._wait())
        amount = self.twin.withdrawable(id_) + (choice % 3 - 1)
        yield Op("remove_margin", owner, (id_, max(0, amount), owner))

    def settle(self) -> Iterator[Op]:
        """Funding."""
        yield Op("settle", self.read.pick(USERS), (self._some(),), self._wait())

    def accrue(self) -> Iterator[Op]:
        """Mark and funding."""
        yield Op("accrue", KEEPER, (), self._wait())

    def idle(self) -> Iterator[Op]:
        """Time passes."""
        yield Op("accrue", KEEPER, (), self.read.pick((1, 59, 60, 601, 901, 3_600, 86_401)))

    # ---- prices

    def _price(self, mark: int, lag: int = 0, wait: int | None = None) -> Op:
        choice = self.read.byte()
        most = self.world.params.max_spread
        spread = most + 1 if choice == 255 else (0, 0, most // 10, most)[choice % 4]
        resumed = self.world.now - self.read.byte() if choice in (253, 254) else 0
        wait = self._wait() if wait is None else wait
        return Op("set_price", args=(mark, spread, lag, resumed), wait=wait)

    def price(self) -> Iterator[Op]:
        """Small moves, gaps, and a return to where it began."""
        mark, choice = self.world.reading.mark, self.read.byte()
        step = self.read.word()
        if choice < 110:
            mark += mark * (step - 32_768) // 3_276_800  # within 1 %
        elif choice < 180:
            mark += mark * (step - 32_768) // 400_000  # within 8 %
        elif choice < 215:
            mark = mark * 100 // (101 + step % 60)
        elif choice < 250:
            mark = mark * (101 + step % 90) // 100
        else:
            mark = (10**9, 10**9 - 1, MAX_MARK + 1, PRICE, PRICE, PRICE)[choice - 250]
        if not PRICE // 20 < mark < PRICE * 20:
            mark = PRICE if step % 20 else mark
        lag = step % 7 if choice % 16 == 0 else 0
        yield self._price(mark, lag)
        if step % 3:
            yield Op("accrue", KEEPER)

    def solved_price(self) -> Iterator[Op]:
        """The mark at which somebody's health turns, and one tick to either side."""
        id_ = self._some()
        p = self._position(id_)
        if p.size == 0:
            return
        yield Op("accrue", KEEPER, (), self._wait())
        yield self._price(self.twin.state.mark, wait=1)
        found = self.world.at_mark()
        if found is None:
            return
        edge = turning_mark(p, found[0])
        if not PRICE // 20 < edge < PRICE * 20:
            return
        spread = found[0].spread
        mark = edge + self.read.pick((-1, 0, 1))
        yield Op("set_price", args=(mark, spread, 0, 0))
        yield self._liquidate(id_)

    def solved_margin(self) -> Iterator[Op]:
        """A donation after which somebody's equity is MM, one unit less or one more."""
        ill = [i for i in self._held() if self.twin.liquidatable(i)]
        id_ = self.read.pick(ill) if ill else self._some()
        found = self.world.at_mark()
        p = self._position(id_)
        if p.size == 0 or found is None:
            return
        short = laws.up(-laws.surplus(p, found[0]), self.world.unit)
        amount = short + self.read.pick((-1, 0, 1))
        if short > 0 and amount > 0:
            yield Op("send", self.read.pick(USERS), (self.world.vault(id_), amount))
        yield self._liquidate(id_)

    def renewal(self) -> Iterator[Op]:
        """A second mark in one block: for liquidations only."""
        id_ = self._some()
        yield self._price(self.world.reading.mark, lag=5, wait=12)
        yield Op("accrue", KEEPER)
        factor = 80 + self.read.byte() % 41
        yield Op("set_price", args=(self.world.reading.mark * factor // 100, 0, 0, 0))
        yield self._liquidate(id_)
        yield from self.read.pick((self.close, self.add, self.liquidate, self.accrue))()

    def outage(self) -> Iterator[Op]:
        """The oracle fails; later it says when it came back."""
        if self.world.failure:
            now = self.world.now
            yield Op("set_price", args=(self.world.reading.mark, 0, 0, now), wait=5)
        else:
            yield Op("fail_oracle", args=(1 + self.read.byte() % 5,), wait=self._wait())

    def _position(self, id_: int) -> Pos:
        held = self.twin.position(id_)
        return Pos(held.size, held.basis, held.funding_entry, self.twin.margin(id_))

    # ---- liquidation

    def _liquidate(self, id_: int) -> Op:
        keeper = KEEPER if self.read.byte() < 200 else self.read.pick(USERS)
        return Op("liquidate", keeper, (id_, keeper), self.read.pick((0, 0, 0, 1)))

    def liquidate(self) -> Iterator[Op]:
        """Somebody ill, if there is."""
        ill = [i for i in self._held() if self.twin.liquidatable(i)]
        yield self._liquidate(self.read.pick(ill) if ill else self._some())

    def liquidate_many(self) -> Iterator[Op]:
        """Some, in any order, twice perhaps, with an unknown one."""
        ids = tuple(self._some() for _ in range(1 + self.read.byte() % 5))
        if self.read.byte() > 200:
            ids += (99, ids[0])
        yield Op("liquidate_many", KEEPER, (ids, KEEPER), self._wait())

    def deleverage(self) -> Iterator[Op]:
        """Winners go."""
        mark = self.twin.state.mark
        ahead = [i for i in self._held() if self.twin.core.ledger(i).claim(mark) > 0]
        id_ = self.read.pick(ahead) if ahead else self._some()
        yield Op("deleverage", KEEPER, (id_,), self._wait())

    # ---- around positions

    def transfer(self) -> Iterator[Op]:
        """A position changes hands."""
        id_ = self._some()
        to = self.read.pick((*OWNERS, self.world.pool.address, self.world.vault(id_)))
        yield Op("transfer_position", self._owner(id_), (id_, to), self._wait())

    def delegate(self) -> Iterator[Op]:
        """Delegates and what they hold back."""
        id_, who, choice = self._some(), self.read.pick(USERS), self.read.byte()
        if choice < 100:
            expiry = self.read.pick((0, self.world.now, self.world.now + 600, FOREVER))
            scope = id_ if choice % 4 else 0
            yield Op("set_delegate", self._owner(id_), (scope, who, expiry))
        elif choice < 200:
            yield Op("set_lock", who, (id_, self._amount() % 10**30), self._wait())
        else:
            yield Op("free_lock", EVE, (id_, who), self._wait())

    def donate(self) -> Iterator[Op]:
        """A plain transfer to a vault, the pool, the fund."""
        world = self.world
        to = self.read.pick((world.vault(self._some()), world.pool.address, world.fund))
        yield Op("send", self.read.pick(USERS), (to, self._amount()), self._wait())

    # ---- the pool

    def provide(self) -> Iterator[Op]:
        """Requests and claims."""
        who, choice = self.read.pick((LP, LP2)), self.read.byte() % 8
        pool = self.twin.pool
        if choice == 0 and self.twin.state.mode == Mode.SETTLED:
            yield Op("refund_deposit", who, (who, who), self._wait())
        elif choice < 2:
            amount = self.world.dollars(self.read.pick((1, 1_000, 100_000)))
            yield Op("request_deposit", who, (amount, who, who), self._wait())
        elif choice < 4:
            have = pool.shares.get(who, 0)
            amount = have * (1 + self.read.byte() % 20) // 20 + self.read.byte() // 254
            yield Op("request_redeem", who, (amount, who, who), self._wait())
        else:
            name = ("deposit", "mint", "redeem", "withdraw")[choice - 4]
            side = pool.deposits if choice < 6 else pool.redemptions
            account = side.folded(who)
            most = account.assets if name in ("deposit", "withdraw") else account.shares
            amount = (most, most, most // 3, most + 1)[self.read.byte() % 4]
            yield Op(name, who, (amount, who, who), self._wait())

    def sweep(self) -> Iterator[Op]:
        """Fee shares leave."""
        yield Op("sweep_fees", EVE, (), self._wait())

    def draw(self) -> Iterator[Op]:
        """A ticket."""
        last = self.twin.core.totals.next_ticket_id
        number = self.read.byte() % last + (1 if self.read.byte() < 200 else 0)
        owner = self.twin.ticket(number).owner
        if owner not in USERS or self.read.byte() > 245:
            owner = EVE
        yield Op("draw_ticket", owner, (number, owner), self._wait())

    # ---- governance and the forbidden

    def modes(self) -> Iterator[Op]:
        """ReduceOnly and back."""
        if self.twin.state.mode == Mode.NORMAL:
            yield Op("enter_reduce_only", GUARDIAN, (), self._wait())
        else:
            yield Op("leave_reduce_only", GOVERNANCE, (), self._wait())

    def parameters(self) -> Iterator[Op]:
        """Governance moves margins, multipliers, fees, caps."""
        now = self.world.params
        rows = tuple(
            replace(row, im_rate=row.im_rate * 21 // 20, mm_rate=row.mm_rate * 21 // 20)
            for row in now.brackets
        )
        yield Op(
            "set_params",
            GOVERNANCE if self.read.byte() < 230 else EVE,
            (
                self.read.pick(
                    (
                        replace(now, brackets=rows),
                        replace(now, max_rate=now.max_rate // 2),
                        replace(now, grace_secs=self.read.byte()),
                        replace(now, taker_fee=now.taker_fee // 2, maker_fee=0),
                        replace(now, max_velocity=now.max_velocity * 2),
                        replace(now, z_score=now.z_score * 2, ramp_per_hour=WAD // 2),
                        replace(now, taker_fee=WAD),
                    )
                ),
            ),
            self._wait(),
        )

    def storm(self) -> Iterator[Op]:
        """A move that makes the larger side rich."""
        s = self.twin.state
        step = self.read.byte()
        factor = 120 + step if s.size_long > s.size_short else 90 - step * 70 // 255
        yield Op("set_price", args=(PRICE * factor // 100, 0, 0, 0), wait=1 + self._wait())
        yield Op("accrue", KEEPER)

    def epoch(self) -> Iterator[Op]:
        """Long enough for the pool's buckets to be priced."""
        for wait in (self.read.pick((601, 86_401)), 1_000):
            yield Op("set_price", args=(self.world.reading.mark, 0, 0, 0), wait=wait)
            yield Op("accrue", KEEPER)
        yield from self.provide()

    def final(self) -> Iterator[Op]:
        """The market dies: a final price, everybody paid."""
        twin, wait = self.twin, self.world.params.dead_after_secs
        if twin.state.mode < Mode.FINAL:
            yield Op("fail_oracle", args=(1,), wait=self._wait())
            yield Op("accrue", KEEPER, (), wait - DELAY - self.read.byte() % 2)
            mark = twin.state.mark * (50 + self.read.byte()) // 100
            yield Op("announce_final", GOVERNANCE, (mark,), self.read.byte() % 3)
            if self.read.byte() < 30:
                yield Op("set_price", args=(twin.state.mark, 0, 0, 0), wait=60)
                yield self._liquidate(self._some())
            yield Op("execute_final", EVE, (), wait - self.read.byte() // 250)
            return
        held = self._held()
        if held:
            yield Op("settle_final", EVE, (self.read.pick(held),), self._wait())
        yield from self.read.pick((self.draw, self.provide, self.remove, self.idle, self.sweep))()

    def forbidden(self) -> Iterator[Op]:
        """What nobody may do."""
        id_, world = self._some(), self.world
        yield self.read.pick(
            (
                Op("enter_reduce_only", EVE),
                Op("leave_reduce_only", EVE),
                Op("liquidate", EVE, (id_, world.pool.address)),
                Op("liquidate", EVE, (id_, world.vault(id_))),
                Op("liquidate", EVE, (99, EVE)),
                Op("settle", EVE, (0,)),
                Op("remove_margin", EVE, (id_, 1, world.fund)),
                Op("close", EVE, (99, 0, FOREVER)),
                Op("add_margin", EVE, (77, 5)),
                Op("settle_final", EVE, (id_,)),
                Op("execute_final", EVE),
                Op("reserve", EVE, (world.pool.address,)),
                Op("reserve", EVE, (self.read.pick(OWNERS),)),
                Op("deleverage", EVE, (99,)),
            )
        )


def turning_mark(p: Pos, t: Terms) -> int:
    """For a long the lowest mark that is healthy, for a short the highest."""

    def healthy(mark: int) -> bool:
        return laws.surplus(p, replace(t, mark=mark)) >= 0

    low, high = 1, 2**96
    if p.size > 0:
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if healthy(middle) else (middle + 1, high)
        return low
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if healthy(middle) else (low, middle - 1)
    return low


def opening(world: World) -> Iterator[Op]:
    """What every example begins from: a pool, some insurance, eight positions."""
    tight = world.params.max_utilisation > WAD
    for who, amount in ((LP, 60_000 if tight else 300_000), (LP2, 15_000 if tight else 60_000)):
        yield Op("request_deposit", who, (world.dollars(amount), who, who))
    for _ in range(2):
        yield Op("set_price", args=(PRICE, 0, 0, 0), wait=601)
        yield Op("accrue", KEEPER)
    for who in (LP, LP2):
        most = world.twin.pool.deposits.folded(who).assets
        yield Op("deposit", who, (most, who, who))
    yield Op("send", KEEPER, (world.fund, world.dollars(1_500)))
    plan = ((60, 14), (-45, 15), (30, 10), (-70, 16), (20, 5), (-12, 17), (8, 3), (-6, 12))
    for place, (thousands, leverage) in enumerate(plan):
        owner = OWNERS[place % len(OWNERS)]
        size = thousands * 1_000 * WAD * WAD // PRICE
        margin = world.dollars(abs(thousands) * 1_000) // leverage
        limit = ANY_BUY if size > 0 else 0
        yield Op("open", owner, (0, size, margin, limit, FOREVER))
