"""An op as transactions, and what the chain said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bulkhead.chain.abi import AbiError
from bulkhead.deploy.params import abi
from bulkhead.fuzz.engine import Answer, Request
from bulkhead.fuzz.ops import (
    BOOK_CALLS,
    GOVERNED,
    POOL_CALLS,
    RETURNING,
    SHARE_CALLS,
    SHARES_ALONE,
    Op,
)
from bulkhead.fuzz.people import DELAY, FOREVER, GOVERNANCE, KEEPER
from bulkhead.fuzz.signing import SIGNATURES, STRANGER, digest, signed
from bulkhead.fuzz.speech import meaning, plain
from bulkhead.fuzz.stage import ACTOR, HALTING, MOLE, SIGNER, Site
from bulkhead.model.order_types import Order
from bulkhead.model.types import Params, camel

if TYPE_CHECKING:
    from bulkhead.fuzz.world import World


_REJECTS, _ACCEPTS = 0, 1  # manners of a wallet


def requests(world: World, op: Op, ok: bool, failing: bool) -> tuple[list[Request], int]:
    """The transactions of an op, and which of them is the op itself."""
    site, name, args, now = world.site, op.name, op.args, world.now
    oracle, stage = site.oracle, world.stage

    def request(contract: Any, function: str, values: tuple[Any, ...], sender: str) -> Request:
        bound = contract[function] if "(" in function else getattr(contract, function)
        data = bound.method.encode(values)
        if sender not in stage.agents:
            return Request(now, sender, contract.address, data)
        to, data, by = stage.through(contract.address, data, sender)
        return Request(now, by, to, data)

    if name == "set_price":
        mark, spread, lag, resumed = args
        values = (mark, spread, now - lag, resumed)
        made = [request(oracle, "setFailure", (0,), KEEPER)] if failing else []
        return [*made, request(oracle, "set", values, KEEPER)], len(made)
    if name == "fail_oracle":
        return [request(oracle, "setFailure", args, KEEPER)], 0
    if name in ("send", "block", "destroy"):
        function = {"send": "transfer", "block": "setBlocked"}.get(name, name)
        return [request(stage.token, function, args, op.actor)], 0
    if name == "send_foreign":
        return [request(stage.foreign, "mint", args, op.actor)], 0
    if name == "halt":
        return [request(stage.token, HALTING[world.setting.token], (int(args[0]),), KEEPER)], 0
    if name == "arm":
        return [request(stage.contracts[MOLE], "arm", _nested(world, *args), KEEPER)], 0
    if name == "plan":
        acts = [_act(world, *act) for act in args[0]]
        return [request(stage.contracts[ACTOR], "plan", (site.market.address, acts), KEEPER)], 0
    if name in SHARE_CALLS:
        return [request(site.pool, SHARE_CALLS[name][0], args, op.actor)], 0
    if name in POOL_CALLS:
        return [request(site.pool, POOL_CALLS[name], args, op.actor)], 0
    if name in BOOK_CALLS:
        made = []
        wallet = stage.contracts.get(SIGNER)
        if wallet and args[-1] in SIGNATURES and args[0].owner == wallet.address:
            made.append(request(wallet, "set", _consent(site, op), KEEPER))
        call = request(site.book, camel(BOOK_CALLS[name]), _of_orders(site, op), op.actor)
        return [*made, call], len(made)
    given = tuple(abi(arg) if isinstance(arg, Params) else arg for arg in args)
    if name not in GOVERNED or op.actor != GOVERNANCE:
        return [request(site.market, camel(name), given, op.actor)], 0
    data = bytes(getattr(site.market, camel(name)).encode(*given))
    where = (site.market.address, data)
    first = request(site.authority, "schedule", (*where, 0), GOVERNANCE)
    made = [
        first._replace(at=now - DELAY),
        request(site.authority, "execute", where, GOVERNANCE),
    ]
    if not ok:
        made.append(request(site.authority, "cancel", (GOVERNANCE, *where), GOVERNANCE))
    return made, 1


def _of_orders(site: Site, op: Op) -> tuple[Any, ...]:
    """A call's arguments: orders as tuples, signatures as bytes."""
    args = op.args
    if args[-1] in SIGNATURES:
        order, how = args
        signature = signed(site.orders.domain, order, how, cancel=op.name == "cancel_signed")
        return order.as_tuple(), signature
    return tuple(_plain_order(arg) for arg in args)


