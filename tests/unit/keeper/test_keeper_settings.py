"""Settings and the command: where values come from, and what is refused with which words."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from eth_account import Account

from bulkhead.chain.binaries import ROOT
from bulkhead.cli import run
from bulkhead.errors import BadInput
from bulkhead.keeper.metrics import Metrics
from bulkhead.keeper.node import NodeRpc, shown
from bulkhead.keeper.settings import KeeperSettings, load
from bulkhead.model.wad import WAD

PAIR = "0x" + "aa" * 20 + "@0x" + "bb" * 20
KEY = "0x" + "07" * 32
ENV = "BULKHEAD_KEEPER_"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KeeperSettings.model_fields:
        monkeypatch.delenv(ENV + name.upper(), raising=False)


def test_load__flags_before_environment_before_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keeper.yaml"
    file.write_text(yaml.safe_dump({"budget": "1", "min_profit": "2", "max_batch": 7}))
    monkeypatch.setenv(ENV + "MIN_PROFIT", "3")
    monkeypatch.setenv(ENV + "BUDGET", "4")
    found = load(file, budget="5")
    assert (found.budget, found.min_profit, found.max_batch) == (Decimal(5), Decimal(3), 7)
    assert found.policy().budget == 5 * WAD


def test_load__markets__from_environment_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV + "MARKETS", f"{PAIR},{PAIR}")
    places = load().places()
    assert [place.market for place in places] == ["0x" + "aa" * 20] * 2
    assert places[0].lens == "0x" + "bb" * 20


def test_load__everything_wrong__is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "keeper.yaml"
    file.write_text("tip_share: 2\nmax_batch: many\nbudgett: 5\n")
    with pytest.raises(BadInput) as caught:
        load(file)
    names = {record["what"] for record in caught.value.records()}
    assert names == {"tip_share", "max_batch", "budgett"}


def test_account__key_file__is_opened_by_its_password(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(Account.encrypt(KEY, "open", iterations=2)))
    found = load(key_file=file, key_password="open").account()
    assert found is not None
    assert found.address == Account.from_key(KEY).address
    with pytest.raises(BadInput, match="key_file"):
        load(key_file=file, key_password="wrong").account()
    with pytest.raises(BadInput, match="either"):
        load(key_file=file, key=KEY).account()


def test_account__bad_key__is_not_shown() -> None:
    with pytest.raises(BadInput) as caught:
        load(key="0xsecret").account()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1", "cheap", "0x1234", "inf", "nan", "0x" + "zz" * 20])
def test_native_price__nonsense__is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="native_price"):
        _ = load(native_price=text).native


@pytest.mark.parametrize(
    ("text", "wad"),
    [("1e3", 1_000 * WAD), ("2000.5", 2_000 * WAD + WAD // 2), (".25", WAD // 4), ("1e-19", 1)],
)
def test_native_price__any_way_to_write_a_number__is_that_number(text: str, wad: int) -> None:
    rpc = NodeRpc("http://127.0.0.1:1", 1.0, Metrics())
    assert load(native_price=text).native.read(rpc, lambda: 0) == wad


def test_load__unknown_name_in_the_environment__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget with a slip of the pen must not become the default budget."""
    monkeypatch.setenv(ENV + "BUGDET", "0.01")
    with pytest.raises(BadInput, match="BUGDET"):
        load()


def test_load__unknown_name_in_the_file__its_value_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "keeper.yaml"
    file.write_text("mnemonic: hunter2\n")
    with pytest.raises(BadInput, match="mnemonic") as caught:
        load(file)
    assert "hunter2" not in str(caught.value.records()) + str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://node.example/v3/0123", "https://node.example/***"),
        ("wss://me:word@node.example:8546", "wss://node.example:8546/***"),
        ("http://node.example/?key=0123", "http://node.example/***"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("ipc:///tmp/node.ipc", "ipc:///tmp/node.ipc"),
    ],
)
def test_shown__keys_in_a_nodes_address__are_left_out(url: str, said: str) -> None:
    assert shown(url) == said


@pytest.mark.parametrize("url", ["http://", "http://node:99999", "ws:/node"])
def test_node__no_address__is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="node"):
        NodeRpc(url, 1.0, Metrics())


def test_settings__each_has_a_description_and_a_line_in_the_docs() -> None:
    text = (ROOT / "docs" / "keeper.md").read_text()
    for name, field in KeeperSettings.model_fields.items():
        assert field.description, name
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        assert f"| `{name}` | {default} | {field.description} |" in text, name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--node", "http://127.0.0.1:1", PAIR], "no node answers"),
        (["--node", "gopher://x", PAIR], "http://"),
        (["--config", "nowhere.yaml", PAIR], "settings file"),
        ([], "markets"),
        (["no-record.json"], "no such file"),
        (["0x12@0x34"], "market"),
        (["--node", "http://127.0.0.1:1/v3/0123", PAIR], "http://127.0.0.1:1/*** is refused"),
        (["--budget", "-1", PAIR], "budget"),
        (["--database", "mysql://x/y", PAIR], "database"),
    ],
)
def test_run__bad_input__exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["keeper", "run", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_settings_command__lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keeper", "settings", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(KeeperSettings.model_fields)
