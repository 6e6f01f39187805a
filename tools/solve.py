"""The solver of the proofs: `solve.py SECONDS QUERY.smt2` answers like any SMT solver.

cvc5 reads words as integers, which suits products and divisions; what it leaves open goes to
yices, which reads them as bits.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cvc5


def integers(query: str, seconds: float) -> str:
    """What cvc5 makes of it: sat is left to yices, which shows the values too."""
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    solver.setOption("solve-bv-as-int", "iand")
    solver.setOption("iand-mode", "bitwise")
    parser = cvc5.InputParser(solver)
    parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, query)
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip()
        if command.getCommandName() == "check-sat":
            return answer
    return "unknown"


def main() -> int:
    """Prints unsat, or what yices says."""
    seconds, query = float(sys.argv[1]), sys.argv[2]
    if integers(query, seconds / 2) == "unsat":
        print("unsat")
        return 0
    yices = Path(sys.executable).parent / "yices-smt2"
    options = ("--smt2-model-format", "--bvconst-in-decimal", f"--timeout={int(seconds / 2) or 1}")
    return subprocess.run((str(yices), *options, query), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
