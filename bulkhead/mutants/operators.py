"""Mutants made by rule: the operators of slither-mutate, applied to syntax trees.

slither-mutate edits lines of text and has the whole project compiled for each mutant. Here each
mutant replaces one whole expression or statement, so all of them compile together. The operators
keep its names: AOR arithmetic, ROR relational, LOR logical, BOR bitwise, ASOR assignment, UOR
unary operators, LIR literals, MIA conditions of `if`, CR statements removed, RR statements
replaced by a revert, SBR built-in names.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bulkhead.chain.compiler import Compiler, request
from bulkhead.chain.sources import Source, SourceTree
from bulkhead.mutants.mutant import GENERATED, Mutant
from bulkhead.mutants.syntax import Node, Span, SyntaxProblem, Unit, parse, span, walk
from bulkhead.mutants.weave import SWITCH_FILE, SWITCH_SOURCE, place_all, weave

CORE = (
    *(
        f"contracts/libraries/{name}.sol"
        for name in (
            *(
                "Acceptance",
                "DeleveragePlan",
                "Engine",
                "Funding",
                "Impact",
                "Ledger",
                "Liquidation",
            ),
            *("LiquidationPlan", "MarginTable", "PositionMath", "StateStore", "Trade"),
            *("Volatility", "WadMath"),
        )
    ),
    *(
        f"contracts/market/{name}.sol"
        for name in (
            *("Deleveraging", "Entry", "Exits", "Governance", "Liquidating", "Market"),
            *("Ownership", "Parameters", "PositionVault", "Settlement", "Trading"),
        )
    ),
    *(
        f"contracts/pool/{name}.sol"
        for name in (
            *("DepositQueue", "InsuranceFund", "LiquidityPool", "PoolClaims", "PoolRequests"),
            "RedeemQueue",
        )
    ),
)
_BINARY = {
    "AOR": ("+", "-", "*", "/", "%"),
    "ROR": ("<", ">", "<=", ">=", "==", "!="),
    "LOR": ("&&", "||"),
    "BOR": ("&", "|", "^", "<<", ">>"),
}
_OTHER_RULES = ("ASOR", "UOR", "LIR", "MIA", "CR", "RR", "SBR")
ID = re.compile(  # of a mutant made here: operator, contract, line, place, length
    rf"({'|'.join((*_BINARY, *_OTHER_RULES))})"
    rf"-({'|'.join(Path(name).stem for name in CORE)})-\d+-\d+-\d+"
)
_ASSIGN = ("=", "+=", "-=", "*=", "/=")
_SIMPLE = frozenset(("ExpressionStatement", "EmitStatement"))

Change = tuple[str, Span, str]  # operator, place, replacement


def changes(unit: Unit) -> Iterator[Change]:
    """All mutants of a file's functions."""
    text = unit.text
    for nodes in unit.functions.values():
        for function in nodes:
            if function.get("body"):
                for node in walk(function["body"]):
                    yield from _of(text, node)


def _of(text: bytes, node: Node) -> Iterator[Change]:
    rule = _RULES.get(node["nodeType"])
    if rule is not None:
        yield from rule(text, node)


def _text(text: bytes, node: Node) -> str:
    start, end = span(node)
    return text[start:end].decode()


def _binary(text: bytes, node: Node) -> Iterator[Change]:
    left, right = _text(text, node["leftExpression"]), _text(text, node["rightExpression"])
    for rule, operators in _BINARY.items():
        if node["operator"] in operators:
            for other in operators:
                if other != node["operator"]:
                    yield rule, span(node), f"({left}) {other} ({right})"


def _assignment(text: bytes, node: Node) -> Iterator[Change]:
    left, right = _text(text, node["leftHandSide"]), _text(text, node["rightHandSide"])
    kind = node["typeDescriptions"]["typeString"] or ""
    if node["operator"] in _ASSIGN and kind.startswith(("uint", "int")):
        for other in _ASSIGN:
            if other != node["operator"]:
                yield "ASOR", span(node), f"{left} {other} {right}"


def _unary(text: bytes, node: Node) -> Iterator[Change]:
    inner, operator = _text(text, node["subExpression"]), node["operator"]
    if operator in ("++", "--"):
        other = "--" if operator == "++" else "++"
        yield "UOR", span(node), other + inner if node["prefix"] else inner + other
    elif operator in ("-", "!", "~"):
        yield "UOR", span(node), inner


def _literal(text: bytes, node: Node) -> Iterator[Change]:
    if node["kind"] == "number":
        value = _text(text, node)
        for other in ("0", f"({value} + 1)"):
            if other != value:
                yield "LIR", span(node), other


