"""phase: one more at each opening and at each return to flat, whatever does it; and its place in
storage, beside the size and the funding entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_hash.auto import keccak
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import deploy
from bulkhead.model.types import PHASES, LiquidationResult, Reason

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
SIDE_MAX = 2**112 - 1
ENTRY_MAX = 2**87 - 1
WORDS, POSITIONS = 1, 9  # first slots of the market's storage


def head(id_: int) -> int:
    """The slot of a position's first word."""
    place = keccak(id_.to_bytes(32, "big") + POSITIONS.to_bytes(32, "big"))
    return int.from_bytes(place, "big")


def put(w: World, slot: int, shift: int, bits: int, value: int) -> None:
    """One field of a word of the market's storage."""
    held = w.rpc.storage(w.market, slot)
    mask = (2**bits - 1) << shift
    w.rpc.set_storage(w.market, slot, held & ~mask | (value % 2**bits) << shift)


def phase(w: World, id_: int) -> int:
    """As the market says it; the twin says the same after every action."""
    return int(w.market.position(id_).phase)


def opened(w: World, id_: int, sign: int) -> None:
    w.ok("open", w.alice, id_, sign * 50 * WAD, 8_000 * w.one, ANY[sign], SOON)


# ---- every path


@SIDES
def test_openings_and_closings_by_the_owner(world: World, sign: int) -> None:
    w, away = world, ANY[-sign]
    id_ = w.ok("reserve", w.bob, w.alice).value
    other = w.open(w.bob, -sign * 20 * WAD, 9_000 * w.one)
    assert (phase(w, id_), phase(w, other)) == (0, 1)
    opened(w, id_, sign)
    assert phase(w, id_) == 1
    w.tick(seconds=600)
    w.ok("increase", w.alice, id_, sign * WAD, ANY[sign], SOON)
    w.ok("decrease", w.alice, id_, -sign * WAD, away, SOON)
    w.ok("add_margin", w.carol, id_, w.one)
    w.ok("remove_margin", w.alice, id_, w.one, w.alice)
    w.ok("settle", w.carol, id_)
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    assert phase(w, id_) == 1
    w.ok("close", w.alice, id_, away, SOON)
    assert phase(w, id_) == 2
    w.ok("settle", w.carol, id_)
    w.ok("remove_margin", w.alice, id_, w.one, w.alice)
    assert phase(w, id_) == 2
    opened(w, id_, -sign)  # the other side of the same id
    assert phase(w, id_) == 3
    w.ok("decrease", w.alice, id_, sign * 50 * WAD, ANY[sign], SOON)
    assert phase(w, id_) == 4
    opened(w, id_, sign)
    w.tick(seconds=60)
    w.ok("close_and_withdraw", w.alice, id_, away, SOON, w.carol)
    assert phase(w, id_) == 6
    assert phase(w, other) == 1


@SIDES
def test_a_new_owner_keeps_it(world: World, sign: int) -> None:
    w = world
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    w.ok("transfer_position", w.alice, id_, w.bob)
    assert phase(w, id_) == 1
    w.close(w.bob, id_)
    w.ok("transfer_position", w.bob, id_, w.carol)
    assert phase(w, id_) == 2


@SIDES
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_liquidation_in_full_ends_it_one_in_part_does_not(
    world: World, sign: int, many: bool
) -> None:
    w = world
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    kept = w.open(w.bob, sign * 20 * WAD, 9_000 * w.one)

    def liquidate() -> LiquidationResult:
        if many:
            found = w.ok("liquidate_many", w.keeper, [id_, kept], w.keeper).value
            assert found[1] == LiquidationResult.HEALTHY
            return LiquidationResult(found[0])
        return LiquidationResult(w.ok("liquidate", w.keeper, id_, w.keeper).value)

    w.tick((2_000 - sign * 115) * WAD)
    assert liquidate() == LiquidationResult.PARTIAL
    assert phase(w, id_) == 1
    w.tick((2_000 - sign * 170) * WAD)
    assert liquidate() == LiquidationResult.FULL
    assert phase(w, id_) == 2
    assert phase(w, kept) == 1


@SIDES
def test_a_frozen_vault_is_closed_and_liquidated_all_the_same(
    new_world: Callable[..., World], sign: int
) -> None:
    """The plan is taken back and made anew: the phase counts once."""
    w = new_world(token="BlacklistToken")
    ids = [w.open(w.alice, sign * 50 * WAD, 8_000 * w.one) for _ in range(2)]
    w.tick((2_000 - sign * 100) * WAD)
    for id_ in ids:
        w.block(w.twin.core.vault(id_))
    w.close(w.alice, ids[0])
    assert w.twin.position(ids[0]).basis > 0  # its debt waits
    assert phase(w, ids[0]) == 2
    w.tick((2_000 - sign * 170) * WAD)
    assert w.ok("liquidate", w.keeper, ids[1], w.keeper).value == LiquidationResult.FULL
    assert phase(w, ids[1]) == 2
    w.block(w.twin.core.vault(ids[0]), False, False)
    w.ok("settle", w.carol, ids[0])
    assert phase(w, ids[0]) == 2


