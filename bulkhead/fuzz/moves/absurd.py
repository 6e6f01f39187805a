"""What nobody asks for: numbers at the ends of their words, ids and tokens that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bulkhead.fuzz.moves.base import Moves
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, GOVERNANCE, KEEPER, USERS
from bulkhead.fuzz.stage import REBASING_TOKEN
from bulkhead.model.acceptance import MARK_MAX, MARK_MIN
from bulkhead.model.order_types import Order

# Ends of words, of what is counted, and one past them.
AMOUNTS = tuple(
    value
    for bits in (80, 95, 96, 112, 127, 128, 255, 256)
    for value in (2**bits - 1, 2**bits)
    if value < 2**256
)
SIZES = tuple(
    value
    for bits in (111, 112, 113, 127, 128, 255)
    for value in (2**bits - 1, 1 - 2**bits, 2**bits, -(2**bits))
    if -(2**255) <= value < 2**255
)


class Absurd(Moves):
    """Calls whose arguments lie far outside anything real; each must be refused by its name, or do
    what it says."""

    def absurd(self) -> Iterator[Op]:
        """One such call."""
        read, world = self.read, self.world
        id_, amount, size = self.some(), read.pick(AMOUNTS), read.pick(SIZES)
        if world.setting.token == REBASING_TOKEN:
            amount %= 2**128  # its own sums would overflow, which tells nothing of ours
        unknown = read.pick((0, len(world.ids) + 1, 2**32 - 1, 2**32, 2**256 - 1))
        owner = self.twin.position(id_).owner
        who = read.pick(USERS)
        provider = read.pick(world.stage.providers)
        limit = ANY_BUY if size > 0 else 0
        mark = read.pick((0, MARK_MIN - 1, MARK_MIN, MARK_MAX, MARK_MAX + 1, *AMOUNTS))
        order = Order(owner=who, size=size, margin=1, price_limit=limit, expiry=world.now + 600)
        name, caller, args = read.pick(
            (
                ("open", who, (0, size, world.dollars(100), limit, FOREVER)),
                ("open", who, (0, 10**18, amount, ANY_BUY, FOREVER)),
                ("open", owner, (id_, size, 0, limit, FOREVER)),
                ("open", owner, (id_, 10**18, 0, ANY_BUY, FOREVER)),
                ("increase", owner, (id_, size, limit, FOREVER)),
                ("decrease", owner, (id_, size, limit, FOREVER)),
                ("add_margin", KEEPER, (id_, amount)),
                ("remove_margin", owner, (id_, amount, owner)),
                ("set_lock", who, (id_, amount)),
                ("request_deposit", provider, (amount, provider, provider)),
                ("request_redeem", provider, (amount, provider, provider)),
                ("mint", provider, (amount, provider, provider)),
                ("withdraw", provider, (amount, provider, provider)),
                ("draw_ticket", who, (unknown, who)),
                ("liquidate", KEEPER, (unknown, KEEPER)),
                ("settle_final", KEEPER, (unknown,)),
                ("deleverage", KEEPER, (unknown,)),
                ("settle", KEEPER, (unknown,)),
                ("free_lock", KEEPER, (unknown, who)),
                ("set_margin_call", owner, (id_, bool(size % 2))),
                ("announce_final", GOVERNANCE, (mark,)),
                ("place_order", who, (order,)),
                ("place_order", who, (replace(order, size=1, margin=amount),)),
                ("place_order", who, (replace(order, size=1, keeper_fee=amount),)),
                ("place_order", who, (replace(order, size=1, position_id=unknown),)),
            )
        )
        yield self.op(name, caller, args, self.wait())
