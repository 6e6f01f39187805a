"""What a preview said, held against what the action then did."""

from __future__ import annotations

from typing import Any

from market_world import Done, World

from bulkhead.chain.contract import Contract, deploy
from bulkhead.model.errors import Refused
from bulkhead.model.types import Action
from bulkhead.sim.moves import error_text, revert_text

LENSES = {"market": "MarketLens", "preview": "PreviewLens", "liquidation": "LiquidationLens"}
BUY = 2**256 - 1


class Lenses:
    """The three lenses over a world."""

    def __init__(self, world: World) -> None:
        self.of(world)
        made = [deploy(world.rpc, name, sender=world.deployer) for name in LENSES.values()]
        self.market: Contract = made[0]
        self.preview: Contract = made[1]
        self.liquidation: Contract = made[2]

    def of(self, world: World) -> Lenses:
        self.w = world
        return self

    def see(self, id_: int) -> Any:
        """One position."""
        return self.market.positionsOf(self.w.market, [id_])[0]

    def all(self) -> Any:
        """The market."""
        return self.market.marketView(self.w.market)

    def ask(self, action: str, caller: str, *args: Any) -> Any:
        """The preview of an action of the market."""
        where = self.w.market
        if action == "liquidate":
            return self.liquidation.previewLiquidate(where, args[0])
        if action == "deleverage":
            return self.liquidation.previewDeleverage(where, args[0])
        if action == "settle":
            return self.preview.previewSettle(where, args[0])
        name = "preview" + "".join(part.capitalize() for part in action.split("_"))
        rest = args[1:2] if action == "remove_margin" else args[1:]
        return getattr(self.preview, name)(where, args[0], caller, *rest)

    def play(self, action: str, caller: str, *args: Any) -> tuple[Any, Done]:
        """Asks, acts, and compares everything there is to compare."""
        said = self.ask(action, caller, *args)
        pool = self.w.token.balanceOf(self.w.pool)
        held = self.w.twin.core.positions.get(args[0])
        before = held.size if held else 0
        done = self.w.do(action, caller, *args)
        what = f"{action}{args}: {said}"
        if done.refusal is not None:
            assert not said.allowed, what
            if isinstance(done.refusal, Refused):
                reason, actual, limit = done.refusal.args[:3]
                assert (said.reason, said.actual, said.limit) == (reason, actual, limit), what
                assert not said.failure, what
            else:
                assert revert_text(said.failure) == error_text(done.refusal), what
            return said, done
        assert said.allowed, what
        assert (said.reason, said.actual, said.limit, said.failure) == (0, 0, 0, b""), what
        if self.w.token.balanceOf(self.w.pool) - pool != said.toPool:
            assert said.deficit, what  # the fund pays the pool as well
        self._events(what, said, done, before)
        now = self.see(said.position.id)
        for field in now._fields:
            assert getattr(said.position, field) == getattr(now, field), f"{field} of {what}"
        return said, done

    @staticmethod
    def _events(what: str, said: Any, done: Done, before: int) -> None:
        after, event = said.position, done.event("PositionChanged")
        for field in ("id", "owner", "size", "basis"):
            assert getattr(after, field) == getattr(event, field), f"{field} of {what}"
        for field in ("mark", "fill", "fee", "fundingPaid"):
            assert getattr(said, field) == getattr(event, field), f"{field} of {what}"
        assert after.margin == event.margin, what
        found = {one.name: one for one in done.events}
        ticket, debt = found.get("TicketWritten"), found.get("BadDebt")
        assert said.ticket == (ticket.amount if ticket else 0), what
        assert said.deficit == (debt.amount if debt else 0), what
        if event.action in (Action.LIQUIDATE_PARTIAL, Action.LIQUIDATE_FULL):
            closed = abs(before) - abs(event.size)
            assert (said.closedSize, said.reward) == (closed, event.payout), what
            assert said.result == done.value, what
