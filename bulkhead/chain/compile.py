"""`python -m bulkhead.chain.compile`: compile the contracts that changed into `.build/bulkhead`.

Each source file is a unit of its own: it is compiled again only when it, something it imports, or
the settings changed. Units run in parallel on warm compilers, the costliest first. Two runs at
once share the work: a unit is locked while it is compiled and taken from disk afterwards.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkhead.chain import ape_manifest
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.compiler import Compiler, CompilerError
from bulkhead.chain.sizes import table
from bulkhead.chain.sources import SourceError, SourceTree
from bulkhead.errors import BulkheadError

BUILD = Path(".build") / "bulkhead"
_LIMIT_WARNING = "5574"  # "exceeds 24576 bytes": the size table says it better


class CompileError(BulkheadError):
    """Some sources do not compile; the message holds the compiler's own report."""


@dataclass
class Report:
    """What a run did: units compiled, units found unchanged, and what the compiler said."""

    compiled: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stamp:
    key: str
    contracts: list[str]
    libraries: list[str]
    seconds: float


class _Builder:
    def __init__(self, root: Path, jobs: int) -> None:
        self.tree = SourceTree(root)
        self.root = root
        self.out = root / BUILD
        self.jobs = jobs
        self.report = Report()
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._pending: queue.Queue[str | None] = queue.Queue()
        for folder in (self.out, self.out / ".stamps", self.out / ".locks"):
            folder.mkdir(parents=True, exist_ok=True)

    # -- stamps: what is known about a unit from an earlier run

    def _slug(self, unit: str) -> str:
        return unit.replace("/", "__")

    def _stamp(self, unit: str) -> _Stamp | None:
        try:
            text = (self.out / ".stamps" / f"{self._slug(unit)}.json").read_text()
            return _Stamp(**json.loads(text))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _fresh(self, unit: str) -> _Stamp | None:
        stamp = self._stamp(unit)
        if stamp is None or stamp.key != self.tree.key(unit):
            return None
        complete = all((self.out / f"{name}.json").exists() for name in stamp.contracts)
        return stamp if complete else None

    def _cost(self, unit: str) -> float:
        stamp = self._stamp(unit)
        if stamp is not None:
            return stamp.seconds
        return sum(len(source.text) for source in self.tree.closure(unit).values()) / 20_000

    @contextmanager
    def _claim(self, unit: str) -> Iterator[None]:
        with (self.out / ".locks" / self._slug(unit)).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    # -- one run

    def run(self, units: list[str]) -> Report:
        """Bring these units, and the libraries they link, up to date."""
        changed = []
        for unit in units:
            self._seen.add(unit)
            try:
                self.tree.closure(unit)
                stamp = self._fresh(unit)
            except SourceError as problem:
                self.report.errors[f"Error: {problem}\n"] = None
                self.report.failed.append(unit)
                continue
            if stamp is None:
                changed.append(unit)
            else:
                self.report.unchanged.append(unit)
        for unit in sorted(changed, key=self._cost, reverse=True):
            self._pending.put(unit)
        if changed:
            self._work(min(self.jobs, len(changed)))
        return self.report

    def _work(self, jobs: int) -> None:
        threads = [threading.Thread(target=self._worker, daemon=True) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        self._pending.join()
        for _ in threads:
            self._pending.put(None)
        for thread in threads:
            thread.join()

    def _worker(self) -> None:
        compiler: Compiler | None = None
        while (unit := self._pending.get()) is not None:
            try:
                compiler = compiler or Compiler(self.root)
                self._build(compiler, unit)
            except (CompilerError, OSError) as problem:
                compiler = None
                self._fail(unit, f"Error: {unit}: {problem}\n")
            except Exception as problem:  # a bug here must not hang the run
                self._fail(unit, f"Error: {unit}: {problem!r}\n")
            finally:
                self._pending.task_done()
        if compiler is not None:
            compiler.close()

    def _fail(self, unit: str, message: str) -> None:
        with self._lock:
            self.report.errors[message] = None
            self.report.failed.append(unit)

    def _build(self, compiler: Compiler, unit: str) -> None:
        with self._claim(unit):
            if self._fresh(unit) is not None:  # another run was faster
                with self._lock:
                    self.report.unchanged.append(unit)
                return
            started = time.monotonic()
            output = compiler.compile([unit], self.tree.closure(unit))
            broken = self._collect(output)
            if broken:
                with self._lock:
                    self.report.failed.append(unit)
                return
            self._store(unit, output, time.monotonic() - started)
        with self._lock:
            self.report.compiled.append(unit)

    def _collect(self, output: dict[str, Any]) -> bool:
        broken = False
        with self._lock:
            for problem in output.get("errors", []):
                text = problem.get("formattedMessage", problem["message"])
                if problem["severity"] == "error":
                    broken = True
                    self.report.errors[text] = None
                elif problem.get("errorCode") != _LIMIT_WARNING and "node_modules/" not in text:
                    self.report.warnings[text] = None
        return broken

    def _store(self, unit: str, output: dict[str, Any], seconds: float) -> None:
        contracts = output.get("contracts", {}).get(unit, {})
        libraries: set[str] = set()
        for name, data in contracts.items():
            code, deployed = data["evm"]["bytecode"], data["evm"]["deployedBytecode"]
            libraries.update(code["linkReferences"])
            artifact = {
                "name": name,
                "source": unit,
                "abi": data["abi"],
                "bytecode": code["object"],
                "linkReferences": code["linkReferences"],
                "runtime": deployed["object"],
                "runtimeLinkReferences": deployed["linkReferences"],
                "immutableReferences": deployed.get("immutableReferences", {}),
                "methodIdentifiers": data["evm"]["methodIdentifiers"],
                "storageLayout": data.get("storageLayout", {}),
            }
            self._write(self.out / f"{name}.json", artifact)
        # Linked libraries are units too: `--only Market` must leave something that deploys.
        for library in libraries:
            with self._lock:
                new = library not in self._seen
                self._seen.add(library)
            if new:
                self._pending.put(library)
        stamp = _Stamp(self.tree.key(unit), sorted(contracts), sorted(libraries), round(seconds, 2))
        self._write(self.out / ".stamps" / f"{self._slug(unit)}.json", stamp.__dict__)

    def _write(self, path: Path, value: Any) -> None:
        draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        draft.write_text(json.dumps(value, separators=(",", ":")))
        draft.replace(path)

    def sweep(self) -> None:
        """Remove artifacts of contracts that are no longer declared."""
        declared = {contract for contract, _ in self.tree.declared()}
        for path in self.out.glob("*.json"):
            if path.stem not in declared:
                with suppress(FileNotFoundError):
                    path.unlink()


def build(
    only: Sequence[str] | None = None, *, root: Path = ROOT, jobs: int | None = None
) -> Report:
    """Compile what changed (of the contracts `only`, or of all) and report; raises nothing."""
    builder = _Builder(root, jobs or min(os.cpu_count() or 1, 4))
    duplicates = builder.tree.duplicates()
    if duplicates:
        for name, places in duplicates.items():
            builder.report.errors[f"Error: {name} is declared in {' and '.join(places)}\n"] = None
        return builder.report
    try:
        units = builder.tree.files_of(only) if only else builder.tree.files()
        builder.run(units)
        if not only:
            builder.sweep()
        if builder.report.compiled or not (root / ".build" / "__local__.json").exists():
            ape_manifest.write(root, builder.tree)
    except SourceError as problem:
        builder.report.errors[f"Error: {problem}\n"] = None
    return builder.report


def ensure(only: Sequence[str] | None = None, *, root: Path = ROOT) -> None:
    """Compile what changed, or raise `CompileError` with the compiler's report."""
    report = build(only, root=root)
    if report.errors:
        raise CompileError("\n" + "\n".join(report.errors))


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 1 when something does not compile."""
    parser = argparse.ArgumentParser(prog="bulkhead.chain.compile", description=__doc__)
    parser.add_argument("--only", help="contract names, separated by commas")
    parser.add_argument("--jobs", type=int, help="parallel compilers (default: cores, at most 4)")
    parser.add_argument("--root", type=Path, default=ROOT, help="project folder")
    parser.add_argument("--quiet", action="store_true", help="no warnings, no table")
    options = parser.parse_args(argv)
    started = time.monotonic()
    only = [name.strip() for name in options.only.split(",")] if options.only else None
    report = build(only, root=options.root, jobs=options.jobs)
    if not options.quiet:
        sys.stderr.write("\n".join(report.warnings))
        if report.compiled:
            print(table(options.root / BUILD, sorted(report.compiled)))
    sys.stderr.write("\n".join(report.errors))
    done = f"{len(report.compiled)} files compiled, {len(report.unchanged)} unchanged"
    bad = f", {len(report.failed)} FAILED" if report.failed else ""
    print(f"{done}{bad} ({time.monotonic() - started:.1f} s)")
    return 1 if report.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
