"""The adapters' exact twins: what each accepts, and what it says of it.

Prices and widths are in Wad, times in unix seconds. A refusal is an `OracleError` with the error's
name and arguments, as a market's twin takes it. Signatures are not looked at here: a report comes
with who signed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bulkhead.model.errors import OracleError
from bulkhead.model.types import Reading
from bulkhead.model.wad import WAD, ceil_div

MARK_MIN, MARK_MAX = 10**9, 2**96 - 1
PYTH_AHEAD_SECS = 5  # Pyth's clock may run ahead of the chain's by so much


def refuse(name: str, *args: object) -> OracleError:
    """An adapter's error."""
    return OracleError(name, args)


def check_age(published_at: int, now: int, max_age: int) -> None:
    """Refuses what is older than max_age."""
    if now - published_at > max_age:
        raise refuse("PriceStale", published_at, now, max_age)


def running_since(status: int, started_at: int) -> int:
    """Since when an L2's sequencer is up; refused while it is down (not 0), and before its feed's
    first status."""
    if status != 0 or started_at == 0:
        raise refuse("SequencerDown", started_at)
    return started_at


# ---------------------------------------------------------------- Pyth


@dataclass(frozen=True)
class PythPrice:
    """A price as Pyth holds it: `price` and `conf` times 10^expo."""

    price: int
    conf: int
    expo: int
    published_at: int
    previous_at: int = 0


@dataclass(frozen=True)
class PythTerms:
    """Settings of a Pyth adapter."""

    max_age_secs: int
    min_decimals: int
    max_decimals: int
    lowest: int
    highest: int
    confidence_width: int
    min_spread: int
    max_spread: int


def newest(held: PythPrice | None, updates: Iterable[PythPrice]) -> PythPrice | None:
    """What Pyth holds after updates: a price replaces an older one only."""
    for one in updates:
        if one.published_at > (held.published_at if held else 0):
            held = one
    return held


def read_pyth(
    terms: PythTerms, held: PythPrice | None, now: int, up_since: int = 0, proven_at: int = 0
) -> Reading:
    """The reading; `up_since` is when an L2's sequencer came back (0: none is watched)."""
    if held is None:
        raise refuse("PriceFeedNotFound")
    decimals = -held.expo
    if held.price <= 0 or not terms.min_decimals <= decimals <= terms.max_decimals:
        raise refuse("PriceInvalid", held.price)
    mark = held.price * 10**18 // 10**decimals  # down: the same for both sides of every trade
    if held.published_at > now + PYTH_AHEAD_SECS:
        raise refuse("PriceInvalid", held.price)
    published_at = min(held.published_at, now)
    check_age(published_at, now, terms.max_age_secs)
    if published_at <= up_since:
        raise refuse("SequencerDown", up_since)
    if not terms.lowest < mark < terms.highest:
        raise refuse("PriceOutOfBand", mark, terms.lowest, terms.highest)
    width = ceil_div(2 * held.conf * terms.confidence_width, held.price)  # up: the trader pays
    spread = max(terms.min_spread, width)
    if spread > terms.max_spread:
        raise refuse("PriceTooUncertain", spread, terms.max_spread)
    return Reading(mark, spread, published_at, max(up_since, proven_at))


def prove_pyth(terms: PythTerms, shown: PythPrice, resumed_at: int, now: int) -> None:
    """Refuses a signed price that does not prove an outage which ended at `resumed_at`: it was
    published then, and the one before it longer ago than the maximum age."""
    if not terms.max_age_secs < resumed_at <= now:
        raise refuse("NoGap", 0, resumed_at, terms.max_age_secs)
    first = resumed_at - terms.max_age_secs
    if not shown.previous_at < first <= shown.published_at <= resumed_at:
        raise refuse("PriceFeedNotFoundWithinRange")  # Pyth's own
    if shown.published_at != resumed_at:
        raise refuse("NoGap", 0, shown.published_at, terms.max_age_secs)


# ---------------------------------------------------------------- quorum


@dataclass(frozen=True)
class QuorumTerms:
    """Settings of a quorum adapter."""

    max_age_secs: int
    lowest: int
    highest: int
    max_deviation: int
    max_disagreement: int
    spread: int


def median_down(prices: Sequence[int]) -> int:
    """The middle one; between two middle ones their mean, rounded down."""
    ordered = sorted(prices)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) // 2


