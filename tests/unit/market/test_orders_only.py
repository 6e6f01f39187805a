"""delayedOnly: the actions that trade take the order book alone, all others whom they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.model.types import LiquidationResult, Mode, Reason

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
TRADES = ("open", "increase", "decrease", "close", "close_and_withdraw")


def delayed(w: World, sign: int = 1) -> tuple[int, int]:
    """An open and a flat position of Alice's, opened before all trades were delayed; Bob and the
    order book are her delegates."""
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    flat = w.ok("reserve", w.alice, w.alice).value
    w.ok("set_delegate", w.alice, 0, w.bob, SOON)
    w.ok("set_delegate", w.alice, 0, w.book, SOON)
    w.bring_book()
    w.ok("set_params", w.governance, replace(w.params, delayed_only=1))
    w.tick(seconds=60)
    return id_, flat


def trades(w: World, id_: int, flat: int, sign: int) -> dict[str, tuple[Any, ...]]:
    """Arguments of each trade."""
    limit, away = ANY[sign], ANY[-sign]
    return {
        "open": (flat, sign * 20 * WAD, 9_000 * w.one, limit, SOON),
        "increase": (id_, sign * WAD, limit, SOON),
        "decrease": (id_, -sign * WAD, away, SOON),
        "close": (id_, away, SOON),
        "close_and_withdraw": (id_, away, SOON, w.alice),
    }


@SIDES
@pytest.mark.parametrize("action", TRADES)
def test_trades_of_owner_and_delegate_are_refused(world: World, action: str, sign: int) -> None:
    w = world
    id_, flat = delayed(w, sign)
    args = trades(w, id_, flat, sign)[action]
    callers = [w.alice] if action == "close_and_withdraw" else [w.alice, w.bob]
    for who in callers:
        refusal = w.no(Reason.ORDERS_ONLY, action, who, *args)
        assert refusal.args == (Reason.ORDERS_ONLY, int(who, 16), int(w.book, 16))
    w.no("NotAuthorised", action, w.carol, *args)  # whose position it is comes first
    w.ok("set_params", w.governance, replace(w.params, delayed_only=0))
    w.ok(action, w.alice, *args)


@SIDES
def test_a_new_position_is_refused_too(world: World, sign: int) -> None:
    w = world
    delayed(w, sign)
    w.no(Reason.ORDERS_ONLY, "open", w.carol, 0, sign * 20 * WAD, 9_000 * w.one, ANY[sign], SOON)


@SIDES
@pytest.mark.parametrize("action", TRADES)
def test_the_book_trades(world: World, action: str, sign: int) -> None:
    """As a delegate; closeAndWithdraw is its owner's alone, also where that is the book."""
    w = world
    id_, flat = delayed(w, sign)
    args = trades(w, id_, flat, sign)[action]
    w.watched.append(w.book)
    w.give(w.book, 50_000 * w.one)
    w.rpc.request("anvil_impersonateAccount", w.book)
    w.rpc.request("anvil_setBalance", w.book, hex(10**20))
    if action == "close_and_withdraw":
        w.no("NotAuthorised", action, w.book, *args)
        w.ok("transfer_position", w.alice, id_, w.book)
    w.ok(action, w.book, *args)
    w.no("NotAuthorised", "remove_margin", w.book, flat, 1, w.book)  # takes nothing out


def test_a_revoked_book_trades_no_more(world: World) -> None:
    w = world
    id_, flat = delayed(w)
    w.rpc.request("anvil_impersonateAccount", w.book)
    w.rpc.request("anvil_setBalance", w.book, hex(10**20))
    w.ok("set_delegate", w.alice, 0, w.book, 0)
    for action, args in trades(w, id_, flat, 1).items():
        w.no("NotAuthorised", action, w.book, *args)


@SIDES
def test_everything_else_works(new_world: Callable[..., World], sign: int) -> None:
    w = new_world(liquidity=400_000)
    id_, flat = delayed(w, sign)
    w.ok("add_margin", w.alice, flat, 10 * w.one)
    w.ok("remove_margin", w.alice, flat, 10 * w.one, w.alice)
    w.ok("add_margin", w.carol, id_, 100 * w.one)
    w.ok("remove_margin", w.alice, id_, 100 * w.one, w.alice)
    w.ok("settle", w.carol, id_)
    w.ok("accrue", w.carol)
    w.ok("reserve", w.carol, w.carol)
    w.ok("set_lock", w.bob, id_, 5)
    w.ok("set_lock", w.bob, id_, 0)
    w.no(Reason.FACTOR_TOO_LOW, "deleverage", w.keeper, id_)
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)
    w.ok("transfer_position", w.alice, id_, w.carol)
    w.tick((2_000 - sign * 170) * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == LiquidationResult.FULL


@SIDES
def test_the_final_price_pays_everybody(world: World, sign: int) -> None:
    w = world
    id_, _ = delayed(w, sign)
    w.silence()
    w.at(w.now + w.params.dead_after_secs)
    w.ok("announce_final", w.governance, 2_000 * WAD)
    w.at(w.now + w.params.dead_after_secs)
    w.ok("execute_final", w.carol)
    w.ok("settle_final", w.keeper, id_)
    assert w.twin.state.mode == Mode.SETTLED


def test_terms_are_read_and_bounded(world: World) -> None:
    w = world
    assert tuple(w.market.orderTerms()) == (False, 12, 600)
    assert w.market.ORDER_BOOK() == w.market.config().orderBook == w.book
    assert w.book == w.twin.core.cfg.order_book
    w.bring_book()
    for on, delay, window in ((1, 0, 24), (0, 3_600, 86_400)):
        terms = {"delayed_only": on, "order_delay_secs": delay, "fill_window_secs": window}
        w.ok("set_params", w.governance, replace(w.params, **terms))
        assert tuple(w.market.orderTerms()) == (bool(on), delay, window)
        assert w.market.config().orderBook == w.book  # never changes
    for name, field, bad, limit in (
        ("delayedOnly", "delayed_only", 2, 1),
        ("orderDelaySecs", "order_delay_secs", 3_601, 3_600),
        ("fillWindowSecs", "fill_window_secs", 23, 24),
        ("fillWindowSecs", "fill_window_secs", 86_401, 86_400),
    ):
        changed: dict[str, Any] = {field: bad}
        said = w.no("BadParameter", "set_params", w.governance, replace(w.params, **changed))
        assert said.args == (name, bad, limit)


@SIDES
def test_exits_do_not_wait_for_a_book_that_is_not_there(world: World, sign: int) -> None:
    """Else a change of parameters would close them until somebody brings it, or for ever where no
    code has the factory's hash."""
    w = world
    id_ = w.open(w.alice, sign * 50 * WAD, 8_000 * w.one)
    on = replace(w.params, delayed_only=1)
    assert w.no("BadParameter", "set_params", w.governance, on).args == ("delayedOnly", 1, 0)
    w.ok("close", w.alice, id_, ANY[-sign], SOON)
    w.bring_book()
    w.ok("set_params", w.governance, on)


def test_a_market_that_is_listed_delayed_waits_for_its_book(
    new_world: Callable[..., World],
) -> None:
    """There is nothing to leave yet; parameters change once the book is there."""
    w = new_world(delayed_only=1)
    assert not w.rpc.code(w.book)
    w.no(Reason.ORDERS_ONLY, "open", w.alice, 0, 50 * WAD, 8_000 * w.one, ANY[1], SOON)
    w.no("BadParameter", "set_params", w.governance, w.params)
    w.bring_book()
    w.ok("set_params", w.governance, w.params)
