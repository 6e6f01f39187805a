"""Setting the stage: the market deployed, liquidity in, everybody with money, time at the start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.rpc import Call
from bulkhead.demo.mirror import Mined, Mirror, differences
from bulkhead.demo.settings import Settings
from bulkhead.deploy.local import deploy_local
from bulkhead.deploy.system import System
from bulkhead.errors import BulkheadError
from bulkhead.model import MarketModel, Params
from bulkhead.model.wad import WAD
from bulkhead.sim.feed import Feed
from bulkhead.sim.moves import Move

LIQUIDITY = (10, 6, 4)  # what each provider brings, of twentieths of the planned NAV
INSURANCE_PARTS = 400  # the fund starts with this part of the planned NAV
PURSE_PARTS = 10  # each trader has this part of it
LEAVE_AT_PERCENT = 85  # of the path: when the leaver's shares are due
HEARTBEAT = 3_000  # seconds between prices before the path begins
BACKSTAGE = 8  # deployer, governance, guardian, treasury, keeper, and the providers
UNLIMITED = 2**256 - 1


@dataclass
class Stage:
    """Everything a run needs. `leave_at` is when one provider asks to leave (unix seconds)."""

    system: System
    params: Params
    mirror: Mirror
    reporter: str
    keeper: str
    providers: list[str]
    traders: list[str]
    leave_at: int
    seconds: float = 0.0
    leaving: bool = False  # whether the leaver has asked
    holders: list[str] = field(default_factory=list)
    _vaults: list[str] = field(default_factory=list)

    def vaults(self) -> list[str]:
        """Addresses of all positions' vaults, by id."""
        twin = self.mirror.twin
        for id_ in range(len(self._vaults) + 1, twin.state.next_id):
            self._vaults.append(twin.core.vault(id_))
        return self._vaults

    @property
    def leaver(self) -> str:
        """The liquidity provider who asks for everything back."""
        return self.providers[-1]

    def ask_to_leave(self) -> bool:
        """The leaver asks when it is time. Whether it did just now."""
        twin = self.mirror.twin
        shares = twin.pool.shares.get(self.leaver, 0)
        if self.leaving or twin.now < self.leave_at or not shares:
            return False
        args = (shares, self.leaver, self.leaver)
        self.mirror.do(Move(self.leaver, "request_redeem", args, "asks to leave"))
        self.leaving = True
        return True


@dataclass(frozen=True)
class Schedule:
    """When things happen before the path begins (unix seconds)."""

    genesis: int
    leave_at: int

    @classmethod
    def of(cls, settings: Settings) -> Schedule:
        """The leaver's request must be due inside the path, and deposits priced before it."""
        pool, path = settings.market.pool, settings.path
        due = path.times[0] + path.duration * LEAVE_AT_PERCENT // 100
        leave_at = due - pool.redeem_delay
        setting_up = 3_600 + len(LIQUIDITY) * (pool.deposit_delay + pool.pricing_wait + 60)
        return cls(min(leave_at, path.times[0]) - setting_up, leave_at)


def _twin(system: System, settings: Settings, params: Params) -> MarketModel:
    """The twin of the market as it was listed, at the block of its creation."""
    config = system.market.config()
    state = system.market.state()
    twin = MarketModel(
        params,
        settings.market.token.decimals,
        initial_mark=config.initialMark,
        initial_variance=settings.market.listing.volatility**2 // WAD,
        now=state.accruedAt,
        max_reward=config.maxReward,
        market=system.market.address,
        pool=system.pool.address,
        fund=system.fund.address,
        order_book=system.market.ORDER_BOOK(),
        token=system.token.address,
        timelock=system.people.governance,
        guardian=system.people.guardian,
    )
    known: dict[int, str] = {}

    def vault(id_: int) -> str:
        if id_ not in known:
            known[id_] = system.market.vaultOf(id_)
        return known[id_]

    twin.core.vault_address = vault
    return twin


