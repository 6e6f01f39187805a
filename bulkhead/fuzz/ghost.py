"""What a book must remember, told from what was done to it: the laws' own account of orders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bulkhead.model.order_types import NOTHING, Order, OrderStatus, hash_of

Group = tuple[str, bytes]
Trust = tuple[str, int, int]  # an owner for all positions, or a position in an epoch


@dataclass(frozen=True)
class Known:
    """An order, and where it stands."""

    order: Order
    status: OrderStatus
    placed_at: int
    id: int
    filled_at: int = 0
    best: int = 0


@dataclass(frozen=True)
class Ghost:
    """Never changed: each step makes another."""

    orders: dict[bytes, Known] = field(default_factory=dict)
    groups: dict[Group, bytes] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)  # refunds that wait, token units
    loose: frozenset[int] = frozenset()  # positions whose locks were freed behind the book
    trust: dict[Trust, int] = field(default_factory=dict)  # until when the book is a delegate
    gifts: int = 0
    destroyed: int = 0  # by the token's issuer, in vaults (token units)
    missing: dict[int, int] = field(default_factory=dict)  # of it, in flat ones not settled since

    @property
    def owed(self) -> int:
        """What the book must hold (token units)."""
        placed = (one for one in self.orders.values() if one.status == OrderStatus.PLACED)
        return sum(one.order.keeper_fee for one in placed) + sum(self.kept.values()) + self.gifts

    def known(self, order: Order) -> Known:
        """An order; one that was never placed stands at nothing."""
        return self.orders.get(hash_of(order)) or Known(order, OrderStatus.NONE, 0, 0)

    def parent(self, order: Order) -> Known | None:
        """The order's parent; None where it has none."""
        return None if order.parent == NOTHING else self.orders.get(order.parent)

    def used(self, order: Order) -> bool:
        """Whether its group was used."""
        return order.group != NOTHING and (order.owner, order.group) in self.groups

    def start(self, one: Known) -> int:
        """When its delay began."""
        parent = self.parent(one.order)
        return max(one.placed_at, parent.filled_at if parent else 0)

    def epoch(self, id_: int) -> int:
        """How often a position was handed over."""
        return self.epochs.get(id_, 0)

    def locked(self, id_: int, owner: str) -> int:
        """Margin of placed orders that are still bound to a position (token units)."""
        return sum(
            one.order.margin
            for one in self.orders.values()
            if one.status == OrderStatus.PLACED
            and (one.id, one.order.owner, one.order.epoch) == (id_, owner, self.epoch(id_))
        )

    def trusted(self, one: Known, now: int) -> bool:
        """Whether an order's owner lets the book trade its position."""
        scopes = self._scope(one.order.owner, 0), self._scope(one.order.owner, one.id)
        return any(self.trust.get(scope, -1) >= now for scope in scopes)

    def _scope(self, owner: str, id_: int) -> Trust:
        return ("", id_, self.epoch(id_)) if id_ else (owner, 0, 0)

    # ---- what is done

    def lost(self, amount: int, id_: int) -> Ghost:
        """Destroyed by the issuer. id_: of a flat position, else 0."""
        missing = self.missing
        if id_:
            missing = {**missing, id_: missing.get(id_, 0) + amount}
        return replace(self, destroyed=self.destroyed + amount, missing=missing)

    def settled(self, id_: int) -> Ghost:
        """What a position's vault lacked was written off."""
        missing = {each: amount for each, amount in self.missing.items() if each != id_}
        return replace(self, missing=missing)

    def delegated(self, owner: str, id_: int, expiry: int) -> Ghost:
        """The book made a delegate until `expiry`, or none; id 0: for all of the owner's."""
        return replace(self, trust={**self.trust, self._scope(owner, id_): expiry})

    def with_order(self, one: Known) -> Ghost:
        """An order as it stands now."""
        return replace(self, orders={**self.orders, hash_of(one.order): one})

    def placed(self, order: Order, now: int, id_: int) -> Ghost:
        """A new one."""
        return self.with_order(Known(order, OrderStatus.PLACED, now, id_))

    def filled(self, order: Order, now: int) -> Ghost:
        """Filled, and its group used."""
        one = replace(self.known(order), status=OrderStatus.FILLED, filled_at=now)
        ghost = self.with_order(one)
        if order.group == NOTHING:
            return ghost
        groups = {**self.groups, (order.owner, order.group): hash_of(order)}
        return replace(ghost, groups=groups)

    def ended(self, order: Order, status: OrderStatus, kept: int = 0) -> Ghost:
        """Cancelled or released. kept: of the refund (token units)."""
        ghost = self.with_order(replace(self.known(order), status=status))
        if not kept:
            return ghost
        waits = {**self.kept, order.owner: self.kept.get(order.owner, 0) + kept}
        return replace(ghost, kept=waits)
