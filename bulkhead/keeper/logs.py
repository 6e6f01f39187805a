"""Structured logs: one JSON object a line, or text for a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

from bulkhead.keeper.decide import Skip

_PLAIN = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "taskName"}
log = logging.getLogger("bulkhead.keeper.skip")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _PLAIN}


class JsonFormatter(logging.Formatter):
    """time, level, part, event, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("bulkhead.keeper").lstrip(".") or "keeper",
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = time.strftime("%H:%M:%S", time.gmtime(record.created))
        rest = " ".join(f"{key}={value}" for key, value in _fields(record).items())
        text = f"{moment} {record.levelname.lower():7} {record.getMessage()} {rest}".rstrip()
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(kind: str, level: str) -> None:
    """Logs go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    root = logging.getLogger("bulkhead.keeper")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level.upper())


class SkipLog:
    """Every skip is logged: at info when it is new, at debug while it stays the same."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], str] = {}

    def note(self, market: str, skips: list[Skip]) -> None:
        """The skips of one look at one market."""
        now = {(one.market, one.id): one.why.value for one in skips}
        for one in skips:
            known = self._last.get((one.market, one.id)) == one.why.value
            extra = {"market": one.market, "id": one.id, "why": one.why.value, "detail": one.detail}
            log.log(logging.DEBUG if known else logging.INFO, "skip", extra=extra)
        self._last = {k: v for k, v in self._last.items() if k[0] != market} | now
