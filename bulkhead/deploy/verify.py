"""Reading a chain back against a record: code, origin, links, roles, delays and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.artifacts import Artifact, Artifacts, create2, default
from bulkhead.chain.contract import Contract, Event, at, registry
from bulkhead.chain.errors import RpcError
from bulkhead.chain.rpc import Rpc
from bulkhead.chain.wire import log_of
from bulkhead.deploy import roles
from bulkhead.deploy.oracles import CONTRACTS, differences
from bulkhead.deploy.record import PARTS, Record, contracts, plain
from bulkhead.deploy.system import CREATED, ORDER_BOOK, PERIPHERY

MIN_DELAY = 2 * 86_400
Functions = Mapping[int, Sequence[str]]  # what each role may call on a contract


@dataclass(frozen=True)
class Mismatch:
    """Something on the chain is not what the record says."""

    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.what}: {self.found} on the chain, {self.expected} expected"


class History:
    """All events that an authority ever wrote, oldest first, read once.

    Nodes limit how many blocks or events an answer spans: where one refuses, it is asked for half
    as many blocks, down to single ones, and for more again after an answer. since: the block that
    made the authority, where known.
    """

    def __init__(self, rpc: Rpc, authority: Contract, since: int = 0) -> None:
        self._entries: list[dict[str, Any]] = []
        last = rpc.block_number()
        size = last - since + 1
        while since <= last:
            end = min(since + size - 1, last)
            query = {"fromBlock": hex(since), "toBlock": hex(end), "address": authority.address}
            try:
                found = rpc.request("eth_getLogs", query)
                if not isinstance(found, list):
                    raise RpcError(0, f"eth_getLogs answered {found!r}, not a list")
            except RpcError:
                if size == 1:
                    raise
                size = (size + 1) // 2
                continue
            self._entries += found
            since, size = end + 1, 2 * size

    def of(self, name: str) -> list[Event]:
        """Those of a name."""
        logs = (log_of(entry) for entry in self._named(name))
        return [event for log in logs if (event := registry().event(log)) is not None]

    def transaction(self, name: str) -> str | None:
        """What wrote the first of a name."""
        return next((str(entry["transactionHash"]) for entry in self._named(name)), None)

    def _named(self, name: str) -> Iterator[dict[str, Any]]:
        topic = registry().topic(name)
        return (entry for entry in self._entries if entry["topics"][:1] == [topic])


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


def _created(rpc: Rpc, where: str, transaction: str, code: bytes) -> bool:
    """Whether this transaction made what is there, from this creation code."""
    sent = rpc.request("eth_getTransactionByHash", transaction)
    done = rpc.request("eth_getTransactionReceipt", transaction)
    if not sent or not done or (done["contractAddress"] or "").lower() != where:
        return False
    return raw_bytes(sent["input"]).startswith(code)


def _made(record: Record, part: str) -> list[dict[str, Any]]:
    """The steps that say they made a part."""
    where = record.address(part)
    return [one for one in record.steps if one["kind"] == "contract" and one["address"] == where]


def _created_by(rpc: Rpc, record: Record, part: str, code: bytes) -> bool:
    """Whether a transaction of the record made this part, from this creation code."""
    where = record.address(part)
    return any(_created(rpc, where, one["transaction"], code) for one in _made(record, part))


def _since(rpc: Rpc, record: Record) -> int:
    """The block in which the record's authority was made, by the chain; 0 where none made it."""
    where = record.address("authority")
    for step in _made(record, "authority"):
        done = rpc.request("eth_getTransactionReceipt", step["transaction"])
        if done and (done["contractAddress"] or "").lower() == where:
            return int(done["blockNumber"], 16)
    return 0


def _created_with_admin(rpc: Rpc, authority: Contract, history: History, code: bytes) -> bool:
    """Whether this creation code made an authority: it grants the first role, so the first event
    of that kind tells the transaction."""
    first = history.transaction("RoleGranted")
    return first is not None and _created(rpc, authority.address, first, code)


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


def _oracle(rpc: Rpc, oracle: Contract, record: Record, known: Artifacts) -> Iterator[Mismatch]:
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
    artifact = known.get(PARTS["authority"])
    if masked(rpc.code(authority), artifact) != masked(artifact.link_runtime(), artifact):
        yield Mismatch(f"code of the oracle's authority at {authority.address}", "ours", "other")
        return
    history = History(rpc, authority)
    if not _created_with_admin(rpc, authority, history, artifact.link()):
        what = "creation of the oracle's authority"
        yield Mismatch(what, "this source's", "another, or not to be had")
    yield from _authority(history, authority, oracle, record, {roles.TIMELOCK: roles.REPORTERS})


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


def _authority(
    history: History, authority: Contract, target: Contract, record: Record, functions: Functions
) -> Iterator[Mismatch]:
    """Who may do what with a contract is what the deployment left, and nothing is on its way to
    change: these functions for these roles, exactly their members, and ADMIN above them all."""
    yield from _functions(history, authority, target, functions)
    yield from _roles(history, authority, functions)
    yield from _admin_delay(history, authority, target, record)
    yield from _members(history, authority, record, functions)


