"""What an action is on the chain: its calldata, what a run of it says, how its gas is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bulkhead.chain.contract import Contract
from bulkhead.keeper.decide import Action, Kind
from bulkhead.model.order_types import Order
from bulkhead.model.types import LiquidationResult

ACTED = (LiquidationResult.PARTIAL, LiquidationResult.FULL, LiquidationResult.HEALED)
SKIPPED = "not filled"

Outcome = list[tuple[int, str]]  # id, and why nothing would happen to it; empty: it is acted on


class Calls(Protocol):
    """One contract that a keeper acts on, over one node."""

    contract: Contract

    def encode(self, action: Action, pay_to: str) -> bytes:
        """Calldata."""

    def measure(self, action: Action, pay_to: str) -> bytes:
        """Calldata that needs as much gas and reverts where any part of the action fails: a batch
        that skips failures passes with too little gas, too."""

    def outcome(self, action: Action, answer: bytes) -> Outcome:
        """What a run's answer says of each id."""


class MarketCalls:
    """Liquidations and ADL."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def encode(self, action: Action, pay_to: str) -> bytes:
        """The market's function."""
        market = self.contract
        if action.kind is Kind.DELEVERAGE:
            return market.deleverage.encode(action.ids[0])
        if action.kind is Kind.LIQUIDATE:
            return market.liquidate.encode(action.ids[0], pay_to)
        return market.liquidateMany.encode(list(action.ids), pay_to)

    def measure(self, action: Action, pay_to: str) -> bytes:
        """The same: a batch of the market's takes no failure of its parts."""
        return self.encode(action, pay_to)

    def outcome(self, action: Action, answer: bytes) -> Outcome:
        """From the results."""
        market = self.contract
        if action.kind is Kind.LIQUIDATE_MANY:
            results = [LiquidationResult(one) for one in market.liquidateMany.decode(answer)]
        elif action.kind is Kind.LIQUIDATE:
            results = [LiquidationResult(market.liquidate.decode(answer))]
        else:
            results = [LiquidationResult.FULL]
        return [
            (id_, "" if result in ACTED else result.name.lower())
            for id_, result in zip(action.ids, results, strict=True)
        ]


class BookCalls:
    """Orders: filling, cleaning up, advancing. `orders` by the keeper's ids."""

    def __init__(self, contract: Contract, orders: Mapping[int, Order]) -> None:
        self.contract, self.orders = contract, orders

    def _tuples(self, action: Action) -> list[tuple[Any, ...]]:
        return [self.orders[id_].as_tuple() for id_ in action.ids]

    def encode(self, action: Action, pay_to: str) -> bytes:
        """The book's function."""
        book, orders = self.contract, self._tuples(action)
        if action.kind is Kind.EXECUTE_MANY:
            return book.executeMany.encode(orders, pay_to)
        if action.kind is Kind.EXECUTE:
            return book.execute.encode(orders[0], pay_to)
        if action.kind is Kind.RELEASE:
            return book.release.encode(orders[0], pay_to)
        return book.advance.encode(orders[0])

    def measure(self, action: Action, pay_to: str) -> bytes:
        """A batch as a multicall, which reverts with any of its orders."""
        if action.kind is not Kind.EXECUTE_MANY:
            return self.encode(action, pay_to)
        book = self.contract
        parts = [book.execute.encode(one, pay_to) for one in self._tuples(action)]
        return book.multicall.encode(parts)

    def outcome(self, action: Action, answer: bytes) -> Outcome:
        """What did not revert was done; of a batch, what was traded."""
        if action.kind is not Kind.EXECUTE_MANY:
            return [(id_, "") for id_ in action.ids]
        sizes = self.contract.executeMany.decode(answer)
        return [(id_, "" if size else SKIPPED) for id_, size in zip(action.ids, sizes, strict=True)]