def _if(text: bytes, node: Node) -> Iterator[Change]:
    condition = node["condition"]
    for other in ("true", "false", f"!({_text(text, condition)})"):
        yield "MIA", span(condition), other


def _block(text: bytes, node: Node) -> Iterator[Change]:
    for each in node["statements"]:
        start, end = span(each)
        if each["nodeType"] in _SIMPLE and text[end : end + 1] == b";":
            yield "CR", (start, end + 1), ""
            yield "RR", (start, end + 1), "revert();"


def _built_in(text: bytes, node: Node) -> Iterator[Change]:
    name = _text(text, node)
    if name == "block.timestamp":
        yield "SBR", span(node), "0"
    elif name == "msg.sender":
        yield "SBR", span(node), "tx.origin"


_RULES: dict[str, Callable[[bytes, Node], Iterator[Change]]] = {
    "BinaryOperation": _binary,
    "Assignment": _assignment,
    "UnaryOperation": _unary,
    "Literal": _literal,
    "IfStatement": _if,
    "Block": _block,
    "UncheckedBlock": _block,
    "MemberAccess": _built_in,
}


def sample(root: Path, seed: int, count: int) -> list[Mutant]:
    """Some of all that there are: no two in the same place, all operators alike."""
    dice = random.Random(seed)
    by_rule: dict[str, list[tuple[Unit, Change]]] = {}
    for unit in parse(root, list(CORE)).values():
        for change in changes(unit):
            by_rule.setdefault(change[0], []).append((unit, change))
    for rows in by_rule.values():
        dice.shuffle(rows)
    chosen: list[Mutant] = []
    taken: dict[str, list[Span]] = {}
    rules = sorted(by_rule)
    while len(chosen) < count and any(by_rule.values()):
        for rule in rules:
            if by_rule[rule] and len(chosen) < count:
                unit, change = by_rule[rule].pop()
                held = taken.setdefault(unit.name, [])
                if not any(_crosses(change[1], other) for other in held):
                    held.append(change[1])
                    chosen.append(_mutant(unit, change))
    return sorted(chosen, key=lambda each: each.id)


def _crosses(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _mutant(unit: Unit, change: Change) -> Mutant:
    rule, (start, end), replacement = change
    line = unit.text.count(b"\n", 0, start) + 1
    stem = Path(unit.name).stem
    was = unit.text[start:end].decode()
    what = f"{was} -> {replacement or '(nothing)'}"
    return Mutant(
        id=f"{rule}-{stem}-{line}-{start}-{len(replacement)}",
        area=GENERATED,
        file=unit.name,
        find=was,
        replace=replacement,
        breaks=" ".join(what.split()),
        at=start,
    )


def compiling(root: Path, mutants: list[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Those that pass the type checker behind their switch, and those that do not."""
    units = parse(root, sorted({mutant.file for mutant in mutants}))
    good, bad = list(mutants), list[Mutant]()
    compiler = Compiler(root)
    try:
        while wrong := _wrong(root, units, good, compiler):
            bad += [mutant for mutant in good if mutant.id in wrong]
            good = [mutant for mutant in good if mutant.id not in wrong]
    finally:
        compiler.close()
    return good, bad


def _wrong(
    root: Path, units: dict[str, Unit], mutants: list[Mutant], compiler: Compiler
) -> set[str]:
    """Ids of mutants that the type checker points at when all are woven in."""
    tree = SourceTree(root)
    sources = {SWITCH_FILE: Source(SWITCH_FILE, SWITCH_SOURCE, "", (), ())}
    ranges: dict[str, list[tuple[Span, str]]] = {}
    for name, placed in place_all(units, mutants).items():
        sources |= {key: each for key, each in tree.closure(name).items() if key not in sources}
        text = weave(units[name], placed)
        sources[name] = replace(tree.get(name), text=text)
        ranges[name] = [(_range(text, each.mutant), each.mutant.id) for each in placed]
    asked = request(sorted(ranges), sources)
    asked["settings"]["outputSelection"] = {name: {"": ["ast"]} for name in ranges}
    found: set[str] = set()
    for problem in compiler.run(asked).get("errors", []):
        if problem["severity"] == "error":
            place = problem["sourceLocation"]
            error = (place["start"], place["end"])
            hit = {id_ for span_, id_ in ranges[place["file"]] if _crosses(span_, error)}
            if not hit:
                raise SyntaxProblem(problem["formattedMessage"])
            found |= hit
    return found


def _range(text: str, mutant: Mutant) -> Span:
    """From a mutant's switch to the end of its replacement, in bytes of the woven file."""
    mark = f"== {mutant.switch}"
    start = len(text[: text.index(mark)].encode())
    return start, start + len(mark) + len(mutant.replace.encode()) + 5
