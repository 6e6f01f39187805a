"""A counterexample as a script that needs nothing but Python and Anvil: the requests themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulkhead.chain.abi import raw_bytes
from bulkhead.chain.decode import registry
from bulkhead.fuzz.node import Node
from bulkhead.fuzz.people import NAMES, START

_KEPT = (
    *("eth_sendTransaction", "eth_sendTransactionSync", "anvil_setBalance"),
    *("anvil_autoImpersonateAccount", "anvil_setBlockTimestampInterval"),
    *("evm_setNextBlockTimestamp", "evm_revert"),
)

_TEMPLATE = '''#!/usr/bin/env python3
"""{law}: a counterexample

{text}

Every transaction of the case, from an empty chain. In one terminal:

    anvil --hardfork cancun --timestamp {start} --gas-limit 3000000000 --order fifo{roomy}

in another: python3 {name} [http://127.0.0.1:8545]

What is tried on a state that is then forgotten stands between a snapshot and "taken back".
"""

import json
import sys
import time
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8545"
ERRORS = {errors}  # selectors of what refused
SNAPSHOTS = {{}}  # ids here, by those of the run that this was written in


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


def outcome(found):
    if int(found["status"], 16):
        return f"done, {{int(found['gasUsed'], 16):,}} gas"
    tracer = {{"tracer": "callTracer", "tracerConfig": {{"onlyTopCall": True}}}}
    trace = ask("debug_traceTransaction", found["transactionHash"], tracer)
    data = trace.get("output") or "0x"
    return f"refused: {{ERRORS.get(data[:10], 'no known error')}} {{data}}"


def back(snapshot):
    # A transaction that is still in the pool would be mined again.
    while int(ask("txpool_status")["pending"], 16):
        time.sleep(0.001)
    if ask("evm_revert", SNAPSHOTS.pop(snapshot)) is not True:
        raise SystemExit("the node knows the snapshot no more")


def play(what, *requests):
    print(what)
    for method, *params in requests:
        if method == "evm_snapshot":
            SNAPSHOTS[params[0]] = ask(method)
            print("    snapshot")
        elif method == "evm_revert":
            back(params[0])
            print("    taken back")
        elif method == "eth_sendTransactionSync":
            print(f"    {{outcome(ask(method, *params))}}")
        elif method == "eth_sendTransaction":
            print(f"    {{outcome(receipt(ask(method, *params)))}}")
        else:
            ask(method, *params)


{body}
print({verdict!r})
'''


class Transcript:
    """Notes what a node is asked to do, chapter by chapter."""

    def __init__(self, node: Node) -> None:
        self.chapters: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.errors: dict[str, str] = {}  # names of what refused, by their selectors
        self.roomy = node.roomy
        self.chapter("stand the market up")
        # The node is ready before anybody listens: these were its first requests.
        self._note("anvil_autoImpersonateAccount", True)
        self._note("anvil_setBlockTimestampInterval", 0)
        for who in NAMES:
            self._note("anvil_setBalance", who, hex(10**30))
        asked = node.rpc.request

        def listen(method: str, *params: Any) -> Any:
            answer = asked(method, *params)
            if method in _KEPT:
                self._note(method, *params)
            elif method == "evm_snapshot":
                self._note(method, answer)  # which id is meant later
            elif method == "debug_traceTransaction":
                self._name(answer)
            return answer

        node.rpc.request = listen  # type: ignore[method-assign]

    def chapter(self, what: str) -> None:
        """What follows belongs to this."""
        self.chapters.append((what, []))

    def _note(self, method: str, *params: Any) -> None:
        self.chapters[-1][1].append((method, *params))

    def _name(self, trace: Mapping[str, Any]) -> None:
        data = trace.get("output") or "0x"
        error = registry().error(raw_bytes(data)) if trace.get("error") else None
        if error is not None:
            self.errors[data[:10]] = error.name


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
            text=found["text"],
            start=START,
            roomy=" --disable-code-size-limit" if transcript.roomy else "",
            name=path.name,
            errors=json.dumps(transcript.errors, sort_keys=True),
            body="\n".join(lines),
            verdict=verdict,
        ),
        encoding="utf-8",
    )
    return path


def _python(request: tuple[Any, ...]) -> str:
    return repr(json.loads(json.dumps(request)))
