"""Holds every step to the laws: which law looks at what, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bulkhead.fuzz.coverage import count
from bulkhead.fuzz.foresight import Foreseen, foresee
from bulkhead.fuzz.laws import conservation as money
from bulkhead.fuzz.laws import differential as model
from bulkhead.fuzz.laws import isolation as walls
from bulkhead.fuzz.laws import liquidation as ends
from bulkhead.fuzz.laws.base import Terms, terms
from bulkhead.fuzz.ops import OUTSIDE, POOL_CALLS, Op
from bulkhead.fuzz.probe import Pos, Sight, difference
from bulkhead.fuzz.world import Step, World

Law = Callable[..., bool]


def law_id(law: Law) -> str:
    """`i_05_sums` -> `I-05`."""
    return f"I-{law.__name__[2:4]}"


class Count(NamedTuple):
    """How often a law was checked, and how often at a boundary."""

    checks: int
    boundary: int


class Bench:
    """Runs the laws that are on, and counts."""

    def __init__(self, only: Iterable[str] = ()) -> None:
        self.only = frozenset(only)
        self.checks: Counter[str] = Counter()
        self.boundary: Counter[str] = Counter()

    def hold(self, law: Law, *values: Any) -> None:
        """Checks one law, unless it is off."""
        name = law_id(law)
        if self.only and name not in self.only:
            return
        self.checks[name] += 1
        if law(*values):
            self.boundary[name] += 1

    def on(self, *names: str) -> bool:
        """Whether one of these is to be checked."""
        return not self.only or not self.only.isdisjoint(names)


class Judge:
    """The laws of single steps."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def foresee(self, world: World, op: Op) -> Foreseen | None:
        """What a liquidation would find."""
        return foresee(world, op) if op.name == "liquidate" else None

    def step(self, world: World, step: Step) -> None:
        """Every law of a step; the model's last, as it can't say what is wrong."""
        bench = self.bench
        if step.foreseen is not None:
            self._liquidation(world, step)
        if step.after is not None:
            self._money(world, step, step.after)
            if step.op.name not in OUTSIDE:
                self._positions(world, step, step.after)
        bench.hold(model.i_50_outcome, step.found, step.expected)
        if step.after is not None:
            if step.after.words != step.words:
                layout, names = step.site.layout, world.stage.names()
                bench.hold(
                    model.i_50_view, *difference(layout, step.after.words, step.words, names)
                )
            else:
                bench.hold(model.i_50_view, "", 0, 0)
            count(world, step)

    # ---- after every success

    def _money(self, world: World, step: Step, after: Sight) -> None:
        bench, site, s = self.bench, step.site, after.state
        held = {id_: p.margin for id_, p in after.positions.items()}
        if step.words:  # else the twin refused, which is another law's matter
            bench.hold(money.i_01_vaults, held, site.layout.margins(step.words))
        holders = len(site.system)
        inside = sum(held.values()) + sum(after.ahead) + sum(after.balances[:holders])
        for other in world.sites:
            if other is not site:
                sight = world.sights[world.sites.index(other)]
                inside += sum(p.margin for p in sight.positions.values())
                inside += sum(sight.ahead) + sum(sight.balances[:3])  # the treasury is the same one
        bench.hold(money.i_02_conserved, inside, world.brought, sum(after.balances[holders:]))
        sums = (s["size_long"], s["size_short"], s["basis_long"], s["basis_short"])
        bench.hold(money.i_05_sums, sums, after.positions.values())

    def _positions(self, world: World, step: Step, after: Sight) -> None:
        bench, op, before = self.bench, step.op, step.before
        assert before is not None
        was, now = before.positions, after.positions
        acted = touched(op, step)
        bench.hold(walls.i_10_locality, was, now, acted)

    # ---- liquidations

    def _liquidation(self, world: World, step: Step) -> None:
        bench, foreseen = self.bench, step.foreseen
        was: Pos = foreseen.position
        t: Terms = foreseen.terms
        owner = world.stage.agents.get(foreseen.owner)
        refusing = world.setting.token != "TestToken"
        if owner or refusing:
            bench.hold(ends.i_27_unblockable, was, t, foreseen.grace, step.ok, owner or "an owner")
        bench.hold(ends.i_26_iff, was, t, foreseen.grace, step.ok)
        if step.after is None or step.result is None:
            return
        now = step.after.positions[step.op.args[0]]
        happened = dict(step.result.events)
        if step.result.value == 7:  # healed by its owner's margin call
            return
        bench.hold(ends.i_28_partial, was, now, t)
        reward = happened["PositionLiquidated"]["reward"]
        ticket = happened.get("TicketWritten", {}).get("amount", 0)
        vault = step.site.vault(step.op.args[0])
        inflow = sum(amount for _, to, amount in step.result.payments if to == vault)
        bench.hold(ends.i_30_no_profit, was, now, t, reward, ticket, inflow)


def touched(op: Op, step: Step) -> set[int]:
    """Positions that an op is about."""
    if op.name == "liquidate_many":
        return set(op.args[0])
    if op.name == "send":
        return {id_ for vault, id_ in step.site.twin.core.vaults.items() if vault == op.args[0]}
    if op.name in POOL_CALLS or not op.args:
        return set()
    return {op.args[0]} if isinstance(op.args[0], int) else set()


__all__ = ["Bench", "Count", "Judge", "law_id", "terms", "touched"]
