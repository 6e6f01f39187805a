"""A token like USDC lists people: their positions go on, and nobody else pays for it."""

from __future__ import annotations

from collections.abc import Callable

from market_world import ANY, SOON, WAD, World
from story import DECIMALS, SIDES, against, fall_to, losses

from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason


@DECIMALS
@SIDES
def test_a_listed_owner(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """It can't be paid or pay in, but reduces, closes, is liquidated, and pays to another."""
    w = new_world(decimals=decimals, token="BlacklistToken")
    ids = [w.open(w.alice, sign * 50 * WAD, 9_000 * w.one) for _ in range(3)]
    other = w.open(w.bob, -sign * 50 * WAD, 20_000 * w.one)
    w.block(w.alice)

    w.no("TransferRefused", "add_margin", w.alice, ids[0], 1)
    w.no("TransferRefused", "remove_margin", w.alice, ids[0], 1, w.alice)
    w.no("TransferRefused", "close_and_withdraw", w.alice, ids[0], ANY[-sign], SOON, w.alice)
    w.no("TransferRefused", "open", w.alice, 0, sign * WAD, 1_000 * w.one, ANY[sign], SOON)
    w.ok("decrease", w.alice, ids[0], -sign * 20 * WAD, ANY[-sign], SOON)
    w.ok("add_margin", w.carol, ids[0], 500 * w.one)  # a friend helps
    w.tick(against(sign, 20), seconds=600)
    w.close(w.alice, ids[0])
    w.ok("remove_margin", w.alice, ids[0], w.twin.margin(ids[0]), w.dave)

    # Down to where the keeper comes: partial, then full, with bad debt, as for anybody.
    w.tick(against(sign, 135))
    assert w.ok("liquidate", w.keeper, ids[1], w.keeper).value == Is.PARTIAL
    w.tick(against(sign, 400))
    done = w.ok("liquidate_many", w.keeper, tuple(ids), w.keeper)
    assert done.value == (Is.FLAT, Is.FULL, Is.FULL)
    debt, insured, borne = losses(done)
    assert debt == insured + borne > 0

    # The other side is paid, the listed one may hand its flat position on.
    paid = w.ok("close_and_withdraw", w.bob, other, ANY[sign], SOON, w.bob).value
    assert paid > 20_000 * w.one + 50 * 390 * w.one
    w.ok("transfer_position", w.alice, ids[1], w.dave)


@DECIMALS
@SIDES
def test_a_listed_vault(new_world: Callable[..., World], decimals: int, sign: int) -> None:
    """Its tokens are stuck, its exposure is not: it is liquidated, and what it still owes waits
    in it and is taken when the token lets it go."""
    w = new_world(decimals=decimals, token="BlacklistToken")
    id_ = w.open(w.alice, sign * 50 * WAD, 9_000 * w.one)
    other = w.open(w.bob, sign * 50 * WAD, 9_000 * w.one)
    vault, margin, beside = w.twin.core.vault(id_), w.twin.margin(id_), w.twin.margin(other)
    w.block(vault)
    w.no("TransferRefused", "add_margin", w.alice, id_, 1)
    fall_to(w, id_, 220)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.PARTIAL
    fall_to(w, id_, 120)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.FULL
    assert losses(done)[0] == 0  # all it owes is covered by what lies in it
    assert done.event("PositionChanged").payout == 0
    assert (w.twin.margin(id_), w.twin.position(id_).size) == (margin, 0)
    assert w.twin.position(id_).basis > 0
    assert w.twin.margin(other) == beside

    # Nothing goes out past the debt; once the token relents, anyone collects it.
    w.no("TransferRefused", "settle", w.dave, id_)
    w.block(vault, False, False)
    owed = -(-w.twin.position(id_).basis // w.twin.core.cfg.unit)
    w.no(Reason.AMOUNT_TOO_LARGE, "remove_margin", w.alice, id_, margin, w.alice)
    w.ok("settle", w.dave, id_)
    assert w.twin.position(id_).basis == 0
    assert w.twin.margin(id_) == margin - owed
    w.ok("remove_margin", w.alice, id_, margin - owed, w.alice)
