"""From a market file to a verified deployment, and every way a chain can differ from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import RpcError, reverts
from bulkhead.chain.rpc import Rpc
from bulkhead.cli import run as bulkhead
from bulkhead.demo.settings import MARKET
from bulkhead.deploy import roles
from bulkhead.deploy.local import deploy_local
from bulkhead.deploy.params import read
from bulkhead.deploy.record import Record, load, record_of, write
from bulkhead.deploy.system import CREATED, ORDER_BOOK, System
from bulkhead.deploy.verify import scheduled, verify

PRICE = 2_500 * 10**8
DAY = 86_400


@pytest.fixture(scope="module")
def system(artifacts: Artifacts, rpc: Rpc, accounts: list[str]) -> Iterator[System]:
    """A market on the shared chain."""
    with rpc.isolated():
        yield deploy_local(rpc, read(MARKET), accounts, PRICE)[0]


@pytest.fixture
def record(system: System, rpc: Rpc) -> Iterator[Record]:
    """Its record, and a chain that may be spoilt."""
    with rpc.isolated():
        yield record_of(system)


def test_verify__fresh_deployment__finds_nothing(record: Record, rpc: Rpc) -> None:
    assert [str(one) for one in verify(rpc, record)] == []


def test_record__written_and_read__is_the_same(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "record.json"
    write(record, path)
    assert load(path) == Record(**{**json.loads(record.text()), "parts": record.parts})


def test_verify__other_chain__says_only_that(record: Record, rpc: Rpc) -> None:
    found = verify(rpc, replace(record, chain_id=1))
    assert [one.what for one in found] == ["chain id"]


@pytest.mark.parametrize("part", ["market", "pool", "fund", "vault", "authority", "oracle", "lens"])
def test_verify__one_byte_of_code__is_found(record: Record, rpc: Rpc, part: str) -> None:
    where = record.address(part)
    code = bytearray(rpc.code(where))
    code[-60] ^= 1
    rpc.set_code(where, bytes(code))
    what = [one.what for one in verify(rpc, record)]
    assert f"code hash of {part} at {where}" in what
    assert f"code of {part} at {where}" in what


def test_verify__library__is_compared(record: Record, rpc: Rpc) -> None:
    name, where = next(iter(record.libraries.items()))
    rpc.set_code(where, rpc.code(where) + b"\0")
    assert f"code of library {name} at {where}" in [one.what for one in verify(rpc, record)]


def test_verify__missing_contract__is_found(record: Record, rpc: Rpc) -> None:
    rpc.set_code(record.address("fund"), b"")
    assert str(verify(rpc, record)[0]).startswith(f"fund at {record.address('fund')}: no code")


def test_verify__changed_parameter__is_found(record: Record, rpc: Rpc) -> None:
    changed = dict(record.params, takerFee=record.params["takerFee"] + 1)
    rows = [dict(row) for row in record.params["brackets"]]
    rows[1]["mmRate"] = str(int(rows[1]["mmRate"]) + 1)
    changed["brackets"] = rows
    what = [one.what for one in verify(rpc, replace(record, params=changed))]
    assert what == ["parameter takerFee", "bracket 2, mmRate"]


def test_verify__changed_oracle_setting__is_found(record: Record, rpc: Rpc) -> None:
    steps = json.loads(json.dumps(record.steps))
    step = next(one for one in steps if one["name"] == "ChainlinkOracle")
    step["args"][0]["maxAgeSecs"] += 1
    what = [one.what for one in verify(rpc, replace(record, steps=steps))]
    assert what == ["oracle's maxAgeSecs"]


@pytest.mark.parametrize("part", ["authority", "factory", "oracle"])
def test_verify__created_by_other_code__is_found(record: Record, rpc: Rpc, part: str) -> None:
    """The same code, but a constructor that could have written anything into its storage."""
    where = record.address(part)
    wrapped = rpc.code(where)
    offset = 12  # of the code behind this loader: copies and returns it
    loader = bytes.fromhex(f"61{len(wrapped):04x}80600c5f395ff300")[:offset].ljust(offset, b"\0")
    receipt = rpc.send(None, loader + wrapped, sender=record.deployer)
    assert rpc.code(receipt.contract) == wrapped
    steps = json.loads(json.dumps(record.steps))
    step = next(one for one in steps if one["address"] == where and one["kind"] == "contract")
    step["transaction"], step["address"] = receipt.hash, receipt.contract
    moved = replace(record.parts[part], address=receipt.contract)
    spoilt = replace(record, steps=steps, parts={**record.parts, part: moved})
    assert f"creation of {part}" in [one.what for one in verify(rpc, spoilt)]


def test_verify__factory_of_other_code__is_found(record: Record, rpc: Rpc) -> None:
    hashes = [bytes([part]) * 32 for part in range(5)]
    other = deploy(rpc, "MarketFactory", *hashes, sender=record.deployer)
    code_hash = "0x" + keccak(rpc.code(other)).hex()
    moved = replace(record.parts["factory"], address=other.address, code_hash=code_hash)
    found = verify(rpc, replace(record, parts={**record.parts, "factory": moved}))
    assert [one.what for one in found] == [
        "creation of factory",
        *(f"factory's hash of {name}" for name in {**CREATED, **ORDER_BOOK}),
        "markets of the factory",
    ]


def test_verify__shared_contract_at_another_address__is_found(record: Record, rpc: Rpc) -> None:
    other = deploy(rpc, "Router", sender=record.deployer)
    moved = replace(record.parts["router"], address=other.address)
    found = verify(rpc, replace(record, parts={**record.parts, "router": moved}))
    assert [one.what for one in found] == ["address of Router"]


def _as_admin(system: System, rpc: Rpc, *call: object) -> None:
    """Through the timelock: schedule, wait, execute."""
    name, *args = call
    function = getattr(system.authority, str(name))
    data, target = function.encode(*args), system.authority
    governance = rpc.impersonate(system.people.governance)
    target.schedule(target.address, data, 0, sender=governance)
    rpc.warp(system.people.delay + 1)
    target.execute(target.address, data, sender=governance)


Spoil = Callable[[System, Rpc, str], None]


def _another_guardian(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "grantRole", roles.GUARDIAN, stranger, 0)


def _another_admin(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "grantRole", roles.ADMIN, stranger, 0)


def _guardian_gone(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "revokeRole", roles.GUARDIAN, system.people.guardian)


def _closed(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "setTargetClosed", system.market.address, True)


def _function_for_all(system: System, rpc: Rpc, stranger: str) -> None:
    selector = system.market.setParams.method.selector
    args = (system.market.address, [selector], roles.PUBLIC)
    _as_admin(system, rpc, "setTargetFunctionRole", *args)


def _admin_at_once(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "setTargetAdminDelay", system.market.address, 0)


def _grants_wait(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "setGrantDelay", roles.ADMIN, 30 * DAY)


def _grants_will_no_longer_wait(system: System, rpc: Rpc, stranger: str) -> None:
    """The delay of grants was taken back, and still holds."""
    _grants_wait(system, rpc, stranger)
    rpc.warp(6 * DAY)
    _as_admin(system, rpc, "setGrantDelay", roles.ADMIN, 0)


def _future_admin(system: System, rpc: Rpc, stranger: str) -> None:
    """A stranger who isn't in, but will be."""
    _grants_wait(system, rpc, stranger)
    rpc.warp(6 * DAY)
    _another_admin(system, rpc, stranger)
    assert system.authority.hasRole(roles.ADMIN, stranger) == (False, 0)


