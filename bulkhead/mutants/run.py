"""A campaign from the choice of mutants to its report."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compile import ensure
from bulkhead.commands import Console
from bulkhead.errors import BadInput
from bulkhead.mutants import operators, report
from bulkhead.mutants.build import DEPLOYED, FOLDER, SOURCES, Woven, compile_all, digest, link
from bulkhead.mutants.campaign import CONTROL, CRASHED, INVALID, Campaign, Result, Terms
from bulkhead.mutants.mutant import GENERATED, Mutant, catalogue
from bulkhead.mutants.trial import Outcome

SURVIVORS = Path(__file__).parent / "survivors.toml"
SORTED = "sorted.json"  # of a build of generated ones: those that compile, those that do not
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Choice:
    """Which mutants are wanted."""

    only: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    generated: int = 0

    @property
    def whole(self) -> bool:
        """Whether the report is of everything."""
        return not self.only and not self.areas

    def takes(self, mutant: Mutant) -> bool:
        """Whether it is among them."""
        if self.only:
            return mutant.id in self.only
        return not self.areas or mutant.area in self.areas

    @property
    def drawing(self) -> bool:
        """Whether generated ones may be among them."""
        return self.generated > 0 and (
            self.whole or GENERATED in self.areas or any(name not in _ids() for name in self.only)
        )


def _ids() -> set[str]:
    return {mutant.id for mutant in catalogue()}


def by_hand() -> Woven:
    """The build of the catalogue: always of all of it, so that it is compiled once."""
    ensure()
    return compile_all(catalogue(), ROOT / FOLDER / "catalogue")


def drawn(choice: Choice, seed: int) -> tuple[Woven, list[Mutant], list[Mutant]]:
    """The build of the generated ones: those that compile, those that do not."""
    valid, invalid = operators.compiling(ROOT, sampled(choice, seed))
    folder = _generated(seed)
    woven = compile_all(valid, folder, DEPLOYED)
    rows = [[asdict(mutant) for mutant in each] for each in (valid, invalid)]
    (folder / SORTED).write_text(json.dumps(rows), encoding="utf-8")
    return woven, valid, invalid


def sampled(choice: Choice, seed: int) -> list[Mutant]:
    """Those that a seed draws; refuses a name that is of none of them."""
    found = operators.sample(ROOT, seed, choice.generated)
    missing = set(choice.only) - _ids() - {mutant.id for mutant in found}
    if missing:
        limit = f"it is none of the {choice.generated} that seed {seed} draws"
        raise BadInput("--only", ", ".join(sorted(missing)), limit)
    return found


def _generated(seed: int) -> Path:
    return ROOT / FOLDER / f"generated-{seed}"


def _built(seed: int) -> tuple[set[Mutant], set[Mutant]]:
    """Of the build of a seed, if there is one: those that compile, those that do not."""
    try:
        rows = json.loads((_generated(seed) / SORTED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set(), set()
    valid, invalid = ({Mutant(**row) for row in each} for each in rows)
    return valid, invalid


def known(choice: Choice, terms: Terms) -> list[Result]:
    """What earlier runs found, also of generated ones that are built; nothing is compiled."""
    source = digest(ROOT / "contracts" / name for name in SOURCES)
    mutants = [mutant for mutant in catalogue() if choice.takes(mutant)]
    if choice.whole:
        mutants.insert(0, CONTROL)
    results = Campaign(Woven(ROOT / FOLDER / "catalogue", (), source), terms).tried(mutants)
    if choice.drawing:
        wanted = [mutant for mutant in sampled(choice, terms.seed) if choice.takes(mutant)]
        valid, invalid = _built(terms.seed)
        tried = Campaign(Woven(_generated(terms.seed), (), source), terms).tried
        results += tried([mutant for mutant in wanted if mutant in valid])
        results += _refused(mutant for mutant in wanted if mutant in invalid)
    if not results:
        raise BadInput("--known", ", ".join(choice.only or choice.areas), "what was built before")
    return results


def _refused(mutants: Iterable[Mutant]) -> list[Result]:
    return [Result(mutant, INVALID, Outcome(False)) for mutant in mutants]


def campaign(choice: Choice, terms: Terms, tell: Tell) -> list[Result]:
    """All results, the control first."""
    results: list[Result] = []
    chosen = [mutant for mutant in catalogue() if choice.takes(mutant)]
    if chosen:
        mutants = [CONTROL, *chosen] if choice.whole else chosen
        results += Campaign(by_hand(), terms).run(mutants, tell)
    if choice.drawing:
        woven, valid, invalid = drawn(choice, terms.seed)
        wanted = [mutant for mutant in valid if choice.takes(mutant)]
        results += Campaign(woven, terms).run(wanted, tell)
        results += _refused(mutant for mutant in invalid if choice.takes(mutant))
    if not results:
        raise BadInput("--only", ", ".join(choice.only), "the id of a mutant")
    return results


def write_artifacts(choice: Choice, terms: Terms, folder: Path, console: Console) -> None:
    """The code of one mutant."""
    found: Sequence[Mutant] = [mutant for mutant in catalogue() if choice.takes(mutant)]
    if found:
        woven = by_hand()
    else:
        woven, valid, _ = drawn(choice, terms.seed)
        found = [mutant for mutant in valid if choice.takes(mutant)]
    if not found:
        raise BadInput("--only", ", ".join(choice.only), "the id of a mutant that compiles")
    link(woven, found[0].switch, folder)
    console.result({"id": found[0].id, "breaks": found[0].breaks, "artifacts": str(folder)})
    console.say(f"{found[0].id}: {found[0].breaks}")
    console.say(f"larger than chains take: bulkhead fuzz --roomy --artifacts {folder}")


def conclude(
    results: Sequence[Result], choice: Choice, terms: Terms, docs: Path, console: Console
) -> bool:
    """Prints, writes if it was a whole run; whether all is as it should be."""
    reasons = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))
    found = report.record(results, terms, reasons)
    table = Table(title="Mutants")
    for name in ("id", "breaks", "result", "law", "s"):
        table.add_column(name)
    shown = [each for each in results if each.wrong] if choice.whole else results
    for each in shown:
        outcome = each.outcome
        seconds = f"{outcome.seconds:.1f}"
        table.add_row(each.mutant.id, each.mutant.breaks, each.status, outcome.law, seconds)
    console.result(found, table)
    for each in results:
        if each.status == CRASHED:
            console.complain(f"{each.mutant.id} crashed: {each.outcome.text}")
    if choice.only:
        for each in results:
            for line in (*each.outcome.story, each.outcome.text):
                console.say(f"  {line}")
    if choice.whole and not found["untried"]:
        report.write(found, docs)
    if found["untried"]:
        console.complain(
            f"{found['untried']} of {len(results)} are undecided, neither killed nor played for "
            f"{terms.seconds:g} s: no report is written"
        )
    for name in found["unexplained"]:
        console.complain(f"survivors.toml gives no reason for {name}, which survived")
    for name in sorted(set(reasons) & {each.mutant.id for each in results if not each.wrong}):
        console.complain(f"survivors.toml explains {name}, which was killed")
    counted = (
        f"{found['semantic_killed']} of {found['semantic_total']} semantic mutants killed within "
        f"{terms.seconds:g} s, {found['late']} later"
    )
    console.say(
        f"{counted}, {found['equivalent']} equivalent; "
        f"{found['neutral_failed']} of {found['neutral_total']} neutral changes called broken"
    )
    return report.good(found) if choice.whole else not any(each.wrong for each in results)