@dataclass
class QuorumModel:
    """A quorum adapter: its reporters, and the price that it holds."""

    terms: QuorumTerms
    reporters: tuple[str, ...]  # lower-case addresses in increasing order
    quorum: int
    mark: int = 0
    previous: int = 0
    published_at: int = 0
    resumed_at: int = 0

    def take(self, published_at: int, reports: Sequence[tuple[str, int]], now: int) -> int:
        """Reports of one moment: (signer, price) each. Returns how many agree."""
        terms = self.terms
        if published_at <= self.published_at:
            raise refuse("ReportNotNewer", published_at, self.published_at)
        if published_at > now:
            raise refuse("ReportFromFuture", published_at, now)
        check_age(published_at, now, terms.max_age_secs)
        if len(reports) < self.quorum:
            raise refuse("QuorumNotMet", len(reports), self.quorum)
        self._check_signers([signer for signer, _ in reports])
        prices = [price for _, price in reports]
        mark = median_down(prices)
        if not terms.lowest < mark < terms.highest:
            raise refuse("PriceOutOfBand", mark, terms.lowest, terms.highest)
        width = mark * terms.max_disagreement // WAD  # down: fewer agree
        agreeing = sum(abs(price - mark) <= width for price in prices)
        if agreeing < self.quorum:
            raise refuse("QuorumNotMet", agreeing, self.quorum)
        if self.published_at and published_at - self.published_at > terms.max_age_secs:
            self.resumed_at = published_at
        self.mark, self.previous, self.published_at = mark, self.mark, published_at
        return agreeing

    def _check_signers(self, signers: Sequence[str]) -> None:
        last = ""
        for signer in signers:
            if signer <= last:
                raise refuse("SignersUnordered", last, signer)
            if signer not in self.reporters:
                raise refuse("NotReporter", signer)
            last = signer

    def read(self, now: int) -> Reading:
        """The adapter's reading: the price, if it is fresh and the one before it confirms it."""
        terms, mark, before = self.terms, self.mark, self.previous
        if mark == 0:
            raise refuse("PriceInvalid", 0)
        check_age(self.published_at, now, terms.max_age_secs)
        if abs(mark - before) * WAD > before * terms.max_deviation:
            width = before * terms.max_deviation // WAD
            raise refuse("PriceOutOfBand", mark, before - width, before + width)
        return Reading(mark, terms.spread, self.published_at, self.resumed_at)


# ---------------------------------------------------------------- median


@dataclass(frozen=True)
class MedianTerms:
    """Settings of a median adapter."""

    sources: int
    min_sources: int
    risk_tolerance: int
    exit_tolerance: int


@dataclass
class MedianModel:
    """A median adapter over what its sources say; None is a source that fails."""

    terms: MedianTerms
    disagreed_at: int = 0
    _usable: list[Reading] = field(default_factory=list)

    def _take_in(self, answers: Sequence[Reading | None], now: int) -> tuple[Reading, Reading]:
        """Keeps what is usable, by marks; returns the two middle ones, or the one twice."""
        found = [
            one
            for one in answers
            if one is not None
            and MARK_MIN <= one.mark <= MARK_MAX
            and one.spread < WAD
            and one.published_at <= now
        ]
        self._usable = sorted(
            found, key=lambda one: one.mark
        )  # stable: equal ones keep their order
        if len(found) < self.terms.min_sources:
            raise refuse("QuorumNotMet", len(found), self.terms.min_sources)
        return self._usable[(len(found) - 1) // 2], self._usable[len(found) // 2]

    def _distance(self, *middle: Reading) -> int:
        """From a middle mark to the farthest of the min_sources closest to it, relative to it, up;
        the widest."""
        widest = 0
        for mark in (one.mark for one in middle):
            distances = sorted(abs(one.mark - mark) for one in self._usable)
            widest = max(widest, ceil_div(distances[self.terms.min_sources - 1] * WAD, mark))
        return widest

    def read(self, answers: Sequence[Reading | None], now: int, since: int = 0) -> Reading:
        """The adapter's reading of what its sources say now, for who holds a mark of `since`."""
        terms = self.terms
        lower, upper = self._take_in(answers, now)
        found = self._usable
        mark = (lower.mark + upper.mark) // 2  # down: the same for both sides of every trade
        distance = self._distance(lower, upper)
        if distance > terms.exit_tolerance:
            raise refuse("PriceTooUncertain", distance, terms.exit_tolerance)
        gap = ceil_div(2 * (upper.mark - mark) * WAD, mark)  # up: the trader pays
        spread = sorted(one.spread for one in found)[len(found) // 2] + gap
        times = sorted((one.published_at for one in found), reverse=True)
        its_own = min(lower.published_at, upper.published_at)
        published_at = max(times[len(found) // 2], its_own)  # the first: reached by most
        if published_at < since <= times[0]:
            published_at = since  # time stands still
        disputed = distance > terms.risk_tolerance
        outages = sorted(one.resumed_at for one in found)
        resumed_at = now if disputed else outages[terms.min_sources - 1]
        return Reading(
            mark,
            spread,
            published_at,
            max(resumed_at, self.disagreed_at),
        )

    def note(self, answers: Sequence[Reading | None], now: int) -> None:
        """Notes a disagreement: one measured between enough answers, for silence is none."""
        distance = self._distance(*self._take_in(answers, now))
        if distance <= self.terms.risk_tolerance:
            raise refuse("NoDisagreement", distance, self.terms.risk_tolerance)
        self.disagreed_at = now
