"""The closed loop: a fixed number of users, each sending its next request when the last was answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from autopicker_lab.core import LoadPlan, LoadReport, Timing

Progress = Callable[[int, int], bool | None]


async def run(plan: LoadPlan, progress: Progress | None = None) -> LoadReport:
    """Run a plan against its address and measure every request.

    Args:
        progress: called with (done, planned) after each request; returning False ends the run and keeps what there is.

    An answer counts as good with a status under 400 and its body read to the end. Errors are named: "http 500",
    "refused", "timeout", "reset".
    """
    timings: list[Timing] = []
    begun = time.perf_counter()
    left = plan.requests
    stopped = False
    timeout = aiohttp.ClientTimeout(total=plan.timeout_s)
    connector = aiohttp.TCPConnector(limit=plan.users)

    async def user(session: aiohttp.ClientSession) -> None:
        nonlocal left, stopped
        while left > 0 and not stopped:
            if time.perf_counter() - begun > plan.max_seconds:
                stopped = True
                return
            left -= 1
            start = time.perf_counter()
            error = await _request(session, plan)
            timings.append(Timing(start - begun, time.perf_counter() - start, error))
            if progress is not None and progress(len(timings), plan.requests) is False:
                stopped = True

    async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=dict(plan.headers)) as session:
        await asyncio.gather(*(user(session) for _ in range(min(plan.users, plan.requests))))
    return LoadReport(plan, tuple(timings), time.perf_counter() - begun, stopped)


async def _request(session: aiohttp.ClientSession, plan: LoadPlan) -> str | None:
    options: dict[str, Any] = {"data": plan.body, "allow_redirects": False}
    try:
        async with session.request(plan.method, plan.url, **options) as response:
            await response.read()
            return None if response.status < 400 else f"http {response.status}"
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientConnectorError:
        return "refused"
    except (aiohttp.ClientError, OSError) as failure:
        return "reset" if isinstance(failure, aiohttp.ServerDisconnectedError | OSError) else type(failure).__name__
