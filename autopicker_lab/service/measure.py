"""What the service knows of itself: request counts and latencies, as JSON and for Prometheus."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_RECENT = 5000
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    """Args:
    enabled: False measures nothing; the routes then say so.
    """

    def __init__(self, enabled: bool = True):
        self.enabled = enabled
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("autopicker_requests_total", "Requests answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "autopicker_request_seconds", "Time to answer", ("route",), registry=self.registry, buckets=_BUCKETS
        )
        self._running = Gauge("autopicker_requests_running", "Requests being answered", registry=self.registry)
        self._tokens = Counter("autopicker_tokens_total", "Tokens", ("model", "direction"), registry=self.registry)
        self._first = Histogram(
            "autopicker_first_token_seconds",
            "Time to first token",
            ("model",),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._routes = Counter(
            "autopicker_route_decisions_total", "Routing decisions", ("model", "fallback"), registry=self.registry
        )
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._started = time.time()
        self._total = 0
        self._failed = 0

    def begin(self) -> None:
        self._running.inc()

    def end(self, route: str, method: str, status: int, seconds: float) -> None:
        self._running.dec()
        if not self.enabled:
            return
        self._total += 1
        self._failed += status >= 500
        self._recent.append(seconds)
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, model: str, fallback: bool, tokens_in: int, tokens_out: int, first_s: float | None) -> None:
        """Count one chat answer."""
        if not self.enabled:
            return
        self._routes.labels(model, str(fallback).lower()).inc()
        self._tokens.labels(model, "in").inc(tokens_in)
        self._tokens.labels(model, "out").inc(tokens_out)
        if first_s is not None:
            self._first.labels(model).observe(first_s)

    def summary(self) -> dict[str, Any]:
        """Totals since the start, and latencies (ms) of the last five thousand requests; None where there are none."""
        recent = sorted(self._recent)
        uptime = time.time() - self._started
        return {
            "total_requests": self._total,
            "failed_requests": self._failed,
            "error_rate_percent": round(100 * self._failed / self._total, 3) if self._total else None,
            "avg_response_time_ms": round(1000 * sum(recent) / len(recent), 3) if recent else None,
            "p50_ms": _percentile(recent, 50),
            "p95_ms": _percentile(recent, 95),
            "p99_ms": _percentile(recent, 99),
            "requests_per_second": round(self._total / uptime, 3) if uptime else None,
            "uptime_seconds": round(uptime, 1),
        }

    def prometheus(self) -> bytes:
        return generate_latest(self.registry)


def _percentile(ascending: Sequence[float], percent: float) -> float | None:
    if not ascending:
        return None
    return round(1000 * ascending[max(0, math.ceil(percent / 100 * len(ascending)) - 1)], 3)
