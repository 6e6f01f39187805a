"""Runs halmos, which then asks over integers too whether a branch can be taken at all.

halmos asks z3 about bits for a moment, knows nothing of products and quotients there, and follows
what is left open both ways: of most branches that guard against an overflow, one way is impossible,
and each doubles what is to be proven. What integers.py finds without an answer has none.
"""

from __future__ import annotations

import sys
from typing import Any

import z3
from halmos import sevm
from halmos.__main__ import main
from integers import Query

MILLISECONDS = 200
_OPERATIONS = {
    "bvmul": (lambda x, y: x * y, (256, 512)),
    "bvudiv": (z3.UDiv, (256,)),
    "bvurem": (z3.URem, (256, 264, 512)),
    "bvsdiv": (lambda x, y: x / y, (256,)),
    "bvsrem": (z3.SRem, (256,)),
}
_bits = sevm.Path.check


def _meanings() -> list[tuple[Any, Any]]:
    """halmos's names for products and quotients, and what they are: by 0: 0."""
    found = []
    for name, (operation, widths) in _OPERATIONS.items():
        for width in widths:
            word = z3.BitVecSort(width)
            x, y = z3.Var(0, word), z3.Var(1, word)
            value = operation(x, y)
            if name != "bvmul":
                value = z3.If(y == 0, y, value)
            found.append((z3.Function(f"f_evm_{name}_{width}", word, word, word), value))
    return found


MEANINGS = _meanings()
_meant: dict[int, tuple[Any, Any]] = {}
_asked: list[tuple[list[int], Query]] = []  # along the path, each a part of the next


def meant(condition: Any) -> Any:
    """With products and quotients as they are; halmos leaves them unsaid."""
    key = condition.get_id()
    if key not in _meant:
        _meant[key] = condition, z3.substitute_funs(condition, *MEANINGS)
    return _meant[key][1]


def translated(conditions: list[Any]) -> Query:
    """What a path asserts, with what is known of the path that it branched from."""
    keys = [each.get_id() for each in conditions]
    while _asked and _asked[-1][0] != keys[: len(_asked[-1][0])]:
        _asked.pop()
    if not _asked or len(_asked[-1][0]) < len(keys):
        known = _asked[-1][1] if _asked else None
        _asked.append((keys, Query(map(meant, conditions), known)))
    return _asked[-1][1]


def check(path: Any, condition: Any) -> Any:
    """What z3 says over bits; where it says nothing, unsat if there is no answer over integers."""
    found = _bits(path, condition)
    if found != z3.unknown:
        return found
    query = translated(list(path.conditions))
    over = query.boolean(meant(condition))
    if not z3.is_true(over):
        solver = z3.Solver()
        solver.set("timeout", MILLISECONDS)
        solver.add(query.formulas())
        solver.add(over)
        if solver.check() == z3.unsat:
            return z3.unsat
    return found


if __name__ == "__main__":
    sevm.Path.check = check
    sys.exit(main())
