"""A counterexample as a script that needs nothing but Python and Anvil: the requests themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulkhead.fuzz.node import Node
from bulkhead.fuzz.people import NAMES, START

_KEPT = (
    *("eth_sendTransaction", "evm_setNextBlockTimestamp", "anvil_setBalance"),
    *("anvil_autoImpersonateAccount", "anvil_setBlockTimestampInterval"),
)

_TEMPLATE = '''#!/usr/bin/env python3
"""{law}: {title}

{text}

Every transaction of the case, from an empty chain. In one terminal:

    anvil --hardfork cancun --timestamp {start} --gas-limit 3000000000 --order fifo --port 8545

in another: python3 {name} [http://127.0.0.1:8545]
"""

import json
import sys
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8545"


def ask(method, *params):
    body = json.dumps({{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}}).encode()
    request = urllib.request.Request(URL, body, {{"Content-Type": "application/json"}})
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)
    if "error" in found:
        raise SystemExit(f"{{method}}: {{found['error']}}")
    return found["result"]


def receipt(transaction):
    while True:
        found = ask("eth_getTransactionReceipt", transaction)
        if found:
            return found


def play(what, *requests):
    said = []
    for method, *params in requests:
        answer = ask(method, *params)
        if method == "eth_sendTransaction":
            found = receipt(answer)
            done = int(found["status"], 16)
            said.append(f"done, {{int(found['gasUsed'], 16):,}} gas" if done else "refused")
    print(f"{{what}}: {{'; '.join(said)}}" if said else what)


{body}
print({verdict!r})
'''


class Transcript:
    """Notes what a node is asked to do, chapter by chapter."""

    def __init__(self, node: Node) -> None:
        self.chapters: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.chapter("stand the market up")
        # The node is ready before anybody listens: these were its first requests.
        self._note("anvil_autoImpersonateAccount", True)
        self._note("anvil_setBlockTimestampInterval", 0)
        for who in NAMES:
            self._note("anvil_setBalance", who, hex(10**30))
        asked = node.rpc.request

        def listen(method: str, *params: Any) -> Any:
            self._note(method, *params)
            return asked(method, *params)

        node.rpc.request = listen  # type: ignore[method-assign]

    def chapter(self, what: str) -> None:
        """What follows belongs to this."""
        self.chapters.append((what, []))

    def _note(self, method: str, *params: Any) -> None:
        if method in _KEPT:
            self.chapters[-1][1].append((method, *params))


def write(transcript: Transcript, path: Path, found: Mapping[str, Any], verdict: str) -> Path:
    """Writes the script; returns its file."""
    lines = []
    for what, requests in transcript.chapters:
        lines.append(f"play(\n    {what!r},")
        lines += [f"    {_python(request)}," for request in requests]
        lines.append(")")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _TEMPLATE.format(
            law=found["law"],
            title="a counterexample",
            text=found["text"],
            start=START,
            name=path.name,
            body="\n".join(lines),
            verdict=verdict,
        ),
        encoding="utf-8",
    )
    return path


def _python(request: tuple[Any, ...]) -> str:
    return repr(json.loads(json.dumps(request)))
