"""docs/integration.md against every compiled ABI: complete, and right to the last selector."""

from __future__ import annotations

import re

import pytest
from eth_hash.auto import keccak

from bulkhead.chain import catalogue
from bulkhead.chain.artifacts import Artifact, Artifacts
from bulkhead.chain.decode import signature
from bulkhead.model.order_types import OrderReason
from bulkhead.model.types import Reason

ROW = re.compile(r"^\| `(0x[0-9a-f]+)` \| `(\w+\([^`]*\))` \|(.*)\|$", re.M)


def rows() -> dict[str, tuple[str, str]]:
    """Signature -> code and the rest of its row, as the page has them."""
    found = ROW.findall(catalogue.PAGE.read_text())
    assert len({text for _, text, _ in found}) == len(found)
    return {text: (code, rest) for code, text, rest in found}


def public(artifacts: Artifacts) -> dict[str, str]:
    """Signature -> selector or topic of every error and event outside the test contracts."""
    wanted = {}
    for artifact in artifacts.all():
        if artifact.source.startswith("contracts/test/"):
            continue
        for item in artifact.abi:
            if item["type"] in ("error", "event"):
                text = signature(item)
                length = 4 if item["type"] == "error" else 32
                wanted[text] = "0x" + keccak(text.encode())[:length].hex()
    return wanted


def test_page__every_error_and_event_of_the_project__is_there_with_its_code(
    artifacts: Artifacts,
) -> None:
    listed = {text: code for text, (code, _) in rows().items()}
    low = {text: listed.pop(text) for text in catalogue.words()["low_level"]}
    assert listed == public(artifacts)
    assert all(code == "0x" + keccak(text.encode())[:4].hex() for text, code in low.items())


def test_page__tables__are_what_the_command_writes(
    artifacts: Artifacts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert catalogue.main(["--check"]) == 0, capsys.readouterr().out


def test_page__contract_named_as_a_source__has_the_entry(artifacts: Artifacts) -> None:
    """A contract's own ABI, or that of a library linked into it."""
    for text, (_, rest) in rows().items():
        if text in catalogue.words()["low_level"]:
            continue
        for name in rest.split("|")[0].strip().split(", "):
            parts = [name, *artifacts.libraries(name)]
            declared = {
                item["name"]
                for part in parts
                for item in artifacts.get(part).abi
                if item["type"] in ("error", "event")
            }
            assert text.split("(")[0] in declared, f"{text} from {name}"


def test_low_level_errors__named_contracts__have_them_in_their_code(artifacts: Artifacts) -> None:
    for text, names in catalogue.words()["low_level"].items():
        selector = keccak(text.encode())[:4].hex().lstrip("0")
        for name in names:
            parts = [name, *artifacts.libraries(name)]
            assert any(selector in artifacts.get(part).runtime for part in parts), (text, name)


def test_reasons__of_the_interface__are_the_twins() -> None:
    for place, twins in (("reasons", Reason), ("order_reasons", OrderReason)):
        plain = [name.lower() for name in catalogue.reasons(place)]
        assert plain == [member.name.replace("_", "").lower() for member in twins]


def test_tables__entry_without_words__is_named(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = catalogue.words()
    del known["error"]["Locked()"]
    del known["event"]["ModeSet(uint8)"]
    known["reasons"]["Forgotten"] = "nothing"
    monkeypatch.setattr(catalogue, "words", lambda: known)
    with pytest.raises(catalogue.CatalogueError) as caught:
        catalogue.tables(artifacts)
    for part in ("no words for error Locked()", "no words for event ModeSet(uint8)", "Forgotten"):
        assert part in str(caught.value)


def test_gaps__error_of_a_linked_library__is_looked_for(artifacts: Artifacts) -> None:
    """What only a library's ABI declares reaches callers all the same."""
    library = artifacts.get("Trading")
    extra = {"type": "error", "name": "Planted", "inputs": []}
    planted = Artifact(**{**library.__dict__, "abi": [*library.abi, extra]})
    copy = Artifacts()
    copy._loaded["Trading"] = planted
    assert catalogue.gaps(copy) == ["no words for error Planted()"]
