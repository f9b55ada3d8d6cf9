"""A bare pass-through of Starlette and aiohttp: a gateway without any feature. UPSTREAM names the server."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import orjson
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

URL = os.environ.get("UPSTREAM", "") + "/chat/completions"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Hold one client session while the application runs."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as app.state.session:
        yield


async def health(request: Request) -> Response:
    """Answer that the process is ready."""
    return JSONResponse({"status": "healthy"})


async def chat(request: Request) -> Response:
    """Pass a chat request and its answer on as they are."""
    data = await request.body()
    stream = orjson.loads(data).get("stream")
    headers = {"Content-Type": "application/json"}
    answer = await request.app.state.session.post(URL, data=data, headers=headers)
    if not stream:
        return Response(await answer.read(), answer.status, media_type="application/json")

    async def pieces() -> AsyncIterator[bytes]:
        async with answer:
            async for piece in answer.content.iter_any():
                yield piece

    return StreamingResponse(pieces(), answer.status, media_type="text/event-stream")


app = Starlette(
    routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/health", health)], lifespan=lifespan
)
