"""Where a number is as large, a state as odd, or a comparison as close as it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_hash.auto import keccak
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.abi import address
from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import reverts
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer
from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Mode, Reason
from bulkhead.model.wad import ceil_div

DECIMALS = pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
SIDE_MAX = 2**112 - 1
COUNTER_MAX = 2**80 - 1
WORDS, POSITIONS = 1, 9  # first slots of the market's storage


def poke(w: World, word: int, shift: int, bits: int, value: int) -> None:
    """One field of the market's packed state."""
    held = w.rpc.storage(w.market, WORDS + word)
    mask = (2**bits - 1) << shift
    w.rpc.set_storage(w.market, WORDS + word, held & ~mask | (value % 2**bits) << shift)


# ---- packed limits


@SIDES
def test_a_side_has_room_for_112_bits(world: World, sign: int) -> None:
    w = world
    terms = (9_000 * w.one, ANY[sign], SOON)
    w.no(Reason.SIZE_TOO_LARGE, "open", w.alice, 0, sign * (SIDE_MAX + 1), *terms)
    w.no(Reason.SKEW_TOO_LARGE, "open", w.alice, 0, sign * SIDE_MAX, *terms)
    id_ = w.open(w.bob, sign * 20 * WAD, 9_000 * w.one)
    rest = SIDE_MAX - 20 * WAD
    refusal = w.no(Reason.SIZE_TOO_LARGE, "open", w.alice, 0, sign * (rest + 1), *terms)
    assert refusal.args[1:] == (SIDE_MAX + 1, SIDE_MAX)
    w.no(Reason.SKEW_TOO_LARGE, "open", w.alice, 0, sign * rest, *terms)
    w.no(Reason.SIZE_TOO_LARGE, "increase", w.bob, id_, sign * (rest + 1), *terms[1:])
    for delta in (2**127 - 1, 2**127, 2**255 - 1):
        w.no(Reason.SIZE_TOO_LARGE, "increase", w.bob, id_, sign * delta, *terms[1:])
    for size in (2**127 - 1, 2**127, -(2**127), 2**255 - 1, -(2**255)):
        limit = ANY[1 if size > 0 else -1]
        w.no(Reason.SIZE_TOO_LARGE, "open", w.alice, 0, size, 9_000 * w.one, limit, SOON)


