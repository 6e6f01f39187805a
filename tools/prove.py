"""Prove the properties of contracts/test/symbolic with halmos, each within a time limit.

docs/symbolic.md lists every property with its result, one row each:

    | `WadMathProofs.proveAbs` | what it says | all words | proven |

A property without a row, a refuted one, and one that is listed as proven but was not proven in
time fail; so does a row without a property. What runs out of time is not proven: its row says so.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "contracts" / "test" / "symbolic"
DOCS = ROOT / "docs" / "symbolic.md"
HALMOS = ROOT / ".tools" / "halmos" / "bin" / "halmos"
SOLVER = ROOT / "tools" / "solve.py"
OUT = ".build/forge/symbolic/out"
PROVEN, REFUTED, OPEN = "proven", "refuted", "not proven"
_PROPERTY = re.compile(r"^    function (prove\w+)\(", re.M)
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
    """Contract.function of all properties; a file holds the contract that it is named after."""
    return [
        f"{file.stem}.{name}"
        for file in sorted(SOURCES.glob("*Proofs.sol"))
        for name in _PROPERTY.findall(file.read_text())
    ]


def prove(name: str, limit: int) -> Outcome:
    """One run of halmos: nothing but its own report of exactly one property counts as a proof."""
    contract, function = name.split(".")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bulkhead-prove-") as folder:
        report = Path(folder) / "report.json"
        command = [
            *(str(HALMOS), "--root", str(ROOT), "--forge-build-out", OUT, "--no-status"),
            *("--contract", contract, "--match-test", rf"^{function}\(", "--loop", "9"),
            *("--panic-error-codes", _PANICS, "--solver-timeout-assertion", f"{limit}s"),
            *("--dump-smt-directory", folder, "--solver-threads", "1"),
            *("--solver-command", f"{HALMOS.parent / 'python'} {SOLVER} {limit // 2}"),
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
            said = process.communicate(timeout=limit)[0]
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
    parser.add_argument("--match", default="", help="only properties whose name has this in it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    os.environ["FOUNDRY_PROFILE"] = "symbolic"
    build = ("forge", "build", "--ast", "--extra-output", "storageLayout", "metadata")
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    names = [name for name in properties() if options.match in name]
    listed = dict(_ROW.findall(DOCS.read_text())) if DOCS.exists() else {}
    wrong = [f"{name}: no row in {DOCS.name}" for name in names if name not in listed]
    wrong += [f"{name}: a row without a property" for name in set(listed) - set(properties())]
    count = {PROVEN: 0, REFUTED: 0, OPEN: 0}
    with ThreadPoolExecutor(options.workers) as pool:
        for found in pool.map(lambda name: prove(name, options.seconds), names):
            print(f"{found.name:<46} {found.result:<11} {found.seconds:6.1f} s", flush=True)
            count[found.result] += 1
            if found.result == REFUTED or listed.get(found.name) == PROVEN != found.result:
                wrong.append(f"{found.name}: {found.result}\n{found.detail}")
    print(", ".join(f"{number} {result}" for result, number in count.items()))
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    raise SystemExit(main())
