"""Trials of the quorum adapter: reports with real signatures, of every moment, price and signer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from bulkhead.chain.contract import Contract
from bulkhead.chain.decode import registry
from bulkhead.chain.rpc import ZERO
from bulkhead.fuzz.feeds.base import Adapter, foretold, nudged, settled
from bulkhead.fuzz.people import DEPLOYER, EVE
from bulkhead.fuzz.world import World
from bulkhead.model.oracle_settings import MOST_REPORTERS, check, check_reporters, of_quorum
from bulkhead.model.oracles import QuorumModel, QuorumTerms, refuse
from bulkhead.model.order_types import Domain
from bulkhead.model.wad import WAD
from bulkhead.reporter.report import NAME, VERSION, Report, feed_id, update_data

SCENES = 5  # of a trial
READS = 2  # of a scene
GROUPS = 3  # of reporters that are tried
FEED, OTHER_FEED = feed_id("ETH/USD"), feed_id("BTC/USD")
REPORT_TYPE = keccak(b"Report(bytes32 feed,uint256 price,uint256 publishedAt)")
HIGH_BIT = 1 << 255
COUNTS = (2, 3, 3, 3, 3, 4, 4, 5, 7)  # of reporters
ELSEWHERE = ("chain", "contract", "feed", "price", "time", "noise", "nothing")


@lru_cache(maxsize=1)
def people() -> dict[str, Any]:
    """Signers by their addresses, which increase; more than may report."""
    made = (PrivateKey((place + 1).to_bytes(32, "big")) for place in range(MOST_REPORTERS + 2))
    return dict(sorted((key.public_key.to_address(), key) for key in made))


class Quorum(Adapter):
    """What it takes, and gives a market, is what a quorum of its reporters signed."""

    def __init__(self, bench: Any, world: World, dice: random.Random) -> None:
        """The adapter, its authority and its reporters."""
        super().__init__(bench, world, dice)
        terms, count = _terms(dice), dice.choice(COUNTS)
        members = tuple(sorted(dice.sample(list(people()), count)))
        self.authority = self.hand.create("Authority", DEPLOYER)
        quorum = _majority(dice, count)
        self.adapter = settled(self._deployed(terms, members, quorum))
        self.twin = QuorumModel(terms, members, quorum)
        self.domain = Domain(NAME, VERSION, self.hand.rpc.chain_id(), self.adapter.address)

    def play(self) -> None:
        """Reports of all kinds; after each the price is read when it matters."""
        dice, engine, age = self.dice, self.world.engine, self.twin.terms.max_age_secs
        self._at_bounds()
        now = self.world.now
        for _ in range(SCENES):
            now += dice.choice((1, 2, 7, 7, age, age + 1))
            engine.set_time(now)
            if dice.random() < 0.1:
                self._replace_reporters()
            self._update(now)
            self._held()
            at = self.twin.published_at
            for _ in range(READS):
                moment = dice.choice((now, now, max(now, at + age), max(now, at + age + 1)))
                engine.set_time(moment)
                expected = partial(self.twin.read, moment)
                self.read(self.adapter, 0, expected, f"{self.twin} at {moment}")
            engine.set_time(now)

    # ---- settings

    def _deployed(self, terms: QuorumTerms, members: Sequence[str], quorum: int) -> Contract | None:
        settings = {
            "feed": FEED,
            "maxAgeSecs": terms.max_age_secs,
            "lowest": terms.lowest,
            "highest": terms.highest,
            "maxDeviation": terms.max_deviation,
            "maxDisagreement": terms.max_disagreement,
            "spread": terms.spread,
        }

        def allowed() -> None:
            check(of_quorum(terms))
            check_reporters(members, quorum)

        args = (settings, list(members), quorum, self.authority.address)
        return self.deployed("QuorumOracle", allowed, *args)

    def _at_bounds(self) -> None:
        """More adapters, of whose settings one is at a bound or just past it."""
        twin = self.twin
        for terms, _ in nudged(self.dice, twin.terms, of_quorum(twin.terms)):
            self._deployed(terms, twin.reporters, twin.quorum)
        if self.dice.random() < 0.3:
            self._deployed(twin.terms, *self._group())
        for _ in range(GROUPS):
            point = self.world.engine.snapshot()
            self._replace_reporters()
            self.world.engine.restore(point)
            self.twin = twin

    def _group(self) -> tuple[tuple[str, ...], int]:
        """Reporters and a quorum: too many, in no order, twice, nobody; too few to agree."""
        dice, everybody = self.dice, list(people())
        count = dice.choice((0, 1, 2, 3, 4, 4, 4, 6, 6, MOST_REPORTERS, MOST_REPORTERS + 1))
        members = sorted(dice.sample(everybody, count))
        if count > 1 and dice.random() < 0.3:
            place = dice.randrange(count - 1)
            pair = members[place : place + 2]
            members[place : place + 2] = dice.choice((pair[::-1], [pair[0]] * 2, [ZERO, pair[1]]))
        edges = (1, 2, count // 2, count // 2, count // 2 + 1, count, count + 1)
        return tuple(members), dice.choice(edges)

    def _replace_reporters(self) -> None:
        """By the authority's administrator, or by somebody else."""
        members, quorum = self._group()
        if self.dice.random() < 0.5:  # one goes, another comes
            another = self.dice.choice(list(people()))
            members = tuple(sorted({*self.twin.reporters[1:], another}))
            quorum = self.twin.quorum
        who = self.dice.choice((DEPLOYER, DEPLOYER, EVE))

        def allowed() -> None:
            if who != DEPLOYER:
                raise refuse("AccessManagedUnauthorized", who)
            check_reporters(members, quorum)

        expected = foretold(allowed)
        data = self.adapter.setReporters.encode(list(members), quorum)
        said = self.act(data, who)
        self.hold(said, expected, f"setReporters({members}, {quorum}) by {who}")
        if said == "ok":
            self.twin = replace(self.twin, reporters=members, quorum=quorum)
        found, needed = self.adapter.reporters()
        has = (self.twin.reporters, self.twin.quorum)
        self.hold(f"{(tuple(found), needed)}", f"{has}", "reporters")

    # ---- reports

    def _update(self, now: int) -> None:
        """Reports of a moment or two; now and then with ether, which is refused."""
        dice, engine = self.dice, self.world.engine
        moments = [self._moment(now) for _ in range(dice.choice((1, 1, 1, 1, 2)))]
        sets = [(at, self._reports(at)) for at in moments]
        value = dice.choice((0,) * 19 + (1,))
        twin, taken = replace(self.twin), list[tuple[int, ...]]()

        def take() -> None:
            if value:
                raise refuse("EtherRefused", value)
            for at, reports in sets:
                pairs = [(one.signer, one.price) for one in reports]
                agreeing = twin.take(at, pairs, now)
                taken.append((at, twin.mark, len(reports), agreeing))

        expected = foretold(take)
        data = self.adapter.update.encode([update_data(*each) for each in sets])
        said = self.act(data, value=value)
        told = [(at, [(one.signer, one.price) for one in each]) for at, each in sets]
        self.hold(said, expected, f"reports {told} to {self.twin} at {now}")
        if said == "ok":
            self.twin = twin
            events = [event.args for log in engine.logs() if (event := registry().event(log))]
            self.hold(f"{[tuple(args.values()) for args in events]}", f"{taken}", "its events")

    def _moment(self, now: int) -> int:
        """What a set of reports is of: an edge of age, of the future, of what is held, of an
        outage."""
        held, age = self.twin.published_at or now - 1, self.twin.terms.max_age_secs
        edges = (now + 1, now - age, now - age - 1, held, held + 1, held + age, held + age + 1)
        return max(0, self.dice.choice((now, now, now, now, now - 1, held + age, *edges)))

    def _prices(self, count: int) -> list[int]:
        """Around one: the last, or at an edge of the band, or of what is confirmed. Each agrees,
        just agrees, just does not, or lies."""
        dice, terms = self.dice, self.twin.terms
        last = self.twin.mark or min(2_000 * WAD, (terms.lowest + terms.highest) // 2)
        if dice.random() < 0.3:  # nothing but their time and signers decide
            return [last] * count
        jump, near = last * terms.max_deviation // WAD, dice.choice((0, 0, 1))
        edges = (terms.lowest, terms.lowest + 1, terms.highest - 1, terms.highest)
        jumps = (last + jump + near, last - jump - near)
        centre = max(0, dice.choice((last, last, last, *jumps, *jumps, dice.choice(edges))))
        width = centre * terms.max_disagreement // WAD
        off = dice.choice((width, width, width + 1))
        found = []
        for _ in range(count):
            price = centre + dice.choice((0, 0, 0, 0, 1, -1, off, -off, off, -off))
            if dice.random() < 0.05:
                price = dice.choice((0, 1, 2**256 - 1, 2 * centre))
            found.append(max(0, price))
        return found

    def _reports(self, at: int) -> list[Report]:
        """By enough of the reporters, or one too few; now and then one of them is not in order."""
        dice, twin = self.dice, self.twin
        members = len(twin.reporters)
        some = dice.randint(min(twin.quorum, members), members)
        count = dice.choice((twin.quorum, some, some, members, members, twin.quorum - 1))
        signers = sorted(dice.sample(twin.reporters, count))
        prices = self._prices(count)
        found = [self._sign(*pair, at) for pair in zip(signers, prices, strict=True)]
        if not found or dice.random() < 0.7:
            return found
        place = dice.randrange(count)
        one, how = found[place], dice.choice(("twice", "order", "stranger", *ELSEWHERE))
        if how == "twice":
            found.insert(place, dice.choice((one, self._sign(one.signer, one.price + 1, at))))
        elif how == "order":
            found.insert(0, found.pop())
        elif how == "stranger":
            stranger = dice.choice([who for who in people() if who not in twin.reporters])
            found = sorted((*found, self._sign(stranger, one.price, at)), key=lambda r: r.signer)
        else:
            found[place] = self._elsewhere(one, at, how)
        return found

    def _elsewhere(self, one: Report, at: int, how: str) -> Report:
        """The same price with a signature for another chain, contract, feed, price or time, or
        none."""
        domain, feed, price, moment = self.domain, FEED, one.price, at
        if how == "chain":
            domain = replace(domain, chain_id=domain.chain_id + 1)
        elif how == "contract":
            domain = replace(domain, contract=EVE)
        elif how == "feed":
            feed = OTHER_FEED
        elif how == "price":
            price = one.price - 1 if one.price else 1
        elif how == "time":
            moment = at + 1
        digest = _digest(domain, feed, price, moment)
        signature = _compact(people()[one.signer].sign_msg_hash(digest))
        if how == "noise":
            signature = b"\xff" * 64
        elif how == "nothing":
            signature = bytes(64)
        signer = _recovered(_digest(self.domain, FEED, one.price, at), signature)
        return Report(signer, one.price, at, signature)

    def _sign(self, signer: str, price: int, at: int) -> Report:
        price = min(price, 2**256 - 1)
        digest = _digest(self.domain, FEED, price, at)
        return Report(signer, price, at, _compact(people()[signer].sign_msg_hash(digest)))

    def _held(self) -> None:
        twin = self.twin
        found = tuple(self.adapter.held())
        has = (twin.mark, twin.previous, twin.published_at, twin.resumed_at)
        self.hold(f"{found}", f"{has}", "what is held")


@lru_cache(maxsize=16)
def _digest(domain: Domain, feed: bytes, price: int, at: int) -> bytes:
    return domain.digest(
        keccak(REPORT_TYPE + feed + price.to_bytes(32, "big") + at.to_bytes(32, "big"))
    )


def _compact(signature: Any) -> bytes:
    """As EIP-2098 has it."""
    v, r, s = signature.vrs
    return bytes(r.to_bytes(32, "big") + (s | v << 255).to_bytes(32, "big"))


def _recovered(digest: bytes, compact: bytes) -> str:
    """Who signed this; the zero address: nobody."""
    r, vs = (int.from_bytes(word, "big") for word in (compact[:32], compact[32:]))
    try:
        signature = Signature(vrs=(vs // HIGH_BIT, r, vs % HIGH_BIT))
        found: str = signature.recover_public_key_from_msg_hash(digest).to_address()
    except (BadSignature, ValidationError):
        return ZERO
    return found


def _terms(dice: random.Random) -> QuorumTerms:
    lowest = dice.choice((1, 100 * WAD))
    return QuorumTerms(
        max_age_secs=dice.choice((1, 30, 60, 3_600)),
        lowest=lowest,
        highest=dice.choice((100_000 * WAD, 100_000 * WAD, lowest + 2, 2**88 - 1)),
        max_deviation=dice.choice((1, WAD // 50, WAD // 10, WAD - 1)),
        max_disagreement=dice.choice((0, 1, WAD // 100, WAD // 100, WAD - 1)),
        spread=dice.choice((0, WAD // 1_000, WAD - 1)),
    )


def _majority(dice: random.Random, count: int) -> int:
    return dice.choice((max(2, count // 2 + 1), count))
