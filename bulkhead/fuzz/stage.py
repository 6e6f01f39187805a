"""Stands markets up on an engine, each with its twin and its probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, at, events
from bulkhead.deploy import roles
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer
from bulkhead.deploy.system import ORDER_BOOK
from bulkhead.fuzz.engine import Engine
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.people import (
    ALICE,
    DELAY,
    DEPLOYER,
    EVE,
    GOVERNANCE,
    GUARDIAN,
    LP,
    LP2,
    NAMES,
    OPERATOR,
    PRICE,
    PURSE,
    START,
    TREASURY,
    USERS,
)
from bulkhead.fuzz.probe import Layout, numbers
from bulkhead.fuzz.slots import Slots, balance_slot
from bulkhead.fuzz.speech import meaning
from bulkhead.model import MarketModel, Reading
from bulkhead.model.core import Store
from bulkhead.model.errors import ModelError
from bulkhead.model.order_types import NAME, VERSION, Domain
from bulkhead.model.orders import OrderBook
from bulkhead.model.types import Params
from bulkhead.model.wad import WAD

FEE_TOKEN, HOOK_TOKEN, FALSE_TOKEN = "FeeToken", "HookToken", "FalseReturnToken"
REBASING_TOKEN, LISTING_TOKEN = "RebasingToken", "BlacklistToken"
ALIASED_TOKEN = "AliasedToken"  # has a second address
TOKENS = (  # of contracts/test/mocks: what a setting may name
    *("TestToken", LISTING_TOKEN, "NoReturnToken", FEE_TOKEN, HOOK_TOKEN, "ApproveZeroToken"),
    *("PausableToken", FALSE_TOKEN, REBASING_TOKEN, ALIASED_TOKEN),
)
HALTING = {"PausableToken": "setPaused", FALSE_TOKEN: "setManner"}  # what stops all payments
REFUSING = frozenset({LISTING_TOKEN, *HALTING})
SIGNER = "wallet"  # an owner who says which digests it signed
ACTOR = "actor"  # an owner who does in a margin call what it was told to do
LOCKED = frozenset({"liquidate", "liquidate_many"})  # while a margin call runs
MOLE = "mole"  # whom a hooked token tells of transfers, and who then calls back
BOOK_CALL, MOLE_CALLS = 9, 34  # which of its calls is the book's; how many there are
VARIANCE = WAD // 4
LENSES = {
    "market": "MarketLens",
    "preview": "PreviewLens",
    "liquidation": "LiquidationLens",
    "order": "OrderLens",
}
OWNER_CONTRACTS: dict[str, tuple[Any, ...]] = {
    ACTOR: ("ActingOwner",),
    SIGNER: ("SignerWallet",),  # it reverts in margin calls
    "burner": ("GasBurningOwner",),
    "bomber": ("ReturnBombOwner", True),
    "flooder": ("ReturnBombOwner", False),
    "healer": ("HealingOwner",),
}


@dataclass(frozen=True)
class Setting:
    """What a run draws: one market's decimals and parameters, and the token all share."""

    decimals: int
    params: tuple[Params, ...]  # one for each market
    token: str = "TestToken"  # of contracts/test/mocks
    contracts: bool = False  # owners that are contracts, with margin calls
    scale: int = 1  # all amounts are so many times as large

    def tokens(self, dollars: int) -> int:
        """Token units of so many dollars of a market of scale 1."""
        return int(dollars * self.scale * 10**self.decimals)


