"""A warm Solidity compiler: one process that answers standard-JSON requests line by line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bulkhead.chain.binaries import SOLC
from bulkhead.chain.sources import SETTINGS, Source

_SELECTION = [
    "abi",
    "storageLayout",
    "evm.methodIdentifiers",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.immutableReferences",
]


class CompilerError(Exception):
    """The compiler could not be started or died; its reports on sources are not errors here."""


def request(roots: list[str], sources: dict[str, Source]) -> dict[str, Any]:
    """The standard-JSON input that asks for the code of `roots` only."""
    return {
        "language": "Solidity",
        "sources": {name: {"content": source.text} for name, source in sources.items()},
        "settings": SETTINGS | {"outputSelection": {root: {"*": _SELECTION} for root in roots}},
    }


class Compiler:
    """One compiler process. Not for use from two threads at once."""

    def __init__(self, project: Path) -> None:
        node = shutil.which("node")
        if node is None:
            raise CompilerError("node is not on PATH; Node.js 20 or newer runs the compiler")
        self._process = subprocess.Popen(
            [node, str(SOLC), "--server", "--base-path", str(project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def compile(self, roots: list[str], sources: dict[str, Source]) -> dict[str, Any]:
        """Compile these files and return the standard-JSON output."""
        return self.run(request(roots, sources))

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer any standard-JSON input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            code = self._process.wait()
            raise CompilerError(f"the compiler ended with code {code}: out of memory?")
        output: dict[str, Any] = json.loads(answer)
        return output

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
