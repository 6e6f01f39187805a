"""The compile step: only what changed, clear reports, nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.chain import compile as compiling
from bulkhead.chain.artifacts import Artifacts, create2
from bulkhead.chain.compile import CompileError, build, ensure, main
from bulkhead.chain.sources import SOLC_VERSION, SourceTree

_HEAD = f"// SPDX-License-Identifier: MIT\npragma solidity {SOLC_VERSION};\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three files: a library, a contract that links it, and a stranger."""
    (tmp_path / "interfaces").mkdir()
    (tmp_path / "contracts" / "deep").mkdir(parents=True)
    _write(tmp_path, "contracts/deep/L.sol", "library L { function f() external {} }")
    body = 'import {L} from "./deep/L.sol"; contract C { function g() public { L.f(); } }'
    _write(tmp_path, "contracts/C.sol", body)
    _write(tmp_path, "contracts/Other.sol", "contract Other {} contract Second {}")
    return tmp_path


def _write(project: Path, name: str, body: str) -> None:
    (project / name).write_text(_HEAD + body + "\n")


def test_build__again__compiles_only_what_a_change_reaches(project: Path) -> None:
    assert len(build(root=project).compiled) == 3
    assert build(root=project).compiled == []
    _write(project, "contracts/deep/L.sol", "library L { function f() external { assert(true); } }")
    report = build(root=project)
    assert sorted(report.compiled) == ["contracts/C.sol", "contracts/deep/L.sol"]
    assert report.unchanged == ["contracts/Other.sol"]


def test_build__only_one__brings_the_libraries_it_links(project: Path) -> None:
    assert sorted(build(["C"], root=project).compiled) == [
        "contracts/C.sol",
        "contracts/deep/L.sol",
    ]
    artifacts = Artifacts(project)
    assert artifacts.names() == ["C", "L"]
    place = create2(artifacts["L"].link())
    assert artifacts.libraries("C") == {"L": place}
    assert place[2:] in artifacts.linked("C").hex()


def test_build__comment_changed__code_is_the_same(project: Path) -> None:
    build(root=project)
    before = Artifacts(project).linked("C")
    _write(project, "contracts/deep/L.sol", "library L { function f() external {} /* why */ }")
    assert build(root=project).compiled
    assert Artifacts(project).linked("C") == before


def test_build__contract_removed__its_artifact_goes(project: Path) -> None:
    build(root=project)
    _write(project, "contracts/Other.sol", "contract Other {}")
    build(root=project)
    assert Artifacts(project).names() == ["C", "L", "Other"]


def test_build__artifact_lost__is_made_again(project: Path) -> None:
    build(root=project)
    (project / compiling.BUILD / "Second.json").unlink()
    assert build(root=project).compiled == ["contracts/Other.sol"]


def test_build__one_file_broken__others_still_compile(project: Path) -> None:
    _write(project, "contracts/Other.sol", "contract Other { uint256 x = true; }")
    _write(project, "contracts/Lost.sol", 'import "./Nowhere.sol"; contract Lost {}')
    report = build(root=project)
    assert sorted(report.compiled) == ["contracts/C.sol", "contracts/deep/L.sol"]
    assert sorted(report.failed) == ["contracts/Lost.sol", "contracts/Other.sol"]
    text = "".join(report.errors)
    assert "contracts/Other.sol:3:" in text
    assert "Nowhere.sol does not exist, imported by contracts/Lost.sol" in text
    with pytest.raises(CompileError, match="Nowhere"):
        ensure(root=project)


def test_build__same_name_twice__is_refused(project: Path) -> None:
    _write(project, "contracts/Again.sol", "contract Second {}")
    report = build(root=project)
    assert report.compiled == []
    assert "Second is declared in" in "".join(report.errors)


def test_main__unknown_contract__says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(project), "--only", "Nope"]) == 1
    assert "no such contract: Nope" in capsys.readouterr().err


def test_imports__in_comments_and_strings__are_not_followed(project: Path) -> None:
    text = '// import "./a.sol";\n/* import "./b.sol"; */ import\n  {L as M} from "./deep/L.sol";'
    _write(project, "contracts/C.sol", text + '\ncontract C { string s = "// import"; }')
    source = SourceTree(project).get("contracts/C.sol")
    assert source.imports == ("contracts/deep/L.sol",)
    assert source.contracts == ("C",)


def test_manifest__for_ape__holds_linked_code(project: Path) -> None:
    build(root=project)
    manifest = json.loads((project / ".build" / "__local__.json").read_text())
    code = manifest["contractTypes"]["C"]["deploymentBytecode"]["bytecode"]
    assert code == "0x" + Artifacts(project).linked("C").hex()
