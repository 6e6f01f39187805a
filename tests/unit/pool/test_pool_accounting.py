"""I-37: anybody may claim what exact fractions say, less a rounding, whatever the fills were."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from pool_world import LATE, World, only

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import events
from bulkhead.chain.rpc import Rpc

MEMBERS = [f"0x{i + 1:040x}" for i in range(5)]


@dataclass
class Member:
    """One controller, in exact numbers."""

    collecting: Fraction = Fraction(0)
    waiting: Fraction = Fraction(0)
    earned: Fraction = Fraction(0)
    folds: int = 0  # each rounds once more


@dataclass
class Exact:
    """The queue without rounding: every fill is shared out at once, over all members."""

    members: dict[str, Member] = field(default_factory=lambda: {m: Member() for m in MEMBERS})
    waits: bool = False

    def request(self, who: str, shares: int) -> None:
        member = self.members[who]
        member.collecting += shares
        member.folds += 1
        if not self.waits:
            self.close()

    def close(self) -> None:
        for member in self.members.values():
            member.waiting += member.collecting
            member.collecting = Fraction(0)
        self.waits = any(member.waiting for member in self.members.values())

    def fill(self, waiting: int, burned: int, paid: int) -> None:
        for member in self.members.values():
            member.earned += member.waiting * paid / waiting
            member.waiting -= member.waiting * burned / waiting
        self.close()


def check(world: World, exact: Exact) -> None:
    pool = world.pool
    waiting, collecting, *_ = pool.redeemBuckets()
    claims = rest = 0
    for who, member in exact.members.items():
        claim = pool.maxWithdraw(who)
        pending = sum(
            pool.pendingRedeemRequest(label, who) for label in range(1, pool.redeemBuckets()[2] + 1)
        )
        owed, left = member.earned, member.waiting + member.collecting
        slack = 2 + member.folds
        assert owed - slack <= claim <= owed, f"I-37: claim {claim} of {float(owed)}"
        assert left - slack <= pending <= left, f"I-37: {pending} of {float(left)} shares wait"
        claims, rest = claims + claim, rest + pending
    assert claims <= pool.redemptionReserve(), "I-37: more to claim than was set aside"
    assert rest <= waiting + collecting


def price(world: World, exact: Exact, nav: int, how: str, part: int) -> None:
    """One fill; `how` says how much of it is free."""
    waiting = world.pool.redeemBuckets()[0]
    assets = waiting * (nav + 1) // (world.pool.totalSupply() + 1_000)
    free = {
        "all": assets,
        "none": 0,
        "all but one": max(0, assets - 1),
        "one": 1,
        "part": assets * part // 1_000,
    }[how]
    receipt = world.market.priceRedeems(LATE, nav, free)
    fills = events(receipt, "RedeemBucketPriced")
    assert len(fills) == (1 if waiting else 0)
    for fill in fills:
        assert fill.shares == waiting
        exact.fill(waiting, fill.burned, fill.assets)


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(0, 120)), min_size=0, max_size=3),
        st.sampled_from(["all", "none", "all but one", "one", "part"]),
        st.integers(1, 999),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=8,
)


@given(script=steps, decimals=st.sampled_from([0, 6, 18]))
def test_redemptions__any_fills__claims_are_exact_but_for_rounding(
    rpc: Rpc,
    artifacts: Artifacts,
    accounts: list[str],
    script: list[tuple[list[tuple[str, int]], str, int, int]],
    decimals: int,
) -> None:
    with rpc.isolated():
        world = World(rpc, accounts, decimals=decimals)
        owned = world.invest(world.lp, 1_000_000 * world.one)
        nav = 1_000_000 * world.one
        exact = Exact()
        for requests, how, part, growth in script:
            for who, bits in requests:
                shares = min(world.pool.balanceOf(world.lp), 1 + owned * bits // 1_000)
                if shares:
                    world.request_redeem(world.lp, shares, controller=who)
                    exact.request(who, shares)
            price(world, exact, nav * (100 + growth) // 100, how, part)
            check(world, exact)


def test_redemptions__fills_that_leave_almost_nothing__keep_later_members_exact(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> None:
    """Each fill leaves a 1e-24th: the product falls under its floor again and again."""
    world = World(rpc, accounts, decimals=18)
    world.invest(world.lp, 10**6 * world.one)
    exact = Exact()
    nav = 10**6 * world.one
    for i in range(12):
        who = MEMBERS[i % 5]
        world.request_redeem(world.lp, 7 * 10**25, controller=who)
        exact.request(who, 7 * 10**25)
        price(world, exact, nav, "all but one", 0)
        check(world, exact)
    price(world, exact, nav, "all", 0)
    check(world, exact)


def test_redemptions__product_that_vanishes__never_bricks_the_queue(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> None:
    """A rest too small for any number of digits: members go on, the rest is the pool's."""
    world = World(rpc, accounts, decimals=18)
    world.token.as_(world.lp).mint(world.lp, 2**94)
    shares = world.invest(world.lp, 2**94) // 4
    for who in MEMBERS[:2]:  # the second joins after the first fill
        world.request_redeem(world.lp, shares, controller=who)
    for left in (2 * 10**-9, 0):
        waiting = world.pool.redeemBuckets()[0]
        assets = waiting * (2**94 + 1) // (world.pool.totalSupply() + 1_000)
        world.market.priceRedeems(LATE, 2**94, assets - max(1, int(assets * left)))
    orphans = world.pool.pendingRedeemShares()
    assert 0 < orphans < 2_000  # 2e27 x 1e-28 is less than one
    assert all(world.pool.pendingRedeemRequest(i, who) == 0 for i in (1, 2) for who in MEMBERS)
    world.request_redeem(world.lp, 10**9, controller=MEMBERS[2])
    for _ in range(2):
        receipt = world.market.priceRedeems(LATE, 2**94, 2**96)
    assert only(receipt, "RedeemBucketPriced").burned == 10**9
    assert world.pool.pendingRedeemShares() == 0
    assert world.pool.maxRedeem(MEMBERS[2]) == 10**9


