"""Trials of providers over epochs: in and out, and with a price that they know beforehand."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from bulkhead.fuzz.chain import answered
from bulkhead.fuzz.laws import pool as laws
from bulkhead.fuzz.laws.base import up
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import ANY_BUY, FOREVER, KEEPER, LP, OWNERS
from bulkhead.fuzz.probe import claimable
from bulkhead.fuzz.stage import FEE_TOKEN, REBASING_TOKEN
from bulkhead.fuzz.twins import patience
from bulkhead.fuzz.world import World
from bulkhead.model.queues import NOBODY, START, VIRTUAL
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

EPOCHS = 3  # what waits, what waits for that, and once more past a jump
ODD = frozenset({FEE_TOKEN, REBASING_TOKEN})
TOP = 2**256 - 1


class Epochs:
    """I-37, I-39 and I-49 of providers."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench

    # ---- what an epoch takes

    def _ready(self, world: World) -> bool:
        """A market that prices: a fresh mark past any grace and jump, a pool worth something."""
        if world.refuses() or world.setting.token in ODD:
            return False
        self._publish(world, world.site.reading.mark, self._wait(world))
        s, m = world.twin.state, world.sight.market
        fresh = s.accepted_at == world.now and s.mode < Mode.FINAL and not world.twin.in_grace()
        return fresh and m["nav"] > 1_000 * world.unit and m["totalSupply"] > 10**6

    def _wait(self, world: World) -> int:
        return patience(world) + max(world.params.pricing_wait_secs, world.params.grace_secs)

    def _publish(self, world: World, mark: int, wait: int, lag: int = 0) -> None:
        """A mark, taken at once: what is due is priced."""
        world.play(Op("set_price", "", (mark, 0, lag, 0), wait, world.at))
        world.play(Op("accrue", KEEPER, (), 0, world.at))

    def _event(self, world: World, name: str) -> dict[str, int] | None:
        """What the last step said of pricing."""
        step = world.last
        told = step.result.events if step and step.result else ()
        return next((values for what, values in told if what == name), None)

    def _ask(self, world: World, name: str, who: str, amount: int) -> bool:
        args = (amount, who, who)
        return world.play(Op(name, who, args, 0, world.at)).startswith("ok")

    def _tokens(self, world: World, who: str) -> int:
        return dict(zip(world.site.layout.holders, world.sight.balances, strict=True))[who]

    # ---- in and out

    def provide(self, world: World, dice: random.Random) -> None:
        """I-37, I-49: somebody joins and leaves at one mark, in parts. What they asked for is
        claimable, and pays what the buckets' prices say."""
        if not self._ready(world):
            return
        who, pool = dice.choice(OWNERS), world.twin.pool
        if pool.shares.get(who, 0) or {pool.deposits.folded(who), pool.redemptions.folded(who)} - {
            NOBODY._replace(since=since) for since in (START, pool.redemptions.snapshot())
        }:
            return  # they provide already
        began = self._tokens(world, who)
        exact = self._join(world, dice, who)
        if exact is None:
            return
        held = pool.shares.get(who, 0)
        self.bench.hold(laws.i_37_exact, "shares for deposits", held, exact)
        between = self._tokens(world, who)
        if held == 0 or began == between:
            return
        exact = self._leave(world, dice, who, held)
        back = self._tokens(world, who) - between
        self.bench.hold(laws.i_37_exact, "tokens for shares", back, exact)

    def _join(self, world: World, dice: random.Random, who: str) -> Fraction | None:
        """Deposits in parts, claimed in parts. The exact shares; None where not all is priced."""
        asked: dict[int, int] = {}
        for _ in range(dice.randint(1, 3)):
            amount = world.dollars(dice.choice((100, 5_000, 100_000))) + dice.randint(2, 99)
            number = world.twin.pool.deposits.queue.collecting
            if not self._ask(world, "request_deposit", who, amount):
                return None
            asked[number] = asked.get(number, 0) + amount
            if dice.random() < 0.3:
                self._ask(world, "request_deposit", LP, world.dollars(10) + 7)
        exact = Fraction(0)
        for _ in range(EPOCHS):
            self._publish(world, world.twin.state.mark, self._wait(world))
            found = self._event(world, "DepositBucketPriced")
            if found:
                mine = asked.pop(found["requestId"], 0)
                exact += Fraction(mine * found["shares"], found["assets"])
        m = world.sight.market
        if m["nav"] <= 0 or m["totalSupply"] > 2**127:
            return None  # nothing is sold
        waits = self._pending(world, "Deposit", who)
        self.bench.hold(laws.i_49_priced, "deposits", waits, TOP)
        self._claim(world, dice, who, "deposit", "mint")
        return exact

    def _leave(self, world: World, dice: random.Random, who: str, shares: int) -> Fraction:
        """Redemptions in parts, claimed in parts. The exact tokens."""
        asked: dict[int, Fraction] = {}
        queue, exact = world.twin.pool.redemptions.queue, Fraction(0)
        cut = dice.randint(1, shares)
        for part in (cut, shares - cut):
            number = queue.collecting
            if part and self._ask(world, "request_redeem", who, part):
                asked[number] = asked.get(number, Fraction(0)) + part
        for _ in range(EPOCHS):
            self._publish(world, world.twin.state.mark, self._wait(world))
            found = self._event(world, "RedeemBucketPriced")
            for number in asked if found else ():
                if found and number <= found["requestId"]:  # all that waits is filled alike
                    exact += asked[number] * found["assets"] / found["shares"]
                    asked[number] *= Fraction(found["shares"] - found["burned"], found["shares"])
        m = world.sight.market
        if m["nav"] > 0:
            waits = self._pending(world, "Redeem", who)
            self.bench.hold(laws.i_49_priced, "redemptions", waits, m["freeLiquidity"])
        self._claim(world, dice, who, "redeem", "withdraw")
        return exact

    def _pending(self, world: World, kind: str, who: str) -> int:
        """What of somebody's requests the pool says is not priced."""
        pool, twin = world.site.pool, world.twin.pool
        account = claimable(twin.deposits if kind == "Deposit" else twin.redemptions, who)
        ids = {request.bucket for request in account.requests}
        ids |= {account.entry.bucket} if account.entry else {account.label}
        method = getattr(pool, f"pending{kind}Request").method
        return sum(answered(world, pool.address, method, (number, who)) for number in ids)

    def _claim(self, world: World, dice: random.Random, who: str, first: str, second: str) -> None:
        """Takes what is claimable: a part of it by one call, the rest by another. A part's price,
        rounded up, may be all that is paid with: the rest is then named by what it is."""
        side = world.twin.pool.deposits if first == "deposit" else world.twin.pool.redemptions
        for last in (False, True):
            account = claimable(side, who)
            paid, got = account.assets, account.shares
            if first == "redeem":
                paid, got = got, paid
            if not got:
                return
            name = dice.choice((first, second)) if paid else second
            by_assets = name in ("deposit", "withdraw")
            most = account.assets if by_assets else account.shares
            amount = most if last else dice.randint(1, most)
            if name == "deposit" and amount * account.shares < account.assets:
                amount = most  # less than a share is refused
            said = world.play(Op(name, who, (amount, who, who), 0, world.at))
            self.bench.hold(laws.i_49_liveness, said)

    # ---- with a price that is known beforehand

    def sandwich(self, world: World, dice: random.Random) -> None:
        """A provider who knows the next mark, or who moves the skew while they are priced, ends
        with no more than had they done nothing."""
        if not self._ready(world):
            return
        moves = dice.random() < 0.4
        s, p = world.twin.state, world.params
        step = 0 if moves else dice.choice((-100, -30, -5, 5, 30, 100))
        known = s.mark * (1_000 + step) // 1_000
        name = dice.choice(("request_deposit", "request_redeem"))
        delay = p.deposit_delay_secs if name == "request_deposit" else p.redeem_delay_secs
        shares = world.twin.pool.shares.get(LP, 0)
        amount = world.dollars(dice.choice((1_000, 200_000)))
        if name == "request_redeem":
            amount = shares // dice.choice((1, 2, 50))
        if amount < 2:
            return
        size = 0
        if moves:
            size = max(p.min_notional, 1_000 * WAD) * dice.choice((-1, 1)) * dice.randint(2, 400)
            size = size * WAD // s.mark
        index, lag = s.funding_index, dice.choice((0, 5))
        ends, slack, marks = [], 0, 0
        for acts in (True, False):
            with world.undone():
                number = self._number(world, name)
                if acts and not self._ask(world, name, LP, amount):
                    return
                # A mark of the second in which it falls due is not new enough.
                self._publish(world, s.mark, delay + lag, lag)
                priced = self._priced(world, name, number)
                id_ = self._open(world, size) if acts and size else 0
                done = 0
                while done == 0 or (not priced if acts else done < marks):
                    if done == EPOCHS:
                        return
                    self._publish(world, known, self._wait(world) if done else 1)
                    priced = priced or self._priced(world, name, number)
                    done += 1
                # From here on they would earn, or lose, with what they have.
                if acts and size and not (id_ and self._close(world, id_, size)):
                    return
                marks = done
                ends.append(self._wealth(world))
                now, m = world.twin.state, world.sight.market
                if m["nav"] < 1_000 * world.unit or now.mode >= Mode.FINAL:
                    return
                # What others may pay the position in funding, and roundings.
                funding = up(abs(size) * abs(now.funding_index - index), WAD * world.unit)
                share = up(m["nav"], world.unit * m["totalSupply"])
                slack = max(slack, funding + 16 + 8 * share)
        acted, idle = ends
        self.bench.hold(laws.i_39_foreknown, idle, acted, slack)

    def _number(self, world: World, name: str) -> int:
        """The bucket that a request would join."""
        pool = world.twin.pool
        side = pool.deposits if name == "request_deposit" else pool.redemptions
        return int(side.queue.collecting)

    def _priced(self, world: World, name: str, number: int) -> bool:
        """Whether the last step priced that bucket."""
        what = "DepositBucketPriced" if name == "request_deposit" else "RedeemBucketPriced"
        found = self._event(world, what)
        return found is not None and found["requestId"] >= number

    def _open(self, world: World, size: int) -> int:
        """The provider's own position, with margin enough for anything; 0 where caps refuse it."""
        margin = abs(size) * world.twin.state.mark // WAD // world.unit + world.dollars(1)
        args = (0, size, margin, ANY_BUY if size > 0 else 0, FOREVER)
        if any(world.sight.ahead):
            return 0  # a gift waits for whoever opens
        if not world.play(Op("open", LP, args, 0, world.at)).startswith("ok"):
            return 0
        return int(world.twin.state.next_id) - 1

    def _close(self, world: World, id_: int, size: int) -> bool:
        args = (id_, 0 if size > 0 else ANY_BUY, FOREVER, LP)
        return world.play(Op("close_and_withdraw", LP, args, 0, world.at)).startswith("ok")

    def _wealth(self, world: World) -> int:
        """The provider's tokens, tickets, and what their shares and requests are worth (token
        units)."""
        m, pool, sight = world.sight.market, world.twin.pool, world.sight
        adding, leaving = claimable(pool.deposits, LP), claimable(pool.redemptions, LP)
        shares = pool.shares.get(LP, 0) + adding.shares + leaving.waits
        worth = shares * (m["nav"] // world.unit + 1) // (m["totalSupply"] + VIRTUAL)
        owed = sum(row[2] - row[3] for row in sight.tickets if f"0x{row[0]:040x}" == LP)
        return int(self._tokens(world, LP) + leaving.assets + adding.waits + worth + owed)
