"""Prove the properties of contracts/test/symbolic with halmos, each within a time limit.

docs/symbolic.md lists every property with its result, one row each:

    | `WadMathProofs.proveAbs` | what it says | all words | proven |

A property without a row, a refuted one, and one that is listed as proven but was not proven in
time fail; so does a row without a property. What runs out of time is not proven: its row says so.

Each `proveX` has a `plantX` beside it, the same with a fault planted. It counts as proven only
where that is refuted: what holds because its conditions exclude everything would survive it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "contracts" / "test" / "symbolic"
DOCS = ROOT / "docs" / "symbolic.md"
PYTHON = ROOT / ".tools" / "halmos" / "bin" / "python"
HALMOS = ROOT / "tools" / "explore.py"
SOLVER = ROOT / "tools" / "solve.py"
CHECK = ROOT / "tools" / "check_integers.py"
OUT = ".build/forge/symbolic/out"
PROVEN, REFUTED, OPEN = "proven", "refuted", "not proven"
_PROPERTY = re.compile(r"^    function ((?:prove|plant)\w+)\(", re.M)
_ROW = re.compile(r"^\| `(\w+\.prove\w+)` \|.*\| ([\w ]+) \|$", re.M)
# 1: an assertion, 17: arithmetic of the property itself leaves its range
_PANICS = "0x01,0x11"


@dataclass(frozen=True)
class Outcome:
    """What came of one property."""

    name: str
    result: str
    seconds: float
    detail: str


def properties() -> list[str]:
    """Contract.function of all properties and plants; a file holds the contract of its name."""
    return [
        f"{file.stem}.{name}"
        for file in sorted(SOURCES.glob("*Proofs.sol"))
        for name in _PROPERTY.findall(file.read_text())
    ]


def prove(name: str, limit: int) -> Outcome:
    """One run of halmos: nothing but its own report of exactly one property counts as a proof."""
    contract, function = name.split(".")
    plant = function.startswith("plant")  # whose first counterexample ends the run
    threads, time_out = ("2", 2 * limit) if plant else ("1", limit)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bulkhead-prove-") as folder:
        report = Path(folder) / "report.json"
        command = [
            *(str(PYTHON), str(HALMOS), "--root", str(ROOT), "--forge-build-out", OUT),
            *("--no-status", "--solver-threads", threads, "--early-exit"),
            *("--contract", contract, "--match-test", rf"^{function}\(", "--loop", "9"),
            *("--panic-error-codes", _PANICS, "--solver-timeout-assertion", f"{limit}s"),
            *("--dump-smt-directory", folder),
            *("--solver-command", f"{PYTHON} {SOLVER} {limit // 2}"),
            *("--json-output", str(report)),
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # its solvers end with it
        )
        try:
            said = process.communicate(timeout=time_out)[0]
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.monotonic() - started
        if not report.exists():
            return Outcome(name, OPEN, seconds, said[-3000:] or "out of time")
        tests = [
            t for found in json.loads(report.read_text())["test_results"].values() for t in found
        ]
    codes = {test["name"].partition("(")[0]: test["exitcode"] for test in tests}
    if set(codes) != {function}:
        return Outcome(name, OPEN, seconds, said[-3000:])
    code = codes[function]
    result = {0: PROVEN, 1: REFUTED}.get(code, OPEN)
    return Outcome(name, result, seconds, "" if result == PROVEN else said[-3000:])


def main() -> int:
    """Exit code 1 where the results and docs/symbolic.md differ to the worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="limit for each property")
    parser.add_argument(
        "--match",
        default="",
        help="only those whose name has this in it, and their plants",
    )
    parser.add_argument("--write", action="store_true", help=f"put the results into {DOCS.name}")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    began = time.monotonic()
    os.environ["FOUNDRY_PROFILE"] = "symbolic"
    build = ("forge", "build", "--ast", "--extra-output", "storageLayout", "metadata")
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    names = [n for n in properties() if options.match in n.replace(".plant", ".prove")]
    listed = dict(_ROW.findall(DOCS.read_text())) if DOCS.exists() else {}
    wrong = disagreements(set(properties()), set(listed))
    check = subprocess.run([PYTHON, CHECK, "100"], capture_output=True, text=True, check=False)
    print(f"integers against bits: {check.stdout.strip()}", flush=True)
    wrong += [check.stderr] if check.returncode else []
    found: dict[str, Outcome] = {}
    with ThreadPoolExecutor(options.workers) as pool:
        for each in pool.map(lambda name: prove(name, options.seconds), names):
            print(f"{each.name:<58} {each.result:<11} {each.seconds:6.1f} s", flush=True)
            found[each.name] = each
    results: dict[str, str] = {}
    for name, each in found.items():
        plant = found.get(name.replace(".prove", ".plant"))
        if ".plant" in name:
            if each.result == PROVEN:
                wrong.append(f"{name}: proven, but it is wrong")
            continue
        known = plant is not None and plant.result == REFUTED
        results[name] = OPEN if each.result == PROVEN and not known else each.result
        worse = listed.get(name) == PROVEN != results[name] and not options.write
        if each.result == REFUTED or worse:
            notes = [f"{one.name}: {one.result}\n{one.detail}" for one in (each, plant) if one]
            wrong.append("\n".join(notes))
    count = Counter(results.values())
    said = ", ".join(f"{count[result]} {result}" for result in (PROVEN, REFUTED, OPEN))
    print(f"{said}, each with its plant; {time.monotonic() - began:.0f} s")
    if options.write:
        DOCS.write_text(_ROW.sub(lambda row: _result(row, results), DOCS.read_text()))
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong or not names else 0


def _result(row: re.Match[str], results: dict[str, str]) -> str:
    """A row of the page with what came of it now."""
    found = results.get(row[1], row[2])
    return row[0][: row.start(2) - row.start(0)] + found + row[0][row.end(2) - row.start(0) :]


def disagreements(found: set[str], listed: set[str]) -> list[str]:
    """Properties without a row or a plant, and the other way round."""
    plants = {name.replace(".plant", ".prove") for name in found if ".plant" in name}
    proofs = {name for name in found if ".prove" in name}
    return [
        *(f"{name}: no row in {DOCS.name}" for name in sorted(proofs - listed)),
        *(f"{name}: a row without a property" for name in sorted(listed - proofs)),
        *(f"{name}: without a plant, or only that" for name in sorted(proofs ^ plants)),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
