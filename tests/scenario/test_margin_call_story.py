"""A contract that owns positions is called before it is liquidated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from market_world import WAD, World
from story import DECIMALS, SIDES, against

from bulkhead.chain.contract import Contract, deploy
from bulkhead.model.types import LiquidationResult as Is
from bulkhead.model.types import Reason


def wallet(w: World, sign: int, kind: str, purse: int) -> tuple[Contract, int]:
    """A contract with 100,000 of notional, `purse` dollars at hand, opted in."""
    made = deploy(w.rpc, kind, sender=w.deployer).as_(w.deployer)
    w.give(made.address, (6_000 + purse) * w.one)
    w.twin.core.contracts.add(made.address)
    id_ = w.open(made.address, sign * 50 * WAD, 6_000 * w.one)
    w.ok("set_margin_call", made.address, id_, True)
    return made, id_


def answer(w: World, made: Contract) -> None:
    """The twin's part of a HealingOwner: what is asked, as far as it goes."""

    def heal(model: Any, id_: int, shortfall: int) -> None:
        amount = min(shortfall, model.balance(made.address))
        assert model.send(made.address, model.core.vault(id_), amount)

    w.twin.on_margin_call[made.address] = heal


@DECIMALS
@SIDES
def test_healed_from_tokens_at_hand(
    new_world: Callable[..., World], decimals: int, sign: int
) -> None:
    w = new_world(decimals=decimals)
    made, id_ = wallet(w, sign, "HealingOwner", 10_000)
    answer(w, made)
    w.tick(against(sign, 82))
    keeper, size = w.token.balanceOf(w.keeper), w.twin.position(id_).size
    done = w.ok("liquidate", w.keeper, id_, w.keeper)

    # Nothing was closed; the keeper has five dollars; the position is at its target again.
    assert done.value == Is.HEALED
    assert w.token.balanceOf(w.keeper) == keeper + 5 * w.one
    assert w.twin.position(id_).size == size
    assert made.calls() == 1
    over = w.twin.equity(id_) - w.twin.requirements(id_)[2]
    assert 0 <= over < w.twin.core.cfg.unit
    w.no(Reason.HEALTHY, "liquidate", w.keeper, id_, w.keeper)

    # It stays opted in: the next fall calls it again.
    w.tick(against(sign, 120))
    assert w.ok("liquidate_many", w.keeper, (id_,), w.keeper).value == (Is.HEALED,)
    assert made.calls() == 2


@DECIMALS
@SIDES
def test_healed_from_another_position(
    new_world: Callable[..., World], decimals: int, sign: int
) -> None:
    """The margin comes out of the wallet's own other vault, in the same transaction."""
    w = new_world(decimals=decimals)
    made, id_ = wallet(w, sign, "ReentrantOwner", 30_000)
    other = w.open(made.address, -sign * 50 * WAD, 30_000 * w.one)
    bystander = w.open(w.alice, sign * 50 * WAD, 9_000 * w.one)
    amount, vault = 10_000 * w.one, w.twin.core.vault(id_)
    made.arm(w.market.address, w.market.removeMargin.encode(other, amount, vault))
    w.twin.on_margin_call[made.address] = lambda model, _id, _short: model.remove_margin(
        made.address, other, amount, vault
    )
    w.tick(against(sign, 82))
    before, beside = w.twin.margin(id_), w.twin.margin(bystander)
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.HEALED
    assert made.worked()
    assert w.twin.margin(other) < 20_000 * w.one
    assert w.twin.margin(bystander) == beside
    assert w.twin.margin(id_) == before + amount - 5 * w.one


@DECIMALS
@SIDES
@pytest.mark.parametrize("purse", [0, 100, 1_000], ids=["penniless", "little", "half"])
def test_not_healed(new_world: Callable[..., World], decimals: int, sign: int, purse: int) -> None:
    """Too little: what it gave stays its own margin, liquidation goes on, the opt-in ends."""
    w = new_world(decimals=decimals)
    made, id_ = wallet(w, sign, "HealingOwner", purse)
    answer(w, made)
    w.tick(against(sign, 82))
    margin = w.twin.margin(id_)
    done = w.ok("liquidate", w.keeper, id_, w.keeper)
    assert done.value == Is.PARTIAL
    assert made.calls() == 1
    assert w.token.balanceOf(made.address) == 0
    assert w.twin.position(id_).flags & 1 == 0
    assert w.twin.margin(id_) < margin + purse * w.one
    assert w.twin.equity(id_) >= w.twin.requirements(id_)[2]

    # From now on it is liquidated like everybody else.
    w.tick(against(sign, 200))
    assert w.ok("liquidate", w.keeper, id_, w.keeper).value == Is.FULL
    assert made.calls() == 1
