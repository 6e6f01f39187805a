"""Acting on a decision: rehearse each action on the node, reckon again with its real gas, send.

Whatever is not sent has a reason with the decoded error; nothing is swallowed. What sends is a
`Sender`: the wallet for real, the demo's two worlds, or nobody in a dry run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bulkhead.chain.errors import Reverted, RpcError
from bulkhead.keeper.calls import Calls
from bulkhead.keeper.decide import Action, Kind, Policy, Skip, Why
from bulkhead.keeper.fees import GasPrice
from bulkhead.keeper.node import NodeDown
from bulkhead.model.wad import WAD, ceil_div

log = logging.getLogger("bulkhead.keeper.act")
EXPLAINED = 10  # of a batch, asked alone why they would not be filled
ALONE = {Kind.LIQUIDATE_MANY: Kind.LIQUIDATE, Kind.EXECUTE_MANY: Kind.EXECUTE}


class Sender(Protocol):
    """Sends what was rehearsed. Raises `RpcError` where it is refused."""

    @property
    def address(self) -> str:
        """Who sends, and gets the reward."""

    def send_action(self, action: Action, to: str, data: bytes) -> str:
        """The transaction's hash."""


@dataclass(frozen=True)
class Rehearsal:
    """What an action would do now: which ids it would act on, or its revert."""

    done: tuple[int, ...]
    idle: tuple[tuple[int, str], ...]  # id and why nothing would happen to it
    gas: int = 0
    error: str = ""
    refused: bool = False  # the error is the node's own: the market did not get to say anything


@dataclass(frozen=True)
class Sent:
    """An action under way."""

    action: Action
    hash: str


def rehearse(calls: Calls, action: Action, sender: str, data: bytes | None = None) -> Rehearsal:
    """Runs the action on the node's newest state, without sending it; `data`: its calldata, where
    that is known. What the node refuses to run, for want of gas say, holds up nobody else."""
    contract = calls.contract
    rpc, to = contract._rpc, contract.address
    sent = data is not None
    try:
        found = calls.encode(action, sender) if data is None else data
        results = calls.outcome(action, rpc.call(to, found, sender=sender))
        done = tuple(id_ for id_, why in results if not why)
        idle = tuple((id_, why) for id_, why in results if why)
        whole = bool(done) and not idle and not sent
        gas = _estimate(rpc, to, calls.measure(action, sender), sender) if whole else 0
    except RpcError as problem:
        text, refused = str(problem), not isinstance(problem, Reverted)
        return Rehearsal((), tuple((id_, text) for id_ in action.ids), 0, text, refused)
    return Rehearsal(done, idle, gas)


def _estimate(rpc: Any, to: str, data: bytes, sender: str) -> int:
    body = {"from": sender, "to": to, "data": "0x" + data.hex()}
    return int(rpc.request("eth_estimateGas", body, "latest"), 16)


def repriced(action: Action, gas: int, unit: int, price: GasPrice, policy: Policy) -> Action | Skip:
    """The action with the gas it was seen to use; a skip where it does not pay with that. Its
    `worst` may be above what was decided on: `act` sees to it that it stays within what is left.
    """
    limit = max(action.gas_limit, ceil_div(gas * (100 + policy.gas.headroom), 100))
    data_fee = 0 if price.l1_in_gas else action.worst - action.gas_limit * action.fees.most
    worst = limit * action.fees.most + data_fee
    cost = price.quote(gas * (price.base + action.fees.tip) + data_fee)
    worth = action.reward * unit * policy.win_rate // WAD
    best = replace(action, gas=gas, gas_limit=limit, worst=worst, cost=cost, profit=worth - cost)
    if limit > policy.max_gas:
        text = f"needs {limit} gas, the most is {policy.max_gas}"
        return Skip(action.market, action.ids[0], Why.GAS_TOO_HIGH, text)
    least = policy.min_profit if action.floor is None else action.floor
    if action.kind is not Kind.DELEVERAGE and best.profit < least:
        text = f"worth {worth}, cost {cost} at {gas} gas (Wad)"
        return Skip(action.market, action.ids[0], Why.UNPROFITABLE, text)
    return best


