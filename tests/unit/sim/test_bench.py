"""The bench counts what it says, and memory stays flat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.sim import bench


def test_measure__a_small_market__counts_every_position_at_every_mark() -> None:
    found = bench.measure(positions=600, steps=200)
    assert found["marks"] == 200
    assert found["positions"] + found["refused"] >= 600
    assert 400 * 200 < found["position_steps"] <= 600 * 200
    rate = found["position_steps"] / found["seconds"]
    assert found["position_steps_per_s"] == pytest.approx(rate, rel=0.01)
    assert found["rss_mb_end"] - found["rss_mb_early"] < 20


def test_main__writes_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench" / "sim.json"
    monkeypatch.setattr(
        "sys.argv", ["bench", "--positions", "50", "--steps", "60", "--out", str(out)]
    )
    bench.main()
    assert json.loads(out.read_text()) == json.loads(capsys.readouterr().out)
