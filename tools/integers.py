"""Words as integers: what a query over bit vectors says, with the overflows it can't have left out.

Every term becomes a polynomial that equals it modulo 2^width, with bounds; as long as the bounds
lie within a word nothing wraps, and a product stays a product. What has no translation becomes an
unknown of its width, so a query without an answer here has none there either: `unsat` carries over,
`sat` holds only once the query itself agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3
from shapes import conjuncts, gathered, whole, xor, xored
from sums import Poly, Sums, Window

_COMPARED = {
    z3.Z3_OP_ULEQ: (False, 0, False),
    z3.Z3_OP_ULT: (False, 1, False),
    z3.Z3_OP_UGEQ: (False, 0, True),
    z3.Z3_OP_UGT: (False, 1, True),
    z3.Z3_OP_SLEQ: (True, 0, False),
    z3.Z3_OP_SLT: (True, 1, False),
    z3.Z3_OP_SGEQ: (True, 0, True),
    z3.Z3_OP_SGT: (True, 1, True),
}
_DIVISIONS = {
    z3.Z3_OP_BUDIV: (False, False),
    z3.Z3_OP_BUREM: (False, True),
    z3.Z3_OP_BSDIV: (True, False),
    z3.Z3_OP_BSREM: (True, True),
    z3.Z3_OP_BUDIV_I: (False, False),  # the simplifier's, by what is not 0
    z3.Z3_OP_BUREM_I: (False, True),
    z3.Z3_OP_BSDIV_I: (True, False),
    z3.Z3_OP_BSREM_I: (True, True),
}
MULTIPLES = 4  # of 2^width that a difference may be, beyond which words are reduced first
ROUNDS = 4


class Query(Sums):
    """One query, translated."""

    def __init__(self, assertions: Iterable[Any], known: Query | None = None) -> None:
        """`known`: a query whose assertions are among these."""
        super().__init__()
        self.assertions = [part for each in assertions for part in conjuncts(each)]
        self.facts: dict[int, list[Window]] = dict(known.facts) if known else {}
        self._about: list[Any] = [*known._about] if known else []  # facts are about
        for _ in range(2 if known else ROUNDS):
            self._translate()
            before = dict(self.facts)
            for each in self.assertions:
                self._learn(each, True)
            if self.facts == before:
                return
        self._translate()

    def _translate(self) -> None:
        self.clear()
        self.words: dict[str, Any] = {}  # the query's own words by name
        self._words: dict[int, Poly] = {}
        self._bools: dict[int, Any] = {}
        self.main = [self.boolean(each) for each in self.assertions]

    # ---- words

    def within(self, a: Poly, low: int, width: int) -> Poly:
        """The value in [low, low + 2^width) that equals it modulo 2^width."""
        size = 1 << width
        first, last = (a.low - low) // size, (a.high - low) // size
        if first == last:
            return self.add(a, self.number(first * size), -1)
        key = ("within", a.terms, low, width)
        if key not in self._known:
            times = self.fresh(first, last)
            found = self.add(a, times, -size)
            value = self.expression(found)
            self.side += [value >= low, value <= low + size - 1]
            self._known[key] = Poly(
                found.terms, max(found.low, low), min(found.high, low + size - 1)
            )
        return self._known[key]

    def unsigned(self, term: Any) -> Poly:
        """The word as a number from 0."""
        return self.within(self.word(term), 0, term.size())

    def signed(self, term: Any) -> Poly:
        """The word by two's complement."""
        return self.within(self.word(term), -(1 << term.size() - 1), term.size())

    def word(self, term: Any) -> Poly:
        """A polynomial that equals the word modulo 2^width."""
        key = term.get_id()
        if key not in self._words:
            self._keep.append(term)
            self._words[key] = self._narrow(term, self._word(term))
        return self._words[key]

    def _narrow(self, term: Any, found: Poly) -> Poly:
        """By what the query says of the term outright."""
        size = 1 << term.size()
        for low, high in self.facts.get(term.get_id(), ()):
            first, last = -((high - found.low) // size), (found.high - low) // size
            if first != last:
                continue
            low, high = low + first * size, high + first * size
            if low > found.low or high < found.high:
                value = self.expression(found)
                self.side += [value >= low, value <= high]
                if len(found.terms) == 1 and found.terms[0][1] == 1 and len(found.terms[0][0]) == 1:
                    name = found.terms[0][0][0]
                    was = self.bounds[name]
                    self.bounds[name] = (max(was[0], low), min(was[1], high))
                found = Poly(found.terms, max(low, found.low), min(high, found.high))
        return found

    def _word(self, term: Any) -> Poly:
        width, kind, parts = term.size(), term.decl().kind(), term.children()
        size = 1 << width
        if z3.is_bv_value(term):
            value = term.as_long()
            return self.number(value - size if value >= size // 2 and width > 1 else value)
        if kind in _DIVISIONS:
            return self._division(*parts, *_DIVISIONS[kind])
        if kind == z3.Z3_OP_BMUL:
            chosen = self._chosen(term)
            if chosen is not None:
                return self.choose(chosen[0], self.word(chosen[1]), self.number(0))
            found = self.word(parts[0])
            for part in parts[1:]:
                found = self._small(self.multiply(found, self.word(part)), width)
            return found
        if kind == z3.Z3_OP_UNINTERPRETED and not parts:
            self.words[term.decl().name()] = term
            return self.fresh(0, size - 1, f"w_{term.decl().name()}")
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BSUB):
            found = self.word(parts[0])
            for part in parts[1:]:
                found = self.add(found, self.word(part), 1 if kind == z3.Z3_OP_BADD else -1)
            return self._small(found, width)
        if kind == z3.Z3_OP_BNEG:
            return self.add(self.number(0), self.word(parts[0]), -1)
        if kind == z3.Z3_OP_BNOT:
            return self.add(self.number(-1), self.word(parts[0]), -1)
        if kind == z3.Z3_OP_ITE:
            return self.choose(self.boolean(parts[0]), *(self.word(part) for part in parts[1:]))
        if kind == z3.Z3_OP_EXTRACT:
            return self._extract(term, parts[0])
        if kind == z3.Z3_OP_ZERO_EXT:
            return self.unsigned(parts[0])
        if kind == z3.Z3_OP_SIGN_EXT:
            return self.signed(parts[0])
        if kind == z3.Z3_OP_CONCAT:
            return self._concat(parts)
        if kind in (z3.Z3_OP_BSHL, z3.Z3_OP_BLSHR, z3.Z3_OP_BASHR) and z3.is_bv_value(parts[1]):
            by = parts[1].as_long()
            if kind == z3.Z3_OP_BSHL:
                return (
                    self.number(0)
                    if by >= width
                    else self.multiply(self.word(parts[0]), self.number(1 << by))
                )
            value = self.unsigned(parts[0]) if kind == z3.Z3_OP_BLSHR else self.signed(parts[0])
            return self._floor(value, 1 << by)[0] if by <= 512 else self.fresh(0, size - 1)
        if kind == z3.Z3_OP_BXOR:
            joined = gathered(term)
            if joined.decl().kind() != kind:
                return self.word(joined)
            least = self._least(term)
            if least is not None:
                return least
        if kind == z3.Z3_OP_BXOR and len(parts) == 2:
            for flag, other in (parts, parts[::-1]):
                sign = self.signed(flag)
                if sign.low >= -1 and sign.high <= 0:  # all bits or none
                    value = self.word(other)
                    turned = self.add(self.number(-1), value, -1)
                    return self.choose(self.compare(self.number(0), sign, 0), value, turned)
        if kind == z3.Z3_OP_BOR and len(parts) == 2:
            return self._or(*(self.unsigned(part) for part in parts))
        if kind == z3.Z3_OP_BAND and len(parts) == 2:
            for mask, other in (parts, parts[::-1]):
                ones = mask.as_long() + 1 if z3.is_bv_value(mask) else 0
                if ones and ones & (ones - 1) == 0:
                    return self.within(self.word(other), 0, ones.bit_length() - 1)
        return self.fresh(0, size - 1)

    def _least(self, term: Any) -> Poly | None:
        """x ^ c (x ^ y), with c 0 or 1: the smaller of x and y, or the larger."""
        parts, value = xored(term)
        for key, part in parts.items():
            chosen = self._chosen(part)
            if chosen is None:
                continue
            rest = {each: word for each, word in parts.items() if each != key}
            turned, turns = xored(chosen[1])
            other = {each: turned[each] for each in turned.keys() - rest.keys()}
            other |= {each: rest[each] for each in rest.keys() - turned.keys()}
            turns ^= value
            if not other or (len(other) == 1 and turns == 0):
                words = (xor(each, term.size()) for each in ((other, turns), (rest, value)))
                return self.choose(chosen[0], *(self.word(each) for each in words))
        return None

    def _chosen(self, term: Any) -> tuple[Any, Any] | None:
        """The condition c and the word w of c w, with c 0 or 1."""
        parts = term.children()
        if term.decl().kind() != z3.Z3_OP_BMUL or len(parts) != 2:
            return None
        for flag, word in (parts, parts[::-1]):
            value = self.unsigned(flag)
            if value.low >= 0 and value.high <= 1:
                return z3.simplify(self.expression(value) == 1), word
        return None

    def _or(self, a: Poly, b: Poly) -> Poly:
        """Not less than either, not more than both together."""
        found = self.fresh(max(a.low, b.low), (1 << max(a.high, b.high).bit_length()) - 1)
        value, x, y = (self.expression(each) for each in (found, a, b))
        self.side += [value >= x, value >= y, value <= x + y]
        return found

    def _small(self, a: Poly, width: int) -> Poly:
        """As it is, unless it grows beyond all use."""
        return a if max(-a.low, a.high) < 1 << (2 * width + 8) else self.within(a, 0, width)

    def _extract(self, term: Any, inner: Any) -> Poly:
        low = term.params()[1]
        if low == 0:
            return self.word(inner)
        value = self.unsigned(inner)
        return self._floor(value, 1 << low)[0] if value.high >= 1 << low else self.number(0)

    def _concat(self, parts: list[Any]) -> Poly:
        last = parts[-1]
        top = last.size() - 1
        sign = z3.Extract(top, top, last)
        if last.decl().kind() == z3.Z3_OP_EXTRACT:
            shift = last.params()[1]
            sign = z3.Extract(top + shift, top + shift, last.arg(0))
        if all(part.eq(sign) or (top == 0 and part.eq(last)) for part in parts[:-1]):
            return self.signed(last)
        found, shift = self.number(0), 0
        for part in reversed(parts):
            found = self.add(found, self.unsigned(part), 1 << shift)
            shift += part.size()
        return found

    def _floor(self, a: Poly, divisor: int) -> tuple[Poly, Poly]:
        """Quotient and remainder by a positive constant, toward minus infinity."""
        if a.low // divisor == a.high // divisor:
            quotient = self.number(a.low // divisor)
            return quotient, self.add(a, quotient, -divisor)
        key = ("floor", a.terms, divisor)
        if key not in self._known:
            quotient = self.fresh(a.low // divisor, a.high // divisor)
            rest = self.add(a, quotient, -divisor)
            value = self.expression(rest)
            self.side += [value >= 0, value <= divisor - 1]
            rest = Poly(rest.terms, max(rest.low, 0), min(rest.high, divisor - 1))
            self._known[key] = quotient, rest
        return self._known[key]

    def _division(self, a: Any, b: Any, signs: bool, rest: bool) -> Poly:
        x, y = (self.signed(each) if signs else self.unsigned(each) for each in (a, b))
        if y.constant and y.low > 0 and x.low >= 0:
            return self._floor(x, y.low)[rest]
        if not y.low <= 0 <= y.high:
            return self._divide(x, y)[rest]
        zero = self.expression(y) == 0
        if rest:
            special = x
        elif signs:
            special = self.choose(
                self.compare(self.number(0), x, 0), self.number(-1), self.number(1)
            )
        else:
            special = self.number(-1)
        return self.choose(zero, special, self._divide(x, y)[rest])

    def _divide(self, x: Poly, y: Poly) -> tuple[Poly, Poly]:
        """Toward zero; says nothing where y is 0."""
        key = ("divide", x.terms, y.terms)
        if key in self._known:
            return self._known[key]
        most = max(abs(x.low), abs(x.high)) // (
            min(abs(y.low), abs(y.high)) if y.low * y.high > 0 else 1
        )
        plain = x.low >= 0 and y.low >= 0
        quotient = self.fresh(0 if plain else -most, most)
        rest = self.add(x, self.multiply(quotient, y), -1)
        value, up, by = (self.expression(each) for each in (rest, x, y))
        size = z3.If(by > 0, by, -by)
        right = z3.Or(
            by == 0,
            z3.And(up >= 0, value >= 0, value <= size - 1),
            z3.And(up <= 0, value <= 0, value >= 1 - size),
        )
        self.side.append(right)
        end = max(abs(y.low), abs(y.high), 1) - 1
        low = 0 if x.low >= 0 else -end
        high = 0 if x.high <= 0 else end
        if not y.low <= 0 <= y.high:
            rest = Poly(rest.terms, max(rest.low, low), min(rest.high, high))
        self._known[key] = quotient, rest
        return self._known[key]

    # ---- conditions

    def boolean(self, term: Any) -> Any:
        """The condition over integers."""
        key = term.get_id()
        if key not in self._bools:
            self._keep.append(term)
            self._bools[key] = z3.simplify(self._boolean(whole(term)))
        return self._bools[key]

    def _boolean(self, term: Any) -> Any:
        kind, parts = term.decl().kind(), term.children()
        if z3.is_true(term) or z3.is_false(term):
            return term
        made: dict[int, Callable[..., Any]] = {
            z3.Z3_OP_AND: z3.And,
            z3.Z3_OP_OR: z3.Or,
            z3.Z3_OP_NOT: z3.Not,
            z3.Z3_OP_IMPLIES: z3.Implies,
            z3.Z3_OP_XOR: z3.Xor,
        }
        if kind in made:
            return made[kind](*(self.boolean(part) for part in parts))
        if kind == z3.Z3_OP_ITE:
            return z3.If(*(self.boolean(part) for part in parts))
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT) and len(parts) == 2:
            if z3.is_bool(parts[0]):
                same = self.boolean(parts[0]) == self.boolean(parts[1])
            elif z3.is_bv(parts[0]):
                same = self._equal(*parts)
            else:
                return z3.Bool(f"b{term.get_id()}")
            return same if kind == z3.Z3_OP_EQ else z3.Not(same)
        if kind in _COMPARED:
            signs, less, turned = _COMPARED[kind]
            a, b = parts[::-1] if turned else parts
            mixed = self._signs(a, b, less) if signs else None
            if mixed is not None:
                return mixed
            read = self.signed if signs else self.unsigned
            return self.compare(read(a), read(b), less)
        return z3.Bool(f"b{term.get_id()}")

    def _signs(self, a: Any, b: Any, less: int) -> Any:
        """Whether x ^ y is negative, or not: only the signs count."""
        for word, other, below in ((a, b, True), (b, a, False)):
            if word.decl().kind() != z3.Z3_OP_BXOR or not z3.is_bv_value(other):
                continue
            value = other.as_signed_long()
            if below and value == (0 if less else -1):
                wanted = True
            elif not below and value == (-1 if less else 0):
                wanted = False
            else:
                continue
            found: Any = z3.BoolVal(not wanted)
            for part in word.children():
                found = z3.Xor(found, self.compare(self.signed(part), self.number(0), 1))
            return found
        return None

    def _equal(self, a: Any, b: Any) -> Any:
        size = 1 << a.size()
        gap = self.add(self.word(a), self.word(b), -1)
        first, last = -(-gap.low // size), gap.high // size
        if last - first > MULTIPLES:
            gap = self.add(self.unsigned(a), self.unsigned(b), -1)
            first = last = 0
        value = self.expression(gap)
        if gap.constant:
            return z3.BoolVal(gap.low % size == 0)
        return z3.Or(*(value == times * size for times in range(first, last + 1)))

    def _learn(self, term: Any, holds: bool) -> None:
        """Bounds that an assertion gives a term outright."""
        term = whole(term)
        kind, parts = term.decl().kind(), term.children()
        if kind == z3.Z3_OP_NOT:
            self._learn(parts[0], not holds)
        elif (kind == z3.Z3_OP_AND and holds) or (kind == z3.Z3_OP_OR and not holds):
            for part in parts:
                self._learn(part, holds)
        elif kind == z3.Z3_OP_EQ and holds and z3.is_bv(parts[0]):
            for word, other in (parts, parts[::-1]):
                value = self.word(other)
                if value.high - value.low < 1 << word.size():
                    self._fact(word, value.low, value.high)
        elif kind in _COMPARED:
            signs, less, turned = _COMPARED[kind]
            a, b = parts[::-1] if turned else parts
            if not holds:
                (a, b), less = (b, a), 1 - less
            read = self.signed if signs else self.unsigned
            least = -(1 << a.size() - 1) if signs else 0
            self._fact(a, least, read(b).high - less)
            self._fact(b, read(a).low + less, least + (1 << a.size()) - 1)

    def _fact(self, term: Any, low: int, high: int) -> None:
        """The word equals a number in [low, high], modulo 2^width."""
        if low > high or z3.is_bv_value(term):
            return
        kind = term.decl().kind()
        if kind == z3.Z3_OP_EXTRACT and low >= 0:
            top, shift = term.params()
            inner = term.arg(0)
            if self.unsigned(inner).high < 1 << (top + 1):
                self._fact(inner, low << shift, ((high + 1) << shift) - 1)
        elif kind == z3.Z3_OP_CONCAT and low >= 0:
            *above, last = term.children()
            if high < 1 << last.size() and all(z3.is_bv_value(each) for each in above):
                self._fact(last, low, high)  # bits above are zeros, or nothing holds at all
        key = term.get_id()
        known = self.facts.get(key, [])
        if any(low <= least and most <= high for least, most in known):
            return
        self._about.append(term)
        narrower = [each for each in known if not (low >= each[0] and high <= each[1])]
        self.facts[key] = [*narrower, (low, high)]

    # ---- solving

    def formulas(self) -> list[Any]:
        """Everything but what products are."""
        found = [*self.main, *self.side]
        for name, (low, high) in self.bounds.items():
            found += [self.unknown(name) >= low, self.unknown(name) <= high]
        factors = [(terms, *each) for terms, each in self.factors.items()]
        for mono in self.products:
            if len(mono) == 2:
                one, two = (Poly((((name,), 1),), *self.bounds[name]) for name in mono)
                factors.append((((mono, 1),), one, two))
        for terms, a, b in factors:  # (a - end) (b - end) has a sign at each corner
            value = self.expression(Poly(terms, 0, 0))
            x, y = self.expression(a), self.expression(b)
            found += [
                value - b.low * x - a.low * y + a.low * b.low >= 0,
                value - b.high * x - a.high * y + a.high * b.high >= 0,
                value - b.high * x - a.low * y + a.low * b.high <= 0,
                value - b.low * x - a.high * y + a.high * b.low <= 0,
            ]
        for mono, value in self.products.items():
            low, high = self._of_monomial(mono)
            found += [value >= low, value <= high]
        return found

    def meanings(self) -> list[Any]:
        """What products are."""
        found = []
        for mono, value in self.products.items():
            product: Any = z3.Int(mono[0])
            for name in mono[1:]:
                product = product * z3.Int(name)
            found.append(value == product)
        return found
