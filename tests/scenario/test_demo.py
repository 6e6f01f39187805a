"""A small demo, whole: every law after every block, and the files it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.cli import run as bulkhead
from bulkhead.demo import play
from bulkhead.demo import run as running
from bulkhead.demo.laws import TITLES
from bulkhead.demo.population import population
from bulkhead.demo.report import page
from bulkhead.demo.run import Run
from bulkhead.demo.settings import settings
from bulkhead.demo.stage import local_chain, set_stage
from bulkhead.demo.summary import rows, summary

POSITIONS, BLOCKS = 20, 30
ASKED_FOR = (
    "positions",
    "top_ups",
    "partial_liquidations",
    "full_liquidations",
    "closed",
    "bad_debt",
    "insurance_before",
    "insurance_after",
    "pool_nav_before",
    "pool_nav_after",
    "keeper_profit",
    "peak_open_interest",
    "blocks",
    "seconds",
    "laws_checked",
    "laws_broken",
)


@pytest.fixture(scope="module")
def played(artifacts: Artifacts) -> Run:
    """One run for all tests here."""
    return play.run(settings(positions=POSITIONS, blocks=BLOCKS))


def test_demo__small_crash__breaks_no_law(played: Run) -> None:
    assert [str(breach) for breach in played.laws.breaches] == []
    assert played.laws.holds
    for law in TITLES:
        checks = played.laws.checked[law]
        assert checks >= BLOCKS or law == "I-32", law


def test_demo__small_crash__has_something_of_everything(played: Run) -> None:
    record = summary(played)
    assert record["positions"] == POSITIONS
    liquidations = record["partial_liquidations"] + record["full_liquidations"]
    assert liquidations > 0
    assert record["top_ups"] + record["closed"] + record["reduced"] > 0
    assert record["keeper_profit"] > 0
    assert record["lp_paid_out"] > 0
    assert len(played.tally.samples) == BLOCKS


def test_demo__summary__follows_from_the_chain(played: Run) -> None:
    """Recomputed from balances: nothing in the record is a constant."""
    record, system = summary(played), played.stage.system
    state = played.after.state  # type: ignore[union-attr]
    fund = system.fund.address
    assert record["insurance_after"] == played.after.balances[fund] + state.insuranceDue  # type: ignore[union-attr]
    rewards = played.after.balances[played.stage.keeper]  # type: ignore[union-attr]
    assert record["keeper_profit"] == rewards
    assert record["bad_debt"] == record["bad_debt_insurance"] + record["bad_debt_pool"]
    assert record["laws_checked"] == sum(played.laws.checked.values())
    assert set(ASKED_FOR) <= set(record)
    json.dumps(record)


def test_demo__report__shows_every_liquidation(played: Run) -> None:
    text = page(played)
    assert text.count("<circle") == len(played.tally.liquidations)
    assert text.count("<figure") == 8
    assert all(escape(row[0]) in text for row in rows(played))


def test_positions__end_of_a_demo__are_what_the_lens_says(
    artifacts: Artifacts, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, against the chain of a demo that still runs."""
    wanted = settings(positions=8, blocks=20)
    with local_chain(wanted) as chain:
        stage = set_stage(wanted, chain, lambda _: None)
        crowd = population(wanted.seed, stage.traders, 20)
        done = running.play(wanted, stage, crowd, play.quiet)
        market, lens = stage.system.market.address, stage.system.lens.address
        arguments = ["positions", "--network", chain.url, "--at", market, "--lens", lens]
        assert bulkhead([*arguments, "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert bulkhead([*arguments, "--owner", stage.traders[0], "--flat"]) == 0
        table = capsys.readouterr().out
        assert bulkhead([*arguments, "--id", "999"]) == 2
        assert "--id: 999 is refused; 1 to 8 are known" in capsys.readouterr().err
    after = done.after
    assert after is not None
    opened = {row["id"]: row for row in record["positions"]}
    assert sorted(opened) == [n for n, one in enumerate(after.positions, 1) if one.size]
    assert all(int(row["margin"]) == after.margins[n - 1] for n, row in opened.items())
    assert all(int(row["size"]) == after.positions[n - 1].size for n, row in opened.items())
    first = next(n for n, one in enumerate(after.positions, 1) if one.owner == stage.traders[0])
    assert f"\n {first} " in table


def test_demo__chain_that_lies__is_found_and_exits_with_one(
    artifacts: Artifacts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One token unit that appears from nowhere."""
    honest = running.observe

    def lying(*args: object) -> object:
        seen = honest(*args)  # type: ignore[arg-type]
        return replace(seen, token_supply=seen.token_supply + 1)

    monkeypatch.setattr(running, "observe", lying)
    arguments = ["demo", "--positions", "2", "--blocks", "20", "--out", str(tmp_path)]
    assert bulkhead(arguments) == 1
    assert "I-02 at block" in capsys.readouterr().err
    record = json.loads((tmp_path / "summary.json").read_text())
    assert record["laws_broken"] == record["laws"]["I-02"] > 0
    assert len(record["breaches"]) == min(record["laws_broken"], 50)
    assert "broken" in (tmp_path / "report.html").read_text()


def test_command__price_file__leaves_report_and_summary(
    artifacts: Artifacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.csv"
    steps = [2_000 - 12 * place if place < 20 else 1_760 + 9 * place for place in range(40)]
    body = "".join(f"{1_700_000_000 + 60 * at},{price}.5\n" for at, price in enumerate(steps))
    prices.write_text("unix_seconds,price\n" + body)
    out = tmp_path / "out"
    arguments = ["demo", "--prices", str(prices), "--from", "1700000300", "--positions", "6"]
    assert bulkhead([*arguments, "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "summary.json").read_text())
    assert printed["prices_replayed"] == 35
    assert printed["laws_broken"] == 0
    assert (out / "report.html").read_text().startswith("<!doctype html>")
