"""Laws that are tried on a snapshot: what would happen if. Nothing of it stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from bulkhead.fuzz import foresight
from bulkhead.fuzz.by_order import FrontRunner
from bulkhead.fuzz.coalition import Coalition
from bulkhead.fuzz.epochs import Epochs
from bulkhead.fuzz.exits import Exits
from bulkhead.fuzz.feeds import ADAPTERS
from bulkhead.fuzz.inside import Inside
from bulkhead.fuzz.laws import access, funding, margin
from bulkhead.fuzz.laws import pool as lp
from bulkhead.fuzz.listing import Listing
from bulkhead.fuzz.loops import Loops
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import EVE, FOREVER, KEEPER, OWNERS
from bulkhead.fuzz.routes import Routes
from bulkhead.fuzz.speech import meaning
from bulkhead.fuzz.stage import FALSE_TOKEN, FEE_TOKEN, REBASING_TOKEN
from bulkhead.fuzz.strangers import Strangers
from bulkhead.fuzz.views import Views
from bulkhead.fuzz.world import World
from bulkhead.model.types import Mode
from bulkhead.model.wad import WAD

# What a token turns to: a fee (bps), a lie, another index (Wad).
TURNS = {
    FEE_TOKEN: ("setFee", (100,)),
    FALSE_TOKEN: ("setManner", (2,)),
    REBASING_TOKEN: ("rebase", (WAD // 2, WAD * 9 // 10, WAD * 11 // 10)),
}
YEARS = 3 * 365 * 86_400  # seconds: the longest that somebody is left to pay funding


class Trials:
    """All of them, by name."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.loops, self.exits = Loops(bench), Exits(bench)
        self.coalition = Coalition(bench)
        self.front_runner, self.views = FrontRunner(bench), Views(bench)
        self.strangers, self.epochs = Strangers(bench), Epochs(bench)
        self.routes, self.inside = Routes(bench), Inside(bench)
        self.listing = Listing(bench)

    def run(self, world: World, name: str, seed: int) -> None:
        """One trial; the seed decides what it leaves open."""
        trial = TRIALS.get(name) or LOOKS[name]
        trial(self, world, random.Random(seed))

    def pieces(self, world: World, dice: random.Random) -> None:
        """I-23: many accruals are one."""
        world.play(Op("accrue", KEEPER, (), 1, world.at))  # the mark is the oracle's from now on
        seconds, count = dice.choice((60, 3_600, 86_400)), dice.randint(2, 5)
        found = []
        for waits in ([seconds], [seconds // count] * (count - 1)):
            with world.undone():
                rest = seconds - sum(waits)
                for wait in (*waits, rest):
                    world.play(Op("accrue", KEEPER, (), wait, world.at))
                s = world.twin.state
                seen = world.sight.state
                found.append((seen["funding_index"], seen["funding_rate"]))
                mark, final = s.mark, s.mode >= Mode.FINAL
        if not final:
            self.bench.hold(funding.i_23_pieces, *found, count, mark, seconds)

    def starved(self, world: World, dice: random.Random) -> None:
        """I-25: funding alone takes a payer below MM; then it is liquidated."""
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        twin, s = world.twin, world.twin.state
        if s.accepted_at != world.now or s.mode >= Mode.FINAL:
            return
        well = [i for i in world.ids if twin.position(i).size and not twin.liquidatable(i)]
        if not well:
            return
        id_, wait = dice.choice(well), 1
        while not foresight.starves(world, id_, wait):
            wait *= 4
            if wait > YEARS:
                return
        least = wait // 4
        while wait - least > 1:
            middle = (least + wait) // 2
            least, wait = (
                (least, middle) if foresight.starves(world, id_, middle) else (middle, wait)
            )
        p = foresight.position(world, id_)
        world.play(Op("set_price", args=(s.mark, s.spread, 0, 0), wait=wait, market=world.at))
        said = world.play(Op("liquidate", KEEPER, (id_, KEEPER), 0, world.at))
        self.bench.hold(funding.i_25_starved, p, said)

    def inserted(self, world: World, dice: random.Random) -> None:
        """I-24: an accrual, or a settlement of the same position, before an action is not seen."""
        held = [i for i in world.ids if world.twin.position(i).size]
        if not held:
            return
        id_ = dice.choice(held)
        p = world.twin.position(id_)
        part = -p.size * dice.randint(1, 19) // 20
        limit = 0 if part < 0 else 2**255
        action = dice.choice(
            (
                Op("decrease", p.owner, (id_, part, limit, FOREVER), 0, world.at),
                Op("close", p.owner, (id_, limit, FOREVER), 0, world.at),
                Op("liquidate", KEEPER, (id_, KEEPER), 0, world.at),
                Op("settle", KEEPER, (id_,), 0, world.at),
                Op("add_margin", KEEPER, (id_, world.dollars(1)), 0, world.at),
            )
        )
        wait = dice.choice((0, 1, 60, 4_000))
        found = []
        for early in (False, True):
            with world.undone():
                if early:
                    world.play(Op("accrue", KEEPER, (), wait, world.at))
                    said = world.play(action)
                else:
                    said = world.play(Op(action.name, action.actor, action.args, wait, world.at))
                if said.startswith("ok"):  # an action that needs no mark may leave it unaccepted
                    world.play(Op("accrue", KEEPER, (), 0, world.at))
                    found.append(world.look(world.site).words)
        if len(found) == 2:
            self.bench.hold(funding.i_24_inserted, *found)

    def renamed(self, world: World, dice: random.Random) -> None:
        """I-24: who acts does not matter."""
        size = max(world.params.min_notional, WAD) * 3 * WAD // world.twin.state.mark
        size *= dice.choice((-1, 1))
        limit = 2**255 if size > 0 else 0
        amount = world.dollars(10_000)
        found = []
        for who in dice.sample(OWNERS, 2):
            with world.undone():
                args = (0, size, amount, limit, FOREVER)
                if not world.play(Op("open", who, args, 0, world.at)).startswith("ok"):
                    return
                world.play(Op("settle", KEEPER, (world.ids[-1],), 3_600, world.at))
                words = world.look(world.site).words
                found.append(world.site.layout.anonymous(words))
        self.bench.hold(funding.i_24_renamed, *found)

    def turncoat(self, world: World, dice: random.Random) -> None:
        """I-45: a token that begins to charge, to lie or to rebase is refused where payments fall
        short, and robs nobody else."""
        turn = TURNS.get(world.setting.token)
        if turn is None or not world.ids or world.twin.core.halted:
            return
        name, most = turn
        short = name != "rebase"  # a rebase takes from everybody at once, payments are whole
        stage, engine, site = world.stage, world.engine, world.site
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        stage.send(stage.token, name, (dice.choice(most),), EVE)
        id_ = dice.choice(world.ids)
        market, amount = site.market, world.dollars(5_000)
        size = world.params.min_notional * 2 * 10**18 // world.twin.state.mark
        pays = {
            "addMargin": (market.address, market.addMargin.encode(id_, amount)),
            "requestDeposit": (
                site.pool.address,
                site.pool["requestDeposit(uint256,address,address)"].encode(amount, EVE, EVE),
            ),
            "open": (market.address, market.open.encode(0, size, amount, 2**255, FOREVER)),
        }
        for payment, (to, data) in pays.items() if short else ():
            answer = engine.send(to, data, EVE)
            said = "ok" if answer.ok else meaning(answer.data)
            if not said.startswith(("Refused", "Price", "Sequencer", "MarketSettled")):
                self.bench.hold(access.i_45_shortfall, payment, said)
        before = {i: p.margin for i, p in world.look(site).positions.items()}
        owner = world.twin.position(id_).owner
        limit = 0 if world.twin.position(id_).size > 0 else 2**255
        engine.send(market.address, market.close.encode(id_, limit, FOREVER), owner)
        engine.send(market.address, market.liquidate.encode(id_, KEEPER), KEEPER)
        after = {i: p.margin for i, p in world.look(site).positions.items()}
        self.bench.hold(access.i_45_others, "an exit", before, after, id_)

    def removal(self, world: World, dice: random.Random) -> None:
        """I-15: exactly what is free."""
        world.play(Op("accrue", KEEPER, (), 1, world.at))
        s = world.twin.state
        fresh = s.accepted_at == world.now and s.mode == Mode.NORMAL and not world.twin.in_grace()
        if not fresh or not world.ids or world.refuses():
            return
        id_ = dice.choice(world.ids)
        owner, free = world.twin.position(id_).owner, world.twin.withdrawable(id_)
        with world.undone():
            at = world.play(Op("remove_margin", owner, (id_, free, owner), 0, world.at))
        above = world.play(Op("remove_margin", owner, (id_, free + 1, owner), 0, world.at))
        if not at.startswith("Refused(15") or free:  # ill already: nothing is free
            self.bench.hold(margin.i_15_withdrawable, free, at, above)

    def claims(self, world: World, dice: random.Random) -> None:
        """I-49: what a provider may claim is paid, while the token pays anybody."""
        if world.twin.core.halted:
            return
        for who in world.site.layout.providers:
            side = world.twin.pool.redemptions.folded(who)
            if side.shares and side.assets:
                args = (side.shares, who, who)
                said = world.play(Op("redeem", who, args, 0, world.at))
                self.bench.hold(lp.i_49_liveness, said)


def _adapter(kind: str, trials: Trials, world: World, dice: random.Random) -> None:
    ADAPTERS[kind](trials.bench, world, dice).play()


Trial = Callable[[Trials, World, random.Random], None]
TRIALS: dict[str, Trial] = {
    "pieces": Trials.pieces,
    "starved": Trials.starved,
    "inserted": Trials.inserted,
    "renamed": Trials.renamed,
    "vault": lambda trials, world, dice: trials.strangers.run(world, dice),
    "turncoat": Trials.turncoat,
    "removal": Trials.removal,
    "claims": Trials.claims,
    "round trip": lambda trials, world, dice: trials.loops.round_trip(world, dice),
    "split": lambda trials, world, dice: trials.loops.split(world, dice),
    "mirror": lambda trials, world, dice: trials.loops.mirror(world, dice),
    "coalition": lambda trials, world, dice: trials.coalition.run(world, dice),
    "unpriced": lambda trials, world, dice: trials.exits.unpriced(world, dice),
    "leave": lambda trials, world, dice: trials.exits.leave(world, dice),
    "everyone": lambda trials, world, dice: trials.exits.everyone(world, dice),
    "pause": lambda trials, world, dice: trials.exits.pause(world, dice),
    "provider": lambda trials, world, dice: trials.epochs.provide(world, dice),
    "sandwich": lambda trials, world, dice: trials.epochs.sandwich(world, dice),
    "limits": lambda trials, world, dice: trials.views.limits(world, dice),
    "front runner": lambda trials, world, dice: trials.front_runner.run(world, dice),
    "router": lambda trials, world, dice: trials.routes.run(world, dice),
    **{kind: partial(_adapter, kind) for kind in ADAPTERS},
}
# At rates of their own: cheap ones, and those that few settings have; two before the first move.
LOOKS: dict[str, Trial] = {
    "views": lambda trials, world, dice: trials.views.run(world, dice),
    "inside": lambda trials, world, dice: trials.inside.run(world, dice),
    "listing": lambda trials, world, dice: trials.listing.run(world, dice),
    "birth": lambda trials, world, dice: trials.views.birth(world, dice),
    "stillborn": lambda trials, world, dice: trials.exits.stillborn(world, dice),
}
