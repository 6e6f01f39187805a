"""A market in an EVM of its own, the twin beside it, and all that is checked after a call."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.contract import Contract, at, events
from bulkhead.chain.decode import registry
from bulkhead.deploy import roles
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer
from bulkhead.model import MarketModel, OracleError, Reading, acceptance
from bulkhead.model.errors import ModelError, PoolRefused, Refused, TransferRefused
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import LiquidationResult, Mode, Params, Reason, camel

from . import laws
from .evm import Revm
from .laws import Broken, Pos, Terms

WAD = 10**18
START = 1_800_000_000
PRICE = 2_000 * WAD
FOREVER = 2**40
DELAY = 3_600  # of the timelock


def _who(tag: int) -> str:
    return f"0x{0xA0 << 152 | tag:040x}"


DEPLOYER, GOVERNANCE, GUARDIAN, TREASURY = (_who(tag) for tag in range(1, 5))
ALICE, BOB, CAROL, DAVE, EVE, KEEPER, LP, LP2 = (_who(tag) for tag in range(16, 24))
OWNERS = (ALICE, BOB, CAROL, DAVE, EVE)  # Eve is the hostile one
USERS = (*OWNERS, KEEPER, LP, LP2)
NAMES = dict(
    zip(
        (*USERS, GOVERNANCE, GUARDIAN, TREASURY),
        ("alice", "bob", "carol", "dave", "eve", "keeper", "lp", "lp2", "gov", "guard", "treasury"),
        strict=True,
    )
)
PURSE = 10**8  # dollars of everybody
FAILURES = (
    "",
    "PriceStale",
    "PriceInvalid",
    "PriceOutOfBand",
    "PriceTooUncertain",
    "SequencerDown",
)

# The twin's rules of the pool, and what the contracts call them.
_POOL_NAMES = {
    "TooSmall": ("AmountTooSmall", "ZeroController"),
    "NotOperator": ("NotAllowed", "ZeroController", "ERC20InsufficientAllowance"),
    "ExceedsClaimable": (
        "AmountTooSmall",
        *(f"ERC4626ExceededMax{what}" for what in ("Deposit", "Mint", "Redeem", "Withdraw")),
    ),
    "MarketSettled": ("MarketSettled",),
    "MarketNotSettled": ("MarketNotSettled",),
    "ZeroShares": ("AmountTooSmall",),
    "InsufficientBalance": ("no balance",),
}
_POOL_CALLS = {
    "request_deposit": "requestDeposit(uint256,address,address)",
    "request_redeem": "requestRedeem(uint256,address,address)",
    "refund_deposit": "refundDeposit(address,address)",
    "deposit": "deposit(uint256,address,address)",
    "mint": "mint(uint256,address,address)",
    "redeem": "redeem(uint256,address,address)",
    "withdraw": "withdraw(uint256,address,address)",
}


@dataclass(frozen=True)
class Op:
    """One step with concrete values: it means the same wherever it is replayed."""

    name: str
    actor: str = ""
    args: tuple[Any, ...] = ()
    wait: int = 0  # seconds before it

    def __str__(self) -> str:
        args = ", ".join(_shown(arg) for arg in self.args)
        wait = f"+{self.wait}s " if self.wait else ""
        by = f"{NAMES.get(self.actor, self.actor)}." if self.actor else ""
        return f"{wait}{by}{self.name}({args})"


def _shown(value: Any) -> str:
    if isinstance(value, Params):
        return "other parameters"
    return NAMES.get(value, str(value)) if isinstance(value, str) else str(value)


@dataclass
class Story:
    """What happened, for counterexamples."""

    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(f"  {line}" for line in self.lines)


def variants() -> tuple[tuple[int, Params], ...]:
    """Decimals and parameters that worlds are drawn from."""
    plain = eth_usd(treasury=TREASURY)
    dear = replace(
        plain,
        min_notional=4_000 * WAD,
        reward_cap=60 * WAD,
        reward_floor=20 * WAD,
        maker_fee=0,
        grace_secs=60,
        pricing_wait_secs=60,
    )
    free = replace(
        plain,
        fee_pool_share=0,
        fee_insurance_share=0,
        reward_floor=0,
        margin_call_reward=0,
        max_utilisation=5 * WAD,
    )
    dear = replace(dear, max_utilisation=5 * WAD)
    return (
        (6, plain),
        (18, plain),
        (0, dear),
        (2, dear),
        (8, free),
        (18, dear),
        (6, free),
    )


class World:
    """One market. `play` runs an Op on both sides and checks every law."""

    def __init__(self, decimals: int, params: Params) -> None:
        self.revm = Revm(START)
        self.unit = 10 ** (18 - decimals)
        self.decimals = decimals
        self.now = START
        self._deploy(params)
        self.failure = 0
        self.ids: list[int] = []
        self._words_of: dict[int, tuple[int, ...]] = {}
        self.result: Any = None
        self.story = Story()
        self.coverage: Counter[tuple[str, str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.steps = 0
        self._fund()

    # ---- set-up

    def _deploy(self, params: Params) -> None:
        hand = Deployer(self.revm, DEPLOYER)
        self.token = hand.create("TestToken", self.decimals)
        self.oracle = hand.create("SettableOracle", PRICE)
        self.params = replace(params, oracle=self.oracle.address)
        self.authority = hand.create("Authority", DEPLOYER)
        names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
        codes = [hand.code(name) for name in names]
        factory = hand.create("MarketFactory", *(keccak(code) for code in codes))
        variance = WAD // 4
        receipt = factory.createMarket(
            *codes,
            self.token.address,
            self.authority.address,
            abi(self.params),
            variance,
            sender=DEPLOYER,
        )
        made = events(receipt, "MarketCreated", of=factory)[0]
        self.market = at(self.revm, "Market", made.market)
        self.pool = at(self.revm, "LiquidityPool", made.pool)
        self.fund = made.fund.lower()
        people = roles.People(GOVERNANCE, GUARDIAN, TREASURY, DELAY)
        roles.give(hand, self.authority, self.market, people)
        self.twin = MarketModel(
            self.params,
            self.decimals,
            initial_mark=PRICE,
            initial_variance=variance,
            now=START,
            market=self.market.address,
            pool=self.pool.address,
            fund=self.fund,
            token=self.token.address,
            timelock=GOVERNANCE,
            guardian=GUARDIAN,
        )
        found: dict[int, str] = {}

        def vault(id_: int) -> str:
            if id_ not in found:
                found[id_] = str(self.market.vaultOf(id_)).lower()
            return found[id_]

        self.twin.core.vault_address = vault
        self.twin.oracle = self.reading = Reading(PRICE, 0, START)
        self.vault = vault
        self.system = (self.pool.address, self.fund, self.market.address, TREASURY)

    def _fund(self) -> None:
        amount = PURSE * 10**self.decimals
        for user in USERS:
            self.token.mint(user, amount, sender=user)
            self.twin.give(user, amount)
            for spender in (self.market, self.pool):
                self.token.approve(spender.address, 2**256 - 1, sender=user)

    def dollars(self, amount: int) -> int:
        """Token units."""
        return amount * 10**self.decimals

    # ---- snapshots

    @contextmanager
    def example(self) -> Iterator[World]:
        """A copy of both sides that is forgotten afterwards."""
        vault, self.twin.core.vault_address = self.twin.core.vault_address, None  # type: ignore[assignment]
        kept = copy.deepcopy(self.twin)
        kept.core.vault_address = self.twin.core.vault_address = vault
        held = (self.now, self.failure, list(self.ids), self.reading, dict(self._positions()))
        params = self.params
        self.story = Story()
        with self.revm.undone():
            try:
                yield self
            finally:
                self.twin, self.params = kept, params
                self.now, self.failure, self.ids, self.reading, self._seen = held

    # ---- one step

    def play(self, op: Op) -> str:
        """Runs an op, checks the laws, returns what the chain said."""
        self.steps += 1
        if op.wait:
            self.now += op.wait
        self.revm.at(self.now)
        self.twin.now = self.now
        if self.failure:
            self.twin.oracle = self._oracle_error(self.failure)
        self.story.lines.append(str(op))
        before = self._positions()
        foreseen = self._foresee(op, before)
        expected = self._on_twin(op)
        found = self._on_chain(op)
        self.story.lines[-1] += f" -> {found}"
        self.outcomes[
            f"{op.name}: {'ok' if found[:2] == 'ok' else found.split('(')[0]}{_reason(found)}"
        ] += 1
        if expected.startswith("the pool: ") and found.split("(")[0] in _POOL_NAMES[expected[10:]]:
            found = expected
        laws.i_50_outcome(found, expected)
        if found.startswith("ok"):
            if op.name == "set_params":
                self.params = op.args[0]
            while self.twin.state.next_id > len(self.ids) + 1:
                self.ids.append(len(self.ids) + 1)
            self._check(op, before)
        if foreseen is not None:
            self._judge(op, before, foreseen, found)
        self._count(op, before, found)
        return found

    def _on_twin(self, op: Op) -> str:
        twin, name, args = self.twin, op.name, op.args
        self.result = None
        try:
            if name == "set_price":
                mark, spread, lag, resumed = args
                self.reading = Reading(mark, spread, self.now - lag, resumed)
                twin.oracle = self.reading
                self.failure = 0
                return "ok"
            if name == "fail_oracle":
                self.failure = args[0]
                twin.oracle = self._oracle_error(args[0])
                return "ok"
            if name == "send":
                to, amount = args
                if not twin.send(op.actor, to, amount):
                    raise TransferRefused(to, amount)
                return "ok"
            if name in _GOVERNED:
                self.now += DELAY
                twin.now = self.now
            target: Any = twin.pool if name in _POOL_CALLS else twin
            self.result = getattr(target, name)(op.actor, *args)
            return f"ok {_plain(self.result.value)}" if _returns(name) else "ok"
        except ModelError as problem:
            return _error_text(problem)

    def _oracle_error(self, which: int) -> OracleError:
        reading = self.reading
        args: tuple[int, ...] = {
            1: (reading.published_at, self.now, 0),
            2: (0,),
            3: (reading.mark,) * 3,
            4: (reading.spread, 0),
            5: (reading.published_at,),
        }[which]
        return OracleError(FAILURES[which], args)

    def _on_chain(self, op: Op) -> str:
        name, args = op.name, op.args
        if name == "set_price":
            mark, spread, lag, resumed = args
            self._must(self.oracle, "setFailure", (0,), KEEPER)
            values = (mark, spread, self.now - lag, resumed)
            return self._must(self.oracle, "set", values, KEEPER)
        if name == "fail_oracle":
            return self._must(self.oracle, "setFailure", args, KEEPER)
        if name == "send":
            return self._call(self.token, "transfer", args, op.actor, False)
        if name in _GOVERNED:
            return self._govern(op.actor, camel(name), args)
        if name in _POOL_CALLS:
            return self._call(self.pool, _POOL_CALLS[name], args, op.actor, _returns(name))
        return self._call(self.market, camel(name), args, op.actor, _returns(name))

    def _govern(self, actor: str, name: str, args: tuple[Any, ...]) -> str:
        """Through the timelock: schedule, wait, execute."""
        function = getattr(self.market, name)
        data = function.encode(*(abi(arg) if isinstance(arg, Params) else arg for arg in args))
        if actor != GOVERNANCE:
            self.revm.at(self.now)
            ok, out = self.revm.run(self.market.address, data, actor)
            return "ok" if ok else self._meaning(out)
        self.revm.at(self.now - DELAY)
        self._must(self.authority, "schedule", (self.market.address, data, 0), GOVERNANCE)
        self.revm.at(self.now)
        where = (self.market.address, data)
        found = self._call(self.authority, "execute", where, GOVERNANCE, False)
        if found != "ok":
            self._must(self.authority, "cancel", (GOVERNANCE, *where), GOVERNANCE)
        return found

    def _must(self, contract: Contract, name: str, args: tuple[Any, ...], actor: str) -> str:
        found = self._call(contract, name, args, actor, False)
        assert found == "ok", f"{name}{args}: {found}"
        return found

    def _call(
        self, contract: Contract, name: str, args: tuple[Any, ...], actor: str, returns: bool
    ) -> str:
        function = contract[name] if "(" in name else getattr(contract, name)
        ok, data = self.revm.run(contract.address, function.encode(*args), actor)
        if not ok:
            return self._meaning(data)
        return f"ok {_plain(function.decode(data))}" if returns else "ok"

    def _meaning(self, data: bytes) -> str:
        error = registry().error(data)
        if error is None:
            return f"revert 0x{data.hex()}"
        return _chain_text(error.name, tuple(error.args.values()))

    # ---- what is seen

    def _positions(self) -> dict[int, Pos]:
        """The chain's positions as of the last check: read anew after each success."""
        if not hasattr(self, "_seen") or set(self._seen) != set(self.ids):
            self._seen = self._read_positions()
        return self._seen

    def _read_positions(self) -> dict[int, Pos]:
        found = {}
        for id_ in self.ids:
            p = self._words(self.market, "position", id_)
            margin = self._words(self.token, "balanceOf", self.vault(id_))[0]
            self._words_of[id_] = p
            found[id_] = Pos(_signed(p[3]), _signed(p[4]), _signed(p[1]), margin)
        return found

    def _words(self, contract: Contract, name: str, *args: Any) -> tuple[int, ...]:
        data = self.revm.call(contract.address, _encoded(contract, name, args))
        return tuple(int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32))

    def _check(self, op: Op, before: dict[int, Pos]) -> None:
        """Every law and every view after a success."""
        twin, core = self.twin, self.twin.core
        self._seen = after = self._read_positions()
        laws.i_01_vaults(
            {id_: p.margin for id_, p in after.items()}, {id_: twin.margin(id_) for id_ in self.ids}
        )
        balances = {
            who: self._words(self.token, "balanceOf", who)[0] for who in (*self.system, *USERS)
        }
        outside = sum(balances[who] for who in USERS)
        inside = sum(p.margin for p in after.values())
        inside += sum(balances[who] for who in self.system)
        laws.i_02_conserved(inside, len(USERS) * self.dollars(PURSE), outside)
        for who, amount in balances.items():
            laws.i_50_view(f"balance of {NAMES.get(who, who)}", amount, twin.balance(who))
        self._check_state()
        for id_ in self.ids:
            held = twin.position(id_)
            expected = (int(held.owner, 16), held.funding_entry, held.flags, held.size, held.basis)
            found = self._words_of[id_]
            if found != tuple(value % 2**256 for value in expected):
                shown = (
                    found[0],
                    _signed(found[1]),
                    found[2],
                    _signed(found[3]),
                    _signed(found[4]),
                )
                laws.i_50_view(f"position {id_}", shown, expected)
        s = twin.state
        sums = self._state_words
        laws.i_05_sums(
            (sums[13], sums[14], _signed(sums[16]), _signed(sums[17])), list(after.values())
        )
        laws.i_10_locality(before, after, _touched(op, self.twin))
        self._check_market(s, core)
        self._check_pool()

    def _check_state(self) -> None:
        found = self._words(self.market, "state")
        self._state_words = found
        s, totals = self.twin.state, self.twin.core.totals
        for place, name in enumerate(_STATE):
            if name == "config_store":
                continue
            expected = totals.owed > totals.paid if name == "tickets_open" else getattr(s, name)
            if found[place] != int(expected) % 2**256:
                laws.i_50_view(f"state.{camel(name)}", _signed(found[place]), int(expected))

    def _check_market(self, s: Any, core: Any) -> None:
        twin, totals = self.twin, core.totals
        laws.i_50_view(
            "ticketTotals",
            self._words(self.market, "ticketTotals"),
            (totals.owed, totals.paid, totals.final_ratio, totals.next_ticket_id),
        )
        laws.i_50_view(
            "finalPrice",
            self._words(self.market, "finalPrice"),
            (totals.final_mark, totals.executable_at),
        )
        laws.i_50_view("nav", _signed(self._words(self.market, "nav")[0]), twin.nav())
        free = self._words(self.market, "freeLiquidity")[0]
        laws.i_50_view("freeLiquidity", free, twin.free_liquidity())
        for number in range(1, totals.next_ticket_id):
            t = twin.ticket(number)
            laws.i_50_view(
                f"ticket {number}",
                self._words(self.market, "ticket", number),
                (int(t.owner, 16), t.start, t.amount, t.drawn),
            )

    def _check_pool(self) -> None:
        pool, words = self.twin.pool, self._words
        waiting, joining = pool.deposits.queue, pool.redemptions.queue
        pending = waiting.collected + waiting.amount
        s = self.twin.state
        expected = {
            "totalSupply": pool.state.supply,
            "redemptionReserve": pool.state.reserve,
            "pendingDepositAssets": pending,
            "pendingRedeemShares": joining.collected + joining.amount,
            "nextDueAt": pool.next_due_at(),
            "totalAssets": self.twin.total_assets(),
            "accounted": s.cash + s.insurance_due + s.treasury_due + pending + pool.state.reserve,
        }
        for name, value in expected.items():
            laws.i_50_view(f"pool.{name}", words(self.pool, name)[0], value)
        for who in (LP, LP2, self.pool.address):
            found = words(self.pool, "balanceOf", who)[0]
            laws.i_50_view(f"shares of {NAMES.get(who, who)}", found, pool.shares.get(who, 0))
        for who in (LP, LP2):
            for side, names in (
                (pool.deposits, ("maxDeposit", "maxMint")),
                (pool.redemptions, ("maxWithdraw", "maxRedeem")),
            ):
                account = side.folded(who)
                for name, value in zip(names, (account.assets, account.shares), strict=True):
                    laws.i_50_view(f"{name} of {NAMES[who]}", words(self.pool, name, who)[0], value)

    # ---- liquidations

    def terms(self) -> Terms:
        """What the laws know of the twin's present state."""
        s, p = self.twin.state, self.params
        return Terms(
            mark=s.mark,
            spread=s.spread,
            index=s.funding_index,
            ramp=s.ramp,
            skew=s.skew,
            unit=self.unit,
            table=tuple((row.upper_notional, row.mm_rate) for row in p.brackets),
            min_notional=p.min_notional,
            buffer=p.buffer,
            reward_floor=p.reward_floor,
            reward_cap=p.reward_cap,
            taker_fee=p.taker_fee,
            maker_fee=p.maker_fee,
            skew_scale=p.skew_scale,
            max_impact=p.max_impact,
        )

    def at_mark(self) -> tuple[Terms, bool] | None:
        """Terms and grace as a liquidation now would find them; None if there is no mark."""
        core = self.twin.core
        found = None
        try:
            with core.transaction():
                acceptance.renew(core, self.twin.pool)
                found = (self.terms(), acceptance.in_grace(core))
                raise _Undo
        except (_Undo, ModelError):
            return found

    def _foresee(self, op: Op, before: dict[int, Pos]) -> tuple[Terms, bool] | None:
        if op.name != "liquidate" or self.twin.state.mode >= Mode.FINAL:
            return None
        id_, to = op.args
        usable = id_ in before and before[id_].size != 0 and to in USERS
        return self.at_mark() if usable else None

    def _judge(
        self, op: Op, before: dict[int, Pos], foreseen: tuple[Terms, bool], found: str
    ) -> None:
        id_ = op.args[0]
        terms, grace = foreseen
        was = before[id_]
        laws.i_26_iff(was, terms, grace, found.startswith("ok"))
        if not found.startswith("ok"):
            return
        now = self._seen[id_]
        laws.i_28_partial(was, now, terms)
        happened = dict(self.result.events)
        reward = happened["PositionLiquidated"]["reward"]
        ticket = happened.get("TicketWritten", {}).get("amount", 0)
        vault = self.vault(id_)
        inflow = sum(amount for _, to, amount in self.result.payments if to == vault)
        laws.i_30_no_profit(was, now, terms, reward, ticket, inflow)

    def _count(self, op: Op, before: dict[int, Pos], found: str) -> None:
        if not found.startswith("ok") or self.result is None:
            return
        bad = {values["id"] for name, values in self.result.events if name == "BadDebt"}
        for name, values in self.result.events:
            if name != "PositionChanged" or values["id"] not in before:
                continue
            kind = _KINDS.get(int(values["action"]))
            was = before[values["id"]]
            if kind is None or was.size == 0:
                continue
            s = self.twin.state
            gain = laws.claim(was.size, was.basis, s.mark, s.funding_index)
            money = "bad debt" if values["id"] in bad else "profit" if gain >= 0 else "loss"
            self.coverage["long" if was.size > 0 else "short", money, kind] += 1


