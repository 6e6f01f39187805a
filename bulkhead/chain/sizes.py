"""Runtime code sizes against the limit of EIP-170."""

from __future__ import annotations

import json
from pathlib import Path

LIMIT = 24_576
INIT_LIMIT = 49_152


def sizes(build: Path, units: list[str] | None = None) -> dict[str, tuple[str, int, int]]:
    """Contract name -> (source, runtime bytes, creation bytes), for contracts that have code."""
    found = {}
    for path in sorted(build.glob("*.json")):
        data = json.loads(path.read_text())
        if data["runtime"] and (units is None or data["source"] in units):
            found[path.stem] = (
                data["source"],
                len(data["runtime"]) // 2,
                len(data["bytecode"]) // 2,
            )
    return found


def table(build: Path, units: list[str] | None = None) -> str:
    """A table of runtime sizes, largest first, with the margin to the limit."""
    rows = sorted(sizes(build, units).items(), key=lambda item: -item[1][1])
    if not rows:
        return "no contract with code"
    width = max(len(name) for name, _ in rows)
    lines = [f"{'contract':<{width}}  runtime   margin  creation  source"]
    for name, (source, runtime, creation) in rows:
        mark = "  TOO LARGE" if runtime > LIMIT or creation > INIT_LIMIT else ""
        lines.append(
            f"{name:<{width}}  {runtime:>7,}  {LIMIT - runtime:>7,}  {creation:>8,}  {source}{mark}"
        )
    return "\n".join(lines)
