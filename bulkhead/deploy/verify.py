"""Reading a chain back against a record: code, origin, links, roles, delays and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.artifacts import Artifact, Artifacts, create2, default
from bulkhead.chain.contract import Contract, at, registry
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy import roles
from bulkhead.deploy.oracles import CONTRACTS, differences
from bulkhead.deploy.record import PARTS, Record, contracts, plain
from bulkhead.deploy.system import CREATED, ORDER_BOOK, PERIPHERY

MIN_DELAY = 2 * 86_400


@dataclass(frozen=True)
class Mismatch:
    """Something on the chain is not what the record says."""

    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.what}: {self.found} on the chain, {self.expected} expected"


def masked(code: bytes, artifact: Artifact) -> bytes:
    """Code with its immutables zeroed."""
    found = bytearray(code)
    for places in artifact.immutables.values():
        for place in places:
            found[place.start : place.start + place.length] = bytes(place.length)
    return bytes(found)


def _code(rpc: Rpc, record: Record, known: Artifacts) -> Iterator[Mismatch]:
    """The code is what this source compiles to, and what the record hashed."""
    for name, part in record.parts.items():
        code = rpc.code(part.address)
        found = "0x" + keccak(code).hex()
        if found != part.code_hash:
            yield Mismatch(f"code hash of {name} at {part.address}", part.code_hash, found)
        if part.contract:
            artifact = known.get(part.contract)
            wanted = masked(artifact.link_runtime(record.libraries), artifact)
            if masked(code, artifact) != wanted:
                size = f"{len(code)} bytes that differ"
                yield Mismatch(f"code of {name} at {part.address}", part.contract, size)
    for name, where in record.libraries.items():
        artifact = known.get(name)
        wanted = masked(artifact.link_runtime(record.libraries), artifact)
        if masked(rpc.code(where), artifact) != wanted:
            yield Mismatch(f"code of library {name} at {where}", name, "other code")


def _created_by(rpc: Rpc, record: Record, part: str, code: bytes) -> bool:
    """Whether the record's transaction made this part, from this creation code."""
    where = record.address(part)
    for step in record.steps:
        if step["kind"] == "contract" and step["address"] == where:
            sent = rpc.request("eth_getTransactionByHash", step["transaction"])
            done = rpc.request("eth_getTransactionReceipt", step["transaction"])
            if sent and done and (done["contractAddress"] or "").lower() == where:
                return raw_bytes(sent["input"]).startswith(code)
    return False


def _adopted(record: Record) -> bool:
    """Whether the oracle is a quorum's, which was there before its market."""
    return record.parts["oracle"].contract == CONTRACTS["quorum"]


def _origin(
    rpc: Rpc, handles: dict[str, Contract], record: Record, known: Artifacts
) -> Iterator[Mismatch]:
    """Constructors were this source's too: what they wrote to storage is in no code.

    Libraries and shared contracts prove it by their addresses, what the factory made by the hashes
    the factory accepts, the rest by the transactions that created it.
    """
    for name in ("authority", "factory", "oracle"):
        if name == "oracle" and _adopted(record):
            continue  # all that its constructor wrote is read back by `_oracle`
        code = known.get(record.parts[name].contract).link(record.libraries)
        if not _created_by(rpc, record, name, code):
            yield Mismatch(f"creation of {name}", "this source's", "another, or not to be had")
    factory = handles["factory"]
    for name, contract in {**CREATED, **ORDER_BOOK}.items():
        expected = keccak(known.get(contract).link(record.libraries))
        accepted = getattr(factory, f"{name.upper()}_CODE_HASH")()
        if accepted != expected:
            yield Mismatch(f"factory's hash of {name}", expected.hex(), accepted.hex())
    listed = [factory.marketOf(place) for place in range(1, factory.marketCount() + 1)]
    if record.address("market") not in listed:
        yield Mismatch("markets of the factory", record.address("market"), listed)
    shared = {record.address(name): PERIPHERY[name] for name in PERIPHERY}
    shared |= {where: name for name, where in record.libraries.items()}
    for where, name in shared.items():
        by_code = create2(known.get(name).link(record.libraries))
        if where != by_code:
            yield Mismatch(f"address of {name}", by_code, where)


def _links(handles: dict[str, Contract], record: Record) -> Iterator[Mismatch]:
    """Every contract points at the others."""
    expected = {
        "market": {
            "TOKEN": "token",
            "POOL": "pool",
            "FUND": "fund",
            "VAULT_IMPLEMENTATION": "vault",
            "ORDER_BOOK": "order_book",
            "authority": "authority",
        },
        "pool": {"MARKET": "market", "asset": "token"},
        "fund": {"MARKET": "market", "TOKEN": "token", "POOL": "pool"},
        "vault": {"MARKET": "market", "TOKEN": "token", "POOL": "pool"},
        "order_book": {"MARKET": "market", "TOKEN": "token"},
    }
    for name, links in expected.items():
        for getter, target in links.items():
            found = getattr(handles[name], getter)()
            if found != record.address(target):
                yield Mismatch(f"{name}.{getter}", record.address(target), found)


def _oracle(rpc: Rpc, oracle: Contract, record: Record) -> Iterator[Mismatch]:
    """The adapter has the settings that it was deployed with, and a quorum's its reporters, whom
    only the timelock replaces."""
    kind = record.parts["oracle"].contract
    made = [one for one in record.steps if one["address"] == oracle.address and one["name"] == kind]
    if not made:
        yield Mismatch("the oracle's settings", "a step of the record", "none")
        return
    for name, wanted, held in differences(oracle, made[0]["args"]):
        yield Mismatch(f"oracle's {name}", wanted, plain(held))
    if not _adopted(record):
        return
    authority = at(rpc, PARTS["authority"], oracle.authority())
    yield from _reporters(authority, oracle)
    yield from _admin_delay(rpc, authority, oracle, record)
    yield from _members(rpc, authority, record, guarded=False)


