"""Run slither over the contracts and compare its findings with those that were judged.

Judged findings stand in docs/slither.md, one a line, with a reason:

    - `reentrancy-benign` `Market.open(uint256,int256)`: the vault runs no foreign code.

A finding that is not there fails; a line that no longer matches anything fails too, so that the
list stays true. Findings are named by check and place, never by line number. `--list` prints the
lines to judge.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

from crytic_compile import CryticCompile
from crytic_compile.compilation_unit import CompilationUnit
from crytic_compile.compiler.compiler import CompilerVersion
from crytic_compile.platform.solc_standard_json import SolcStandardJson, parse_standard_json_output
from slither import Slither
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


class Parsed(SolcStandardJson):
    """Syntax trees only: slither needs no code, and making code is what takes long."""

    def compile(self, crytic_compile: CryticCompile, **_: Any) -> None:
        tree = SourceTree(ROOT)
        roots = [name for name in tree.files() if not name.startswith("contracts/test/")]
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
        unit.compiler_version = CompilerVersion("solc", SOLC_VERSION, True, 200, True)
        parse_standard_json_output(output, unit, solc_working_dir=str(ROOT))


def _place(element: dict[str, Any]) -> str:
    """`Contract.function(types)` of what a finding is about."""
    fields = element.get("type_specific_fields", {})
    parent = fields.get("parent")
    if element["type"] == "function":
        return f"{parent['name']}.{fields['signature']}"
    if element["type"] == "node" and parent:
        return _place(parent)
    if parent and parent.get("type") == "contract":
        return f"{parent['name']}.{element['name']}"
    return str(element["name"])


def findings() -> dict[tuple[str, str], str]:
    """(check, place) -> description, without findings that lie in dependencies or tests."""
    slither = Slither(CryticCompile(Parsed({}), cwd=str(ROOT)), disallow_partial=True)
    for name in dir(all_detectors):
        found = getattr(all_detectors, name)
        detector = isinstance(found, type) and issubclass(found, AbstractDetector)
        if detector and found is not AbstractDetector and found.IMPACT in _SERIOUS:
            slither.register_detector(found)
    result = {}
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
            result.setdefault((finding["check"], place), text)
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
            print(f"new: {check} in {place}\n  {found[check, place]}\n", file=sys.stderr)
    for check, place in stale:
        print(f"docs/slither.md names what slither no longer finds: {check} in {place}")
    print(f"slither: {len(found)} findings, {len(new)} new, {len(stale)} stale")
    return 1 if new or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
