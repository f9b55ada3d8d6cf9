"""The application: one Workbench behind the documented routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse, Response
from fastapi_offline import FastAPIOffline

from autopicker_lab import __version__
from autopicker_lab.service import errors
from autopicker_lab.service.gate import Gate, Keys
from autopicker_lab.service.limits import ClientLimits
from autopicker_lab.service.measure import Measures
from autopicker_lab.service.routes import analysis, audio, chat, files, monitoring, socket
from autopicker_lab.service.state import ServiceState
from autopicker_lab.settings import Settings
from autopicker_lab.storage import DecisionLog, MemoryCache, RedisCache
from autopicker_lab.workbench import Workbench

PREFIXES = ("/api/v1", "/v1")
ABOUT = """Picks the right language model for every request, and says why.

Routes under `/api/v1` answer under `/v1` too, so that OpenAI's clients work with either as their base URL.
"""


def create_app(lab: Workbench | None = None) -> FastAPI:
    """The service around a Workbench, or around a new one from the environment."""
    lab = lab or Workbench(Settings.load(), isolate=True)
    settings = lab.settings
    measures = Measures(settings.enable_performance_monitoring)
    keys, limits = Keys(settings), ClientLimits(settings)
    state = ServiceState(lab, measures, DecisionLog(settings.decision_log), _cache(settings), keys, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        psutil.cpu_percent(interval=None)  # the first reading has nothing to compare with
        yield
        await state.cache.close()
        state.decisions.close()
        await lab.aclose()

    app = FastAPIOffline(
        title="Autopicker Lab",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = state
    errors.install(app)
    for index, prefix in enumerate(PREFIXES):
        for module in (chat, files, audio, analysis, monitoring):
            app.include_router(module.router, prefix=prefix, include_in_schema=index == 0, responses=_ERRORS)
    app.include_router(_top_level(state))
    app.include_router(socket.router)
    app.add_middleware(Gate, settings=settings, keys=keys, limits=limits, measures=measures)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        """The document without 422: what FastAPI would answer so is answered 400 here."""
        document = described()
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _top_level(state: ServiceState) -> APIRouter:
    router = APIRouter(tags=["monitoring"])

    @router.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    @router.get("/health", summary="Whether the service runs")
    async def health() -> dict[str, str]:
        return {"status": "healthy", "service": "autopicker"}

    @router.get("/metrics", summary="For Prometheus")
    async def prometheus() -> Response:
        return Response(state.measures.prometheus(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _cache(settings: Settings) -> MemoryCache:
    if settings.enable_redis_cache:
        return RedisCache(settings.cache_ttl, settings.redis_url)
    return MemoryCache(settings.cache_ttl)


def _operation_id(route: Any) -> str:
    return str(route.name)


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/json": {"example": {"error": text, "detail": "...", "status_code": status}}},
    }
    for status, text in {
        400: "Invalid request",
        401: "Unauthorized",
        404: "Not found",
        413: "File too large",
        415: "Unsupported file",
        429: "Too many requests",
        500: "Internal server error",
        502: "Upstream error",
        503: "No model available",
        504: "Upstream too slow",
    }.items()
}
