"""The keeper on a real chain: it sees what changes, liquidates what pays, and says why not else."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from gate import Gate
from keeper_stage import MARKET, Stage, addresses, chain_rows, liquidity, same_as_chain

from bulkhead.chain.contract import deploy, events
from bulkhead.deploy.local import deploy_local
from bulkhead.deploy.params import DIRECT, abi, read
from bulkhead.errors import BadInput
from bulkhead.keeper import service
from bulkhead.keeper.decide import Kind, Why
from bulkhead.keeper.journal import UNDER_WAY
from bulkhead.keeper.metrics import serve
from bulkhead.keeper.node import NodeDown
from bulkhead.keeper.prices import ARBITRUM_NODE, OPTIMISM_ORACLE
from bulkhead.keeper.terms import Table
from bulkhead.model import margin
from bulkhead.model.types import Params

LOW = 1_930


def test_crash__crowd_of_longs__liquidated_in_batches_with_the_foretold_reward(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, max_batch=8)
    ids = stage.crowd(12)
    assert keeper.tick()[0].sent == ()
    stage.slide(LOW)
    due = stage.due()
    assert len(due) >= 10
    (look,) = keeper.tick()
    assert sorted(id_ for one in look.sent for id_ in one.action.ids) == due
    assert [one.action.kind.value for one in look.sent] == ["liquidate_many"] * 2
    found = stage.liquidations()
    assert sorted(event.id for event in found) == due
    paid = {event.id: event.payout for event in found}
    for one in look.sent:  # foretold at the block before, whose multiplier was another
        for id_, foretold in zip(one.action.ids, one.action.rewards, strict=True):
            assert abs(paid[id_] - foretold) <= foretold // 100
    keeper.tick()
    assert stage.system.token.balanceOf(addresses()[0]) == sum(paid.values())
    assert keeper.wallet is not None
    assert keeper.wallet.journal.spent(0) > 0
    assert set(ids) >= set(due)
    keeper.close()


# ---- watching


def test_watch__transfers_and_every_action__read_from_the_chain(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, audit_ids=0)
    people, market = stage.people, stage.market
    keeper.tick()
    ids = stage.crowd(3)
    keeper.tick()
    stage.system.token.transfer(market.vaultOf(ids[0]), 10**8, sender=people[6])  # to a vault
    market.reserve(people[8], sender=people[8])
    keeper.tick()
    same_as_chain(stage, keeper)
    market.removeMargin(ids[0], 5 * 10**7, people[6], sender=people[6])
    market.close(ids[1], 0, 2**40, sender=people[6])
    market.settle(ids[2], sender=people[8])
    keeper.tick()
    same_as_chain(stage, keeper)
    assert keeper.metrics.positions.labels(market.address)._value.get() == 3
    assert keeper.metrics.snapshots.labels(market.address)._value.get() == 1


def test_watch__events_in_small_ranges__are_the_same(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    """A node that gives few results at once is asked for fewer blocks."""
    keeper = stage.keeper(tmp_path, node=gate.url, audit_ids=0)
    keeper.tick()
    stage.crowd(5)

    def few(method: str, params: list[object], result: object) -> object:
        if method != "eth_getLogs":
            return result
        query = params[0]
        assert isinstance(query, dict)
        assert isinstance(result, list)
        if int(query["toBlock"], 16) - int(query["fromBlock"], 16) > 1:
            raise Gate.Refusal(-32005, "query returned more than 10000 results")
        return result

    gate.twist = few
    keeper.tick()
    same_as_chain(stage, keeper)


def test_watch__another_process__goes_on_from_the_checkpoint(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path)
    stage.crowd(3)
    keeper.tick()
    keeper.close()
    stage.open(1, 200)
    again = stage.keeper(tmp_path, audit_ids=0)
    again.tick()
    same_as_chain(stage, again)
    assert again.metrics.snapshots.labels(stage.market.address)._value.get() == 0


def test_watch__websocket__a_block_ends_the_wait(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=stage.url.replace("http", "ws"), poll_secs=20)
    stage.crowd(2)
    keeper.tick()
    timer = Timer(0.3, stage.connect().mine)
    keeper.rpc.wait_for_block(0.01)  # subscribes
    timer.start()
    started = time.monotonic()
    keeper.rpc.wait_for_block(20)
    assert time.monotonic() - started < 10
    stage.slide(LOW)
    due = stage.due()
    keeper.run(looks=1)
    assert sorted(event.id for event in stage.liquidations()) == due
    keeper.close()


def test_markets__two__are_both_kept(stage: Stage, tmp_path: Path) -> None:
    system, feed = deploy_local(stage.rpc, read(MARKET, DIRECT), stage.people, 2_000 * 10**8)
    liquidity(system, 10**13, feed, stage.people)
    system.token.mint(stage.people[6], 10**12, sender=stage.people[0])
    system.token.approve(system.market.address, 2**256 - 1, sender=stage.people[6])
    other = Stage(stage.rpc, stage.url, system, feed, stage.people)
    pairs = [f"{one.market.address}@{one.system.lens.address}" for one in (stage, other)]
    keeper = stage.keeper(tmp_path, markets=",".join(pairs))
    stage.price(2_000)
    stage.crowd(2)
    other.open(1, 110)
    keeper.tick()
    for one in (stage, other):
        one.slide(LOW)
    due = [stage.due(), other.due()]
    looks = keeper.tick()
    assert [sorted(i for s in one.sent for i in s.action.ids) for one in looks] == due
    assert all(due)


def dearer(stage: Stage) -> Params:
    """Governance raises every maintenance rate by a twentieth."""
    system = stage.system
    other = replace(
        system.params,
        brackets=tuple(
            replace(row, mm_rate=row.mm_rate * 21 // 20) for row in system.params.brackets
        ),
    )
    data = stage.market.setParams.encode(abi(other))
    who = system.people.governance
    system.authority.schedule(stage.market.address, data, 0, sender=who)
    stage.price(2_000, seconds=system.people.delay + 60)
    system.authority.execute(stage.market.address, data, sender=who)
    return other


def test_watch__parameters_change__keys_follow(stage: Stage, tmp_path: Path) -> None:
    """Governance changes the margin table: the index has its lines from then on."""
    keeper = stage.keeper(tmp_path, key=None, audit_ids=0)
    stage.crowd(2)
    keeper.tick()
    other = dearer(stage)
    keeper.tick()
    index = keeper.seats[0].watch.index
    assert index.table == Table.of_brackets(other.brackets, other.min_notional)
    stage.slide(LOW)
    (look,) = keeper.tick()
    assert sorted(skip.id for skip in look.skips if skip.why == Why.DRY_RUN) == stage.due()


def test_watch__parameters_change_seen_by_another_keeper__keys_follow(
    stage: Stage, tmp_path: Path
) -> None:
    """The checkpoint is past the event when the second keeper looks: it has the new lines too."""
    first, second = (stage.keeper(tmp_path, key=None, audit_ids=0) for _ in range(2))
    stage.crowd(2)
    for keeper in (first, second):
        keeper.tick()
    other = dearer(stage)
    for keeper in (first, second):
        keeper.tick()
        lines = Table.of_brackets(other.brackets, other.min_notional)
        assert keeper.seats[0].watch.index.table == lines
        assert keeper.seats[0].node.cfg.table == margin.rows(other.brackets)
        keeper.close()


def test_watch__node_fails_while_new_parameters_are_read__they_are_read_later(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    """The checkpoint has moved past the event by then: it will not be seen again."""
    keeper = stage.keeper(tmp_path, key=None, audit_ids=0, node=gate.url)
    keeper.tick()
    watch, config = keeper.seats[0].watch, keeper.seats[0].node.config
    other = dearer(stage)

    def fail() -> Any:
        raise NodeDown("gone")

    watch.node.config = fail  # type: ignore[method-assign]
    with pytest.raises(NodeDown):
        keeper.tick()
    watch.node.config = config  # type: ignore[method-assign]
    keeper.tick()
    assert watch.index.table == Table.of_brackets(other.brackets, other.min_notional)
    keeper.close()


# ---- deciding and acting


def test_dry_run__does_everything_but_send(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, key=None)
    stage.crowd(3)
    stage.slide(LOW)
    (look,) = keeper.tick()
    assert {skip.why for skip in look.skips} == {Why.DRY_RUN}
    assert sorted(skip.id for skip in look.skips) == stage.due()
    assert not stage.liquidations()


def test_unprofitable__is_left_with_figures(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, min_profit="1000")
    stage.crowd(3)
    stage.slide(LOW)
    (look,) = keeper.tick()
    assert {skip.why for skip in look.skips} == {Why.UNPROFITABLE}
    assert all("wanted 1000" in skip.detail for skip in look.skips)


def test_crash__more_due_than_can_be_sent__largest_first_and_the_rest_next(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path, max_batch=1, max_transactions=1)
    stage.crowd(5)
    stage.slide(LOW)
    due = stage.due()
    size = {id_: abs(row[0]) for id_, row in chain_rows(stage).items()}
    (look,) = keeper.tick()
    assert [one.action.ids for one in look.sent] == [(max(due, key=lambda id_: size[id_]),)]
    assert (0, Why.TOO_MANY) in {(skip.id, skip.why) for skip in look.skips}
    for _ in due:
        stage.blocks()
        keeper.tick()
    assert sorted(event.id for event in stage.liquidations()) == due


def test_crash__large_ones_are_left__the_small_have_their_turn(
    stage: Stage, tmp_path: Path
) -> None:
    """Nothing is sent, so the largest stay due for ever: nobody waits for ever behind them."""
    keeper = stage.keeper(tmp_path, key=None, max_batch=1, max_transactions=1)
    stage.crowd(8)
    stage.slide(LOW)
    due, seen = stage.due(), set()
    assert len(due) > 4
    for _ in due:
        (look,) = keeper.tick()
        seen |= {skip.id for skip in look.skips if skip.id}
        stage.blocks()
    assert seen >= set(due)


def test_markets__both_fail__both_are_logged(
    stage: Stage, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(service.log, "error", lambda text, **more: said.append(text))
    place = f"{stage.market.address}@{stage.system.lens.address}"
    keeper = stage.keeper(tmp_path, key=None, node=gate.url, markets=f"{place},{place}")
    gate.down = True
    with pytest.raises(NodeDown):
        keeper.tick()
    assert said == ["market failed"] * 2


def test_same_block__is_not_looked_at_twice(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, min_profit="1000")
    stage.crowd(2)
    stage.slide(LOW)
    assert keeper.tick()[0].skips
    assert keeper.tick()[0].skips == ()
    stage.blocks()
    assert keeper.tick()[0].skips


def test_market__address_of_something_else__is_bad_input(stage: Stage, tmp_path: Path) -> None:
    market, lens, token = stage.market, stage.system.lens, stage.system.token
    for pair in (
        f"{lens.address}@{market.address}",
        f"{token.address}@{lens.address}",
        f"{stage.people[3]}@{lens.address}",
    ):
        with pytest.raises(BadInput):
            stage.keeper(tmp_path, markets=pair)


def test_empty_account__spends_nothing_it_has_not(stage: Stage, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path)
    stage.rpc.set_balance(addresses()[0], 1_000)
    stage.crowd(3)
    stage.slide(LOW)
    (look,) = keeper.tick()
    assert {skip.why for skip in look.skips} == {Why.BUDGET}


def test_margin_call__position_goes_alone_and_the_owner_is_called(
    stage: Stage, tmp_path: Path
) -> None:
    keeper = stage.keeper(tmp_path)
    owner = deploy(stage.rpc, "IdleOwner", sender=stage.people[6])
    market, token = stage.market, stage.system.token
    stage.crowd(2)
    token.mint(owner.address, 10**9, sender=stage.people[0])
    for to, data in (
        (token.address, token.approve.encode(market.address, 2**256 - 1)),
        (market.address, market.open.encode(0, 10**18, 110 * 10**6, 2**255, 2**40)),
    ):
        receipt = owner.run(to, data, sender=stage.people[6])
    id_ = int(events(receipt, "PositionChanged")[0].id)
    owner.run(market.address, market.setMarginCall.encode(id_, True), sender=stage.people[6])
    stage.slide(LOW)
    assert id_ in stage.due()
    (look,) = keeper.tick()
    assert Kind.LIQUIDATE in [one.action.kind for one in look.sent if one.action.ids == (id_,)]
    assert owner.calls() == 1
    assert id_ in {event.id for event in stage.liquidations()}


def test_adl__active__the_winner_is_deleveraged(stage: Stage, tmp_path: Path) -> None:
    off = stage.keeper(tmp_path)
    id_ = stage.open(3_990, 2_500_000)
    stage.slide(6_600, steps=30)
    stage.market.accrue(sender=stage.people[0])
    before = stage.system.lens.marketView(stage.market.address)
    assert before.adlActive
    (look,) = off.tick()
    assert {skip.why for skip in look.skips} == {Why.ADL_OFF}
    off.close()
    keeper = stage.keeper(tmp_path, adl=True)
    (look,) = keeper.tick()
    assert [(one.action.kind, one.action.ids) for one in look.sent] == [(Kind.DELEVERAGE, (id_,))]
    after = stage.system.lens.marketView(stage.market.address)
    assert after.adlFactor < before.adlFactor
    assert not after.adlActive


def test_private__goes_there_first_and_public_when_it_is_ignored(
    stage: Stage, gate: Gate, tmp_path: Path
) -> None:
    gate.swallows = "eth_sendRawTransaction"
    keeper = stage.keeper(tmp_path, private_node=gate.url, bump_after=9)
    stage.crowd(3)
    keeper.tick()
    stage.slide(LOW)
    due = stage.due()
    assert keeper.tick()[0].sent
    assert gate.asked == ["eth_sendRawTransaction"]
    assert stage.rpc.nonce(addresses()[0]) == 0
    for _ in range(3):
        stage.blocks()
        keeper.tick()
    assert sorted(event.id for event in stage.liquidations()) == due
    assert keeper.wallet is not None
    assert keeper.wallet.journal.find(*UNDER_WAY) == []


def constant(*words: int) -> bytes:
    """Code that answers everything with these words."""
    code = "".join(f"7f{word:064x}60{32 * place:02x}52" for place, word in enumerate(words))
    return bytes.fromhex(f"{code}60{32 * len(words):02x}6000f3")


@pytest.mark.parametrize(
    ("kind", "where", "words"),
    [
        ("optimism", OPTIMISM_ORACLE, (10**12 * 254,)),
        ("arbitrum", ARBITRUM_NODE, (254 * 10**3, 10**9, 1)),
    ],
)
def test_data_fee__of_an_l2__is_asked_for_and_counted(
    stage: Stage, tmp_path: Path, kind: str, where: str, words: tuple[int, ...]
) -> None:
    """A rollup's own contract that asks 1,000 gwei for a byte."""
    stage.rpc.set_code(where, constant(*words))
    stage.crowd(2)
    stage.slide(LOW)
    free = stage.keeper(tmp_path, key=None).tick()[0].decision.actions[0]
    asked = stage.keeper(tmp_path, key=None, data_fee=kind).tick()[0].decision.actions[0]
    size = 4 + 32 * 3 + 32 * len(asked.ids) + 130
    assert asked.worst - asked.gas_limit * asked.fees.most == size * 10**12
    assert asked.cost > free.cost


