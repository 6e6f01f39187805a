"""Views that no call needs are looked at: lenses, and the standards' views of the pool."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws import differential
from bulkhead.fuzz.laws.base import Broken, Terms
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import ALICE, ANY_BUY, EVE, FOREVER, KEEPER, LP, PRICE
from bulkhead.fuzz.previews import PREVIEWS
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.stage import LENSES
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import Order
from bulkhead.model.wad import WAD

from .conftest import NewWorld

POOL = (
    *("pendingDepositRequest", "claimableDepositRequest", "pendingRedeemRequest"),
    *("claimableRedeemRequest", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"),
    *("convertToShares", "convertToAssets", "totalAssets", "balanceOf", "isOperator"),
    *("depositBuckets", "redeemBuckets", "previewPriceDeposits", "previewPriceRedeems"),
    *("supportsInterface", "share", "asset", "decimals", "previewDeposit", "previewRedeem"),
)
OWNERS = (
    *("isAuthorised", "ownerOf", "epochOf", "lockOf", "lockedOf", "delegateExpiry", "heldMark"),
    "orderTerms",
)
MARKET = ("positionsOf", "marketView", "liquidatable", "liquidationPrice", "liquidatableNotional")


def lies(world: World, to: str, selector: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on one view of a contract says another last word, or anything instead of nothing."""
    honest = world.engine.view

    def view(where: str, data: bytes) -> Answer:
        found = honest(where, data)
        if where != to or data[:4] != selector:
            return found
        if not found.ok:
            return Answer(True, bytes(32))
        last = int.from_bytes(found.data[-32:], "big")
        return Answer(True, found.data[:-32] + (last ^ 1).to_bytes(32, "big"))

    monkeypatch.setattr(world.engine, "view", view)


def broken(world: World, *ops: Op) -> str:
    """The law that ops break, undone."""
    with world.undone():
        try:
            for op in ops:
                world.play(op)
        except Broken as problem:
            return problem.law
    return ""


def looks(world: World) -> set[str]:
    """What twenty looks break, at whatever moment."""
    waiting = [
        Op("request_deposit", LP, (world.dollars(100), LP, LP)),
        Op("request_redeem", LP, (10**9, LP, LP)),
    ]
    return {broken(world, *waiting, Op(TRIAL, "", ("views", seed))) for seed in range(20)}


@pytest.mark.parametrize("view", [*POOL, *OWNERS])
def test_a_view_of_pool_or_market_that_is_off_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    world = new_world("revm", 0)
    assert looks(world) == {""}
    contract = world.site.pool if view in POOL else world.site.market
    lies(world, contract.address, getattr(contract, view).method.selector, monkeypatch)
    assert "I-50" in looks(world)


@pytest.mark.parametrize("view", MARKET)
def test_a_view_of_a_lens_that_is_off_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    world = new_world("revm", 0)
    lens = world.stage.lenses[LENSES["market"]]
    lies(world, lens.address, getattr(lens, view).method.selector, monkeypatch)
    assert "I-50" in looks(world)


