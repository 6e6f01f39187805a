"""The Chainlink adapter's exact twin: what it takes of a feed's rounds, and what it says of it.

Answers and bounds are in the feed's decimals, widths in Wad, times in unix seconds. Rounds are
those of one phase, the first to the newest; one that is missing has zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bulkhead.model.oracles import check_age, refuse, running_since
from bulkhead.model.types import Reading
from bulkhead.model.wad import WAD

LOOK_BACK = 2  # pairs of rounds in which a read looks for the end of an outage
HIGHEST = 2**191 - 1  # that an error shows


class Round(NamedTuple):
    """What a feed was told."""

    answer: int
    updated_at: int


MISSING = Round(0, 0)


@dataclass(frozen=True)
class ChainlinkTerms:
    """Settings of an adapter, and its feed's decimals."""

    decimals: int
    max_age_secs: int
    lowest: int  # at or below it an answer is refused
    highest: int  # at or above it
    max_deviation: int
    spread: int
    sequencer_grace_secs: int = 0

    def wad(self, answer: int) -> int:
        """An answer as a price, down: the same for both sides of every trade."""
        unit: int = 10**self.decimals
        return answer * WAD // unit

    def takes(self, answer: int) -> bool:
        """Whether it lies between the bounds."""
        return self.lowest < answer < self.highest


def before(rounds: Sequence[Round], number: int) -> Round:
    """The round before this one (numbers begin at 1)."""
    return rounds[number - 2] if number > 1 else MISSING


def read_chainlink(
    terms: ChainlinkTerms,
    rounds: Sequence[Round],
    now: int,
    since: int = 0,
    sequencer: Round | None = None,
    proven_at: int = 0,
) -> Reading:
    """The reading for who holds a mark of `since`. sequencer: its status (0: up) and since when;
    proven_at: end of the outage that this transaction proves."""
    up_since = running_since(*sequencer) if sequencer is not None else 0
    answer, updated_at = rounds[-1] if rounds else MISSING
    if answer <= 0 or (updated_at > now and terms.takes(answer)):
        raise refuse("PriceInvalid", answer)
    if not terms.takes(answer):
        shown = terms.wad(min(answer, HIGHEST))
        raise refuse("PriceOutOfBand", shown, terms.wad(terms.lowest), terms.wad(terms.highest))
    check_age(updated_at, now, terms.max_age_secs)
    if updated_at <= up_since and now < up_since + terms.sequencer_grace_secs:
        raise refuse("SequencerDown", up_since)
    if terms.max_deviation:
        _confirm(terms, answer, before(rounds, len(rounds)).answer)
    ended = 0
    if since and updated_at > since + terms.max_age_secs:
        ended = outage_end(terms, rounds)
    return Reading(terms.wad(answer), terms.spread, updated_at, max(up_since, ended, proven_at))


def _confirm(terms: ChainlinkTerms, answer: int, previous: int) -> None:
    """Refuses a jump from the round before, and a round before that confirms nothing."""
    if not terms.takes(previous):
        raise refuse("PriceOutOfBand", terms.wad(answer), 0, 0)
    if abs(answer - previous) * WAD > previous * terms.max_deviation:
        centre, width = terms.wad(previous), terms.wad(previous * terms.max_deviation // WAD)
        raise refuse("PriceOutOfBand", terms.wad(answer), centre - width, centre + width)


def outage_end(terms: ChainlinkTerms, rounds: Sequence[Round]) -> int:
    """When the newest outage that the last rounds show was over; 0: they show none."""
    for number in range(len(rounds), len(rounds) - LOOK_BACK, -1):
        here, last = rounds[number - 1], before(rounds, number)
        silent = here.updated_at - last.updated_at > terms.max_age_secs
        if silent or not terms.takes(last.answer):
            return here.updated_at
    return 0


def gap(terms: ChainlinkTerms, rounds: Sequence[Round], number: int, now: int) -> tuple[int, int]:
    """(end of the round before, end of the outage) that this round proves; refused if none."""
    there = number <= len(rounds)
    last = before(rounds, number).updated_at if there else 0
    ended = rounds[number - 1].updated_at if there and number else 0
    if not last or ended <= last + terms.max_age_secs or ended > now:
        raise refuse("NoGap", last, ended, terms.max_age_secs)
    return last, ended
