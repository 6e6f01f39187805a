"""The moves that look for corners reach them (docs/invariants.md)."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.laws.base import notional, potential, terms
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import GOVERNANCE, KEEPER
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import dear, steep
from bulkhead.fuzz.signing import ELSEWHERE, STRANGER
from bulkhead.fuzz.speech import NO_BALANCE
from bulkhead.fuzz.stage import ACTOR, SIGNER, Setting
from bulkhead.fuzz.world import World
from bulkhead.model.order_types import OrderReason, hash_of
from bulkhead.model.types import LiquidationResult

HEALED = f"ok {int(LiquidationResult.HEALED)}"
PARTIAL, FULL = (
    f"ok {int(which)}" for which in (LiquidationResult.PARTIAL, LiquidationResult.FULL)
)
Look = Callable[[World, Op, str], Iterator[str]]


def reached(world: World, move: str, look: Look, blobs: int, moves: int = 1) -> set[str]:
    """What `look` saw after each step of a move, made from drawn bytes."""
    dice, seen = random.Random(move), set()
    for _ in range(blobs):
        with world.undone():
            decoder = Decoder(world, dice.randbytes(400))
            for _ in range(moves):
                for op in getattr(decoder, move)():
                    seen.update(look(world, op, world.play(op)))
    return seen


@pytest.fixture
def strict(artifacts: Artifacts) -> World:
    """A token that refuses, high floors, owners that are contracts."""
    return stand_up("revm", Setting(6, (dear(),), "BlacklistToken", True), Bench(), artifacts)


@pytest.fixture
def listing(artifacts: Artifacts) -> World:
    """A token that refuses, funding that runs fast."""
    return stand_up("revm", Setting(6, (steep(),), "BlacklistToken"), Bench(), artifacts)


@pytest.fixture
def tight(artifacts: Artifacts) -> World:
    """Caps, knee and funding bound in reach."""
    return stand_up("revm", Setting(18, (steep(),)), Bench(), artifacts)


def test_what_a_partial_liquidation_leaves_is_the_least_notional(strict: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "liquidate" and said in (PARTIAL, FULL):
            yield said
            p = world.twin.position(op.args[0])
            t = terms(world.twin.state.__dict__, world.params, world.unit)
            near = notional(p.size, t.price(p.size)) - t.min_notional
            if 0 <= near <= world.unit * 100:
                yield "near"

    assert reached(strict, "remainder", look, 60) == {PARTIAL, FULL, "near"}


def test_skew_stands_at_the_knee_and_past_it(tight: World) -> None:
    knee = tight.params.max_impact * tight.params.skew_scale // 10**18

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        past = abs(world.twin.state.skew) - knee
        if abs(past) <= 1:
            yield f"knee {past:+}"
        elif past > 1:
            t = terms(world.twin.state.__dict__, world.params, world.unit)
            assert potential(t.skew, t) > knee * knee // (2 * t.skew_scale)
            yield "past"

    assert reached(tight, "crossing", look, 200, 4) == {"knee -1", "knee +0", "knee +1", "past"}


def test_a_vault_can_not_pay_what_it_is_charged(tight: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name in ("decrease", "liquidate") and said in ("ok", PARTIAL):
            state, id_ = world.twin.state, op.args[0]
            if state.cash == world.twin.margin(id_) == 0 and world.twin.position(id_).size:
                yield op.name

    assert reached(tight, "drained", look, 60) == {"decrease", "liquidate"}


def test_owner_heals_or_just_fails_to_and_acts_meanwhile(strict: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        step = world.last
        if op.name != "liquidate" or step is None or step.result is None:
            return
        actor = world.stage.contracts[ACTOR].address
        given = any(by == actor for by, _, _ in step.result.payments)
        yield f"{said}{' topped up' if given else ''}"
        if step.acted and len(step.result.events) > 3:
            yield "acted"

    found = reached(strict, "scheme", look, 120)
    assert {f"{HEALED} topped up", f"{PARTIAL} topped up", FULL, "acted"} <= found


def test_keeper_is_paid_by_a_vault_whose_pool_is_refused(strict: World, listing: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        step, pool = world.last, world.site.pool.address
        refused = pool in world.twin.core.refuse_to
        if op.name == "liquidate" and said == FULL and refused and step and step.result:
            paid = dict(step.result.events)["PositionChanged"]["payout"]
            yield "paid and frozen" if paid and world.twin.position(op.args[0]).basis else FULL
        if op.name == "remove_margin" and refused and said == NO_BALANCE:
            yield "funding refused"

    assert "paid and frozen" in reached(strict, "refused", look, 100)
    assert "funding refused" in reached(listing, "refused", look, 150)


def test_a_wallet_signs_orders(strict: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name in ("place_signed", "cancel_signed") and op.args[0].owner == wallet:
            yield f"{op.args[1]}: {said.split('(')[0]}"

    wallet = strict.stage.contracts[SIGNER].address
    found = reached(strict, "ordering", look, 120, 8)
    wrong = "BadSignature"
    assert {"good: ok", f"{STRANGER}: {wrong}", f"{ELSEWHERE}: {wrong}"} <= found


def test_readings_at_every_end(strict: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name != "set_price" and said.startswith("Refused("):
            yield said.split(",")[0][8:]
        if world.site.reading.resumed_at > world.now:
            yield "ahead"
            if world.twin.state.resumed_at == world.now:
                yield "now"

    found = reached(strict, "extremes", look, 250)
    assert {"8", "25", "26", "27", "ahead", "now"} <= found, found


def test_bounds_below_what_they_bound(tight: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        step = world.last
        if op.name == "set_params" and said == "ok" and step and step.before:
            old, p = step.before.state, op.args[0]
            if abs(old["funding_rate"]) > p.max_rate:
                yield "rate"
            if notional(old["size_long"], old["mark"]) > p.max_open_interest:
                yield "open interest"

    assert reached(tight, "bounds", look, 150) == {"rate", "open interest"}


def test_a_second_mark_comes_with_partial_liquidations_of_many(strict: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "liquidate_many" and said.startswith("ok "):
            results = ast.literal_eval(said[3:])
            if set(results) == {int(LiquidationResult.PARTIAL)}:
                yield "all in part"
                if len(results) > 1:
                    yield "several"

    assert reached(strict, "renewed_many", look, 60) == {"all in part", "several"}


def test_orders_outlive_a_sale_and_nobody_ends_those_of_others(tight: World) -> None:
    def look(world: World, op: Op, said: str) -> Iterator[str]:
        book = world.site.orders
        if op.name not in ("cancel_order", "edit_order", "release_order"):
            return
        order = op.args[0]
        state = book.state(hash_of(order))
        stale = order.epoch != world.twin.core.epochs.get(state.position_id, 0)
        if order.margin and said.startswith("ok"):
            locked = world.twin.lock_of(state.position_id, book.address)
            if stale and locked:
                yield f"{op.name} beside a lock"
        elif stale and said.startswith("NotAuthorised"):
            yield f"{op.name} by another"

    assert reached(tight, "handed_on", look, 60) >= {
        "cancel_order beside a lock",
        "release_order beside a lock",
        "cancel_order by another",
        "edit_order by another",
    }


def test_an_edit_names_another_position(tight: World) -> None:
    """Or a parent's."""

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "edit_order" and said.startswith(
            f"OrderRefused({int(OrderReason.BAD_PARENT)},"
        ):
            yield "refused"

    assert reached(tight, "misnamed", look, 60) == {"refused"}