def _reporters(authority: Contract, oracle: Contract) -> Iterator[Mismatch]:
    """Only the timelock replaces a quorum's reporters."""
    if authority.isTargetClosed(oracle.address):
        yield Mismatch("the oracle's governance", "open", "closed")
    found = authority.getTargetFunctionRole(oracle.address, oracle.setReporters.method.selector)
    if found != roles.TIMELOCK:
        yield Mismatch("role of setReporters", roles.TIMELOCK, found)
    if authority.getRoleAdmin(roles.TIMELOCK) != roles.ADMIN:
        admin = authority.getRoleAdmin(roles.TIMELOCK)
        yield Mismatch("admin of the reporters' role", roles.ADMIN, admin)


def _params(rpc: Rpc, market: Contract, record: Record) -> Iterator[Mismatch]:
    """The market's configuration is the record's parameters."""
    config = market.config()
    vault = at(rpc, PARTS["vault"], record.address("vault"))
    if vault.MAX_REWARD() != config.maxReward:
        yield Mismatch("vault.MAX_REWARD", config.maxReward, vault.MAX_REWARD())
    wanted = dict(record.params)
    rows = wanted.pop("brackets")
    for name, value in wanted.items():
        found = plain(getattr(config, name))
        if found != value:
            yield Mismatch(f"parameter {name}", value, found)
    if config.bracketCount != len(rows):
        yield Mismatch("brackets", len(rows), config.bracketCount)
        return
    for place, row in enumerate(rows):
        upper, packed = config.table[4 * place : 4 * place + 2]
        found = {"upperNotional": upper, "imRate": packed >> 128, "mmRate": packed % 2**128}
        for name, value in found.items():
            if plain(value) != row[name]:
                yield Mismatch(f"bracket {place + 1}, {name}", row[name], plain(value))


def _functions(authority: Contract, market: Contract) -> Iterator[Mismatch]:
    """Each governed function belongs to its role, and to none else."""
    if authority.isTargetClosed(market.address):
        yield Mismatch("the market's governance", "open", "closed")
    for role, names in roles.FUNCTIONS.items():
        for name, selector in zip(names, roles.selectors(market, role), strict=True):
            found = authority.getTargetFunctionRole(market.address, selector)
            if found != role:
                yield Mismatch(f"role of {name}", role, found)
    for role in roles.LABELS:
        if authority.getRoleAdmin(role) != roles.ADMIN:
            yield Mismatch(f"admin of role {role}", roles.ADMIN, authority.getRoleAdmin(role))


def _admin_delay(
    rpc: Rpc, authority: Contract, target: Contract, record: Record
) -> Iterator[Mismatch]:
    """Changes of a contract's roles wait as long as everything else governance does.

    The authority lets a first delay begin days after it is set, so what was set last counts.
    """
    said = 0
    for log in rpc.logs(of=authority, topics=[registry().topic("TargetAdminDelayUpdated")]):
        event = registry().event(log)
        if event is not None and event.target == target.address:
            said = event.delay
    if said != int(record.people["delay"]):
        what = f"delay of changes to the roles of {target.address}"
        yield Mismatch(what, record.people["delay"], said)


def _members(
    rpc: Rpc, authority: Contract, record: Record, *, guarded: bool = True
) -> Iterator[Mismatch]:
    """Exactly the people of the record, with their delays; nobody else was ever let in."""
    people, delay = record.people, int(record.people["delay"])
    if delay < MIN_DELAY:
        yield Mismatch("delay of governance", f"at least {MIN_DELAY} s", f"{delay} s")
    wanted = {
        (roles.ADMIN, people["governance"].lower()): delay,
        (roles.TIMELOCK, people["governance"].lower()): delay,
    }
    if guarded:
        wanted[roles.GUARDIAN, people["guardian"].lower()] = 0
    seen = set(wanted)
    for log in rpc.logs(of=authority, topics=[registry().topic("RoleGranted")]):
        event = registry().event(log)
        if event is not None:
            seen.add((event.roleId, event.account))
    for role, account in sorted(seen):
        member, held = authority.hasRole(role, account)
        found = held if member else "no member"
        expected = wanted.get((role, account), "no member")
        if found != expected:
            yield Mismatch(f"delay of {account} in role {role}", expected, found)


def verify(rpc: Rpc, record: Record, artifacts: Artifacts | None = None) -> list[Mismatch]:
    """All differences between a chain and a record; an empty list is a verified deployment."""
    known = artifacts or default()
    if rpc.chain_id() != record.chain_id:
        return [Mismatch("chain id", record.chain_id, rpc.chain_id())]
    empty = [
        Mismatch(f"{name} at {part.address}", "a contract", "no code")
        for name, part in record.parts.items()
        if not rpc.code(part.address)
    ]
    if empty:
        return empty
    handles = {
        name: at(rpc, contract, record.address(name), artifacts=known)
        for name, contract in contracts(record.parts["oracle"].contract).items()
    }
    strange = list(_code(rpc, record, known))
    if strange:
        return strange  # what other code says about itself proves nothing
    found = [*_origin(rpc, handles, record, known), *_links(handles, record)]
    found += _oracle(rpc, handles["oracle"], record)
    found += _params(rpc, handles["market"], record)
    found += _functions(handles["authority"], handles["market"])
    found += _admin_delay(rpc, handles["authority"], handles["market"], record)
    return found + list(_members(rpc, handles["authority"], record))
