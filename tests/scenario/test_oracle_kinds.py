"""Markets on each kind of oracle: from the file to a verified deployment, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from oracle_world import KEYS, PRICE_ID, WAD, read_at

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.rpc import Rpc
from bulkhead.demo.settings import MARKET
from bulkhead.deploy import oracles, plan
from bulkhead.deploy.local import deploy_pyth, local_people
from bulkhead.deploy.params import DIRECT, read
from bulkhead.deploy.record import load, record_of, write
from bulkhead.deploy.roles import give_reporters
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.steps import Deployer
from bulkhead.deploy.system import System, deploy_market
from bulkhead.deploy.verify import scheduled, verify
from bulkhead.errors import BadInput, BadInputs
from bulkhead.reporter.report import Feed, sign, update_data

ANSWER = 2_500 * 10**8
PLAIN = ("max_deviation: 25 %", "max_deviation: 0 %"), ("_grace: 1 h", "_grace: 0 s")
BANDED = (PLAIN[1],)
PYTH = f"""  kind: pyth
  pyth:
    price_id: "0x{PRICE_ID.hex()}"
    min_decimals: 5
    max_decimals: 10
    confidence_width: 2
"""
QUORUM = """  kind: quorum
  quorum:
    feed: ETH/USD
    quorum: 2
    max_disagreement: 1 %
    reporters:
{reporters}
"""
MEDIAN = """  kind: median
  median:
    min_sources: 2
    risk_tolerance: 0.5 %
    exit_tolerance: 2 %
    source_gas: 200k
"""
Make = Callable[..., MarketFile]


@pytest.fixture
def reporters(rpc: Rpc, accounts: list[str], artifacts: Artifacts) -> dict[str, bytes]:
    """Three reporters' keys by address."""
    from eth_account import Account

    found = {Account.from_key(key).address.lower(): key for key in KEYS[:3]}
    return dict(sorted(found.items()))


@pytest.fixture
def make(tmp_path: Path, reporters: dict[str, bytes]) -> Make:
    def file(group: str, *changes: tuple[str, str]) -> MarketFile:
        rows = "\n".join(f'      - "{one}"' for one in reporters)
        text = MARKET.read_text().replace(
            "\noracle:\n", f"\noracle:\n{group.format(reporters=rows)}"
        )
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after, 1)
        path = tmp_path / "market.yaml"
        path.write_text(text)
        return read(path)

    return file


@pytest.fixture
def chain(rpc: Rpc) -> Iterator[Rpc]:
    with rpc.isolated():
        yield rpc


def checked(system: System, folder: Path) -> list[str]:
    """What differs from the record, after it was written and read again."""
    path = folder / "record.json"
    write(record_of(system), path)
    return [str(one) for one in verify(system.rpc, load(path))]


def test_pyth__market__is_deployed_and_read_back(
    make: Make, chain: Rpc, accounts: list[str], tmp_path: Path
) -> None:
    market = make(PYTH, *PLAIN)
    asked = plan.order(market, 31_337, accounts[0], answer=ANSWER)
    system = plan.execute(chain, asked)
    assert checked(system, tmp_path) == []
    assert system.market.state().mark == 2_500 * WAD
    record = record_of(system)
    steps = json.loads(json.dumps(record.steps))
    step = next(one for one in steps if one["name"] == "PythOracle")
    step["args"][0]["maxSpread"] = "1"
    what = [one.what for one in verify(chain, replace(record, steps=steps))]
    assert what == ["oracle's maxSpread"]


def reported(rpc: Rpc, oracle: str, keys: dict[str, bytes]) -> None:
    """Two prices by all reporters."""
    adapter = Deployer(rpc, rpc.accounts()[0]).at("QuorumOracle", oracle)
    feed = Feed(rpc.chain_id(), oracle, adapter.settings().feed)
    for _ in range(2):
        at = rpc.time() + 5
        reports = [sign(feed, key, 2_500 * WAD, at) for key in keys.values()]
        rpc.next_time(at)
        adapter.update([update_data(at, reports)], sender=rpc.accounts()[0])


def test_quorum__adapter_then_market__are_deployed_and_read_back(
    make: Make, chain: Rpc, accounts: list[str], tmp_path: Path, reporters: dict[str, bytes]
) -> None:
    market = make(QUORUM, *BANDED)
    people = local_people(accounts[1:], market)
    oracle = oracles.deploy_quorum(Deployer(chain, accounts[0]), market, people).address
    reported(chain, oracle, reporters)
    given = {"deployer": accounts[0], "people": people}
    system = deploy_market(chain, market, adapter=oracle, **given)
    assert checked(system, tmp_path) == []
    assert system.market.state().mark == 2_500 * WAD
    for change, name in (
        (("max_disagreement: 1 %", "max_disagreement: 2 %"), "maxDisagreement"),
        (("feed: ETH/USD", "feed: BTC/USD"), "feed"),
        ((f'      - "{next(iter(reporters))}"', '      - "0x' + "77" * 20 + '"'), "reporters"),
        (("quorum: 2", "quorum: 3"), "quorum"),
    ):
        with pytest.raises(BadInput, match=f"oracle {oracle}, {name}"):
            deploy_market(chain, make(QUORUM, *BANDED, change), adapter=oracle, **given)


