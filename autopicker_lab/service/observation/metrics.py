"""What the service knows of itself: request counts and latencies, as JSON and for Prometheus."""

from __future__ import annotations

import math
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest

from autopicker_lab.service.observation.registry import MetricsRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from autopicker_lab.core import CascadeCall
    from autopicker_lab.service.observation.answer_record import AnswerRecord
    from autopicker_lab.storage import MemoryCache

_MODEL_LABEL = re.compile(rb'[{,]model="((?:[^"\\]|\\.)*)"')
_RECENT = 5000  # requests whose latencies are kept


class Metrics:
    """Counts and times requests and answers since the start of this process.

    Args:
        enabled: False counts nothing but `running`; the routes then say so.

    Attributes:
        running: requests being answered now.
    """

    def __init__(self, enabled: bool = True):
        self.enabled = enabled
        self._registry = registry = MetricsRegistry()
        of_request = ("route", "method", "status")
        self._requests = registry.counter("autopicker_requests", "Requests answered", *of_request)
        self._seconds = registry.histogram("autopicker_request_seconds", "Time to answer", "route")
        self._first = registry.histogram("autopicker_first_token_seconds", "Time to first token", "model")
        self._chat = registry.histogram("autopicker_chat_seconds", "Time to a whole answer", "model")
        self._tokens = registry.counter("autopicker_tokens", "Tokens", "model", "direction")
        self._cost = registry.counter("autopicker_cost_usd", "Cost by the catalogue's prices", "model")
        self._routes = registry.counter("autopicker_route_decisions", "Routing decisions", "model", "fallback")
        registry.gauge("autopicker_requests_running", "Requests being answered", "", lambda: {"": self.running})
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._started = time.time()
        self._total = 0
        self._failed = 0
        self.running = 0

    def add_gauges(self, cache: MemoryCache, queue_lengths: Callable[[], Mapping[str, float]]) -> None:
        """Report the cache and the queues, too; both are read whenever the metrics are.

        Args:
            queue_lengths: requests that wait or run, by model.
        """
        stats = cache.stats
        gauge = self._registry.gauge
        gauge("autopicker_queue_depth", "Requests that a model has", "model", queue_lengths)
        gauge("autopicker_cache", "Answers from the cache", "is", lambda: {"hit": stats.hits, "miss": stats.misses})
        gauge("autopicker_cache_bytes", "Size of the cache here", "", lambda: {"": cache.size()[1]})

    def request_started(self) -> None:
        """Count a request as running, from when it is whole."""
        self.running += 1

    def request_ended(self) -> None:
        """Count it as running no more."""
        self.running -= 1

    def request_finished(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the path's pattern, so that ids in paths make no new series."""
        if not self.enabled:
            return
        self._total += 1
        self._failed += status >= 500
        self._recent.append(seconds)
        self._requests.add((route, method, str(status)))
        self._seconds.observe((route,), seconds)

    def record_answer(self, answer: AnswerRecord, cost_usd: float) -> None:
        """Count a chat answer with its route, tokens, cost and times."""
        if not self.enabled:
            return
        model = answer.model
        self._routes.add((model, "true" if answer.fallback_used else "false"))
        self._tokens.add((model, "in"), answer.usage.prompt_tokens)
        self._tokens.add((model, "out"), answer.usage.completion_tokens)
        if cost_usd:
            self._cost.add((model,), cost_usd)
        for call in answer.earlier:
            self._record_earlier(call)
        if answer.first_token_s is not None:
            self._first.observe((model,), answer.first_token_s)
        if answer.total_s is not None:
            self._chat.observe((model,), answer.total_s)

    def _record_earlier(self, call: CascadeCall) -> None:
        """Count the tokens and cost of a call whose answer was not given."""
        self._tokens.add((call.model, "in"), call.usage.prompt_tokens)
        self._tokens.add((call.model, "out"), call.usage.completion_tokens)
        if call.cost_usd:
            self._cost.add((call.model,), call.cost_usd)

    def record_embeddings(self, model: str, tokens: int, cost_usd: float) -> None:
        """Count vectors that were made, with their tokens and cost."""
        if not self.enabled:
            return
        self._tokens.add((model, "in"), tokens)
        if cost_usd:
            self._cost.add((model,), cost_usd)

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

    def prometheus(self, models: frozenset[str] | None = None) -> bytes:
        """All metrics in Prometheus' text format; of models, those of these alone (None: all)."""
        content = generate_latest(self._registry.registry)
        if models is None:
            return content
        return b"".join([line for line in content.splitlines(keepends=True) if _is_about(line, models)])


def _percentile(ascending: Sequence[float], percent: float) -> float | None:
    if not ascending:
        return None
    return round(1000 * ascending[max(0, math.ceil(percent / 100 * len(ascending)) - 1)], 3)


def _is_about(line: bytes, models: frozenset[str]) -> bool:
    """Whether a line of Prometheus' format is of one of these models, or of no model."""
    label = _MODEL_LABEL.search(line)
    return label is None or label[1].decode().replace('\\"', '"').replace("\\\\", "\\") in models
