"""reserve, transferPosition, setDelegate, setLock, freeLock, sweepForeign, sweepFees."""

from __future__ import annotations

from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import deploy
from bulkhead.model.types import Reason

ZERO = "0x" + "0" * 40


def test_reserve(world: World) -> None:
    w = world
    for bad in (ZERO, w.market.address, w.pool.address, w.fund.address):
        w.no(Reason.BAD_RECEIVER, "reserve", w.bob, bad)
    id_ = w.ok("reserve", w.bob, w.alice).value
    assert w.market.ownerOf(id_) == w.alice
    assert w.market.isAuthorised(id_, w.alice)
    assert not w.market.isAuthorised(id_, w.bob)
    assert not w.market.isAuthorised(99, ZERO)
    w.no("NotAuthorised", "open", w.bob, id_, 50 * WAD, 8_000 * w.one, ANY[1], SOON)


def test_transfer(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.ok("set_delegate", w.alice, id_, w.carol, SOON)
    w.ok("set_delegate", w.alice, 0, w.keeper, SOON)
    w.ok("set_lock", w.carol, id_, 100)
    w.no("UnknownPosition", "transfer_position", w.alice, 9, w.bob)
    w.no("NotAuthorised", "transfer_position", w.carol, id_, w.carol)
    vault = w.twin.core.vault(id_)
    for bad in (ZERO, w.market.address, w.pool.address, w.fund.address, vault):
        w.no(Reason.BAD_RECEIVER, "transfer_position", w.alice, id_, bad)
    w.ok("transfer_position", w.alice, id_, w.bob)
    assert w.market.epochOf(id_) == 1
    assert w.market.lockedOf(id_) == 0
    for who in (w.alice, w.carol, w.keeper):
        w.no("NotAuthorised", "close", who, id_, ANY[-1], SOON)
    w.ok("transfer_position", w.bob, id_, w.bob)
    w.tick(1_910 * WAD)
    w.no(Reason.LIQUIDATABLE, "transfer_position", w.bob, id_, w.alice)
    w.silence()
    w.no("PriceInvalid", "transfer_position", w.bob, id_, w.alice)
    w.speak()
    w.set(2_000 * WAD)
    w.ok("close", w.bob, id_, ANY[-1], SOON)
    w.tick()
    w.silence()
    w.ok("transfer_position", w.bob, id_, w.alice)


def test_delegates_trade_and_nothing_else(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 12_000 * w.one)
    for which in (id_, 0):
        end = w.now + 100
        w.ok("set_delegate", w.alice, which, w.bob, end)
        assert w.market.delegateExpiry(w.alice, which, w.bob) == end
        w.ok("increase", w.bob, id_, WAD, ANY[1], SOON)
        w.ok("decrease", w.bob, id_, -WAD, ANY[-1], SOON)
        w.no("NotAuthorised", "remove_margin", w.bob, id_, 1, w.bob)
        w.no("NotAuthorised", "close_and_withdraw", w.bob, id_, ANY[-1], SOON, w.bob)
        w.no("NotAuthorised", "transfer_position", w.bob, id_, w.bob)
        w.no("NotAuthorised", "set_delegate", w.bob, id_, w.carol, SOON)
        w.no("NotAuthorised", "set_margin_call", w.bob, id_, True)
        w.no("NotAuthorised", "sweep_foreign", w.bob, id_, w.oracle.address, w.bob)
        w.tick(seconds=100)
        w.ok("increase", w.bob, id_, WAD, ANY[1], SOON)
        w.tick(seconds=1)
        w.no("NotAuthorised", "increase", w.bob, id_, WAD, ANY[1], SOON)
        w.ok("set_delegate", w.alice, which, w.bob, 0)


def test_locks(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 12_000 * w.one)
    w.no("UnknownPosition", "set_lock", w.bob, 9, 1)
    w.no("UnknownPosition", "free_lock", w.bob, 9, w.bob)
    w.no("NotAuthorised", "set_lock", w.bob, id_, 1)
    w.ok("set_lock", w.bob, id_, 0)
    w.ok("set_delegate", w.alice, id_, w.bob, w.now + 10)
    w.ok("set_delegate", w.alice, 0, w.carol, SOON)
    w.ok("set_lock", w.bob, id_, 500)
    w.ok("set_lock", w.carol, id_, 70)
    assert w.market.lockedOf(id_) == 570
    assert w.market.lockOf(id_, w.bob) == 500
    w.no("NotAuthorised", "free_lock", w.alice, id_, w.bob)
    w.tick(seconds=11)
    w.no("NotAuthorised", "set_lock", w.bob, id_, 501)
    w.ok("set_lock", w.bob, id_, 499)
    w.ok("free_lock", w.keeper, id_, w.bob)
    assert w.market.lockedOf(id_) == 70
    w.ok("set_lock", w.carol, id_, 0)
    assert w.market.position(id_).flags & 2 == 0
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.ok("set_lock", w.bob, id_, 9)
    w.ok("set_delegate", w.alice, id_, w.bob, 0)
    assert w.market.lockedOf(id_) == 0


def test_locks_stay_below_2_128(world: World) -> None:
    """Each alone, and all of an id together; the book's is one of them."""
    w, most = world, 2**128 - 1
    id_ = w.open(w.alice, 50 * WAD, 12_000 * w.one)
    for who in (w.bob, w.carol, w.book):
        w.ok("set_delegate", w.alice, 0, who, SOON)
    w.rpc.impersonate(w.book)
    w.rpc.set_balance(w.book, 10**20)
    for amount in (most + 1, 2**256 - 1):
        for who in (w.bob, w.book):
            assert w.no("DoesNotFit", "set_lock", who, id_, amount).args == (amount, 128)
    w.ok("set_lock", w.bob, id_, most - 5)
    assert w.no("DoesNotFit", "set_lock", w.book, id_, 6).args == (most + 1, 128)
    w.ok("set_lock", w.book, id_, 5)
    assert w.no("DoesNotFit", "set_lock", w.carol, id_, 1).args == (most + 1, 128)
    assert (w.market.lockOf(id_, w.bob), w.market.lockOf(id_, w.book)) == (most - 5, 5)
    w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, 1, w.alice)
    w.ok("set_lock", w.bob, id_, 0)
    assert (w.market.lockOf(id_, w.book), w.market.lockedOf(id_)) == (5, 5)
    w.ok("set_delegate", w.alice, 0, w.book, 0)
    w.ok("free_lock", w.keeper, id_, w.book)
    assert w.market.lockedOf(id_) == 0