def _consent(site: Site, op: Op) -> tuple[int, bytes]:
    """What a wallet says it signed: a manner of its own, and a digest."""
    order, how = op.args
    found = digest(site.orders.domain, order, how, cancel=op.name == "cancel_signed")
    return _REJECTS if how == STRANGER else _ACCEPTS, found


def _plain_order(arg: Any) -> Any:
    if isinstance(arg, tuple):
        return [_plain_order(each) for each in arg]
    return arg.as_tuple() if isinstance(arg, Order) else arg


def _act(world: World, name: str, *args: Any) -> tuple[str, bytes]:
    """What an owner does in a margin call."""
    site, token = world.site, world.stage.token
    if name == "send":
        return token.address, token.transfer.encode(*args)
    return site.market.address, getattr(site.market, camel(name)).encode(*args)


def _nested(world: World, which: int, id_: int) -> tuple[str, bytes]:
    """What a hooked token's receiver calls in the middle of a payment."""
    site, who = world.site, world.stage.contracts[MOLE].address
    market, pool = site.market, site.pool
    calls = (
        (market, market.accrue.encode()),
        (market, market.settle.encode(id_)),
        (market, market.liquidate.encode(id_, who)),
        (market, market.addMargin.encode(id_, 1)),
        (market, market.removeMargin.encode(id_, 1, who)),
        (market, market.closeAndWithdraw.encode(id_, 0, FOREVER, who)),
        (market, market.sweepFees.encode()),
        (pool, pool["requestDeposit(uint256,address,address)"].encode(2, who, who)),
        (pool, pool["requestRedeem(uint256,address,address)"].encode(1, who, who)),
        (site.book, site.book.claimRefund.encode(who)),  # BOOK_CALL
        (pool, pool["deposit(uint256,address,address)"].encode(1, who, who)),
        (pool, pool["mint(uint256,address,address)"].encode(1, who, who)),
        (pool, pool["redeem(uint256,address,address)"].encode(1, who, who)),
        (pool, pool["withdraw(uint256,address,address)"].encode(1, who, who)),
        (pool, pool.refundDeposit.encode(who, who)),
        (market, market.reserve.encode(who)),
        (market, market.open.encode(id_, 10**18, 1, 2**255, FOREVER)),
        (market, market.increase.encode(id_, 10**18, 2**255, FOREVER)),
        (market, market.decrease.encode(id_, -(10**18), 0, FOREVER)),
        (market, market.close.encode(id_, 0, FOREVER)),
        (market, market.liquidateMany.encode([id_], who)),
        (market, market.deleverage.encode(id_)),
        (market, market.drawTicket.encode(1, who)),
        (market, market.settleFinal.encode(id_)),
        (market, market.executeFinal.encode()),
        (market, market.setMarginCall.encode(id_, True)),
        (market, market.transferPosition.encode(id_, KEEPER)),
        (market, market.setDelegate.encode(0, KEEPER, FOREVER)),
        (market, market.setLock.encode(id_, 0)),
        (market, market.freeLock.encode(id_, KEEPER)),
        # views of what is not finished
        (market, market.nav.encode()),
        (market, market.freeLiquidity.encode()),
        (pool, pool.totalAssets.encode()),
        (pool, pool.convertToAssets.encode(1)),
    )
    contract, data = calls[which % len(calls)]
    return contract.address, data


def said(world: World, op: Op, answer: Answer) -> str:
    """What came of an op, in the twin's words."""
    if not answer.ok:
        return meaning(answer.data, op.name in SHARES_ALONE)
    if op.name not in RETURNING:
        return "ok"
    site = world.sites[op.market]
    data = answer.data
    if op.actor in world.stage.agents:
        data = world.stage.contracts[world.stage.agents[op.actor]].run.decode(data)
    if op.name in POOL_CALLS:
        return f"ok {plain(site.pool[POOL_CALLS[op.name]].decode(data))}"
    if op.name in BOOK_CALLS:
        return f"ok {plain(getattr(site.book, camel(BOOK_CALLS[op.name])).decode(data))}"
    return f"ok {plain(getattr(site.market, camel(op.name)).decode(data))}"


def answered(world: World, to: str, method: Any, args: tuple[Any, ...]) -> Any:
    """What a view answers; a text of its refusal, or of an answer that can't be read."""
    answer = world.engine.view(to, method.encode(args))
    if not answer.ok:
        return meaning(answer.data)
    try:
        return method.decode(answer.data)
    except AbiError as problem:
        return f"nothing that can be read: {problem}"
