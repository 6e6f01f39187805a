"""What all moves share: the world as the twin knows it, choices, and solved edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bulkhead.fuzz.foresight import position
from bulkhead.fuzz.laws.base import claim, maintenance, terms
from bulkhead.fuzz.moves.source import Bytes
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER, NOBODY, PRICE, TREASURY, USERS
from bulkhead.fuzz.probe import Pos, Sight
from bulkhead.fuzz.stage import BOOK_CALL, MOLE, MOLE_CALLS
from bulkhead.fuzz.world import World
from bulkhead.model.errors import ModelError, Refused
from bulkhead.model.impact import trade
from bulkhead.model.margin import im
from bulkhead.model.pricing import im_multiplier
from bulkhead.model.wad import WAD

Move = Callable[[], Iterator[Op]]


class Moves:
    """Chooses from a blob."""

    def __init__(self, world: World, read: Bytes) -> None:
        self.world, self.read = world, read
        self._judged: tuple[Sight, bool] | None = None  # whether anybody is ill there
        stage = world.stage
        mole = stage.contracts.get(MOLE)  # it calls back when it is paid: a move of its own
        self.payees = tuple(who for who in stage.people if not mole or who != mole.address)

    @property
    def twin(self) -> Any:
        """The model of the market in question."""
        return self.world.twin

    def op(self, name: str, actor: str = "", args: tuple[Any, ...] = (), wait: int = 0) -> Op:
        """An op of the market in question."""
        return Op(name, actor, args, wait, self.world.at)

    def held(self) -> list[int]:
        """Ids with a position."""
        positions = self.twin.core.positions
        return [id_ for id_ in self.world.ids if positions[id_].size]

    def some(self) -> int:
        """An id, mostly with a position."""
        held = self.held()
        known = self.world.ids or (0,)
        return self.read.pick(held if held and self.read.byte() < 240 else known)

    def ill(self) -> list[int]:
        """Ids that can be liquidated at the held state."""
        return [id_ for id_ in self.held() if self.twin.liquidatable(id_)]

    def any_ill(self, held: list[int]) -> bool:
        """Whether one of them can be, by the laws' arithmetic (and grace left out): a hint which
        move to make, asked before each; what a refusal leaves as it was has its answer."""
        sight = self.world.sight
        if self._judged is None or self._judged[0] is not sight:
            self._judged = sight, self._any_ill(held)
        return self._judged[1]

    def _any_ill(self, held: list[int]) -> bool:
        core = self.twin.core
        t = terms(core.state.__dict__, self.world.params, self.world.unit)
        prices = t.price(1), t.price(-1)
        positions, balance_of, unit, index = core.positions, core.balance_of, t.unit, t.index
        most = max([row[2] for row in t.table]) * t.ramp  # MM of a Wad of notional
        for id_ in held:
            p = positions[id_]
            size = p.size
            price = prices[size < 0]
            have = balance_of(id_) * unit + claim(size, p.basis, price, index)
            if have > max(abs(size) * price // WAD + 1, t.min_notional) * most // WAD**2 + 1:
                continue  # well
            if have < maintenance(size, price, t):
                return True
        return False

    def owner(self, id_: int) -> str:
        """Mostly the owner; else a stranger."""
        found: str = self.twin.position(id_).owner
        return found if self.read.byte() < 245 else self.read.pick(USERS)

    def receiver(self, usual: str, id_: int = 0) -> str:
        """Whom somebody has paid: mostly themselves or another; else another's vault or a contract,
        or one that may not be. id_: out of which position's vault."""
        choice, site = self.read.byte(), self.world.site
        if choice < 90:
            return usual
        if choice < 226:
            return self.payees[choice % len(self.payees)]
        vault, count = self.twin.core.vault, len(self.world.ids)
        if choice < 242:
            return str(vault(choice % count + 1)) if count else usual
        options = (NOBODY, site.market.address, site.pool.address, site.fund, site.book.address)
        return (*options, vault(id_) if id_ else TREASURY, TREASURY)[choice % 7]

    def wait(self) -> int:
        """Mostly no time."""
        return self.read.pick((0, 0, 0, 0, 0, 0, 1, 1, 12, 60))

    def limit(self, delta: int) -> int:
        """A price limit that mostly does not bind; else about the mark, or just the fill."""
        choice = self.read.byte()
        if choice < 232 or delta == 0:
            return 0 if delta < 0 else ANY_BUY
        s, cfg = self.twin.state, self.twin.core.cfg
        if choice < 240:
            return int(s.mark + (choice - 236) * s.mark // 10_000)
        return max(0, trade(s.mark, s.spread, s.skew, delta, cfg).fill + self.near())

    def deadline(self) -> int:
        """Mostly never; else a second early, in time, or late."""
        return FOREVER if self.read.byte() < 250 else self.world.now - 1 + self.read.byte() % 3

    def amount(self) -> int:
        """Token units."""
        unit = self.world.dollars(1)
        return self.read.pick((0, 1, 2, unit, 37 * unit + 1, 500 * unit, 10**9 * unit))

    def position(self, id_: int) -> Pos:
        """As the laws see it."""
        return position(self.world, id_)

    def near(self) -> int:
        """An edge, a unit before it, or a unit past it."""
        return self.read.pick((-1, 0, 0, 1))

    def market_call(self) -> int:
        """Which of its calls, but for the book's, somebody makes in the middle of a payment."""
        which = self.read.byte() % (MOLE_CALLS - 1)
        return which + (which >= BOOK_CALL)

    def accrue(self) -> Iterator[Op]:
        """Mark and funding."""
        yield self.op("accrue", KEEPER, (), self.wait())

    def edge(
        self, action: str, caller: str, args: Callable[[int], tuple[Any, ...]], most: int
    ) -> int:
        """The largest value up to `most` that the twin lets through; 0 if none."""

        def refusal(value: int) -> ModelError | None:
            said = self.twin.preview(action, caller, *args(value))
            return said if isinstance(said, ModelError) else None

        return last_allowed(refusal, most)


def enough(world: World, size: int) -> int:
    """Margin that opens a position with some to spare (token units)."""
    core = world.twin.core
    notional = -(-abs(size) * core.state.mark // WAD)
    return int(im(notional, im_multiplier(core), core.cfg) * 11 // 10 // world.unit + 1)


def last_allowed(refusal: Callable[[int], ModelError | None], most: int) -> int:
    """The largest value up to `most` (> 0) that is not refused, where all below it are not.

    A refusal tells by how much: a line through two of them leads to the edge in a few steps. Until
    something is let through, and every third step after that, what is left is cut down.
    """
    problem = refusal(most)
    if problem is None:
        return most
    low, high, stride, turn = 0, most, 1, 0
    last, root = (most, _excess(problem)), 0
    while high - low > 1:
        turn += 1
        if low == 0:
            guess = high >> (1 if turn <= 8 else 8)
        else:
            guess = (low + high) // 2 if turn % 3 == 0 else max(root, low + stride)
        guess = min(max(guess, low + 1), high - 1)
        problem = refusal(guess)
        if problem is None:
            low, stride = guess, 2 * stride
            continue
        (where, excess), now = last, _excess(problem)
        if excess != now:
            root = guess - now * (where - guess) // (excess - now)
        high, stride, last = guess, 1, (guess, now)
    return low


def _excess(problem: ModelError) -> int:
    """By how much a refusal's value misses its limit, where it tells."""
    return abs(problem.actual - problem.limit) if isinstance(problem, Refused) else 0


def usable(mark: int) -> bool:
    """Marks that keep a run going."""
    return PRICE // 20 < mark < PRICE * 20