@pytest.mark.parametrize("final", [False, True], ids=["before the final price", "after it"])
def test_what_is_destroyed_in_vaults_is_written_off(artifacts: Artifacts, final: bool) -> None:
    """Of open positions and of flat ones that owe, all or a part, served again or not."""
    world = stand_up("revm", Setting(6, (steep(),), "BlacklistToken"), Bench(), artifacts)
    if final:
        wait, s = world.params.dead_after_secs, world.twin.state
        world.play(Op("announce_final", GOVERNANCE, (s.mark * 9 // 10,), wait))
        assert world.play(Op("execute_final", KEEPER, (), wait)) == "ok"
    flat: set[bool] = set()

    def look(world: World, op: Op, said: str) -> Iterator[str]:
        if op.name == "destroy" and world.last is not None and world.last.before is not None:
            id_ = world.twin.core.vaults[op.args[0]]
            flat.add(world.twin.position(id_).size == 0)
            if world.twin.margin(id_) < world.last.before.positions[id_].margin:
                yield "all" if world.twin.margin(id_) == 0 else "a part"
        done = world.last.result if world.last is not None else None
        if op.name == "settle" and done is not None and "BadDebt" in dict(done.events):
            yield "paid" if world.twin.position(op.args[0]).basis == 0 else "kept"

    seen = reached(world, "destroy", look, 60, moves=2)
    assert seen == {"all", "a part", "paid", "kept"}
    assert flat == {False, True}
    assert world.judge.bench.checks["I-12"]  # type: ignore[attr-defined]