class Site:
    """One market: its contracts, its twin, its probe."""

    def __init__(
        self,
        hand: Deployer,
        token: Contract,
        setting: Setting,
        params: Params,
        people: Sequence[str],
        providers: Sequence[str],
    ) -> None:
        self.token = token
        self.oracle = hand.create("SettableOracle", PRICE)
        self.params = replace(params, oracle=self.oracle.address, treasury=TREASURY)
        self.listed = self.params  # whatever governance changes later
        self.authority = hand.create("Authority", DEPLOYER)
        names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
        self.codes = codes = tuple([hand.code(name) for name in names])
        self.book_code = book_code = hand.code(ORDER_BOOK["order_book"])
        factory = hand.create("MarketFactory", *(keccak(code) for code in (*codes, book_code)))
        self.factory = factory.address
        receipt = factory.createMarket(
            *codes,
            token.address,
            self.authority.address,
            abi(self.params),
            VARIANCE,
            sender=DEPLOYER,
        )
        made = events(receipt, "MarketCreated", of=factory)[0]
        factory.createOrderBook(made.marketId, book_code, sender=DEPLOYER)
        self.number: int = made.marketId
        stand = (made.market, made.pool, made.fund, made.vaultImplementation, made.orderBook)
        self.places = tuple([where.lower() for where in stand])  # and the clones' implementation
        self.market = at(hand.rpc, "Market", made.market, artifacts=hand.artifacts)
        self.pool = at(hand.rpc, "LiquidityPool", made.pool, artifacts=hand.artifacts)
        self.fund: str = made.fund.lower()
        where = self.market.ORDER_BOOK()
        self.book = at(hand.rpc, "OrderBook", where, artifacts=hand.artifacts)
        roles.give(
            hand, self.authority, self.market, roles.People(GOVERNANCE, GUARDIAN, TREASURY, DELAY)
        )
        own = (self.pool.address, self.fund, self.market.address, self.book.address)
        self.system = (*own, TREASURY)  # probe.OWN counts them
        self.layout = Layout((*self.system, *people), tuple(providers))
        self.probe = hand.create(
            "StateProbe",
            self.market.address,
            self.pool.address,
            list(self.layout.holders),
            list(providers),
        )
        self.look = bytes(self.probe.look.encode())
        self.look_at_pool = bytes(self.probe.lookAtPool.encode())
        self.slots: Slots | None = None  # of an engine in this process
        self.successes = 0
        self.unseen = 0  # of them, since the views were asked
        self._vaults: dict[int, str] = {}
        self.twin = MarketModel(
            self.params,
            setting.decimals,
            initial_mark=PRICE,
            initial_variance=VARIANCE,
            now=START,
            market=self.market.address,
            pool=self.pool.address,
            fund=self.fund,
            order_book=made.orderBook.lower(),
            token=token.address,
            timelock=GOVERNANCE,
            guardian=GUARDIAN,
        )
        self.twin.core.vault_address = self.vault
        self.twin.core.contracts.add(self.twin.core.cfg.order_book)
        domain = Domain(NAME, VERSION, hand.rpc.chain_id(), self.book.address)
        self.orders = OrderBook(self.twin, domain)
        self.reading = Reading(PRICE, 0, START)
        self.twin.oracle = self.reading
        self.failure = 0

    def vault(self, id_: int) -> str:
        """The address of a position's vault."""
        found = self._vaults.get(id_)
        if found is None:
            found = self._vaults[id_] = str(self.market.vaultOf(id_)).lower()
        return found

    def named(self, number: int) -> dict[str, str]:
        """Names of this market's addresses."""
        tail = f" of market {number + 1}" if number else ""
        found = {self.pool.address: "pool", self.fund: "fund", self.market.address: "market"}
        found[self.book.address] = "book"
        found.update({where: f"vault {id_}" for id_, where in self._vaults.items()})
        return {where: name + tail for where, name in found.items()}


