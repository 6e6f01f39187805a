"""What the adapters' settings may be: an adapter that breaks a bound can't be deployed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from bulkhead.model.oracles import MedianTerms, PythTerms, QuorumTerms, refuse
from bulkhead.model.types import ZERO_ADDRESS
from bulkhead.model.wad import WAD

MOST_DECIMALS = 36  # of Pyth's that an adapter may believe
WIDEST_CONFIDENCE = 100 * WAD
HIGHEST_REPORT = 2**88 - 1  # the word of a quorum's price has so much room
MOST_REPORTERS, MOST_SOURCES = 32, 5
LEAST_SOURCE_GAS, MOST_SOURCE_GAS = 50_000, 1_000_000
UNBOUNDED = 2**256 - 1


class Bound(NamedTuple):
    """A setting and the least and the most it may be."""

    name: str
    value: int
    least: int
    most: int = UNBOUNDED


def check(bounds: Iterable[Bound]) -> None:
    """Refuses the first that is broken, with the limit that it breaks."""
    for name, value, least, most in bounds:
        if not least <= value <= most:
            raise refuse("BadSetting", name, value, least if value < least else most)


def of_pyth(terms: PythTerms, deployed: bool = True) -> Sequence[Bound]:
    """A Pyth adapter's; deployed: whether its Pyth contract is there."""
    return (
        Bound("pyth", int(deployed), 1),
        Bound("maxAgeSecs", terms.max_age_secs, 1),
        Bound("maxDecimals", terms.max_decimals, 0, MOST_DECIMALS),
        Bound("minDecimals", terms.min_decimals, 0, terms.max_decimals),
        Bound("lowest", terms.lowest, 1),
        Bound("highest", terms.highest, terms.lowest + 1),
        Bound("confidenceWidth", terms.confidence_width, WAD, WIDEST_CONFIDENCE),
        Bound("maxSpread", terms.max_spread, 0, WAD - 1),
        Bound("minSpread", terms.min_spread, 0, terms.max_spread),
    )


def of_quorum(terms: QuorumTerms) -> Sequence[Bound]:
    """A quorum adapter's, but for its reporters."""
    return (
        Bound("maxAgeSecs", terms.max_age_secs, 1),
        Bound("lowest", terms.lowest, 1),
        Bound("highest", terms.highest, terms.lowest + 1, HIGHEST_REPORT),
        Bound("maxDeviation", terms.max_deviation, 1, WAD - 1),
        Bound("maxDisagreement", terms.max_disagreement, 0, WAD - 1),
        Bound("spread", terms.spread, 0, WAD - 1),
    )


def check_reporters(members: Sequence[str], quorum: int) -> None:
    """Lower-case addresses in strictly increasing order, none of them zero; more than half of them
    a quorum, and at least two."""
    count, last = len(members), ZERO_ADDRESS
    check([Bound("reporters", count, 0, MOST_REPORTERS)])
    for member in members:
        if member <= last:
            raise refuse("SignersUnordered", last, member)
        last = member
    check(Bound("quorum", quorum, least, count) for least in (0, 2, count // 2 + 1))


def check_sources(sources: Sequence[str], contracts: Collection[str]) -> None:
    """At most five contracts, each once."""
    check([Bound("sources", len(sources), 0, MOST_SOURCES)])
    for place, source in enumerate(sources):
        if source not in contracts or source in sources[:place]:
            raise refuse("BadSource", place, source)


def of_median(terms: MedianTerms, source_gas: int) -> Sequence[Bound]:
    """A median adapter's, but for what its sources are."""
    count = terms.sources
    return (
        *(Bound("minSources", terms.min_sources, least, count) for least in (0, 2, count // 2 + 1)),
        Bound("exitTolerance", terms.exit_tolerance, 0, WAD - 1),
        Bound("riskTolerance", terms.risk_tolerance, 0, terms.exit_tolerance),
        Bound("sourceGas", source_gas, LEAST_SOURCE_GAS, MOST_SOURCE_GAS),
    )
