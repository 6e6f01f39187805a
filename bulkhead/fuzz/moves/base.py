"""What all moves share: the world as the twin knows it, choices, and solved edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bulkhead.fuzz.foresight import position
from bulkhead.fuzz.moves.source import Bytes
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER, PRICE, USERS
from bulkhead.fuzz.probe import Pos
from bulkhead.fuzz.world import World
from bulkhead.model.errors import ModelError

Move = Callable[[], Iterator[Op]]


class Moves:
    """Chooses from a blob."""

    def __init__(self, world: World, read: Bytes) -> None:
        self.world, self.read = world, read

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

    def owner(self, id_: int) -> str:
        """Mostly the owner; else a stranger."""
        found: str = self.twin.position(id_).owner
        return found if self.read.byte() < 245 else self.read.pick(USERS)

    def wait(self) -> int:
        """Mostly no time."""
        return self.read.pick((0, 0, 0, 0, 0, 0, 1, 1, 12, 60))

    def limit(self, delta: int) -> int:
        """A price limit that mostly does not bind."""
        choice = self.read.byte()
        if choice < 240:
            return 0 if delta < 0 else ANY_BUY
        mark: int = self.twin.state.mark
        return mark + (choice - 248) * mark // 10_000

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

    def accrue(self) -> Iterator[Op]:
        """Mark and funding."""
        yield self.op("accrue", KEEPER, (), self.wait())

    def edge(
        self, action: str, caller: str, args: Callable[[int], tuple[Any, ...]], most: int
    ) -> int:
        """The largest value up to `most` that the twin lets through, by bisection; 0 if none."""
        low, high = 0, most

        def allowed(value: int) -> bool:
            return not isinstance(self.twin.preview(action, caller, *args(value)), ModelError)

        if allowed(most):
            return most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if allowed(middle) else (low, middle)
        return low


def usable(mark: int) -> bool:
    """Marks that keep a run going."""
    return PRICE // 20 < mark < PRICE * 20
