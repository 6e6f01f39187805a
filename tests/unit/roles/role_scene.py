"""A whole system with everybody in it, in the states that its functions need."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from market_world import SOON, WAD, World
from oracle_world import MEDIAN, SOURCE_GAS, Pyth, Quorum, struct

from bulkhead.chain.contract import Contract, at, deploy
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer
from bulkhead.model.oracles import PythPrice
from bulkhead.model.order_types import Order, OrderKind, hash_of

DELAY = 2 * 86_400
MARK = 1_925 * WAD  # position 1 is healthy there, position 3 is not
KEY = "0x" + "5e" * 32  # signs permits
MAX = 2**256 - 1
PEOPLE = (
    *("attacker", "owner", "delegate", "keeper", "lp", "operator"),
    *("guardian", "governance", "deployer", "treasury"),
)
CONTRACTS = ("market", "pool", "fund", "vault", "authority")
ROLES = PEOPLE + CONTRACTS
Holdings = dict[str, int]


class Scene:
    """Positions of the owner: 1 is open, 2 flat with margin, 3 liquidatable."""

    def __init__(self, rpc: Rpc, accounts: list[str]) -> None:
        w = self.w = World(rpc, accounts, delay=DELAY)
        self.rpc, self.one = rpc, w.one
        users = w.dave, w.alice, w.bob, w.keeper, w.lp, w.carol
        parts = w.market, w.pool, w.fund
        self.people = dict(zip(PEOPLE, users, strict=False))
        self.people |= {name: w.who[name] for name in PEOPLE[len(users) :]}
        self.people |= dict(zip(CONTRACTS, (one.address for one in parts), strict=False))
        self.people |= {"vault": w.market.vaultOf(2), "authority": w.authority.address}
        self.gone = accounts[15]  # was a delegate once
        self.signer = Account.from_key(KEY).address.lower()
        w.set(2_000 * WAD)
        for name in PEOPLE:
            w.give(self.people[name], 10**6 * w.one)
        for name in CONTRACTS:
            rpc.impersonate(self.people[name])
        self._deploy()
        self._invest()
        self._trade()
        self._place()
        self._allow()

    def __getitem__(self, role: str) -> str:
        return self.people[role]

    # ---------------------------------------------------------------- the usual state

    def _deploy(self) -> None:
        w, sender = self.w, self.w.deployer
        self.foreign = deploy(self.rpc, "TestToken", 18, sender=sender).as_(sender)
        self.router = deploy(self.rpc, "Router", sender=sender)
        now = w.now
        aggregator = deploy(self.rpc, "FeedAggregator", 8, 1, 2**95, False, sender=sender)
        proxy = deploy(self.rpc, "FeedProxy", aggregator, sender=sender)
        aggregator.as_(sender).allow(proxy)
        aggregator.as_(sender).push(2_000 * 10**8, now)
        self.aggregator, self.proxy = aggregator.as_(sender), proxy
        settings = (proxy.address, 3_900, 10**8, 10**13, 0, 0, "0x" + "0" * 40, 0)
        oracle = deploy(self.rpc, "ChainlinkOracle", settings, sender=sender)
        self.taker = deploy(self.rpc, "OracleMarket", oracle, sender=sender)
        w.bring_book()
        self.book = at(self.rpc, "OrderBook", w.book)
        lenses = {
            name: deploy(self.rpc, name, sender=sender)
            for name in ("MarketLens", "PreviewLens", "LiquidationLens", "OrderLens")
        }
        self.contracts: dict[str, Contract] = {
            "Market": w.market,
            "LiquidityPool": w.pool,
            "InsuranceFund": w.fund,
            "PositionVault": at(self.rpc, "PositionVault", self["vault"]),
            "OrderBook": self.book,
            "MarketFactory": w.factory,
            "Authority": w.authority,
            "ChainlinkOracle": oracle,
            **self._other_oracles(),
            "Router": self.router,
            **lenses,
        }
        hand = Deployer(self.rpc, sender)
        parts = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
        self.codes = tuple(hand.code(name) for name in parts)
        self.libraries = hand.libraries
        terms = (w.token, w.authority, abi(w.params), 0)
        w.factory.createMarket(*self.codes, *terms, sender=sender)  # 2: without a book yet

    def _other_oracles(self) -> dict[str, Contract]:
        """Pyth after an outage, a quorum that has reported, a median whose sources differ."""
        w, rpc, sender = self.w, self.rpc, self.w.deployer
        pyth = Pyth(rpc, sender, maxAgeSecs=10**6)
        price = PythPrice(2_000 * 10**8, 0, -8, w.now, w.now - 2 * 10**6)
        pyth.push(price)
        self.gap = [pyth.data(price)], price.published_at
        self.pyth_taker = deploy(rpc, "OracleMarket", pyth.adapter, sender=sender)
        quorum = Quorum(rpc, sender, max_age_secs=10**6, authority=w.authority)
        for moment in (w.now - 1, w.now):
            quorum.submit(quorum.reports([2_000 * WAD] * 3, moment), moment, w.now)
        self.reporters = quorum.order[3:6]
        sources = [
            deploy(rpc, "SettableOracle", mark * WAD, sender=sender).address
            for mark in (2_000, 2_020)
        ]
        settings = struct(MEDIAN, sourceGas=SOURCE_GAS) | {"sources": sources}
        median = deploy(rpc, "MedianOracle", settings, sender=sender)
        return {
            "PythOracle": pyth.adapter,
            "QuorumOracle": quorum.adapter,
            "MedianOracle": median,
        }

    def _invest(self) -> None:
        """The provider has shares, claims both ways, and requests that wait."""
        w = self.w
        w.invest(1_000_000 * w.one)
        w.pool.setOperator(w.carol, True, sender=w.lp)
        w.pool.approve(w.carol, MAX, sender=w.lp)
        w.twin.pool.set_operator(w.lp, w.carol, True)
        w.twin.pool.approve(w.lp, w.carol, MAX)
        w.ok("request_deposit", w.lp, 1_000 * w.one, w.lp, w.lp)
        w.ok("request_redeem", w.lp, 10**8 * w.one, w.lp, w.lp)
        w.tick(seconds=w.params.redeem_delay_secs + 1)
        w.ok("accrue", w.keeper)
        w.ok("request_deposit", w.lp, 1_000 * w.one, w.lp, w.lp)
        w.ok("request_redeem", w.lp, 10**6 * w.one, w.lp, w.lp)

    def _trade(self) -> None:
        w = self.w
        w.open(w.alice, 50 * WAD, 9_000 * w.one)
        w.ok("reserve", w.alice, w.alice)
        w.ok("add_margin", w.alice, 2, 20_000 * w.one)
        w.open(w.alice, 50 * WAD, 6_000 * w.one)
        w.ok("set_delegate", w.alice, 0, w.bob, SOON)
        w.ok("set_delegate", w.alice, 0, self.router.address, SOON)
        w.ok("set_delegate", w.alice, 1, self.gone, w.now + 5)
        w.ok("set_lock", self.gone, 1, 10)
        w.ok("sweep_fees", w.keeper)
        w.tick(MARK)
        w.ok("accrue", w.keeper)

    def _place(self) -> None:
        """Orders of the owner's on position 1, due now or expired, that pay nobody."""
        w = self.w
        self.rpc.impersonate(self.signer)
        for who in (w.alice, self.signer):
            w.ok("set_delegate", who, 0, w.book, SOON)
        trails = {"kind": OrderKind.TRAILING_STOP, "trail": WAD // 10}
        self.exit, self.trail = self.order(), self.order(**trails)
        self.late = self.order(expiry=w.now + 1)
        for order in (self.exit, self.trail, self.late):
            self.book.place(order.as_tuple(), sender=w.alice)
        w.tick(MARK, seconds=13)
        w.ok("accrue", w.keeper)

    def _allow(self) -> None:
        """Foreign tokens in the vaults, everybody's allowance for the router, a late round."""
        w = self.w
        w.ok("sweep_foreign", w.alice, 2, self.foreign.address, w.alice)  # deploys the vault
        self.aggregator.push(2_000 * 10**8, w.now - 1)
        self.round = self.proxy.latestRoundData()[0]
        for id_ in (1, 2):
            self.foreign.mint(w.market.vaultOf(id_), 100)
        for name in PEOPLE:
            w.token.approve(self.router, MAX, sender=self[name])

    # ---------------------------------------------------------------- other states

    def usual(self) -> None:
        """As it is."""

    def rich(self) -> None:
        """The owner wins more than the pool has (position 4), and loses something (5)."""
        w = self.w
        w.tick(2_000 * WAD)
        w.open(w.alice, 350 * WAD, 300_000 * w.one)
        w.open(w.alice, -20 * WAD, 200_000 * w.one)
        w.tick(6_000 * WAD)
        w.ok("accrue", w.keeper)

    def owed(self) -> None:
        """The owner has a ticket, a part of it funded."""
        w = self.w
        self.rich()
        w.close(w.alice, 4)
        w.tick(6_001 * WAD)
        w.ok("settle", w.keeper, 5)

    def reduced(self) -> None:
        """ReduceOnly."""
        self.w.ok("enter_reduce_only", self.w.guardian)

    def dead(self) -> None:
        """No mark for deadAfter."""
        self.w.silence()
        self.w.at(self.w.now + self.w.params.dead_after_secs)

    def ripe(self) -> None:
        """A final price is announced and may be fixed."""
        self.dead()
        data = self.w.market.announceFinal.encode(1_900 * WAD)
        self.schedule(self.w.market.address, data)
        self.rpc.send(self.w.market, data, sender=self.w.governance)
        self.w.at(self.w.now + self.w.params.dead_after_secs)

    def final(self) -> None:
        """It is fixed."""
        self.ripe()
        self.w.market.executeFinal(sender=self.w.keeper)

    def settled(self) -> None:
        """And everybody is settled at it."""
        self.final()
        for id_ in (1, 3):
            self.w.market.settleFinal(id_, sender=self.w.keeper)

    def schedule(self, target: str, data: bytes, wait: bool = True) -> None:
        """Governance schedules a call, the delay passes, and the funding of that time accrues."""
        self.w.authority.schedule(target, data, 0, sender=self.w.governance)
        if wait:
            self.w.at(self.w.now + DELAY)
            self.w.market.accrue(sender=self.w.keeper)

    # ---------------------------------------------------------------- arguments

    def params(self) -> Any:
        """Parameters that differ from the present ones."""
        found = abi(self.w.params)
        return {**found, "takerFee": found["takerFee"] + 1} if isinstance(found, dict) else found

    def permit(self, token: Contract, spender: str, value: int) -> tuple[Any, ...]:
        """Signed by the signer; anyone may hand it in."""
        domain = {
            "name": token.name(),
            "version": "1",
            "chainId": self.rpc.chain_id(),
            "verifyingContract": token.address,
        }
        kinds = [("owner", "address"), ("spender", "address"), ("value", "uint256")]
        kinds += [("nonce", "uint256"), ("deadline", "uint256")]
        types = {"Permit": [{"name": name, "type": kind} for name, kind in kinds]}
        message = {"owner": self.signer, "spender": spender, "value": value, "nonce": 0}
        message["deadline"] = SOON
        signed = Account.sign_typed_data(KEY, domain, types, message)
        r, s = signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
        return self.signer, spender, value, SOON, signed.v, r, s

    def order(self, **over: Any) -> Order:
        """Takes a little from position 1."""
        given = {"owner": self.w.alice, "position_id": 1, "phase": 1, "size": -WAD}
        given |= {"reduce_only": True, "expiry": SOON // 2, "salt": self.w.rpc.block_number()}
        return Order(**given | over)

    def signed(self) -> tuple[Order, bytes]:
        """The signer's order on a new position; anyone may hand it in."""
        terms = {"owner": self.signer, "position_id": 0, "phase": 0, "reduce_only": False}
        order = self.order(**terms)
        return order, self._by_signer(self.book.placeDigest(order.as_tuple()))

    def signed_cancel(self) -> tuple[Order, bytes]:
        """Its end."""
        order, _ = self.signed()
        return order, self._by_signer(self.book.cancelDigest(hash_of(order)))

    def _by_signer(self, digest: bytes) -> bytes:
        return bytes(Account.unsafe_sign_hash(digest, KEY).signature)

    def selector(self, name: str) -> bytes:
        """Of a function of the market."""
        return bytes(getattr(self.w.market, name).method.selector)

    # ---------------------------------------------------------------- what people have

    def holdings(self) -> Holdings:
        """Vault balances, claims at the held mark, shares and pool claims: what must stay."""
        market, pool, token = self.w.market, self.w.pool, self.w.token
        state, found = market.state(), Holdings()
        for id_ in range(1, state.nextId):
            held = market.position(id_)
            found[f"margin {id_}"] = token.balanceOf(market.vaultOf(id_))
            claim = held.size * (state.mark - state.fundingIndex) // WAD - held.basis
            found[f"claim {id_}"] = claim
        for role in ("lp", "operator"):
            found[f"shares {role}"] = pool.balanceOf(self[role])
        for view in ("maxDeposit", "maxMint", "maxRedeem", "maxWithdraw"):
            found[f"{view} lp"] = getattr(pool, view)(self["lp"])
        found["supply lp"] = pool.totalSupply()
        for number in range(1, market.ticketTotals()[3]):
            ticket = market.ticket(number)
            found[f"ticket {number}"] = ticket.amount - ticket.drawn
        return found
