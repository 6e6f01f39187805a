"""Every transaction in the database before it is sent: what makes a crash harmless.

signed -> sent -> mined -> final, or replaced (another of the same nonce was mined), or dropped
(it can't be mined any more). What is signed or sent is under way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from bulkhead.keeper.fees import Fees
from bulkhead.keeper.schema import transactions


class State(StrEnum):
    """How far a transaction has come."""

    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    REPLACED = "replaced"
    DROPPED = "dropped"


UNDER_WAY = (State.SIGNED, State.SENT)


@dataclass(frozen=True)
class Entry:
    """One transaction. Fees and costs in wei, reward in token units."""

    hash: str
    nonce: int
    market: str
    kind: str
    ids: tuple[int, ...]
    to: str
    data: str  # hex
    raw: str  # signed, 0x hex
    gas_limit: int
    max_fee: int
    tip: int
    worst: int
    reward: int
    state: State
    sent_at: float
    sent_block: int
    block: int | None = None
    block_hash: str | None = None
    cost: int | None = None

    @property
    def fees(self) -> Fees:
        """What it bids."""
        return Fees(self.max_fee, self.tip)

    @classmethod
    def of(cls, row: Row[Any]) -> Entry:
        """From the database."""
        values = dict(row._mapping)
        del values["account"]
        values["ids"] = tuple(json.loads(values["ids"]))
        values["state"] = State(values["state"])
        return cls(**values)


class Journal:
    """The transactions of one account on one chain (`account` is chain id:address)."""

    def __init__(self, engine: Engine, account: str) -> None:
        self.engine, self.account = engine, account

    def write(self, entry: Entry) -> None:
        """Before it is sent."""
        values = {**entry.__dict__, "account": self.account, "ids": json.dumps(entry.ids)}
        values["state"] = entry.state.value
        with self.engine.begin() as link:
            link.execute(insert(transactions).values(values))

    def set(self, entry: Entry, **changes: Any) -> Entry:
        """Changes fields; returns the entry as it is now."""
        plain = {k: v.value if isinstance(v, State) else v for k, v in changes.items()}
        with self.engine.begin() as link:
            link.execute(
                update(transactions).where(transactions.c.hash == entry.hash).values(plain)
            )
        return replace(entry, **changes)

    def mined(self, entry: Entry, siblings: Sequence[Entry], **changes: Any) -> None:
        """One of a nonce was mined, so the others never will be."""
        with self.engine.begin() as link:
            for one in siblings:
                if one.hash != entry.hash:
                    self._set(link, one.hash, state=State.REPLACED.value)
            self._set(link, entry.hash, state=State.MINED.value, **changes)

    def _set(self, link: Any, hash_: str, **values: Any) -> None:
        link.execute(update(transactions).where(transactions.c.hash == hash_).values(values))

    def find(self, *states: State) -> list[Entry]:
        """Entries in these states, by nonce, the newest bid of a nonce last."""
        t = transactions.c
        wanted = select(transactions).where(
            t.account == self.account, t.state.in_([one.value for one in states])
        )
        with self.engine.connect() as link:
            return [Entry.of(row) for row in link.execute(wanted.order_by(t.nonce, t.sent_at))]

    def of_nonce(self, nonce: int) -> list[Entry]:
        """Everything that was ever signed for a nonce."""
        t = transactions.c
        wanted = select(transactions).where(t.account == self.account, t.nonce == nonce)
        with self.engine.connect() as link:
            return [Entry.of(row) for row in link.execute(wanted.order_by(t.sent_at))]

    def spent(self, since: float) -> int:
        """Wei paid for what was sent after that moment (unix seconds)."""
        t = transactions.c
        wanted = select(t.cost).where(
            t.account == self.account, t.sent_at >= since, t.cost.is_not(None)
        )
        with self.engine.connect() as link:
            return sum(link.execute(wanted).scalars())

    def spent_on(self, kind: str, market: str, id_: int) -> int:
        """Wei paid, or at stake, for transactions of a kind on this one thing."""
        t = transactions.c
        wanted = select(t.cost, t.worst).where(
            t.account == self.account, t.kind == kind, t.market == market,
            t.ids == json.dumps([id_]), t.state.not_in([State.REPLACED.value, State.DROPPED.value]),
        )  # fmt: skip
        with self.engine.connect() as link:
            return sum(worst if cost is None else cost for cost, worst in link.execute(wanted))

    def races(self, most: int) -> tuple[int, int]:
        """Of the latest so many liquidations and fills that were mined: how many paid, how many
        there are."""
        t = transactions.c
        wanted = (
            select(t.reward)
            .where(t.account == self.account, t.kind.like("liquidate%") | t.kind.like("execute%"))
            .where(t.state.in_([State.MINED.value, State.FINAL.value]))
            .order_by(t.sent_at.desc())
            .limit(most)
        )
        with self.engine.connect() as link:
            found = list(link.execute(wanted).scalars())
        return sum(1 for one in found if one), len(found)
