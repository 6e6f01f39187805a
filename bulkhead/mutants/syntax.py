"""Syntax trees of the contracts, from the compiler: where expressions and statements are.

Places are offsets in bytes, as the compiler counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkhead.chain.compiler import Compiler, request
from bulkhead.chain.sources import SourceTree
from bulkhead.errors import BulkheadError

Node = dict[str, Any]
Span = tuple[int, int]
EXPRESSIONS = frozenset(
    (
        *("Assignment", "BinaryOperation", "Conditional", "FunctionCall", "Identifier"),
        *("IndexAccess", "Literal", "MemberAccess", "TupleExpression", "UnaryOperation"),
    )
)


def span(node: Node) -> Span:
    """Start and end of a node."""
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def children(node: Node) -> Iterator[Node]:
    """The nodes right below."""
    for value in node.values():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, dict) and "nodeType" in part and "src" in part:
                yield part


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it; nothing of assembly, whose nodes are of another kind."""
    yield node
    if node["nodeType"] != "InlineAssembly":
        for child in children(node):
            yield from walk(child)


@dataclass
class Unit:
    """One file with its tree."""

    name: str
    text: bytes
    tree: Node
    expressions: dict[Span, Node] = field(default_factory=dict)
    blocks: list[list[Span]] = field(default_factory=list)  # statements that follow each other
    functions: dict[str, list[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in walk(self.tree):
            kind = node["nodeType"]
            if kind in EXPRESSIONS:
                self.expressions.setdefault(span(node), node)
            elif kind in ("Block", "UncheckedBlock"):
                self.blocks.append([self.statement(each) for each in node["statements"]])
            elif kind in ("FunctionDefinition", "ModifierDefinition"):
                self.functions.setdefault(node["name"] or node["kind"], []).append(node)
            for name in ("trueBody", "falseBody", "body"):
                inner = node.get(name)
                if isinstance(inner, dict) and inner["nodeType"] not in ("Block", "UncheckedBlock"):
                    self.blocks.append([self.statement(inner)])

    def statement(self, node: Node) -> Span:
        """With its semicolon, which the compiler leaves out of most."""
        start, end = span(node)
        if self.text[end : end + 1] == b";":
            end += 1
        return start, end

    def is_expression(self, place: Span) -> bool:
        """Whether exactly this is an expression."""
        return place in self.expressions

    def is_statements(self, place: Span) -> bool:
        """Whether exactly this is one statement or several in a row."""
        start, end = place
        for block in self.blocks:
            starts = [one for one, _ in block]
            if start in starts and end in [other for _, other in block[starts.index(start) :]]:
                return True
        return False


class SyntaxProblem(BulkheadError):
    """A source does not parse."""


def parse(root: Path, files: list[str], compiler: Compiler | None = None) -> dict[str, Unit]:
    """Trees of these files. Takes a second or two: no code is made."""
    tree = SourceTree(root)
    sources = {}
    for name in files:
        sources.update(tree.closure(name))
    asked = request(files, sources)
    asked["settings"]["outputSelection"] = {name: {"": ["ast"]} for name in files}
    mine = compiler or Compiler(root)
    try:
        output = mine.run(asked)
    finally:
        if compiler is None:
            mine.close()
    wrong = [each for each in output.get("errors", []) if each["severity"] == "error"]
    if wrong:
        raise SyntaxProblem("\n".join(each["formattedMessage"] for each in wrong))
    return {
        name: Unit(name, sources[name].text.encode(), output["sources"][name]["ast"])
        for name in files
    }
