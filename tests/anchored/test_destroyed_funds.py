"""What a token's issuer destroys in a frozen vault no longer backs a flat position's debt.

Once the debt stayed in NAV for ever: nothing could collect it, and nothing wrote it off.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import WAD, World

from bulkhead.model.types import LiquidationResult as Is

SIDES = pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])


def frozen(new_world: Callable[..., World], sign: int, insured: int) -> tuple[World, int]:
    """A position liquidated whole while its vault is frozen."""
    w = new_world(token="BlacklistToken")
    id_ = w.open(w.alice, sign * 50 * WAD, 6_000 * w.one)
    if insured:
        w.give(w.fund.address, insured)
    w.block(w.twin.core.vault(id_))
    w.tick((2_000 - sign * 110) * WAD)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.FULL
    assert w.twin.position(id_).basis > 0
    return w, id_


def spare(w: World, id_: int) -> int:
    """What of the vault is the owner's."""
    return int(w.twin.margin(id_) - w.twin.position(id_).basis // w.twin.core.cfg.unit)


def destroy(w: World, id_: int, amount: int) -> None:
    """The issuer takes frozen tokens away."""
    vault = w.twin.core.vault(id_)
    w.block(vault, False, False)
    w.send(w.rpc.impersonate(vault), w.dave, amount)
    w.block(vault)


@SIDES
@pytest.mark.parametrize("insured", [0, 1_000, 10**12], ids=["no fund", "some", "all"])
@pytest.mark.parametrize("left", [0, 700], ids=["all gone", "some left"])
@pytest.mark.parametrize("freed", [False, True], ids=["frozen", "freed"])
def test_destroyed_funds__settle__are_bad_debt(
    new_world: Callable[..., World], sign: int, insured: int, left: int, freed: bool
) -> None:
    """Insurance pays first, the pool the rest; what the vault still has stays owed, or is paid."""
    w, id_ = frozen(new_world, sign, insured)
    unit = w.twin.core.cfg.unit
    owed = w.twin.position(id_).basis // unit
    destroy(w, id_, w.twin.margin(id_) - left)
    if freed:
        w.block(w.twin.core.vault(id_), False, False)
    nav, share = w.twin.nav(), w.twin.state.insurance_due
    debt = w.ok("settle", w.bob, id_).event("BadDebt")
    assert debt.amount == owed - left
    assert debt.fromInsurance == min(owed - left, share + insured)
    assert nav - w.twin.nav() == debt.fromPool * unit
    assert w.twin.position(id_).basis == (0 if freed else left * unit)
    assert w.twin.margin(id_) == (0 if freed else left)
    w.block(w.twin.core.vault(id_), False, False)
    again = w.ok("settle", w.bob, id_)
    assert not [one for one in again.events if one.name == "BadDebt"]
    assert (w.twin.position(id_).basis, w.twin.margin(id_)) == (0, 0)


@SIDES
def test_destroyed_funds__what_backs_the_debt_is_left__nothing_is_written_off(
    new_world: Callable[..., World], sign: int
) -> None:
    """To the unit: exactly the debt is left, or one less."""
    w, id_ = frozen(new_world, sign, 0)
    destroy(w, id_, spare(w, id_))
    with w.branch() as b:
        b.no("TransferRefused", "settle", b.bob, id_)
    destroy(w, id_, 1)
    assert w.ok("settle", w.bob, id_).event("BadDebt").amount == 1