def _delay_to_end(system: System, rpc: Rpc, stranger: str) -> None:
    """Governance's delay still holds, and ends in two days."""
    people = system.people
    _as_admin(system, rpc, "grantRole", roles.TIMELOCK, people.governance, 0)
    assert system.authority.hasRole(roles.TIMELOCK, people.governance) == (True, people.delay)


def _guardian_cancels(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "setRoleGuardian", roles.TIMELOCK, roles.GUARDIAN)


def _guardian_grants(system: System, rpc: Rpc, stranger: str) -> None:
    _as_admin(system, rpc, "setRoleAdmin", roles.TIMELOCK, roles.GUARDIAN)


def _admin_later_at_once(system: System, rpc: Rpc, stranger: str) -> None:
    """Changes of the market's roles still wait, and will not."""
    rpc.warp(6 * DAY)
    _admin_at_once(system, rpc, stranger)
    assert system.authority.getTargetAdminDelay(system.market.address) == system.people.delay


def _admin_at_once_for_now(system: System, rpc: Rpc, stranger: str) -> None:
    """Changes of the market's roles are to wait again, and don't yet."""
    _admin_at_once(system, rpc, stranger)
    rpc.warp(6 * DAY)
    _as_admin(system, rpc, "setTargetAdminDelay", system.market.address, system.people.delay)
    assert system.authority.getTargetAdminDelay(system.market.address) == 0


