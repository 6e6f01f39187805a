"""Calibration finds the numbers that made the data, and refuses data that has none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from bulkhead.cli import run
from bulkhead.errors import BadInput
from bulkhead.prices.models import Gbm, path
from bulkhead.sim import calibration
from bulkhead.sim.gas import GasPrice, GasTerms
from bulkhead.sim.oracle import OracleTerms, rounds


def write(file: Path, head: str, rows: Iterable[Iterable[object]]) -> Path:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(head.split(","))
        writer.writerows(rows)
    return file


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A history, the rounds that a feed of known terms makes of it, and gas of known terms."""
    draw = np.random.default_rng(2)
    history = path(Gbm(0.7), draw, start=2_000, time=0, steps=60_000, step=12)
    feed = OracleTerms(heartbeat=1_200, deviation=0.004, latency_mean=10.0, block=12)
    of_feed = [(one.time, one.answer) for one in rounds(history, feed, draw)]
    prices = list(zip(history.times[::50], history.answers[::50], strict=True))
    local = np.linspace(0.3, 12, len(prices))
    returns = draw.standard_normal(len(prices)) * local * np.sqrt(600 / 31_536_000)
    closes = 2_000 * np.exp(np.cumsum(returns))
    gas = GasPrice(GasTerms(3.0, 0.2, 0.1, 0.0, 1e9), draw)
    wei = [
        round(gas.gwei(3_600 * n, sigma) * 1e9) for n, sigma in enumerate(np.append(local[1:], 12))
    ]
    times = [time for time, _ in prices]
    return {
        "prices": write(
            tmp_path / "p.csv",
            "unix_seconds,price",
            ((t, a / 1e8) for t, a in zip(history.times, history.answers, strict=True)),
        ),
        "rounds": write(tmp_path / "r.csv", "unix_seconds,answer", of_feed),
        "gas": write(
            tmp_path / "g.csv", "unix_seconds,gas_price_p60_wei", zip(times, wei, strict=True)
        ),
        "gas-prices": write(
            tmp_path / "q.csv", "unix_seconds,close", zip(times, closes, strict=True)
        ),
    }


def arguments(files: dict[str, Path]) -> list[str]:
    return ["calibrate", *[word for name, file in files.items() for word in (f"--{name}", file)]]


def test_calibrate__data_of_known_terms__finds_them(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    assert run([*map(str, arguments(files)), "--json", "--out", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = calibration.load(out)
    assert printed["oracle"]["heartbeat"] == found.oracle.heartbeat == 1_200
    assert found.oracle.deviation == pytest.approx(0.004)
    assert found.oracle.latency_mean == pytest.approx(10.0, rel=0.35)
    assert found.gbm.sigma == pytest.approx(0.7, rel=0.02)
    assert found.gas.slope == pytest.approx(0.2, rel=0.25)
    assert found.gas.base == pytest.approx(3.0, rel=0.1)


def test_default__in_the_repository__is_complete_and_names_its_command() -> None:
    found = calibration.default()
    assert found.command.startswith("bulkhead calibrate ")
    assert {len(one.sha256) for one in found.sources} == {64}
    assert found.oracle.heartbeat == 3_600
    assert calibration.parse(json.loads(json.dumps(found.record()))) == found


@pytest.mark.parametrize("name", ["prices", "rounds", "gas", "gas-prices"])
def test_calibrate__missing_file__exits_with_2(
    files: dict[str, Path], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files[name] = files[name].with_name("none.csv")
    assert run([str(word) for word in arguments(files)]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1"),
        ("unix_seconds,answer\n1,x\n", "line 2"),
        ("unix_seconds,answer\n5,1\n4,1\n", "time must not fall"),
        ("unix_seconds,answer\n5,1\n6,1\n", "at least 100"),
    ],
)
def test_feed_terms__bad_file__is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "rounds.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=said):
        calibration.feed_terms(file)


def test_load__no_calibration__is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    with pytest.raises(BadInput, match="it can't be used"):
        calibration.load(file)


def test_gas__volatility__raises_the_price_up_to_its_end() -> None:
    terms = GasTerms(base=3.0, slope=0.2, noise=0.0, memory=0.5, most=100.0, scale=0.5)
    price = GasPrice(terms, np.random.default_rng(1))
    assert price.gwei(0, 1.0) == pytest.approx(0.5 * np.exp(3.2))
    assert price.gwei(60, 5.0) == pytest.approx(0.5 * np.exp(4.0))
    assert price.gwei(120, 50.0) == pytest.approx(50.0)
