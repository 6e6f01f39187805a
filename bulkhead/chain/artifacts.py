"""Compiled contracts by name, and linking them to the libraries they call.

Libraries are deployed through the CREATE2 factory that every chain of note carries, with salt 0:
the address of a library follows from its code alone, so linked code is the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.binaries import ROOT
from bulkhead.errors import BulkheadError

CREATE2_FACTORY = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
_SALT = b"\0" * 32


class ArtifactError(BulkheadError):
    """A contract is not compiled, or is not linked."""


def create2(code: bytes, salt: bytes = _SALT, factory: str = CREATE2_FACTORY) -> str:
    """Address of a contract with this creation code, deployed through the factory."""
    return "0x" + keccak(b"\xff" + raw_bytes(factory) + salt + keccak(code))[12:].hex()


@dataclass(frozen=True)
class Reference:
    """A place in code, in bytes from its start."""

    start: int
    length: int


def _references(found: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Reference]]:
    return {
        library: [Reference(place["start"], place["length"]) for place in places]
        for libraries in found.values()
        for library, places in libraries.items()
    }


@dataclass(frozen=True)
class Artifact:
    """What the compiler made of one contract. Code is hex without 0x and may want linking."""

    name: str
    source: str
    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    links: dict[str, list[Reference]]
    runtime_links: dict[str, list[Reference]]
    immutables: dict[str, list[Reference]]
    selectors: dict[str, str]
    layout: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Artifact:
        """Read an artifact that `bulkhead.chain.compile` wrote."""
        data = json.loads(path.read_text())
        return cls(
            name=data["name"],
            source=data["source"],
            abi=data["abi"],
            bytecode=data["bytecode"],
            runtime=data["runtime"],
            links=_references(data["linkReferences"]),
            runtime_links=_references(data["runtimeLinkReferences"]),
            immutables={
                key: [Reference(place["start"], place["length"]) for place in places]
                for key, places in data["immutableReferences"].items()
            },
            selectors={name: "0x" + code for name, code in data["methodIdentifiers"].items()},
            layout=data["storageLayout"],
        )

    @property
    def deployable(self) -> bool:
        """Whether there is code: interfaces and abstract contracts have none."""
        return bool(self.bytecode)

    @property
    def size(self) -> int:
        """Runtime code size in bytes."""
        return len(self.runtime) // 2

    def link(self, libraries: Mapping[str, str] | None = None) -> bytes:
        """Creation code with these library addresses (library name -> address) put in."""
        return self._link(self.bytecode, self.links, libraries or {})

    def link_runtime(self, libraries: Mapping[str, str] | None = None) -> bytes:
        """Runtime code with library addresses put in; immutables are still zero."""
        return self._link(self.runtime, self.runtime_links, libraries or {})

    def _link(
        self, code: str, links: Mapping[str, list[Reference]], libraries: Mapping[str, str]
    ) -> bytes:
        if not code:
            raise ArtifactError(f"{self.name} has no code: it is abstract or an interface")
        missing = sorted(set(links) - set(libraries))
        if missing:
            raise ArtifactError(f"{self.name} must be linked to {', '.join(missing)}")
        for library, places in links.items():
            text = libraries[library].lower().removeprefix("0x")
            for place in places:
                start, end = place.start * 2, (place.start + place.length) * 2
                code = code[:start] + text + code[end:]
        return bytes.fromhex(code)


class Artifacts:
    """All compiled contracts of a project, read when first asked for."""

    def __init__(self, root: Path = ROOT) -> None:
        self.folder = root / ".build" / "bulkhead"
        self._loaded: dict[str, Artifact] = {}

    def names(self) -> list[str]:
        """Names of all compiled contracts."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def get(self, name: str) -> Artifact:
        """One contract by name."""
        found = self._loaded.get(name)
        if found is None:
            path = self.folder / f"{name}.json"
            if not path.exists():
                raise ArtifactError(f"{name} is not compiled: run `make compile`")
            found = self._loaded[name] = Artifact.load(path)
        return found

    __getitem__ = get

    def all(self) -> list[Artifact]:
        """Every contract, interfaces included."""
        return [self.get(name) for name in self.names()]

    def libraries(self, name: str) -> dict[str, str]:
        """Libraries that a contract needs, directly or not, with their CREATE2 addresses.

        In the order in which they must be deployed: a library stands after those it calls.
        """
        found: dict[str, str] = {}
        for library in sorted(self.get(name).links):
            found.update(self.libraries(library))
            found[library] = create2(self.get(library).link(found))
        return found

    def linked(self, name: str) -> bytes:
        """Creation code of a contract, linked to its libraries' CREATE2 addresses."""
        return self.get(name).link(self.libraries(name))

    @cached_property
    def abis(self) -> list[dict[str, Any]]:
        """All ABI entries of all contracts, for decoding whatever turns up."""
        return [entry for artifact in self.all() for entry in artifact.abi]


@lru_cache(maxsize=1)
def default() -> Artifacts:
    """The artifacts of this project."""
    return Artifacts()
