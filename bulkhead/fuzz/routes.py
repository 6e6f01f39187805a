"""Trials of the router: what it does for its caller, and what nobody makes it do to others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from bulkhead.deploy.steps import Deployer
from bulkhead.fuzz.laws import access, differential
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import (
    ALICE,
    ALICE_KEY,
    ANY_BUY,
    BOB,
    DEPLOYER,
    EVE,
    FOREVER,
    KEEPER,
    OWNERS,
)
from bulkhead.fuzz.probe import Sight
from bulkhead.fuzz.speech import error_text, meaning, plain
from bulkhead.fuzz.stage import FEE_TOKEN, MOLE
from bulkhead.fuzz.world import World
from bulkhead.model.errors import ModelError, TransferRefused, UnknownPosition, WrongAmountReceived
from bulkhead.model.wad import WAD

Call = tuple[str, tuple[int, ...]]  # a function of the router's, and what follows the market
LARGEST = 2**256 - 1
ROUNDS = 3  # of each kind in a trial
FEE_BPS = 100
PAYING = ("open", "topUp")
_PERMIT = keccak(
    b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)


class NotOwner(ModelError):
    """NotOwner(id, caller)."""


class PermitFailed(ModelError):
    """PermitFailed(token, allowance, value)."""


class ERC20InsufficientAllowance(ModelError):
    """ERC20InsufficientAllowance(spender, allowance, needed)."""


class Routes:
    """I-41, I-50: the router does what its caller could do, and takes from its caller alone."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    def run(self, world: World, dice: random.Random) -> None:
        """A router that everybody trusts with all tokens and most with all positions."""
        if world.twin.core.halted:
            return
        hand = Deployer(world.engine.rpc, DEPLOYER, artifacts=world.stage.artifacts)
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        Scene(self.bench, world, dice, hand).play()


