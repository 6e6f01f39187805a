"""Compiles sources with all their mutants at once, and links the code of one of them.

A build is a folder with a copy of the sources, as they are or woven. The compiler's own cache works
there as in the project: a mutant that is added compiles again only what uses its file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compile import BUILD, CompileError, ensure
from bulkhead.chain.sources import FOLDERS, SourceTree
from bulkhead.errors import BadInput
from bulkhead.mutants.mutant import Mutant
from bulkhead.mutants.syntax import Unit, parse
from bulkhead.mutants.weave import SWITCH_FILE, SWITCH_NAME, SWITCH_SOURCE, place_all, weave

# With the linked libraries by name: one that is only found by compiling its user waits for it.
DEPLOYED = (
    *("Market", "LiquidityPool", "InsuranceFund", "PositionVault", "MarketFactory"),
    *("Deleveraging", "Exits", "Governance", "Liquidating", "Ownership", "Settlement", "Trading"),
    *("OrderBook", "ChainlinkOracle", "PythOracle", "QuorumOracle", "MedianOracle", "Router"),
)
FOLDER = Path(".build") / "mutants"
SOURCES = ("libraries", "market", "oracles", "orders", "periphery", "pool", "test")


@dataclass(frozen=True)
class Woven:
    """A compiled build."""

    folder: Path
    names: tuple[str, ...]  # contracts that were compiled here
    source: str = ""  # digest of the sources that the mutants were woven into

    def artifacts(self) -> Path:
        """Where they are, not linked to a mutant yet."""
        return self.folder / BUILD


def units(mutants: Iterable[Mutant], root: Path = ROOT) -> dict[str, Unit]:
    """Trees of all files that have a mutant."""
    return parse(root, sorted({mutant.file for mutant in mutants}))


def compile_all(
    mutants: Sequence[Mutant], folder: Path, only: Sequence[str] = DEPLOYED, root: Path = ROOT
) -> Woven:
    """Weaves and compiles; raises `CompileError`, `SyntaxProblem` where a type is wrong, or
    `BadInput` where no contract that is compiled has a mutant's file: it would never be on."""
    _refuse_others(mutants, only, root)
    trees = units(mutants, root)
    woven = {name: weave(trees[name], placed) for name, placed in place_all(trees, mutants).items()}
    copy_sources(root, folder, woven | {SWITCH_FILE: SWITCH_SOURCE})
    parse(folder, sorted(woven))  # seconds: what is wrong shows before minutes are spent
    source = digest(root / "contracts" / name for name in SOURCES)
    return replace(compiled(folder, only), source=source)


def _refuse_others(mutants: Iterable[Mutant], only: Sequence[str], root: Path) -> None:
    tree = SourceTree(root)
    known = {name for file in tree.files_of(only) for name in tree.closure(file)}
    for mutant in mutants:
        if mutant.file not in known:
            raise BadInput(mutant.id, mutant.file, f"a file of {', '.join(only)}")


def compiled(folder: Path, only: Sequence[str]) -> Woven:
    """Compiles what changed in a build."""
    ensure(only, root=folder)
    names = sorted(path.stem for path in (folder / BUILD).glob("*.json"))
    return Woven(folder, tuple(name for name in names if name != SWITCH_NAME))


def copy_sources(root: Path, folder: Path, instead: Mapping[str, str]) -> None:
    """The sources, but for those given."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to((root / "node_modules").resolve())
    for part in FOLDERS:
        kept = {path.relative_to(root).as_posix() for path in (root / part).rglob("*.sol")}
        for path in (folder / part).rglob("*.sol"):
            if path.relative_to(folder).as_posix() not in kept | set(instead):
                path.unlink()
        for name in kept - set(instead):
            _write(folder / name, (root / name).read_text(encoding="utf-8"))
    for name, text in instead.items():
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def link(woven: Woven, switch: int, folder: Path, root: Path = ROOT) -> Path:
    """A folder of artifacts with one mutant on (0: none): what was not woven is the project's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in (root / BUILD).glob("*.json"):
        if path.stem not in woven.names:
            (folder / path.name).symlink_to(path.resolve())
    for name in woven.names:
        artifact = json.loads((woven.artifacts() / f"{name}.json").read_text())
        for code, links in (("bytecode", "linkReferences"), ("runtime", "runtimeLinkReferences")):
            _set(artifact, code, links, switch)
        (folder / f"{name}.json").write_text(json.dumps(artifact, separators=(",", ":")))
    return folder


def _set(artifact: dict[str, Any], code: str, links: str, switch: int) -> None:
    libraries = artifact[links].pop(SWITCH_FILE, {})
    text: str = artifact[code]
    for place in libraries.get(SWITCH_NAME, ()):
        start, end = place["start"] * 2, (place["start"] + place["length"]) * 2
        text = text[:start] + f"{switch:040x}" + text[end:]
    artifact[code] = text


def digest(paths: Iterable[Path]) -> str:
    """Of the contents of files and folders of Python or Solidity."""
    found = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted((*path.rglob("*.py"), *path.rglob("*.sol")))
        for each in files:
            found.update(each.name.encode() + b"\0" + each.read_bytes() + b"\0")
    return found.hexdigest()


__all__ = ["CompileError", "Woven", "compile_all", "compiled", "digest", "link"]