def test_quorum__other_reporters_or_authority__are_found(
    make: Make, chain: Rpc, accounts: list[str], reporters: dict[str, bytes]
) -> None:
    market = make(QUORUM, *BANDED)
    people = local_people(accounts[1:], market)
    hand = Deployer(chain, accounts[0])
    oracle = oracles.deploy_quorum(hand, market, people)
    reported(chain, oracle.address, reporters)
    given = {"deployer": accounts[0], "people": people}
    system = deploy_market(chain, market, adapter=oracle.address, **given)
    record = record_of(system)
    authority = hand.at("Authority", oracle.authority())
    governance = chain.impersonate(people.governance)

    def govern(target: str, data: bytes) -> None:
        authority.schedule(target, data, 0, sender=governance)
        chain.warp(people.delay + 1)
        authority.execute(target, data, sender=governance)

    with chain.isolated():
        data = oracle.setReporters.encode(list(reporters), 3)
        authority.schedule(oracle.address, data, 0, sender=governance)
        assert verify(chain, record) == []
        assert scheduled(chain, record)[0].startswith("setReporters(address[],uint256) of 0x")
    with chain.isolated():
        govern(oracle.address, oracle.setReporters.encode(list(reporters), 3))
        assert [one.what for one in verify(chain, record)] == ["oracle's quorum"]
    with chain.isolated():
        selector = oracle.setReporters.method.selector
        public = 2**64 - 1
        data = authority.setTargetFunctionRole.encode(oracle.address, [selector], public)
        govern(authority.address, data)
        assert [one.what for one in verify(chain, record)] == ["role of setReporters"]
    with chain.isolated():
        govern(authority.address, authority.grantRole.encode(1, accounts[9], 0))
        assert "in role 1" in verify(chain, record)[0].what
    with chain.isolated():
        govern(authority.address, authority.setRoleGuardian.encode(1, 7))
        assert [one.what for one in verify(chain, record)] == ["guardian of role 1"]
    with chain.isolated():
        chain.set_code(authority.address, chain.code(authority) + b"\0")
        what = f"code of the oracle's authority at {authority.address}"
        assert [one.what for one in verify(chain, record)] == [what]


def test_quorum__authority_with_a_hidden_admin__is_found(
    make: Make, chain: Rpc, accounts: list[str], reporters: dict[str, bytes]
) -> None:
    """The very code, members and events, but a constructor that let one more in without a word."""
    market = make(QUORUM, *BANDED)
    people, sender, hidden = local_people(accounts[1:], market), accounts[0], accounts[9]
    hand = Deployer(chain, sender)
    code = chain.code(hand.create("Authority", sender))
    loader = bytes.fromhex(f"61{len(code):04x}80600c5f395ff300")[:12].ljust(12, b"\0")
    authority = hand.at("Authority", chain.send(None, loader + code, sender=sender).contract)
    admins = keccak(bytes(32) + (1).to_bytes(32, "big"))
    for one in (sender, hidden):
        slot = keccak(bytes.fromhex(one[2:]).rjust(32, b"\0") + admins)
        chain.set_storage(authority.address, int.from_bytes(slot, "big"), 1)
        assert authority.hasRole(0, one) == (True, 0)
    args = oracles.quorum_args(market, authority.address)
    oracle = hand.create("QuorumOracle", *args)
    give_reporters(hand, authority, oracle, people)
    reported(chain, oracle.address, reporters)
    system = deploy_market(chain, market, adapter=oracle.address, deployer=sender, people=people)
    assert authority.hasRole(0, hidden) == (True, 0)
    found = [one.what for one in verify(chain, record_of(system))]
    assert found == ["creation of the oracle's authority"]


def test_quorum__rehearsed_on_a_fork__is_verified_there(
    make: Make, reporters: dict[str, bytes]
) -> None:
    """The fork tells how the adapter's authority was created, which happened on the chain below."""
    market = make(QUORUM, *BANDED)
    with Anvil(accounts=4) as node:
        people = local_people(node.accounts[1:], market)
        oracle = oracles.deploy_quorum(Deployer(node.rpc, node.accounts[0]), market, people).address
        reported(node.rpc, oracle, reporters)
        named = {"governance": people.governance, "guardian": people.guardian}
        asked = plan.order(market, node.rpc.chain_id(), node.accounts[0], adapter=oracle, **named)
        assert [str(one) for one in plan.rehearse(node.url, asked).mismatches] == []


