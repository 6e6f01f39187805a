"""Code sizes against the limits of EIP-170 and EIP-3860, and the committed record of them.

`python -m bulkhead.chain.sizes` prints the table; `--write` records it, `--check` fails where it
differs from the record or where a contract is too large.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from bulkhead.chain.binaries import ROOT

RECORD = ROOT / "snapshots" / "sizes.txt"
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


def record(build: Path) -> str:
    """Sizes of what is deployed for real, by name: small diffs, stable order."""
    rows = [
        f"{name} {runtime} {creation}"
        for name, (source, runtime, creation) in sizes(build).items()
        if not source.startswith("contracts/test/")
    ]
    return "\n".join(["# contract, runtime bytes, creation bytes", *rows]) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the committed record")
    parser.add_argument("--check", action="store_true", help="fail where the record differs")
    options = parser.parse_args(argv)
    build = ROOT / ".build" / "bulkhead"
    now = record(build)
    if options.write:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(now)
    if not options.check:
        print(table(build))
        return 0
    problems = [
        f"{name} is too large: {runtime} bytes of {LIMIT}, creation {creation} of {INIT_LIMIT}"
        for name, (_, runtime, creation) in sizes(build).items()
        if runtime > LIMIT or creation > INIT_LIMIT
    ]
    before = RECORD.read_text() if RECORD.exists() else ""
    if before != now:
        gone = sorted(set(before.splitlines()) - set(now.splitlines()))
        come = sorted(set(now.splitlines()) - set(before.splitlines()))
        problems += [f"- {line}" for line in gone] + [f"+ {line}" for line in come]
        problems.append(f"sizes differ from {RECORD.relative_to(ROOT)}: `make sizes` records them")
    print("\n".join(problems) or "sizes: unchanged")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
