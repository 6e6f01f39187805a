"""Before the first price: tokens for everybody, liquidity in the pool, a fund that can pay."""

from __future__ import annotations

from bulkhead.deploy.schema import MarketFile
from bulkhead.errors import BulkheadError
from bulkhead.model.wad import WAD
from bulkhead.sim.backend import Backend, Done
from bulkhead.sim.crowd import Crowd, purses
from bulkhead.sim.moves import Move
from bulkhead.sim.scenario import Cast, Scenario

MARGIN_SECS = 600  # between the listing and the first move
SETTLE_SECS = 24  # after a bucket is due, until it is priced
HEARTBEAT = 3_000


def set_up_secs(market: MarketFile, providers: int) -> int:
    """How long before the first price a market must be listed, so that its liquidity is in."""
    rounds = min(providers, 2) + 1
    return MARGIN_SECS + rounds * (market.pool.deposit_delay + 2 * SETTLE_SECS)


def planned_nav(market: MarketFile) -> int:
    """NAV that the caps are made for (Wad)."""
    return market.pool.max_open_interest * WAD // market.pool.max_utilisation


def _must(done: list[Done]) -> None:
    for one in done:
        if one.error:
            raise BulkheadError(f"setting the stage failed: {one.move.text}: {one.error}")


def prepare(
    backend: Backend, scenario: Scenario, cast: Cast, crowd: Crowd, *, start: int, answer: int
) -> None:
    """Everything that must be there at `start` (unix seconds), the first price being `answer`."""
    unit, planned = backend.cfg.unit, planned_nav(scenario.market)
    money = purses(crowd, backend.cfg)
    for account, terms in zip(cast.providers, scenario.providers, strict=True):
        money[account] = int(planned * scenario.liquidity * terms.share) // unit
    money["fund"] = int(planned * scenario.insurance) // unit
    money[cast.attacker] = int(2 * scenario.attacker.capital * WAD) // unit
    backend.give({account: amount for account, amount in money.items() if amount})
    now = start - set_up_secs(scenario.market, len(cast.providers)) + MARGIN_SECS
    _must(backend.play(now, _price(cast, now, answer) + _deposits(backend, cast)))
    waiting = list(cast.providers)
    while waiting:
        now += scenario.market.pool.deposit_delay + SETTLE_SECS
        _must(backend.play(now, _price(cast, now, answer)))
        ready = [account for account in waiting if backend.claimable(account)]
        claims = [_claim(backend, account) for account in ready]
        _must(backend.play(now + 1, claims) if claims else [])
        waiting = [account for account in waiting if account not in ready]
    if now + 1 >= start:
        raise BulkheadError(f"liquidity came at {now + 1}, after the first price at {start}")


def _claim(backend: Backend, account: str) -> Move:
    return Move(account, "deposit", (backend.claimable(account), account, account))


def _price(cast: Cast, time: int, answer: int) -> list[Move]:
    return [Move(cast.reporter, "push", (answer, time)), Move(cast.keepers[0], "accrue")]


def _deposits(backend: Backend, cast: Cast) -> list[Move]:
    return [
        Move(account, "request_deposit", (backend.balance(account), account, account))
        for account in cast.providers
    ]
