"""The chain client on a real node: calls, transactions, reverts, events, linking, simulation."""

from __future__ import annotations

import pytest

from bulkhead.chain.abi import AbiError
from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import ArtifactError, Artifacts
from bulkhead.chain.contract import Contract, at, deploy, deploy_libraries, events, registry
from bulkhead.chain.errors import ChainError, Reverted, RpcError, reverts
from bulkhead.chain.rpc import Block, Rpc
from bulkhead.chain.transport import HttpTransport


@pytest.fixture(scope="module")
def module_probe(rpc: Rpc, artifacts: Artifacts, accounts: list[str]) -> Contract:
    return deploy(rpc, "ToolProbe", "label", sender=accounts[1])


@pytest.fixture
def probe(module_probe: Contract, isolate: None) -> Contract:
    return module_probe


def test_deploy__with_library__links_and_runs(probe: Contract, accounts: list[str]) -> None:
    assert probe.MAKER() == accounts[1]
    assert probe.label() == "label"
    assert probe.poke.call(7) == 14
    assert probe.poke(7).ok
    assert probe.total() == 14


def test_deploy__library_there_already__sends_nothing(
    rpc: Rpc, probe: Contract, artifacts: Artifacts, accounts: list[str]
) -> None:
    before = rpc.block_number()
    places = deploy_libraries(rpc, "ToolProbe", sender=accounts[0])
    assert rpc.block_number() == before
    library = artifacts["ToolProbeLib"]
    code = rpc.code(places["ToolProbeLib"])
    assert len(code) == library.size
    assert places["ToolProbeLib"][2:] in rpc.code(probe).hex()


def test_link__library_not_given__names_it(artifacts: Artifacts) -> None:
    with pytest.raises(ArtifactError, match="ToolProbeLib"):
        artifacts["ToolProbe"].link()
    with pytest.raises(ArtifactError, match="not compiled"):
        artifacts.get("NoSuchContract")


def test_immutables__of_deployed_code__stand_where_the_artifact_says(
    rpc: Rpc, probe: Contract, artifacts: Artifacts, accounts: list[str]
) -> None:
    code = rpc.code(probe)
    for places in artifacts["ToolProbe"].immutables.values():
        for place in places:
            word = code[place.start : place.start + place.length]
            assert word[12:].hex() == accounts[1][2:]


def test_call__struct_array_and_string__decode_by_name(probe: Contract) -> None:
    state = probe.state()
    assert (state.pair.left, state.pair.right) == (1, -2)
    assert state.numbers == [0, 0]
    assert state.from_ == "label"
    assert probe.sum([(5, -2), {"left": 1, "right": -9}], probe) == (-5, probe.address)
    assert probe.sum(pairs=[], who=probe).same == probe.address


def test_call__overload__is_chosen_by_signature(probe: Contract) -> None:
    assert probe["pick(uint256,uint256)"](1, 2) == 3
    with pytest.raises(AttributeError, match="overloaded"):
        _ = probe.pick


def test_send__custom_error__carries_name_and_values(probe: Contract) -> None:
    with reverts("TooSmall", given=3, limit=5) as caught:
        probe.poke(3)
    assert caught[0]["given"] == 3
    assert caught[0].receipt is not None
    assert str(caught[0]) == "reverted: TooSmall(given=3, limit=5)"
    with reverts("TooSmall"):
        probe.poke.call(4)
    with reverts("Unlucky", number=13):  # declared in the library, thrown through the contract
        probe.poke(13)


def test_send__without_check__returns_the_failed_receipt(probe: Contract) -> None:
    assert not probe.poke.send(3, check=False).ok


@pytest.mark.parametrize(
    ("how", "name", "args"), [(0, "", {}), (1, "Error", {"message": "in words"}), (2, "Panic", {})]
)
def test_call__built_in_reverts__are_named(
    probe: Contract, how: int, name: str, args: dict[str, str]
) -> None:
    with reverts(name, **args):
        probe.refuse(how)


def test_reverts__something_else_happens__fails(probe: Contract) -> None:
    with pytest.raises(AssertionError, match="expected Other"), reverts("Other"):
        probe.poke(3)
    with pytest.raises(AssertionError, match="expected limit=6"), reverts("TooSmall", limit=6):
        probe.poke(3)
    with pytest.raises(AssertionError, match="nothing reverted"), reverts("TooSmall"):
        probe.poke(7)


def test_events__of_a_receipt__decode_by_name(probe: Contract, accounts: list[str]) -> None:
    receipt = probe.poke(9, sender=accounts[2])
    [event] = events(receipt, "Poked", of=probe)
    assert event.caller == accounts[2]
    assert len(event.label) == 32  # an indexed string is there as its hash
    assert (event.number, event.pair.right) == (9, -9)
    assert events(receipt, "Other") == []


