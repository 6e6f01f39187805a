"""Nodes as they are: slow, gone, behind, or wrong. Whatever they do comes out as one exception."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException

from bulkhead.chain.errors import ChainError, Reverted, RpcError
from bulkhead.chain.rpc import Rpc
from bulkhead.chain.transport import WsTransport
from bulkhead.chain.wire import tag
from bulkhead.errors import BadInput
from bulkhead.keeper.metrics import Metrics

SCHEMES = ("http://", "https://", "ws://", "wss://", "ipc://")
BROKEN = (OSError, http.client.HTTPException, WebSocketException, ValueError, KeyError, TypeError)


class NodeDown(ChainError):
    """No answer, or none that makes sense."""


class NodeLied(ChainError):
    """An answer that contradicts another."""


@dataclass(frozen=True)
class Head:
    """A block's header, as far as the keeper needs it."""

    number: int
    hash: str
    parent: str
    time: int
    base_fee: int

    @property
    def tag(self) -> dict[str, str]:
        """This very block (EIP-1898), not whatever has its number later."""
        return {"blockHash": self.hash}


def shown(url: str) -> str:
    """A node's address for people and logs: paths, queries and user names often hold keys."""
    parts = urlsplit(url)
    if parts.scheme == "ipc":
        return url
    place = parts.netloc.rpartition("@")[2]
    secret = "@" in parts.netloc or parts.path not in ("", "/") or bool(parts.query)
    return f"{parts.scheme}://{place}" + ("/***" if secret else "")


class NodeRpc(Rpc):
    """The client with its failures sorted: `NodeDown` for what may pass, reverts as they are."""

    def __init__(self, url: str, timeout: float, metrics: Metrics) -> None:
        if not url.startswith(SCHEMES):
            limit = f"an address that begins with {', '.join(SCHEMES)}"
            raise BadInput("node", shown(url), limit)
        try:
            super().__init__(url, timeout)
        except (ValueError, RpcError):
            limit = "an address with a host, and a port up to 65535 if any"
            raise BadInput("node", shown(url), limit) from None
        self.metrics = metrics

    def request(self, method: str, *params: Any) -> Any:
        """As the client's own; a broken connection is opened anew by the next request."""
        started = time.perf_counter()
        try:
            return super().request(method, *params)
        except Reverted:
            raise
        except RpcError as problem:
            self.metrics.rpc_errors.labels(method).inc()
            if problem.code == 0 or problem.code >= 500:
                self.close()
                raise NodeDown(f"{method}: {problem}") from None
            raise
        except BROKEN as problem:
            self.metrics.rpc_errors.labels(method).inc()
            self.close()
            raise NodeDown(f"{method}: {type(problem).__name__}: {problem}") from None
        finally:
            self.metrics.rpc_seconds.labels(method).observe(time.perf_counter() - started)

    def batch(self, requests: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """One after the other: many nodes limit batches, and none of ours needs speed."""
        return [self.request(method, *params) for method, params in requests]

    def head(self, at: int | str = "latest") -> Head | None:
        """A header; None where the node has no such block."""
        found: Any = self.request("eth_getBlockByNumber", tag(at), False)
        if found is None:
            return None
        try:
            return Head(
                int(found["number"], 16),
                found["hash"],
                found["parentHash"],
                int(found["timestamp"], 16),
                int(found.get("baseFeePerGas") or "0x0", 16),
            )
        except BROKEN as problem:
            raise NodeDown(f"eth_getBlockByNumber: no header: {problem}") from None

    def wait_for_block(self, secs: float) -> None:
        """Until a new block is announced (websocket), or so long."""
        if not isinstance(self.transport, WsTransport):
            time.sleep(secs)
            return
        try:
            if not self.transport.subscribed:
                self.request("eth_subscribe", "newHeads")
                self.transport.subscribed = True
            self.transport.notice(secs)
        except BROKEN as problem:
            self.close()
            raise NodeDown(f"newHeads: {type(problem).__name__}: {problem}") from None
