"""Processes that end with the one that started them, and runs that end when they are asked to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CLOSING_SECS = 10.0  # for a process that was asked to end and closes what it opened
ORPHAN_SECS = 5.0  # for one whose parent is gone
WATCH_SECS = 0.5  # until that is noticed
Send = Callable[[Any], None]


class Stop:
    """Whether a run was asked to end; it looks between its steps."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_: Any) -> None:
        """A signal's handler, too."""
        self.asked = True


@contextmanager
def interruptible(stop: Stop | None = None) -> Iterator[None]:
    """SIGTERM is as Ctrl-C inside. With a stop the first of them asks; the next one, or any without
    a stop, interrupts wherever the process is. In another thread than the first nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(*_: Any) -> None:
        if stop is None or stop.asked:
            raise KeyboardInterrupt
        stop.ask()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Task:
    """A function in a process of its own, called with a way to send answers, a stop, and what is
    given. SIGTERM asks its stop; Ctrl-C is left to the process that started it; should that one
    vanish, however that happens, the stop is asked and the process ends soon after."""

    def __init__(self, method: str, function: Callable[..., None], *given: Any) -> None:
        """method: "fork" or "spawn"."""
        context: Any = multiprocessing.get_context(method)
        self.answers, sender = context.Pipe(duplex=False)
        args = (os.getpid(), sender, function, given)
        self.process = context.Process(target=_call, args=args, daemon=True)
        self.process.start()
        sender.close()  # else its end would not be heard

    @property
    def code(self) -> int | None:
        """Its exit code, once it ended."""
        self.process.join(CLOSING_SECS)
        code: int | None = self.process.exitcode
        return code

    def ask(self) -> None:
        """Has it end as soon as it can."""
        if self.process.is_alive():
            self.process.terminate()

    def end(self) -> None:
        """Ends it now, and forgets what it did not send."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.answers.close()


def _call(parent: int, sender: Any, function: Callable[..., None], given: tuple[Any, ...]) -> None:
    stop = Stop()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop.ask)
    threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    try:
        function(sender.send, stop, *given)
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        sender.close()


def _watch(parent: int, stop: Stop) -> None:
    """Who has lost their parent has another one."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECS)
    stop.ask()
    time.sleep(ORPHAN_SECS)
    os._exit(1)
