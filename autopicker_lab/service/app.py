"""The application: one Workbench behind the documented routes."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil
from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse, Response
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from autopicker_lab import __version__
from autopicker_lab.live.rollout import DeploymentChange
from autopicker_lab.runtime.addresses import AddressSet
from autopicker_lab.service.chat.completions import ChatApp
from autopicker_lab.service.chat.dialect import Dialect
from autopicker_lab.service.chat.openai import OpenAIChat
from autopicker_lab.service.chat.single_flight import SingleFlight
from autopicker_lab.service.connections import Connections
from autopicker_lab.service.dialects.anthropic import AnthropicChat
from autopicker_lab.service.dialects.legacy_completions import LegacyCompletions
from autopicker_lab.service.dialects.ollama import OllamaChat
from autopicker_lab.service.dialects.prompt_batches import PromptBatches
from autopicker_lab.service.dialects.responses import ResponsesAPI
from autopicker_lab.service.housekeeping import forget_old_uploads, secure_home
from autopicker_lab.service.middleware import RequestMiddleware
from autopicker_lab.service.observation.access_log import AccessLog
from autopicker_lab.service.observation.metrics import Metrics
from autopicker_lab.service.observation.tracing import Tracing
from autopicker_lab.service.openapi import ERRORS, complete_document
from autopicker_lab.service.request import errors, json_body
from autopicker_lab.service.request.auth import Authenticator
from autopicker_lab.service.request.budgets import Budgets
from autopicker_lab.service.request.origins import Origins
from autopicker_lab.service.request.rate_limits import RateLimiter
from autopicker_lab.service.request.revocation import KeyWatch
from autopicker_lab.service.routes import (
    analysis,
    audio,
    embeddings,
    files,
    live_speech,
    messages,
    monitoring,
    ollama,
    page,
    responses,
    socket,
)
from autopicker_lab.service.state import CurrentCaller, ServiceState
from autopicker_lab.settings import Settings
from autopicker_lab.storage import MemoryCache, RedisCache, ResponseStore, open_ledger, open_log
from autopicker_lab.workbench import Workbench

PREFIXES = ("/api/v1", "/v1")
CHATS: dict[str, tuple[Dialect, bool]] = {  # by path: how it is worded, and whether it always tells of files
    "/chat/completions": (OpenAIChat(), False),
    "/chat/multimodal": (OpenAIChat(), True),
    "/chat/multimodal-audio": (OpenAIChat(), True),
}
OLLAMA_CHATS: dict[str, Dialect] = {"/api/chat": OllamaChat(), "/api/generate": OllamaChat(generating=True)}
ABOUT = """Picks the right language model for every request, and says why.