class _Undo(Exception):
    """Ends a look ahead."""


_GOVERNED = ("leave_reduce_only", "announce_final", "set_params")
_KINDS = {3: "close", 6: "partial", 7: "full", 9: "ADL"}
_STATE = (
    *("mark", "published_at", "accepted_at", "accrued_at", "resumed_at", "funding_index"),
    *("funding_rate", "sampled_at", "spread", "variance", "ramp", "ln_sample", "renewed"),
    *("size_long", "size_short", "next_id", "basis_long", "basis_short", "cash"),
    *("insurance_due", "treasury_due", "config_store", "bucket_due_at", "jump_at", "mode"),
    "tickets_open",
)


@lru_cache(maxsize=4096)
def _encoded(contract: Contract, name: str, args: tuple[Any, ...]) -> bytes:
    function = getattr(contract, name)
    return bytes(function.encode(*args))


def _signed(word: int) -> int:
    return word - 2**256 if word >= 2**255 else word


def _returns(name: str) -> bool:
    return name in (
        *("open", "reserve", "close_and_withdraw", "liquidate", "liquidate_many", "draw_ticket"),
        *("request_deposit", "request_redeem", "refund_deposit"),
        *("deposit", "mint", "redeem", "withdraw"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_plain(part) for part in value)
    return int(value) if isinstance(value, int) else value


def _reason(text: str) -> str:
    if text.startswith("Refused("):
        return " " + Reason(int(text[8:].split(",")[0])).name
    return ""


def _error_text(problem: ModelError) -> str:
    if isinstance(problem, Refused):
        return f"Refused{(int(problem.reason), problem.actual, problem.limit)}"
    if isinstance(problem, OracleError):
        name, args = problem.args
        return f"{name}{_plain(args)}"
    if isinstance(problem, PoolRefused):
        return f"the pool: {problem.args[0]}"
    if isinstance(problem, TransferRefused):
        return "no balance"
    return f"{problem.name}{_plain(problem.args)}"


def _chain_text(name: str, values: tuple[Any, ...]) -> str:
    """The chain's error as the twin would say it."""
    if name in ("ERC20InsufficientBalance", "TransferRefused"):
        return "no balance"
    if name == "BadParameter":
        values = (values[0].rstrip(b"\0").decode(), *values[1:])
    return f"{name}{_plain(values)}"


def _touched(op: Op, twin: MarketModel) -> set[int]:
    if op.name == "liquidate_many":
        return set(op.args[0])
    if op.name == "send":
        return {id_ for vault, id_ in twin.core.vaults.items() if vault == op.args[0]}
    if op.name in _POOL_CALLS or not op.args:
        return set()
    return {op.args[0]} if isinstance(op.args[0], int) else set()


__all__ = ["Broken", "LiquidationResult", "Op", "World"]
