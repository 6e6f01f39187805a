"""Tries integers.py on random queries: one with an answer must keep it as integers.

`check_integers.py NUMBER [SEED]`. What z3 finds over bits is put into the translation, which must
then hold; a translation without an answer must come from a query without one.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import z3
from integers import Query

WIDTH = 7


def _one(condition: Any) -> Any:
    """1 where it holds."""
    return z3.If(condition, z3.BitVecVal(1, WIDTH), z3.BitVecVal(0, WIDTH))


_PAIRS = (
    *(lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a ^ b),
    *(lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a / b, z3.UDiv, z3.URem, z3.SRem),
    *(lambda a, b: z3.If(b == 0, z3.BitVecVal(0, WIDTH), z3.UDiv(a, b)),),
    *(lambda a, b: z3.If(b == 0, z3.BitVecVal(0, WIDTH), a / b),),
    *(lambda a, b: a ^ (b >> (WIDTH - 1)),),
    *(lambda a, b: a ^ ((a ^ b) * _one(z3.ULT(b, a))), lambda a, b: _one(z3.UGT(a, b)) * (a - b)),
    *(lambda a, b: a ^ ((a ^ b) * _one(b > a)),),
)
_COMPARED = (
    *(z3.ULE, z3.ULT, z3.UGT, z3.UGE, lambda a, b: a <= b, lambda a, b: a < b),
    *(lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a ^ b < 0, lambda a, b: a ^ b > -1),
)


def word(dice: random.Random, words: list[Any], depth: int) -> Any:
    """A random word."""
    if depth == 0 or dice.random() < 0.15:
        value = dice.choice((0, 1, 2, 3, 10, 63, 64, 65, 127, dice.randrange(1 << WIDTH)))
        return dice.choice([*words, z3.BitVecVal(value, WIDTH)])
    a, kind = word(dice, words, depth - 1), dice.randrange(9)
    bits = dice.randrange(1, WIDTH)
    if kind == 0:
        return z3.ZeroExt(WIDTH - bits, z3.Extract(bits - 1, 0, a))
    if kind == 1:
        sign = z3.Extract(bits - 1, bits - 1, a)
        return z3.Concat(*[sign] * (WIDTH - bits), z3.Extract(bits - 1, 0, a))
    if kind == 2:
        high = dice.randrange(bits, WIDTH)
        return z3.ZeroExt(WIDTH - 1 - high + bits, z3.Extract(high, bits, a))
    if kind == 3:
        return dice.choice((a << bits, a >> bits, z3.LShR(a, bits), -a, ~a, a & ((1 << bits) - 1)))
    if kind == 4:
        return z3.If(atom(dice, words, depth - 1), a, word(dice, words, depth - 1))
    return dice.choice(_PAIRS)(a, word(dice, words, depth - 1))


def atom(dice: random.Random, words: list[Any], depth: int) -> Any:
    """A random condition."""
    found = dice.choice(_COMPARED)(word(dice, words, depth), word(dice, words, depth))
    kind = dice.randrange(6)
    if kind == 0:
        return z3.Not(found)
    if kind == 2:
        a, middle = word(dice, words, depth), dice.randrange(1, WIDTH)
        most = z3.BitVecVal(dice.randrange(1 << middle), middle)
        small = z3.ULE(z3.Extract(middle - 1, 0, a), most)
        return z3.And(z3.Extract(WIDTH - 1, middle, a) == 0, small)
    if kind == 1 and depth:
        return dice.choice((z3.And, z3.Or))(found, atom(dice, words, depth - 1))
    return found


def check(dice: random.Random) -> str:
    """What came of one random query."""
    words = [z3.BitVec(name, WIDTH) for name in "xyz"]
    asked = [atom(dice, words, dice.randrange(1, 4)) for _ in range(dice.randrange(1, 4))]
    bits, whole = z3.Solver(), z3.Solver()
    bits.add(asked)
    asked = list(z3.parse_smt2_string(bits.to_smt2()))
    query = Query(asked)
    whole.set("timeout", 2000)
    whole.add(query.formulas() + query.meanings())
    if bits.check() == z3.sat:
        model = bits.model()
        for name, each in query.words.items():
            whole.add(z3.Int(f"w_{name}") == model.eval(each, model_completion=True).as_long())
        if whole.check() == z3.unsat:
            raise AssertionError(f"an answer got lost: {model} for {asked}")
        return "kept"
    return "without an answer, both" if whole.check() == z3.unsat else "open"


def main() -> int:
    """Prints how many of which."""
    number, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    dice, count = random.Random(seed), dict[str, int]()
    for _ in range(number):
        found = check(dice)
        count[found] = count.get(found, 0) + 1
    print(", ".join(f"{times} {what}" for what, times in sorted(count.items())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
