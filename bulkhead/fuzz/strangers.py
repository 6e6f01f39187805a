"""Trial of those who have no business with a vault, a pool or a fund: accounts and contracts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from bulkhead.fuzz.laws import access
from bulkhead.fuzz.listing import clone, vault_of
from bulkhead.fuzz.people import EVE, USERS
from bulkhead.fuzz.scenes import some_order
from bulkhead.fuzz.speech import meaning
from bulkhead.fuzz.stage import Site
from bulkhead.fuzz.world import World
from bulkhead.model.core import DEPLOYED

LARGEST = 2**128 - 1
Call = tuple[str, str, bytes]  # of which contract, where, what


class Strangers:
    """I-41, I-40: nobody but its market moves a vault, a pool or a fund, and it only as typed."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """Everybody in turn calls what only the market may; then the market what it may not."""
        if not world.ids:
            return
        full = [i for i in world.ids if world.twin.margin(i) and self._deployed(world, i)]
        id_ = dice.choice(full or world.ids)
        self._call(world, dice, id_, dice.choice(USERS), "a user")
        for name, who in self._contracts(world, id_):
            with world.engine.acting(who):
                self._call(world, dice, id_, who, name)
        if self._deployed(world, id_):
            self._clone(world, id_)
            with world.engine.acting(world.site.market.address):
                self._overpaid(world, dice, id_)

    def _contracts(self, world: World, id_: int) -> Iterator[tuple[str, str]]:
        site = world.site
        yield from (("its pool", site.pool.address), ("its fund", site.fund))
        yield from (("its factory", site.factory), ("its order book", site.book.address))
        others = [other for other in world.ids if other != id_ and self._deployed(world, other)]
        if others:
            yield "another vault", world.vault(others[0])
        for other in world.sites:
            if other is not site:  # made by a factory of its own
                yield "a market of another factory", other.market.address
                yield "the pool of another market", other.pool.address
        for name, contract in world.stage.contracts.items():
            yield f"the contract {name}", contract.address

    def _deployed(self, world: World, id_: int) -> bool:
        return bool(world.twin.position(id_).flags & DEPLOYED)

    def _call(self, world: World, dice: random.Random, id_: int, who: str, name: str) -> None:
        """One call to the vault, and one to a function that is the market's or the pool's."""
        where, engine, site = world.vault(id_), world.engine, world.site
        held = self._balances(world, id_)
        amount = dice.choice((1, held[0]))
        answer = engine.send(where, self._to_vault(world, dice, id_, who, amount), who)
        obeyed = answer.ok and self._deployed(world, id_)
        refused: list[tuple[str, str]] = []
        for what, to, data in self._internal(world, dice, who, held):
            if dice.random() < 0.5 and who != to and not _allowed(site, who, what):
                said = engine.send(to, data, who)
                refused.append((what, "ok" if said.ok else meaning(said.data)))
        left = self._balances(world, id_)
        self.bench.hold(access.i_41_vault, held[0], left[0], obeyed, name)
        self.bench.hold(access.i_41_kept, held, left, name)
        for what, text in refused:
            self.bench.hold(access.i_40_role, what, name, False, text)

    def _to_vault(
        self, world: World, dice: random.Random, id_: int, who: str, amount: int
    ) -> bytes:
        """A typed exit, or anything."""
        vault = world.stage.vault_at(world.vault(id_))
        calls = (
            vault.payPool.encode(amount),
            vault.payReward.encode(who, amount),
            vault.payOwner.encode(who, amount),
            vault.payRewardAndPool.encode(who, amount, 1),
            vault.payPoolAndOwner.encode(1, who, amount),
            vault.sweep.encode(world.stage.token.address, who),
            dice.randbytes(dice.randint(4, 100)),
        )
        return bytes(dice.choice(calls))

    def _internal(
        self, world: World, dice: random.Random, who: str, held: tuple[int, ...]
    ) -> tuple[Call, ...]:
        """What the market alone, or its pool, or the book itself, may call."""
        site, fund = world.site, world.stage.fund_at(world.site.fund)
        pool, market, book = site.pool, site.market, site.book
        order = some_order(world, dice, who).as_tuple()
        return (
            ("pool.pay", pool.address, pool.pay.encode(who, held[1])),
            ("pool.priceDeposits", pool.address, pool.priceDeposits.encode(2**40, 1)),
            ("pool.priceRedeems", pool.address, pool.priceRedeems.encode(2**40, 1, 1)),
            ("fund.cover", site.fund, fund.cover.encode(held[2])),
            ("market.scheduleBucket", market.address, market.scheduleBucket.encode(1)),
            ("book.executeOne", book.address, book.executeOne.encode(order, who)),
            ("book.attempt", book.address, book.attempt.encode(order, 1, 1, False)),
        )

    def _clone(self, world: World, id_: int) -> None:
        """A vault is a clone of its market's implementation, where its id puts it."""
        market, implementation = world.site.market.address, world.site.places[3]
        where = world.vault(id_)
        expected = vault_of(market, implementation, id_)
        self.bench.hold(access.i_41_made, f"address of vault {id_}", where, expected)
        found, code = world.engine.rpc.code(where).hex(), clone(implementation).hex()
        self.bench.hold(access.i_41_made, f"code of vault {id_}", found, code)

    def _overpaid(self, world: World, dice: random.Random, id_: int) -> None:
        """Its own market asks for more than a vault ever rewards, and for nothing it knows."""
        vault = world.stage.vault_at(world.vault(id_))
        cap = world.site.listed.reward_cap
        most = cap // world.unit
        self.bench.hold(access.i_41_most, vault.MAX_REWARD(), cap, world.unit)
        amount = dice.choice((most + 1, LARGEST))
        held = self._balances(world, id_)
        for data in (
            vault.payReward.encode(EVE, amount),
            vault.payRewardAndPool.encode(EVE, amount, 0),
        ):
            answer = world.engine.send(world.vault(id_), bytes(data), world.site.market.address)
            said = "ok" if answer.ok else meaning(answer.data)
            self.bench.hold(access.i_41_reward, amount, most, said)
        world.engine.send(
            world.vault(id_), dice.randbytes(dice.randint(4, 100)), world.site.market.address
        )
        self.bench.hold(access.i_41_kept, held, self._balances(world, id_), "its market")

    def _balances(self, world: World, id_: int) -> tuple[int, int, int]:
        """Of the vault, the pool and the fund."""
        token, found = world.stage.token, []
        for who in (world.vault(id_), world.site.pool.address, world.site.fund):
            answer = world.engine.view(token.address, token.balanceOf.encode(who))
            found.append(int.from_bytes(answer.data, "big"))
        return found[0], found[1], found[2]


def _allowed(site: Site, who: str, what: str) -> bool:
    """Whether somebody may call it after all: the pool schedules its own buckets."""
    return what == "market.scheduleBucket" and who == site.pool.address
