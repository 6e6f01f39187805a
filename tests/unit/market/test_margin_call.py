"""Margin calls: healed, not healed, hostile, and with too little gas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_hash.auto import keccak
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import Contract, at, deploy
from bulkhead.model.errors import ModelError
from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason


def owner(w: World, kind: str, *args: Any, margin: int = 6_000) -> tuple[Contract, int]:
    """A contract with a long of 100,000 that has opted in."""
    made = deploy(w.rpc, kind, *args, sender=w.deployer).as_(w.deployer)
    w.give(made.address, 100_000 * w.one)
    w.twin.core.contracts.add(made.address)
    id_ = w.open(made.address, 50 * WAD, margin * w.one)
    w.ok("set_margin_call", made.address, id_, True)
    assert w.market.position(id_).flags & 1
    return made, id_


def healer(w: World, most: int | None = None) -> tuple[Contract, int]:
    made, id_ = owner(w, "HealingOwner")
    if most is not None:
        made.setMost(most)

    def heal(model: Any, which: int, shortfall: int) -> None:
        amount = shortfall if most is None else min(shortfall, most)
        amount = min(amount, model.balance(made.address))
        if not model.send(made.address, model.core.vault(which), amount):
            raise ModelError

    w.twin.on_margin_call[made.address] = heal
    return made, id_


def test_healed(world: World) -> None:
    w = world
    made, id_ = healer(w)
    w.tick(1_915 * WAD)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.HEALED
    assert done.event("PositionChanged").payout == 5 * w.one
    assert made.calls() == 1
    assert w.market.position(id_).size == 50 * WAD
    assert w.market.position(id_).flags & 1
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)


def test_a_call_without_gas_heals_nothing(new_world: Callable[..., World]) -> None:
    """Governance may set its gas to 0: found by the fuzzer after 700 sequences."""
    w = new_world(margin_call_gas=0)
    made, id_ = healer(w)
    w.tick(1_915 * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.PARTIAL
    assert made.calls() == 0
    assert not w.market.position(id_).flags & 1


@pytest.mark.parametrize("short", [1, 10, 10**8])
def test_a_unit_short_is_not_healed(world: World, short: int) -> None:
    w = world
    _, id_ = healer(w)
    w.tick(1_915 * WAD)
    with w.branch() as b:
        b.ok("liquidate", b.keeper, id_, b.keeper)
        paid = b.twin.margin(id_) - w.twin.margin(id_) + 5 * w.one
    w.twin.on_margin_call.clear()
    other = healer_at(w, id_, paid - short)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.PARTIAL
    assert other.calls() == 1
    assert w.market.position(id_).flags & 1 == 0


def healer_at(w: World, id_: int, most: int) -> Contract:
    """The owner of `id_` gives at most `most`."""
    made = at(w.rpc, "HealingOwner", w.twin.position(id_).owner, sender=w.deployer)
    made.setMost(most)

    def heal(model: Any, which: int, shortfall: int) -> None:
        model.send(made.address, model.core.vault(which), min(shortfall, most))

    w.twin.on_margin_call[made.address] = heal
    return made


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("RevertingOwner", ()),
        ("GasBurningOwner", ()),
        ("ReturnBombOwner", (True,)),
        ("ReturnBombOwner", (False,)),
        ("IdleOwner", ()),
    ],
)
@pytest.mark.parametrize("fall", [85, 110, 150])
def test_nobody_blocks(world: World, kind: str, args: tuple[Any, ...], fall: int) -> None:
    w = world
    _, id_ = owner(w, kind, *args)
    w.tick((2_000 - fall) * WAD)
    done = w.ok("liquidate", w.keeper, id_, w.keeper, gas=2_500_000)
    assert done.value in (Is.PARTIAL, Is.FULL)
    assert w.market.position(id_).flags & 1 == 0


@pytest.mark.parametrize(
    "action", ["close", "liquidate", "removeMargin", "settle", "setMarginCall"]
)
def test_the_id_is_locked_during_its_call(world: World, action: str) -> None:
    w = world
    made, id_ = owner(w, "ReentrantOwner")
    args = {
        "close": (id_, 0, SOON),
        "liquidate": (id_, made.address),
        "removeMargin": (id_, 1, made.address),
        "settle": (id_,),
        "setMarginCall": (id_, False),
    }[action]
    made.arm(w.market.address, getattr(w.market, action).encode(*args))
    w.tick(1_915 * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.PARTIAL
    assert made.calls() == 1
    assert not made.worked()
    assert made.answer() == keccak(b"Locked()")[:4]


def test_another_id_may_be_used_during_the_call(world: World) -> None:
    """The owner takes margin from its other position and tops up."""
    w = world
    made, id_ = owner(w, "ReentrantOwner")
    other = w.open(made.address, -50 * WAD, 30_000 * w.one)
    w.tick(1_915 * WAD)
    amount, vault = 10_000 * w.one, w.twin.core.vault(id_)
    made.arm(w.market.address, w.market.removeMargin.encode(other, amount, vault))

    def take(model: Any, _id: int, _shortfall: int) -> None:
        model.remove_margin(made.address, other, amount, vault)

    w.twin.on_margin_call[made.address] = take
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.HEALED
    assert made.worked()


def test_too_little_gas(world: World) -> None:
    w = world
    _, id_ = owner(w, "HealingOwner")
    plain = w.open(w.alice, 50 * WAD, 6_000 * w.one)
    w.tick(1_915 * WAD)
    call = w.market.liquidate.prepare(id_, w.keeper, sender=w.keeper)
    receipt = w.rpc.send(call.to, call.data, sender=w.keeper, gas=900_000, check=False)
    assert not receipt.ok
    assert w._refused(w.rpc.revert_data(receipt.hash)).startswith("Refused(20,")
    many = w.market.liquidateMany
    found = many.call((id_,), w.keeper, sender=w.keeper)
    assert found[0] == Is.PARTIAL or found[0] == Is.HEALED
    receipt = many.send((id_, plain), w.keeper, sender=w.keeper, gas=1_000_000)
    answer = many.decode(w.rpc.revert_data(receipt.hash))
    assert [int(one) for one in answer] == [Is.LOW_GAS, Is.PARTIAL]


def test_who_may_opt_in(world: World) -> None:
    w = world
    id_ = w.open(w.alice, 50 * WAD, 8_000 * w.one)
    w.no("NotAuthorised", "set_margin_call", w.alice, id_, True)
    w.no("NotAuthorised", "set_margin_call", w.bob, id_, True)
    w.ok("set_margin_call", w.alice, id_, False)  # whose code is gone again gets out
    w.no("UnknownPosition", "set_margin_call", w.alice, 77, True)
    made, mine = owner(w, "IdleOwner", margin=8_000)
    w.ok("set_margin_call", made.address, mine, False)
    w.ok("set_margin_call", made.address, mine, True)
    w.ok("transfer_position", made.address, mine, w.bob)
    assert w.market.position(mine).flags & 1 == 0
    w.ok("close", w.bob, mine, ANY[-1], SOON)
