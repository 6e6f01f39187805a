"""The model's memory: state, positions, balances, and transactions that undo themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from bulkhead.model import impact
from bulkhead.model.errors import NotAuthorised, OracleError, Refused, UnknownPosition
from bulkhead.model.ledger import Ledger, Totals
from bulkhead.model.types import (
    PHASES,
    ZERO_ADDRESS,
    Address,
    Config,
    Position,
    Reading,
    Reason,
    State,
    Ticket,
)

K = TypeVar("K")
V = TypeVar("V")
Event = tuple[str, dict[str, Any]]
Payment = tuple[Address, Address, int]  # from, to, token units
OPTED_IN, HAS_LOCKS, DEPLOYED = 1, 2, 4
MARGIN_MAX = 2**112  # of a vault's balance counts (Wad)


class Result(NamedTuple):
    """What an action did: its return value, its events and its token transfers."""

    value: Any
    events: tuple[Event, ...]
    payments: tuple[Payment, ...]


class Store(dict[K, V], Generic[K, V]):
    """A dict of immutable values that remembers what it overwrote."""

    def __init__(self, journal: list[tuple[dict[Any, Any], Any, Any]]) -> None:
        super().__init__()
        self._journal = journal

    def put(self, key: K, value: V) -> None:
        """Sets a value inside a transaction."""
        self._journal.append((self, key, self.get(key)))
        self[key] = value


class Transaction:
    """What undoes everything inside if it raises. One is entered once."""

    __slots__ = ("_core", "_held", "_saved")

    def __init__(self, core: Core) -> None:
        self._core = core

    def __enter__(self) -> None:
        core = self._core
        self._saved = [record.__dict__.copy() for record in core.extra]
        self._held = (core.cfg, len(core.journal), len(core.events), len(core.payments))
        core.depth += 1

    def __exit__(self, kind: object, *_: object) -> None:
        core = self._core
        if kind is not None:
            self._undo(core)
        core.depth -= 1
        if core.depth == 0:
            core.journal.clear()

    def _undo(self, core: Core) -> None:
        core.cfg, marks, events, payments = self._held
        journal = core.journal
        while len(journal) > marks:
            store, key, old = journal.pop()
            if old is None:
                store.pop(key, None)
            else:
                store[key] = old
        for record, values in zip(core.extra, self._saved, strict=True):
            record.__dict__.update(values)
        del core.events[events:], core.payments[payments:]


class Core:
    """Everything the actions work on. Addresses are lower-case hex strings."""

    def __init__(self, cfg: Config, now: int, market: Address, timelock: Address) -> None:
        self.cfg = cfg
        self.now = now
        self.created_at = now
        self.market, self.timelock, self.guardian = market, timelock, timelock
        self.oracle: Reading | OracleError = OracleError("PriceInvalid", (0,))
        self.journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self.state = State()
        self.totals = Totals()
        self.positions: Store[int, Position] = Store(self.journal)
        self.tickets: Store[int, Ticket] = Store(self.journal)
        self.balances: Store[Address, int] = Store(self.journal)
        self.delegates: Store[tuple[Address, int, int, Address], int] = Store(self.journal)
        self.epochs: Store[int, int] = Store(self.journal)
        self.locks: Store[tuple[int, int, Address], int] = Store(self.journal)
        self.lock_sums: Store[tuple[int, int], int] = Store(self.journal)
        self.refuse_from: set[Address] = set()
        self.refuse_to: set[Address] = set()
        self.halted = False  # whether the token moves nothing at all
        self.contracts: set[Address] = set()
        self.aliases: set[Address] = set()  # second addresses of the token
        self.on_margin_call: dict[Address, Callable[[Any, int, int], None]] = {}
        self.calling: set[int] = set()
        self.vault_address: Callable[[int], Address] = lambda id_: f"0x{0xFA << 152 | id_:040x}"
        self.vaults: Store[Address, int] = Store(self.journal)
        self.events: list[Event] = []
        self.payments: list[Payment] = []
        self.excess = 0  # of the last ledger's vault: what lies there and does not count
        self.depth = 0
        self.extra: list[Any] = [self.state, self.totals]  # mutable records of plain values

    # ---- transactions

    def transaction(self) -> Transaction:
        """Undoes everything inside if it raises."""
        return Transaction(self)

    def run(self, action: Callable[[], Any]) -> Result:
        """Runs an action as a transaction and collects what it did."""
        first_event, first_payment = len(self.events), len(self.payments)
        with self.transaction():
            value = action()
            result = Result(
                value,
                tuple(self.events[first_event:]),
                tuple(self.payments[first_payment:]),
            )
        if self.depth == 0:
            self.events.clear()
            self.payments.clear()
        return result

    def emit(self, name: str, **values: Any) -> None:
        """Notes an event; argument names are Solidity's, without trailing underscores."""
        self.events.append((name, values))

    # ---- the token

    def transfer(self, source: Address, to: Address, amount: int) -> bool:
        """Moves tokens; False if the token refuses. 0 moves nothing and never fails."""
        if amount == 0:
            return True
        have = self.balances.get(source, 0)
        if not self.passes(source, to) or have < amount or int(to, 16) == 0:
            return False
        self.balances.put(source, have - amount)
        self.balances.put(to, self.balances.get(to, 0) + amount)
        self.payments.append((source, to, amount))
        return True

    def passes(self, source: Address, to: Address) -> bool:
        """Whether the token lets these two pay at all."""
        return not self.halted and source not in self.refuse_from and to not in self.refuse_to

    def vault(self, id_: int) -> Address:
        """The address of a position's vault."""
        return self.vault_address(id_)

    def margin(self, id_: int) -> int:
        """The part of the vault's balance that counts (token units)."""
        return min(self.balance_of(id_), self.margin_max())

    def margin_max(self) -> int:
        """The most that counts in a vault (token units)."""
        return MARGIN_MAX // self.cfg.unit

    def balance_of(self, id_: int) -> int:
        """The vault's balance (token units)."""
        return self.balances.get(self.vault_address(id_), 0)

    # ---- lookups

    def position(self, id_: int) -> Position:
        """A known position."""
        held = self.positions.get(id_)
        if held is None:
            raise UnknownPosition(id_)
        return held

    def delegate_expiry(self, owner: Address, id_: int, delegate: Address) -> int:
        """Last block time of a delegation (id 0: of all the owner's positions)."""
        epoch = self.epochs.get(id_, 0) if id_ else 0
        return self.delegates.get((owner if id_ == 0 else ZERO_ADDRESS, id_, epoch, delegate), 0)

    def is_delegate(self, id_: int, who: Address) -> bool:
        """Whether a delegation of this position to `who` holds now."""
        owner = self.position(id_).owner
        return (
            self.delegate_expiry(owner, 0, who) >= self.now
            or self.delegate_expiry(owner, id_, who) >= self.now
        )

    def is_authorised(self, id_: int, who: Address) -> bool:
        """Whether `who` may trade the position now."""
        return self.position(id_).owner == who or self.is_delegate(id_, who)

    def owned(self, id_: int, caller: Address) -> Position:
        """The position if the caller owns it."""
        held = self.position(id_)
        if held.owner != caller:
            raise NotAuthorised(id_, caller)
        return held

    def locked_of(self, id_: int) -> int:
        """Sum of the locks of the present epoch (token units)."""
        return self.lock_sums.get((id_, self.epochs.get(id_, 0)), 0)

    def deployed(self) -> tuple[Address, ...]:
        """The vaults that have code."""
        flags = self.positions
        return tuple(vault for vault, id_ in self.vaults.items() if flags[id_].flags & DEPLOYED)

    def check_receiver(self, to: Address, vaults: bool = False) -> None:
        """Refuses receivers that would lose the tokens (or pay them twice).

        A vault is known by its code, so only one that is deployed.
        """
        core = (ZERO_ADDRESS, self.market, self.cfg.pool, self.cfg.fund)
        id_ = self.vaults.get(to) if vaults else None
        if to in core or (id_ is not None and self.positions[id_].flags & DEPLOYED):
            raise Refused(Reason.BAD_RECEIVER, int(to, 16), 0)

    def check_not_own(self, id_: int, to: Address) -> None:
        """A vault does not pay itself: the event would tell a margin that it no longer has."""
        if to == self.vault(id_):
            raise Refused(Reason.BAD_RECEIVER, int(to, 16), 0)

    # ---- ledgers

    def ledger(self, id_: int, frozen: bool = False) -> Ledger:
        """Opens an action's books for one position."""
        held = self.positions[id_]
        self.excess = self.balance_of(id_) - self.margin(id_)
        return Ledger(self.cfg, self.state, self.totals, held, self.margin(id_), frozen)

    def write(self, id_: int, books: Ledger) -> None:
        """Stores a position and keeps the sums of both sides exact."""
        held, state = self.positions[id_], self.state
        for size, basis, sign in ((held.size, held.basis, -1), (books.size, books.basis, 1)):
            if size < 0:
                state.size_short -= sign * size
                state.basis_short += sign * basis
            else:
                state.size_long += sign * size
                state.basis_long += sign * basis
        books.apply(state, self.totals)
        flags = held.flags | (DEPLOYED if books.size else 0)
        entry = books.entry if books.size else 0  # means nothing while flat
        turned = (held.size == 0) != (books.size == 0)
        phase = (held.phase + turned) % PHASES
        after = Position(held.owner, entry, flags, books.size, books.basis, phase)
        self.positions.put(id_, after)

    def favourable(self, size: int) -> int:
        """The mark moved by half the spread in the trader's favour."""
        half = impact.half_spread(self.state.mark, self.state.spread)
        return self.state.mark + half if size > 0 else max(1, self.state.mark - half)
