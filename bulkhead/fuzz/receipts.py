"""What a transaction's events say."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.contract import events
from bulkhead.chain.decode import Event
from bulkhead.fuzz.people import NOBODY
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.speech import plain
from bulkhead.fuzz.world import Step, World
from bulkhead.model.order_types import Order

_TRANSFER = keccak(b"Transfer(address,address,uint256)")
# The share token's own, which the model does not tell: I-50 holds its balances to the model's.
_STANDARD = frozenset(("Transfer", "Approval"))
_UNTOLD = frozenset(("configStore",))  # a contract's address, which no formula foretells
Told = tuple[str, dict[str, Any]]


def told(step: Step) -> tuple[list[Told], list[Told]]:
    """Events of a step's market, pool and book, in order, with their values: (the chain's, the
    model's)."""
    site = step.site
    ours = {each.address.lower() for each in (site.market, site.pool, site.book)}
    found = [
        (event.name, {name.rstrip("_"): _plain(value) for name, value in event.args.items()})
        for event in _events(step)
        if event.address in ours and event.name not in _STANDARD
    ]
    for _, values in found:
        for name in _UNTOLD & values.keys():
            del values[name]
    foretold = step.result.events if step.result else ()
    expected = [
        (name, {key: _plain(value) for key, value in values.items()}) for name, values in foretold
    ]
    return found, expected


def _plain(value: Any) -> Any:
    value = value.as_tuple() if isinstance(value, Order) else plain(value)
    return value.lower() if isinstance(value, str) else plain(value)


def _events(step: Step) -> list[Event]:
    """All that is known of what was logged, decoded once."""
    if step.events is None:
        step.events = events(step.logs or ())
    return step.events


def changes(step: Step) -> list[dict[str, Any]]:
    """The position events of a step, as the chain logged them."""
    market = step.site.market.address.lower()
    return [
        event.args
        for event in _events(step)
        if event.name == "PositionChanged" and event.address == market
    ]


def receipt(
    world: World, step: Step, before: Sight, after: Sight
) -> tuple[dict[str, int], list[tuple[str, str, int]], list[int], list[int]]:
    """(balance changes, transfers, fees, the model's fees) of a step."""
    site, token = step.site, world.stage.token.address
    deltas: dict[str, int] = {}
    for place, who in enumerate(site.layout.holders):
        moved = after.balances[place] - before.balances[place]
        if moved:
            deltas[who] = deltas.get(who, 0) + moved
    for id_, p in after.positions.items():
        old = before.positions.get(id_)
        had = old.margin if old else before.ahead[id_ - len(before.positions) - 1]
        if p.margin != had:
            deltas[site.vault(id_)] = p.margin - had
    known = len(after.positions)
    for place, amount in enumerate(after.ahead):
        id_ = known + 1 + place
        past = id_ - len(before.positions) - 1
        had = before.ahead[past] if past < len(before.ahead) else 0
        if amount != had:
            deltas[site.vault(id_)] = amount - had
    transfers = [
        ("0x" + log.topics[1][12:].hex(), "0x" + log.topics[2][12:].hex(), int.from_bytes(log.data))
        for log in step.logs or ()
        if log.address == token and log.topics[0] == _TRANSFER
    ]
    if step.op.name == "destroy":
        deltas[NOBODY] = sum(amount for _, to, amount in transfers if to == NOBODY)
    fees = [change["fee"] for change in changes(step)]
    told = step.result.events if step.result else ()
    expected = [values["fee"] for name, values in told if name == "PositionChanged"]
    return deltas, transfers, fees, expected
