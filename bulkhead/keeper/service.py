"""The keeper's loop: watch, tend, look, decide, act; again at the next block."""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bulkhead.chain.abi import AbiError
from bulkhead.chain.contract import at
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.errors import BadInput
from bulkhead.keeper import names
from bulkhead.keeper.act import Actor, Sent, rehearse
from bulkhead.keeper.calls import BookCalls, Calls, MarketCalls
from bulkhead.keeper.decide import Action, Decision, Kind, Policy, Purse, Skip, Why, decide
from bulkhead.keeper.decide_orders import OrderSight, decide_orders
from bulkhead.keeper.fees import Fees, GasPrice
from bulkhead.keeper.journal import Entry, Journal
from bulkhead.keeper.logs import SkipLog
from bulkhead.keeper.market import MarketNode, MarketPlace
from bulkhead.keeper.metrics import Health, Metrics
from bulkhead.keeper.node import Head, NodeRpc, shown
from bulkhead.keeper.order_seat import OrderSeat
from bulkhead.keeper.prices import DataFee, NativePrice, data_fee, gas_price
from bulkhead.keeper.seat import Seat
from bulkhead.keeper.settings import KeeperSettings
from bulkhead.keeper.store import Store, open_engine
from bulkhead.keeper.terms import Moment
from bulkhead.keeper.wallet import Paid, Signer, Wallet
from bulkhead.keeper.watch import Watch
from bulkhead.model.wad import WAD

log = logging.getLogger("bulkhead.keeper.service")
PASSES = (ChainError, AbiError, SQLAlchemyError)  # what a later look may find mended
LONGEST_WAIT = 30.0  # seconds between looks while they fail
NAP = 0.5  # seconds
VIEWER = "0x" + "11" * 20  # rehearses in a dry run
RACES = 50  # that the win rate is measured over
RACED = ("liquidate", "execute")  # kinds that only the first is paid for
PURSE_OF_NOBODY = Purse(10**30)


class WalletSender:
    """The wallet, at the block that was looked at."""

    def __init__(self, wallet: Wallet, head: Head) -> None:
        self.wallet, self.head = wallet, head

    @property
    def address(self) -> str:
        """The account's."""
        return self.wallet.address

    def send_action(self, action: Action, to: str, data: bytes) -> str:
        """Signed, journaled, sent."""
        return self.wallet.send(action, to, data, self.head).hash


@dataclass(frozen=True)
class Look:
    """What came of one look at one market."""

    head: Head
    decision: Decision
    sent: tuple[Sent, ...]
    skips: tuple[Skip, ...]


@dataclass(frozen=True)
class Work:
    """The terms of one look's actions."""

    head: Head
    unit: int  # Wad in one token unit
    price: GasPrice
    policy: Policy


