"""Solidity sources: which files there are, what they import, and the key that says "unchanged"."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOLC_VERSION = "0.8.37"
FOLDERS = ("contracts", "interfaces")
REMAPPINGS = {
    "@interfaces/": "interfaces/",
    "@openzeppelin/contracts/": "node_modules/@openzeppelin/contracts/",
    "@pythnetwork/pyth-sdk-solidity/": "node_modules/@pythnetwork/pyth-sdk-solidity/",
    "solady/src/": "node_modules/solady/src/",
}
SETTINGS: dict[str, object] = {
    "evmVersion": "cancun",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 2000},
    # No hash of the sources in the code: a comment changes no byte, builds compare.
    "metadata": {"bytecodeHash": "none"},
    "remappings": [f"{prefix}={target}" for prefix, target in REMAPPINGS.items()],
}

_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/', re.S)
_IMPORT = re.compile(r"""(?:^|[;}])\s*import\s+(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']""", re.M)
_CONTRACT = re.compile(r"\b(?:contract|library|interface)\s+(\w+)\s*(?:\{|is\b)")


class SourceError(Exception):
    """A source file is missing, or two contracts share a name."""


def _without_comments(text: str) -> str:
    return _COMMENT.sub(lambda match: match.group(1) or " ", text)


def _resolve(importer: str, imported: str) -> str:
    if imported.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))
    for prefix, target in REMAPPINGS.items():
        if imported.startswith(prefix):
            return target + imported[len(prefix) :]
    return imported


@dataclass(frozen=True)
class Source:
    """One file, read once: its unit name (path from the project root), text and imports."""

    name: str
    text: str
    digest: str
    imports: tuple[str, ...]
    contracts: tuple[str, ...]


@dataclass
class SourceTree:
    """All sources of a project; files are read when first needed and never again."""

    root: Path
    _cache: dict[str, Source] = field(default_factory=dict)

    def get(self, name: str, importer: str | None = None) -> Source:
        """Return a source by unit name; `importer` only makes the error clearer."""
        found = self._cache.get(name)
        if found is None:
            try:
                text = (self.root / name).read_text(encoding="utf-8")
            except FileNotFoundError:
                by = f", imported by {importer}" if importer else ""
                raise SourceError(f"{name} does not exist{by}") from None
            bare = _without_comments(text)
            found = Source(
                name=name,
                text=text,
                digest=hashlib.sha256(text.encode()).hexdigest(),
                imports=tuple(_resolve(name, path) for path in _IMPORT.findall(bare)),
                contracts=tuple(_CONTRACT.findall(bare)),
            )
            self._cache[name] = found
        return found

    def files(self) -> list[str]:
        """Unit names of the project's own files, sorted."""
        return sorted(
            path.relative_to(self.root).as_posix()
            for folder in FOLDERS
            for path in (self.root / folder).rglob("*.sol")
        )

    def closure(self, name: str) -> dict[str, Source]:
        """The file and everything it imports, directly or not."""
        seen: dict[str, Source] = {}
        queue: list[tuple[str, str | None]] = [(name, None)]
        while queue:
            current, importer = queue.pop()
            if current not in seen:
                seen[current] = self.get(current, importer)
                queue.extend((imported, current) for imported in seen[current].imports)
        return seen

    def key(self, name: str) -> str:
        """Hash of all that decides the compiled code of this file."""
        parts = sorted((source.name, source.digest) for source in self.closure(name).values())
        payload = json.dumps([SOLC_VERSION, SETTINGS, parts], sort_keys=True)
        return hashlib.sha256(payload.encode()).hexdigest()

    def declared(self) -> Iterator[tuple[str, str]]:
        """Every (contract name, file) of the project's own files."""
        for name in self.files():
            for contract in self.get(name).contracts:
                yield contract, name

    def duplicates(self) -> dict[str, list[str]]:
        """Contract names declared in more than one place: ape silently lets one of them win."""
        places: dict[str, list[str]] = {}
        for contract, name in self.declared():
            places.setdefault(contract, []).append(name)
        return {contract: names for contract, names in places.items() if len(names) > 1}

    def files_of(self, contracts: Iterable[str]) -> list[str]:
        """The files that declare these contracts."""
        where = dict(self.declared())
        unknown = [contract for contract in contracts if contract not in where]
        if unknown:
            raise SourceError(f"no such contract: {', '.join(unknown)}")
        return sorted({where[contract] for contract in contracts})
