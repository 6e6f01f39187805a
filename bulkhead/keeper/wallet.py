"""Sending transactions so that each is made once, whatever happens in between.

A transaction is signed and journaled before it is sent. The same signed bytes can be sent any
number of times and be mined once, so what is under way is simply sent again: after a crash, after
a node forgot its pool, after a re-org. What is stuck is replaced at the same nonce with higher
fees, or withdrawn at the same nonce. One process to an account.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from bulkhead.chain.errors import RpcError
from bulkhead.chain.wire import Log, log_of
from bulkhead.keeper import names
from bulkhead.keeper.decide import Action, Policy, Purse
from bulkhead.keeper.fees import TRANSFER_GAS, Fees, GasPrice, bump
from bulkhead.keeper.journal import UNDER_WAY, Entry, Journal, State
from bulkhead.keeper.metrics import Metrics
from bulkhead.keeper.node import Head, NodeDown, NodeRpc
from bulkhead.keeper.order_index import id_of

log = logging.getLogger("bulkhead.keeper.wallet")
WITHDRAW = "withdraw"  # kind of a transaction that only uses up a nonce
KNOWN = ("already known", "already imported", "known transaction")
PASSED = ("nonce too low", "nonce is too low", "invalid nonce", "oldnonce")


class SendRefused(RpcError):
    """The node refused a transaction."""


@dataclass(frozen=True)
class Signed:
    """A signed transaction, as eth-account has it."""

    raw_transaction: bytes


class Signer(Protocol):
    """Whatever signs: a key of eth-account, or another framework's account."""

    @property
    def address(self) -> str:
        """Hex."""

    def sign_transaction(self, fields: dict[str, Any], /) -> Any:
        """Something with `raw_transaction`."""


@dataclass(frozen=True)
class Patience:
    """Blocks to wait."""

    bump_after: int = 3  # until a transaction that is not mined bids more
    public_after: int = 2  # until one sent privately is sent publicly; 0: never
    confirmations: int = 12  # until a mined one is final
    forget_after: int = 50  # until one whose nonce was used by something unknown is dropped


@dataclass(frozen=True)
class Paid:
    """What a mined transaction did for us."""

    entry: Entry
    ok: bool
    ids: tuple[int, ...]  # liquidated, filled, released or advanced by it
    reward: int  # token units
    cost: int  # wei


Worthwhile = Callable[[Entry], bool]  # would this transaction, mined now, still do something?


def _earned(raw: Log, contract: str, account: str) -> tuple[int, int] | None:
    """What an event says we did: an id and what it paid (token units)."""
    if raw.address != contract:
        return None
    event = names.market_events().event(raw)
    if event and event.name == names.CHANGED and event.action in names.LIQUIDATED:
        return event.id, event.payout
    event = names.book_events().event(raw)
    if event and event.name in (names.FILLED, names.RELEASED):
        ours = event.keeper.lower() == account
        return (id_of("0x" + event.orderHash.hex()), event.fee) if ours else None
    if event and event.name == names.ADVANCED:
        return id_of("0x" + event.orderHash.hex()), 0
    return None


