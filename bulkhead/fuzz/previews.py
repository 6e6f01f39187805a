"""What the lenses say an action will do, held against what it then does."""

from __future__ import annotations

from typing import Any

from bulkhead.fuzz.chain import answered
from bulkhead.fuzz.laws import differential
from bulkhead.fuzz.speech import NO_BALANCE, meaning
from bulkhead.fuzz.stage import FEE_TOKEN, HOOK_TOKEN, LENSES, REBASING_TOKEN
from bulkhead.fuzz.world import Step, World
from bulkhead.model.core import OPTED_IN
from bulkhead.model.types import Reason

# An action's lens and function. What it is asked: the market, and the caller where there is one.
PREVIEWS = {
    "open": ("preview", "previewOpen"),
    "increase": ("preview", "previewIncrease"),
    "decrease": ("preview", "previewDecrease"),
    "close": ("preview", "previewClose"),
    "remove_margin": ("preview", "previewRemoveMargin"),
    "settle": ("preview", "previewSettle"),
    "liquidate": ("liquidation", "previewLiquidate"),
    "deleverage": ("liquidation", "previewDeleverage"),
    "execute_order": ("order", "previewOrder"),
}
_ANYBODY = frozenset({"settle", "liquidate", "deleverage"})
# What no lens foresees: tokens that refuse or fall short, receivers.
_UNSEEN = (NO_BALANCE, "WrongAmountReceived", f"Refused({int(Reason.BAD_RECEIVER)},", "ERC20")
_SHORT = frozenset({FEE_TOKEN, HOOK_TOKEN, REBASING_TOKEN})
STORED = (
    *("id", "owner", "vault", "flags", "epoch", "size", "basis", "fundingEntry", "margin", "locks"),
)
_OF_EVENT = ("mark", "fill", "fee", "fundingPaid")


class Previews:
    """I-50: asks before an action, and compares after it."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def ask(self, world: World, step: Step) -> Any:
        """What a lens says of the step that is about to be sent; None where none foresees it."""
        where = PREVIEWS.get(step.op.name)
        if where is None or not self.bench.on("I-50"):
            return None
        lens, op = world.stage.lenses[LENSES[where[0]]], step.op
        method = getattr(lens, where[1]).method
        args: tuple[Any, ...]
        if op.name == "execute_order":
            args = (step.site.book.address, op.args[0].as_tuple())
        elif op.name in _ANYBODY:
            args = (step.site.market.address, op.args[0])
        else:
            rest = op.args[1:2] if op.name == "remove_margin" else op.args[1:]
            args = (step.site.market.address, op.args[0], op.actor, *rest)
        said = answered(world, lens.address, method, args)
        if isinstance(said, str):
            self.bench.hold(differential.i_50_view, where[1], said, "an answer")
        return said

    def hold(self, world: World, step: Step, said: Any) -> None:
        """After the step: the same outcome, and after a success the same values."""
        name = f"{PREVIEWS[step.op.name][1]} of {step.op}"
        if step.found.startswith(_UNSEEN):
            return
        by_order = step.op.name == "execute_order"
        trade = said.trade if by_order else said
        foretold = verdict(said) if by_order else refusal(said)
        found = "ok" if step.ok else step.found
        self.bench.hold(differential.i_50_preview, name, {"outcome": foretold}, {"outcome": found})
        if step.ok and step.result is not None and _foreseeable(world, step):
            values = trade._asdict()
            values.update(trade.position._asdict())
            if by_order:
                values["traded"] = said.size
            self.bench.hold(differential.i_50_preview, name, values, self._done(world, step, trade))

    def _done(self, world: World, step: Step, trade: Any) -> dict[str, Any]:
        """What came of it, by the lens's names."""
        assert step.result is not None
        assert step.before is not None
        assert step.after is not None
        op, site, id_ = step.op, step.site, trade.position.id
        events = [pair for pair in step.result.events if pair[1].get("id") == id_]
        happened = dict(events)
        changed = happened["PositionChanged"]
        found = {name: changed[name] for name in _OF_EVENT}
        found["ticket"] = happened.get("TicketWritten", {}).get("amount", 0)
        found["deficit"] = happened.get("BadDebt", {}).get("amount", 0)
        if not found["deficit"]:  # then the fund pays the pool as well
            pool, book = site.pool.address, site.book.address
            fees = [n for by, to, n in step.result.payments if (by, to) == (book, pool)]
            found["toPool"] = step.after.balances[0] - step.before.balances[0] - sum(fees)
        was = step.before.positions.get(id_)
        held = was.size if was else 0
        if op.name in ("close", "decrease", "deleverage", "liquidate"):
            found["closedSize"] = abs(held - changed["size"])
        if op.name == "liquidate":
            found |= {"reward": changed["payout"], "result": int(step.result.value)}
        if op.name == "execute_order":
            found["traded"] = step.result.value
        lens = world.stage.lenses[LENSES["market"]]
        view = lens.positionsOf.method
        told = answered(world, lens.address, view, (site.market.address, [id_]))
        if isinstance(told, str):
            self.bench.hold(differential.i_50_view, "positionsOf", told, "an answer")
        seen = told[0]._asdict()
        if step.reading.published_at > step.after.state["published_at"] and not step.failing:
            # By now the lens takes the newer mark that a liquidation would.
            seen = {name: seen[name] for name in STORED}
        return {**found, **seen}


def refusal(said: Any) -> str:
    """A preview's outcome in the words of a call's."""
    if said.allowed:
        return "ok"
    if said.failure:
        return meaning(said.failure)
    return f"Refused{(said.reason, said.actual, said.limit)}"


def verdict(said: Any) -> str:
    """The same of an order."""
    if said.executes:
        return "ok"
    if said.reason:
        return f"OrderRefused{(said.reason, said.actual, said.limit)}"
    return refusal(said.trade)


def _foreseeable(world: World, step: Step) -> bool:
    """Whether nothing happened that a lens can't know: a payment refused or cut, an owner's answer
    to a margin call."""
    core, op = step.site.twin.core, step.op
    if core.halted or core.refuse_to or core.refuse_from or world.setting.token in _SHORT:
        return False
    called = step.before is not None and op.name == "liquidate"
    return not (called and step.before.flags.get(op.args[0], 0) & OPTED_IN)  # type: ignore[union-attr]
