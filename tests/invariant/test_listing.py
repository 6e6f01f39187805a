"""Where a market's contracts stand, of what code, what its vaults pay: as it was listed."""

from __future__ import annotations

import pytest

from bulkhead.chain.abi import address
from bulkhead.chain.contract import at
from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.listing import clone, places
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import ALICE, BOB, NOBODY
from bulkhead.fuzz.world import World

from .conftest import NewWorld

BARE, TWO_MARKETS = 0, 4  # settings
WORD = 32


def trial(world: World, name: str, seed: int = 1) -> str:
    """The law that a trial breaks."""
    try:
        world.play(Op(TRIAL, "", (name, seed), 0, world.at))
    except Broken as problem:
        return problem.law
    return ""


def altered(world: World, monkeypatch: pytest.MonkeyPatch, selector: bytes, place: int) -> None:
    """From now on one word of what a function answers is another."""

    def other(answer: Answer, data: bytes) -> Answer:
        if data[:4] != selector or not answer.ok:
            return answer
        found, end = answer.data, WORD * (place + 1)
        return Answer(True, found[: end - 1] + bytes([found[end - 1] ^ 1]) + found[end:])

    send, view = world.engine.send, world.engine.view
    monkeypatch.setattr(
        world.engine,
        "send",
        lambda to, data, sender, asked=True: other(send(to, data, sender, asked), data),
    )
    monkeypatch.setattr(world.engine, "view", lambda to, data: other(view(to, data), data))


def selector_of(world: World, contract: str, function: str) -> bytes:
    found = at(world.engine.rpc, contract, NOBODY, artifacts=world.stage.artifacts)
    return bytes(getattr(found, function).method.selector)


@pytest.mark.parametrize("engine", ["revm", "anvil"])
@pytest.mark.parametrize("market", [0, 1])
def test_listings_hold_and_leave_nothing(new_world: NewWorld, engine: str, market: int) -> None:
    world = new_world(engine, TWO_MARKETS)
    world.at = market
    before = [world.look(one).words for one in world.sites]
    for seed in range(3):
        assert not trial(world, "listing", seed)
        assert not trial(world, "vault", seed)
    assert [world.look(one).words for one in world.sites] == before


def test_addresses_are_the_listers_own() -> None:
    factory = "0x" + "12" * 20
    found = [places(factory, who, number) for who in (ALICE, BOB) for number in (1, 2)]
    assert len({where for each in found for where in each}) == 20


@pytest.mark.parametrize("place", range(5))
def test_a_contract_that_stands_elsewhere_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    world = new_world("revm", BARE)
    altered(world, monkeypatch, selector_of(world, "MarketFactory", "createMarket"), place)
    assert trial(world, "listing") == "I-41"


def test_addresses_that_another_lister_would_have_are_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the salt had not the caller in it: all have the addresses of one."""
    world = new_world("revm", BARE)
    monkeypatch.setattr(
        "bulkhead.fuzz.listing.places", lambda factory, who, number: places(factory, ALICE, number)
    )
    assert trial(world, "listing") == "I-41"


@pytest.mark.parametrize("name", ["listing", "vault"])
def test_vaults_that_pay_more_than_was_listed_are_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world = new_world("revm", BARE)
    altered(world, monkeypatch, selector_of(world, "PositionVault", "MAX_REWARD"), 0)
    assert trial(world, name) == "I-41"


def test_a_vault_of_other_code_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", BARE)
    assert not trial(world, "vault")
    code = world.engine.rpc.code
    monkeypatch.setattr(
        world.engine.rpc, "code", lambda who: code(who) + b"\1" if address(who) else b""
    )
    assert trial(world, "vault") == "I-41"


@pytest.mark.parametrize("engine", ["revm", "anvil"])
def test_every_vault_is_a_clone(new_world: NewWorld, engine: str) -> None:
    world = new_world(engine, BARE)
    for id_ in world.ids:
        found = world.engine.rpc.code(world.vault(id_))
        assert found == clone(world.site.places[3])
