"""A managed Anvil: a local chain that starts on a free port and never outlives its owner."""

from __future__ import annotations

import atexit
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from bulkhead.chain.binaries import find
from bulkhead.chain.errors import ChainError
from bulkhead.chain.rpc import Rpc

HARDFORK = "cancun"
_LISTENING = re.compile(r"Listening on (\S+:\d+)")

# Waits until its input closes, which happens however we end, then kills the chain.
_WATCHDOG = 'read -r _; kill -9 "$0"; rm -rf "$1"'


class Anvil:
    """A running local chain. Use it as a context manager, or call `stop`."""

    def __init__(
        self,
        *,
        accounts: int = 20,
        balance: int = 1_000_000,
        chain_id: int = 31_337,
        gas_limit: int = 3_000_000_000,
        port: int = 0,
        history: int | None = 128,
        timestamp: int | None = None,
        fork: str | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        """Start and wait until it listens.

        `balance` is in ether; port 0 takes a free one. `history` is the number of past states that
        are kept: with None it is all of them, and every block then costs more than the one before.
        """
        binary, self.origin = find("anvil")
        command = [str(binary), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--hardfork", HARDFORK, "--order", "fifo", "--no-request-size-limit"]
        command += ["--accounts", str(accounts), "--balance", str(balance)]
        command += ["--chain-id", str(chain_id), "--gas-limit", str(gas_limit)]
        if history is not None:
            command += ["--prune-history", str(history)]
        if timestamp is not None:
            command += ["--timestamp", str(timestamp)]
        if fork is not None:
            command += ["--fork-url", fork, "--no-storage-caching"]
        # Unix sockets are thrice as fast as HTTP; their paths may have only about 100 characters.
        self._folder = tempfile.TemporaryDirectory(prefix="anvil-")
        self.ipc = f"{self._folder.name}/ipc"
        command += ["--ipc", self.ipc]
        self._log = Path(self._folder.name) / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, *extra],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us, who still have to ask it
            )
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, str(self._process.pid), self._folder.name],
            stdin=subprocess.PIPE,
            start_new_session=True,  # it still has its work to do afterwards
        )
        atexit.register(self.stop)
        try:
            self.url = f"http://{self._wait_until_listening()}"
        except BaseException:
            self.stop()
            raise
        self.rpc = self.connect()
        self.accounts = self.rpc.accounts()

    def _wait_until_listening(self, timeout: float = 30.0) -> str:
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            said = self.log()
            listening = _LISTENING.search(said)
            if listening and Path(self.ipc).exists():
                return listening.group(1)
            if self._process.poll() is not None:
                raise ChainError(f"anvil ended with code {self._process.returncode}:\n{said}")
            time.sleep(0.005)
        raise ChainError(f"anvil does not listen after {timeout} s:\n{self.log()}")

    def log(self) -> str:
        """What Anvil printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def connect(self) -> Rpc:
        """A connection of its own, for another thread."""
        return Rpc(f"ipc://{self.ipc}")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def stop(self) -> None:
        """End the process; safe to call twice."""
        atexit.unregister(self.stop)
        if hasattr(self, "rpc"):
            self.rpc.close()
        # The watchdog first: later the process id might be another's.
        for process in (self._watchdog, self._process):
            if process.poll() is None:
                process.kill()
            process.wait()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._folder.cleanup()

    def __enter__(self) -> Anvil:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