def _fund(stage: Stage, planned: int) -> None:
    """Tokens and allowances, on the chain and on the twin."""
    system, twin = stage.system, stage.mirror.twin
    purses = dict.fromkeys(stage.traders, planned // PURSE_PARTS)
    for account, part in zip(stage.providers, LIQUIDITY, strict=True):
        purses[account] = planned * part // sum(LIQUIDITY)
    purses[system.fund.address] = planned // INSURANCE_PARTS
    calls: list[Call] = []
    for account, amount in purses.items():
        calls.append(system.token.mint.prepare(account, amount, sender=stage.keeper, gas=200_000))
        twin.give(account, amount)
    spenders = [(account, system.market) for account in stage.traders]
    spenders += [(account, system.pool) for account in stage.providers]
    for account, spender in spenders:
        approve = system.token.approve
        calls.append(approve.prepare(spender.address, UNLIMITED, sender=account, gas=200_000))
    for receipt in system.rpc.send_all(calls):
        if not receipt.ok:
            raise BulkheadError(f"setting the stage failed in transaction {receipt.hash}")


def _mine(stage: Stage) -> list[Mined]:
    mined = stage.mirror.mine()
    problems = [*differences(mined), *(one.played.move.text for one in mined if not one.receipt.ok)]
    if problems:
        raise BulkheadError(f"setting the stage failed: {problems[0]}")
    return mined


def _heartbeat(stage: Stage, at: int, answer: int) -> None:
    stage.mirror.begin(at)
    stage.mirror.do(Move(stage.reporter, "push", (answer, at)))
    stage.mirror.do(Move(stage.keeper, "accrue"))


def _bring_liquidity(stage: Stage, settings: Settings) -> None:
    """Each provider asks; buckets are priced one after the other; each takes its shares."""
    mirror, delay = stage.mirror, settings.market.pool.deposit_delay
    answer = settings.path.answers[0]
    _heartbeat(stage, mirror.twin.now + 60, answer)
    for account in stage.providers:
        amount = mirror.twin.balance(account)
        mirror.do(Move(account, "request_deposit", (amount, account, account)))
    _mine(stage)
    waiting = dict.fromkeys(stage.providers)
    while waiting:
        _heartbeat(stage, mirror.twin.now + delay + 12, answer)
        for account in list(waiting):
            assets = mirror.twin.pool.deposits.folded(account).assets
            if assets:
                mirror.do(Move(account, "deposit", (assets, account, account)))
                del waiting[account]
        _mine(stage)


def _wait(stage: Stage, settings: Settings) -> None:
    """Quiet hours until the path begins; the feed keeps its heartbeat, the leaver asks."""
    path, mirror = settings.path, stage.mirror
    while path.times[0] - mirror.twin.now > HEARTBEAT:
        following = mirror.twin.now + HEARTBEAT
        if mirror.twin.now < stage.leave_at < following:
            following = stage.leave_at
        _heartbeat(stage, following, path.answers[0])
        stage.ask_to_leave()
        _mine(stage)


def set_stage(settings: Settings, chain: Anvil, say: Callable[[str], None]) -> Stage:
    """Deploy, fund, bring liquidity, and wait until the path begins."""
    started = time.monotonic()
    planned = settings.market.pool.max_open_interest * WAD // settings.market.pool.max_utilisation
    say("deploying")
    backstage = chain.accounts[settings.positions :]
    answer = settings.path.answers[0]
    system, local = deploy_local(chain.rpc, settings.market, backstage, answer)
    feed = Feed(settings.market, system.oracle.LOOK_BACK())
    for number in range(1, local.aggregator.latestRound() + 1):
        _, value, _, at, _ = local.aggregator.getRoundData(number)
        feed.push(value, at)
    twin = _twin(system, settings, system.params)
    stage = Stage(
        system=system,
        params=system.params,
        mirror=Mirror(system, local.aggregator, twin, feed),
        reporter=backstage[0],
        keeper=backstage[4],
        providers=backstage[5:],
        traders=chain.accounts[: settings.positions],
        leave_at=Schedule.of(settings).leave_at,
    )
    stage.holders = list(dict.fromkeys([*stage.traders, *backstage, *system.holders()]))
    unit = twin.core.cfg.unit
    say("funding traders, providers and the insurance fund")
    _fund(stage, planned // unit)
    twin.now = chain.rpc.time()
    _bring_liquidity(stage, settings)
    _wait(stage, settings)
    stage.seconds = time.monotonic() - started
    return stage


@contextmanager
def local_chain(settings: Settings) -> Iterator[Anvil]:
    """A chain of its own, whose time starts before the path."""
    genesis = Schedule.of(settings).genesis
    with Anvil(accounts=settings.positions + BACKSTAGE, timestamp=genesis) as chain:
        yield chain