def test_the_held_mark(world: World) -> None:
    w = world
    w.tick(1_950 * WAD)
    w.ok("accrue", w.keeper)
    w.silence()
    w.at(w.now + 100)
    state = w.market.state()
    assert w.market.heldMark() == (state.mark, state.publishedAt) == (1_950 * WAD, w.now - 100)


def test_foreign_tokens(world: World) -> None:
    w = world
    id_ = w.ok("reserve", w.alice, w.alice).value
    other = deploy(w.rpc, "TestToken", 18, sender=w.deployer)
    vault = w.twin.core.vault(id_)
    other.mint(vault, 55, sender=w.deployer)
    w.ok("sweep_foreign", w.alice, id_, other.address, w.bob)
    assert other.balanceOf(w.bob) == 55
    assert w.market.position(id_).flags & 4  # that deployed the vault
    w.no("CollateralToken", "sweep_foreign", w.alice, id_, w.token.address, w.bob)
    w.no("NotAuthorised", "sweep_foreign", w.bob, id_, other.address, w.bob)
    w.no(Reason.BAD_RECEIVER, "transfer_position", w.alice, id_, vault)


def test_fees_are_swept(world: World) -> None:
    w = world
    w.open(w.alice, 50 * WAD, 12_000 * w.one)
    due = w.twin.state.treasury_due
    assert due > 0
    done = w.ok("sweep_fees", w.bob).event("FeesSwept")
    assert done.toTreasury == due
    assert w.token.balanceOf(w.treasury) >= due
    w.ok("sweep_fees", w.bob)


def test_only_the_pool_schedules(world: World) -> None:
    w = world
    receipt = w.market.scheduleBucket.send(1, sender=w.alice, check=False)
    assert w._refused(w.rpc.revert_data(receipt.hash)).startswith("NotPool")
