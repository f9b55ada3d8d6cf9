"""Whether a service under a rain of hostile requests answers each with a documented status, and goes on."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from autopicker_lab.benchmark.serving.compare import KEY, start_autopicker, upstream_server
from autopicker_lab.benchmark.serving.hostile import HostileRequests

FINE = frozenset({200, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 429, 431, 501, 502, 503, 504})  # never a 500
_AT_ONCE = 200
_ANSWER_S = 60.0


@dataclass
class FuzzReport:
    """What came of a rain of hostile requests.

    Attributes:
        statuses: answers by status; "closed" where the connection ended without one, "hung" where it did not end.
        wrong: the first requests whose answer had a status that is not documented, or that hung.
        slowest_health_ms: of the questions to /health meanwhile.
    """

    requests: int = 0
    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest_health_ms: float = 0.0

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return {**vars(self), "statuses": dict(sorted(self.statuses.items())), "per_second": round(self.per_second, 1)}


def fuzz_service(seconds: float = 60.0, per_second: float = 1000.0, seed: int = 0) -> FuzzReport:
    """Start a service, send it hostile requests at a rate, and look at each answer's status."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream_server() as upstream,
        start_autopicker(Path(folder), upstream) as (_, base, _),
    ):
        return asyncio.run(rain(base, seconds, per_second, seed, x_api_key=KEY))


async def rain(base: str, seconds: float, per_second: float, seed: int = 0, **headers: str) -> FuzzReport:
    """Send hostile requests to a service that runs, at a rate, each on a connection of its own."""
    place = urlsplit(base)
    requests = HostileRequests(place.netloc, seed, **headers)
    report = FuzzReport()
    room = asyncio.Semaphore(_AT_ONCE)
    tasks: set[asyncio.Task[None]] = set()
    watch = asyncio.create_task(_watch_health(base, report))
    started_at = time.perf_counter()

    async def send(kind: str, data: bytes) -> None:
        async with room:
            _note(report, kind, data, await status_of(place.hostname or "", place.port or 80, data, kind == "bytes"))

    for number in itertools.count():
        due = started_at + number / per_second
        if due > started_at + seconds:
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()) if number % 10 == 0 else 0)
        async with room:  # where the service does not keep up, the rate drops rather than a queue grows
            task = asyncio.create_task(send(*requests.next()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    report.seconds = time.perf_counter() - started_at
    watch.cancel()
    return report


def _note(report: FuzzReport, kind: str, data: bytes, status: str) -> None:
    report.requests += 1
    report.statuses[status] += 1
    wrong = (
        status == "hung" or (status.isdigit() and int(status) not in FINE) or (status == "closed" and kind != "bytes")
    )
    if wrong and len(report.wrong) < 20:
        report.wrong.append(f"{status}: {data[:600]!r}")


async def status_of(host: str, port: int, data: bytes, end: bool = False) -> str:
    """The status that a request gets; "closed" for none, "hung" where the answer does not end within a minute.

    Args:
        end: close our side of the connection after the request, which need not be whole then.
    """
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return "closed"
    try:
        async with asyncio.timeout(_ANSWER_S):
            writer.write(data)
            if end:
                writer.write_eof()
            answer = await reader.read(64)
            while await reader.read(65536):
                pass
    except TimeoutError:
        return "hung"
    except OSError:
        return "closed"
    finally:
        writer.close()
    return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else "closed"


async def _watch_health(base: str, report: FuzzReport) -> None:
    def ask() -> float:
        started_at = time.perf_counter()
        with urllib.request.urlopen(f"{base}/health", timeout=30) as answer:
            json.load(answer)
        return (time.perf_counter() - started_at) * 1000

    while True:
        report.slowest_health_ms = max(report.slowest_health_ms, round(await asyncio.to_thread(ask), 1))
        await asyncio.sleep(0.2)