def test_median__market__is_deployed_and_read_back(
    make: Make, chain: Rpc, accounts: list[str], tmp_path: Path, reporters: dict[str, bytes]
) -> None:
    sender = accounts[0]
    quorum_file, pyth_file = make(QUORUM, *BANDED), make(PYTH, *PLAIN)
    people = local_people(accounts[1:], quorum_file)
    hand = Deployer(chain, sender)
    quorum = oracles.deploy_quorum(hand, quorum_file, people).address
    reported(chain, quorum, reporters)
    pyth = deploy_pyth(chain, pyth_file, sender, ANSWER).address
    first = oracles.adapter(hand, pyth_file, oracles.Origin(feed=pyth)).address
    market = make(MEDIAN, *PLAIN)
    asked = plan.order(market, 31_337, sender, sources=[first, quorum])
    system = plan.execute(chain, asked)
    assert checked(system, tmp_path) == []
    assert list(system.oracle.settings().sources) == [first, quorum]
    assert read_at(chain, system.oracle, chain.time()).mark == 2_500 * WAD


@pytest.mark.parametrize(
    ("group", "changes", "field", "message"),
    [
        ("  kind: other\n", (), "oracle.kind", "chainlink, pyth, quorum or median"),
        ("  kind: pyth\n", PLAIN, "oracle.pyth", "the group of the oracle's kind"),
        (MEDIAN.replace("median\n", "chainlink\n", 1), (), "oracle.median", "the oracle's kind"),
        (PYTH, BANDED, "oracle.max_deviation", "keeps no price before the last"),
        (PYTH, PLAIN[:1], "oracle.sequencer_grace", "0 s: only a push feed"),
        (PYTH.replace("s: 5", "s: 11"), PLAIN, "oracle.pyth.min_decimals", "at most max_decimals"),
        (PYTH.replace("width: 2", "width: 0.5"), PLAIN, "oracle.pyth.confidence_width", "at least"),
        (PYTH, (*PLAIN, ("delay: 12 s", "delay: 4 s")), "orders.delay", "at least 5 s"),
        (MEDIAN, (*PLAIN, ("delay: 12 s", "delay: 4 s")), "orders.delay", "at least 5 s"),
        (QUORUM, PLAIN, "oracle.max_deviation", "above 0 %"),
        (QUORUM.replace("quorum: 2", "quorum: 4"), BANDED, "oracle.quorum.quorum", "half of the 3"),
        (QUORUM.replace("quorum: 2", "quorum: 1"), BANDED, "oracle.quorum.quorum", "at least 2"),
        (
            MEDIAN.replace("risk_tolerance: 0.5 %", "risk_tolerance: 3 %"),
            PLAIN,
            "oracle.median.risk_tolerance",
            "at most exit_tolerance",
        ),
    ],
)
def test_read__wrong_oracle__is_named(
    make: Make, group: str, changes: tuple[tuple[str, str], ...], field: str, message: str
) -> None:
    with pytest.raises(BadInputs) as caught:
        make(group, *changes)
    problem = next(one for one in caught.value.problems if one.what.endswith(f", {field}"))
    assert message in str(problem)


@pytest.mark.parametrize(
    ("group", "changes", "given", "message"),
    [
        (PYTH, PLAIN, {}, "price: nothing"),
        (PYTH, PLAIN, {"answer": ANSWER, "sources": ["0x" + "11" * 20]}, "pyth oracle takes none"),
        (QUORUM, BANDED, {}, "oracle: nothing is refused; give --oracle"),
        (QUORUM, BANDED, {"adapter": "0x12"}, "oracle: 0x12 is refused"),
        (MEDIAN, PLAIN, {"answer": ANSWER}, "only a local feed takes one"),
        (MEDIAN, PLAIN, {"sources": ["0x12"]}, "source: 0x12 is refused"),
        (MEDIAN, PLAIN, {"feed": "0x" + "11" * 20}, "median oracle takes none"),
    ],
)
def test_order__what_the_kind_lacks_or_does_not_take__is_named(
    make: Make,
    group: str,
    changes: tuple[tuple[str, str], ...],
    given: dict[str, object],
    message: str,
) -> None:
    market = make(group, *changes)
    with pytest.raises(BadInput, match=message):
        plan.order(market, 31_337, "0x" + "22" * 20, **given)  # type: ignore[arg-type]


def test_adapter__of_a_median_without_sources_or_a_chainlink_as_quorum__is_refused(
    make: Make, chain: Rpc, accounts: list[str]
) -> None:
    hand = Deployer(chain, accounts[0])
    with pytest.raises(BadInput, match="source: 1 is refused"):
        oracles.adapter(hand, make(MEDIAN, *PLAIN), oracles.Origin(sources=("0x" + "11" * 20,)))
    market = read(MARKET, DIRECT)
    with pytest.raises(BadInput, match="only a quorum is deployed beforehand"):
        oracles.deploy_quorum(hand, market, local_people(accounts[1:], market))