def _another_function(system: System, rpc: Rpc, stranger: str) -> None:
    selector = system.authority.execute.method.selector
    args = (system.authority.address, [selector], roles.GUARDIAN)
    _as_admin(system, rpc, "setTargetFunctionRole", *args)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_admin_at_once, ["delay of changes to the roles of 0x"]),
        (_admin_later_at_once, ["delay of changes to the roles of 0x"]),
        (_admin_at_once_for_now, ["delay of changes to the roles of 0x"]),
        (_another_guardian, ["in role 2"]),
        (_another_admin, ["in role 0"]),
        (_future_admin, ["delay of grants of role 0", "in role 0"]),
        (_grants_wait, ["delay of grants of role 0"]),
        (_grants_will_no_longer_wait, ["delay of grants of role 0"]),
        (_delay_to_end, ["in role 1"]),
        (_guardian_gone, ["in role 2"]),
        (_guardian_cancels, ["guardian of role 1"]),
        (_guardian_grants, ["admin of role 1"]),
        (_closed, ["governance of 0x"]),
        (_function_for_all, ["role of setParams"]),
        (_another_function, ["role of 0x1cff79cd of 0x"]),
    ],
)
def test_verify__changed_authority__is_found(
    system: System, record: Record, rpc: Rpc, accounts: list[str], spoil: Spoil, what: list[str]
) -> None:
    spoil(system, rpc, accounts[9])
    found = verify(rpc, record)
    assert len(found) == len(what), [str(one) for one in found]
    for one, part in zip(found, what, strict=True):
        assert part in one.what


class Stingy(Rpc):
    """A node that tells the events of so many blocks at once, as those of providers do."""

    most = 1

    def request(self, method: str, *params: Any) -> Any:
        if method == "eth_getLogs":
            span = [int(params[0][end], 16) for end in ("fromBlock", "toBlock")]
            if span[1] - span[0] >= self.most:
                raise RpcError(-32005, f"query exceeds {self.most} blocks")
        return super().request(method, *params)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7])
def test_verify__node_that_limits_answers__is_read_whole(
    system: System, record: Record, rpc: Rpc, accounts: list[str], most: int
) -> None:
    _another_guardian(system, rpc, accounts[9])
    _another_function(system, rpc, accounts[9])
    node = Stingy(rpc.url)
    node.most = most
    if most:
        found = verify(rpc, record)
        assert len(found) == 2
        assert verify(node, record) == found
        assert scheduled(node, record) == []
    else:
        with pytest.raises(RpcError, match="exceeds 0 blocks"):
            verify(node, record)
    node.close()


class Busy(Rpc):
    """A node that refuses for a moment, whatever it is asked for."""

    refused = asked = 0

    def request(self, method: str, *params: Any) -> Any:
        if method == "eth_getLogs":
            self.asked += 1
            if self.asked <= self.refused:
                raise RpcError(-32005, "too many requests")
        return super().request(method, *params)


def test_verify__node_that_refused_for_a_moment__is_asked_for_more_again(
    record: Record, rpc: Rpc
) -> None:
    node = Busy(rpc.url)
    node.refused = 4
    assert verify(node, record) == []
    assert node.asked <= 2 * node.refused + 1  # one for each halving, and for each doubling
    node.close()


class Forgetful(Rpc):
    """A node that has lost the older events and does not say so."""

    def request(self, method: str, *params: Any) -> Any:
        found = super().request(method, *params)
        return [] if method == "eth_getLogs" else found


def test_verify__node_without_the_events__is_told(
    system: System, record: Record, rpc: Rpc, accounts: list[str]
) -> None:
    _another_guardian(system, rpc, accounts[9])
    node = Forgetful(rpc.url)
    assert "first grant of a role" in [one.what for one in verify(node, record)]
    node.close()


