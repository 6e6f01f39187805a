"""Hand what was compiled to ape, so that `project.Market` works without a second compilation.

ape compiles everything in one go, keeps no link references, leaves out contracts that call external
libraries, and has no setting for the metadata hash. It reads `.build/__local__.json` first, though,
and compiles only what changed since: so that file is written here, with libraries linked to their
CREATE2 addresses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bulkhead.chain.artifacts import ArtifactError, Artifacts
from bulkhead.chain.sources import SourceTree


def _code(hex_code: str) -> dict[str, str]:
    return {"bytecode": "0x" + hex_code}


def manifest(tree: SourceTree, artifacts: Artifacts) -> dict[str, Any]:
    """An ethPM manifest of all compiled contracts."""
    types = {}
    for artifact in artifacts.all():
        entry: dict[str, Any] = {
            "contractName": artifact.name,
            "sourceId": artifact.source,
            "abi": artifact.abi,
        }
        if artifact.deployable:
            try:
                libraries = artifacts.libraries(artifact.name)
                entry["deploymentBytecode"] = _code(artifact.link(libraries).hex())
                entry["runtimeBytecode"] = _code(artifact.link_runtime(libraries).hex())
            except ArtifactError:
                continue  # a library did not compile: the compiler's report says so
        types[artifact.name] = entry
    # ape compares with trailing white space stripped and one newline put back.
    sources = {name: {"content": tree.get(name).text.rstrip() + "\n"} for name in tree.files()}
    return {"manifest": "ethpm/3", "contractTypes": types, "sources": sources}


def write(root: Path, tree: SourceTree) -> None:
    """Write the manifest where ape looks for it."""
    path = root / ".build" / "__local__.json"
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(manifest(tree, Artifacts(root)), separators=(",", ":")))
    draft.replace(path)
