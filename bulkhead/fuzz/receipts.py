"""What a transaction's events say of money."""

from __future__ import annotations

from eth_hash.auto import keccak

from bulkhead.chain.contract import events
from bulkhead.chain.wire import Receipt
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.world import Step, World

_TRANSFER = keccak(b"Transfer(address,address,uint256)")


def changes(step: Step) -> list[dict[str, int]]:
    """The position events of a step, as the chain logged them."""
    found = Receipt("0x", 1, 0, 0, None, tuple(step.logs))
    return [dict(event.args) for event in events(found, "PositionChanged", of=step.site.market)]


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
        for log in step.logs
        if log.address == token and log.topics[0] == _TRANSFER
    ]
    fees = [change["fee"] for change in changes(step)]
    told = step.result.events if step.result else ()
    expected = [values["fee"] for name, values in told if name == "PositionChanged"]
    return deltas, transfers, fees, expected
