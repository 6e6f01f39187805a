"""The packed view of one market (StateProbe): what the model expects, and what the laws see."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from operator import add, attrgetter
from typing import Any, NamedTuple

from bulkhead.model import MarketModel
from bulkhead.model.queues import NOBODY, Account
from bulkhead.model.types import ZERO_ADDRESS, Position, camel

STATE = (
    *("mark", "published_at", "accepted_at", "accrued_at", "resumed_at", "funding_index"),
    *("funding_rate", "sampled_at", "spread", "variance", "ramp", "ln_sample", "renewed"),
    *("size_long", "size_short", "next_id", "basis_long", "basis_short", "cash"),
    *("insurance_due", "treasury_due", "config_store", "bucket_due_at", "jump_at", "mode"),
    "tickets_open",
)
_PLAIN = tuple(name for name in STATE if name not in ("config_store", "tickets_open"))
MARKET = (
    *("ticketsOwed", "ticketsPaid", "finalRatio", "nextTicketId", "finalMark", "executableAt"),
    *("nav", "freeLiquidity", "totalSupply", "redemptionReserve", "pendingDepositAssets"),
    *("pendingRedeemShares", "nextDueAt", "totalAssets", "accounted", "shares of the pool"),
)
PROVIDER = ("shares", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem")
POSITION = ("owner", "fundingEntry", "flags", "size", "basis", "phase", "margin")
_ROW = len(POSITION)
_OWNER, _PHASE, _FLAGS = (POSITION.index(name) for name in ("owner", "phase", "flags"))
AHEAD = 2
TICKET = ("owner", "start", "amount", "drawn")
CONFIG_STORE = STATE.index("config_store")
_NEXT_ID = STATE.index("next_id")
FIXED = len(STATE) + len(MARKET)
NOWHERE = Position(ZERO_ADDRESS)
_plain = attrgetter(*_PLAIN)
OWN = 4  # the first holders: pool, fund, market, book
BOOK = 3  # the book among them


class Pos(NamedTuple):
    """What the laws see of a position."""

    size: int
    basis: int
    entry: int
    margin: int  # of its vault, token units


_SEEN = tuple(POSITION.index(name) for name in ("size", "basis", "fundingEntry", "margin"))


class Sight(NamedTuple):
    """What was seen of a market after a step; numbers by the names above. Never changed: sights
    share what is the same."""

    words: tuple[int, ...]
    state: dict[str, int]
    market: dict[str, int]
    balances: tuple[int, ...]  # of the holders
    providers: tuple[tuple[int, ...], ...]
    positions: dict[int, Pos]
    flags: dict[int, int]
    ahead: tuple[int, ...]  # balances of the next two vaults, which are not there yet
    tickets: tuple[tuple[int, ...], ...]
    start: int  # the place of the first position's words
    end: int  # and of what comes after the last one's

    def owner(self, id_: int) -> str:
        """Whose a position is; nobody's if it is not there."""
        at = self.start + _ROW * (id_ - 1) + _OWNER
        return f"0x{self.words[at]:040x}" if id_ in self.positions else ""

    def phase(self, id_: int) -> int:
        """How often a position was opened and became flat."""
        at = self.start + _ROW * (id_ - 1) + _PHASE
        return self.words[at] if id_ in self.positions else 0


def numbers(data: bytes) -> tuple[int, ...]:
    """The signed words of an ABI-encoded `bytes`."""
    read, end = int.from_bytes, 64 + int.from_bytes(data[32:64], "big")
    return tuple([read(data[at : at + 32], "big", signed=True) for at in range(64, end, 32)])


def claimable(side: Any, who: str) -> Account:
    """What somebody may claim of a queue; folded only where something waits."""
    held: Account = side.accounts.get(who, NOBODY)
    return side.folded(who) if held.requests or held.entry else held


