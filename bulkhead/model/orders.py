"""The exact twin of the order book of one market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bulkhead.model import errors as market_errors
from bulkhead.model import order_rules as rules
from bulkhead.model.core import Result, Store
from bulkhead.model.errors import ModelError, Refused, TransferRefused
from bulkhead.model.market import MarketModel
from bulkhead.model.order_rules import Verdict
from bulkhead.model.order_types import (
    NOTHING,
    BadSignature,
    Domain,
    NotAuthorised,
    Order,
    OrderKind,
    OrderReason,
    OrderState,
    OrderStatus,
    hash_of,
    require,
)
from bulkhead.model.types import Address, Reason

CLEANING_SHARE = 4  # a quarter of an order's fee is for whoever cleans it up
# Why a market refuses what the order's owner can change at any time.
OWNERS_REASONS = (Reason.MARGIN_TOO_LOW, Reason.EQUITY_TOO_LOW, Reason.NOTIONAL_TOO_SMALL)
_UNKNOWN = OrderState()


class WouldFill(ModelError):
    """The market takes a trade that was only tried."""


class OrderBook:
    """Orders over a market's model. Each action takes the caller first; it returns a Result or
    raises. The market's `now` and `oracle` are the book's."""

    def __init__(self, market: MarketModel, domain: Domain) -> None:
        self.market, self.domain, self.address = market, domain, domain.contract
        self.core = market.core
        journal = self.core.journal
        self.states: Store[bytes, OrderState] = Store(journal)
        self.groups: Store[tuple[Address, bytes], bytes] = Store(journal)
        self.refunds: Store[Address, int] = Store(journal)
        self.orders: Store[bytes, Order] = Store(journal)  # what was placed, whole

    # ---- views

    def state(self, order_hash: bytes) -> OrderState:
        """What is kept of an order."""
        return self.states.get(order_hash, _UNKNOWN)

    def group_used_by(self, owner: Address, group: bytes) -> bytes:
        """The order that used an owner's group; zero if none."""
        return self.groups.get((owner, group), NOTHING)

    def refund_of(self, owner: Address) -> int:
        """Refunds that wait for `claim_refund` (token units)."""
        return self.refunds.get(owner, 0)

    def check(
        self, order: Order, mark: int, published_at: int
    ) -> tuple[OrderReason, int, int, int]:
        """Whether an order would pass at this mark: (reason, actual, limit, size)."""
        state, size = self.state(hash_of(order)), 0
        verdict = _unplaced(state)
        if verdict is None:
            verdict, size = self._acting(order, state)
        if verdict is None:
            verdict = self._timely(order, state, published_at)
        if verdict is None:
            verdict = rules.triggered(order, state.best, mark)
        return (*(verdict or (OrderReason.NONE, 0, 0)), size)

    # ---- owners

    def place(self, caller: Address, order: Order) -> Result:
        """Places an order; the caller pays. Returns its hash."""

        def action() -> bytes:
            id_ = self._named(order)
            self._authorise(order.owner, id_, caller)
            return self._place(order, id_, caller)

        return self.core.run(action)

    def place_signed(self, caller: Address, order: Order, valid: bool) -> Result:
        """Places an order whose owner signed it, or did not (`valid`); the owner pays."""

        def action() -> bytes:
            id_ = self._named(order)
            if not valid:
                raise BadSignature(order.owner, self.domain.place_digest(order))
            return self._place(order, id_, order.owner)

        return self.core.run(action)

    def cancel(self, caller: Address, order: Order) -> Result:
        """Ends an order, placed or not, for ever."""

        def action() -> None:
            state = self.state(hash_of(order))
            unknown = state.status == OrderStatus.NONE
            id_ = order.position_id if unknown else state.position_id
            self._authorise(order.owner, id_, caller)
            self._cancel(order)

        return self.core.run(action)

    def cancel_signed(self, caller: Address, order: Order, valid: bool) -> Result:
        """The same by its owner's signature."""

        def action() -> None:
            if not valid:
                digest = self.domain.cancel_digest(hash_of(order))
                raise BadSignature(order.owner, digest)
            self._cancel(order)

        return self.core.run(action)

    def edit(self, caller: Address, order: Order, edited: Order) -> Result:
        """Cancels a placed order, unless it is void, and places another on its position; margin
        that is there already is not paid again."""

        def action() -> bytes:
            state = self.state(hash_of(order))
            rules.refuse(_unplaced(state))
            id_ = state.position_id
            self._authorise(order.owner, id_, caller)
            owners = int(edited.owner, 16), int(order.owner, 16)
            require(owners[0] == owners[1], OrderReason.WRONG_OWNER, *owners)
            rules.refuse(self._void(order, state))
            wanted = self._named(edited)
            require(wanted in (0, id_), OrderReason.BAD_PARENT, id_, wanted)
            self._cancel(order)
            return self._place(edited, id_, caller, ahead=order.margin)

        return self.core.run(action)

    def claim_refund(self, caller: Address, to: Address) -> Result:
        """Pays a kept refund out. Returns token units."""

        def action() -> int:
            amount = self.refund_of(caller)
            if amount:
                self.refunds.put(caller, 0)
                self.core.emit("RefundClaimed", owner=caller, to=to, amount=amount)
                self._move(self.address, to, amount)
            return amount

        return self.core.run(action)

    # ---- anyone

    def execute(self, caller: Address, order: Order, fee_to: Address) -> Result:
        """Fills an order that is due. Returns the size traded (Wad)."""
        return self.core.run(lambda: self._execute(order, fee_to))

    def execute_many(self, caller: Address, orders: Sequence[Order], fee_to: Address) -> Result:
        """Tries each. Returns the sizes traded (Wad), 0 for the skipped."""

        def attempt(order: Order) -> int:
            try:
                return int(self.execute(caller, order, fee_to).value)
            except ModelError:
                return 0

        return self.core.run(lambda: [attempt(order) for order in orders])

    def release(self, caller: Address, order: Order, fee_to: Address) -> Result:
        """Ends an order that expired, can never fill again or is kept from filling."""
        core = self.core

        def action() -> None:
            order_hash = hash_of(order)
            state = self.state(order_hash)
            rules.refuse(_unplaced(state))
            expired = core.now > order.expiry
            void = not expired and self._void(order, state) is not None
            over = expired or void or self._kept_back(order, state)
            require(over, OrderReason.NOT_OVER, core.now, order.expiry)
            fee = 0 if void else order.keeper_fee // CLEANING_SHARE  # down: the owner gains
            refund = order.keeper_fee - fee
            self.states.put(order_hash, replace(state, status=OrderStatus.RELEASED))
            self._free(order, state)
            self._move(self.address, fee_to, fee)
            core.emit("OrderReleased", orderHash=order_hash, keeper=fee_to, fee=fee, refund=refund)
            self._refund(order.owner, refund)

        return core.run(action)

    def advance(self, caller: Address, order: Order) -> Result:
        """Brings a trailing stop's best mark up to date."""
        core, s = self.core, self.market.state

        def action() -> None:
            order_hash = hash_of(order)
            state = self.state(order_hash)
            rules.refuse(_unplaced(state))
            trails = order.kind == OrderKind.TRAILING_STOP
            require(trails, OrderReason.BAD_TRIGGER, 0, 1)
            rules.refuse(self._acting(order, state)[0])
            self.market.accrue(self.address)
            rules.refuse(self._timely(order, state, s.published_at))
            further = s.mark > state.best if order.size < 0 else s.mark < state.best
            require(state.best == 0 or further, OrderReason.NOT_ADVANCING, s.mark, state.best)
            self.states.put(order_hash, replace(state, best=s.mark))
            core.emit("TrailAdvanced", orderHash=order_hash, best=s.mark)

        return core.run(action)

    # ---- placing and ending

    def _authorise(self, owner: Address, id_: int, caller: Address) -> None:
        """The owner, its delegate for all positions, or one for this while it is the owner's."""
        core = self.core
        if self.market.position(id_).owner == owner:
            allowed = core.is_authorised(id_, caller)
        else:
            allowed = caller == owner or core.delegate_expiry(owner, 0, caller) >= core.now
        if not allowed:
            raise NotAuthorised(owner, caller)

    def _named(self, order: Order) -> int:
        """The position an order names, itself or by its parent; 0: a new one."""
        id_ = order.position_id
        if order.parent == NOTHING:
            return id_
        parent, filled = self.state(order.parent), OrderStatus.FILLED
        alive = parent.status in (OrderStatus.PLACED, filled)
        require(alive, OrderReason.PARENT_NOT_FILLED, parent.status, int(filled))
        same = id_ in (0, parent.position_id)
        require(same, OrderReason.BAD_PARENT, parent.position_id, id_)
        return parent.position_id

    def _place(self, order: Order, id_: int, payer: Address, ahead: int = 0) -> bytes:
        """ahead: of its margin, in the vault already (token units)."""
        core, market = self.core, self.market
        order_hash = hash_of(order)
        status = self.state(order_hash).status
        require(status == OrderStatus.NONE, OrderReason.WRONG_STATUS, status, OrderStatus.NONE)
        rules.well_formed(order, core.now)
        id_ = id_ or int(market.reserve(self.address, order.owner).value)
        state = OrderState(OrderStatus.PLACED, core.now, id_)
        rules.refuse(
            self._void(order, state) if self._waits(order) else self._fits(order, state)[0]
        )
        delegated = core.is_authorised(id_, self.address)
        require(delegated, OrderReason.NOT_DELEGATE, int(self.address, 16), 0)
        self.states.put(order_hash, state)
        self.orders.put(order_hash, order)
        if order.margin:
            locked = market.lock_of(id_, self.address)
            market.set_lock(self.address, id_, locked + order.margin)
            self._move(payer, core.vault(id_), max(0, order.margin - ahead))
        self._move(payer, self.address, order.keeper_fee)
        core.emit(
            "OrderPlaced", orderHash=order_hash, owner=order.owner, positionId=id_, order=order
        )
        return order_hash

    def _cancel(self, order: Order) -> None:
        order_hash = hash_of(order)
        state = self.state(order_hash)
        open_ = state.status in (OrderStatus.NONE, OrderStatus.PLACED)
        require(open_, OrderReason.WRONG_STATUS, state.status, OrderStatus.PLACED)
        placed = state.status == OrderStatus.PLACED
        self.states.put(order_hash, replace(state, status=OrderStatus.CANCELLED))
        refund = order.keeper_fee if placed else 0
        if placed:
            self._free(order, state)
        self.core.emit("OrderCancelled", orderHash=order_hash, refund=refund)
        self._refund(order.owner, refund)

    # ---- standing

    def _acting(self, order: Order, state: OrderState) -> tuple[Verdict | None, int]:
        """Why a placed order can't be filled at any mark now; else the size it would trade."""
        if self.core.now > order.expiry:
            return (OrderReason.EXPIRED, self.core.now, order.expiry), 0
        return self._fits(order, state)

    def _fits(self, order: Order, state: OrderState) -> tuple[Verdict | None, int]:
        """The same but for the expiry."""
        verdict = self._void(order, state)
        if verdict is None and self._waits(order):
            placed, filled = OrderStatus.PLACED, OrderStatus.FILLED
            verdict = OrderReason.PARENT_NOT_FILLED, int(placed), int(filled)
        if verdict is not None:
            return verdict, 0
        return rules.traded(order, self.market.position(state.position_id).size)

    def _void(self, order: Order, state: OrderState) -> Verdict | None:
        """Why an order can never be filled again."""
        verdict = rules.bound(self.market, order, state.position_id)
        if verdict is not None:
            return verdict
        if order.group != NOTHING and (order.owner, order.group) in self.groups:
            return OrderReason.GROUP_USED, 1, 0
        if order.parent != NOTHING:
            status, filled = self.state(order.parent).status, OrderStatus.FILLED
            if status == OrderStatus.PLACED:
                return None
            if status != filled:
                return OrderReason.PARENT_NOT_FILLED, int(status), int(filled)
        return rules.in_phase(self.market, order, state.position_id)

    def _waits(self, order: Order) -> bool:
        """Whether a parent may still be filled."""
        parent = order.parent
        return parent != NOTHING and self.state(parent).status == OrderStatus.PLACED

    def _timely(self, order: Order, state: OrderState, published_at: int) -> Verdict | None:
        """Why a mark of this moment can't fill an order."""
        cfg = self.core.cfg
        start = max(state.at, self.state(order.parent).at if order.parent != NOTHING else 0)
        first = start + cfg.order_delay_secs + 1
        if published_at < first:
            return OrderReason.TOO_EARLY, published_at, first
        last = published_at + cfg.fill_window_secs
        if self.core.now > last:
            return OrderReason.MARK_TOO_OLD, self.core.now, last
        return None

    # ---- filling

    def _execute(self, order: Order, fee_to: Address) -> int:
        core, s = self.core, self.market.state
        order_hash = hash_of(order)
        state = self.state(order_hash)
        rules.refuse(_unplaced(state))
        verdict, size = self._acting(order, state)
        rules.refuse(verdict)
        self._trade(order, state, size)
        rules.refuse(self._timely(order, state, s.published_at))
        rules.refuse(rules.triggered(order, state.best, s.mark))
        filled = replace(state, status=OrderStatus.FILLED, at=core.now)
        self.states.put(order_hash, filled)
        if order.group != NOTHING:
            self.groups.put((order.owner, order.group), order_hash)
        self._free(order, state)
        core.emit(
            "OrderFilled",
            orderHash=order_hash,
            positionId=state.position_id,
            keeper=fee_to,
            size=size,
            mark=s.mark,
            fee=order.keeper_fee,
        )
        self._move(self.address, fee_to, order.keeper_fee)
        return size

    def _trade(self, order: Order, state: OrderState, size: int) -> None:
        id_, limit, deadline = state.position_id, order.price_limit, order.expiry
        if order.reduce_only:
            self.market.decrease(self.address, id_, size, limit, deadline)
        elif self.core.positions[id_].size:
            self.market.increase(self.address, id_, size, limit, deadline)
        else:
            self.market.open(self.address, id_, size, 0, limit, deadline)

    def _kept_back(self, order: Order, state: OrderState) -> bool:
        """Whether an order is due now and refused for what its owner can change at any time."""
        core, s = self.core, self.market.state
        verdict, size = self._fits(order, state)
        if verdict is not None:
            return False
        self.market.accrue(self.address)
        if s.accepted_at != core.now:
            return False  # no mark to be had: nothing fills now
        if self._timely(order, state, s.published_at) is not None:
            return False
        if rules.triggered(order, state.best, s.mark) is not None:
            return False
        try:
            with core.transaction():
                self._trade(order, state, size)
                raise WouldFill
        except Refused as refusal:
            return refusal.reason in OWNERS_REASONS
        except market_errors.NotAuthorised:
            return True
        except ModelError:
            return False

    # ---- money

    def _free(self, order: Order, state: OrderState) -> None:
        """Lowers the lock by the order's margin, to 0 at the least; none is left in a new epoch."""
        id_ = state.position_id
        if order.margin and self.core.epochs.get(id_, 0) == order.epoch:
            left = max(0, self.market.lock_of(id_, self.address) - order.margin)
            self.market.set_lock(self.address, id_, left)

    def _move(self, source: Address, to: Address, amount: int) -> None:
        if not self.core.transfer(source, to, amount):
            raise TransferRefused(to, amount)

    def _refund(self, owner: Address, amount: int) -> None:
        """Pays, or keeps what the token refuses."""
        if not self.core.transfer(self.address, owner, amount):
            self.refunds.put(owner, self.refund_of(owner) + amount)
            self.core.emit("RefundKept", owner=owner, amount=amount)


def _unplaced(state: OrderState) -> Verdict | None:
    placed = OrderStatus.PLACED
    if state.status == placed:
        return None
    return OrderReason.WRONG_STATUS, int(state.status), int(placed)
