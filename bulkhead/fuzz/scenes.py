"""What brings a payment or a margin call about, for those who act in its middle."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bulkhead.fuzz.foresight import position
from bulkhead.fuzz.laws.base import equity, maintenance, terms
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER
from bulkhead.fuzz.stage import ACTOR, MOLE
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import Order
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

OK = "ok"


def acting_owner(world: World) -> Any:
    return world.stage.contracts[ACTOR]


def paid(world: World, dice: random.Random) -> Iterator[tuple[Op, str]]:
    """Actions that pay the mole, or take of it."""
    mole, twin, at = world.stage.contracts[MOLE].address, world.twin, world.at
    dollar, mark = world.dollars(1), twin.state.mark
    id_ = dice.choice(world.ids)
    owner, size = twin.position(id_).owner, twin.position(id_).size
    limit = 0 if size > 0 else ANY_BUY
    ill = [i for i in world.ids if twin.position(i).size and twin.liquidatable(i)]
    new = max(world.params.min_notional, WAD) * 2 * WAD // mark
    yield Op("add_margin", mole, (id_, dollar + 1), 0, at), "market"
    yield Op("remove_margin", owner, (id_, max(1, twin.withdrawable(id_)), mole), 0, at), "market"
    yield Op("close_and_withdraw", owner, (id_, limit, FOREVER, mole), 0, at), "market"
    yield Op("open", mole, (0, new, world.dollars(5_000), ANY_BUY, FOREVER), 0, at), "market"
    yield Op("liquidate", KEEPER, (dice.choice(ill or [id_]), mole), 0, at), "market"
    yield Op("liquidate_many", KEEPER, (tuple(ill or [id_]), mole), 0, at), "market"
    for provider in world.site.layout.providers:
        claim = twin.pool.redemptions.folded(provider)
        if claim.shares and claim.assets:
            yield Op("redeem", provider, (claim.shares, mole, provider), 0, at), "pool"
            yield Op("withdraw", provider, (claim.assets, mole, provider), 0, at), "pool"
        if twin.state.mode == Mode.SETTLED:
            yield Op("refund_deposit", provider, (mole, provider), 0, at), "pool"
    yield Op("request_deposit", mole, (dollar * 50 + 2, mole, mole), 0, at), "pool"
    yield Op("place_order", mole, (new_order(world, mole, new),), 0, at), "book"
    if world.site.orders.refunds.get(mole, 0):
        yield Op("claim_refund", mole, (mole,), 0, at), "book"


def new_order(world: World, owner: str, size: int) -> Order:
    return Order(
        owner=owner,
        size=size,
        price_limit=ANY_BUY,
        margin=world.dollars(5_000),
        keeper_fee=1,
        expiry=world.now + 10**5,
        salt=len(world.played) << 16,
    )


def some_order(world: World, dice: random.Random, owner: str) -> Order:
    """One that the book knows; else a new one."""
    placed = tuple(world.site.orders.orders.values())
    return dice.choice(placed) if placed else new_order(world, owner, WAD)


def claimable(world: World, dice: random.Random) -> None:
    """Lets a provider have something to claim."""
    who, at = dice.choice(world.site.layout.providers), world.at
    shares = world.twin.pool.shares.get(who, 0) // 10
    world.play(Op("request_redeem", who, (shares, who, who), 0, at))
    # what is given to the one may be free for the other
    world.play(Op("request_deposit", who, (world.dollars(200_000), who, who), 0, at))
    for _ in range(2):  # deposits and redemptions are due after delays of their own
        fall_due(world, dice)
        world.play(Op("accrue", KEEPER, (), 0, at))


def fall_due(world: World, dice: random.Random) -> None:
    """A mark at which what waits is priced, published and not taken yet."""
    who, at, pool = dice.choice(world.site.layout.providers), world.at, world.site.pool
    data = pool.nextDueAt.encode()
    due = int.from_bytes(world.engine.view(pool.address, data).data, "big")
    if not due:
        world.play(Op("request_deposit", who, (world.dollars(100), who, who), 0, at))
        due = int.from_bytes(world.engine.view(pool.address, data).data, "big")
    wait = max(1, due + 1 - world.now)
    world.play(Op("set_price", args=(world.twin.state.mark, 0, 0, 0), wait=wait, market=at))


@contextmanager
def asked(pool: Any) -> Iterator[list[str]]:
    """What its market asks of the twin's pool meanwhile, whether anything comes of it or not."""
    found: list[str] = []

    def noted(name: str, honest: Callable[..., int]) -> Callable[..., int]:
        def ask(*args: int) -> int:
            found.append(name)
            return honest(*args)

        return ask

    names = ("price_deposits", "price_redeems")
    for name in names:
        setattr(pool, name, noted(name, getattr(pool, name)))
    try:
        yield found
    finally:
        for name in names:
            delattr(pool, name)


def pays(world: World, who: str) -> bool:
    """Whether somebody paid in the last step."""
    result = world.last.result if world.last else None
    return result is not None and any(by == who and n for by, _, n in result.payments)


def ill(world: World, dice: random.Random) -> int | None:
    """Brings one of the actor's positions, which opts in, below what it needs."""
    twin, at, actor = world.twin, world.at, acting_owner(world).address
    mine = [i for i in world.ids if twin.position(i).owner == actor and twin.position(i).size]
    if not mine:
        new = max(world.params.min_notional, WAD) * 5 * WAD // twin.state.mark
        margin = new * twin.state.mark // WAD // 5 // world.unit
        args = (0, new, margin, ANY_BUY, FOREVER)
        if not world.play(Op("open", actor, args, 0, at)).startswith(OK):
            return None
        mine = [world.ids[-1]]
    id_ = dice.choice(mine)
    if world.play(Op("set_margin_call", actor, (id_, True), 0, at)) != OK:
        return None
    p, t = position(world, id_), terms(twin.state.__dict__, world.params, world.unit)
    away = equity(p, t, t.mark) - maintenance(p.size, t.mark, t) * 3 // 4
    mark = t.mark - away * WAD // p.size
    if not 0 < mark < 2**90:
        return None
    world.play(Op("set_price", args=(mark, 0, 0, 0), wait=12, market=at))
    world.play(Op("accrue", KEEPER, (), 0, at))
    return id_ if twin.liquidatable(id_) else None


def preface(world: World, dice: random.Random, id_: int) -> Iterator[tuple[str, bytes]]:
    """What an owner does in its margin call before: none of it changes what is barred."""
    market, token = world.site.market, world.stage.token
    actor, near = acting_owner(world).address, dice.choice(world.ids)
    top_up = partial(market.addMargin.encode, id_, 1)
    calls = (
        *(top_up, top_up, top_up),
        partial(market.addMargin.encode, near, 1),
        partial(market.settle.encode, near),
        partial(market.removeMargin.encode, near, 1, actor),
        partial(market.reserve.encode, actor),
        partial(market.setMarginCall.encode, near, True),
        partial(market.accrue.encode),
        partial(market.sweepFees.encode),
        partial(market.close.encode, id_, 0, FOREVER),
    )
    choice = dice.random()
    if choice < 0.1:
        yield token.address, token.transfer.encode(world.vault(id_), 1)
    elif choice < 0.8:
        for encode in dice.sample(calls, dice.randint(1, 2)):
            yield market.address, encode()