class Layout:
    """Which holders and providers a probe counts."""

    def __init__(self, holders: Sequence[str], providers: Sequence[str]) -> None:
        self.holders, self.providers = tuple(holders), tuple(providers)
        self.people = FIXED + len(self.holders)
        self.positions = self.people + len(PROVIDER) * len(self.providers)
        self._vaults: list[str] = []  # addresses by id, from 1
        self._last: tuple[list[Position], list[int], list[int]] = [], [], []
        self._rows: list[tuple[int, ...]] = []  # the words of the last positions

    def words(self, data: bytes) -> tuple[int, ...]:
        """Signed words of the probe's answer (an ABI-encoded `bytes`), the config store as 0."""
        found = list(numbers(data))
        found[CONFIG_STORE] = 0
        return tuple(found)

    def sight(self, words: tuple[int, ...], last: Sight | None = None) -> Sight:
        """The same by name. last: a sight whose positions serve again where they are the same."""
        people, start = self.people, self.positions
        end = start + (words[_NEXT_ID] - 1) * _ROW
        if last is not None and words[start:end] == last.words[start : last.end]:
            positions, flags = last.positions, last.flags
        else:
            known = last.positions if last else {}
            columns = [words[start + column : end : _ROW] for column in _SEEN]
            positions = {}
            for id_, now in enumerate(zip(*columns, strict=True), 1):
                was = known.get(id_)
                positions[id_] = was if was == now and was is not None else Pos._make(now)
            flags = dict(enumerate(words[start + _FLAGS : end : _ROW], 1))
        return Sight(
            words,
            dict(zip(STATE, words, strict=False)),
            dict(zip(MARKET, words[len(STATE) : FIXED], strict=True)),
            words[FIXED:people],
            tuple([words[place : place + 5] for place in range(people, start, 5)]),
            positions,
            flags,
            words[end : end + AHEAD],
            tuple([words[at : at + 4] for at in range(end + AHEAD, len(words), 4)]),
            start,
            end,
        )

    def own(self, words: tuple[int, ...]) -> tuple[int, ...]:
        """The words without the balances of people and treasury, whom other markets pay too."""
        return words[: FIXED + OWN] + words[self.people :]

    def anonymous(self, words: tuple[int, ...]) -> tuple[int, ...]:
        """The words of the market and its pool, without those of people."""
        return words[: FIXED + OWN]

    def margins(self, words: tuple[int, ...]) -> dict[int, int]:
        """The vaults' balances among the words."""
        count = words[_NEXT_ID] - 1
        first = self.positions + POSITION.index("margin")
        return dict(enumerate(words[first : first + _ROW * count : _ROW], 1))

    def expected(self, twin: MarketModel) -> tuple[int, ...]:
        """What the model says the probe will see."""
        core, pool, s = twin.core, twin.pool, twin.state
        totals = core.totals
        deposits, redemptions = pool.deposits.queue, pool.redemptions.queue
        pending = deposits.collected + deposits.amount
        nav = twin.nav()
        found: list[int] = [*_plain(s)]
        found.insert(CONFIG_STORE, 0)
        found += [
            int(totals.owed > totals.paid),
            *(totals.owed, totals.paid, totals.final_ratio, totals.next_ticket_id),
            *(totals.final_mark, totals.executable_at),
            *(nav, twin.free_liquidity(nav)),
            *(pool.state.supply, pool.state.reserve, pending),
            *(redemptions.collected + redemptions.amount, pool.next_due_at()),
            max(0, nav) // core.cfg.unit,
            s.cash + s.insurance_due + s.treasury_due + pending + pool.state.reserve,
            pool.shares.get(pool.address, 0),
        ]
        balance = core.balances.get
        found += map(balance, self.holders, repeat(0))
        for who in self.providers:
            adding, leaving = claimable(pool.deposits, who), claimable(pool.redemptions, who)
            found.append(pool.shares.get(who, 0))
            found += (adding.assets, adding.shares, leaving.assets, leaving.shares)
        found += self._held(twin)
        for number in range(1, totals.next_ticket_id):
            t = core.tickets[number]
            found += [int(t.owner, 16), t.start, t.amount, t.drawn]
        return tuple(found)

    def _held(self, twin: MarketModel) -> list[int]:
        """The words of positions and of the vaults ahead."""
        core, vaults = twin.core, self._vaults
        count = twin.state.next_id - 1
        while len(vaults) < count + AHEAD:
            vaults.append(core.vault_address(len(vaults) + 1))
        positions = [*map(core.positions.__getitem__, range(1, count + 1))]
        margins = [*map(core.balances.get, vaults[: count + AHEAD], repeat(0))]
        held, last, found = self._last
        if positions != held:
            known = dict(zip(map(id, held), self._rows, strict=True))
            self._rows = [known.get(id(each)) or _words(each) for each in positions]
        elif margins == last:
            return found
        found = [*chain.from_iterable(map(add, self._rows, zip(margins, strict=False)))]
        found += margins[count:]
        self._last = positions, margins, found
        return found

    def name(self, place: int, names: dict[str, str], positions: int) -> str:
        """What a word is called."""
        if place < len(STATE):
            return f"state.{camel(STATE[place])}"
        if place < FIXED:
            return MARKET[place - len(STATE)]
        if place < self.people:
            who = self.holders[place - FIXED]
            return f"balance of {names.get(who, who)}"
        if place < self.positions:
            row, column = divmod(place - self.people, len(PROVIDER))
            who = self.providers[row]
            return f"{PROVIDER[column]} of {names.get(who, who)}"
        row, column = divmod(place - self.positions, len(POSITION))
        if row < positions:
            return f"position {row + 1}.{POSITION[column]}"
        rest = place - self.positions - positions * len(POSITION) - AHEAD
        if rest < 0:
            return "balance of a vault that is not there yet"
        row, column = divmod(rest, len(TICKET))
        return f"ticket {row + 1}.{TICKET[column]}"


def _words(p: Position) -> tuple[int, ...]:
    """A position's words but its margin."""
    return int(p.owner, 16), p.funding_entry, p.flags, p.size, p.basis, p.phase


def difference(
    layout: Layout, found: Sequence[int], expected: Sequence[int], names: dict[str, str]
) -> tuple[str, Any, Any]:
    """The first word that differs: its name, what was found, what was expected."""
    positions = expected[_NEXT_ID] - 1
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return layout.name(place, names, positions), one, other
    return "number of words", len(found), len(expected)
