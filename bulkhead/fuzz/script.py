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
from bulkhead.fuzz.probe import CONFIG_STORE
from bulkhead.fuzz.world import World

_KEPT = (
    *("eth_sendTransaction", "eth_sendTransactionSync", "anvil_setBalance"),
    *("anvil_autoImpersonateAccount", "anvil_setBlockTimestampInterval"),
    *("evm_setNextBlockTimestamp", "evm_revert"),
)

_NODE = f"anvil --hardfork cancun --timestamp {START} --gas-limit 3000000000 --order fifo"
_TEMPLATE = '''#!/usr/bin/env python3
"""{law}: a counterexample

{text}

Every transaction of the case, from an empty chain. In one terminal:

    {node}

in another: python3 {name} [http://127.0.0.1:8545]

What is tried on a state that is then forgotten stands between a snapshot and "taken back". In the
end the views of each market are asked, and told where the model says something else. Exit code 2:
no node answers.
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
    try:
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
    except OSError as problem:
        print(f"no node answers at {{URL}} ({{problem}}); start one: {node}", file=sys.stderr)
        sys.exit(2)
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


def state(market, moment, probe, look, expected):
    call = {{"to": probe, "data": look, "gas": hex(3_000_000_000)}}
    data = bytes.fromhex(ask("eth_call", call, "latest", {{}}, {{"time": hex(moment)}})[2:])
    data = data[64 : 64 + int.from_bytes(data[32:64], "big")]
    rows = [data[at : at + 32] for at in range(0, len(data), 32)]
    words = [int.from_bytes(row, "big", signed=True) for row in rows]
    differ = [
        f"{{name}} is {{word}}, the model says {{told}}"
        for word, (name, told) in zip(words, expected)
        if told is not None and word != told
    ]
    if len(words) != len(expected):
        differ.append(f"there are {{len(words)}} words, the model says {{len(expected)}}")
    for line in differ or ["all views are the model's: what broke is among the answers above"]:
        print(f"state of market {{market}}: {{line}}")


{body}
{states}
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


def _states(world: World) -> list[str]:
    """What to ask in the end: of each market the probe, and what the model says that it sees."""
    names, lines = world.stage.names(), []
    for number, site in enumerate(world.sites):
        told: list[int | None] = [*site.layout.expected(site.twin)]
        told[CONFIG_STORE] = None  # an address that no model knows
        count = site.twin.state.next_id - 1
        lines.append(
            f"state({number}, {world.now}, {site.probe.address!r}, '0x{site.look.hex()}', ["
        )
        for place, value in enumerate(told):
            lines.append(f"    ({site.layout.name(place, names, count)!r}, {value}),")
        lines.append("])")
    return lines


def write(
    transcript: Transcript, world: World, path: Path, found: Mapping[str, Any], verdict: str
) -> Path:
    """Writes the script of what was played in the world until now; returns its file."""
    states = _states(world)
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
            node=_NODE + (" --disable-code-size-limit" if transcript.roomy else ""),
            states="\n".join(states),
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
