"""The cheap look: a market's words read slot by slot, without running a contract.

Only an engine in this process can do so. Storage is laid out as in the contracts' `StateStore` and
the pool's declarations. What is read counts only where it is what the model expects: elsewhere the
contracts' views are asked (StateProbe) and decide alone. They are asked as well `FULL_EVERY`
successes after the last time at the latest, and at the end of each sequence. All that is stored is
read every `WHOLE_EVERY` successes, with NAV, and the pool's own views after a change of its books;
in between, of people, positions and tickets only what the model says has changed, and the position
that an action names: what else has changed stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, compress, count, islice, repeat, starmap
from operator import add, ne

from eth_hash.auto import keccak

from bulkhead.fuzz.probe import AHEAD, FIXED, MARKET, POSITION, PROVIDER, STATE, Layout
from bulkhead.model.types import PHASES

FULL_EVERY = 32
WHOLE_EVERY = 6
_KEPT = 200  # of a market
_M14, _M35, _M40, _M64, _M72, _M80 = ((1 << n) - 1 for n in (14, 35, 40, 64, 72, 80))
_M88, _M96, _M112, _M128, _M160 = ((1 << n) - 1 for n in (88, 96, 112, 128, 160))
_S72, _S88, _S128 = (1 << n - 1 for n in (72, 88, 128))  # of signed words: (x ^ S) - S
_SUPPLY = MARKET.index("totalSupply")
_POOL_WORDS = len(MARKET) - _SUPPLY
_ROW = len(POSITION)
_NEXT_ID = STATE.index("next_id")
_NAV, _FREE, _ASSETS, _NEXT_TICKET = (
    len(STATE) + MARKET.index(name)
    for name in ("nav", "freeLiquidity", "totalAssets", "nextTicketId")
)

# Market: slot 0 is AccessManaged's; MarketStorage follows.
_WORDS, _TOTALS, _POSITIONS, _TICKETS, _TICKET_COUNT = 1, 8, 9, 15, 16
# LiquidityPool: ERC20 (0 to 4), EIP712 (5, 6), Nonces (7), then its two books and the reserve.
_SHARES, _TOTAL_SUPPLY = 0, 2
_DEPOSITS, _DEPOSIT_ACCOUNTS = (8, 9), 11
_REDEEMS, _REDEEM_ACCOUNTS, _RESERVE = (12, 13, 14, 15), 19, 20
_DEPOSIT_SLOTS, _REDEEM_SLOTS = 3, 5  # of an account

Storage = Callable[[str, int], int]
Slot = tuple[str, int]


def mapped(key: int, slot: int) -> int:
    """The slot of a mapping's value."""
    return int.from_bytes(keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")


def balance_slot(storage: Storage, token: str, who: str, amount: int) -> int | None:
    """Which slot a token's balances hang on, told by an account that is known to have `amount`."""
    for slot in range(12):
        if amount and storage(token, mapped(int(who, 16), slot)) == amount:
            return slot
    return None


class Slots:
    """Reads one market and its pool."""

    def __init__(
        self,
        storage: Storage,
        layout: Layout,
        places: tuple[str, str, str],  # market, pool, token
        balances: int,  # the slot of the token's balances
        vault: Callable[[int], str],
        ask: Callable[[], Sequence[int]],  # what the pool's views say
    ) -> None:
        self.storage, self.layout, self._vault, self._ask = storage, layout, vault, ask
        self.market, self.pool, self.token = places
        self._balances = balances
        fixed: list[Slot] = [
            *((self.market, _WORDS + place) for place in range(7)),
            (self.market, _TOTALS),
            *((self.market, _TICKET_COUNT + place) for place in range(4)),
        ]
        holders = [(self.token, self._of(who)) for who in layout.holders]
        keys = [int(who, 16) for who in layout.providers]
        accounts = ((_DEPOSIT_ACCOUNTS, _DEPOSIT_SLOTS), (_REDEEM_ACCOUNTS, _REDEEM_SLOTS))
        books: list[Slot] = [
            (self.pool, _TOTAL_SUPPLY),
            (self.pool, _RESERVE),
            *((self.pool, slot) for slot in (*_DEPOSITS, *_REDEEMS)),
            *((self.pool, mapped(who, _SHARES)) for who in (int(self.pool, 16), *keys)),
            *(
                (self.pool, mapped(who, slot) + place)
                for who in keys
                for slot, count in accounts
                for place in range(count)
            ),
        ]
        shares = [(self.pool, mapped(who, _SHARES)) for who in keys]
        self._fixed = tuple(zip(*fixed, strict=True))
        self._holders, self._shares = holders, shares
        self._books = tuple(zip(*books, strict=True))
        self._places: list[int] = []  # of positions: owner and entry, then size and basis
        self._margins: list[int] = []  # their vaults' balances, and those of the next two
        self._rows: dict[tuple[int, int], tuple[int, ...]] = {}  # what two slots mean
        self._last: tuple[list[int], list[tuple[int, ...]]] = [], []  # all of them, their rows
        self._tickets: list[int] = []
        self._seen: tuple[list[int], Sequence[int]] | None = None  # the books, the pool's words

    def _of(self, who: str) -> int:
        return mapped(int(who, 16), self._balances)

    def _pool(self) -> Sequence[int]:
        """The pool's words: what its views say belongs to its books as they are now."""
        books = [*map(self.storage, *self._books)]
        if self._seen is None or books != self._seen[0]:
            self._seen = books, self._ask()
        return self._seen[1]

    def words(self, nav: int, expected: Sequence[int]) -> tuple[int, ...]:
        """The words as stored.

        nav: what the market says (Wad). Free liquidity and totalAssets are taken from `expected`.
        """
        pool = self._pool()
        fixed = self._market_words()
        accounted = fixed[18] + fixed[19] + fixed[20] + pool[2] + pool[1]
        found = [
            *fixed,
            *(nav, expected[_FREE]),
            *(*pool[:5], expected[_ASSETS], accounted, pool[7]),
            *starmap(self.storage, self._holders),
        ]
        found += pool[_POOL_WORDS:]
        self._add_positions(found, fixed[_NEXT_ID])
        self._add_tickets(found, fixed[_NEXT_TICKET] - 1)
        return tuple(found)

    def kept(self, expected: Sequence[int], before: Sequence[int], named: int) -> bool:
        """Whether the market's own words are as expected, and those of people, positions and
        tickets too where the model has changed them.

        before: what was seen after the last success. named: a position that is read in any case;
        0: none.
        """
        storage, people, start = self.storage, self.layout.people, self.layout.positions
        if self._market_words() != expected[:_NAV]:
            return False
        last = start + _ROW * (expected[_NEXT_ID] - 1)
        rows, tail = set(), len(expected) != len(before)
        if 0 < named < expected[_NEXT_ID]:
            rows.add(named)
        changed = map(ne, islice(expected, FIXED, None), islice(before, FIXED, None))
        for place in compress(count(FIXED), changed):
            if place >= start:
                rows.add((place - start) // _ROW + 1)
                tail = tail or place >= last
                continue
            column = place - people
            if column < 0:
                slot = self._holders[place - FIXED]
            elif column % len(PROVIDER) == 0:
                slot = self._shares[column // len(PROVIDER)]
            else:
                continue
            if storage(*slot) != expected[place]:
                return False
        if tail:
            found: list[int] = []
            self._add_positions(found, expected[_NEXT_ID])
            self._add_tickets(found, expected[_NEXT_TICKET] - 1)
            return tuple(found) == expected[start:]
        return all(
            self._held(id_) == expected[start + _ROW * (id_ - 1) : start + _ROW * id_]
            for id_ in rows
        )

    def _held(self, id_: int) -> tuple[int, ...]:
        """A position's words, with its margin."""
        storage, market = self.storage, self.market
        one, two = (storage(market, slot) for slot in self._places[2 * id_ - 2 : 2 * id_])
        return (*self._row(one, two), storage(self.token, self._margins[id_ - 1]))

    def _market_words(self) -> tuple[int, ...]:
        """The market's words up to NAV."""
        fixed = [*map(self.storage, *self._fixed)]
        totals, tickets, mark, at, ratio = fixed[7:]
        return (*_state(fixed), totals >> 128, totals & _M128, ratio, tickets + 1, mark, at)

    def _add_positions(self, found: list[int], next_id: int) -> None:
        storage, count = self.storage, next_id - 1
        while len(self._margins) < count + AHEAD:
            id_ = len(self._margins) + 1
            head = mapped(id_, _POSITIONS)
            self._places += (head, head + 1)
            self._margins.append(self._of(self._vault(id_)))
        margins = [*map(storage, repeat(self.token), self._margins[: count + AHEAD])]
        slots = [*map(storage, repeat(self.market), self._places[: 2 * count])]
        held, rows = self._last
        if slots != held:
            rows = [*map(self._row, slots[::2], slots[1::2])]
            self._last = slots, rows
        found += chain.from_iterable(map(add, rows, zip(margins, strict=False)))
        found += margins[count:]

    def _row(self, one: int, two: int) -> tuple[int, ...]:
        rows = self._rows
        row = rows.get((one, two))
        if row is None:
            if len(rows) > _KEPT:
                rows.clear()
            row = rows[one, two] = _position(one, two)
        return row

    def _add_tickets(self, found: list[int], count: int) -> None:
        storage, market = self.storage, self.market
        for number in range(1, count + 1):
            if number > len(self._tickets):
                self._tickets.append(mapped(number, _TICKETS))
            slot = self._tickets[number - 1]
            amounts = storage(market, slot + 1)
            found += (storage(market, slot) & _M160, amounts & _M128, amounts >> 128)
            found.append(storage(market, slot + 2) & _M128)


def _position(one: int, two: int) -> tuple[int, ...]:
    """Owner, funding entry, flags, size, basis, phase."""
    size = _signed(two & (1 << 113) - 1, 113)
    entry = _signed((one >> 174 & (1 << 74) - 1) << 14 | two >> 113 & _M14, 88) if size else 0
    phase = (2 * (one >> 160 & _M14) - (size != 0)) % PHASES
    return one & _M160, entry, one >> 248, size, _signed(two >> 128, 128), phase


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _state(w: Sequence[int]) -> tuple[int, ...]:
    """The names of `probe.STATE` from the seven packed words; the config store as 0."""
    a, b, c, d, e, f, g = w[:7]
    return (
        a & _M96,
        a >> 96 & _M40,
        a >> 136 & _M40,
        a >> 176 & _M40,
        a >> 216,
        (b & _M88 ^ _S88) - _S88,
        (b >> 88 & _M72 ^ _S72) - _S72,
        c >> 216,
        g >> 200,
        c & _M80,
        c >> 80 & _M64,
        (c >> 144 & _M72 ^ _S72) - _S72,
        g >> 198 & 1,
        d & _M112,
        d >> 112 & _M112,
        d >> 224,
        (e & _M128 ^ _S128) - _S128,
        (e >> 128 ^ _S128) - _S128,
        b >> 160,
        f & _M80,
        f >> 80 & _M80,
        0,
        g >> 160 & _M35,
        f >> 160 & _M40,
        g >> 195 & 7,
        g >> 199 & 1,
    )
