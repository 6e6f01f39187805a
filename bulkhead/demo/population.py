"""The traders of the demo: who they are, drawn from one seeded generator. Integers only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from bulkhead.errors import BadInput
from bulkhead.model.wad import WAD

MAX_POSITIONS = 2_000
MOST_LEVERAGE = 0  # stands for: as much as the market allows


class Temper(Enum):
    """What a trader does once the position is open."""

    HOLDS = "holds"  # does nothing, come what may
    DEFENDS = "defends"  # tops up when it gets close
    TRIMS = "trims"  # reduces when it gets close, or when time comes
    EXITS = "exits"  # closes at a target, at a stop, or when time comes
    SCALES = "scales"  # adds in profit, later takes margin out


# (share of traders in %, smallest and largest notional in whole quote units)
CLASSES = (
    (52, 2_000, 20_000),
    (37, 20_000, 140_000),
    (9, 140_000, 500_000),
    (2, 500_000, 1_500_000),
)
TEMPERS = (
    (34, Temper.HOLDS),
    (22, Temper.DEFENDS),
    (16, Temper.TRIMS),
    (22, Temper.EXITS),
    (6, Temper.SCALES),
)
LEVERAGES = ((18, MOST_LEVERAGE), (22, 17), (20, 12), (16, 8), (12, 5), (8, 3), (4, 2))
LONG_PERCENT = 57  # a crowd that is long before a crash
EARLY_PERCENT = 78  # open before the slide, the others later
EARLY_UNTIL, LATE_UNTIL = 25, 80  # percent of the path


@dataclass(frozen=True)
class Trader:
    """One trader with one position."""

    place: int  # among the traders
    account: str
    side: int  # 1 long, -1 short
    notional: int  # wanted (Wad)
    leverage: int  # margin is notional / leverage; MOST_LEVERAGE: the least margin
    opens: int  # step of the path
    leaves: int  # step at which patience ends
    temper: Temper
    by_transfer: bool  # tops up with a plain token transfer to the vault


def _pick(draw: np.random.Generator, table: tuple[tuple[int, object], ...]) -> int:
    """A row of a table of percentages."""
    mark, total = int(draw.integers(0, 100)), 0
    for place, row in enumerate(table):
        total += row[0]
        if mark < total:
            return place
    return len(table) - 1


def _one(draw: np.random.Generator, place: int, account: str, steps: int) -> Trader:
    _, smallest, largest = CLASSES[_pick(draw, tuple((row[0], row) for row in CLASSES))]
    early = int(draw.integers(0, 100)) < EARLY_PERCENT
    first, last = (0, EARLY_UNTIL) if early else (EARLY_UNTIL, LATE_UNTIL)
    opens = int(draw.integers(steps * first // 100, max(steps * last // 100, 1)))
    return Trader(
        place=place,
        account=account,
        side=1 if int(draw.integers(0, 100)) < LONG_PERCENT else -1,
        notional=int(draw.integers(smallest, largest)) * WAD,
        leverage=LEVERAGES[_pick(draw, LEVERAGES)][1],
        opens=opens,
        leaves=int(draw.integers(opens, steps * 2)),
        temper=TEMPERS[_pick(draw, TEMPERS)][1],
        by_transfer=bool(draw.integers(0, 2)),
    )


def population(seed: int, accounts: list[str], steps: int) -> tuple[Trader, ...]:
    """A trader for each account over a path of `steps` prices."""
    if not 1 <= len(accounts) <= MAX_POSITIONS:
        raise BadInput("positions", len(accounts), f"1 to {MAX_POSITIONS}")
    # A stream of its own: the same traders whatever the path draws.
    draw = np.random.default_rng([seed, 1])
    return tuple(_one(draw, place, account, steps) for place, account in enumerate(accounts))