Routes under `/api/v1` answer under `/v1` too, so that OpenAI's clients work with either as their base URL.
"""
SYNC_S = 1.0
_CLOSING_S = 12.0  # after the last answer
log = logging.getLogger(__name__)


def create_app(lab: Workbench | None = None) -> ASGIApp:
    """The service around a Workbench, or around a new one from the environment, as an ASGI application."""
    lab = lab or Workbench(Settings.load(), isolate=True)
    settings = lab.settings
    metrics = Metrics(settings.enable_performance_monitoring)
    secure_home(settings.autopicker_home)
    _ = lab.files  # an impossible STORAGE_URL stops the start
    cache = _cache(settings)
    authenticator = Authenticator(settings)
    budgets = Budgets(open_ledger(settings))
    limiter = RateLimiter(settings)
    key_watch = KeyWatch(authenticator)
    access_log = AccessLog(settings.log_format)
    decisions = open_log(settings.decision_log)
    tracing = Tracing.from_environment()
    stored = ResponseStore(settings.autopicker_home / "responses.sqlite", settings.responses_ttl)
    state = ServiceState(lab, metrics, decisions, cache, authenticator, budgets, limiter, key_watch, stored, tracing)
    metrics.add_gauges(cache, lambda: {**lab.catalogue.pending(), "whisper": lab.reader.queue_length()})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        psutil.cpu_percent(interval=None)  # the first reading has nothing to compare with
        works = (
            lab.catalogue.availability(),
            budgets.keep_in_step(SYNC_S),
            key_watch.run(),
            forget_old_uploads(lab.files, settings.upload_ttl),
            state.drift.run(),
            _keep_live(state),
        )
        _take(state, await asyncio.to_thread(state.live.rollout.follow))
        tasks = [asyncio.create_task(work) for work in works]
        if state.live.shadow is not None:
            tasks.append(asyncio.create_task(state.live.shadow.run(decisions)))
        yield Connections(settings.max_connections, AddressSet.parse(settings.trusted_proxies)).as_state()
        await _close(state, access_log, tasks)

    app = FastAPIOffline(
        docs_url=None,  # see routes.page
        title="Autopicker Lab",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,  # they would lead to http:// behind a proxy that speaks https
    )
    app.state.service = state
    errors.install(app)
    direct = _chat_apps(state)
    for path, chat in direct.items():  # the router answers for the methods that are not POST
        app.add_route(path, chat, methods=["POST"], include_in_schema=False)  # type: ignore[arg-type]  # any ASGI app
    for index, prefix in enumerate(PREFIXES):
        for module in (files, audio, analysis, embeddings, messages, responses, monitoring):
            app.include_router(module.router, prefix=prefix, include_in_schema=index == 0, responses=ERRORS)
    app.include_router(ollama.router, responses=ERRORS)
    app.include_router(_top_level(state))
    app.include_router(page.router)
    app.include_router(socket.router)
    app.include_router(live_speech.router)
    document = app.openapi
    app.openapi = functools.cache(lambda: complete_document(document()))  # type: ignore[method-assign]  # FastAPI's documented way
    service = RequestMiddleware(app, settings, authenticator, limiter, metrics, access_log, key_watch, direct)
    origins = Origins(settings.origins)
    if not origins:
        return service
    return CORSMiddleware(
        service,
        sorted(origins.exact),
        allow_origin_regex=origins.pattern,
        allow_methods=["*"],
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=["*"],
    )


def _take(state: ServiceState, change: DeploymentChange | None) -> None:
    """Serve what has changed of what is deployed; no request comes between the parts of it."""
    if change is not None:
        state.drift.follow(state.live.rollout.take(change))


async def _keep_live(state: ServiceState) -> None:
    """Keep what the loop on live traffic has spent and noticed in step with its stores."""
    while True:
        await state.budgets.in_thread(state.live.open_accounts)
        try:
            _take(state, await asyncio.to_thread(state.live.keep, state.decisions))
        except Exception as error:  # whatever the stores raise: they may be back the next time
            log.warning("what happened on live traffic could not be kept: %s", type(error).__name__)
        await asyncio.sleep(SYNC_S)


async def _close(state: ServiceState, access_log: AccessLog, tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End what runs and store what waits, in bounded time."""
    try:
        async with asyncio.timeout(_CLOSING_S):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for close in (
                state.cache.close,
                state.responses.close,
                functools.partial(asyncio.to_thread, state.live.close, state.decisions),
                functools.partial(asyncio.to_thread, state.decisions.close),
                functools.partial(asyncio.to_thread, access_log.close),
                state.budgets.close,
                state.lab.aclose,
            ):
                try:
                    await close()
                except Exception as error:  # whatever a store raises: the others are closed all the same
                    log.warning("not all that the service keeps could be stored: %s", type(error).__name__)
    except TimeoutError:
        log.warning("what the service keeps could not all be stored in %g seconds", _CLOSING_S)


def _chat_apps(state: ServiceState) -> dict[str, ASGIApp]:
    """What answers chats, by path."""
    settings = state.lab.settings
    flights = SingleFlight()
    apps: dict[str, ASGIApp] = {
        path: ChatApp(state, flights, dialect, with_files) for path, (dialect, with_files) in CHATS.items()
    }
    apps["/completions"] = PromptBatches(ChatApp(state, flights, LegacyCompletions()), json_body.max_bytes(settings))
    apps["/responses"] = ChatApp(state, flights, ResponsesAPI(state.responses))
    apps["/messages"] = ChatApp(state, flights, AnthropicChat(state.lab.reader, settings.max_file_size))
    direct = {prefix + path: chat for prefix in PREFIXES for path, chat in apps.items()}
    return direct | {path: ChatApp(state, flights, dialect) for path, dialect in OLLAMA_CHATS.items()}


def _top_level(state: ServiceState) -> APIRouter:
    router = APIRouter(tags=["monitoring"])

    @router.get("/health", summary="Whether the service runs")
    async def health() -> dict[str, str]:
        return {"status": "healthy", "service": "autopicker"}

    @router.get("/metrics", summary="For Prometheus", response_class=PlainTextResponse)
    async def prometheus(caller: CurrentCaller) -> Response:
        content = state.metrics.prometheus(caller.models)
        return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _cache(settings: Settings) -> MemoryCache:
    if settings.enable_redis_cache:
        return RedisCache(settings.cache_ttl, settings.redis_url)
    return MemoryCache(settings.cache_ttl)


def _operation_id(route: Any) -> str:
    return str(route.name)
