"""Run slither over the contracts and compare its findings with those that were judged.

Judged findings stand in docs/slither.md, one a line, with a reason:

    - `reentrancy-benign` `Market.open(uint256,int256)`: the vault runs no foreign code.

A finding that is not there fails; a line that no longer matches anything fails too, so that the
list stays true. Findings are named by check and place, never by line number. `--list` prints the
lines to judge.
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from typing import Any

from crytic_compile import CryticCompile
from crytic_compile.compilation_unit import CompilationUnit
from crytic_compile.compiler.compiler import CompilerVersion
from crytic_compile.platform.solc_standard_json import SolcStandardJson, parse_standard_json_output
from slither import Slither
from slither.core.declarations.contract import Contract
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector, DetectorClassification

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compiler import Compiler, request
from bulkhead.chain.sources import SOLC_VERSION, SourceTree

TRIAGE = ROOT / "docs" / "slither.md"
_LINE = re.compile(r"^- `([\w-]+)` `([^`]+)`: (\S.*)$", re.M)
_NO_CODE = {"bytecode": {"object": "", "sourceMap": ""}}
_NO_CODE["deployedBytecode"] = _NO_CODE["bytecode"]
_SERIOUS = (
    DetectorClassification.HIGH,
    DetectorClassification.MEDIUM,
    DetectorClassification.LOW,
)


def _roots(tree: SourceTree) -> list[str]:
    """All that is deployed, and the interfaces."""
    return [name for name in tree.files() if not name.startswith("contracts/test/")]


class Directives(dict[Any, list[Any]]):
    """The `using ... for` of a contract, where those of its bases add up.

    Slither resolves an inherited function with the directives of the heir, and lets what one base
    says of a type replace what another said of it: `using ShortStrings for *` of EIP712 hid
    `using TransientSlot for *` of the reentrancy guard, whose calls then led nowhere.
    """

    def update(self, base: dict[Any, list[Any]]) -> None:  # type: ignore[override]
        """Take over the directives of a base; its lists stay its own."""
        for kind, libraries in base.items():
            mine = self.setdefault(kind, [])
            mine.extend(library for library in libraries if library not in mine)


class Complaints(logging.Handler):
    """Keeps what slither only logs: it goes on without the function it could not read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.name}: {record.getMessage()}")


class Parsed(SolcStandardJson):
    """Syntax trees only: slither needs no code, and making code is what takes long."""

    def compile(self, crytic_compile: CryticCompile, **_: Any) -> None:
        tree = SourceTree(ROOT)
        roots = _roots(tree)
        sources = {}
        for root in roots:
            sources.update(tree.closure(root))
        asked = request(roots, sources)
        asked["settings"]["outputSelection"] = {"*": {"*": ["abi"], "": ["ast"]}}
        compiler = Compiler(ROOT)
        output = compiler.run(asked)
        compiler.close()
        errors = [
            e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"
        ]
        if errors:
            raise SystemExit("\n".join(errors))
        for contracts in output.get("contracts", {}).values():
            for contract in contracts.values():
                contract["evm"] = _NO_CODE
        unit = CompilationUnit(crytic_compile, "bulkhead")
        optimizer = asked["settings"]["optimizer"]
        unit.compiler_version = CompilerVersion(
            "solc",
            SOLC_VERSION,
            optimizer["enabled"],
            optimizer["runs"],
            asked["settings"]["viaIR"],
        )
        parse_standard_json_output(output, unit, solc_working_dir=str(ROOT))


def _place(element: dict[str, Any]) -> str:
    """`Contract.function(types)` of what a finding is about."""
    fields = element.get("type_specific_fields", {})
    parent = fields.get("parent")
    if element["type"] == "function":
        return f"{parent['name']}.{fields['signature']}"
    if element["type"] == "node" and parent:
        return _place(parent)
    if parent and parent.get("type") == "function":  # a local variable or parameter
        return f"{_place(parent)}.{element['name']}"
    if parent and parent.get("type") == "contract":
        return f"{parent['name']}.{element['name']}"
    return str(element["name"])


def _merge_directives() -> None:
    construct = Contract.__init__

    def constructed(self: Contract, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs)
        self._using_for = Directives()

    Contract.__init__ = constructed


def _unread(slither: Slither) -> list[str]:
    """What slither did not take in whole; nothing may be judged by a look at less than all."""
    read = {(c.source_mapping.filename.relative, c.name): c for c in slither.contracts}
    tree = SourceTree(ROOT)
    result = []
    for file in _roots(tree):
        for name in tree.get(file).contracts:
            contract = read.get((file, name))
            if contract is None or contract.is_incorrectly_constructed:
                result.append(f"{name} of {file} was not analysed")
    functions = [f for c in slither.contracts for f in (*c.functions, *c.modifiers)]
    functions += [f for unit in slither.compilation_units for f in unit.functions_top_level]
    for function in functions:
        for node in function.nodes:
            if node.expression is not None and not node.irs:
                result.append(f"{function.canonical_name}: `{node.expression}` was not analysed")
    return result


def findings() -> dict[tuple[str, str], list[str]]:
    """(check, place) -> descriptions, without findings that lie in dependencies or tests."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    _merge_directives()
    slither = Slither(CryticCompile(Parsed({}), cwd=str(ROOT)), disallow_partial=True)
    slither._show_ignored_findings = True  # a comment in a contract silences nothing
    if incomplete := _unread(slither) + complaints.lines:
        raise SystemExit("\n".join(["slither: not everything was analysed", *incomplete]))
    for name in dir(all_detectors):
        found = getattr(all_detectors, name)
        detector = isinstance(found, type) and issubclass(found, AbstractDetector)
        if detector and found is not AbstractDetector and found.IMPACT in _SERIOUS:
            slither.register_detector(found)
    result: dict[tuple[str, str], list[str]] = {}
    for group in slither.run_detectors():
        for finding in group:
            elements = finding["elements"]
            own = [
                element
                for element in elements
                if not element["source_mapping"]["filename_relative"].startswith("node_modules/")
            ]
            if elements and not own:
                continue
            place = _place(own[0]) if own else "-"
            text = f"{finding['impact']}: {finding['description'].strip()}"
            result.setdefault((finding["check"], place), []).append(text)
    return result


def main() -> int:
    """Exit code 1 where findings and docs/slither.md differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print lines for docs/slither.md")
    options = parser.parse_args()
    if not SourceTree(ROOT).files():
        print("slither: no contracts")
        return 0
    found = findings()
    text = TRIAGE.read_text() if TRIAGE.exists() else ""
    judged = {(check, place) for check, place, _ in _LINE.findall(text)}
    new = sorted(set(found) - judged)
    stale = sorted(judged - set(found))
    for check, place in new:
        if options.list:
            print(f"- `{check}` `{place}`: ")
        else:
            texts = "\n  ".join(found[check, place])
            print(f"new: {check} in {place}\n  {texts}\n", file=sys.stderr)
    for check, place in stale:
        print(f"docs/slither.md names what slither no longer finds: {check} in {place}")
    print(f"slither: {len(found)} findings, {len(new)} new, {len(stale)} stale")
    return 1 if new or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