ORDER = Order(owner=ALICE, size=WAD, margin=10**9, price_limit=ANY_BUY, expiry=FOREVER - 1)
ACTIONS = {
    "open": [Op("open", EVE, (0, 10 * WAD, 4 * 10**9, ANY_BUY, FOREVER))],
    "increase": [Op("increase", ALICE, (1, WAD, ANY_BUY, FOREVER))],
    "decrease": [Op("decrease", ALICE, (1, -WAD, 0, FOREVER))],
    "close": [Op("close", ALICE, (1, 0, FOREVER))],
    "remove_margin": [Op("remove_margin", ALICE, (1, 10**6, ALICE))],
    "settle": [Op("settle", KEEPER, (1,))],
    "liquidate": [
        Op("set_price", "", (PRICE * 93 // 100, 0, 0, 0), 1),
        Op("liquidate", KEEPER, (1, KEEPER)),
    ],
    "deleverage": [Op("deleverage", KEEPER, (2,))],  # refused: the factor is too low
    "execute_order": [
        Op("place_order", ALICE, (ORDER,)),
        Op("set_price", "", (PRICE, 0, 0, 0), 20),
        Op("execute_order", KEEPER, (ORDER, KEEPER)),
    ],
}


@pytest.mark.parametrize("engine", ["revm", "anvil"])
def test_what_lenses_foretell_happens(new_world: NewWorld, engine: str) -> None:
    world = new_world(engine, 0)
    assert ACTIONS.keys() == PREVIEWS.keys()
    for ops in ACTIONS.values():
        with world.looking():
            assert broken(world, *ops) == ""
        with world.undone(), world.looking():
            later = [Op("set_price", "", (PRICE * 101 // 100, 0, 0, 0), 700), *ops]
            for op in later:
                world.play(op)


def test_a_keepers_fee_for_the_pool_is_no_part_of_the_trade(new_world: NewWorld) -> None:
    """Found after 57,000 steps of a market's neutral change."""
    world = new_world("revm", 0)
    order = replace(ORDER, keeper_fee=3)
    place, price, _ = ACTIONS["execute_order"]
    place = Op("place_order", ALICE, (order,))
    fill = Op("execute_order", KEEPER, (order, world.site.pool.address))
    with world.looking():
        assert broken(world, place, price, fill) == ""
        assert world.last is not None
        assert world.last.ok


@pytest.mark.parametrize("action", ACTIONS)
def test_a_preview_that_is_off_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    world, (lens, function) = new_world("revm", 0), PREVIEWS[action]
    contract = world.stage.lenses[LENSES[lens]]
    method = getattr(contract, function).method
    decode: Callable[[bytes], Any] = method.decode

    def other(data: bytes) -> Any:
        said = decode(data)
        trade = said.trade if action == "execute_order" else said
        changed = trade._replace(fee=trade.fee + 1, limit=trade.limit + 1)
        return said._replace(trade=changed) if action == "execute_order" else changed

    monkeypatch.setattr(method, "decode", other)
    with world.looking():
        assert broken(world, *ACTIONS[action]) == "I-50"


@pytest.mark.parametrize("freed", [False, True])
@pytest.mark.parametrize("setting", [0, 4], ids=["one market", "two"])
def test_the_lens_is_asked_of_each_order_whose_lock_was_freed(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, freed: bool, setting: int
) -> None:
    world = new_world("revm", setting)
    world.at = 0
    asked, ask, book = [], world.judge.ask, world.site.book.address

    def listen(world: World, step: Any) -> Any:
        asked.append(step.op.name)
        return ask(world, step)

    monkeypatch.setattr(world.judge, "ask", listen)
    order = replace(ORDER, margin=1_000 * WAD // world.unit)
    price = ACTIONS["execute_order"][1]
    fill = Op("execute_order", KEEPER, (order, KEEPER))
    world.play(Op("place_order", ALICE, (order,)))
    if freed:
        world.play(Op("set_delegate", ALICE, (0, book, 0)))
        assert world.play(Op("free_lock", EVE, (world.ids[-1], book))) == "ok"
        world.play(Op("set_delegate", ALICE, (0, book, FOREVER)))
    world.play(price)
    world.steps = 1  # no step that is sampled
    world.at = len(world.sites) - 1  # what came before was elsewhere
    assert world.play(fill).startswith("ok")
    assert (fill.name in asked) is freed


def test_looks_reach_liquidation_prices_in_higher_brackets(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", 0)
    first, found = world.params.brackets[0].upper_notional, []
    law = differential.i_50_liquidation_price

    def listen(p: Pos, t: Terms, price: int) -> bool:
        found.append(abs(p.size) * price // WAD)
        return law(p, t, price)

    monkeypatch.setattr(differential, "i_50_liquidation_price", listen)
    assert looks(world) == {""}
    assert max(found) > first > min(found)


def test_limits_of_claims_are_tried(new_world: NewWorld) -> None:
    world = new_world("revm", 0)
    redeem = [
        Op("request_redeem", LP, (10**12, LP, LP)),
        Op("set_price", "", (PRICE, 0, 0, 0), 90_000),
        Op("accrue", KEEPER),
    ]
    for op in redeem:
        world.play(op)
    bench = world.judge.bench  # type: ignore[attr-defined]
    before = bench.checks["I-37"]
    for seed in range(12):
        world.play(Op(TRIAL, "", ("limits", seed)))
    assert bench.checks["I-37"] >= before + 12  # each tries one


def test_every_sequence_ends_with_a_look(new_world: NewWorld) -> None:
    world = new_world("revm", 0)
    with world.undone():
        last = Op("")
        for op in Decoder(world, random.Random(3).randbytes(300)).ops():
            last = op
            world.play(op)
    assert (last.name, last.args[0]) == (TRIAL, "views")
