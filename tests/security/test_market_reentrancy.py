"""A token that calls back in the middle of a payment finds every door of the market closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_hash.auto import keccak
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.artifacts import default
from bulkhead.chain.contract import Contract, deploy

VALUES: dict[str, Any] = {"address": "0x" + "11" * 20, "bool": True}
# Refused by what stands before the lock: the caller's role, or that it is not the pool.
GOVERNED = {"setParams", "enterReduceOnly", "leaveReduceOnly", "announceFinal", "setAuthority"}
DOORS = sorted(
    entry["name"]
    for entry in default().get("Market").abi
    if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
)


def selector(text: str) -> bytes:
    return keccak(text.encode())[:4]


def door(w: World, name: str) -> bytes:
    """Calldata of a function of the market, with arguments of the right types."""
    function = getattr(w.market, name)
    if name == "setParams":
        return bytes(function.encode(*w.chain_args((w.params,))))
    entry = next(e for e in default().get("Market").abi if e.get("name") == name)
    kinds = [item["type"] for item in entry["inputs"]]
    args = [[] if kind.endswith("[]") else VALUES.get(kind, 1) for kind in kinds]
    return bytes(function.encode(*args))


def wanted(name: str) -> bytes:
    if name in GOVERNED:
        return selector("AccessManagedUnauthorized(address)")
    return selector("NotPool(address)" if name == "scheduleBucket" else "Locked()")


@pytest.fixture
def hooked(new_world: Callable[..., World]) -> tuple[World, Contract, int]:
    """A contract that owns a position, and that its token calls at every transfer."""
    w = new_world(token="HookToken")
    thief = deploy(w.rpc, "ReentrantActor", sender=w.deployer).as_(w.alice)
    w.token.mint(thief, 100_000 * w.one)
    thief.run(w.token, w.token.approve.encode(w.market, 2**256 - 1))
    size, margin = 50 * WAD, 9_000 * w.one
    thief.run(w.market, w.market.open.encode(0, size, margin, ANY[1], SOON))
    w.token.setHook(thief, thief)
    return w, thief, w.market.state().nextId - 1


def enter(w: World, thief: Contract, id_: int, outer: str) -> None:
    """One action that moves tokens from or to the thief."""
    market = w.market
    calls = {
        "addMargin": lambda: market.addMargin.encode(id_, 100),
        "open": lambda: market.open.encode(0, 50 * WAD, 9_000 * w.one, ANY[1], SOON),
        "removeMargin": lambda: market.removeMargin.encode(id_, 100, thief),
        "closeAndWithdraw": lambda: market.closeAndWithdraw.encode(id_, ANY[-1], SOON, thief),
    }
    if outer == "liquidate":
        w.tick(1_860 * WAD)
        market.liquidate(id_, thief, sender=w.keeper)
    else:
        thief.run(market, calls[outer]())


@pytest.mark.parametrize("inner", DOORS)
@pytest.mark.parametrize(
    "outer", ["addMargin", "open", "removeMargin", "closeAndWithdraw", "liquidate"]
)
def test_market__inside_a_payment__opens_no_door(
    hooked: tuple[World, Contract, int], outer: str, inner: str
) -> None:
    w, thief, id_ = hooked
    thief.arm(w.market, door(w, inner))
    enter(w, thief, id_, outer)
    assert thief.called()
    assert not thief.worked()
    assert thief.answer()[:4] == wanted(inner)


@pytest.mark.parametrize("view", ["nav()", "freeLiquidity()"])
def test_value_of_the_pool__inside_a_payment__can_not_be_read(
    hooked: tuple[World, Contract, int], view: str
) -> None:
    w, thief, id_ = hooked
    thief.arm(w.market, selector(view))
    enter(w, thief, id_, "closeAndWithdraw")
    assert thief.answer()[:4] == selector("Locked()")
    thief.arm(w.pool, selector("convertToAssets(uint256)") + bytes(32))
    enter(w, thief, id_, "open")
    assert thief.answer()[:4] == selector("Locked()")
