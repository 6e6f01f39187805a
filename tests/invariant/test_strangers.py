"""Nobody but its market moves a vault, whoever calls it."""

from __future__ import annotations

import pytest

from bulkhead.fuzz.engine import Answer
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.ops import TRIAL, Op
from bulkhead.fuzz.people import DAVE, FOREVER, KEEPER
from bulkhead.fuzz.world import World

from .conftest import NewWorld

TRIALS = 12
BARE, CONTRACTS, TWO_MARKETS = 0, 1, 4  # settings


def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Who calls what in some trials."""
    found, honest = set(), world.engine.send

    def send(to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        found.add((sender, to))
        return honest(to, data, sender, asked)

    monkeypatch.setattr(world.engine, "send", send)
    for seed in range(TRIALS):
        world.play(Op(TRIAL, "", ("vault", seed), 0, world.at))
    return found


def broken(world: World) -> set[str]:
    """The laws that some trials break."""
    found = set()
    for seed in range(TRIALS):
        try:
            world.play(Op(TRIAL, "", ("vault", seed), 0, world.at))
        except Broken as problem:
            found.add(problem.law)
    return found


@pytest.mark.parametrize("engine", ["revm", "anvil"])
@pytest.mark.parametrize("which", [BARE, CONTRACTS, TWO_MARKETS])
def test_all_kinds_of_strangers_call(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, which: int, engine: str
) -> None:
    world = new_world(engine, which)
    world.at = 0
    site = world.site
    before = [world.look(one).words for one in world.sites]
    vaults = {world.vault(id_) for id_ in world.ids}
    seen = {sender for sender, to in calls(world, monkeypatch) if to in vaults}
    own = {site.pool.address, site.fund, site.factory, site.book.address, site.market.address}
    others = {other.market.address for other in world.sites if other is not site}
    assert own | others | set(world.stage.agents) <= seen
    assert seen & vaults
    assert [world.look(one).words for one in world.sites] == before
    assert world.play(Op("accrue", KEEPER, (), 5)) == "ok"  # its code is back


@pytest.mark.parametrize("who", ["pool", "fund", "market of another factory"])
def test_a_vault_that_obeys_another_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """As if the vault took that contract for its market."""
    world = new_world("revm", TWO_MARKETS)
    world.at = 0
    site = world.site
    trusted = {
        "pool": site.pool.address,
        "fund": site.fund,
        "market of another factory": world.sites[1].market.address,
    }[who]
    honest, vaults = world.engine.send, {world.vault(id_) for id_ in world.ids}

    def send(to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        if sender == trusted and to in vaults:
            with world.engine.acting(site.market.address):
                return honest(to, data, site.market.address, asked)
        return honest(to, data, sender, asked)

    assert broken(world) == set()
    monkeypatch.setattr(world.engine, "send", send)
    assert broken(world) == {"I-41"}


def test_a_reward_above_the_maximum_is_seen(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world("revm", BARE)
    honest, market = world.engine.send, world.site.market.address

    def send(to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        answer = honest(to, data, sender, asked)
        return Answer(True, bytes(32)) if sender == market else answer

    monkeypatch.setattr(world.engine, "send", send)
    assert broken(world) == {"I-41"}


def test_a_vault_that_does_not_stand_yet_has_no_reward_to_ask_for(new_world: NewWorld) -> None:
    world = new_world("revm", BARE)
    with world.undone():
        for id_ in world.ids:
            size, owner = world.twin.position(id_).size, world.twin.position(id_).owner
            limit = 0 if size > 0 else 2**255
            if size:
                assert world.play(Op("close", owner, (id_, limit, FOREVER), 1)) == "ok"
            free = world.twin.margin(id_)
            assert world.play(Op("remove_margin", owner, (id_, free, owner))) == "ok"
        for _ in range(20):
            assert world.play(Op("reserve", DAVE, (DAVE,))).startswith("ok")
        assert not any(world.twin.margin(id_) for id_ in world.ids)
        assert not broken(world)
