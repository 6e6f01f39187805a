"""The solver of the proofs: `solve.py SECONDS QUERY.smt2` answers like any SMT solver.

First yices, which reads words as bits and answers what is easy at once. Then some values are tried.
Then the query over integers (see integers.py), with products as unknowns between their bounds, then
with products as they are, by z3 and by cvc5; what is left open goes to yices again.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUICK = 1  # seconds of yices before all else
GUESSES, GUESS_SECS = 200, 5  # at most so many values of a property's arguments are tried, so long
_LEFT_OPEN = re.compile(
    r"\(declare-fun f_evm_(bvmul|bvudiv|bvurem|bvsdiv|bvsrem)_(\d+) "
    r"\(\(_ BitVec \2\) \(_ BitVec \2\)\) \(_ BitVec \2\)\)"
)


def main() -> int:
    """Prints unsat; or sat and the values; or unknown."""
    seconds, file = float(sys.argv[1]), sys.argv[2]
    end = time.monotonic() + seconds
    text = meant_so(Path(file).read_text(encoding="utf-8"))
    print(
        by_yices(text, QUICK)
        or over_integers(text, end)
        or by_yices(text, int(end - time.monotonic()))
        or "unknown"
    )
    return 0


def meant_so(text: str) -> str:
    """halmos leaves what products and quotients are to a second query; here they are so at once."""
    return _LEFT_OPEN.sub(_define, text)


def _define(found: re.Match[str]) -> str:
    name, bits = found.groups()
    word, value = f"(_ BitVec {bits})", f"({name} x y)"
    if name != "bvmul":  # by 0: 0
        value = f"(ite (= y (_ bv0 {bits})) y {value})"
    return f"(define-fun f_evm_{name}_{bits} ((x {word}) (y {word})) {word} {value})"


def by_yices(text: str, seconds: int) -> str:
    """Its answer; empty without one."""
    yices = Path(sys.executable).parent / "yices-smt2"
    options = ("--smt2-model-format", "--bvconst-in-decimal", f"--timeout={max(seconds, 1)}")
    with tempfile.NamedTemporaryFile("w", suffix=".smt2") as asked:
        asked.write(text)
        asked.flush()
        command = (str(yices), *options, asked.name)
        said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    if said.startswith("unsat"):
        return "unsat"
    return said if said.startswith("sat") else ""


def over_integers(text: str, end: float) -> str:
    """The answer over integers; empty without one."""
    import z3  # late: most queries never come here
    from integers import Query

    def left(share: float) -> float:
        return max(1.0, (end - time.monotonic()) * share)

    assertions = list(z3.parse_smt2_string(text))
    query = Query(assertions)
    if values := guessed(assertions, query, random.Random(1)):
        return values
    plain, meant = query.formulas(), query.meanings()
    for formulas, share in ((plain, 0.2), (plain + meant, 0.3)):
        solver = z3.Solver()
        solver.set("timeout", int(left(share) * 1000))
        solver.add(formulas)
        answer = solver.check()
        if answer == z3.unsat:
            return "unsat"
        if answer == z3.sat and (
            values := holds(assertions, query, modelled(query, solver.model()))
        ):
            return values
        if not meant:
            return ""
    return "unsat" if by_cvc5(plain + meant, left(0.5)) == "unsat" else ""


def guessed(assertions: list[Any], query: Any, dice: random.Random) -> str:
    """Values of any size that happen to be an answer: many a fault shows nearly everywhere."""
    end = time.monotonic() + GUESS_SECS
    for _ in range(GUESSES):
        values = {
            name: dice.getrandbits(dice.randint(1, word.size())) if name.startswith("p_") else 0
            for name, word in query.words.items()
        }
        if found := holds(assertions, query, values):
            return found
        if time.monotonic() > end:
            break
    return ""


def modelled(query: Any, model: Any) -> dict[str, int]:
    """The words of an answer over integers."""
    import z3

    return {
        name: model.eval(z3.Int(f"w_{name}"), model_completion=True).as_long() % (1 << word.size())
        for name, word in query.words.items()
    }


def holds(assertions: list[Any], query: Any, values: dict[str, int]) -> str:
    """What to print where the query itself agrees with the values; empty where it does not."""
    import z3

    given = [(word, z3.BitVecVal(values[name], word.size())) for name, word in query.words.items()]
    solver = z3.Solver()
    solver.set("timeout", 5000)
    for each in assertions:
        left = z3.simplify(z3.substitute(each, *given))
        if z3.is_false(left):
            return ""
        solver.add(left)
    if solver.check() != z3.sat:
        return ""
    lines = [
        f"  (define-fun {name} () (_ BitVec {word.size()}) (_ bv{values[name]} {word.size()}))"
        for name, word in query.words.items()
    ]
    return "\n".join(["sat", "(model", *lines, ")"])


def by_cvc5(formulas: list[Any], seconds: float) -> str:
    """Its answer over integers with products."""
    import cvc5
    import z3

    asked = z3.Solver()
    asked.add(formulas)
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(
        cvc5.InputLanguage.SMT_LIB_2_6, "(set-logic QF_NIA)\n" + asked.to_smt2(), "query"
    )
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip()
        if command.getCommandName() == "check-sat":
            return answer
    return "unknown"


if __name__ == "__main__":
    raise SystemExit(main())