def _functions(
    history: History, authority: Contract, target: Contract, functions: Functions
) -> Iterator[Mismatch]:
    """Each governed function belongs to its role; no role may call anything else anywhere."""
    if authority.isTargetClosed(target.address):
        yield Mismatch(f"governance of {target.address}", "open", "closed")
    known = set()
    for role, names in functions.items():
        for name in names:
            selector = getattr(target, name).method.selector
            known.add((target.address, selector))
            found = authority.getTargetFunctionRole(target.address, selector)
            if found != role:
                yield Mismatch(f"role of {name}", role, found)
    changed = history.of("TargetFunctionRoleUpdated")
    for where, selector in sorted({(one.target, one.selector) for one in changed} - known):
        found = authority.getTargetFunctionRole(where, selector)
        if found != roles.ADMIN:
            yield Mismatch(f"role of 0x{selector.hex()} of {where}", roles.ADMIN, found)


def _roles(history: History, authority: Contract, functions: Functions) -> Iterator[Mismatch]:
    """Only ADMIN grants a role or cancels what its members scheduled, and a grant is in force at
    once: one that waits would come into force unseen. A new wait is set days before it holds, so
    what was set last counts too."""
    last = {one.roleId: one.delay for one in history.of("RoleGrantDelayChanged")}
    for role in (roles.ADMIN, *functions):
        admin, guardian = authority.getRoleAdmin(role), authority.getRoleGuardian(role)
        if admin != roles.ADMIN:
            yield Mismatch(f"admin of role {role}", roles.ADMIN, admin)
        if guardian != roles.ADMIN:
            yield Mismatch(f"guardian of role {role}", roles.ADMIN, guardian)
        now, then = authority.getRoleGrantDelay(role), last.get(role, 0)
        if now or then:
            found = f"{now} s, set to {then} s last"
            yield Mismatch(f"delay of grants of role {role}", "0 s", found)


def _admin_delay(
    history: History, authority: Contract, target: Contract, record: Record
) -> Iterator[Mismatch]:
    """Changes of a contract's roles wait as long as everything else governance does.

    The authority lets a first delay begin days after it is set, so what was set last counts; what
    holds now counts as well once it was set again.
    """
    changed = history.of("TargetAdminDelayUpdated")
    said = [one.delay for one in changed if one.target == target.address] or [0]
    now, wanted = authority.getTargetAdminDelay(target.address), int(record.people["delay"])
    if said[-1] != wanted or (len(said) > 1 and now != wanted):
        what = f"delay of changes to the roles of {target.address}"
        yield Mismatch(what, f"{wanted} s", f"{now} s, set to {said[-1]} s last")


def _members(
    history: History, authority: Contract, record: Record, functions: Functions
) -> Iterator[Mismatch]:
    """Exactly the people of the record, with their delays; nobody else was ever let in and is in,
    or will be."""
    people, delay = record.people, int(record.people["delay"])
    if delay < MIN_DELAY:
        yield Mismatch("delay of governance", f"at least {MIN_DELAY} s", f"{delay} s")
    wanted: dict[tuple[int, str], int] = {}
    for role in (roles.ADMIN, *functions):
        if role == roles.GUARDIAN:
            wanted[role, people["guardian"].lower()] = 0
        else:
            wanted[role, people["governance"].lower()] = delay
    granted = history.of("RoleGranted")
    for role, account in sorted(set(wanted) | {(one.roleId, one.account) for one in granted}):
        found = _membership(authority, role, account)
        expected = wanted.get((role, account), "no member")
        if found != expected:
            yield Mismatch(f"delay of {account} in role {role}", expected, found)


def _membership(authority: Contract, role: int, account: str) -> int | str:
    """A member's delay (s), with what it is about to become; or that it is none, or from when."""
    since, delay, pending, effect = authority.getAccess(role, account)
    if not since:
        return "no member"
    if not authority.hasRole(role, account)[0]:
        return f"{delay}, a member from {since} on"
    return f"{delay}, but {pending} from {effect} on" if effect else int(delay)


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
    found += _oracle(rpc, handles["oracle"], record, known)
    found += _params(rpc, handles["market"], record)
    governed = handles["authority"], handles["market"]
    history = History(rpc, governed[0], _since(rpc, record))
    code = known.get(PARTS["authority"]).link(record.libraries)
    if not _created_with_admin(rpc, governed[0], history, code):
        what = "first grant of a role"
        found.append(Mismatch(what, "in the authority's creation", "not among the node's events"))
    return found + list(_authority(history, *governed, record, roles.FUNCTIONS))


def scheduled(rpc: Rpc, record: Record, artifacts: Artifacts | None = None) -> list[str]:
    """What governance of a verified deployment has scheduled and may still execute. That is no
    difference from the record: it is what may become one."""
    known = artifacts or default()
    governed = [known.get(name) for name in ("Authority", "Market", CONTRACTS["quorum"])]
    names = {code: name for one in governed for name, code in one.selectors.items()}
    where = [(record.address("authority"), _since(rpc, record))]
    if _adopted(record):
        where.append((at(rpc, CONTRACTS["quorum"], record.address("oracle")).authority(), 0))
    found = []
    for address, since in where:
        authority = at(rpc, PARTS["authority"], address)
        for act in History(rpc, authority, since).of("OperationScheduled"):
            due = authority.getSchedule(act.operationId)  # 0: executed, cancelled or expired
            if due and authority.getNonce(act.operationId) == act.nonce:
                selector = "0x" + act.data[:4].hex()
                name = names.get(selector, selector)
                found.append(f"{name} of {act.target} by {act.caller}, from {due} on")
    return found
