"""`bulkhead mutants`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bulkhead.commands import BROKEN, OK, Console, as_json, writable
from bulkhead.errors import BadInput
from bulkhead.processes import interruptible

DOCS = Path("docs")
HELP = """Put faults into the contracts on purpose, and see whether the fuzzer's laws notice.

Each mutant of bulkhead/mutants/catalogue, and a sample of generated ones, is played with the
fuzzer's own moves and laws until a law breaks or the budget (seconds of the processor) is spent.
What was tried under the same code is not repeated, so a stopped run goes on where it was.
What breaks a law after the budget is late: not killed. A whole run writes docs/mutation.md and
docs/mutation.json, unless some mutant is neither killed nor played for the budget (with --known).

\b
Examples:
  bulkhead mutants                         all; hours on one core
  bulkhead mutants --known --seconds 60    what earlier runs found, as of 60 seconds each
  bulkhead mutants --area liquidation      one area
  bulkhead mutants --only LIQ-03           one mutant, with its story
  bulkhead mutants --only LIQ-03 --artifacts out/mutant
                           its code, for `bulkhead fuzz --roomy --artifacts out/mutant`

Exit codes: 0 the target is met, survivors.toml has a reason for each survivor, and no neutral
change was called broken, 1 otherwise, 2 bad input, 3 anything else.
"""


@click.command(help=HELP)
@click.option("--only", multiple=True, help="A mutant's id; may be given again.")
@click.option("--area", "areas", multiple=True, help="An area; may be given again.")
@click.option("--generated", type=int, default=60, show_default=True, help="How many to draw.")
@click.option("--seconds", type=float, default=120, show_default=True, help="Budget of each.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything drawn.")
@click.option("--jobs", type=int, help="Mutants at once. [default: cores]")
@click.option("--fresh", is_flag=True, help="Try again what is known.")
@click.option("--known", is_flag=True, help="Try nothing: report what earlier runs found.")
@click.option("--artifacts", type=click.Path(path_type=Path), help="Only write a mutant's code.")
@click.option("--docs", type=click.Path(path_type=Path), default=DOCS, help="Folder of the report.")
@as_json
def mutants(
    only: tuple[str, ...],
    areas: tuple[str, ...],
    generated: int,
    seconds: float,
    seed: int,
    jobs: int | None,
    fresh: bool,
    known: bool,
    artifacts: Path | None,
    docs: Path,
    json_: bool,
) -> int:
    """Thin: check, run, print."""
    from bulkhead.mutants import operators, run  # late: --help must be fast
    from bulkhead.mutants.campaign import Terms
    from bulkhead.mutants.mutant import GENERATED, catalogue

    ids = {each.id for each in catalogue()}
    for name in only:
        if name not in ids and not operators.ID.fullmatch(name):
            limit = "an id of bulkhead/mutants/catalogue, or a generated one of docs/mutation.md"
            raise BadInput("--only", name, limit)
    places = {each.area for each in catalogue()} | {GENERATED}
    for area in areas:
        if area not in places:
            raise BadInput("--area", area, f"one of {', '.join(sorted(places))}")
    if not 0 <= generated <= 2_000:
        raise BadInput("--generated", generated, "0 to 2000")
    if not 0 < seconds <= 3_600:
        raise BadInput("--seconds", seconds, "above 0, at most 3600")
    if jobs is not None and not 1 <= jobs <= 256:
        raise BadInput("--jobs", jobs, "1 to 256")
    if artifacts is not None and len(only) != 1:
        raise BadInput("--artifacts", artifacts, "with exactly one --only")
    for option, folder in (("--docs", docs), ("--artifacts", artifacts)):
        if folder is not None:
            writable(option, folder)
    console = Console(json_)
    terms = Terms(seed, seconds, jobs or os.cpu_count() or 1, fresh)
    chosen = run.Choice(only, areas, generated)
    if artifacts is not None:
        run.write_artifacts(chosen, terms, artifacts, console)
        return OK
    if known:
        results = run.known(chosen, terms)
    else:
        with interruptible(), console.progress("mutants") as tell:
            results = run.campaign(chosen, terms, tell)
    return OK if run.conclude(results, chosen, terms, docs, console) else BROKEN
