"""The moves that look for rare states reach them, on both sides of the market."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import GOVERNANCE
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import dear, dust, plain, steep
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model import pool
from bulkhead.model.order_types import OrderStatus
from bulkhead.model.types import LiquidationResult

Look = Callable[[World, Op, str], Iterator[str]]
PLAIN, DUST = Setting(6, (plain(),)), Setting(8, (dust(),))
LISTING = Setting(6, (steep(),), "BlacklistToken")
FLOORS = Setting(2, (dear(),), "BlacklistToken")
HALTING = Setting(6, (dear(),), "PausableToken", contracts=True)
SIDES = {"long", "short"}


def reached(artifacts: Artifacts, setting: Setting, move: str, look: Look, blobs: int) -> set[str]:
    """What `look` saw before and after each step of a move, made from drawn bytes."""
    world = stand_up("revm", setting, Bench(), artifacts)
    dice, seen = random.Random(move), set[str]()
    for _ in range(blobs):
        with world.undone():
            for op in getattr(Decoder(world, dice.randbytes(400)), move)():
                seen.update(look(world, op, ""))
                seen.update(look(world, op, world.play(op)))
    world.engine.close()
    return seen


def side(world: World, id_: int) -> str:
    """Which one somebody is on."""
    return "long" if world.twin.position(id_).size > 0 else "short"


def test_an_empty_vault_pays_for_a_sliver_out_of_its_claim(artifacts: Artifacts) -> None:
    empty: set[int] = set()

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name != "decrease":
            return
        id_, s = op.args[0], world.twin.state
        claim = world.twin.core.ledger(id_).claim(s.mark)
        if not said:
            empty.clear()
            if world.twin.margin(id_) == 0 and claim > 0 and s.cash:
                empty.add(id_)
        elif said == "ok" and id_ in empty:
            yield side(world, id_)

    assert reached(artifacts, LISTING, "emptied", look, 120) == SIDES


def test_a_ticket_is_followed_by_another_liquidation_in_its_batch(artifacts: Artifacts) -> None:
    done = (LiquidationResult.PARTIAL, LiquidationResult.FULL)

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        step = world.last
        if op.name != "liquidate_many" or not said.startswith("ok") or step is None:
            return
        assert step.result is not None
        order = [name for name, _ in step.result.events]
        if "TicketWritten" in order and len(step.result.value) > 1:
            first = order.index("TicketWritten")
            if "PositionChanged" in order[first + 2 :]:
                results = [each for each in step.result.value if each in done]
                yield "another" if len(results) > 1 else "one"

    assert "another" in reached(artifacts, HALTING, "emptied", look, 150)


def test_one_batch_has_members_of_every_kind(artifacts: Artifacts) -> None:
    kinds = {int(each) for each in LiquidationResult} - {
        int(LiquidationResult.IN_GRACE),
        int(LiquidationResult.LOW_GAS),
        int(LiquidationResult.HEALED),
    }

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        step = world.last
        if op.name == "liquidate_many" and step is not None and step.result is not None and said:
            found = {int(each) for each in step.result.value}
            yield from (f"{each}" for each in found)
            if len(found) > 3:
                yield "many at once"

    found = reached(artifacts, LISTING, "mixed_batch", look, 150)
    assert found >= {*map(str, kinds - {int(LiquidationResult.FLAT)}), "many at once"}


def test_margin_tables_get_other_knots(artifacts: Artifacts) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name != "set_params" or op.actor != GOVERNANCE:
            return
        if not said:
            world.rows = len(world.params.brackets)  # type: ignore[attr-defined]
        elif said.startswith("BadParameter"):
            yield said.split("'")[1]
        else:
            yield f"{len(op.args[0].brackets) - world.rows:+}"  # type: ignore[attr-defined]
            if op.args[0].brackets[0].upper_notional < 2**17:
                yield "tiny"

    found = reached(artifacts, PLAIN, "tables", look, 300)
    refused = {"mmRate", "imRate", "upperNotional", "brackets"}
    assert found >= {"+1", "+0", "-1", "tiny", *refused}


def test_impacts_change_at_a_skew_past_its_cap(artifacts: Artifacts) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "set_params" and said:
            now, new = world.params, op.args[0]
            past = abs(world.twin.state.skew) > new.max_skew
            steeper = new.skew_scale < now.skew_scale
            if said.startswith("BadParameter('skewScale'") and past:
                yield "refused"
            if said == "ok" and past:
                yield "taken"
            if said != "ok" and steeper:
                yield "steeper"

    assert reached(artifacts, PLAIN, "impacts", look, 60) == {"refused", "taken", "steeper"}


def test_a_cornered_winner_is_deleveraged_while_there_is_cash(artifacts: Artifacts) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        core = world.twin.core
        if op.name != "deleverage":
            return
        if not said:
            world.side = side(world, op.args[0])  # type: ignore[attr-defined]
        elif said == "ok" and core.state.cash and world.vault(op.args[0]) in core.refuse_to:
            yield world.side  # type: ignore[attr-defined]

    assert reached(artifacts, FLOORS, "cornered", look, 100) == SIDES


def test_a_gift_is_opened_on_with_less_than_the_fee_or_while_it_is_frozen(
    artifacts: Artifacts,
) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "open" and said:
            vault = world.vault(op.args[0] or world.twin.state.next_id)
            if said.startswith("ok") and op.args[2] <= world.dollars(1) // 10:
                yield "on the gift alone"
            if said == "the token refuses" and vault in world.twin.core.refuse_from:
                yield "frozen"

    found = reached(artifacts, LISTING, "gifted", look, 200)
    found |= reached(artifacts, PLAIN, "gifted", look, 200)
    assert found == {"on the gift alone", "frozen"}


def test_an_order_ends_whose_lock_is_lower_than_its_margin(artifacts: Artifacts) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        book = world.site.orders
        if op.name in ("cancel_order", "execute_order", "edit_order"):
            order = op.args[0]
            if not said:
                lock = world.twin.lock_of(order.position_id, world.site.book.address)
                world.less = 0 < lock < order.margin  # type: ignore[attr-defined]
            elif said.startswith("ok") and world.less:  # type: ignore[attr-defined]
                assert book.states
                yield op.name

    found = reached(artifacts, DUST, "relocked", look, 200)
    assert found == {"cancel_order", "execute_order", "edit_order"}


def test_a_second_refund_joins_the_first(artifacts: Artifacts) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        book = world.site.orders
        waits = sum(1 for amount in book.refunds.values() if amount)
        ended = [s for s in book.states.values() if s.status == OrderStatus.CANCELLED]
        if op.name == "cancel_order" and said == "ok" and waits and len(ended) > 1:
            yield "two"
        if op.name == "claim_refund" and said.startswith("ok ") and said != "ok 0":
            yield "paid"

    assert reached(artifacts, LISTING, "refused_twice", look, 40) == {"two", "paid"}


def test_a_pool_that_is_born_with_other_dead_shares_is_noticed(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "DEAD_SHARES", pool.DEAD_SHARES - 1)
    with pytest.raises(Broken, match="first deposit"):
        stand_up("revm", PLAIN, Bench(), artifacts)
