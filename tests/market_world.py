"""A market on the chain and its twin beside it: every action is played on both and compared.

`World.do` makes one transaction. It must succeed on both or fail with the same error and values,
and leave the same state, positions, balances, tickets and events; so each call of `do` checks
everything, and a test only says what it is about. Time stands still until `at` or `tick`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import address
from bulkhead.chain.contract import Event, at, deploy, events
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy import roles
from bulkhead.deploy.params import abi
from bulkhead.deploy.roles import People
from bulkhead.deploy.steps import Deployer
from bulkhead.model import MarketModel
from bulkhead.model.errors import BadParameter, ModelError, OracleError
from bulkhead.model.final import drawable
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import Params, Reading, Reason, camel
from bulkhead.sim.moves import error_text, revert_text

WAD = 10**18
BOOK = "OrderBook"
PRICE = 2_000 * WAD
SOON = 2**40  # a deadline that never passes
ANY = {1: 2**256 - 1, -1: 0}  # a price limit that never binds, by the sign of the trade
NAMES = (
    *("deployer", "governance", "guardian", "treasury", "lp", "keeper"),
    *("alice", "bob", "carol", "dave"),
)
POOL = {
    "request_deposit": "requestDeposit(uint256,address,address)",
    "request_redeem": "requestRedeem(uint256,address,address)",
    "deposit": "deposit(uint256,address,address)",
    "redeem": "redeem(uint256,address,address)",
}
HAVE_RESULT = (
    *("reserve", "open", "close_and_withdraw", "liquidate", "liquidate_many", "draw_ticket"),
)
OURS = {
    *("PositionReserved", "PositionChanged", "MarginAdded"),
    *("BadDebt", "TicketWritten", "TicketPaid", "PositionTransferred", "DelegateSet", "LockSet"),
    *("MarginCallSet", "FeesSwept", "ParamsSet", "ModeSet", "FinalPriceAnnounced"),
    *("FinalPriceSet", "TicketsSettled"),
}
TOKEN_ERRORS = (
    *("ERC20InsufficientBalance", "ERC20InsufficientAllowance", "Listed", "Paused", "SafeERC20"),
    "0x" + "0" * 64,  # ReturnBombToken's
)


def plain(value: Any) -> Any:
    """Comparable: enums and booleans as integers, sequences as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(plain(part) for part in value)
    return int(value) if isinstance(value, int) else value


@dataclass(frozen=True)
class Done:
    """What an action did. `refusal` is None where it succeeded."""

    refusal: ModelError | None
    value: Any
    events: tuple[Event, ...]
    gas: int = 0

    def event(self, name: str) -> Event:
        """The one event of this name."""
        found = [one for one in self.events if one.name == name]
        assert len(found) == 1, f"{len(found)} events {name}, not one"
        return found[0]


