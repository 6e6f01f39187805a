"""One step of a sequence: its meaning, its text, and its form in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bulkhead.fuzz.people import NAMES
from bulkhead.model.order_types import Order, OrderKind, hash_of
from bulkhead.model.types import Bracket, Params

GOVERNED = ("leave_reduce_only", "announce_final", "set_params")  # through the timelock
RETURNING = (
    *("open", "reserve", "close_and_withdraw", "liquidate", "liquidate_many", "draw_ticket"),
    *("request_deposit", "request_redeem", "refund_deposit"),
    *("deposit", "mint", "redeem", "withdraw", "deposit_own", "mint_own"),
    *("place_order", "execute_order", "execute_orders", "claim_refund"),
)
POOL_CALLS = {
    "request_deposit": "requestDeposit(uint256,address,address)",
    "request_redeem": "requestRedeem(uint256,address,address)",
    "refund_deposit": "refundDeposit(address,address)",
    "deposit": "deposit(uint256,address,address)",
    "mint": "mint(uint256,address,address)",
    "deposit_own": "deposit(uint256,address)",
    "mint_own": "mint(uint256,address)",
    "redeem": "redeem(uint256,address,address)",
    "withdraw": "withdraw(uint256,address,address)",
    "set_operator": "setOperator(address,bool)",
}
# The standard's own forms, whose controller is the caller.
OWN_CLAIMS = {"deposit_own": "deposit", "mint_own": "mint"}
SHARE_CALLS = {  # of the share token; and what its model calls them
    "share_transfer": ("transfer", "transfer"),
    "share_approve": ("approve", "approve"),
    "share_transfer_from": ("transferFrom", "transfer_from"),
}
SHARES_ALONE = (
    *SHARE_CALLS,
    "request_redeem",
    "deposit",
    "mint",
    *OWN_CLAIMS,
)  # these move no token
BOOK_CALLS = {  # the order book's, by the names of its model
    "place_order": "place",
    "place_signed": "place_signed",
    "cancel_order": "cancel",
    "cancel_signed": "cancel_signed",
    "edit_order": "edit",
    "execute_order": "execute",
    "execute_orders": "execute_many",
    "release_order": "release",
    "advance_order": "advance",
    "claim_refund": "claim_refund",
}
PLACING = ("place_order", "place_signed", "edit_order")  # they may pay margin into a vault
CHANGING = (  # what an owner or a keeper does to one position, by its id
    *("open", "increase", "decrease", "close", "close_and_withdraw", "remove_margin", "settle"),
    *("liquidate", "deleverage", "settle_final"),
)
# What names whom it pays, where: by the position of that argument; of the book, `claim_refund` too.
PAYING = {
    "remove_margin": 2,
    "close_and_withdraw": 3,
    "liquidate": 1,
    "liquidate_many": 1,
    "draw_ticket": 1,
    "redeem": 1,
    "withdraw": 1,
    "refund_deposit": 0,
}
BATCHES = {"liquidate_many": "liquidate", "execute_orders": "execute_order"}  # and of one alone
TRIAL = "trial"  # something that laws try on the present state; args: which, and a seed
# Calls that reach neither the token nor what we build: sources and owners take note for later.
ASIDE = ("set_price", "fail_oracle", "arm", "plan")
# What the world around the market does: no market call.
OUTSIDE = (*ASIDE, "send", "destroy", "send_foreign", "block", "halt", *SHARE_CALLS)
# Calls that name no position, whatever stands first.
_OTHERS = frozenset((*OUTSIDE, *POOL_CALLS, *BOOK_CALLS, *GOVERNED, TRIAL, "draw_ticket", "open"))


@dataclass(frozen=True)
class Op:
    """One step with concrete values: it means the same wherever it is replayed."""

    name: str
    actor: str = ""
    args: tuple[Any, ...] = ()
    wait: int = 0  # seconds before it
    market: int = 0  # which one of the world's

    @property
    def position(self) -> int:
        """The position that a call of the market names first; 0 if none."""
        if not self.args or self.name in _OTHERS or not isinstance(self.args[0], int):
            return 0
        return self.args[0]

    def __str__(self) -> str:
        return self.told(NAMES)

    def told(self, names: Mapping[str, str]) -> str:
        """As a line of a story."""
        args = ", ".join(_shown(arg, names) for arg in self.args)
        wait = f"+{self.wait}s " if self.wait else ""
        where = f"[market {self.market + 1}] " if self.market else ""
        by = f"{names.get(self.actor, self.actor)}." if self.actor else ""
        return f"{wait}{where}{by}{self.name}({args})"

    def record(self, names: Mapping[str, str]) -> dict[str, Any]:
        """For a file: addresses by name, parameters as fields."""
        return {
            "name": self.name,
            "actor": names.get(self.actor, self.actor),
            "args": [_out(arg, names) for arg in self.args],
            "wait": self.wait,
            "market": self.market,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any], addresses: Mapping[str, str]) -> Op:
        """Back from a file whose form was checked."""
        actor = record["actor"]
        return cls(
            name=record["name"],
            actor=addresses.get(actor, actor),
            args=tuple(_in(arg, addresses) for arg in record["args"]),
            wait=record["wait"],
            market=record["market"],
        )


def _shown(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, Params):
        return "other parameters"
    if isinstance(value, Order):
        kind = ("reduce-only " if value.reduce_only else "") + value.kind.name.lower()
        return f"{kind} order {hash_of(value).hex()[:8]} of {value.size}"
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(part, names) for part in value)}]"
    return names.get(value, value) if isinstance(value, str) else str(value)


def _out(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Params):
        return {"params": asdict(value)}
    if isinstance(value, Order):
        return {"order": {name: _out(each, names) for name, each in asdict(value).items()}}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_out(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


def _in(value: Any, addresses: Mapping[str, str]) -> Any:
    if isinstance(value, dict) and "order" in value:
        return _order(value["order"], addresses)
    if isinstance(value, dict):
        fields = dict(value["params"])
        fields["brackets"] = tuple(Bracket(**row) for row in fields["brackets"])
        return Params(**fields)
    if isinstance(value, list):
        return tuple(_in(part, addresses) for part in value)
    return addresses.get(value, value) if isinstance(value, str) else value


def _order(fields: Mapping[str, Any], addresses: Mapping[str, str]) -> Order:
    kept = {name: _in(each, addresses) for name, each in fields.items()}
    kept["kind"] = OrderKind(kept["kind"])
    for name in ("parent", "group"):
        kept[name] = bytes.fromhex(kept[name][2:])
    return Order(**kept)
