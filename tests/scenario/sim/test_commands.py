"""`bulkhead simulate` and `replay` from the command line to the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sim_world import CRASH, line

from bulkhead.chain.anvil import Anvil
from bulkhead.cli import run
from bulkhead.sim.rules import RULES

SMALL = ["--traders", "40", "--seed", "3"]


@pytest.fixture(scope="module")
def crash_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history with a crash."""
    path = line(*CRASH)
    file = tmp_path_factory.mktemp("prices") / "crash.csv"
    rows = (f"{t},{a / 1e8}" for t, a in zip(path.times, path.answers, strict=True))
    file.write_text("unix_seconds,price\n" + "\n".join(rows) + "\n")
    return file


def called(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    """The JSON that a command prints."""
    assert run([*map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_replay__every_rule__is_in_report_and_record(
    crash_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = called(
        capsys,
        *("replay", "--prices", crash_file, "--runs", 4, *SMALL, "--workers", 1),
        *("--keeper-latency", 300, "--out", tmp_path),
    )
    assert [case["rule"] for case in found["cases"]] == list(RULES)
    assert found == json.loads((tmp_path / "results.json").read_text())
    rows = (tmp_path / "runs.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * len(RULES)
    debts = {case["rule"]: case["numbers"]["bad_debt"]["mean"] for case in found["cases"]}
    assert debts["bulkhead"]["value"] < debts["fixed"]["value"]
    for case in found["cases"]:
        mean = case["numbers"]["bad_debt"]["mean"]
        assert mean["low"] <= mean["value"] <= mean["high"]
        assert case["fund"][0]["level"] == 0.9
    html = (tmp_path / "report.html").read_text()
    assert all(RULES["bulkhead"].title in html or name in html for name in RULES)
    # Self-contained: what it names outside itself are name spaces, nothing to fetch.
    links = set(re.findall(r'(?:src|href)="(?!#)([^"]*)"', html))
    assert links == set()


def test_simulate__a_grid__gives_a_frontier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = called(
        capsys,
        *("simulate", "--runs", 4, *SMALL, "--hours", 3, "--workers", 1, "--out", tmp_path),
        *("--grid", "leverage=5,20", "--rules", "bulkhead,fixed"),
    )
    assert len(found["cases"]) == 4
    assert [len(one["points"]) for one in found["frontier"]] == [2, 2]
    assert found["command"] == (
        "bulkhead simulate --hours 3.0 --grid leverage=5,20 --rules bulkhead,fixed --runs 4 "
        "--seed 3 --traders 40"
    )


def test_simulate__local_workers_and_a_cluster__give_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One process, two processes, and a Dask scheduler by its address: the same command."""
    from distributed import LocalCluster

    command = ["simulate", "--runs", 12, *SMALL, "--hours", 1, "--model", "gbm", "--out", tmp_path]
    alone = called(capsys, *command, "--workers", 1)
    assert called(capsys, *command, "--workers", 2) == alone
    here = {"processes": False, "protocol": "tcp"}  # a worker in this process, called over TCP
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50, **here
    ) as far:
        assert called(capsys, *command, "--scheduler", far.scheduler_address) == alone


def test_simulate__on_the_chain__equals_the_twin(
    artifacts: object, crash_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["replay", "--prices", crash_file, "--runs", 1, "--traders", 10, "--out", tmp_path]
    model = called(capsys, *command, "--rules", "bulkhead")
    chain = called(capsys, *command, "--rules", "bulkhead", "--backend", "chain")
    assert chain["cases"] == model["cases"]
    assert (chain["backend"], model["backend"]) == ("chain", "model")


def test_simulate__on_a_running_node__leaves_it_as_it_was(
    artifacts: object, crash_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["replay", "--prices", crash_file, "--runs", 1, "--traders", 10, "--out", tmp_path]
    with Anvil(accounts=30, timestamp=1_735_600_000) as own:
        before = own.rpc.block_number()
        found = called(
            capsys, *command, "--rules", "bulkhead", "--backend", "chain", "--node", own.url
        )
        assert own.rpc.block_number() == before
    assert found["cases"][0]["numbers"]["liquidations"]["mean"]["value"] > 0


@pytest.fixture
def late_node() -> Iterator[str]:
    """A node whose clock is past every history."""
    with Anvil(accounts=30) as own:
        yield own.url


def test_simulate__a_node_that_is_too_late__exits_with_2(
    crash_file: Path, late_node: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "replay",
        "--prices",
        crash_file,
        "--runs",
        1,
        "--traders",
        10,
        "--rules",
        "bulkhead",
    ]
    assert run([*map(str, command), "--backend", "chain", "--node", late_node]) == 2
    assert "start anvil with --timestamp" in capsys.readouterr().err


@pytest.mark.browser
def test_report__in_a_browser__has_plots_and_asks_nobody(
    crash_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from playwright.sync_api import sync_playwright

    called(
        capsys,
        *("replay", "--prices", crash_file, "--runs", 3, *SMALL, "--workers", 1),
        *("--rules", "bulkhead,fixed", "--out", tmp_path),
    )
    said: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1_100, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda problem: said.append(str(problem)))
        page.on(
            "request",
            lambda one: said.append(one.url) if not one.url.startswith("file:") else None,
        )
        page.goto((tmp_path / "report.html").as_uri())
        boxes = [one.bounding_box() for one in page.locator("figure.chart svg").all()]
        wide = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert said == []
    assert wide <= 1_100
    assert len(boxes) >= 10
    assert all(box is not None and box["width"] > 500 and box["height"] > 60 for box in boxes)


BAD = [
    (["simulate", "--runs", "0"], "--runs", "1 to"),
    (["simulate", "--seed", "-1"], "--seed", "0 to"),
    (["simulate", "--hours", "0"], "hours", "above 0"),
    (["simulate", "--traders", "0"], "traders", "1 to"),
    (["simulate", "--fill", "2"], "fill", "above 0, at most 1"),
    (["simulate", "--confidence", "1"], "--confidence", "0.5 to below 1"),
    (["simulate", "--model", "none"], "--model", "one of regimes"),
    (["simulate", "--model", "bootstrap"], "--model", "give --history too"),
    (["simulate", "--history", "x.csv"], "--history", "it is for --model bootstrap"),
    (["simulate", "--max-gap", "5"], "--max-gap", "it is for --model bootstrap"),
    (["simulate", "--rules", "bulkhead,none"], "rule", "one of bulkhead"),
    (["simulate", "--rules", "fixed,fixed"], "--rules", "each rule stands once"),
    (["simulate", "--grid", "leverage"], "--grid", "name=value"),
    (["simulate", "--grid", "leverage=1"], "leverage", "above 1"),
    (["simulate", "--grid", "margin.none.x=1 %"], "parameter", "no such field"),
    (["simulate", "--outage", "5"], "--outage", "minutes such as"),
    (["simulate", "--outage", "9..5"], "outage", "start < end"),
    (["simulate", "--keeper-latency", "0"], "keeper latency", "at least 1 s"),
    (["simulate", "--deviation", "1"], "deviation", "0 to below 1"),
    (["simulate", "--gas-scale", "-1"], "gas scale", "0 to 1000000"),
    (["simulate", "--gas-scale", "nan"], "gas scale", "0 to 1000000"),
    (["simulate", "--attacker", "nan"], "attacker's capital", "0 to"),
    (["simulate", "--attacker", "inf"], "attacker's capital", "0 to"),
    (["simulate", "--backend", "chain", "--node", "http://"], "node", "it is no address"),
    (["simulate", "--workers", "0"], "--workers", "1 to"),
    (["simulate", "--node", "http://127.0.0.1:1"], "--node", "for --backend chain"),
    (["simulate", "--backend", "chain", "--rules", "fixed"], "--rules", "the contracts know"),
    (["simulate", "--backend", "chain", "--runs", "500"], "--runs on a chain", "1 to 100"),
    (["simulate", "--backend", "chain", "--workers", "2"], "--workers", "for the model backend"),
    (["simulate", "--market", "/nowhere.yaml"], "market file", "no such file"),
    (["simulate", "--calibration", "/nowhere.json"], "calibration", "no such file"),
    (["simulate", "--scheduler", "nonsense"], "Dask scheduler", "can't be reached"),
    (["replay", "--prices", "/nowhere.csv"], "price file", "no such file"),
]


@pytest.mark.parametrize(("arguments", "what", "limit"), BAD, ids=lambda one: str(one)[:40])
def test_commands__bad_input__exit_with_2_before_any_work(
    arguments: list[str],
    what: str,
    limit: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bulkhead.sim.sweep.simulate", None)  # a run would fail
    out = tmp_path / "out"
    assert run([*arguments, "--json", "--out", str(out)]) == 2
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert problem["what"] == what
    assert limit in problem["limit"]
    assert not out.exists()


@pytest.mark.parametrize("command", ["simulate", "demo"])
def test_commands__out_can_not_be_written__exit_with_2_before_any_work(
    command: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bulkhead.sim.sweep.simulate", None)  # a run would fail
    monkeypatch.setattr("bulkhead.demo.play.run", None)
    file = tmp_path / "file"
    file.write_text("in the way")
    for out, limit in ((file, "it is no folder"), (file / "below", "is no folder")):
        assert run([command, "--json", "--out", str(out)]) == 2
        problem = json.loads(capsys.readouterr().out)["problems"][0]
        assert problem["what"] == "--out"
        assert limit in problem["limit"]


def test_simulate__an_impossible_market__names_the_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At 30x maintenance margin no longer pays for a liquidation: refused, as the contracts do."""
    assert run(["simulate", "--grid", "leverage=30"]) == 2
    assert "margin.brackets[0].maintenance" in capsys.readouterr().err


def test_replay__a_bad_file__is_refused_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("unix_seconds,price\n1,2000\n1,2000\n3,x\n")
    assert run(["replay", "--prices", str(file)]) == 2
    said = capsys.readouterr().err
    assert "line 3: unix_seconds 1 is refused" in said
    assert "line 4: price 'x' is refused" in said


@pytest.mark.parametrize(
    ("option", "what"), [("--node", "node"), ("--scheduler", "Dask scheduler")]
)
def test_commands__nobody_there__exit_with_2(
    option: str,
    what: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bulkhead.sim.sweep.CONNECT_SECS", 1)
    address = "http://127.0.0.1:9" if option == "--node" else "tcp://127.0.0.1:9"
    backend = ["--backend", "chain"] if option == "--node" else []
    command = ["simulate", "--runs", "1", "--traders", "5", option, address, *backend, "--json"]
    assert run(command) == 2
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert (problem["what"], problem["value"]) == (what, address)
    assert "can't be reached" in problem["limit"]