@SIDES
def test_fee_counters_stop_at_80_bits(new_world: Callable[..., World], sign: int) -> None:
    """What does not fit is the pool's own; nothing reverts, nothing is lost."""
    w = new_world(decimals=18)
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    s = w.twin.state
    w.give(w.pool.address, 2 * COUNTER_MAX - s.insurance_due - s.treasury_due)
    s.insurance_due, s.treasury_due = COUNTER_MAX - 3, COUNTER_MAX
    poke(w, 5, 0, 80, s.insurance_due)
    poke(w, 5, 80, 80, s.treasury_due)
    w.compare("poking")
    cash = s.cash
    w.open(w.bob, -sign * 20 * WAD, 9_000 * w.one)
    assert (s.insurance_due, s.treasury_due) == (COUNTER_MAX, COUNTER_MAX)
    assert s.cash > cash
    w.tick((2_000 - sign * 82) * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.PARTIAL
    assert s.insurance_due == COUNTER_MAX
    done = w.ok("sweep_fees", w.keeper).event("FeesSwept")
    assert done.toInsurance == done.toTreasury == COUNTER_MAX


def test_the_last_id_is_not_given(world: World) -> None:
    """2^32 - 1 ids; afterwards everything goes on but new ones."""
    w = world
    id_ = w.open(w.alice, 20 * WAD, 9_000 * w.one)
    last = 2**32 - 1
    poke(w, 3, 224, 32, last - 1)
    assert w.market.reserve.call(w.bob, sender=w.bob) == last - 1
    w.market.reserve(w.bob, sender=w.bob)
    with reverts("DoesNotFit", value=2**32, bits=32):
        w.market.reserve(w.bob, sender=w.bob)
    with reverts("DoesNotFit", value=2**32, bits=32):
        w.market.open(0, 20 * WAD, 9_000 * w.one, ANY[1], SOON, sender=w.bob)
    assert w.market.open(last - 1, 20 * WAD, 9_000 * w.one, ANY[1], SOON, sender=w.bob).ok
    assert w.market.close(id_, 0, SOON, sender=w.alice).ok
    assert w.market.ownerOf(last - 1) == w.bob


# ---- deleveraging


def lopsided(new_world: Callable[..., World]) -> tuple[World, int]:
    """A pool of 400,000 and one long of 150 ETH."""
    w = new_world(liquidity=400_000)
    return w, w.open(w.alice, 150 * WAD, 60_000 * w.one)


@pytest.mark.parametrize("mark", [4_400, 9_000], ids=["part", "whole"])
def test_the_only_position_is_the_average(new_world: Callable[..., World], mark: int) -> None:
    """Its claim per notional equals its side's, to the last digit: eligible."""
    w, id_ = lopsided(new_world)
    w.tick(mark * WAD, seconds=600)
    w.ok("accrue", w.bob)
    assert w.twin.claim(id_) == w.twin.side_claim(1)
    w.ok("deleverage", w.keeper, id_)


def test_a_grain_with_a_large_claim_has_nothing_to_close(new_world: Callable[..., World]) -> None:
    """One unit of size can't be closed in part, and all of it would pay too much."""
    w, id_ = lopsided(new_world)
    w.tick(seconds=60)
    w.ok("accrue", w.bob)
    s, unit = w.twin.state, w.twin.core.cfg.unit
    claim = s.cash * unit * 9 // 10
    held = w.twin.position(id_)
    basis = -claim
    place = keccak(id_.to_bytes(32, "big") + POSITIONS.to_bytes(32, "big"))
    slot = int.from_bytes(place, "big") + 1
    entry = w.rpc.storage(w.market, slot) & (2**15 - 1) << 113  # its lower part
    w.rpc.set_storage(w.market, slot, basis % 2**128 << 128 | entry | 1)
    poke(w, 3, 0, 112, 1)
    poke(w, 4, 0, 128, basis)
    w.twin.core.positions[id_] = replace(held, size=1, basis=basis)
    s.size_long, s.basis_long = 1, basis
    w.compare("poking")
    w.no(Reason.NOTHING_TO_CLOSE, "deleverage", w.keeper, id_)


# ---- margin calls and tickets


def test_one_of_many_heals(world: World) -> None:
    """The call of one neither stops the round nor changes what happens to the others."""
    w = world
    made = deploy(w.rpc, "HealingOwner", sender=w.deployer).as_(w.deployer)
    w.give(made.address, 50_000 * w.one)
    w.twin.core.contracts.add(made.address)
    first = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    healer = w.open(made.address, 50 * WAD, 6_000 * w.one)
    last = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.ok("set_margin_call", made.address, healer, True)

    def heal(model: Any, id_: int, shortfall: int) -> None:
        assert model.send(made.address, model.core.vault(id_), shortfall)

    w.twin.on_margin_call[made.address] = heal
    w.tick(1_920 * WAD)
    ids = (first, healer, last, healer)
    done = w.ok("liquidate_many", w.keeper, ids, w.keeper)
    assert done.value == (Is.PARTIAL, Is.HEALED, Is.PARTIAL, Is.HEALTHY)
    assert made.calls() == 1
    assert w.twin.position(healer).size == 50 * WAD


def ticketed(new_world: Callable[..., World], **terms: Any) -> tuple[World, int]:
    """Alice has closed with more than the pool had: a ticket is open. Bob is still long."""
    w = new_world(liquidity=400_000, **terms)
    alice = w.open(w.alice, 100 * WAD, 40_000 * w.one)
    bob = w.open(w.bob, 60 * WAD, 40_000 * w.one)
    w.tick(6_200 * WAD, seconds=60)
    w.close(w.alice, alice)
    owed, paid, _, _ = w.market.ticketTotals()
    assert owed > paid
    assert w.twin.state.cash == 0
    return w, bob


def test_requests_while_a_ticket_is_open(new_world: Callable[..., World]) -> None:
    """They wait while NAV is not positive; then a deposit's tokens fund the ticket first."""
    w, _ = ticketed(new_world)
    w.give(w.carol, 100_000 * w.one)
    w.ok("request_deposit", w.carol, 100_000 * w.one, w.carol, w.carol)
    w.ok("request_redeem", w.lp, w.twin.pool.shares[w.lp] // 2, w.lp, w.lp)
    w.tick(seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    assert w.market.nav() < 0
    assert w.pool.pendingDepositAssets() == 100_000 * w.one

    w.tick(1_500 * WAD)  # Bob has lost 30,000 and not paid yet: NAV is positive again
    w.ok("accrue", w.keeper)
    w.tick(seconds=w.params.pricing_wait_secs + 1)
    before = w.market.ticketTotals()
    w.ok("accrue", w.keeper)
    assert w.market.nav() > 0
    assert w.pool.pendingDepositAssets() == 0
    owed, paid, _, _ = w.market.ticketTotals()
    assert owed == paid > before[1]
    assert w.twin.state.cash == 100_000 * w.one - (paid - before[1]) - w.pool.redemptionReserve()
    assert w.ok("draw_ticket", w.alice, 1, w.alice).value == owed
    w.ok("deposit", w.carol, w.pool.maxDeposit(w.carol), w.carol, w.carol)


@pytest.mark.parametrize("mark", [6_300, 1_600], ids=["profit", "loss"])
def test_a_frozen_close_while_a_ticket_is_open(new_world: Callable[..., World], mark: int) -> None:
    """Bob's vault moves nothing. A profit becomes a ticket behind the first; a loss stays in his
    basis, and funds the first ticket when the token lets it go."""
    w, bob = ticketed(new_world, token="BlacklistToken")
    vault = w.twin.core.vault(bob)
    w.tick(mark * WAD)
    w.block(vault)
    margin = w.twin.margin(bob)
    w.close(w.bob, bob)
    assert (w.twin.position(bob).size, w.twin.margin(bob)) == (0, margin)
    before = w.market.ticketTotals()
    assert before[3] == (3 if mark > 6_200 else 2)
    w.block(vault, False, False)
    owed = max(0, ceil_div(w.twin.position(bob).basis, w.twin.core.cfg.unit))
    assert (owed > 0) == (mark < 2_000)
    w.ok("settle", w.keeper, bob)
    after = w.market.ticketTotals()
    funded = min(owed, before[0] - before[1])
    assert after[1] - before[1] == funded
    assert w.ok("draw_ticket", w.alice, 1, w.alice).value == after[1]
    w.ok("remove_margin", w.bob, bob, margin - owed, w.bob)


@pytest.mark.parametrize("mark", [2_300, 1_700], ids=["profit", "loss"])
@SIDES
def test_a_frozen_final_settlement(new_world: Callable[..., World], sign: int, mark: int) -> None:
    """A vault that moves nothing holds nobody up: what it owes waits in its basis."""
    w = new_world(token="BlacklistToken", liquidity=400_000)
    id_ = w.open(w.alice, sign * 50 * WAD, 30_000 * w.one)
    other = w.open(w.bob, -sign * 30 * WAD, 30_000 * w.one)
    w.silence()
    w.at(w.now + w.params.dead_after_secs)
    w.ok("announce_final", w.governance, mark * WAD)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.keeper)
    vault, margin = w.twin.core.vault(id_), w.twin.margin(id_)
    w.block(vault)
    w.ok("settle_final", w.keeper, id_)
    assert (w.twin.position(id_).size, w.twin.margin(id_)) == (0, margin)
    lost = w.twin.position(id_).basis > 0
    assert lost == ((mark < 2_000) == (sign > 0))
    w.ok("settle_final", w.keeper, other)
    assert w.market.state().mode == Mode.SETTLED
    w.block(vault, False, False)
    w.ok("settle", w.keeper, id_)
    assert w.twin.position(id_).basis == 0
    assert (w.twin.margin(id_) < margin) == lost
    w.ok("remove_margin", w.alice, id_, w.twin.margin(id_), w.alice)
    for number in range(1, w.market.ticketTotals()[3]):
        who = w.twin.ticket(number).owner
        w.ok("draw_ticket", who, number, who)


# ---- exactly


@DECIMALS
@SIDES
@pytest.mark.parametrize("move", [25, -25], ids=["up", "down"])
@pytest.mark.parametrize("locked", [0, 3_000])
def test_withdrawable_to_the_unit(
    new_world: Callable[..., World], decimals: int, sign: int, move: int, locked: int
) -> None:
    """I-15: max(0, min(margin - locks, equity) - IM), rounded down, and not a unit more."""
    w = new_world(decimals=decimals)
    id_ = w.open(w.alice, sign * 50 * WAD, 14_000 * w.one)
    if locked:
        w.ok("set_delegate", w.alice, id_, w.bob, SOON)
        w.ok("set_lock", w.bob, id_, locked * w.one)
    w.tick((2_000 + move) * WAD, seconds=3_000)
    w.ok("settle", w.keeper, id_)
    unit, need = w.twin.core.cfg.unit, w.twin.requirements(id_)[0]
    free = (w.twin.margin(id_) - locked * w.one) * unit
    most = max(0, min(free, w.twin.equity(id_)) - need) // unit
    assert most > 1_000 * w.one
    w.no(Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, most + 1, w.alice)
    w.ok("remove_margin", w.alice, id_, most, w.alice)
    w.no(Reason.MARGIN_TOO_LOW, "remove_margin", w.alice, id_, 1, w.alice)


@SIDES
def test_equity_equal_to_maintenance(new_world: Callable[..., World], sign: int) -> None:
    """I-26: e = MM to the last digit is healthy; a unit of margin or a tick of price less is
    not."""
    w = new_world(decimals=18)  # a unit is one Wad: equality can be reached
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    mark = (2_000 - sign * 90) * WAD
    w.tick(mark)
    w.twin.now, w.twin.oracle = w.now, w.reading
    with w.branch() as b:
        b.ok("accrue", b.keeper)
        missing = b.twin.requirements(id_)[1] - b.twin.equity(id_)
    assert missing > 1
    with w.branch() as b:
        b.ok("add_margin", b.bob, id_, missing - 1)
        b.no(Reason.LIQUIDATABLE, "transfer_position", b.alice, id_, b.dave)
        b.ok("liquidate", b.keeper, id_, b.keeper)
    w.ok("add_margin", w.bob, id_, missing)
    for tick, healthy in ((0, True), (sign, True), (-sign, False)):
        with w.branch() as b:
            b.set(mark + tick)
            b.ok("accrue", b.keeper)
            equity, need = b.twin.equity(id_), b.twin.requirements(id_)[1]
            assert (equity >= need) == healthy
            assert tick or equity == need
            if healthy:
                b.no(Reason.HEALTHY, "liquidate", b.keeper, id_, b.keeper)
            else:
                b.ok("liquidate", b.keeper, id_, b.keeper)


# ---- the factory


def created(factory: str, who: str, number: int | None, what: str) -> str:
    """CREATE3 of (caller, market id, part) or, of a book, of (market, part), from the
    specification of CREATE2 and CREATE."""
    proxy_code = bytes.fromhex("67363d3d37363d34f03d5260086018f3")
    place = b"" if number is None else number.to_bytes(32, "big")
    salt = keccak(bytes(12) + bytes.fromhex(who[2:]) + place + what.encode().ljust(32, b"\0"))
    proxy = keccak(b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(proxy_code))[12:]
    return "0x" + keccak(b"\xd6\x94" + proxy + b"\x01")[12:].hex()


def test_nobody_takes_the_addresses_of_another(world: World) -> None:
    """They follow from who creates: whoever comes first gets others, and yours stay empty."""
    w, factory = world, world.factory
    hand = Deployer(w.rpc, w.deployer)
    names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
    codes = [hand.code(name) for name in names]
    terms = (*codes, w.token.address, w.authority.address, abi(w.params), 0)
    number = factory.marketCount() + 1
    mine = {
        what: created(factory.address, w.alice, number, what)
        for what in ("market", "pool", "fund", "vault")
    }
    mine["book"] = created(factory.address, mine["market"], None, "book")

    def foreseen(who: str) -> tuple[str, ...]:
        made = factory.createMarket.call(*terms, sender=who)
        return tuple(address(one) for one in made)

    assert set(foreseen(w.alice)) == set(mine.values())
    theirs = foreseen(w.bob)
    assert not set(theirs) & set(mine.values())
    factory.createMarket(*terms, sender=w.bob, gas=60_000_000)  # in front of Alice's
    assert [bool(w.rpc.code(where)) for where in theirs] == [True] * 4 + [False]  # no book yet
    assert not any(w.rpc.code(where) for where in mine.values())
    assert factory.createMarket(*terms, sender=w.alice, gas=60_000_000).ok
    assert factory.marketOf(number) in theirs
    assert factory.marketOf(number + 1) == created(factory.address, w.alice, number + 1, "market")