class Wallet:
    """One key on one chain."""

    def __init__(
        self,
        key: Signer,
        rpc: NodeRpc,
        journal: Journal,
        metrics: Metrics,
        *,
        private: NodeRpc | None = None,
        patience: Patience | None = None,
        window_secs: float = 86_400,
    ) -> None:
        """`private`: where transactions go instead of the public pool."""
        self.key, self.rpc, self.journal, self.metrics = key, rpc, journal, metrics
        self.private = private
        self.patience = patience or Patience()
        self.window_secs = window_secs
        self.chain_id = rpc.chain_id()
        self.address: str = key.address.lower()

    # ---- money

    def purse(self) -> Purse:
        """What there is to spend, now."""
        balance = self.rpc.balance(self.address)
        spent = self.journal.spent(time.time() - self.window_secs)
        waiting = groupby(self.journal.find(*UNDER_WAY), key=lambda entry: entry.nonce)
        reserved = sum(max(entry.worst for entry in same) for _, same in waiting)
        return Purse(balance, spent, reserved)

    # ---- sending

    def taken(self, market: str) -> frozenset[int]:
        """Positions that transactions under way are on."""
        found = self.journal.find(*UNDER_WAY)
        return frozenset(id_ for one in found if one.market == market for id_ in one.ids)

    def next_nonce(self) -> int:
        """After the chain's and after what is under way."""
        waiting = [entry.nonce + 1 for entry in self.journal.find(*UNDER_WAY)]
        return max([self.rpc.nonce(self.address), *waiting])

    def send(self, action: Action, to: str, data: bytes, head: Head) -> Entry:
        """Signs, journals and sends. Raises `SendRefused` where the node refuses it; where the
        node does not answer it stays under way, to be sent again."""
        return self._send(
            self.next_nonce(),
            action.fees,
            head,
            to=to,
            data=data,
            gas=action.gas_limit,
            market=action.market,
            kind=action.kind.value,
            ids=action.ids,
            reward=action.reward,
            worst=action.worst,
        )

    def _send(
        self,
        nonce: int,
        fees: Fees,
        head: Head,
        *,
        to: str,
        data: bytes,
        gas: int,
        market: str,
        kind: str,
        ids: tuple[int, ...],
        reward: int,
        worst: int,
    ) -> Entry:
        signed = self.key.sign_transaction(
            {
                "type": 2,
                "chainId": self.chain_id,
                "nonce": nonce,
                "to": to_checksum_address(to),
                "data": data,
                "value": 0,
                "gas": gas,
                "maxFeePerGas": fees.most,
                "maxPriorityFeePerGas": fees.tip,
            }
        )
        raw = bytes(signed.raw_transaction)
        entry = Entry(
            hash="0x" + keccak(raw).hex(),
            nonce=nonce,
            market=market,
            kind=kind,
            ids=ids,
            to=to,
            data=data.hex(),
            raw="0x" + raw.hex(),
            gas_limit=gas,
            max_fee=fees.most,
            tip=fees.tip,
            worst=worst,
            reward=reward,
            state=State.SIGNED,
            sent_at=time.time(),
            sent_block=head.number,
        )
        self.journal.write(entry)
        return self._submit(entry, head)

    def _submit(self, entry: Entry, head: Head) -> Entry:
        """Hands signed bytes to the node; any number of times."""
        waited = head.number - entry.sent_block
        private = self.private
        if private and self.patience.public_after and waited >= self.patience.public_after:
            private = None
        try:
            (private or self.rpc).request("eth_sendRawTransaction", entry.raw)
        except NodeDown as problem:
            log.warning("not sure it was sent", extra={"hash": entry.hash, "why": str(problem)})
            return entry
        except RpcError as problem:
            text = problem.message.lower()
            if any(known in text for known in KNOWN):
                return self.journal.set(entry, state=State.SENT)
            if any(passed in text for passed in PASSED):
                return entry  # mined already, or replaced: `tend` finds out
            if entry.state is State.SIGNED:
                self.journal.set(entry, state=State.DROPPED)
                self.metrics.ended.labels(State.DROPPED.value).inc()
                raise SendRefused(problem.code, problem.message) from None
            log.warning("not taken again", extra={"hash": entry.hash, "why": problem.message})
            return entry
        if entry.state is State.SIGNED:
            self.metrics.sent.labels(entry.market, entry.kind).inc()
        return self.journal.set(entry, state=State.SENT)

    # ---- tending what is under way

    def tend(
        self, head: Head, price: GasPrice, policy: Policy, worthwhile: Worthwhile
    ) -> Iterator[Paid]:
        """Takes note of what was mined or undone, sends again what got lost, replaces what is
        stuck, fills gaps of nonces. Go through it once a block: each transaction that was mined
        comes as soon as the journal has it, so that no later trouble hides it."""
        self._recheck(head)
        waiting = self.journal.find(*UNDER_WAY)
        used = self.rpc.nonce(self.address)
        for nonce, same in groupby(waiting, key=lambda entry: entry.nonce):
            entries = list(same)
            done = self._mined(entries)
            if done is not None:
                yield done
            elif nonce < used:
                yield from self._passed(nonce, entries, head)
            else:
                self._push(entries, head, price, policy, worthwhile)
        self._fill_gaps(used, head, price, policy)
        self.metrics.pending.set(len(self.journal.find(*UNDER_WAY)))

    def _mined(self, entries: Iterable[Entry]) -> Paid | None:
        siblings = list(entries)
        for entry in siblings:
            found = self.rpc.request("eth_getTransactionReceipt", entry.hash)
            if found is None or found.get("blockNumber") is None:
                continue
            paid = self._paid(entry, found)
            self.journal.mined(
                entry,
                siblings,
                block=int(found["blockNumber"], 16),
                block_hash=found["blockHash"],
                cost=paid.cost,
                reward=paid.reward,
            )
            self.metrics.ended.labels("mined" if paid.ok else "reverted").inc()
            self.metrics.spent.inc(paid.cost)
            return paid
        return None

    def _paid(self, entry: Entry, receipt: dict[str, Any]) -> Paid:
        gas, per_gas = int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16)
        cost = gas * per_gas + int(receipt.get("l1Fee") or "0x0", 16)
        ids, reward = [], 0
        for raw in receipt["logs"]:
            found = _earned(log_of(raw), entry.market, self.address)
            if found is not None:
                ids.append(found[0])
                reward += found[1]
        return Paid(entry, int(receipt["status"], 16) == 1, tuple(ids), reward, cost)

    def _recheck(self, head: Head) -> None:
        """Mined transactions whose block was undone are under way again; old ones are final."""
        for entry in self.journal.find(State.MINED):
            assert entry.block is not None
            there = self.rpc.head(entry.block)
            if there is None or there.hash != entry.block_hash:
                log.warning("undone by a re-org", extra={"hash": entry.hash})
                self.journal.set(
                    entry, state=State.SENT, block=None, block_hash=None, cost=None,
                    sent_block=head.number,
                )  # fmt: skip
                self.metrics.ended.labels("undone").inc()
            elif head.number - entry.block >= self.patience.confirmations:
                self.journal.set(entry, state=State.FINAL)

    def _passed(self, nonce: int, entries: list[Entry], head: Head) -> list[Paid]:
        """The nonce is used, but not by what is under way: by an older bid for it, or by nobody
        we know."""
        done = self._mined(self.journal.of_nonce(nonce))
        if done is not None:
            return [done]
        if head.number - entries[-1].sent_block >= self.patience.forget_after:
            for entry in entries:
                self.journal.set(entry, state=State.DROPPED)
                log.error("nonce used by something unknown", extra={"nonce": nonce})
                self.metrics.ended.labels(State.DROPPED.value).inc()
        return []

    def _push(
        self,
        entries: list[Entry],
        head: Head,
        price: GasPrice,
        policy: Policy,
        worthwhile: Worthwhile,
    ) -> None:
        """Not mined yet: make sure the node has it; when it has waited long, bid more for it, or
        withdraw it if it would do nothing any more."""
        newest = entries[-1]
        if head.number - newest.sent_block >= self.patience.bump_after:
            useful = newest.kind == WITHDRAW or worthwhile(newest)
            if self._replace(newest, head, price, policy, withdraw=not useful):
                return
        known = self.rpc.request("eth_getTransactionByHash", newest.hash)
        if known is None:
            self._submit(newest, head)

    def _replace(
        self, old: Entry, head: Head, price: GasPrice, policy: Policy, *, withdraw: bool
    ) -> bool:
        fees = bump(old.fees, price, policy.caps)
        if fees is None:
            log.info("fee cap reached", extra={"hash": old.hash, "max_fee": old.max_fee})
            return False
        gas = TRANSFER_GAS if withdraw else old.gas_limit
        worst = gas * fees.most + price.l1(len(old.raw) // 2)
        purse = self.purse()
        if worst - old.worst > purse.left(policy.budget):
            log.info("no budget to replace", extra={"hash": old.hash, "worst": worst})
            return False
        why = WITHDRAW if withdraw else "stuck"
        log.info("replacing", extra={"hash": old.hash, "why": why, "fees": str(fees)})
        self.metrics.replaced.labels(why).inc()
        to, data = (self.address, b"") if withdraw else (old.to, bytes.fromhex(old.data))
        kind = WITHDRAW if withdraw else old.kind
        try:
            self._send(
                old.nonce, fees, head, to=to, data=data, gas=gas, market=old.market, kind=kind,
                ids=() if withdraw else old.ids, reward=old.reward, worst=worst,
            )  # fmt: skip
        except SendRefused as problem:
            log.warning("replacement refused", extra={"hash": old.hash, "why": str(problem)})
            return False
        return True

    def _fill_gaps(self, used: int, head: Head, price: GasPrice, policy: Policy) -> None:
        """Nonces that nothing under way uses, below some that are: nothing after them can be
        mined, so they are used up."""
        waiting = {entry.nonce for entry in self.journal.find(*UNDER_WAY)}
        settled = {entry.nonce for entry in self.journal.find(State.MINED)}  # a node that lags
        for nonce in range(used, max(waiting, default=used)):
            if nonce in waiting | settled:
                continue
            fees = Fees(2 * price.base + price.tip, price.tip)
            worst = TRANSFER_GAS * fees.most + price.l1(0)
            if fees.most > policy.caps.max_fee or worst > self.purse().left(policy.budget):
                log.warning("no budget to fill a gap", extra={"nonce": nonce, "worst": worst})
                return
            log.warning("filling a gap of nonces", extra={"nonce": nonce})
            self.metrics.replaced.labels("gap").inc()
            try:
                self._send(
                    nonce, fees, head, to=self.address, data=b"", gas=TRANSFER_GAS, market="",
                    kind=WITHDRAW, ids=(), reward=0, worst=worst,
                )  # fmt: skip
            except SendRefused as problem:  # what waits above it is still tended
                log.warning("gap not filled", extra={"nonce": nonce, "why": str(problem)})
                return
