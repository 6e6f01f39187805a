"""I-50: the redemption queue equals its Python twin to the unit, fill by fill."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st
from pool_world import LATE, World

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.rpc import Rpc
from bulkhead.model.pool import _joined
from bulkhead.model.queues import Redemptions

MEMBERS = [f"0x{i + 1:040x}" for i in range(3)]


class Twin:
    """The twin's queue, closing its buckets as the pool does."""

    def __init__(self) -> None:
        self.queue = Redemptions(cast(Any, SimpleNamespace(journal=[], extra=[])))

    def request(self, who: str, shares: int) -> None:
        buckets = self.queue.queue
        account = self.queue.folded(who)
        self.queue.accounts.put(who, _joined(account, buckets.collecting, shares))
        buckets.collected += shares
        if not buckets.waiting:
            self.close()

    def close(self) -> None:
        if self.queue.queue.collected:
            number = self.queue.queue.close(1)
            self.queue.joined.put(number, self.queue.snapshot())

    def fill(self, assets: int, free: int) -> None:
        buckets = self.queue.queue
        if not buckets.waiting:
            return
        self.queue.fill(assets, free)
        if not buckets.amount:
            buckets.waiting = 0
        self.close()


def check(world: World, twin: Twin) -> None:
    pool = world.pool
    assert pool.redeemBuckets()[0] == twin.queue.queue.amount
    assert pool.redeemBuckets()[1] == twin.queue.queue.collected
    for who in MEMBERS:
        account = twin.queue.folded(who)
        assert pool.maxRedeem(who) == account.shares
        assert pool.maxWithdraw(who) == account.assets
        assert pool.claimableRedeemRequest(account.label, who) == (
            account.shares if account.label else 0
        )
        parts = [account.entry, *account.requests]
        for part in parts:
            if part:
                assert pool.pendingRedeemRequest(part.bucket, who) == part.amount


@example(script=[([(MEMBERS[0], 10**25), (MEMBERS[1], 10**24)], 4, 1)] * 4)
@given(
    script=st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(1, 10**25)), max_size=2),
            st.integers(0, 5),  # how the fill goes
            st.integers(1, 10**9),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_redemptions__any_fills__equal_the_twin(
    rpc: Rpc,
    artifacts: Artifacts,
    accounts: list[str],
    script: list[tuple[list[tuple[str, int]], int, int]],
) -> None:
    with rpc.isolated():
        world, twin = World(rpc, accounts, decimals=18), Twin()
        world.invest(world.lp, 10**6 * world.one)
        nav = 10**6 * world.one
        for requests, how, part in script:
            for who, shares in requests:
                world.request_redeem(world.lp, shares, controller=who)
                twin.request(who, shares)
            waiting = world.pool.redeemBuckets()[0]
            assets = waiting * (nav + 1) // (world.pool.totalSupply() + 1_000)
            # A rest of a 1e-9th begins a generation, one of a 1e-18th two at once.
            rests = (0, assets, assets // 10**9 + 1, assets - assets * part // 10**9, 1, part)
            free = assets - rests[how]
            free = max(0, free)
            world.market.priceRedeems(LATE, nav, free)
            twin.fill(assets, free)
            check(world, twin)