class World:
    """One market, its twin, its people. `one` is a whole token."""

    def __init__(
        self,
        rpc: Rpc,
        accounts: list[str],
        decimals: int = 6,
        token: str = "TestToken",
        delay: int = 0,
        variance: int = 0,
        **params: Any,
    ) -> None:
        self.rpc, self.decimals, self.one = rpc, decimals, 10**decimals
        self.who = dict(zip(NAMES, accounts, strict=False))
        rpc.request("anvil_setBlockTimestampInterval", 0)
        deployer = self.who["deployer"]
        self.token = deploy(rpc, token, decimals, sender=deployer).as_(deployer)
        self.oracle = deploy(rpc, "SettableOracle", PRICE, sender=deployer).as_(deployer)
        base = eth_usd(self.oracle.address, self.who["treasury"])
        self.params = replace(base, **params)
        self._list(delay, variance)
        self.reading: Reading | OracleError = OracleError("PriceInvalid", (0,))
        self.watched = [*self.who.values(), self.pool.address, self.fund.address]
        self.watched.append(self.market.address)
        self.strangers: list[str] = []  # have tokens that the twin does not know

    def __getattr__(self, name: str) -> str:
        try:
            return self.__dict__["who"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def _list(self, delay: int, variance: int) -> None:
        hand = Deployer(self.rpc, self.who["deployer"])
        self.authority = hand.create("Authority", self.who["deployer"])
        names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
        codes = [hand.code(name) for name in names]
        self.book_code = hand.code(BOOK)
        hashes = (keccak(code) for code in (*codes, self.book_code))
        self.factory = hand.create("MarketFactory", *hashes)
        terms = (self.token.address, self.authority.address, abi(self.params), variance)
        receipt = hand.call("list", self.factory.createMarket, *codes, *terms)
        made = events(receipt, "MarketCreated", of=self.factory)[0]
        self.market = at(self.rpc, "Market", made.market)
        self.pool = at(self.rpc, "LiquidityPool", made.pool)
        self.fund = at(self.rpc, "InsuranceFund", made.fund)
        self.book = address(made.orderBook)
        people = People(self.governance, self.guardian, self.treasury, delay)
        roles.give(hand, self.authority, self.market, people)
        self.now = self.market.state().accruedAt
        self.twin = MarketModel(
            self.params,
            self.decimals,
            initial_mark=PRICE,
            initial_variance=variance,
            now=self.now,
            market=self.market.address,
            pool=self.pool.address,
            fund=self.fund.address,
            order_book=self.book,
            token=self.token.address,
            timelock=self.governance,
            guardian=self.guardian,
        )
        known: dict[int, str] = {}
        market = self.market

        def vault(id_: int) -> str:
            if id_ not in known:
                known[id_] = market.vaultOf(id_)
            return known[id_]

        self.twin.core.vault_address = vault
        self.now = self.rpc.time()

    def bring_book(self) -> None:
        """Deploys what the factory takes for the market's order book."""
        self.factory.createOrderBook(1, self.book_code, sender=self.deployer)
        self.twin.core.contracts.add(self.book)

    # ---------------------------------------------------------------- time, price, tokens

    def at(self, moment: int) -> None:
        """Moves time to a moment."""
        self.now = moment
        self.rpc.next_time(moment)
        self.rpc.mine()

    def set(
        self, mark: int, spread: int = 0, published: int | None = None, resumed: int = 0
    ) -> None:
        """What the oracle says from now on (published now unless said)."""
        when = self.now if published is None else published
        self.oracle.set(mark, spread, when, resumed)
        self.reading = Reading(mark, spread, when, resumed)

    def tick(self, mark: int | None = None, seconds: int = 12, spread: int = 0) -> None:
        """Moves time, and publishes a mark then (by default the last one)."""
        self.at(self.now + seconds)
        if mark is None:
            mark = self.reading.mark if isinstance(self.reading, Reading) else PRICE
        self.set(mark, spread)

    def silence(self, failure: int = 2, error: OracleError | None = None) -> None:
        """The oracle fails from now on (by default as PriceInvalid)."""
        self.oracle.setFailure(failure)
        self.reading = error or OracleError("PriceInvalid", (0,))

    def speak(self) -> None:
        """The oracle answers again."""
        self.oracle.setFailure(0)

    def give(self, who: str, amount: int) -> None:
        """Mints token units for somebody, and lets market and pool take them."""
        self.token.mint(who, amount)
        for spender in (self.market, self.pool):
            self.token.approve(spender, 2**256 - 1, sender=self.rpc.impersonate(who))
        self.twin.give(who, amount)
        if who not in self.watched:
            self.watched.append(who)

    def send(self, source: str, to: str, amount: int) -> None:
        """A plain transfer."""
        self.token.transfer(to, amount, sender=source)
        assert self.twin.send(source, to, amount)
        self.compare()

    def block(self, who: str, in_: bool = True, out: bool = True) -> None:
        """Lets a BlacklistToken refuse somebody, or relent."""
        self.token.setBlocked(who, in_, out)
        for listed, bad in ((self.twin.core.refuse_to, in_), (self.twin.core.refuse_from, out)):
            (listed.add if bad else listed.discard)(who)

    def invest(self, amount: int) -> None:
        """The liquidity provider brings `amount` token units and takes the shares."""
        self.give(self.lp, amount)
        self.tick()
        self.do("accrue", self.keeper)
        self.do("request_deposit", self.lp, amount, self.lp, self.lp)
        self.tick(seconds=self.params.deposit_delay_secs + 1)
        self.do("accrue", self.keeper)
        self.do("deposit", self.lp, amount, self.lp, self.lp)

    # ---------------------------------------------------------------- both worlds

    def chain_args(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The twin's arguments as the chain takes them."""
        return tuple(abi(one) if isinstance(one, Params) else one for one in args)

    def do(self, action: str, caller: str, *args: Any, gas: int = 15_000_000) -> Done:
        """One action on chain and twin; compares everything."""
        self.twin.now, self.twin.oracle = self.now, self.reading
        target: Any = self.twin.pool if action in POOL else self.twin
        result, refusal = None, None
        try:
            result = getattr(target, action)(caller, *args)
        except ModelError as error:
            refusal = error
        name = POOL.get(action, camel(action))
        function = (self.pool if action in POOL else self.market)[self._signature(name, action)]
        receipt = function.send(*self.chain_args(args), sender=caller, gas=gas, check=False)
        said = "" if receipt.ok else self._refused(self.rpc.revert_data(receipt.hash))
        what = f"{action}{args}"
        self._same_refusal(what, said, refusal)
        found = tuple(one for one in events(receipt) if one.name in OURS)
        value = None
        if refusal is None and result is not None:
            self._same_events(what, found, result.events)
            value = plain(result.value)
            if action in HAVE_RESULT:
                answer = function.decode(self.rpc.revert_data(receipt.hash))
                assert plain(answer) == value, f"{what} returned {answer}, not {value}"
        self.compare(what)
        return Done(refusal, value, found, int(receipt.gas_used))

    def ok(self, action: str, caller: str, *args: Any, **more: Any) -> Done:
        """`do`, and it must succeed."""
        done = self.do(action, caller, *args, **more)
        assert done.refusal is None, f"{action}{args}: {error_text(done.refusal)}"
        return done

    def no(self, error: str | Reason, action: str, caller: str, *args: Any) -> ModelError:
        """`do`, and it must be refused: by this reason, or by the error of this name."""
        done = self.do(action, caller, *args)
        assert done.refusal is not None, f"{action}{args} was allowed"
        refusal = done.refusal
        if isinstance(error, Reason):
            assert refusal.args[0] == error, error_text(refusal)
        else:
            name = refusal.args[0] if isinstance(refusal, OracleError) else refusal.name
            assert name == error, error_text(refusal)
        return refusal

    def _signature(self, name: str, action: str) -> str:
        if action in POOL:
            return name
        return self.market.__getattr__(name).method.signature  # type: ignore[no-any-return]

    def _refused(self, data: bytes) -> str:
        if data[:4] == keccak(b"BadParameter(bytes32,uint256,uint256)")[:4]:
            name = data[4:36].rstrip(b"\0").decode()
            numbers = (int.from_bytes(data[36:68], "big"), int.from_bytes(data[68:100], "big"))
            return f"BadParameter{(name, *numbers)}"
        return revert_text(data)

    def _same_refusal(self, what: str, said: str, refusal: ModelError | None) -> None:
        foretold = "" if refusal is None else error_text(refusal)
        if isinstance(refusal, BadParameter):
            foretold = f"BadParameter{refusal.args}"
        if foretold.startswith("TransferRefused") and said.startswith(TOKEN_ERRORS):
            return
        assert said == foretold, f"{what}: chain {said or 'did it'}; twin {foretold or 'did it'}"

    def _same_events(self, what: str, found: tuple[Event, ...], foretold: Any) -> None:
        ours = [one for one in foretold if one[0] in OURS]
        names = [one.name for one in found], [name for name, _ in ours]
        assert names[0] == names[1], f"{what}: events {names[0]}, twin {names[1]}"
        for event, (name, values) in zip(found, ours, strict=True):
            given = {key.rstrip("_"): plain(value) for key, value in event.args.items()}
            given.pop("configStore", None)
            wanted = {key: plain(value) for key, value in values.items()}
            assert given == wanted, f"{what}: {name} {_differences(given, wanted)}"

    # ---------------------------------------------------------------- comparing

    def compare(self, what: str = "") -> None:
        """Everything visible is the same on both sides."""
        here, there = self.look(), self.foretell()
        assert here == there, f"after {what}: {_differences(here, there)}"
        self._conserved(what, here)

    def _conserved(self, what: str, here: dict[str, Any]) -> None:
        """No token unit is lost or made, both sides are what their positions are, and the pool
        holds all that it counts."""
        ids = range(1, here["nextId"])
        vaults = {self.twin.core.vault(id_) for id_ in ids}
        held = sum(here[f"margin {id_}"] for id_ in ids)
        held += sum(here[f"balance {who}"] for who in set(self.watched) - vaults)
        held += sum(self.token.balanceOf(who) for who in self.strangers)
        assert held == self.token.totalSupply(), f"after {what}: tokens are lost or made"
        for side, sign in (("Long", 1), ("Short", -1)):
            on = [here[f"position {id_}"][3:5] for id_ in ids]
            mine = [(size, basis) for size, basis in on if (size >= 0) == (sign > 0)]
            sums = sum(abs(size) for size, _ in mine), sum(basis for _, basis in mine)
            assert sums == (here[f"size{side}"], here[f"basis{side}"]), f"after {what}: {side}"
        tickets = [self.twin.ticket(one) for one in range(1, here["tickets"][3])]
        counted = self.pool.accounted() + sum(drawable(self.twin.core, one) for one in tickets)
        pool = here[f"balance {self.pool.address}"]
        assert pool >= counted, f"after {what}: the pool has {pool} of {counted}"

    def look(self) -> dict[str, Any]:
        """Everything visible on the chain."""
        market, found = self.market, dict[str, Any]()
        state = market.state()
        for key in state._fields:
            if key != "configStore":
                found[key] = plain(getattr(state, key))
        for id_ in range(1, state.nextId):
            held = market.position(id_)
            found[f"position {id_}"] = plain(
                (held.owner, held.fundingEntry, held.flags, held.size, held.basis, held.phase)
            )
            found[f"margin {id_}"] = self.token.balanceOf(self.twin.core.vault(id_))
            found[f"epoch {id_}"] = (market.epochOf(id_), market.lockedOf(id_))
        found["tickets"] = plain(tuple(market.ticketTotals()))
        for number in range(1, found["tickets"][3]):
            found[f"ticket {number}"] = plain(tuple(market.ticket(number)))
        found["final"] = plain(tuple(market.finalPrice()))
        found["nav"], found["free"] = market.nav(), market.freeLiquidity()
        found["supply"], found["due"] = self.pool.totalSupply(), self.pool.nextDueAt()
        for who in self.watched:
            found[f"balance {who}"] = self.token.balanceOf(who)
        return found

    def foretell(self) -> dict[str, Any]:
        """The same as the twin has it."""
        twin, core = self.twin, self.twin.core
        found = {camel(key): plain(value) for key, value in twin.state.__dict__.items()}
        totals = core.totals
        found["ticketsOpen"] = int(totals.owed > totals.paid)
        for id_ in range(1, twin.state.next_id):
            held = twin.position(id_)
            found[f"position {id_}"] = plain(
                (held.owner, held.funding_entry, held.flags, held.size, held.basis, held.phase)
            )
            found[f"margin {id_}"] = twin.margin(id_)
            found[f"epoch {id_}"] = (core.epochs.get(id_, 0), core.locked_of(id_))
        found["tickets"] = (totals.owed, totals.paid, totals.final_ratio, totals.next_ticket_id)
        for number in range(1, totals.next_ticket_id):
            one = twin.ticket(number)
            found[f"ticket {number}"] = (one.owner, one.start, one.amount, one.drawn)
        found["final"] = (totals.final_mark, totals.executable_at)
        found["nav"], found["free"] = twin.nav(), twin.free_liquidity()
        found["supply"], found["due"] = sum(twin.pool.shares.values()), twin.pool.next_due_at()
        for who in self.watched:
            found[f"balance {who}"] = twin.balance(who)
        return found

    @contextmanager
    def branch(self) -> Iterator[World]:
        """A copy to try something on; the chain goes back afterwards."""
        with self.rpc.isolated():
            other = copy.copy(self)
            other.__dict__["twin"] = copy.deepcopy(self.twin)
            other.watched, other.strangers = list(self.watched), list(self.strangers)
            yield other
        self.rpc.next_time(self.now)

    # ---------------------------------------------------------------- positions

    def open(self, who: str, size: int, margin: int) -> int:
        """Opens (size in Wad, margin in token units), and returns the id."""
        limit = ANY[1 if size > 0 else -1]
        return int(self.ok("open", who, 0, size, margin, limit, SOON).value)

    def close(self, who: str, id_: int) -> Done:
        """Closes at any price."""
        limit = ANY[-1 if self.twin.position(id_).size > 0 else 1]
        return self.ok("close", who, id_, limit, SOON)


def _differences(here: dict[str, Any], there: dict[str, Any]) -> str:
    keys = [key for key in {**here, **there} if here.get(key) != there.get(key)]
    return "; ".join(f"{key}: chain {here.get(key)}, twin {there.get(key)}" for key in keys)
