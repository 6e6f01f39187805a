"""The command line: help that teaches, and errors that name the value and the limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bulkhead.cli import COMMANDS, bulkhead, run


def tree(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that reach it, those of groups too."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from tree(below, *path, name)


EVERY = dict(tree(bulkhead))


def test_help__tree__has_the_commands_and_those_below_them() -> None:
    assert {path[0] for path in EVERY if path} == set(COMMANDS)
    assert {("keeper", "run"), ("keeper", "settings")} <= set(EVERY)


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help__every_command__explains_itself(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    codes = " ".join(
        said.partition("Exit codes:")[2].split()
    )  # lines are broken at the terminal's width
    assert codes.startswith("0 ")
    assert "2 bad input, 3 anything else" in codes
    assert not path or "--json" in said
    assert not path or f"  bulkhead {' '.join(path)}" in said.partition("Example")[2]
    assert "\\b" not in said  # a mark of the layout that is not understood shows as text
    options = [one for one in EVERY[path].params if isinstance(one, click.Option)]
    assert all(len((one.help or "").split()) > 1 for one in options if not one.hidden)


BAD_DEMO = [
    (["--positions", "0"], "positions", "0", "1 to 2000"),
    (["--positions", "2001"], "positions", "2001", "1 to 2000"),
    (["--blocks", "19"], "blocks", "19", "20 to 100000"),
    (["--seed", "-1"], "seed", "-1", "0 to"),
    (["--from", "2021-05-19"], "--from", "2021-05-19", "give --prices too"),
    (["--max-gap", "5"], "--max-gap", "5", "give --prices too"),
    (["--prices", "/nowhere.csv"], "price file", "/nowhere.csv", "no such file"),
    (["--market", "/nowhere.yaml"], "market file", "/nowhere.yaml", "no such file"),
]


@pytest.mark.parametrize(("arguments", "what", "value", "limit"), BAD_DEMO)
def test_demo__bad_option__exits_with_two_and_names_it(
    arguments: list[str], what: str, value: str, limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--json", *arguments]) == 2
    said = capsys.readouterr()
    problem = json.loads(said.out)["problems"][0]
    assert problem["what"] == what
    assert problem["value"] == value
    assert limit in problem["limit"]
    assert f"bad input: {what}: {value} is refused" in said.err


def test_demo__bad_price_file__is_refused_with_lines_before_a_chain_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.demo.stage.Anvil", None)  # starting one would fail
    rows = [f"{60 * place},2500" for place in range(60)]
    rows[10], rows[20] = "600,abc", "1140,2500"
    file = tmp_path / "prices.csv"
    file.write_text("unix_seconds,price\n" + "\n".join(rows) + "\n")
    assert run(["demo", "--prices", str(file)]) == 2
    said = capsys.readouterr().err
    assert "line 12: price 'abc' is refused" in said
    assert "line 22: unix_seconds 1140 is refused; it must be after 1140" in said


def test_demo__window_too_short__is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("unix_seconds,price\n" + "".join(f"{60 * n},2500\n" for n in range(60)))
    assert run(["demo", "--prices", str(file), "--to", "600"]) == 2
    assert "10 prices is refused; at least 20" in capsys.readouterr().err
    assert run(["demo", "--prices", str(file), "--blocks", "61"]) == 2
    assert "blocks: 61 is refused; 20 to 60" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command"),
        (["demo", "--nope"], "No such option"),
        (["demo", "--positions", "x"], "not a valid integer"),
        (["verify"], "Missing argument"),
        (["verify", "/nowhere.json"], "there is no such file"),
        (["deploy", "/nowhere.yaml"], "there is no such file"),
        (["deploy", "--price", "abc"], "price: abc is refused"),
        (["deploy", "--price", "-5"], "price: -5 is refused"),
        (["deploy", "--network", "http://127.0.0.1:1", "--price", "1"], "no node answers there"),
    ],
)
def test_run__bad_input__exits_with_two(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert message in capsys.readouterr().err


def test_verify__file_that_is_no_record__is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.json"
    for text, message in (
        ("{", "JSON is wanted"),
        ("[]", "schema: no record is refused"),
        ('{"schema": 2}', "schema: 2 is refused; 1 is wanted"),
        ('{"schema": 1}', "exactly the fields"),
    ):
        file.write_text(text)
        assert run(["verify", str(file)]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "what", "limit"),
    [
        (["fuzz", "--seed", "abc"], "--seed", "'abc' is not a valid integer"),
        (["fuzz", "--profile", "foo"], "--profile", "'foo' is not one of 'quick', 'ci'"),
        (["mutants", "--nope"], "--nope", "No such option"),
        (["verify"], "record", "Missing argument"),
        (["nope"], "usage", "No such command 'nope'"),
    ],
)
def test_json__usage_error__has_the_shape_of_all_others(
    arguments: list[str], what: str, limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert set(told) == {"error", "message", "problems"}
    assert told["error"] == "bad input"
    assert limit in told["message"]
    assert limit in said.err
    (problem,) = told["problems"]
    assert set(problem) == {"what", "value", "limit"}
    assert problem["what"] == what
    assert limit in problem["limit"]


@pytest.mark.parametrize(
    "option",
    [
        ["--law", "I-26"],
        ["--engine", "revm"],
        ["--seed", "1"],
        ["--workers", "1"],
        ["--seconds", "5"],
        ["--minutes", "1"],
        ["--profile", "quick"],
        ["--no-shrink"],
        ["--shrink"],
    ],
    ids=" ".join,
)
def test_replay__what_says_how_to_draw__is_refused_beside_it(
    option: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is given as it is by default."""
    monkeypatch.setattr("bulkhead.chain.compile.ensure", lambda: pytest.fail("it compiles"))
    assert run(["fuzz", "--replay", "some.json", *option, "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert option[0] in problem["what"]
    assert problem["limit"] == "only without --replay"


@pytest.mark.parametrize("command", ["mutants", "coverage"])
@pytest.mark.parametrize("folder", ["/proc/zzz", "/etc/passwd"])
def test_docs__folder_that_takes_nothing__is_refused_before_any_work(
    command: str,
    folder: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place in ("bulkhead.chain.compile.ensure", "bulkhead.mutants.run.campaign"):
        monkeypatch.setattr(place, lambda *_: pytest.fail("it works"))
    assert run([command, "--docs", folder]) == 2
    assert f"bad input: --docs: {folder} is refused" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["LIQ-99", "nonsense", "ROR-Market", "XOR-Market-1-2-3"])
def test_mutants__only_what_no_mutant_can_be_called__is_refused_at_once(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.mutants.run.campaign", lambda *_: pytest.fail("it works"))
    assert run(["mutants", "--only", name]) == 2
    assert f"--only: {name} is refused; an id of" in capsys.readouterr().err


def test_mutants__generated_id_that_the_seed_does_not_draw__is_refused_before_compiling(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.mutants.operators.compiling", lambda *_: pytest.fail("compiles"))
    assert run(["mutants", "--only", "ROR-Market-1-2-3", "--generated", "5"]) == 2
    assert "none of the 5 that seed 1 draws" in capsys.readouterr().err
