"""A gate between a keeper and a real node: it can close, dawdle, and put words in its mouth."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Twist = Callable[[str, list[Any], Any], Any]  # method, params, true result -> what is said


class Gate:
    """Serves `url` in front of `target` until `close`."""

    class Refusal(Exception):
        """Raised by a twist: the node answers with this error (code, message)."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.down = False
        self.garbage = False
        self.delay = 0.0
        self.twist: Twist | None = None
        self.swallows = ""  # a method that is answered without being passed on
        self.asked: list[str] = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if gate.down:
                    self.close_connection = True
                    self.connection.close()
                    return
                time.sleep(gate.delay)
                answer = gate.answer(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def handle(self) -> None:
                with suppress(OSError, ValueError):  # the keeper hung up, or the gate did
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body: bytes) -> bytes:
        """The node's answer, twisted where told."""
        if self.garbage:
            return b"<html>502 Bad Gateway</html>"
        asked = json.loads(body)
        self.asked.append(asked["method"])
        if asked["method"] == self.swallows:
            return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "0x0"}).encode()
        request = urllib.request.Request(
            self.target, body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as found:
            answer = json.loads(found.read())
        if self.twist is not None and "result" in answer:
            try:
                answer["result"] = self.twist(asked["method"], asked["params"], answer["result"])
            except Gate.Refusal as refusal:
                code, message = refusal.args
                del answer["result"]
                answer["error"] = {"code": code, "message": message}
        return json.dumps(answer).encode()

    def close(self) -> None:
        """The end."""
        self.server.shutdown()
        self.server.server_close()
