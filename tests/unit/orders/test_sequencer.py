"""An L2's sequencer stops, people go around it, it comes back: a whole market on the real adapter
with an uptime feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from order_world import ANY, SOON, WAD, Desk, OrderReason, market_refuses, refused, reverts

from bulkhead.chain.contract import deploy
from bulkhead.deploy.params import abi
from bulkhead.model.types import Reason

PRICE, ILL = 2_000, 1_915  # at which a margin of 6,000 on 50 is liquidatable, and not bankrupt
BIG = {"size": 50 * WAD, "margin": 6_000 * 10**6}
SETTINGS = {
    "maxAgeSecs": 3_900,
    "minAnswer": 10**10,
    "maxAnswer": 10**13,
    "maxDeviation": 0,
    "spread": 0,
    "sequencerGraceSecs": 3_600,
}


class Rollup:
    """A desk whose market reads a Chainlink feed behind a sequencer."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.w = desk, desk.w
        who, rpc = self.w.deployer, self.w.rpc
        self.feed = deploy(rpc, "FeedAggregator", 8, 1, 2**95, False, sender=who).as_(who)
        self.uptime = deploy(rpc, "SequencerFeed", 0, sender=who).as_(who)
        self.uptime.set(1, 0, self.w.now - 10**6, self.w.now)
        proxy = deploy(rpc, "FeedProxy", self.feed, sender=who).address
        settings = {**SETTINGS, "feed": proxy, "sequencerFeed": self.uptime.address}
        adapter = deploy(rpc, "ChainlinkOracle", settings, sender=who)
        self.later(12, PRICE)
        terms = abi(replace(self.w.params, oracle=adapter.address))
        self.w.market.setParams(terms, sender=self.w.governance)
        # The last mark may be so old that the first round ends an outage: its grace goes by.
        self.w.market.accrue(sender=self.w.keeper)
        self.later(self.w.params.grace_secs + 1, PRICE)

    def later(self, seconds: int, price: int = 0) -> None:
        """So many seconds on; with a round where there is a price."""
        self.w.at(self.w.now + seconds)
        if price:
            self.feed.push(price * 10**8, self.w.now)

    def opened(self, owner: str) -> int:
        """A position by an order."""
        order = self.desk.order(owner=owner, **BIG)
        self.desk.place(order)
        self.later(self.desk.delay + 1, PRICE)
        self.desk.execute(order)
        return int(self.desk.state(order).positionId)

    def stops(self) -> None:
        self.uptime.set(2, 1, self.w.now, self.w.now)

    def restarts(self) -> int:
        self.uptime.set(3, 0, self.w.now, self.w.now)
        return self.w.now


@pytest.fixture
def rollup(new_desk: Callable[..., Desk]) -> Rollup:
    return Rollup(new_desk())


def test_sequencer_down__forced_transactions__trade_at_no_old_price(rollup: Rollup) -> None:
    """The last round is young enough, and nobody trades at it: neither directly nor by order."""
    w, desk, market = rollup.w, rollup.desk, rollup.w.market
    id_, other = rollup.opened(w.alice), rollup.opened(w.bob)
    stopped = w.now
    rollup.stops()
    rollup.later(600)
    with reverts("SequencerDown", since=stopped):
        market.close.send(id_, ANY[-1], SOON, sender=w.alice)
    with reverts("SequencerDown", since=stopped):
        market.open.send(0, 10 * WAD, 3_000 * w.one, ANY[1], SOON, sender=w.alice)
    with reverts("SequencerDown", since=stopped):
        market.liquidate.send(other, w.keeper, sender=w.keeper)
    forced = desk.exit(id_)
    desk.place(forced)
    rollup.later(desk.delay + 1)
    with reverts("SequencerDown", since=stopped):
        desk.execute(forced)
    w.give(w.bob, w.one)
    assert market.addMargin.send(other, w.one, sender=w.bob).ok

    # It is back, and the round from before still counts for nothing.
    restart = rollup.restarts()
    rollup.later(5)
    with reverts("SequencerDown", since=restart):
        desk.execute(forced)
    with reverts("SequencerDown", since=restart):
        market.close.send(id_, ANY[-1], SOON, sender=w.alice)
    rollup.later(5, ILL)
    desk.execute(forced)
    assert market.position(id_).size == 0
    state = market.state()
    assert (state.mark, state.publishedAt, state.resumedAt) == (ILL * WAD, w.now, restart)


def test_sequencer_back__order_forced_in_after_the_round__waits_for_the_next(
    rollup: Rollup,
) -> None:
    """Who sees the first round after the restart before placing gets a later one."""
    w, desk = rollup.w, rollup.desk
    id_ = rollup.opened(w.alice)
    rollup.stops()
    rollup.later(600)
    rollup.restarts()
    rollup.later(12, ILL)
    seen = w.now
    order = desk.exit(id_)
    desk.place(order)
    rollup.later(desk.delay + 1)
    with refused(OrderReason.TOO_EARLY, seen, seen + desk.delay + 1):
        desk.execute(order)
    rollup.later(1, PRICE)
    desk.execute(order)
    assert w.market.state().mark == PRICE * WAD


def test_sequencer_back__grace__runs_from_the_restart(rollup: Rollup) -> None:
    """Owners have the grace to defend themselves, counted from when they can act again."""
    w, market = rollup.w, rollup.w.market
    id_ = rollup.opened(w.alice)
    rollup.stops()
    rollup.later(600)
    restart = rollup.restarts()
    rollup.later(12, ILL)
    with market_refuses(Reason.IN_GRACE):
        market.liquidate.send(id_, w.keeper, sender=w.keeper)
    with market_refuses(Reason.IN_GRACE):
        market.open.send(0, 10 * WAD, 3_000 * w.one, ANY[1], SOON, sender=w.bob)
    w.at(restart + w.params.grace_secs - 1)
    with market_refuses(Reason.IN_GRACE):
        market.liquidate.send(id_, w.keeper, sender=w.keeper)
    w.at(restart + w.params.grace_secs)
    assert market.liquidate.send(id_, w.keeper, sender=w.keeper).ok
    assert market.position(id_).size < 50 * WAD