@pytest.mark.parametrize("end", ["executed", "cancelled", "expired", "scheduled again"])
def test_verify__scheduled_act__is_named_until_it_is_done(
    system: System, record: Record, rpc: Rpc, accounts: list[str], end: str
) -> None:
    authority, people = system.authority, system.people
    governance = rpc.impersonate(people.governance)
    assert scheduled(rpc, record) == []
    data = authority.grantRole.encode(roles.GUARDIAN, accounts[9], 0)
    authority.schedule(authority.address, data, 0, sender=governance)
    since = rpc.time() + people.delay
    what = f"grantRole(uint64,address,uint32) of {authority.address} by {governance.lower()}"
    assert scheduled(rpc, record) == [f"{what}, from {since} on"]
    assert verify(rpc, record) == []
    rpc.warp(people.delay + 1)
    assert scheduled(rpc, record) == [f"{what}, from {since} on"]
    if end == "executed":
        authority.execute(authority.address, data, sender=governance)
        assert len(verify(rpc, record)) == 1
    elif end == "cancelled":
        authority.cancel(governance, authority.address, data, sender=governance)
    else:
        rpc.warp(7 * DAY)
    assert scheduled(rpc, record) == []
    if end == "scheduled again":
        authority.schedule(authority.address, data, 0, sender=governance)
        since = rpc.time() + people.delay
        assert scheduled(rpc, record) == [f"{what}, from {since} on"]


def test_roles__nobody__governs_at_once(system: System, rpc: Rpc, accounts: list[str]) -> None:
    """The deployer has nothing left, governance waits, the guardian may do one thing."""
    people, market = system.people, system.market
    deployer, stranger = accounts[0], accounts[9]
    assert system.authority.hasRole(roles.ADMIN, deployer) == (False, 0)
    with rpc.isolated():
        for caller in (deployer, people.guardian, people.treasury, stranger):
            for name in ("leaveReduceOnly",):
                with reverts("AccessManagedUnauthorized", caller=caller):
                    getattr(market, name).send(sender=caller)
        for caller in (deployer, people.treasury, stranger):
            with reverts("AccessManagedUnauthorized", caller=caller):
                market.enterReduceOnly(sender=caller)
        with reverts("AccessManagerNotScheduled"):
            market.leaveReduceOnly(sender=people.governance)
        market.enterReduceOnly(sender=people.guardian)
        assert market.state().mode == 1


# ---- the command


@pytest.fixture(scope="module")
def node(artifacts: Artifacts) -> Iterator[Anvil]:
    """A node of its own, reached over HTTP as a user's would be."""
    with Anvil(accounts=5) as chain:
        yield chain


def test_command__deploy_and_verify__a_whole_round(
    node: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = ["--network", node.url]
    path = tmp_path / "record.json"
    before = node.rpc.block_number()
    assert bulkhead(["deploy", *network, "--price", "2500", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert node.rpc.block_number() == before  # a rehearsal sends nothing
    assert plan["mismatches"] == []
    arguments = ["deploy", *network, "--price", "2500", "--yes", "--out", str(path), "--json"]
    assert bulkhead(arguments) == 0
    done = json.loads(capsys.readouterr().out)
    planned = {step["name"]: step["address"] for step in plan["steps"]}
    assert done["parts"]["authority"] == planned["Authority"]
    assert bulkhead(["verify", str(path), *network]) == 0
    assert "Verified" in capsys.readouterr().out
    code = node.rpc.code(done["market"])
    node.rpc.set_code(done["market"], code[:-1] + bytes([code[-1] ^ 1]))
    assert bulkhead(["verify", str(path), *network, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["mismatches"]


def test_command__without_terminal_or_yes__sends_nothing(
    node: Anvil, capsys: pytest.CaptureFixture[str]
) -> None:
    before = node.rpc.block_number()
    assert bulkhead(["deploy", "--network", node.url, "--price", "2500"]) == 2
    assert "--yes: not given is refused" in capsys.readouterr().err
    assert node.rpc.block_number() == before


def test_command__token_of_other_decimals__is_refused(
    node: Anvil, capsys: pytest.CaptureFixture[str]
) -> None:
    token = deploy(node.rpc, "TestToken", 18, sender=node.accounts[0])
    arguments = ["deploy", "--network", node.url, "--price", "2500", "--token", token.address]
    assert bulkhead(arguments) == 2
    assert "18 decimals is refused; 6 decimals" in capsys.readouterr().err
