"""The pool: buckets, pricing, pro rata fills and claims."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_world import ANY_SALE, FOREVER, KEEPER, LP, MARK, OTHER_LP, OWNER, World, laws

from bulkhead.model.errors import PoolRefused
from bulkhead.model.queues import PRODUCT_MIN, Redemptions, Request
from bulkhead.model.wad import WAD


def test_first_deposit__new_pool__loses_only_the_dead_shares() -> None:
    world = World(liquidity=0)
    pool, amount = world.m.pool, 1000 * world.token
    assert pool.request_deposit(LP, amount, LP, LP).value == 1
    assert world.m.state.bucket_due_at == world.m.now + 600
    world.pass_time(600)
    world.m.accrue(KEEPER)
    assert world.m.state.cash == 0
    world.pass_time(1)
    world.m.accrue(KEEPER)
    assert world.m.state.cash == amount
    assert pool.deposit(LP, amount, LP, LP).value == amount * 1000 - 1000
    assert pool.state.supply == amount * 1000
    laws(world)


def test_smallest_deposit__new_pool__does_not_block_it() -> None:
    world = World(liquidity=0)
    pool = world.m.pool
    with pytest.raises(PoolRefused):
        pool.request_deposit(LP, 1, LP, LP)
    pool.request_deposit(LP, 2, LP, LP)
    assert pool.request_deposit(OTHER_LP, 10**6, OTHER_LP, OTHER_LP).value == 2
    world.pass_time(601)
    world.m.accrue(KEEPER)
    assert pool.deposit(LP, 2, LP, LP).value == 1000
    world.pass_time(601)
    world.m.accrue(KEEPER)
    assert pool.deposit(OTHER_LP, 10**6, OTHER_LP, OTHER_LP).value > 0


def test_pricing__after_a_jump__waits() -> None:
    world = World()
    pool = world.m.pool
    pool.request_deposit(LP, 10**6, LP, LP)
    world.pass_time(700)
    world.step(MARK * 104 // 100)
    assert len(pool.deposits.folded(LP).requests) == 1
    world.step(MARK * 104 // 100, 598)
    assert len(pool.deposits.folded(LP).requests) == 1
    world.step(MARK * 104 // 100, 2)
    assert pool.deposits.folded(LP).requests == ()


def test_redeem__short_of_liquidity__fills_pro_rata_and_waits() -> None:
    world = World()
    m, pool, token = world.m, world.m.pool, world.token
    pool.deposit(LP, 10**7 * token, LP, LP)
    pool.transfer(LP, OTHER_LP, pool.shares[LP] // 4)
    world.open(2500 * WAD, 1_500_000)
    pool.request_redeem(LP, pool.shares[LP], LP, LP)
    pool.request_redeem(OTHER_LP, pool.shares[OTHER_LP], OTHER_LP, OTHER_LP)
    world.pass_time(86_401)
    world.m.accrue(KEEPER)
    first = pool.redemptions.folded(LP)
    assert first.entry is not None
    assert 0 <= pool.state.reserve - first.assets <= 1
    assert pool.redemptions.folded(OTHER_LP).entry is not None  # joined the rest
    world.m.close(OWNER, 1, ANY_SALE, FOREVER)
    world.pass_time(86_401)
    world.m.accrue(KEEPER)
    accounts = [pool.redemptions.folded(who) for who in (LP, OTHER_LP)]
    assert all(account.entry is None for account in accounts)
    assert sum(account.assets for account in accounts) <= pool.state.reserve
    for who, account in zip((LP, OTHER_LP), accounts, strict=True):
        half = account.shares // 2
        got = pool.redeem(who, half, who, who).value
        got += pool.redeem(who, account.shares - half, who, who).value
        assert got == account.assets
    assert pool.state.reserve <= 2
    assert m.nav() >= 0
    laws(world)


@given(
    seed=st.integers(0, 2**64),
    largest=st.sampled_from((10**3, 10**12, 10**30)),
    rounds=st.integers(1, 60),
)
def test_fills__many_partial_ones__each_within_two_units(
    seed: int, largest: int, rounds: int
) -> None:
    draw = random.Random(seed)
    world = World(liquidity=0)
    queue = world.m.pool.redemptions
    exact: dict[str, list[Fraction]] = {}  # remaining shares, earned tokens
    paid_in_all = 0
    for turn in range(rounds):
        who = f"0x{draw.randint(1, 6):040x}"
        if who not in exact or not queue.folded(who).entry:
            _join(queue, who, draw.randint(1, largest))
            held = exact.setdefault(who, [Fraction(0), Fraction(0)])
            held[0] = Fraction(queue.accounts[who].entry.amount)  # type: ignore[union-attr]
        waiting = queue.queue.amount
        if not waiting:
            continue
        assets = waiting * draw.randint(1, 1500) // 1000
        free = assets * draw.choice((0, 1, 50, 900, 990, 999, 1000)) // 1000
        burned, paid = queue.fill(assets, free)
        paid_in_all += paid
        for held in exact.values():
            held[1] += held[0] * paid / waiting
            held[0] -= held[0] * burned / waiting
        if turn % 3 == 0:
            for name in exact:
                queue.accounts.put(name, queue.folded(name))
    earned = {who: queue.folded(who) for who in exact}
    assert sum(a.assets for a in earned.values()) <= paid_in_all
    left = sum(a.entry.amount if a.entry else 0 for a in earned.values())
    assert left <= queue.queue.amount
    # each fold and each fill may round one share and one token down; a product has 27 digits
    slack = 2 * rounds * (2 + 2 * largest // PRODUCT_MIN)
    for who, (shares, assets) in exact.items():
        account = earned[who]
        lag = (shares - (account.entry.amount if account.entry else 0), assets - account.assets)
        assert all(-2 <= gap <= slack for gap in lag), lag


def _join(queue: Redemptions, who: str, amount: int) -> None:
    """Puts somebody straight into the waiting queue."""
    queue.queue.collected += amount
    number = queue.queue.close(0)
    queue.joined.put(number, queue.snapshot())
    account = queue.folded(who)
    queue.accounts.put(who, account._replace(requests=(Request(number, amount),)))
    queue.accounts.put(who, queue.folded(who))
