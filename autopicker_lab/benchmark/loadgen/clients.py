"""Closed loops of HTTP clients, without any statistics.

python -m autopicker_lab.benchmark.loadgen.clients aiohttp|httpx URL CONNECTIONS SECONDS prints requests a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def _users(ask: Callable[[], Awaitable[object]], connections: int, seconds: float) -> float:
    started_at = time.perf_counter()
    requests = 0

    async def user() -> None:
        nonlocal requests
        while time.perf_counter() - started_at < seconds:
            await ask()
            requests += 1

    await asyncio.gather(*(user() for _ in range(connections)))
    return requests / (time.perf_counter() - started_at)


async def _aiohttp(url: str, connections: int, seconds: float) -> float:
    require("aiohttp")
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def ask() -> None:
            async with session.get(url) as answer:
                await answer.read()

        return await _users(ask, connections, seconds)


async def _httpx(url: str, connections: int, seconds: float) -> float:
    import httpx

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(limits=limits) as client:
        return await _users(lambda: client.get(url), connections, seconds)


if __name__ == "__main__":
    import uvloop

    kind, url, connections, seconds = sys.argv[1:]
    work = {"aiohttp": _aiohttp, "httpx": _httpx}[kind]
    sys.stdout.write(f"{uvloop.run(work(url, int(connections), float(seconds)))}\n")