class Keeper:
    """Keeps markets of one chain with one account, or with none."""

    def __init__(self, settings: KeeperSettings, signer: Signer | None = None) -> None:
        """Connects and checks everything that was set; raises `BadInput` where it can't work.
        `signer` signs instead of the key that is set."""
        self.settings = settings
        self.metrics = Metrics()
        self.health = Health(settings.health_secs)
        self.skips = SkipLog()
        key: Signer | None = signer or settings.account()
        places = settings.places()
        native = settings.native
        self.engine = open_engine(settings.database)
        self.rpc = self._connect("node", settings.node)
        self.chain_id = self.rpc.chain_id()
        self._check_prices(native)
        self.second = self._other("second_node", settings.second_node)
        private = self._other("private_node", settings.private_node)
        self.wallet: Wallet | None = None
        if key is not None:
            account = f"{self.chain_id}:{key.address.lower()}"
            self.wallet = Wallet(
                key,
                self.rpc,
                Journal(self.engine, account),
                self.metrics,
                private=private,
                patience=settings.patience,
                window_secs=float(settings.budget_hours) * 3_600,
            )
        self.native = native
        self.name = self.wallet.address if self.wallet else f"{socket.gethostname()}:{os.getpid()}"
        self.seats = [self._seat(place) for place in places]
        self._tended = ""
        self.stopping = False

    # ---- setting up

    def _connect(self, what: str, url: str) -> NodeRpc:
        rpc = NodeRpc(url, self.settings.timeout_secs, self.metrics)
        try:
            rpc.chain_id()
        except ChainError as problem:
            raise BadInput(what, shown(url), f"no node answers there: {problem}") from None
        return rpc

    def _other(self, what: str, url: str | None) -> NodeRpc | None:
        if url is None:
            return None
        rpc = NodeRpc(url, self.settings.timeout_secs, self.metrics)
        if what == "private_node":  # relays answer to little else than transactions
            return rpc
        rpc = self._connect(what, url)
        if rpc.chain_id() != self.chain_id:
            text = f"{shown(url)} is chain {rpc.chain_id()}"
            raise BadInput(what, text, f"chain {self.chain_id}")
        return rpc

    def _check_prices(self, native: NativePrice) -> None:
        """A feed or a chain that does not answer what is set is found before any work."""
        try:
            native.read(self.rpc, lambda: WAD)
        except (Reverted, AbiError) as problem:
            raise BadInput("native_price", native.source, f"it is no feed: {problem}") from None
        kind = self.settings.data_fee
        try:
            data_fee(self.rpc, kind)
        except (Reverted, AbiError) as problem:
            limit = f"this chain does not answer: {problem}"
            raise BadInput("data_fee", kind.value, limit) from None

    def _seat(self, place: MarketPlace) -> Seat:
        try:
            node = MarketNode(self.rpc, place)
        except (Reverted, AbiError, AttributeError) as problem:
            raise BadInput("market", place.market, f"it is no market: {problem}") from None
        store = Store(self.engine, f"{self.chain_id}:{place.market}", self.settings.reorg_depth)
        watch = Watch(node, store, self.metrics, max_range=self.settings.max_log_range)
        claims = Store(self.engine, f"{self.chain_id}:{node.book.address}")
        orders = OrderSeat(node, watch, claims, self.metrics)
        return Seat(node, watch, store, self.metrics, orders)

    # ---- one look

    def tick(self) -> list[Look]:
        """Looks at every market once and acts. One market's trouble is raised after the others
        had their turn; it is one of `PASSES`."""
        looks, problems = [], []
        for seat in self.seats:
            try:
                looks.append(self._look(seat))
            except PASSES as problem:
                problems.append(problem)
                extra = {"market": seat.node.address, "kind": type(problem).__name__}
                log.error("market failed", extra={**extra, "why": str(problem)})
        if problems:
            raise problems[0]
        self.health.good()
        return looks

    def _look(self, seat: Seat) -> Look:
        market, started = seat.node.address, time.perf_counter()
        head = seat.watch.advance()
        self.metrics.lag.set(max(0.0, time.time() - head.time))
        if head.hash == seat.done:
            return Look(head, Decision((), ()), (), ())
        seat.watch.audit(head, self.settings.audit_ids)
        view = seat.node.view(head)
        price = self._price(head, view.state.mark)
        self._tend(head, price)
        taken = self._taken(seat.store, market)
        sight, skips = seat.see(head, view, taken, self.settings)
        purse = self.wallet.purse() if self.wallet else PURSE_OF_NOBODY
        policy = self.settings.policy(self._win_rate())
        left = max(0, purse.left(policy.budget))
        self.metrics.balance.set(purse.balance if self.wallet else 0)
        self.metrics.budget_left.set(left if self.wallet else 0)
        decision = decide(sight, price, purse, policy)
        calls = MarketCalls(seat.node.contract)
        work = Work(head, seat.node.cfg.unit, price, policy)
        sent, more = self._act(calls, decision, work, left)
        everything = [*skips, *decision.skips, *more]
        self._note(market, everything, sent)
        if self.settings.orders:
            more_sent, left_undone = self._keep_orders(seat, view, work)
            sent, everything = [*sent, *more_sent], [*everything, *left_undone]
        moment = Moment.of_state(view.state)
        if seat.watch.index.drifted(moment):
            seat.watch.index.rebuild(moment)
            self.metrics.rebuilds.labels(market).inc()
        seat.done = head.hash
        self.metrics.ticks.labels(market).inc()
        self.metrics.tick_seconds.labels(market).observe(time.perf_counter() - started)
        return Look(head, decision, tuple(sent), tuple(everything))

    def _keep_orders(self, seat: Seat, view: Any, work: Work) -> tuple[list[Sent], list[Skip]]:
        """Orders come after liquidations, with what those left of the purse."""
        desk = seat.orders
        journal = self.wallet.journal if self.wallet else None
        taken = self._taken(desk.claims, desk.address)
        sight, skips = desk.see(work.head, view, taken, self.settings, journal)
        purse = self.wallet.purse() if self.wallet else PURSE_OF_NOBODY
        decision = decide_orders(sight, work.price, purse, work.policy)
        left = max(0, purse.left(work.policy.budget))
        sent, more = self._act(desk.calls(sight), decision, work, left)
        kept = desk.put_off(sight, more, work.head, view.state.publishedAt)
        ended, others = self._end_kept(desk, kept, work)
        over = {id_ for one in ended for id_ in one.action.ids} | {one.id for one in others}
        more = [one for one in more if one.id not in over]
        sent, everything = [*sent, *ended], [*skips, *decision.skips, *more, *others]
        self._note(desk.address, everything, sent)
        return sent, everything

    def _end_kept(
        self, desk: OrderSeat, kept: OrderSight, work: Work
    ) -> tuple[list[Sent], list[Skip]]:
        """Releases what the market refuses for its owner's reasons. What the book does not let go,
        or does not pay, is left with the market's reason."""
        purse = self.wallet.purse() if self.wallet else PURSE_OF_NOBODY
        decision = decide_orders(kept, work.price, purse, work.policy)
        left = max(0, purse.left(work.policy.budget))
        sent, skips = self._act(desk.calls(kept), decision, work, left)
        said = (Why.REVERTED, Why.UNPROFITABLE)
        return sent, [one for one in (*decision.skips, *skips) if one.why not in said]

    def _price(self, head: Head, mark: int) -> GasPrice:
        return gas_price(
            self.rpc,
            head,
            min_tip=self.settings.min_tip,
            max_tip=self.settings.policy().caps.max_tip,
            native=self.native,
            mark=lambda: mark,
            fee=DataFee(self.settings.data_fee),
        )

    def _win_rate(self) -> int:
        """Of the latest races, two won ones thought in so that one loss is no verdict (Wad)."""
        if self.wallet is None:
            return WAD
        won, all_ = self.wallet.journal.races(RACES)
        return (won + 2) * WAD // (all_ + 2)

    # ---- what is under way

    def _tend(self, head: Head, price: GasPrice) -> None:
        """Takes care of transactions under way, once a block."""
        if self.wallet is None or self._tended == head.hash:
            return
        policy = self.settings.policy()
        for paid in self.wallet.tend(head, price, policy, self._worthwhile):
            self._report(paid)
        self._tended = head.hash

    def _taken(self, claims: Store, contract: str) -> set[int]:
        """The positions or orders that transactions under way, and other keepers of this database,
        are on."""
        if self.wallet is None:
            return set()
        mine = self.wallet.taken(contract)
        claims.claim(mine, self.name, self.settings.claim_secs)
        return set(mine) | claims.claimed_by_others(self.name)

    def _claims(self, contract: str) -> tuple[Seat, Store, Calls] | None:
        """Whose a contract is, where claims on it are kept, and what it is called with."""
        for seat in self.seats:
            if seat.node.address == contract:
                return seat, seat.store, MarketCalls(seat.node.contract)
            if seat.orders.address == contract:
                return seat, seat.orders.claims, BookCalls(seat.node.book, {})
        return None

    def _worthwhile(self, entry: Entry) -> bool:
        """Whether a transaction under way would still do something."""
        found = self._claims(entry.market)
        if found is None:
            return False
        action = Action(
            Kind(entry.kind), entry.market, entry.ids, 0, entry.gas_limit,
            Fees(entry.max_fee, entry.tip), (0,) * len(entry.ids), 0, 0, entry.worst,
        )  # fmt: skip
        assert self.wallet is not None
        seen = rehearse(found[2], action, self.wallet.address, bytes.fromhex(entry.data))
        return bool(seen.done) or seen.refused  # a node that does not say is no reason

    def _report(self, paid: Paid) -> None:
        entry = paid.entry
        extra = {
            "hash": entry.hash,
            "market": entry.market,
            "ids": entry.ids,
            "done": paid.ids,
            "reward": paid.reward,
            "cost_wei": paid.cost,
        }
        log.info("mined" if paid.ok else "reverted", extra=extra)
        found = self._claims(entry.market)
        if found is not None:
            seat, claims, calls = found
            market = seat.node.address
            claims.release(entry.ids, self.name)
            self.metrics.rewards.labels(market).inc(paid.reward)
            if isinstance(calls, BookCalls):
                self.metrics.orders_done.labels(market, entry.kind).inc(len(paid.ids))
            else:
                self.metrics.liquidated.labels(market).inc(len(paid.ids))
        if entry.kind.startswith(RACED):
            gone = [id_ for id_ in entry.ids if id_ not in paid.ids]
            text = "mined without effect: somebody else was first, or the price came back"
            self._note(entry.market, [Skip(entry.market, id_, Why.LOST, text) for id_ in gone], [])

    # ---- acting

    def _act(
        self,
        calls: Calls,
        decision: Decision,
        work: Work,
        left: int,
    ) -> tuple[list[Sent], list[Skip]]:
        """Sends what was decided on one contract; what is left is claimed no longer."""
        found = self._claims(calls.contract.address)
        assert found is not None
        claims = found[1]
        actions, lost = self._claimed(claims, decision)
        actor = self._actor(calls, work.head)
        sent, more = actor.act(actions, work.unit, work.price, work.policy, left)
        if self.wallet:
            idle = {id_ for one in actions for id_ in one.ids}
            claims.release(idle - {id_ for one in sent for id_ in one.action.ids}, self.name)
        return sent, [*lost, *more]

    def _claimed(self, claims: Store, decision: Decision) -> tuple[list[Action], list[Skip]]:
        """Actions on what no other keeper of this database took meanwhile."""
        if self.wallet is None:
            return list(decision.actions), []
        kept, lost = [], []
        for action in decision.actions:
            won = claims.claim(action.ids, self.name, self.settings.claim_secs)
            if len(won) == len(set(action.ids)):
                kept.append(action)
                continue
            claims.release(won, self.name)
            text = "another keeper of this database was quicker"
            lost += [Skip(action.market, id_, Why.TAKEN, text) for id_ in action.ids]
        return kept, lost

    def _actor(self, calls: Calls, head: Head) -> Actor:
        sender = WalletSender(self.wallet, head) if self.wallet else None
        return Actor(calls, sender, VIEWER, self._elsewhere(calls))

    def _elsewhere(self, calls: Calls) -> Calls | None:
        """The same over the second node."""
        if self.second is None:
            return None
        if isinstance(calls, BookCalls):
            return BookCalls(at(self.second, names.BOOK, calls.contract.address), calls.orders)
        return MarketCalls(at(self.second, names.MARKET, calls.contract.address))

    def _note(self, market: str, skips: list[Skip], sent: list[Sent]) -> None:
        self.skips.note(market, skips)
        for skip in skips:
            self.metrics.skips.labels(market, skip.why.value).inc()
        for one in sent:
            extra = {
                "hash": one.hash,
                "market": market,
                "kind": one.action.kind.value,
                "ids": one.action.ids,
                "reward": one.action.reward,
                "profit_wad": one.action.profit,
            }
            log.info("sent", extra=extra)

    # ---- for ever

    def run(self, looks: int | None = None) -> None:
        """Until `stopping` is set (or so many looks); failures are logged and waited out."""
        failures = 0
        while not self.stopping and looks != 0:
            self.look_safely()
            failures = failures + 1 if self.health.problem else 0
            looks = looks - 1 if looks is not None else None
            if not self.stopping and looks != 0:
                self._wait(failures)

    def look_safely(self) -> list[Look]:
        """One look; trouble that may pass is logged and shown by `health`."""
        try:
            return self.tick()
        except PASSES as problem:
            self._failed(problem)
            return []

    def _failed(self, problem: Exception) -> None:
        kind = type(problem).__name__
        self.metrics.tick_errors.labels(kind).inc()
        self.health.bad(f"{kind}: {problem}")
        log.error("look failed", extra={"kind": kind, "why": str(problem)})

    def _wait(self, failures: int) -> None:
        secs = self.settings.poll_secs
        if failures:
            until = time.monotonic() + min(LONGEST_WAIT, secs * 2 ** min(failures - 1, 10))
            while not self.stopping and (left := until - time.monotonic()) > 0:
                time.sleep(min(left, NAP))  # who is told to stop does not wait it out
            return
        try:
            self.rpc.wait_for_block(secs)
        except ChainError as problem:
            self._failed(problem)

    def close(self) -> None:
        """Ends connections."""
        for rpc in (self.rpc, self.second, self.wallet.private if self.wallet else None):
            if rpc is not None:
                rpc.close()
        self.engine.dispose()
