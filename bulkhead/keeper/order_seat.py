"""The orders of one market that is kept: which may be filled now, and what the book says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bulkhead.keeper.calls import BookCalls
from bulkhead.keeper.decide import Kind, Skip, Why
from bulkhead.keeper.decide_orders import OrderSight
from bulkhead.keeper.journal import Journal
from bulkhead.keeper.market import MarketNode
from bulkhead.keeper.metrics import Metrics
from bulkhead.keeper.node import Head
from bulkhead.keeper.order_index import Placed
from bulkhead.keeper.settings import KeeperSettings
from bulkhead.keeper.store import Store
from bulkhead.keeper.watch import Watch
from bulkhead.model.order_types import OrderReason, OrderStatus

LONGEST_WAIT = 64  # blocks, for what the market refuses at the same mark

# what lasts until something happens to the position
LASTING = (
    OrderReason.WRONG_OWNER,
    OrderReason.WRONG_EPOCH,
    OrderReason.WRONG_PHASE,
    OrderReason.GROUP_USED,
    OrderReason.PARENT_NOT_FILLED,
    OrderReason.WRONG_DIRECTION,
    OrderReason.NOTHING_TO_REDUCE,
)


@dataclass(frozen=True)
class Refused:
    """An order that the market refused at a mark: blocks until it is tried again, and when."""

    published: int
    position: int
    wait: int
    at: int


@dataclass
class OrderSeat:
    """A book's part of a seat. `claims` are kept under the book's name."""

    node: MarketNode
    watch: Watch
    claims: Store
    metrics: Metrics
    turn: str = ""  # hash up to which orders of lower fees had their turn
    refused: dict[str, Refused] = field(default_factory=dict)  # by the market, lately

    @property
    def address(self) -> str:
        """The book's."""
        return self.node.book.address

    def see(
        self,
        head: Head,
        view: Any,
        taken: set[int],
        settings: KeeperSettings,
        journal: Journal | None,
    ) -> tuple[OrderSight, list[Skip]]:
        """Candidates from the index, checked by the book in batched calls at this block."""
        index, state = self.watch.orders, view.state
        mark, published = state.mark, state.publishedAt
        found = index.due(mark, published) if view.fresh else []
        self.metrics.order_candidates.labels(self.node.address).set(len(found))
        found = self._again(found, published, head)
        trailing = index.trailing(mark) if view.fresh else []
        late = head.time > published + self.node.cfg.fill_window_secs
        if late:  # nothing fills or advances until another mark comes
            found, trailing = [], []
        looked, skips = self._worth_a_look(found, taken, settings)
        due, more = self._due(looked, mark, published, head)
        busy = {one.hash for one in due} | {one.hash for one in index.expired(head.time)}
        spent = journal.spent_on if journal else _nothing
        behind = [
            (one, spent(Kind.ADVANCE.value, self.address, one.id))
            for one in trailing
            if one.hash not in busy and one.id not in taken
        ]
        expired = [one for one in index.expired(head.time) if one.id not in taken]
        most = settings.max_transactions
        sight = OrderSight(
            book=self.address,
            unit=self.node.cfg.unit,
            mark=mark,
            due=tuple(due),
            expired=tuple(sorted(expired, key=lambda one: -one.order.keeper_fee)[: 2 * most]),
            trailing=tuple(behind),
        )
        return sight, skips + more

    def _again(self, found: list[Placed], published: int, head: Head) -> list[Placed]:
        """Without those that the market refused lately: they are tried at each new mark, when
        something happens to their position, and else less and less often."""
        stirred = self.watch.orders.stirred
        self.refused = {
            one: last
            for one, last in self.refused.items()
            if last.published == published and last.position not in stirred
        }
        stirred.clear()
        due = head.number
        return [
            one for one in found if one.hash not in self.refused or self.refused[one.hash].at <= due
        ]

    def put_off(
        self, sight: OrderSight, skips: list[Skip], head: Head, published: int
    ) -> OrderSight:
        """Takes note of what the rehearsal found that the market refuses: it may be kept from
        filling."""
        due, kept = {one.id: one for one in sight.due}, []
        for skip in skips:
            if skip.why not in (Why.REVERTED, Why.NOTHING_DONE) or skip.id not in due:
                continue
            one = due[skip.id]
            last = self.refused.get(one.hash)
            wait = min(2 * last.wait, LONGEST_WAIT) if last else 1
            self.refused[one.hash] = Refused(published, one.position, wait, head.number + wait)
            kept.append(one)
        return OrderSight(sight.book, sight.unit, sight.mark, kept=tuple(kept))

    def _worth_a_look(
        self, found: list[Placed], taken: set[int], settings: KeeperSettings
    ) -> tuple[list[Placed], list[Skip]]:
        """Twice as many as could be sent: half of them with the highest fees, the others in turn,
        so that those that are left for some reason keep nobody waiting for ever."""
        book, text = self.address, "a transaction is under way"
        skips = [Skip(book, one.id, Why.TAKEN, text) for one in found if one.id in taken]
        free = [one for one in found if one.id not in taken]
        most = 2 * settings.max_batch * settings.max_transactions
        if len(free) > most:
            text = f"{len(free) - most} more orders wait for the next look"
            skips.append(Skip(book, 0, Why.TOO_MANY, text))
            free.sort(key=lambda one: (-one.order.keeper_fee, one.hash))
            rest = sorted(free[most // 2 :], key=lambda one: (one.hash <= self.turn, one.hash))
            rest = rest[: most - most // 2]
            self.turn = rest[-1].hash
            free = free[: most // 2] + rest
        return free, skips

    def _due(
        self, looked: list[Placed], mark: int, published: int, head: Head
    ) -> tuple[list[Placed], list[Skip]]:
        """Those that the book would fill, and why not the others."""
        due, skips = [], []
        orders = [one.order for one in looked]
        found = self.node.check_orders(orders, mark, published, head) if looked else []
        for one, answer in zip(looked, found, strict=True):
            reason = OrderReason(answer.reason)
            if reason == OrderReason.NONE:
                due.append(one)
                continue
            waits = answer.actual == OrderStatus.PLACED
            if reason == OrderReason.TOO_EARLY:
                self.watch.orders.later(one.hash, answer.limit)
            elif reason in LASTING:
                self.watch.orders.sleep(one.hash)
            said = f"{one.hash}: {reason.name.lower()}, {answer.actual}, limit {answer.limit}"
            if not (reason == OrderReason.PARENT_NOT_FILLED and waits):
                skips.append(Skip(self.address, one.id, Why.NOT_DUE, said))
        return due, skips

    def calls(self, sight: OrderSight) -> BookCalls:
        """For acting on what was seen."""
        trailing = (one for one, _ in sight.trailing)
        everything = (*sight.due, *sight.expired, *sight.kept, *trailing)
        return BookCalls(self.node.book, {one.id: one.order for one in everything})


def _nothing(kind: str, market: str, id_: int) -> int:
    return 0
