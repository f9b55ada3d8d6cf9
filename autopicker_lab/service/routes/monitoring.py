"""Health, metrics and the load test of the service itself."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
from fastapi import APIRouter, Query, Request

from autopicker_lab.core import InvalidRequestError, RateLimitError
from autopicker_lab.loadtest import Closed, LoadPlan, run
from autopicker_lab.service.request.auth import OnBehalf
from autopicker_lab.service.state import CurrentCaller, State, while_connected

router = APIRouter(tags=["monitoring"])
_PATH = re.compile(r"/[\w\-./~%+,:@=&?]*")


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@router.get("/monitoring/health", summary="The machine and the models behind the service")
async def monitoring(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Load in percent, and whether each model's server answers that the caller may use."""
    allowed = caller.models
    known = await state.lab.catalogue.availability()
    answers = {name: answer for name, answer in known.items() if allowed is None or name in allowed}
    endpoints = [
        {"name": name, "status": "healthy" if answer.ok else "unavailable", "detail": answer.why or None}
        for name, answer in answers.items()
    ]
    healthy = sum(answer.ok for answer in answers.values())
    return {
        "status": "healthy" if healthy else "degraded",
        "system_metrics": {
            "cpu_percent": psutil.cpu_percent(interval=None),
            "memory_percent": psutil.virtual_memory().percent,
            "disk_usage_percent": psutil.disk_usage("/").percent,
        },
        "api_health": {"healthy_endpoints": healthy, "total_endpoints": len(endpoints), "endpoints": endpoints},
        "timestamp": _timestamp(),
    }


@router.get("/performance/metrics", summary="Requests, latencies and cache since the start")
async def metrics(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Of this worker; `routing` says whether requests have drifted from those that the policy was fitted on.

    `departing_keys` names API keys whose requests rank otherwise than the others', with the shares of both in the
    upper half, to whoever runs the service: a key of the key file sees none.
    """
    entries, size = state.cache.size()
    stats = state.cache.stats
    cache = {
        "hits": stats.hits,
        "misses": stats.misses,
        "hit_rate_percent": stats.hit_rate_percent,
        "entries": entries,
        "bytes": size,
        "backend": state.cache.backend,
        "ttl_seconds": state.lab.settings.cache_ttl,
    }
    drift = await asyncio.to_thread(state.drift.measure)
    departing = await asyncio.to_thread(state.drift.departing_keys) if caller.key is None else ()
    return {
        "status": "healthy" if state.metrics.enabled else "disabled",
        "performance_metrics": {"summary": state.metrics.summary(), "cache_stats": cache},
        "routing": drift.to_dict(),
        "departing_keys": [key.to_dict() for key in departing],
        "timestamp": _timestamp(),
    }


@router.post("/performance/load-test", summary="Load-test a path of this service")
async def load_test(
    request: Request,
    state: State,
    endpoint: str = Query("/health", description="a path of this service"),
    concurrent_users: int = Query(5, ge=1, le=20),
    requests_per_user: int = Query(10, ge=1, le=50),
) -> dict[str, Any]:
    """One at a time. Its requests are the caller's: with the same key, models, files, limits and budget."""
    path = _service_path(endpoint)
    if await request.body():
        raise InvalidRequestError("a load test has no body", "give endpoint and the rest in the query string")
    if state.load_test.locked():
        raise RateLimitError("a load test is running already", "try again when it has ended", retry_after=5)
    async with state.load_test:
        host, port = request.scope["server"][:2]
        headers = OnBehalf(state.lab.settings).header(state.limiter.client_address(request.scope))
        headers |= {name: request.headers[name] for name in ("x-api-key", "authorization") if name in request.headers}
        address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        plan = LoadPlan(
            f"http://{address}:{port}{path}",
            Closed(concurrent_users),
            requests=concurrent_users * requests_per_user,
            duration_s=60,
            headers=headers,
        )
        started_at = time.perf_counter()
        report = await while_connected(request, lambda: run(plan))
    results = report.to_dict() | {"endpoint": path, "concurrent_users": concurrent_users}
    return {
        "status": "completed",
        "load_test_results": results | {"requests_per_user": requests_per_user},
        "seconds": round(time.perf_counter() - started_at, 3),
        "timestamp": _timestamp(),
    }


def _service_path(endpoint: str) -> str:
    """The endpoint, if it can only mean a path of this service; InvalidRequestError otherwise."""
    unquoted = endpoint
    for _ in range(3):
        unquoted = unquote(unquoted)
    path = urlsplit(unquoted).path
    elsewhere = not _PATH.fullmatch(unquoted) or "//" in unquoted or ".." in unquoted or "\\" in unquoted
    if elsewhere or not _PATH.fullmatch(endpoint):
        detail = f"'endpoint' must be a path of this service, not {endpoint[:80]!r}"
        raise InvalidRequestError(detail, "give one such as /health or /api/v1/models", param="endpoint")
    if path.rstrip("/").endswith("/performance/load-test"):
        raise InvalidRequestError("the load test cannot test itself", "choose another endpoint", param="endpoint")
    return endpoint
