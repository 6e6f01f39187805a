"""Three reporters and a relay, each a process of its own, against a chain: one lies, one is silent,
both at once, and all come back. No price that anyone lied about ever gets on chain."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oracle_world import WAD, Quorum, of_chain, read_at

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.decode import registry
from bulkhead.cli import run as bulkhead

pytestmark = pytest.mark.slow

INTERVAL, WAIT, TIMEOUT, MAX_AGE = 5, 2, 2, 20  # seconds
PATIENCE = 120.0
HORIZON = 1_200


class Process:
    """A `bulkhead` command that prints a JSON line for each thing it does."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "bulkhead.cli", *arguments, "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(json.loads(line))

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next line that is wanted."""
        limit = time.monotonic() + PATIENCE
        seen = []
        while time.monotonic() < limit:
            try:
                line = self.lines.get(timeout=1)
            except queue.Empty:
                continue
            seen.append(line)
            if wanted(line):
                return line
        raise AssertionError(f"it never came; instead {seen}")

    def end(self) -> int:
        """Asks it to stop, and waits."""
        self.child.send_signal(signal.SIGCONT)
        self.child.terminate()
        return self.child.wait(20)


class Network:
    """The chain, the adapter, and whatever processes run."""

    def __init__(self, chain: Anvil, folder: Path) -> None:
        self.chain, self.folder = chain, folder
        self.quorum = Quorum(chain.rpc, chain.accounts[0], max_age_secs=MAX_AGE)
        self.start = int(time.time()) - 60
        self.running: list[Process] = []
        for name, factor in (("honest", 100), ("lying", 105)):
            rows = (f"{at},{self.cents(at) * factor // 100 / 100:.2f}" for at in self.times())
            self.file(name).write_text("unix_seconds,price\n" + "\n".join(rows) + "\n")

    def times(self) -> range:
        return range(self.start, self.start + HORIZON)

    def cents(self, at: int) -> int:
        """The honest price of a moment."""
        return 200_000 + (at - self.start) * 2

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.csv"

    def run(self, *arguments: str, **environment: str) -> Process:
        found = Process(*arguments, **environment)
        self.running.append(found)
        return found

    def reporter(self, place: int, prices: str = "honest", port: str = "0") -> tuple[Process, str]:
        """A reporter, and where it listens."""
        found = self.run(
            *("reporter", self.quorum.adapter.address, "--network", self.chain.url),
            *("--csv", str(self.file(prices)), "--interval", f"{INTERVAL} s", "--port", port),
            BULKHEAD_REPORTER_KEY=self.quorum.keys[self.quorum.order[place]].hex(),
        )
        return found, str(found.until(lambda line: line["event"] == "listening")["url"])

    def relay(self, urls: list[str]) -> Process:
        return self.run(
            *("relay", self.quorum.adapter.address, "--network", self.chain.url),
            *(part for url in urls for part in ("--reporter", url)),
            *("--interval", f"{INTERVAL} s", "--wait", f"{WAIT} s", "--timeout", f"{TIMEOUT} s"),
            *("--heartbeat", f"{INTERVAL} s"),
        )

    def said(self) -> Any:
        return of_chain(lambda: read_at(self.chain.rpc, self.quorum.adapter, int(time.time())))

    def reported(self) -> list[Any]:
        """Every price that ever came on chain."""
        topic = registry().topic("PriceReported")
        logs = self.chain.rpc.logs(of=self.quorum.adapter, topics=[topic])
        return [registry().event(log) for log in logs]


@pytest.fixture
def network(artifacts: Artifacts, tmp_path: Path) -> Iterator[Network]:
    with Anvil(accounts=2) as chain:
        found = Network(chain, tmp_path)
        yield found
        for process in found.running:
            process.end()


def sent(reports: int) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["event"] == "sent" and line["reports"] == reports


def test_reporters__one_lying_and_one_silent__never_move_the_price(network: Network) -> None:
    (_, a), (second, b), (third, c) = (network.reporter(place) for place in range(3))
    relay = network.relay([a, b, c])
    for _ in range(2):
        line = relay.until(sent(3))
    assert network.said()[0] == network.cents(line["at"]) * 10**16

    # One lies: it is outvoted.
    port = c.rsplit(":", 1)[1]
    assert third.end() == 0
    third, _ = network.reporter(2, "lying", port)
    lied_from = int(time.time())
    line = relay.until(lambda one: sent(3)(one) and one["at"] > lied_from)
    assert network.reported()[-1].agreeing == 2
    assert network.said()[0] == network.cents(line["at"]) * 10**16

    # One lies and one is silent: there is no quorum, and the price goes stale.
    second.child.send_signal(signal.SIGSTOP)
    line = relay.until(lambda one: one["event"] == "kept back" and one["reports"] == 2)
    assert line["why"] == "QuorumNotMet(0, 2)"
    deadline = time.monotonic() + PATIENCE
    while network.said()[1] != "PriceStale":
        assert time.monotonic() < deadline
        time.sleep(1)

    # The liar is honest again, the other still silent: two suffice, after an outage.
    assert third.end() == 0
    network.reporter(2, "honest", port)
    line = relay.until(sent(2))
    assert network.said() == (
        network.cents(line["at"]) * 10**16,
        network.quorum.twin.terms.spread,
        line["at"],
        line["at"],
    )

    # All are back.
    second.child.send_signal(signal.SIGCONT)
    relay.until(sent(3))
    assert relay.end() == 0
    for one in network.reported():
        assert one.mark == network.cents(one.publishedAt) * WAD // 100


BAD = [
    (["relay", "{0}", "--reporter", "ftp://x"], "--reporter: ftp://x is refused"),
    (["relay", "{0}", "--reporter", "http://x", "--wait", "9 s"], "below --interval, 10 s"),
    (["relay", "{0}", "--reporter", "http://x", "--interval", "0 s"], "--interval: 0 s"),
    (["relay", "0x12", "--reporter", "http://x"], "ORACLE: 0x12 is refused"),
    (["relay", "0x" + "12" * 20, "--reporter", "http://x"], "must be a contract"),
    (["reporter", "{0}"], "--source: nothing is refused"),
    (["reporter", "{0}", "--source", "nowhere:ETH/USD"], "ccxt knows no exchange"),
    (["reporter", "{0}", "--csv", "/nowhere.csv"], "no such file"),
    (["reporter", "{0}", "--csv", "{1}"], "BULKHEAD_REPORTER_KEY: nothing is refused"),
    (["reporter", "{0}", "--csv", "{1}", "--needed", "2"], "--needed: 2 is refused; at most 1"),
    (["reporter", "{0}", "--csv", "{1}", "--keystore", "/nowhere"], "--keystore: /nowhere"),
]


def test_commands__bad_input__exit_with_two_and_name_it(
    network: Network, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BULKHEAD_REPORTER_KEY", raising=False)
    places = (network.quorum.adapter.address, str(network.file("honest")))
    for arguments, message in BAD:
        given = [part.format(*places) for part in arguments]
        assert bulkhead([*given, "--network", network.chain.url]) == 2, arguments
        assert message in capsys.readouterr().err
    for key, message in (("0x12", "32 bytes"), ("77" * 32, "a reporter is wanted")):
        monkeypatch.setenv("BULKHEAD_REPORTER_KEY", key)
        given = ["reporter", places[0], "--csv", places[1], "--network", network.chain.url]
        assert bulkhead(given) == 2
        assert message in capsys.readouterr().err
