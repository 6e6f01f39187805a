"""Tokens that nobody asked for: each donation is a gift to whose address it was, and no lever."""

from __future__ import annotations

from collections.abc import Callable

from market_world import ANY, SOON, WAD, World
from story import DECIMALS, SIDES, against, empty_all

from bulkhead.model.types import Reason


@DECIMALS
@SIDES
def test_to_a_vault(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """It is the owner's margin at once: before the vault exists, while open, when flat."""
    w = new_world(decimals=decimals)
    w.give(w.dave, 30_000 * w.one)
    coming = w.market.vaultOf(w.market.state().nextId)
    w.watched.append(coming)
    w.send(w.dave, coming, 9_000 * w.one)
    id_ = w.open(w.alice, sign * 50 * WAD, 0)
    other = w.open(w.bob, sign * 50 * WAD, 9_000 * w.one)
    nav, equity = w.market.nav(), w.twin.equity(other)

    # In an outage too, it saves a position from a waiting keeper, and touches nobody else.
    w.tick(against(sign, 140))
    w.silence()
    w.send(w.dave, coming, 5_000 * w.one)
    assert w.market.nav() == nav
    assert w.twin.equity(other) == equity
    w.speak()
    w.tick(against(sign, 140))
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    w.ok("liquidate", w.keeper, other, w.keeper)

    # The owner takes it out, the donor nothing.
    w.no("NotAuthorised", "remove_margin", w.dave, id_, 1, w.dave)
    w.close(w.alice, id_)
    w.send(w.dave, coming, 7)
    w.ok("remove_margin", w.alice, id_, w.twin.margin(id_), w.alice)


@DECIMALS
@SIDES
def test_to_the_pool(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """No share price, no cash, no request and no position moves, however much it is."""
    w = new_world(decimals=decimals)
    ids = [
        w.open(w.alice, sign * 50 * WAD, 9_000 * w.one),
        w.open(w.bob, -sign * 20 * WAD, 9_000 * w.one),
    ]
    w.ok("request_redeem", w.lp, 10**6 * w.one, w.lp, w.lp)
    w.give(w.carol, 10**6 * w.one)
    w.ok("request_deposit", w.carol, 10_000 * w.one, w.carol, w.carol)

    def seen() -> tuple[int, ...]:
        pool, market = w.pool, w.market
        price = pool.convertToAssets(10**9 * w.one)
        owned = (market.nav(), market.freeLiquidity(), market.state().cash, pool.totalAssets())
        due = (pool.pendingDepositAssets(), pool.redemptionReserve(), pool.accounted())
        return (price, *owned, *due, w.twin.equity(ids[0]), w.twin.equity(ids[1]))

    gift = 5 * 10**7 * w.one
    w.give(w.dave, 3 * gift)
    with w.branch() as without:
        without.tick(against(sign, 30), seconds=w.params.redeem_delay_secs + 1)
        without.ok("accrue", without.keeper)
        undisturbed = (without.pool.maxMint(without.carol), without.pool.maxWithdraw(without.lp))

    before = seen()
    for to in (w.pool.address, w.market.address, w.fund.address):
        w.send(w.dave, to, gift)
        assert seen() == before

    # Whoever waits gets the price that holds without the gift.
    w.tick(against(sign, 30), seconds=w.params.redeem_delay_secs + 1)
    w.ok("accrue", w.keeper)
    assert (w.pool.maxMint(w.carol), w.pool.maxWithdraw(w.lp)) == undisturbed
    w.ok("close_and_withdraw", w.alice, ids[0], ANY[-sign], SOON, w.alice)
    empty_all(w, ids)
    assert w.token.balanceOf(w.pool.address) >= gift  # for ever nobody's
