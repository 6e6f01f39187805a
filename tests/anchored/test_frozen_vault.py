"""What a frozen vault holds is no margin for new risk, however the payments of an action fall out.

Once an opening whose margin was exactly what the pool was due never touched its vault: tokens that
the issuer had frozen there backed it, and a loss could not be collected from them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
SIZE = 50 * WAD


def held(w: World, who: str, amount: int) -> int:
    """A flat position of an old vault that holds `amount` token units."""
    id_ = w.open(who, SIZE, 9_000 * w.one)
    w.ok("close_and_withdraw", who, id_, ANY[-1], SOON, who)
    if amount:
        w.ok("add_margin", who, id_, amount)
    w.tick()
    return id_


def due(w: World, id_: int, size: int) -> int:
    """What the pool gets of an opening (token units)."""
    done = w.twin.preview("open", w.alice, id_, size, 9_000 * w.one, ANY[size // abs(size)], SOON)
    fees = [values["fee"] for name, values in done.events if name == "PositionChanged"]
    return int(fees[0])


@SIDES
@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("ways", [(True, True), (False, True)], ids=["both ways", "outward"])
def test_frozen_vault__exact_margin__opens_nothing(
    new_world: Callable[..., World], sign: int, over: int, ways: tuple[bool, bool]
) -> None:
    """The margin is one unit under, exactly, or over what the pool is due."""
    w = new_world(token="BlacklistToken")
    id_ = held(w, w.alice, 9_000 * w.one)
    w.twin.now, w.twin.oracle = w.now, w.reading
    margin = due(w, id_, sign * SIZE) + over
    args = (id_, sign * SIZE, margin, ANY[sign], SOON)
    vault = w.twin.core.vault(id_)
    w.block(vault, *ways)
    w.no("TransferRefused", "open", w.alice, *args)
    w.block(vault, False, False)
    w.ok("open", w.alice, *args)


@SIDES
def test_frozen_vault__fees_of_nothing__opens_nothing(
    new_world: Callable[..., World], sign: int
) -> None:
    """Without fees nothing moves at all, neither at an opening nor at what is added to it."""
    w = new_world(token="BlacklistToken", taker_fee=0, maker_fee=0)
    id_ = held(w, w.alice, 9_000 * w.one)
    args = (id_, sign * SIZE, 0, ANY[sign], SOON)
    vault = w.twin.core.vault(id_)
    w.block(vault)
    assert w.no("TransferRefused", "open", w.alice, *args).args == (w.pool.address, 0)
    w.block(vault, False, False)
    w.ok("open", w.alice, *args)


@SIDES
def test_frozen_vault__free_increase__is_refused(
    new_world: Callable[..., World], sign: int
) -> None:
    """A maker that pays no fee adds to a position whose vault nothing leaves."""
    w = new_world(token="BlacklistToken", maker_fee=0)
    w.open(w.bob, -sign * 300 * WAD, 90_000 * w.one)
    id_ = w.open(w.alice, sign * SIZE, 9_000 * w.one)
    vault = w.twin.core.vault(id_)
    w.block(vault)
    args = (id_, sign * WAD, ANY[sign], SOON)
    assert w.no("TransferRefused", "increase", w.alice, *args).args == (w.pool.address, 0)
    w.block(vault, False, False)
    w.ok("increase", w.alice, *args)


@SIDES
def test_frozen_vault__funding_pays_the_fee__is_refused(
    new_world: Callable[..., World], sign: int
) -> None:
    """Funding earned covers the fee: the pool pays a vault that could pay nothing back."""
    w = new_world(token="BlacklistToken")
    w.open(w.bob, -sign * 3_000 * WAD, 900_000 * w.one)
    id_ = w.open(w.alice, sign * SIZE, 9_000 * w.one)
    w.tick(seconds=3 * 86_400)
    vault = w.twin.core.vault(id_)
    w.block(vault, False, True)
    args = (id_, sign * WAD, ANY[sign], SOON)
    assert w.no("TransferRefused", "increase", w.alice, *args).args == (w.pool.address, 0)
    w.block(vault, False, False)
    assert w.ok("increase", w.alice, *args).event("PositionChanged").fundingPaid < 0


@SIDES
def test_inward_block__old_vault__opens_with_what_is_due(
    new_world: Callable[..., World], sign: int
) -> None:
    """A vault that can pay but takes nothing backs what it holds, and not a unit more."""
    w = new_world(token="BlacklistToken")
    id_ = held(w, w.alice, 9_000 * w.one)
    w.twin.now, w.twin.oracle = w.now, w.reading
    margin = due(w, id_, sign * SIZE)
    w.block(w.twin.core.vault(id_), True, False)
    w.no("TransferRefused", "open", w.alice, id_, sign * SIZE, margin + 1, ANY[sign], SOON)
    w.ok("open", w.alice, id_, sign * SIZE, margin, ANY[sign], SOON)


@SIDES
@pytest.mark.parametrize("ahead", [5, 10, 18], ids="{}_of_a_fee_of_20".format)
def test_frozen_vault__claim_under_the_fee__pays_the_rest(
    new_world: Callable[..., World], sign: int, ahead: int
) -> None:
    """A close whose payment the token refuses costs its owner what it costs anybody: found by
    I-30 after 570 sequences, as a liquidation while the token was halted."""
    w = new_world(token="BlacklistToken")
    id_ = w.open(w.alice, sign * SIZE, 9_000 * w.one)
    w.tick(w.twin.state.mark + sign * ahead * WAD // 50)
    with w.branch() as free:
        free.close(w.alice, id_)
        usual = free.twin.margin(id_)
    vault = w.twin.core.vault(id_)
    w.block(vault)
    w.close(w.alice, id_)
    w.block(vault, False, False)
    w.ok("settle", w.dave, id_)
    assert w.twin.margin(id_) <= usual