class Stage:
    """A chain with a token, people with money, and one or two markets."""

    def __init__(self, engine: Engine, setting: Setting, artifacts: Artifacts) -> None:
        self.engine, self.setting, self.artifacts = engine, setting, artifacts
        hand = Deployer(engine.rpc, DEPLOYER, artifacts=artifacts)
        self.token = hand.create(setting.token, setting.decimals)
        self.contracts: dict[str, Contract] = {}
        if setting.contracts:
            for name, (kind, *args) in OWNER_CONTRACTS.items():
                self.contracts[name] = hand.create(kind, *args)
        if setting.token == HOOK_TOKEN:
            self.contracts[MOLE] = hand.create("ReentrantActor")
        self.agents = {made.address: name for name, made in self.contracts.items()}
        self.people = (*USERS, *self.agents)
        # Where contracts own positions one provides too.
        wallet = self.contracts[SIGNER].address if setting.contracts else LP2
        self.providers = (LP, wallet)
        actor = self.contracts[ACTOR].address if setting.contracts else EVE
        self.operators = (OPERATOR, actor)  # whom providers may let act for them
        self.sites = [
            Site(hand, self.token, setting, params, self.people, self.providers)
            for params in setting.params
        ]
        for site in self.sites[1:]:
            _share(self.sites[0].twin, site.twin, site.orders)
        # What the actor does in a margin call, by market.
        self.plans: Store[str, tuple[Any, ...]] = Store(self.sites[0].twin.core.journal)
        for site in self.sites:
            site.twin.core.contracts.update(self.agents)
            for where, name in self.agents.items():
                site.twin.on_margin_call[where] = self._callee(name, where)
        self.lenses = {name: hand.create(name) for name in LENSES.values()}
        self.foreign = hand.create("TestToken", setting.decimals)
        # What everybody has of it, as it should be.
        self.foreign_held: Store[str, int] = Store(self.sites[0].twin.core.journal)
        self.second = self._second(hand)
        self._fund()
        self._find_slots()
        if MOLE in self.contracts:
            mole = self.contracts[MOLE].address
            self.send(self.token, "setHook", (mole, mole), DEPLOYER)
        self.ear = hand.create("ReentrantOwner")  # keeps what a call in a margin call answered

    def _fund(self) -> None:
        amount = self.setting.tokens(PURSE)
        for who in self.people:
            self.send(self.token, "mint", (who, amount), DEPLOYER)
            self.sites[0].twin.give(who, amount)
            for site in self.sites:
                for spender in (site.market, site.pool, site.book):
                    args = (spender.address, 2**256 - 1)
                    self.send(self.token, "approve", args, who)

    def _second(self, hand: Deployer) -> str:
        """The token's second address; empty where it has none."""
        if self.setting.token != ALIASED_TOKEN:
            return ""
        found = str(hand.create("DoubleEntryToken", self.token.address).address)
        self.send(self.token, "setAlias", (found,), DEPLOYER)
        for site in self.sites:
            site.twin.core.aliases.add(found)
        return found

    def foreign_to(self, to: str, amount: int) -> None:
        """Somebody is given of the other token."""
        self.foreign_held.put(to, self.foreign_held.get(to, 0) + amount)

    def foreign_swept(self, vault: str, to: str) -> None:
        """All that a vault has of it goes to somebody."""
        amount = self.foreign_held.get(vault, 0)
        self.foreign_held.put(vault, 0)
        self.foreign_to(to, amount)

    def _find_slots(self) -> None:
        storage, token = self.engine.storage, self.token.address
        if storage is None:
            return
        amount = self.setting.tokens(PURSE)
        found = balance_slot(storage, token, self.people[0], amount)
        if found is None:
            return
        for site in self.sites:
            places = (site.market.address, site.pool.address, token)
            ask = partial(self._pool_words, site)
            site.slots = Slots(storage, site.layout, places, found, site.vault, ask)

    def _pool_words(self, site: Site) -> tuple[int, ...]:
        found = self.engine.view(site.probe.address, site.look_at_pool)
        if not found.ok:
            raise Broken("I-50", f"a view of the pool fails: {meaning(found.data)}")
        return numbers(found.data)

    def send(self, to: Contract, name: str, args: tuple[Any, ...], sender: str) -> None:
        """A call that must succeed; contracts are told to make it."""
        data = getattr(to, name).encode(*args)
        where, data, sender = self.through(to.address, data, sender)
        found = self.engine.send(where, data, sender)
        if not found.ok:
            raise Broken("I-50", f"{name}{args} fails: {meaning(found.data)}")

    def _callee(self, name: str, where: str) -> Any:
        """What a contract does in a margin call, as the model is told."""

        def heal(model: MarketModel, id_: int, shortfall: int) -> None:
            amount = min(shortfall, model.balance(where))
            model.send(where, model.core.vault(id_), amount)

        def act(model: MarketModel, id_: int, shortfall: int) -> None:
            for name, *args in self.plans.get(model.core.market, ()):
                if name in LOCKED:
                    continue
                try:
                    getattr(model, name)(where, *args)
                except ModelError:
                    continue

        def nothing(model: MarketModel, id_: int, shortfall: int) -> None:
            return None

        return {"healer": heal, ACTOR: act}.get(name, nothing)

    def vault_at(self, where: str) -> Contract:
        """A position's vault."""
        return at(self.engine.rpc, "PositionVault", where, artifacts=self.artifacts)

    def fund_at(self, where: str) -> Contract:
        """An insurance fund."""
        return at(self.engine.rpc, "InsuranceFund", where, artifacts=self.artifacts)

    @property
    def signers(self) -> tuple[str, ...]:
        """Who signs orders: an account with its key, and a wallet."""
        wallet = self.contracts.get(SIGNER)
        return (ALICE, wallet.address) if wallet else (ALICE,)

    def through(self, to: str, data: bytes, sender: str) -> tuple[str, bytes, str]:
        """(to, data, sender) of a call by an account, or by a contract that is told to make it."""
        agent = self.agents.get(sender)
        if agent is None:
            return to, data, sender
        teller = self.contracts[agent]
        return teller.address, teller.run.encode(to, data), DEPLOYER

    def names(self) -> dict[str, str]:
        """Names of all addresses."""
        found = {**NAMES, **self.agents, self.foreign.address: "another token"}
        if self.second:
            found[self.second] = "the token's second address"
        for number, site in enumerate(self.sites):
            found.update(site.named(number))
        return found


def _share(first: MarketModel, other: MarketModel, book: OrderBook) -> None:
    """Lets a second twin move the same balances, and undo them with its own."""
    journal = first.core.journal
    holders = (other.core, other.pool, other.pool.deposits, other.pool.redemptions, book)
    for holder in holders:
        for value in vars(holder).values():
            if isinstance(value, Store):
                value._journal = journal
    other.core.journal = journal
    other.core.balances = first.core.balances