def test_a_healed_margin_call_changes_nothing(world: World) -> None:
    w = world
    made = deploy(w.rpc, "HealingOwner", sender=w.deployer).as_(w.deployer)
    w.give(made.address, 50_000 * w.one)
    w.twin.core.contracts.add(made.address)
    id_ = w.open(made.address, 50 * WAD, 6_000 * w.one)
    w.ok("set_margin_call", made.address, id_, True)
    w.twin.core.on_margin_call[made.address] = lambda model, one, shortfall: model.send(
        made.address, model.core.vault(one), shortfall
    )
    w.tick(1_920 * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == LiquidationResult.HEALED
    assert phase(w, id_) == 1


@SIDES
def test_deleveraging_in_part_and_whole(new_world: Callable[..., World], sign: int) -> None:
    w = new_world(liquidity=400_000)
    id_ = w.open(w.alice, sign * 150 * WAD, 60_000 * w.one)
    w.tick((2_000 + sign * 1_000) * WAD, seconds=600)
    w.ok("accrue", w.bob)

    def have(share: int) -> None:
        """The pool's cash, as a percentage of what it owes the position."""
        s = w.twin.state
        s.cash = w.twin.claim(id_) // w.twin.core.cfg.unit * share // 100
        put(w, WORDS + 1, 160, 96, s.cash)
        w.compare("poking")

    have(105)
    w.ok("deleverage", w.keeper, id_)
    assert w.twin.position(id_).size
    assert phase(w, id_) == 1
    have(50)
    w.ok("deleverage", w.keeper, id_)
    assert w.twin.position(id_).size == 0
    assert phase(w, id_) == 2


@SIDES
def test_the_final_price(new_world: Callable[..., World], sign: int) -> None:
    w = new_world(liquidity=1_000_000)
    ids = [w.open(w.alice, sign * 50 * WAD, 8_000 * w.one) for _ in range(2)]
    w.close(w.alice, ids[1])
    w.silence()
    w.at(w.now + w.params.dead_after_secs)
    w.ok("announce_final", w.governance, 1_900 * WAD)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.carol)
    w.no(Reason.IS_FLAT, "settle_final", w.keeper, ids[1])
    w.ok("settle_final", w.keeper, ids[0])
    assert [phase(w, id_) for id_ in ids] == [2, 2]


# ---- its place in storage


@SIDES
def test_it_begins_again_after_2_15(world: World, sign: int) -> None:
    w = world
    id_ = w.ok("reserve", w.alice, w.alice).value
    put(w, head(id_), 160, 14, 2**14 - 1)
    w.twin.core.positions.put(id_, replace(w.twin.position(id_), phase=PHASES - 2))
    w.compare("poking")
    for expected in (PHASES - 1, 0, 1, 2):
        if expected % 2:
            opened(w, id_, sign)
        else:
            w.close(w.alice, id_)
        assert phase(w, id_) == expected
    owner, flags = w.twin.position(id_).owner, w.twin.position(id_).flags
    assert (owner, flags) == (w.alice, 4)  # the neighbours of the count


@SIDES
def test_the_largest_size_keeps_its_neighbours(world: World, sign: int) -> None:
    """2^112 - 1 of either sign, read back and stored again whole."""
    w = world
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    size, s = sign * SIDE_MAX, w.twin.state
    put(w, head(id_) + 1, 0, 113, size)
    put(w, WORDS + 3, 0 if sign > 0 else 112, 112, SIDE_MAX)
    w.twin.core.positions.put(id_, replace(w.twin.position(id_), size=size))
    s.size_long, s.size_short = (SIDE_MAX, 0) if sign > 0 else (0, SIDE_MAX)
    w.compare("poking")
    w.ok("settle", w.bob, id_)
    assert (w.market.position(id_).size, phase(w, id_)) == (size, 1)
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.ok("set_lock", w.bob, id_, 5)  # stores the first word alone
    assert (w.market.position(id_).size, phase(w, id_)) == (size, 1)


@SIDES
@pytest.mark.parametrize("entry", [ENTRY_MAX, -ENTRY_MAX, -1, 2**14, -(2**14) - 1, 2**14 - 1])
def test_the_funding_entry_is_kept_in_two_parts(world: World, sign: int, entry: int) -> None:
    w = world
    w.ok("accrue", w.bob)  # this block has its funding
    put(w, WORDS + 1, 0, 88, entry)
    w.twin.state.funding_index = entry
    w.compare("poking")
    id_ = w.ok("open", w.alice, 0, sign * 50 * WAD, 8_000 * w.one, ANY[sign], SOON).value
    assert (w.market.position(id_).fundingEntry, phase(w, id_)) == (entry, 1)
    w.ok("set_delegate", w.alice, id_, w.bob, SOON)
    w.ok("set_lock", w.bob, id_, 5)
    assert (w.market.position(id_).fundingEntry, phase(w, id_)) == (entry, 1)
    w.close(w.alice, id_)
    assert (w.market.position(id_).fundingEntry, phase(w, id_)) == (0, 2)


def test_closing_leaves_the_second_word_empty(world: World) -> None:
    """That is what its refund is for."""
    w = world
    id_ = w.open(w.alice, 50 * WAD, 8_000 * w.one)
    first = w.rpc.storage(w.market, head(id_))
    assert w.rpc.storage(w.market, head(id_) + 1)
    w.tick(seconds=600)
    w.close(w.alice, id_)
    assert w.rpc.storage(w.market, head(id_)) == first  # not a bit of it changes
    assert w.rpc.storage(w.market, head(id_) + 1) == 0