class Scene:
    """A router, its users, and what was last seen of their tokens."""

    def __init__(self, bench: Any, world: World, dice: random.Random, hand: Deployer) -> None:
        self.bench, self.world, self.dice, self.hand = bench, world, dice, hand
        self.router = hand.create("Router")
        world.engine.set_time(world.now)
        mole = world.stage.contracts.get(MOLE)
        agents = [where for where in world.stage.agents if mole is None or where != mole.address]
        self.users = (*OWNERS, *agents)
        for who in self.users:
            world.stage.send(world.stage.token, "approve", (self.router.address, LARGEST), who)
            if dice.random() < 0.8:
                args = (0, self.router.address, dice.choice((FOREVER, FOREVER, world.now - 1)))
                world.play(Op("set_delegate", who, args, 0, world.at))

    def play(self) -> None:
        """Callers in turn; then strangers, a market that lies, or permits; a token that charges."""
        self.seen = self._look()
        for _ in range(ROUNDS):
            who = self._caller()
            calls = [self._call(who) for _ in range(self.dice.choice((1, 1, 2, 3)))]
            self._routed(who, calls)
        self.dice.choice((self._meddle, self._lied_to, self._permits))()
        if self.world.setting.token == FEE_TOKEN:
            self._charged()

    # ---- the same as without it

    def _caller(self) -> str:
        """Mostly one who has something to trade with."""
        twin, dice = self.world.twin, self.dice
        owners = [twin.position(id_).owner for id_ in self.world.ids if twin.position(id_).size]
        trading = [who for who in owners if who in self.users]
        who: str = dice.choice(trading if trading and dice.random() < 0.6 else self.users)
        return who

    def _call(self, who: str) -> Call:
        """One that should work, or not: on a position of the caller's, or of somebody else, or of
        nobody."""
        world, dice, twin = self.world, self.dice, self.world.twin
        known = [*world.ids]
        own = [id_ for id_ in known if twin.position(id_).owner == who]
        id_ = dice.choice(own or [0]) if dice.random() < 0.75 else dice.choice((*known, 2**40))
        deadline = dice.choice((FOREVER,) * 9 + (world.now - 1,))
        size = twin.position(id_).size if id_ in known else 0
        unit = max(world.params.min_notional, WAD) * WAD // twin.state.mark
        margin = dice.choice((0, world.dollars(3_000), world.dollars(3_000), 1, 2**128))
        kind = dice.choice(("open", "open", "increase", "decrease", "decrease", "close", "topUp"))
        if kind == "topUp":
            id_ = dice.choice((id_, id_, 2**40))
            return kind, (id_, dice.choice((0, 1, world.dollars(100), 2**128)))
        if kind == "open":
            id_ = 0 if dice.random() < 0.5 else id_
            delta = unit * dice.choice((3, -3, 2, -2))
            return kind, (id_, delta, margin, ANY_BUY if delta > 0 else 0, deadline)
        if kind == "close":
            return kind, (id_, 0 if size > 0 else ANY_BUY, deadline)
        part = size // 3 or unit
        delta = part if kind == "increase" else -part
        return kind, (id_, delta, ANY_BUY if delta > 0 else 0, deadline)

    def _routed(self, who: str, calls: Sequence[Call]) -> None:
        """As the model says: all of the calls by the router for its caller, or none."""
        world = self.world
        expected = self._foretold(who, calls)
        data = [self._encoded(*call) for call in calls]
        whole = data[0] if len(data) == 1 else bytes(self.router.multicall.encode(data))
        said = self._send(who, whole)
        self.bench.hold(differential.i_50_outcome, said, expected)
        most = sum(args[2 if name == "open" else 1] for name, args in calls if name in PAYING)
        if self._kept(who, most) or said == "ok":
            site = world.site
            world.judge.view(world, site, self.seen.words, site.layout.expected(world.twin))

    def _encoded(self, name: str, args: tuple[int, ...]) -> bytes:
        return bytes(getattr(self.router, name).encode(self.world.site.market.address, *args))

    def _send(self, who: str, data: bytes) -> str:
        stage = self.world.stage
        self.world.tally.steps += 1
        answer = self.world.engine.send(*stage.through(self.router.address, data, who))
        return "ok" if answer.ok else meaning(answer.data)

    def _foretold(self, who: str, calls: Sequence[Call]) -> str:
        try:
            with self.world.twin.core.transaction():
                for name, args in calls:
                    self._on_twin(who, name, *args)
        except ModelError as problem:
            return error_text(problem)
        return "ok"

    def _on_twin(self, who: str, name: str, id_: int, *args: int) -> None:
        """Margin comes from the caller; the router trades as a delegate, for owners alone."""
        twin, router = self.world.twin, self.router.address
        there = id_ in self.world.ids
        if name == "topUp":
            if not there:
                raise UnknownPosition(id_)
            return self._pay(who, id_, args[0])
        if id_ == 0 and name == "open":
            id_ = twin.reserve(router, who).value
        elif not there or twin.position(id_).owner != who:
            raise NotOwner(id_, who)
        if name == "open":
            size, margin, *limits = args
            if margin:
                self._pay(who, id_, margin)
            args = (size, 0, *limits)
        getattr(twin, name)(router, id_, *args)
        return None

    def _pay(self, who: str, id_: int, amount: int) -> None:
        core, vault = self.world.twin.core, self.world.vault(id_)
        if not core.passes(who, vault) or not core.transfer(who, vault, amount):
            raise TransferRefused(vault, amount)

    # ---- nobody else pays

    def _look(self) -> Sight:
        site = self.world.site
        return site.layout.sight(self.world.words(site))

    def _in_router(self) -> int:
        token = self.world.stage.token
        data = token.balanceOf.encode(self.router.address)
        return int.from_bytes(self.world.engine.view(token.address, data).data, "big")

    def _kept(self, who: str, most: int) -> bool:
        """The router keeps nothing, and nobody but its caller, or a vault of the caller's, has
        less than when they were last looked at. Whether anything is otherwise than then."""
        world, before, after = self.world, self.seen, self._look()
        self.seen = after
        paid, others = 0, [0]
        pairs = zip(before.balances, after.balances, strict=True)
        for one, (had, has) in zip(world.site.layout.holders, pairs, strict=True):
            if one == who:
                paid = had - has
            elif one in world.stage.people:
                others.append(has - had)
        for id_, position in before.positions.items():
            if before.owner(id_) != who:
                others.append(after.positions[id_].margin - position.margin)
        self.bench.hold(access.i_41_router, self._in_router(), min(others), paid, most)
        return after.words != before.words

    def _meddle(self) -> None:
        for _ in range(ROUNDS):
            self._anything(self.dice.choice(self.users))

    def _anything(self, who: str) -> None:
        """Calldata of any kind; or what works for others, called by somebody else."""
        world, dice, market = self.world, self.dice, self.world.site.market
        victim = dice.choice([one for one in self.users if one != who])
        token = world.stage.token
        calls = (
            bytes(token.transferFrom.encode(victim, who, 1)),
            bytes(market.removeMargin.encode(dice.choice([*world.ids, 1]), 1, who)),
            dice.randbytes(dice.randint(0, 100)),
            bytes(self.router.topUp.encode(token.address, 1, world.dollars(5))),
            bytes(self.router.open.encode(victim, 0, WAD, 1, ANY_BUY, FOREVER)),
        )
        data = dice.choice(calls)
        if dice.random() < 0.5:
            data = bytes(self.router.multicall.encode([data]))
        said = self._send(who, data)
        self.bench.hold(access.i_41_obeyed, said, "calldata of any kind")
        if self._kept(who, 0):
            self.bench.hold(access.i_41_obeyed, "ok", "calldata of any kind moved a market")

    def _lied_to(self) -> None:
        """A market that lies takes what its caller stated, and turns to the router for more."""
        world, dice, token = self.world, self.dice, self.world.stage.token
        false = self.hand.create("FalseMarket", token.address, EVE)
        victims = [who for who in self.users if who not in (BOB, EVE)]
        ids = [id_ for id_ in world.ids if world.twin.position(id_).owner in victims]
        stated = dice.choice((0, 1, world.dollars(7)))
        calls: list[Call] = [("topUp", (dice.choice(ids or [1]), world.dollars(9)))]
        calls += [("close", (id_, 0, FOREVER)) for id_ in ids[:1]]
        payload = self._encoded(*dice.choice(calls))
        world.stage.send(false, "setCall", (self.router.address, payload), EVE)
        world.stage.send(false, "setOwner", (dice.choice((BOB, EVE)),), EVE)
        if world.refuses(BOB, EVE):
            return
        args = (false.address, dice.choice((0, 1)), WAD, stated, ANY_BUY, FOREVER)
        self._send(BOB, bytes(self.router.open.encode(*args)))
        self.bench.hold(access.i_41_obeyed, "ok" if false.calledBack() else "refused", "a market")
        self._kept(BOB, stated)

    def _charged(self) -> None:
        """A token that begins to charge: a payment that falls short is refused."""
        world, stage = self.world, self.world.stage
        if not world.ids or world.refuses():
            return
        stage.send(stage.token, "setFee", (FEE_BPS,), EVE)
        id_, amount = world.ids[-1], world.dollars(self.dice.randint(1, 99))
        fee = amount * FEE_BPS // 10_000
        said = self._send(BOB, self._encoded("topUp", (id_, amount)))
        expected = error_text(WrongAmountReceived(amount - fee, amount)) if fee else "ok"
        self.bench.hold(differential.i_50_outcome, said, expected)

    # ---- permits

    def _permits(self) -> None:
        """Alice signs for the router: used by her, by somebody before her, by somebody else, for
        another, or too late. Then tokens move as far as she allowed."""
        world, dice, hand = self.world, self.dice, self.hand
        token = hand.create("PermitToken", world.setting.decimals)
        false = hand.create("FalseMarket", token.address, KEEPER)
        for who in (ALICE, EVE, BOB):
            world.stage.send(token, "mint", (who, 1_000), who)
        world.stage.send(false, "setOwner", (ALICE,), EVE)
        allowed = {ALICE: 0, EVE: 0}
        nonce = 0
        for _ in range(ROUNDS):
            value = dice.choice((0, 1, 500, LARGEST))
            spender = dice.choice((self.router.address,) * 5 + (BOB,))
            deadline = world.now + dice.choice((0, 0, 9, -1))
            vrs = self._signed(token, spender, value, nonce, deadline)
            caller = dice.choice((ALICE, ALICE, ALICE, EVE))
            good = deadline >= world.now and spender == self.router.address
            if good and dice.random() < 0.3:  # in front of her
                world.stage.send(token, "permit", (ALICE, spender, value, deadline, *vrs), BOB)
                allowed[ALICE], nonce, good = value, nonce + 1, False
            expected = "ok"
            if good and caller == ALICE:
                allowed[ALICE], nonce = value, nonce + 1
            elif allowed[caller] < value:
                expected = error_text(PermitFailed(token.address, allowed[caller], value))
            data = self.router.selfPermit.encode(token.address, value, deadline, *vrs)
            self.bench.hold(differential.i_50_outcome, self._send(caller, bytes(data)), expected)
            amount = dice.choice((0, 1, 2))
            expected = "ok"
            if allowed[caller] < amount:
                args = (self.router.address, allowed[caller], amount)
                expected = error_text(ERC20InsufficientAllowance(*args))
            elif allowed[caller] != LARGEST:
                allowed[caller] -= amount
            data = self.router.topUp.encode(false.address, 1, amount)
            said = self._send(caller, bytes(data))
            self.bench.hold(differential.i_50_outcome, said, expected)
            left = {who: token.allowance(who, self.router.address) for who in allowed}
            self.bench.hold(differential.i_50_view, "allowances", plain(left), plain(allowed))

    def _signed(
        self, token: Any, spender: str, value: int, nonce: int, deadline: int
    ) -> tuple[int, bytes, bytes]:
        words = (int(ALICE, 16), int(spender, 16), value, nonce, deadline)
        packed = _PERMIT + b"".join(word.to_bytes(32, "big") for word in words)
        digest = keccak(b"\x19\x01" + bytes(token.DOMAIN_SEPARATOR()) + keccak(packed))
        found = Account.unsafe_sign_hash(digest, ALICE_KEY)
        return found.v, found.r.to_bytes(32, "big"), found.s.to_bytes(32, "big")
