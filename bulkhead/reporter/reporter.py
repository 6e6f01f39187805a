"""One reporter: asks its sources at each common moment, signs, and keeps reports for relays."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bulkhead.reporter.report import Feed, Report, sign
from bulkhead.reporter.sources import Source, SourceError, ask

KEPT = 100  # reports
_REPORT = re.compile(r"/reports/(\d{1,12})")
Tell = Callable[[dict[str, Any]], None]


def next_round(now: float, interval: int) -> int:
    """The first common moment strictly after now: reporters and relays meet at multiples."""
    return (int(now) // interval + 1) * interval


@dataclass
class Reporter:
    """Signs at most one price for a moment, and none for one that has passed."""

    feed: Feed
    key: bytes
    sources: Sequence[Source]
    needed: int
    tell: Tell
    reports: dict[int, Report] = field(default_factory=dict)

    def report(self, at: int) -> Report | None:
        """Asks, signs and keeps; says so where there is no price."""
        try:
            quote = ask(self.sources, at, self.needed)
        except SourceError as problem:
            self.tell({"at": at, "event": "no price", "why": str(problem)})
            return None
        found = sign(self.feed, self.key, quote.price, at)
        self.reports[at] = found
        for old in sorted(self.reports)[:-KEPT]:
            del self.reports[old]
        said = {"at": at, "event": "signed", "price": str(quote.price)}
        self.tell({**said, "problems": list(quote.problems)} if quote.problems else said)
        return found

    def run(self, interval: int, stop: threading.Event) -> None:
        """Reports at every common moment until it is stopped. A round that was slept through is
        left out."""
        while not stop.is_set():
            at = next_round(time.time(), interval)
            if not stop.wait(max(0.0, at - time.time())):
                self.report(at)


def serve(reporter: Reporter, host: str, port: int) -> ThreadingHTTPServer:
    """Reports over HTTP, in a thread of their own: GET /reports/<unix seconds>."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            match = _REPORT.fullmatch(self.path)
            found = reporter.reports.get(int(match[1])) if match else None
            body = json.dumps(found.record() if found else {"error": "no such report"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are not logged."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
