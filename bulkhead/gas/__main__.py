"""`python -m bulkhead.gas`: measure every action on a chain of its own, in receipts of whole
transactions. `--write` records the result, in README.md too, `--check` fails where it differs
from the record, and for what is over its budget without the table in docs/gas.md that says where
it goes; `--growth` measures among 10 and among 1,000
positions and fails where it differs. `--vaults` compares ways to keep a position's margin,
`--explain KEY` shows where the gas of one action goes, `--tables` writes that into docs/gas.md for
each key that it has a place for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.binaries import ROOT
from bulkhead.errors import BulkheadError
from bulkhead.gas import explain, report, vaults
from bulkhead.gas.keys import BUDGETS, MEASUREMENTS
from bulkhead.gas.stage import START, GasError, set_the_stage

RECORD = ROOT / "gas" / "snapshot.json"
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "gas.md"
FEW, MANY = 10, 1_000


def measure(crowd: int = FEW) -> dict[str, int]:
    """Gas by key, among `crowd` positions of others."""
    found = {}
    with Anvil(timestamp=START) as anvil:
        stage = set_the_stage(anvil, crowd)
        for key, run in MEASUREMENTS.items():
            with stage.rpc.isolated():
                price = stage.price
                try:
                    found[key] = run(stage)
                except BulkheadError as problem:
                    raise GasError(f"{key}: {problem}") from problem
                finally:
                    stage.price = price
    return found


def _growth() -> int:
    few, many = measure(FEW), measure(MANY)
    print(report.growth(few, many, (FEW, MANY)))
    return 1 if few != many else 0


def _check(found: dict[str, int]) -> int:
    """Fails on any difference, and on what is over its budget without its table in the docs."""
    before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for line in report.over(found, BUDGETS):
        print(f"{line} (docs/gas.md)", file=sys.stderr)
    unexplained = report.unexplained(found, BUDGETS, PAGE.read_text())
    lines = report.changes(before, found)
    if lines:
        lines.append(f"gas differs from {RECORD.relative_to(ROOT)}: `make gas` records it")
    lines += unexplained
    print("\n".join(lines) or "gas: unchanged", file=sys.stderr if lines else sys.stdout)
    return 1 if lines else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bulkhead.gas", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="update the committed record")
    mode.add_argument("--check", action="store_true", help="fail where the record differs")
    mode.add_argument("--growth", action="store_true", help="fail where gas grows with positions")
    mode.add_argument("--vaults", action="store_true", help="compare designs of the escrow")
    mode.add_argument("--explain", metavar="KEY", choices=MEASUREMENTS, help="where its gas goes")
    mode.add_argument("--tables", action="store_true", help="explain in docs/gas.md")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options = parser.parse_args(argv)
    if options.growth:
        return _growth()
    if options.vaults:
        print(vaults.table(vaults.measure()))
        return 0
    if options.explain:
        print(explain.table(options.explain))
        return 0
    if options.tables:
        page = PAGE.read_text()
        tables = {key: explain.table(key) for key in report.breakdowns(page)}
        PAGE.write_text(report.with_breakdowns(page, tables))
        return 0
    found = measure()
    text = json.dumps(found, indent=2) + "\n"
    if options.write:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(text)
        README.write_text(report.filled(README.read_text(), found))
    if options.json:
        print(text, end="")
    elif not options.check:
        print(report.table(found, BUDGETS))
    return _check(found) if options.check else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except BulkheadError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(1) from None
