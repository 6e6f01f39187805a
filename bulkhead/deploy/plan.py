"""What a deployment is going to do, from a rehearsal on a fork of the chain it is meant for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.local import LOCAL_CHAINS, deploy_source
from bulkhead.deploy.record import plain, record_of
from bulkhead.deploy.roles import People
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.steps import Notice, Step, quiet
from bulkhead.deploy.system import System, deploy_market
from bulkhead.deploy.verify import Mismatch, verify
from bulkhead.errors import BadInput

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True)
class Order:
    """A deployment asked for. Without token and feed a local chain gets test ones."""

    market: MarketFile
    chain_id: int
    deployer: str
    people: People
    token: str | None
    feed: str | None
    sequencer: str | None
    answer: int | None  # first price of the local feed (8 decimals)
    sources: tuple[str, ...] = ()  # a median's adapters
    adapter: str | None = None  # a quorum's, deployed before


def check_address(name: str, given: str) -> str:
    """An address, in lower case."""
    if not _ADDRESS.fullmatch(given):
        raise BadInput(name, given, "an address of 40 hex digits after 0x is wanted")
    return given.lower()


def _address(name: str, given: str | None, known: str | None, local: bool) -> str | None:
    found = given or known
    if found is None and not local:
        raise BadInput(name, "nothing", f"give --{name}: the market file has none for this chain")
    return check_address(name, found) if found else None


def order(
    market: MarketFile,
    chain_id: int,
    deployer: str,
    *,
    governance: str | None = None,
    guardian: str | None = None,
    treasury: str | None = None,
    token: str | None = None,
    feed: str | None = None,
    answer: int | None = None,
    sources: Sequence[str] = (),
    adapter: str | None = None,
) -> Order:
    """Everything resolved: flags first, then the market file; on a local chain the deployer and
    test contracts fill the gaps."""
    local = chain_id in LOCAL_CHAINS
    known = market.networks.get(str(chain_id))
    named = {"governance": governance, "guardian": guardian, "treasury": treasury}
    who = {name: _address(name, given, None, local) or deployer for name, given in named.items()}
    coin = _address("token", token, known.token if known else None, local)
    kind = market.oracle.kind
    fed = kind in ("chainlink", "pyth")  # of a feed, which a local chain can do without
    source = _address("feed", feed, known.feed if known else None, local or not fed)
    if fed and source is None and answer is None:
        raise BadInput("price", "nothing", "give --price: the local feed's first price")
    if answer is not None and (source is not None or not fed):
        raise BadInput("price", answer, "only a local feed takes one; this deployment has a feed")
    for name, given, wanted in (
        ("feed", feed, fed),
        ("source", sources, kind == "median"),
        ("oracle", adapter, kind == "quorum"),
    ):
        if given and not wanted:
            raise BadInput(name, given, f"a {kind} oracle takes none")
    parts = tuple(sources) or tuple(known.sources if known else ())
    people = People(**who, delay=market.authority.timelock_delay)
    sequencer = known.sequencer if known else None
    return Order(
        market,
        chain_id,
        deployer.lower(),
        people,
        coin,
        source,
        sequencer,
        answer,
        tuple(check_address("source", one) for one in parts),
        _address("oracle", adapter, known.adapter if known else None, kind != "quorum"),
    )


def execute(rpc: Rpc, asked: Order, notice: Notice = quiet) -> System:
    """Deploy what was ordered."""
    feed = asked.feed
    if feed is None and asked.answer is not None:
        feed = deploy_source(rpc, asked.market, asked.deployer, asked.answer, notice)
    return deploy_market(
        rpc,
        asked.market,
        deployer=asked.deployer,
        people=asked.people,
        token=asked.token,
        feed=feed,
        sequencer=asked.sequencer,
        sources=asked.sources,
        adapter=asked.adapter,
        notice=notice,
    )


@dataclass(frozen=True)
class Plan:
    """The rehearsal's outcome: each step with its gas, and whether it verified."""

    order: Order
    steps: Sequence[Step]
    mismatches: Sequence[Mismatch]

    @property
    def gas(self) -> int:
        """Gas of everything."""
        return sum(step.gas_used for step in self.steps)

    def as_record(self) -> dict[str, Any]:
        """For machines."""
        return {
            "market": self.order.market.name,
            "chain_id": self.order.chain_id,
            "deployer": self.order.deployer,
            "people": asdict(self.order.people),
            "gas": self.gas,
            "steps": [
                {"kind": s.kind, "name": s.name, "address": s.address, "gas": s.gas_used}
                for s in self.steps
            ],
            "mismatches": [str(one) for one in self.mismatches],
        }

    def tables(self) -> list[Table]:
        """For people."""
        asked = self.order
        who = Table(title=f"Plan: {asked.market.name}", title_justify="left", box=None)
        who.show_header = False
        for name, value in (
            ("chain", f"{asked.chain_id}"),
            ("deployer", asked.deployer),
            ("governance", f"{asked.people.governance}, after {asked.people.delay // 3600} h"),
            ("guardian", asked.people.guardian),
            ("treasury", asked.people.treasury),
            ("token", asked.token or "a test token"),
            ("oracle", asked.market.oracle.kind),
            ("feed", asked.adapter or ", ".join(asked.sources) or asked.feed or "a test feed"),
            ("gas", f"{self.gas:,} in {len(self.steps)} transactions"),
        ):
            who.add_row(name, value)
        steps = Table(title="\nSteps, as rehearsed", title_justify="left", box=None)
        for head in ("", "what", "at", "gas"):
            steps.add_column(head, justify="right" if head == "gas" else "left")
        for step in self.steps:
            steps.add_row(step.kind, step.name, step.address, f"{step.gas_used:,}")
        return [who, steps]


def rehearse(url: str, asked: Order) -> Plan:
    """The whole deployment on a fork of the chain behind `url`, verified there."""
    with Anvil(fork=url, chain_id=asked.chain_id, accounts=1) as fork:
        fork.rpc.impersonate(asked.deployer)
        steps: list[Step] = []
        system = execute(fork.rpc, asked, steps.append)
        return Plan(asked, steps, verify(fork.rpc, record_of(system)))


__all__ = ["Order", "Plan", "execute", "order", "plain", "rehearse"]