def test_logs__by_topic__are_found(rpc: Rpc, probe: Contract) -> None:
    start = rpc.block_number() + 1
    probe.poke(9)
    probe.poke(10)
    logs = rpc.logs(start=start, of=probe, topics=[registry().topic("Poked")])
    assert [event.number for event in events(logs)] == [9, 10]


def test_simulate__blocks_of_calls__keep_nothing(rpc: Rpc, probe: Contract) -> None:
    later = rpc.time() + 1_000
    first = Block([probe.poke.prepare(9), probe.poke.prepare(3)], time=later)
    blocks = rpc.simulate([first, Block([probe.total.prepare()], time=later + 5)])
    poked, refused = blocks[0]
    assert poked.ok
    assert events(poked)[0].number == 9
    error = registry().error(refused.data)
    assert not refused.ok
    assert error is not None
    assert error.name == "TooSmall"
    assert probe.total.decode(blocks[1][0].data) == 18
    assert probe.total() == 0


def test_send_all__many_senders__keeps_the_order_in_one_block(
    rpc: Rpc, probe: Contract, accounts: list[str]
) -> None:
    calls = [
        probe.poke.prepare(number, sender=accounts[number % 3], gas=500_000)
        for number in (*range(20, 40), 2)
    ]
    receipts = rpc.send_all(calls)
    assert {receipt.block for receipt in receipts} == {rpc.block_number()}
    assert [receipt.ok for receipt in receipts] == [True] * 20 + [False]
    assert [events(receipt)[0].number for receipt in receipts[:-1]] == list(range(20, 40))
    assert probe.poke(6).ok  # each transaction has its own block again


def test_isolated__after_the_block__state_is_back(rpc: Rpc, probe: Contract) -> None:
    with rpc.isolated():
        probe.poke(9)
        assert probe.total() == 18
    assert probe.total() == 0


def test_isolated__transactions_just_mined__have_left_the_pool(
    rpc: Rpc, probe: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has not would be mined again after going back, in the next block."""
    request, waiting = rpc.request, []

    def watched(method: str, *params: object) -> object:
        if method == "evm_revert":
            waiting.append(int(request("txpool_status")["pending"], 16))
        return request(method, *params)

    monkeypatch.setattr(rpc, "request", watched)
    for _ in range(100):
        with rpc.isolated():
            probe.poke(9)
    assert waiting == [0] * 100


def test_time__next_and_warp__are_exact(rpc: Rpc, isolate: None) -> None:
    moment = rpc.time() + 12_345
    rpc.next_time(moment)
    rpc.mine()
    assert rpc.time() == moment
    assert rpc.warp(60) == moment + 60 == rpc.time()


def test_impersonate__a_contract__sends_for_it(rpc: Rpc, probe: Contract) -> None:
    sender = rpc.impersonate(probe)
    [event] = events(probe.poke(8, sender=sender))
    assert event.caller == probe.address


def test_batch__reads_with_one_error__keep_their_places(rpc: Rpc, probe: Contract) -> None:
    call = {"to": probe.address, "data": "0x" + probe.refuse.encode(1).hex()}
    chain, failed = rpc.batch([("eth_chainId", []), ("eth_call", [call, "latest"])])
    assert int(chain, 16) == rpc.chain_id()
    assert isinstance(failed, Reverted)
    assert failed["message"] == "in words"


def test_request__unknown_method__is_a_typed_error(rpc: Rpc) -> None:
    with pytest.raises(RpcError) as caught:
        rpc.request("no_such_method")
    assert not isinstance(caught.value, Reverted)


def test_request__idle_http_connection_dropped__is_opened_again(anvil: Anvil) -> None:
    http = Rpc(anvil.url)
    assert http.chain_id() == anvil.rpc.chain_id()
    assert isinstance(http.transport, HttpTransport)
    http.transport.connection.sock.shutdown(2)
    assert http.chain_id() == anvil.rpc.chain_id()


def test_request__nobody_listens__is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        Rpc("http://127.0.0.1:9").chain_id()
    with pytest.raises(RpcError, match="no http"):
        Rpc("ftp://127.0.0.1")


@pytest.mark.parametrize("kind", ["http", "ipc"])
def test_request__answers_and_questions_of_megabytes__arrive_whole(
    anvil: Anvil, probe: Contract, kind: str
) -> None:
    client = Rpc(anvil.url if kind == "http" else f"ipc://{anvil.ipc}")
    many = 20_000
    outcomes = client.simulate([Block([probe.state.prepare()] * many)])[0]
    assert len(outcomes) == many
    assert probe.state.decode(outcomes[-1].data).from_ == "label"


def test_send__no_sender_or_bad_argument__says_which_function(rpc: Rpc, probe: Contract) -> None:
    bare = at(rpc, "ToolProbe", probe)
    with pytest.raises(ChainError, match="poke: no sender"):
        bare.poke(7)
    with pytest.raises(AbiError, match=r"poke\(uint256\)"):
        probe.poke(-1)