class Actor:
    """Acts on one contract. `second`: the same over another node, which must agree."""

    def __init__(
        self, calls: Calls, sender: Sender | None, viewer: str, second: Calls | None = None
    ) -> None:
        """`viewer` rehearses where there is no sender."""
        self.calls, self.sender, self.second = calls, sender, second
        self.address = calls.contract.address
        self.viewer = sender.address if sender else viewer

    def _skips(self, ids: Iterable[int], why: Why, detail: str) -> list[Skip]:
        return [Skip(self.address, id_, why, detail) for id_ in ids]

    def act(
        self, actions: Sequence[Action], unit: int, price: GasPrice, policy: Policy, left: int
    ) -> tuple[list[Sent], list[Skip]]:
        """Each action in turn: what was sent, and why the rest was not. What is sent costs at
        worst `left` (wei), though more gas may have been seen than was decided on."""
        sent: list[Sent] = []
        skips: list[Skip] = []
        for action in actions:
            ready, idle = self.prepare(action, unit, price, policy)
            skips += idle
            if ready is None:
                continue
            if ready.worst > left:
                text = f"may cost {ready.worst} of {max(0, left)} wei left, with the gas seen"
                skips += self._skips(ready.ids, Why.BUDGET, text)
                continue
            left -= ready.worst
            if self.sender is None:
                text = f"would {ready.kind} for {ready.profit} Wad of profit"
                skips += self._skips(ready.ids, Why.DRY_RUN, text)
                continue
            data = self.calls.encode(ready, self.viewer)
            try:
                hash_ = self.sender.send_action(ready, self.address, data)
            except NodeDown:
                raise
            except RpcError as problem:
                left += ready.worst
                skips += self._skips(ready.ids, Why.REFUSED, str(problem))
                continue
            sent.append(Sent(ready, hash_))
        return sent, skips

    def prepare(
        self, action: Action, unit: int, price: GasPrice, policy: Policy
    ) -> tuple[Action | None, list[Skip]]:
        """The action as it should be sent: only ids that it acts on, with its real gas."""
        seen = rehearse(self.calls, action, self.viewer)
        if seen.error:
            return None, self._skips(action.ids, _why(seen), seen.error)
        skips = [
            self._idle(action, id_, text, place < EXPLAINED)
            for place, (id_, text) in enumerate(seen.idle)
        ]
        if not seen.done:
            return None, skips
        if len(seen.done) < len(action.ids):
            action = _fewer(action, seen.done)
            seen = rehearse(self.calls, action, self.viewer)
            if seen.error or len(seen.done) < len(action.ids):
                text = seen.error or "the market changed meanwhile"
                return None, skips + self._skips(action.ids, _why(seen), text)
        if self.second is not None:
            other = rehearse(self.second, action, self.viewer)
            if other.done != seen.done:
                text = other.error or f"it would act on {other.done} only"
                return None, skips + self._skips(action.ids, Why.DISPUTED, text)
        found = repriced(action, seen.gas, unit, price, policy)
        if isinstance(found, Skip):
            return None, skips + self._skips(action.ids, found.why, found.detail)
        return found, skips

    def _idle(self, action: Action, id_: int, text: str, ask: bool) -> Skip:
        """Why nothing would happen to one of a batch: alone it may say more."""
        if ask and action.kind is Kind.EXECUTE_MANY:
            alone = rehearse(self.calls, _fewer(action, (id_,)), self.viewer)
            if alone.error:
                return Skip(self.address, id_, _why(alone), alone.error)
        return Skip(self.address, id_, Why.NOTHING_DONE, text)


def _why(seen: Rehearsal) -> Why:
    return Why.REFUSED if seen.refused else Why.REVERTED


def _fewer(action: Action, ids: tuple[int, ...]) -> Action:
    """The same for some of its ids."""
    of = dict(zip(action.ids, action.rewards, strict=True))
    kind = ALONE.get(action.kind, action.kind) if len(ids) == 1 else action.kind
    return replace(action, kind=kind, ids=ids, rewards=tuple(of[id_] for id_ in ids))
