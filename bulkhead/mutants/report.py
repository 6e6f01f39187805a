"""docs/mutation.json and docs/mutation.md: what the laws noticed, and what they did not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.settings import FIXED
from bulkhead.mutants.campaign import (
    CONTROL,
    CRASHED,
    EQUIVALENT,
    FAILED,
    HELD,
    INVALID,
    KILLED,
    LATE,
    SURVIVED,
    UNTRIED,
    Result,
    Terms,
)
from bulkhead.mutants.mutant import GENERATED, NEUTRAL
from bulkhead.mutants.trial import DRAWN

TARGET = 0.95
WITHIN = (20.0, 60.0)  # seconds: how many were killed by then is told too
PAGE = Path(__file__).parent / "mutation_page.md"


def record(results: Sequence[Result], terms: Terms, reasons: dict[str, str]) -> dict[str, Any]:
    """The whole campaign, for machines."""
    semantic = [each for each in results if each.mutant.semantic and each.mutant is not CONTROL]
    neutral = [each for each in results if each.mutant.neutral]
    generated = [each for each in results if each.mutant.area == GENERATED]
    equivalent = [each for each in semantic if each.status == EQUIVALENT]
    killed = [each for each in semantic if each.status == KILLED]
    counted = len(semantic) - len(equivalent)
    unexplained = [each for each in semantic if each.status == SURVIVED]
    mutants = [each.record() for each in results if each.mutant is not CONTROL]
    for row in mutants:
        row["reason"] = row["reason"] or reasons.get(row["id"], "")
    return {
        "seed": terms.seed,
        "budget_cpu_seconds": terms.seconds,
        "control": [each.status for each in results if each.mutant is CONTROL],
        "semantic_total": len(semantic),
        "semantic_killed": len(killed),
        "killed_within": _within(killed, terms.seconds),
        "late": sum(each.status == LATE for each in semantic),
        "equivalent": len(equivalent),
        "unexplained": [each.mutant.id for each in unexplained if not reasons.get(each.mutant.id)],
        "untried": sum(each.status == UNTRIED for each in results),
        "score": round(len(killed) / counted, 4) if counted else None,
        "neutral_total": len(neutral),
        "neutral_failed": sum(each.status == FAILED for each in neutral),
        "generated_total": len(generated),
        "generated_killed": sum(each.status == KILLED for each in generated),
        "generated_invalid": sum(each.status == INVALID for each in generated),
        "crashed": sum(each.status == CRASHED for each in results),
        "mutants": mutants,
    }


def _within(killed: Sequence[Result], budget: float) -> dict[str, int]:
    """Kills by the seconds that they had."""
    ends = (*(end for end in WITHIN if end < budget), budget)
    return {f"{end:g}": sum(each.outcome.seconds <= end for each in killed) for end in ends}


def good(found: dict[str, Any]) -> bool:
    """Whether the suite is as strong as it says: the target met, and no wolf cried."""
    score = found["score"]
    return (
        (score is None or score >= TARGET)
        and found["neutral_failed"] == 0
        and found["crashed"] == 0
        and found["untried"] == 0
        and not found["unexplained"]
        and all(status == HELD for status in found["control"])
    )


def write(found: dict[str, Any], folder: Path) -> None:
    """Both files."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (folder / "mutation.json").write_text(text + "\n", encoding="utf-8")
    (folder / "mutation.md").write_text(page(found), encoding="utf-8")


def page(found: dict[str, Any]) -> str:
    """The same for people."""
    rows = found["mutants"]
    by_hand = [row for row in rows if row["area"] not in (GENERATED, NEUTRAL)]
    parts = {
        "summary": _summary(found),
        "areas": _areas(rows),
        "laws": _laws(rows),
        "survivors": _survivors(rows),
        "equivalent": _equivalent(rows),
        "semantic": _table(by_hand),
        "neutral": _table([row for row in rows if row["area"] == NEUTRAL]),
        "generated": _generated(rows),
    }
    text = Template(PAGE.read_text(encoding="utf-8"))
    joined = {name: "\n".join(lines) for name, lines in parts.items()}
    return text.substitute(joined, fixed=len(FIXED), drawn=DRAWN)


