"""A managed Anvil: a local chain that starts on a free port and never outlives its owner."""

from __future__ import annotations

import atexit
import ctypes
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from bulkhead.chain.binaries import find
from bulkhead.chain.errors import ChainError
from bulkhead.chain.rpc import Rpc

HARDFORK = "cancun"
_LISTENING = re.compile(r"Listening on (\S+:\d+)")
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel ends the child with us, even if we are killed."""
    main = threading.current_thread() is threading.main_thread()
    if not sys.platform.startswith("linux") or not main:
        return None  # the signal is tied to the starting thread: from another one it would misfire
    libc = ctypes.CDLL(None)

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return before_exec


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
                preexec_fn=_die_with_parent(),
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

    def stop(self) -> None:
        """End the process; safe to call twice."""
        atexit.unregister(self.stop)
        if hasattr(self, "rpc"):
            self.rpc.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
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
