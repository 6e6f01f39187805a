"""Every action on a chain: as recorded, over budget only where the docs say so, and in a crowd."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.gas import __main__ as command
from bulkhead.gas import explain, report, trading
from bulkhead.gas.checks import DEEP, THIN
from bulkhead.gas.keys import BUDGETS
from bulkhead.gas.stage import START, GasError, Stage, set_the_stage
from bulkhead.model.types import Action


@pytest.fixture(scope="module")
def module_stage(artifacts: Artifacts) -> Iterator[Stage]:
    with Anvil(timestamp=START) as anvil:
        yield set_the_stage(anvil, command.FEW)


@pytest.fixture
def stage(module_stage: Stage) -> Iterator[Stage]:
    with module_stage.rpc.isolated():
        yield module_stage


def test_gas__every_action__costs_what_is_recorded(
    artifacts: Artifacts, capsys: pytest.CaptureFixture[str]
) -> None:
    status = command.main(["--check"])
    assert status == 0, capsys.readouterr().err


def test_gas__over_a_budget__is_explained_in_the_docs() -> None:
    recorded = json.loads(command.RECORD.read_text())
    over = {key for key, gas in recorded.items() if gas > (BUDGETS[key] or gas)}
    page = (ROOT / "docs" / "gas.md").read_text()
    told = {line.split("|")[1].strip() for line in page.splitlines() if line.endswith("| over |")}
    assert over == told
    assert over == set(report.breakdowns(page))


@pytest.mark.parametrize("key", report.breakdowns(command.PAGE.read_text()))
def test_explain__key_over_its_budget__is_the_table_in_the_docs(
    artifacts: Artifacts, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--explain", key]) == 0
    assert capsys.readouterr().out.strip() == report.breakdowns(command.PAGE.read_text())[key]


def test_explain__plain_transfer__is_all_accounted_for(artifacts: Artifacts) -> None:
    trace, stage = explain.record("top_up_by_transfer")
    counted = sum(gas for step in trace.steps for _, gas in explain.kinds(step))
    recorded = json.loads(command.RECORD.read_text())["top_up_by_transfer"]
    assert trace.intrinsic + counted - trace.refund == trace.used == recorded
    assert {explain.names(stage)[step.code] for step in trace.steps} == {"token"}


def test_gas__hundred_times_the_positions__costs_the_same(artifacts: Artifacts) -> None:
    assert command.measure(command.FEW) == command.measure(command.MANY)


@pytest.mark.parametrize(
    ("mark", "action", "found"),
    [
        (DEEP, Action.LIQUIDATE_PARTIAL, "LIQUIDATE_FULL"),
        (THIN, Action.LIQUIDATE_FULL, "LIQUIDATE_PARTIAL"),
    ],
)
def test_measurement__of_another_liquidation__is_refused(
    stage: Stage, mark: int, action: Action, found: str
) -> None:
    with pytest.raises(GasError, match=f"it was {found}, not {action.name}"):
        trading._liquidate(stage, mark, action)


def test_measurement__without_a_new_round__is_refused(stage: Stage) -> None:
    stage.rpc.next_time(stage.rpc.time() + 60)
    with pytest.raises(GasError, match="not a new one"), stage.accruing():
        stage.market.accrue(sender=stage.people["keeper"])
    with pytest.raises(GasError, match="no mark was accepted"), stage.accruing():
        stage.rpc.warp(60)


def test_measurement__sooner_than_the_sample_interval__is_refused(stage: Stage) -> None:
    stage.tick(seconds=30)
    with pytest.raises(GasError, match="not sampled"), stage.accruing():
        stage.market.accrue(sender=stage.people["keeper"])
