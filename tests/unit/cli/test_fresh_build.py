"""What attacks, deploys or compares the contracts does so with what the sources say now."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.chain import compile as compiling
from bulkhead.cli import run
from bulkhead.deploy import network, record
from bulkhead.fuzz.runner import Worker

COMMANDS = {
    "fuzz": ["fuzz", "--seconds", "1"],
    "replay": ["fuzz", "--replay", "no-such.json"],
    "deploy": ["deploy", "--dry-run"],
    "verify": ["verify", "some.json"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_does_not_compile_is_said_before_anything_is_done(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing() -> None:
        raise compiling.CompileError("Market.sol:1: no such thing")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compiling, "ensure", failing)
    monkeypatch.setattr(record, "load", lambda path: path)
    monkeypatch.setattr(network, "connect", lambda *_, **__: pytest.fail("it connects"))
    monkeypatch.setattr(Worker, "__init__", lambda *_: pytest.fail("it plays"))
    assert run(COMMANDS[command]) == 3
    assert "Market.sol:1: no such thing" in capsys.readouterr().err


def test_another_folder_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "ensure", lambda: pytest.fail("it compiles"))
    (tmp_path / "Market.json").write_text("{}")
    assert run(["fuzz", "--artifacts", str(tmp_path), "--replay", str(tmp_path / "no.json")]) == 2
    assert "no.json" in capsys.readouterr().err
