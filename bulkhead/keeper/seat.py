"""One market that is kept: who in it is a candidate, and what the lens says of those."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bulkhead.keeper import look
from bulkhead.keeper.decide import Sight, Skip, Why
from bulkhead.keeper.index import Ids
from bulkhead.keeper.market import MarketNode
from bulkhead.keeper.metrics import Metrics
from bulkhead.keeper.node import Head
from bulkhead.keeper.order_seat import OrderSeat
from bulkhead.keeper.settings import KeeperSettings
from bulkhead.keeper.store import Store
from bulkhead.keeper.terms import Moment
from bulkhead.keeper.watch import Watch
from bulkhead.model.wad import WAD


@dataclass
class Seat:
    """A market's node, watch and memory, and its book's."""

    node: MarketNode
    watch: Watch
    store: Store
    metrics: Metrics
    orders: OrderSeat
    done: str = ""  # hash of the last block that was dealt with
    turn: int = 0  # id up to which smaller candidates had their turn

    def see(
        self, head: Head, view: Any, taken: set[int], settings: KeeperSettings
    ) -> tuple[Sight, list[Skip]]:
        """Candidates from the index, checked by the lens in batched calls at this block."""
        node, watch = self.node, self.watch
        moment = Moment.of_state(view.state)
        started = time.perf_counter()
        ids = watch.index.candidates(moment) if view.fresh else np.empty(0, np.int64)
        spent = time.perf_counter() - started
        self.metrics.index_seconds.labels(node.address).observe(spent)
        self.metrics.candidates.labels(node.address).set(len(ids))
        self.metrics.fresh.labels(node.address).set(int(view.fresh))
        self.metrics.mark.labels(node.address).set(view.state.mark / WAD)
        winners: list[Any] = []
        if view.adlActive and view.fresh and settings.adl:
            side, most = look.adl_side(view), settings.max_transactions
            winners = node.views(watch.winners(moment, side, most), head)
        chosen, skips = self._worth_a_look(ids, taken, settings)
        sight, healthy = look.sight(
            node.address,
            node.cfg,
            view,
            node.views(chosen, head),
            problem=node.price_problem(view),
            winners=winners,
            taken=taken,
        )
        return sight, healthy + skips

    def _worth_a_look(
        self, ids: Ids, taken: Iterable[int], settings: KeeperSettings
    ) -> tuple[list[int], list[Skip]]:
        """In a crash more are due than can be sent at once. Twice as many as could be sent are
        looked at: half of them the largest, the others in turn, so that large ones that are left
        for some reason keep nobody waiting for ever. Those under way are not looked at."""
        market, busy = self.node.address, np.isin(ids, list(taken))
        free, most = ids[~busy], 2 * settings.max_batch * settings.max_transactions
        text = "a transaction is under way"
        skips = [Skip(market, int(id_), Why.TAKEN, text) for id_ in ids[busy]]
        if len(free) > most:
            text = f"{len(free) - most} more candidates wait for the next look"
            skips.append(Skip(market, 0, Why.TOO_MANY, text))
            order = np.argsort(-np.abs(self.watch.index.size[free]), kind="stable")
            rest = np.sort(free[order[most // 2 :]])
            start = int(np.searchsorted(rest, self.turn, "right"))
            others = np.roll(rest, -start)[: most - most // 2]
            self.turn = int(others[-1])
            free = np.concatenate([free[order[: most // 2]], others])
        return sorted(free.tolist()), skips
