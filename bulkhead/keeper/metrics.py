"""Prometheus metrics of one keeper, and the health endpoint beside them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

from bulkhead.errors import BadInput

FAST = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All of them; names begin with `bulkhead_keeper_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def name(text: str) -> str:
            return f"bulkhead_keeper_{text}"

        def counter(text: str, what: str, *labels: str) -> Counter:
            return Counter(name(text), what, labels, registry=self.registry)

        def gauge(text: str, what: str, *labels: str) -> Gauge:
            return Gauge(name(text), what, labels, registry=self.registry)

        def spread(text: str, what: str, *labels: str) -> Histogram:
            return Histogram(name(text), what, labels, buckets=FAST, registry=self.registry)

        # the node
        self.rpc_seconds = spread("rpc_seconds", "time of a request", "method")
        self.rpc_errors = counter("rpc_errors", "requests that failed", "method")
        self.ticks = counter("ticks", "looks at a market", "market")
        self.tick_errors = counter("tick_errors", "looks that failed", "kind")
        self.tick_seconds = spread("tick_seconds", "time of a look, sending included", "market")
        # the watch
        self.block = gauge("block", "block up to which events have been seen", "market")
        self.lag = gauge("head_age_seconds", "age of the newest block")
        self.rewinds = counter("rewinds", "re-orgs undone", "market")
        self.snapshots = counter("snapshots", "times that everything was read anew", "market")
        self.audited = counter("audited", "positions compared with the chain", "market")
        self.audit_differences = counter("audit_differences", "of them different", "market")
        # the index
        self.positions = gauge("positions", "open positions", "market")
        self.candidates = gauge("candidates", "found by the last look", "market")
        self.index_seconds = spread("index_seconds", "time to find candidates", "market")
        self.rebuilds = counter("index_rebuilds", "times that keys were sorted anew", "market")
        self.fresh = gauge("price_fresh", "1 while the oracle has a valid price", "market")
        self.mark = gauge("mark", "price (quote)", "market")
        # the orders
        self.orders = gauge("orders", "placed orders", "market")
        self.order_candidates = gauge("order_candidates", "due by price and time", "market")
        self.orders_done = counter(
            "orders_done", "orders filled, released or advanced by us", "market", "kind"
        )
        # the work
        self.skips = counter("skips", "things left undone", "market", "reason")
        self.sent = counter("transactions", "sent", "market", "kind")
        self.ended = counter("transactions_ended", "by how they ended", "state")
        self.liquidated = counter("liquidated", "positions liquidated by us", "market")
        self.rewards = counter("rewards_tokens", "token units earned", "market")
        self.spent = counter("spent_wei", "gas and data fees paid")
        self.replaced = counter("replacements", "fees raised, or transactions withdrawn", "why")
        self.pending = gauge("pending", "transactions under way")
        self.balance = gauge("balance_wei", "of the keeper's account")
        self.budget_left = gauge("budget_left_wei", "of the window")


@dataclass
class Health:
    """What the health endpoint says. Healthy: the last good look is younger than `patience`."""

    patience: float
    started: float = field(default_factory=time.time)
    seen: float = 0.0  # unix seconds of the last look at every market that went well
    problem: str = ""

    def good(self) -> None:
        """All markets were looked at."""
        self.seen, self.problem = time.time(), ""

    def bad(self, problem: str) -> None:
        """A look failed."""
        self.problem = problem

    @property
    def healthy(self) -> bool:
        """Whether a supervisor may leave it alone."""
        return time.time() - max(self.seen, self.started) < self.patience

    def record(self) -> dict[str, Any]:
        """For people and machines."""
        age = time.time() - self.seen if self.seen else None
        return {"healthy": self.healthy, "last_look_secs_ago": age, "problem": self.problem}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are no news."""


def serve(metrics: Metrics, health: Health, port: int, host: str) -> WSGIServer:
    """`/metrics` and `/health` (503 when not healthy), in a thread; port 0 takes any."""
    scrape = make_wsgi_app(metrics.registry)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/health":
            found: Iterable[bytes] = scrape(environ, start)
            return found
        status = HTTPStatus.OK if health.healthy else HTTPStatus.SERVICE_UNAVAILABLE
        start(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [json.dumps(health.record()).encode()]

    try:
        server = make_server(host, port, app, handler_class=_Quiet)
    except (OSError, OverflowError) as problem:
        raise BadInput("metrics address", f"{host}:{port}", f"free and ours: {problem}") from None
    Thread(target=server.serve_forever, daemon=True).start()
    return server
