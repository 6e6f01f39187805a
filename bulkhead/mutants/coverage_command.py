"""`bulkhead coverage`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.table import Table

from bulkhead.commands import OK, Console, as_json, writable
from bulkhead.errors import BadInput
from bulkhead.processes import interruptible

DOCS = Path("docs")
HELP = """Measure which lines and branches of the core contracts a run of the fuzzer reaches.

Every statement and condition of the core is marked, the marked code is compiled with the settings
of the real one, and the fuzzer plays it on every core for so many seconds of the processor. Writes
docs/coverage.md and docs/coverage.json, with the reasons of bulkhead/mutants/unreached.toml.

\b
Examples:
  bulkhead coverage                 four minutes on each core
  bulkhead coverage --seconds 600   longer: rarer branches

Exit codes: 0 done, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.option("--seconds", type=float, default=240, show_default=True, help="Of each core.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything drawn.")
@click.option("--jobs", type=int, default=0, help="Workers; 0: one for each core, at most 4.")
@click.option("--docs", type=click.Path(path_type=Path), default=DOCS, help="Folder of the report.")
@as_json
def coverage(seconds: float, seed: int, jobs: int, docs: Path, json_: bool) -> int:
    """Thin: check, run, print."""
    from bulkhead.chain.compile import ensure  # late: --help must be fast
    from bulkhead.mutants import reach

    if not 0 < seconds <= 36_000:
        raise BadInput("--seconds", seconds, "above 0, at most 36000")
    if not 0 <= jobs <= 64:
        raise BadInput("--jobs", jobs, "0 to 64")
    writable("--docs", docs)
    terms = reach.Terms(seed, seconds, jobs or min(os.cpu_count() or 1, 4))
    reasons = reach.explanations()  # before minutes are spent
    console = Console(json_)
    ensure()
    woven, marks = reach.build()
    with interruptible(), console.progress("coverage") as tell:
        found = reach.run(woven, terms, lambda spent: tell(int(spent), int(seconds), "seconds"))
    record = reach.record(marks, found, terms, reasons)
    for reason in reach.idle(reasons, record):
        console.complain(
            f"unreached.toml explains {reason.file} {reason.function}{reason.text}: reached"
        )
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "coverage.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (docs / "coverage.md").write_text(reach.page(record), encoding="utf-8")
    table = Table(title="Reached")
    for name in ("file", "lines", "branches", "functions"):
        table.add_column(name)
    for row in record["files"]:
        table.add_row(row["file"], *reach.cells(row))
    console.result(record, table)
    console.say(f"lines, branches, functions: {', '.join(reach.cells(record['total']))}")
    return OK
