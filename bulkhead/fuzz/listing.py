"""Trial of who lists markets: where each contract stands, of what code, and what its vaults pay."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.artifacts import create2
from bulkhead.chain.contract import Contract, at
from bulkhead.deploy.params import abi
from bulkhead.fuzz.laws import access
from bulkhead.fuzz.people import DEPLOYER, USERS
from bulkhead.fuzz.speech import meaning
from bulkhead.fuzz.stage import VARIANCE
from bulkhead.fuzz.world import World
from bulkhead.model.types import Params

PARTS = ("market", "pool", "fund", "vault")  # as createMarket takes their codes and answers
# CREATE3: this code at an address of the salt deploys the contract, as its first.
_PROXY = bytes.fromhex("67363d3d37363d34f03d5260086018f3")
# A vault: a minimal proxy (with PUSH0) around the implementation's address.
_CLONE = bytes.fromhex("5f5f365f5f37365f73"), bytes.fromhex("5af43d5f5f3e6029573d5ffd5b3d5ff3")
_CREATES = bytes.fromhex("602d5f8160095f39f3")


def clone(implementation: str) -> bytes:
    """The code of every vault of a market."""
    head, tail = _CLONE
    return head + raw_bytes(implementation) + tail


def vault_of(market: str, implementation: str, id_: int) -> str:
    """Where a position's vault stands."""
    return create2(_CREATES + clone(implementation), id_.to_bytes(32, "big"), market)


def places(factory: str, caller: str, number: int) -> tuple[str, ...]:
    """Where market, pool, fund, vault implementation and book stand that somebody lists as the
    factory's market of this number."""
    head = _word(caller) + number.to_bytes(32, "big")
    found = [_create3(factory, head + part.encode().ljust(32, b"\0")) for part in PARTS]
    return *found, _create3(factory, _word(found[0]) + b"book".ljust(32, b"\0"))


def _word(who: str) -> bytes:
    return raw_bytes(who).rjust(32, b"\0")


def _create3(factory: str, salted: bytes) -> str:
    proxy = create2(_PROXY, keccak(salted), factory)
    return "0x" + keccak(b"\xd6\x94" + raw_bytes(proxy) + b"\x01")[12:].hex()


class Listing:
    """I-41: a market's contracts stand where their lister, and nobody else, can put them; they
    have the factory's code, and vaults the bound that the parameters set."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """Two people list markets of one number, alone and one after the other."""
        site = world.site
        expected = places(site.factory, DEPLOYER, site.number)
        self._hold("addresses of the market", site.places, expected)
        first, second = dice.sample(USERS, 2)
        for listers in ((first,), (second, first)):
            with world.undone():
                for number, who in enumerate(listers, site.number + 1):
                    self._list(world, dice, who, number)
                self._foreign(world, dice, second)

    def _list(self, world: World, dice: random.Random, who: str, number: int) -> None:
        """A market by somebody, and its book by another."""
        site, listed = world.site, world.site.listed
        cap = dice.randint(listed.reward_floor, listed.reward_cap)
        params = replace(listed, reward_cap=cap)
        expected = places(site.factory, who, number)
        found = self._create(world, who, site.codes, params)
        self._hold(f"what {who} lists as market {number}", found, str(expected))
        factory = _factory(world)
        self._hold("marketOf", str(factory.marketOf(number)).lower(), expected[0])
        data = factory.createOrderBook.encode(number, site.book_code)
        answer = world.engine.send(site.factory, bytes(data), dice.choice(USERS))
        found = str(_addresses(answer.data)) if answer.ok else meaning(answer.data)
        self._hold("its book", found, str(expected[4:]))
        vault = world.stage.vault_at(expected[3])
        self.bench.hold(access.i_41_most, vault.MAX_REWARD(), cap, world.unit)
        knows = tuple(str(one()).lower() for one in (vault.MARKET, vault.TOKEN, vault.POOL))
        token = world.stage.token.address
        self._hold("what its vaults know", knows, (expected[0], token, expected[1]))

    def _foreign(self, world: World, dice: random.Random, who: str) -> None:
        """One of the codes is not the factory's; a book of no market, and one of other code."""
        site, engine, factory = world.site, world.engine, _factory(world)
        codes = list(site.codes)
        place = dice.randrange(len(codes))
        codes[place] += b"\0"
        said = self._create(world, who, tuple(codes), site.listed)
        self._hold(f"a market of another {PARTS[place]}", said.split("(")[0], "WrongCode")
        for number, code, expected in (
            (site.number, site.book_code + b"\0", "WrongCode"),
            (site.number + len(USERS), site.book_code, "UnknownMarket"),
        ):
            data = bytes(factory.createOrderBook.encode(number, code))
            answer = engine.send(site.factory, data, who)
            said = "ok" if answer.ok else meaning(answer.data).split("(")[0]
            self._hold("a book", said, expected)

    def _create(self, world: World, who: str, codes: tuple[bytes, ...], params: Params) -> str:
        """The addresses of a new market, or why there is none."""
        site, stage = world.site, world.stage
        data = _factory(world).createMarket.encode(
            *codes, stage.token.address, site.authority.address, abi(params), VARIANCE
        )
        answer = world.engine.send(site.factory, bytes(data), who)
        return str(_addresses(answer.data)) if answer.ok else meaning(answer.data)

    def _hold(self, what: str, found: Any, expected: Any) -> None:
        self.bench.hold(access.i_41_made, what, found, expected)


def _factory(world: World) -> Contract:
    return at(
        world.engine.rpc,
        "MarketFactory",
        world.site.factory,
        artifacts=world.stage.artifacts,
    )


def _addresses(data: bytes) -> tuple[str, ...]:
    """The words of an answer."""
    return tuple("0x" + data[place + 12 : place + 32].hex() for place in range(0, len(data), 32))