def test_data_fee__on_a_chain_without_one__is_bad_input(stage: Stage, tmp_path: Path) -> None:
    for kind in ("optimism", "arbitrum"):
        with pytest.raises(BadInput, match="data_fee"):
            stage.keeper(tmp_path, key=None, data_fee=kind)


def test_native_price__from_a_feed__is_its_answer(stage: Stage, tmp_path: Path) -> None:
    stage.crowd(2)
    stage.slide(LOW)
    costs = [
        stage.keeper(tmp_path, key=None, native_price=source).tick()[0].decision.actions[0].cost
        for source in ("mark", stage.feed.proxy.address, str(LOW), str(2 * LOW))
    ]
    assert costs[0] == costs[1] == costs[2]
    assert costs[3] > costs[2]


def test_native_price__from_what_is_no_feed__is_bad_input(stage: Stage, tmp_path: Path) -> None:
    for address in (stage.system.token.address, stage.people[4]):
        with pytest.raises(BadInput, match="native_price"):
            stage.keeper(tmp_path, key=None, native_price=address)


# ---- looking at it


def test_health_and_metrics__are_served(stage: Stage, gate: Gate, tmp_path: Path) -> None:
    keeper = stage.keeper(tmp_path, node=gate.url, health_secs=0.5)
    stage.crowd(2)
    server = serve(keeper.metrics, keeper.health, 0, "127.0.0.1")
    base = f"http://127.0.0.1:{server.server_port}"
    keeper.run(looks=1)
    with urllib.request.urlopen(f"{base}/health") as answer:
        assert json.loads(answer.read())["healthy"] is True
    with urllib.request.urlopen(f"{base}/metrics") as answer:
        text = answer.read().decode()
    assert f'bulkhead_keeper_positions{{market="{stage.market.address}"}} 3.0' in text
    gate.down = True
    keeper.run(looks=1)
    time.sleep(0.6)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{base}/health")
    assert caught.value.code == 503
    assert "NodeDown" in json.loads(caught.value.read())["problem"]
    server.shutdown()
    server.server_close()
    assert chain_rows(stage)
