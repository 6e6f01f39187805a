"""Every error and event of what is deployed, as tables for those who integrate.

Selectors, topics and sources come from the compiled ABIs, words from `catalogue.toml`. `python -m
bulkhead.chain.catalogue` prints the tables, `--write` puts them into docs/integration.md,
`--check` fails where the page differs from them, or an error, event or reason has no words.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.artifacts import Artifact, Artifacts, default
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.decode import signature
from bulkhead.errors import BulkheadError

PAGE = ROOT / "docs" / "integration.md"
WORDS = Path(__file__).with_name("catalogue.toml")
# Enums of reasons: where they are declared, by the name of their place on the page.
REASONS = {"reasons": ("Types.sol", "Reason"), "order_reasons": ("IOrderBook.sol", "OrderReason")}
# Deployed contracts in the order of the tables. Errors of linked libraries reach callers through
# the contract that links them.
CONTRACTS = (
    *("Market", "LiquidityPool", "PositionVault", "InsuranceFund"),
    *("ChainlinkOracle", "PythOracle", "QuorumOracle", "MedianOracle"),
    *("OrderBook", "Router", "MarketLens", "PreviewLens", "LiquidationLens", "OrderLens"),
    *("MarketFactory", "Authority"),
)
_MEMBER = re.compile(r"^\s*(\w+),?\s*(?://(.*))?$")


class CatalogueError(BulkheadError):
    """Words are missing, or there for something that does not exist."""


@dataclass(frozen=True)
class Entry:
    """An error or event: how it is found in revert data or logs, and who has it."""

    kind: str
    signature: str
    contracts: tuple[str, ...]

    @property
    def code(self) -> str:
        """An error's selector or an event's first topic."""
        digest = keccak(self.signature.encode()).hex()
        return "0x" + (digest[:8] if self.kind == "error" else digest)


def _reach(artifacts: Artifacts, artifact: Artifact) -> Iterator[Artifact]:
    """A contract and the libraries linked into it."""
    yield artifact
    for library in artifact.links:
        yield from _reach(artifacts, artifacts.get(library))


def entries(artifacts: Artifacts) -> list[Entry]:
    """Errors, then events, of all deployed contracts: by first contract, then by name."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in CONTRACTS:
        for part in _reach(artifacts, artifacts.get(name)):
            for item in part.abi:
                if item["type"] in ("error", "event"):
                    holders = found.setdefault((item["type"], signature(item)), [])
                    if name not in holders:
                        holders.append(name)
    made = [Entry(kind, text, tuple(names)) for (kind, text), names in found.items()]
    order = {name: place for place, name in enumerate(CONTRACTS)}
    return sorted(made, key=lambda e: (e.kind, order[e.contracts[0]], e.signature))


def reasons(place: str = "reasons") -> dict[str, str]:
    """Members of an enum of reasons in order, each with what `actual` and `limit` are."""
    file, enum = REASONS[place]
    text = (ROOT / "interfaces" / file).read_text()
    body = text.split(f"enum {enum} {{")[1].split("}")[0]
    found: dict[str, str] = {}
    above = ""
    for line in body.splitlines():
        text = line.strip()
        if text.startswith("//"):
            above = text[2:].strip()
            continue
        match = _MEMBER.match(line)
        if text and match:
            comment = (match.group(2) or above).strip()
            found[match.group(1)] = re.sub(r"^\d+\s*", "", comment)
            above = ""
    return found


def words() -> dict[str, Any]:
    """What each entry means and what to do, by kind and signature."""
    return tomllib.loads(WORDS.read_text())


def gaps(artifacts: Artifacts) -> list[str]:
    """What has no words, and words for nothing."""
    known = words()
    wanted = {"error": set(known["low_level"]), "event": set[str]()}
    wanted |= {place: set(reasons(place)) for place in REASONS}
    for entry in entries(artifacts):
        wanted[entry.kind].add(entry.signature)
    lines = []
    for kind, names in wanted.items():
        lines += [f"no words for {kind} {name}" for name in sorted(names - set(known[kind]))]
        lines += [f"no {kind} {name}" for name in sorted(set(known[kind]) - names)]
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |" for row in lines)


def _row(entry: Entry, said: Mapping[str, Sequence[str]]) -> list[str]:
    where = ", ".join(entry.contracts)
    return [f"`{entry.code}`", f"`{entry.signature}`", where, *said[entry.signature]]


def tables(artifacts: Artifacts) -> dict[str, str]:
    """The page's tables by the name of their place."""
    problems = gaps(artifacts)
    if problems:
        raise CatalogueError(f"{WORDS.name}: " + "; ".join(problems))
    known = words()
    found = entries(artifacts)
    low = [Entry("error", text, tuple(names)) for text, names in known["low_level"].items()]
    errors = [*(entry for entry in found if entry.kind == "error"), *low]
    events = [entry for entry in found if entry.kind == "event"]
    made = {
        "errors": _table(
            ["selector", "error", "from", "meaning", "what to do"],
            [_row(entry, known["error"]) for entry in errors],
        ),
        "events": _table(
            ["topic", "event", "from", "meaning"],
            [_row(entry, known["event"]) for entry in events],
        ),
    }
    for place in REASONS:
        numbered = enumerate(reasons(place).items())
        rows = [[str(n), f"`{name}`", text, known[place][name]] for n, (name, text) in numbered]
        made[place] = _table(["", "reason", "actual and limit", "what to do"], rows)
    return made


def filled(page: str, artifacts: Artifacts) -> str:
    """The page with its tables as they are now."""
    for name, text in tables(artifacts).items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.S)
        if not place.search(page):
            raise CatalogueError(f"{PAGE.name} has no place for {name}")
        page = place.sub(lambda match, text=text: match[1] + text + match[2], page)  # type: ignore[misc]
    return page


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bulkhead.chain.catalogue", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="update docs/integration.md")
    mode.add_argument("--check", action="store_true", help="fail where the page differs")
    options = parser.parse_args(argv)
    if not (options.write or options.check):
        print("\n\n".join(tables(default()).values()))
        return 0
    before = PAGE.read_text()
    now = filled(before, default())
    if options.write:
        PAGE.write_text(now)
    elif now != before:
        print(f"{PAGE.name} differs: `python -m bulkhead.chain.catalogue --write` fills it in")
        return 1
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except BulkheadError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(1) from None
