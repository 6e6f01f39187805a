"""What z3's simplifier makes of conditions and of ^, put back together for integers.py."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import z3


def whole(term: Any) -> Any:
    """x <= c, where the simplifier asked for bits above of 0 and for those below; else as it is."""
    parts = term.children()
    if term.decl().kind() != z3.Z3_OP_AND or len(parts) != 2:
        return term
    for zero, bound in (parts, parts[::-1]):
        if zero.decl().kind() != z3.Z3_OP_EQ or bound.decl().kind() != z3.Z3_OP_ULEQ:
            continue
        above, value = zero.children()
        below, most = bound.children()
        above, value, below = (gathered(each) for each in (above, value, below))
        if z3.is_bv_value(above):
            above, value = value, above
        cuts = [above.decl().kind(), below.decl().kind()] == [z3.Z3_OP_EXTRACT] * 2
        if not cuts or not z3.is_bv_value(value) or not z3.is_bv_value(most):
            continue
        (top, middle), (end, low), word = above.params(), below.params(), above.arg(0)
        if value.as_long() == low == 0 and middle == end + 1 and word.eq(below.arg(0)):
            word = z3.simplify(z3.Extract(top, 0, word))
            return z3.ULE(word, z3.BitVecVal(most.as_long(), top + 1))
    return term


def gathered(term: Any) -> Any:
    """A part of a ^ of words, where it came as the ^ of their parts; else as it is."""
    parts = term.children()
    cuts = [part.decl().kind() == z3.Z3_OP_EXTRACT for part in parts]
    if term.decl().kind() != z3.Z3_OP_BXOR or not all(cuts):
        return term
    ends = {(*part.params(), part.arg(0).size()) for part in parts}
    if len(ends) > 1:
        return term
    return z3.Extract(*parts[0].params(), reduce(operator.xor, (part.arg(0) for part in parts)))


def xored(term: Any) -> tuple[dict[int, Any], int]:
    """The words whose ^ it is, by number, and a constant. x ^ 6 also comes as parts of x or ~x."""
    kind, parts = term.decl().kind(), term.children()
    if z3.is_bv_value(term):
        return {}, term.as_long()
    if kind == z3.Z3_OP_BXOR:
        words: dict[int, Any] = {}
        value = 0
        for part in parts:
            more, turned = xored(part)
            value ^= turned
            for key, word in more.items():
                if words.pop(key, None) is None:
                    words[key] = word
        return words, value
    if kind == z3.Z3_OP_CONCAT:
        value, above, inner = 0, term.size(), None
        for part in parts:
            turned = part.decl().kind() == z3.Z3_OP_BNOT
            cut = part.arg(0) if turned else part
            above -= part.size()
            if cut.decl().kind() != z3.Z3_OP_EXTRACT or cut.params()[1] != above:
                return {term.get_id(): term}, 0
            inner = cut.arg(0) if inner is None else inner
            if not inner.eq(cut.arg(0)) or inner.size() != term.size():
                return {term.get_id(): term}, 0
            value |= ((1 << part.size()) - 1 << above) * turned
        return xored(z3.BitVecVal(value, term.size()) ^ inner) if inner is not None else ({}, 0)
    return {term.get_id(): term}, 0


def xor(words: tuple[dict[int, Any], int], width: int) -> Any:
    """The word that `xored` took apart."""
    parts = [*words[0].values(), *([z3.BitVecVal(words[1], width)] if words[1] else [])]
    return reduce(operator.xor, parts) if parts else z3.BitVecVal(0, width)


def conjuncts(term: Any) -> list[Any]:
    term = whole(term)
    if term.decl().kind() == z3.Z3_OP_AND:
        return [part for each in term.children() for part in conjuncts(each)]
    return [term]
