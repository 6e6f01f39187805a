"""How requests reach a node: HTTP with a kept connection, a websocket that also announces blocks,
or a socket file, three times as fast."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import deque
from typing import Any, Protocol
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from bulkhead.chain.errors import RpcError

_CHUNK = 1 << 20


class Transport(Protocol):
    """One connection, for one thread; opened when first used and again after it was dropped."""

    def post(self, body: bytes) -> Any:
        """Send a JSON document and return the answer, parsed."""

    def close(self) -> None:
        """Close the connection."""


class HttpTransport:
    """JSON-RPC over HTTP or HTTPS."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RpcError(0, f"{url!r} is no http, https, ws, wss or ipc address")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.connection = kind(parts.hostname, parts.port, timeout=timeout)

    def _once(self, body: bytes) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", self._path, body, headers)
        return self.connection.getresponse()

    def post(self, body: bytes) -> Any:
        """Send and read; an idle connection that the node dropped is opened again."""
        kept = self.connection.sock is not None
        try:
            answer = self._once(body)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.connection.close()
            if not kept:
                raise
            answer = self._once(body)
        text = answer.read()
        try:
            return json.loads(text)
        except ValueError:
            raise RpcError(answer.status, f"no JSON from the node: {text[:200]!r}") from None

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class IpcTransport:
    """JSON-RPC over a Unix socket file."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(self._timeout)
        opened.connect(self._path)
        self._socket = opened
        return opened

    def post(self, body: bytes) -> Any:
        """Send and read until the answer is whole: nothing in the stream tells its length."""
        link = self._socket or self._open()
        try:
            link.sendall(body)
            answer = link.recv(_CHUNK)
            while True:
                if not answer:
                    raise ConnectionResetError("the node closed the connection")
                if answer.rstrip()[-1:] in (b"}", b"]"):
                    try:
                        return json.loads(answer)
                    except ValueError:
                        pass  # a part that happens to end in a bracket
                more = link.recv(_CHUNK)
                answer = answer + more if more else b""
        except OSError:
            self.close()  # what is left in the stream belongs to no request any more
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class WsTransport:
    """JSON-RPC over a websocket. What the node announces between answers is kept for `notice`."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._link: ClientConnection | None = None
        self._notices: deque[Any] = deque(maxlen=256)
        self.subscribed = False  # whether this connection was told to announce blocks

    def _open(self) -> ClientConnection:
        if self._link is None:
            self._link = open_websocket(self._url, open_timeout=self._timeout, max_size=None)
        return self._link

    def post(self, body: bytes) -> Any:
        """Send and read until the answer to this request comes."""
        asked = json.loads(body)
        wanted = asked["id"] if isinstance(asked, dict) else None
        link = self._open()
        link.send(body.decode())
        limit = time.monotonic() + self._timeout
        while True:
            found = json.loads(link.recv(max(0.0, limit - time.monotonic())))
            if isinstance(found, dict) and found.get("method") == "eth_subscription":
                self._notices.append(found["params"]["result"])
            elif isinstance(found, list) or found.get("id") in (wanted, None):
                return found

    def notice(self, timeout: float) -> Any:
        """The newest announcement since the last call, or the next one; None if none comes in so
        many seconds."""
        if self._notices:
            newest = self._notices[-1]
            self._notices.clear()
            return newest
        limit = time.monotonic() + timeout
        while True:
            try:
                found = json.loads(self._open().recv(max(0.0, limit - time.monotonic())))
            except TimeoutError:
                return None
            if isinstance(found, dict) and found.get("method") == "eth_subscription":
                return found["params"]["result"]

    def close(self) -> None:
        """Close the connection."""
        self._notices.clear()
        self.subscribed = False
        if self._link is not None:
            link, self._link = self._link, None
            link.close()


def connect(url: str, timeout: float) -> Transport:
    """The transport of an address: http://, https://, ws://, wss://, or ipc:// and a path."""
    if url.startswith(("ws://", "wss://")):
        return WsTransport(url, timeout)
    if url.startswith("ipc://"):
        return IpcTransport(url.removeprefix("ipc://"), timeout)
    return HttpTransport(url, timeout)