@given(
    script=st.lists(
        st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(2, 10**12)), max_size=4),
        min_size=1,
        max_size=6,
    ),
    growth=st.lists(st.integers(-900, 5_000), min_size=6, max_size=6),
)
def test_deposits__any_buckets__claims_are_exact_but_for_rounding(
    rpc: Rpc,
    artifacts: Artifacts,
    accounts: list[str],
    script: list[list[tuple[str, int]]],
    growth: list[int],
) -> None:
    with rpc.isolated():
        world = World(rpc, accounts)
        owed = {who: Fraction(0) for who in MEMBERS}
        paid_in = dict.fromkeys(MEMBERS, 0)
        folds = dict.fromkeys(MEMBERS, 0)
        buckets: dict[int, list[tuple[str, int]]] = {}
        minted = nav = 0
        for requests, change in zip([*script, [], []], [*growth, 0, 0], strict=False):
            for who, assets in requests:
                receipt = world.request_deposit(world.lp, assets, controller=who)
                label = only(receipt, "DepositRequest").requestId
                buckets.setdefault(label, []).append((who, assets))
                folds[who] += 1
            nav += nav * change // 1_000
            receipt = world.market.priceDeposits(LATE, nav)
            for priced in events(receipt, "DepositBucketPriced"):
                assert priced.assets == sum(assets for _, assets in buckets[priced.requestId])
                for who, assets in buckets.pop(priced.requestId):
                    owed[who] += Fraction(assets * priced.shares, priced.assets)
                    paid_in[who] += assets
                minted += priced.shares
                nav += priced.assets
        assert buckets == {}
        for who in MEMBERS:
            assert world.pool.maxDeposit(who) == paid_in[who]
            assert owed[who] - 1 - folds[who] <= world.pool.maxMint(who) <= owed[who]
        assert sum(world.pool.maxMint(who) for who in MEMBERS) <= minted
        assert world.pool.balanceOf(world.pool) == minted


def test_claims__many_members__all_can_be_paid(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> None:
    """The last one out finds its assets, in whatever pieces the others took theirs."""
    world = World(rpc, accounts)
    members = accounts[5:15]
    world.invest(world.lp, 10**6)
    for i, who in enumerate(members):
        world.request_redeem(world.lp, 7_777 * (i + 1) + i, controller=who)
    for free in (13, 0, 57, 111, 10**9, 10**9):
        world.price(free=free, profit=1_001)
    for i, who in enumerate(members):
        while claim := world.pool.maxWithdraw(who):
            world.withdraw(min(claim, 1 + i * 3), who, who)
        assert world.token.balanceOf(who) > 0
    assert world.pool.redemptionReserve() <= 2 * len(members)
    world.solvent()