def _summary(found: dict[str, Any]) -> list[str]:
    score = "" if found["score"] is None else f"{found['score']:.1%}"
    return [
        "| | |",
        "|---|---|",
        f"| budget of a mutant | {found['budget_cpu_seconds']:g} s, seed {found['seed']} |",
        f"| semantic mutants, by hand | {found['semantic_total']} |",
        *(f"| killed within {end} s | {kills} |" for end, kills in found["killed_within"].items()),
        f"| killed, but later than the budget | {found['late']} |",
        f"| equivalent | {found['equivalent']} |",
        f"| not killed yet, and not played for the whole budget yet | {found['untried']} |",
        f"| **killed of those that are not equivalent** | **{score}** (target {TARGET:.0%}) |",
        f"| neutral changes, of them called broken | {found['neutral_total']}, "
        f"{found['neutral_failed']} |",
        f"| generated mutants, killed, not compiling | {found['generated_total']}, "
        f"{found['generated_killed']}, {found['generated_invalid']} |",
        f"| control | {', '.join(found['control']) or 'not run'} |",
    ]


def _areas(rows: list[dict[str, Any]]) -> list[str]:
    areas = sorted({row["area"] for row in rows})
    lines = [
        "| area | mutants | killed | late | survived | equivalent | median s to kill | longest |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for area in areas:
        mine = [row for row in rows if row["area"] == area]
        times = sorted(row["seconds"] for row in mine if row["status"] == KILLED)
        counts = [sum(row["status"] == each for row in mine) for each in _STATES]
        ends = f"{times[len(times) // 2]:.1f} | {times[-1]:.1f}" if times else " | "
        lines.append(f"| {area} | {len(mine)} | {' | '.join(map(str, counts))} | {ends} |")
    return lines


_STATES = (KILLED, LATE, SURVIVED, EQUIVALENT)


def _laws(rows: list[dict[str, Any]]) -> list[str]:
    counts = Counter(row["law"] for row in rows if row["status"] == KILLED)
    lines = ["| law | kills | says |", "|---|--:|---|"]
    for law, times in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        lines.append(f"| {law} | {times} | {LAWS.get(law, '')} |")
    return lines


def _survivors(rows: list[dict[str, Any]]) -> list[str]:
    found = [row for row in rows if row["status"] in (SURVIVED, LATE, CRASHED)]
    if not found:
        return ["None."]
    return [f"- **{row['id']}** ({row['file']}): {_fault(row)}. {_why(row)}" for row in found]


def _why(row: dict[str, Any]) -> str:
    if row["status"] == CRASHED:
        return f"It was not played to its end: {row['found'] or 'nothing was said'}."
    if row["status"] == LATE:
        return f"{row['law']} noticed after {row['seconds']:.1f} s, later than the budget."
    unsorted = "Nobody has sorted it." if row["area"] == GENERATED else "Not explained yet."
    return str(row["reason"]) or unsorted


def _fault(row: dict[str, Any]) -> str:
    return f"`{row['breaks']}`" if row["area"] == GENERATED else str(row["breaks"])


def _equivalent(rows: list[dict[str, Any]]) -> list[str]:
    found = [row for row in rows if row["status"] == EQUIVALENT]
    return [
        f"- **{row['id']}** ({row['file']}): {row['breaks']}; {row['reason']}." for row in found
    ]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| id | what it breaks | result | law | s |", "|---|---|---|---|--:|"]
    for row in rows:
        seconds = f"{row['seconds']:.1f}"
        lines.append(
            f"| {row['id']} | {row['breaks']} | {row['status']} | {row['law']} | {seconds} |"
        )
    return lines


def _generated(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| id | change | result | law | s |", "|---|---|---|---|--:|"]
    for row in rows:
        if row["area"] == GENERATED:
            change = row["breaks"].replace("|", "\\|")
            change = change if len(change) <= 90 else change[:87] + "..."
            seconds = f"{row['seconds']:.1f}"
            lines.append(
                f"| {row['id']} | `{change}` | {row['status']} | {row['law']} | {seconds} |"
            )
    return lines
