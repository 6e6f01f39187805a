"""A relay: collects the reports of a moment, and brings them on chain where it matters."""

from __future__ import annotations

import copy
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.chain.errors import ChainError
from bulkhead.chain.rpc import Rpc
from bulkhead.model.errors import OracleError
from bulkhead.model.oracles import QuorumModel, QuorumTerms
from bulkhead.model.wad import WAD
from bulkhead.reporter.report import Feed, Report, ReportError, read, update_data
from bulkhead.reporter.reporter import Tell, next_round

BODY_BYTES = 4_096  # more than a report is
GAS, GAS_PER_REPORT = 200_000, 15_000


@dataclass(frozen=True)
class Policy:
    """When a new price is worth its gas."""

    heartbeat_secs: int  # longest time between two prices on chain
    deviation: int  # a move that does not wait for it, relative to the price on chain (Wad)


@dataclass(frozen=True)
class Decision:
    """What to send, if anything, and why. `reports` are in the order that the contract wants."""

    send: bool
    why: str
    reports: tuple[Report, ...] = ()


def load(oracle: Contract) -> QuorumModel:
    """The contract's settings, reporters and price, as its twin."""
    found, held = oracle.settings(), oracle.held()
    members, quorum = oracle.reporters()
    terms = QuorumTerms(
        max_age_secs=found.maxAgeSecs,
        lowest=found.lowest,
        highest=found.highest,
        max_deviation=found.maxDeviation,
        max_disagreement=found.maxDisagreement,
        spread=found.spread,
    )
    state = (held.mark, held.previous, held.publishedAt, held.resumedAt)
    return QuorumModel(terms, tuple(members), quorum, *state)


def fetch(url: str, feed: Feed, at: int, timeout: float) -> Report | str:
    """A reporter's report of a moment, or why there is none."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/reports/{at}", timeout=timeout) as answer:
            found = read(feed, json.loads(answer.read(BODY_BYTES)))
    except (OSError, ValueError, ReportError) as problem:
        return f"{url}: {problem}"
    if found.published_at != at:
        return f"{url}: a report of {found.published_at} instead of {at}"
    return found


def collect(
    urls: Sequence[str], feed: Feed, at: int, timeout: float
) -> tuple[list[Report], list[str]]:
    """All reporters at once: the reports that came, and why others did not."""
    with ThreadPoolExecutor(max_workers=len(urls)) as pool:
        answers = list(pool.map(lambda url: fetch(url, feed, at, timeout), urls))
    reports = [one for one in answers if isinstance(one, Report)]
    return reports, [one for one in answers if isinstance(one, str)]


def decide(
    model: QuorumModel, reports: Sequence[Report], at: int, now: int, policy: Policy
) -> Decision:
    """Foresees what the contract would say, and weighs whether it is worth it."""
    by_signer = {one.signer: one for one in reports if one.signer in model.reporters}
    chosen = tuple(by_signer[signer] for signer in sorted(by_signer))
    after = copy.copy(model)
    try:
        after.take(at, [(one.signer, one.price) for one in chosen], now)
    except OracleError as problem:
        name, arguments = problem.args
        return Decision(False, f"{name}{tuple(arguments)}")
    held = model.mark
    if model.published_at == 0 or at - model.published_at >= policy.heartbeat_secs:
        return Decision(True, "heartbeat", chosen)
    if abs(after.mark - held) * WAD >= held * policy.deviation:
        return Decision(True, "moved", chosen)
    try:
        model.read(now)
    except OracleError:
        return Decision(True, "the price on chain is refused", chosen)
    return Decision(False, "nothing new")


@dataclass
class Relay:
    """Works for one contract; needs no one's trust: what it brings is checked on chain."""

    rpc: Rpc
    oracle: Contract
    feed: Feed
    account: str
    urls: Sequence[str]
    policy: Policy
    timeout: float
    tell: Tell

    def round(self, at: int, now: int) -> bool:
        """One moment: collect, decide, send. True if a price went on chain."""
        reports, problems = collect(self.urls, self.feed, at, self.timeout)
        said: dict[str, Any] = {"at": at, "reports": len(reports)}
        if problems:
            said["problems"] = problems
        decision = decide(load(self.oracle), reports, at, now, self.policy)
        said["why"] = decision.why
        if not decision.send:
            self.tell({**said, "event": "kept back"})
            return False
        data = update_data(at, decision.reports)
        gas = GAS + GAS_PER_REPORT * len(decision.reports)
        receipt = self.oracle.update([data], sender=self.account, gas=gas)
        self.tell({**said, "event": "sent", "transaction": receipt.hash, "gas": receipt.gas_used})
        return True

    def run(
        self,
        interval: int,
        wait: float,
        stop: threading.Event,
        rounds: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> int:
        """Round after round, `wait` seconds after each common moment; returns how many it sent."""
        sent = done = 0
        while not stop.is_set() and (rounds is None or done < rounds):
            at = next_round(clock(), interval)
            if stop.wait(max(0.0, at + wait - clock())):
                break
            try:
                sent += self.round(at, int(clock()))
            except (ChainError, OSError) as problem:  # the node: the next round tries again
                self.tell({"at": at, "event": "failed", "why": str(problem)})
            done += 1
        return sent
