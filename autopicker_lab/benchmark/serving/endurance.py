"""Minutes of mixed traffic, hostile requests among it, on two workers with Redis: what grows, and what leaks out."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from autopicker_lab.benchmark.processes import free_port, start_process, tree
from autopicker_lab.benchmark.serving.compare import upstream_server
from autopicker_lab.benchmark.serving.fuzz import FINE, status_of
from autopicker_lab.benchmark.serving.hostile import HostileRequests
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.storage import KeyFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    import httpx

_UPSTREAM_SECRET = "sk-upstream-secret"
_MARK = "confidential-question"  # stands in every question, and must stand in no log
_SAMPLE_S = 5.0
_CONTEXT_TOKENS = 200  # of what is asked for of a file: most do not fit, and are searched
_FILES = 100  # different ones: what is read of a file is kept, and a growing number of them would fill that cache


@dataclass(frozen=True)
class Holdings:
    """What the service held at one moment: resident MiB, descriptors, threads, and files in its temporary folder."""

    at_s: float
    rss_mb: float
    descriptors: int
    threads: int
    temporary_files: int


@dataclass
class EnduranceReport:
    """What came of minutes of mixed traffic.

    Attributes:
        answers: by what was asked, and what came ("chat 200").
        wrong: answers that should not have come.
        samples: what the service held, every five seconds.
        leaked: secrets that stand in its log.
    """

    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    samples: list[Holdings] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def growth(self, name: str) -> float:
        """The mean of the last quarter of the samples over that of the second, for a field of Holdings."""
        quarter = max(1, len(self.samples) // 4)
        values = [float(getattr(sample, name)) for sample in self.samples]
        early, late = values[quarter : 2 * quarter], values[-quarter:]
        return (sum(late) / len(late)) / max(1.0, sum(early) / max(1, len(early)))

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        names = ("rss_mb", "descriptors", "threads", "temporary_files")
        return {
            "seconds": round(self.seconds),
            "answers": dict(sorted(self.answers.items())),
            "wrong": self.wrong,
            "leaked": self.leaked,
            "growth": {name: round(self.growth(name), 3) for name in names},
            "highest": {name: max(getattr(sample, name) for sample in self.samples) for name in names},
            "last": vars(self.samples[-1]),
        }


def endure(minutes: float = 10.0, seed: int = 0) -> EnduranceReport:
    """Start a service of two workers before an upstream, with Redis, and send it mixed traffic for so long.

    Redis is killed at four tenths of the time and is back at six.
    """
    redis = shutil.which("redis-server")
    if redis is None:
        raise InvalidRequestError("redis-server is not installed", "apt-get install redis-server")
    with tempfile.TemporaryDirectory() as name, upstream_server(gap_ms=2.0) as upstream:
        folder, port = Path(name), free_port()
        keys = [KeyFile(folder / "keys.json").create(who, requests=10_000_000, budget_usd=1000)[0] for who in "ab"]
        with _redis(redis, port) as restart, _service(folder, upstream, port) as (process, base):
            report = asyncio.run(_traffic(process, folder, base, keys, minutes * 60, seed, restart))
        log = (folder / "service.log").read_text(errors="replace")
        report.leaked = [secret for secret in (*keys, _UPSTREAM_SECRET, _MARK) if secret in log]
    return report


@contextmanager
def _redis(program: str, port: int) -> Iterator[Callable[[bool], None]]:
    """Redis in memory; what is given kills it (False) and starts it again (True)."""
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    running: list[subprocess.Popen[bytes]] = []

    def switch(on: bool) -> None:
        if on:
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        else:
            running[-1].kill()
            running[-1].wait()

    switch(True)
    try:
        yield switch
    finally:
        switch(False)


@contextmanager
def _service(folder: Path, upstream: str, redis_port: int) -> Iterator[tuple[psutil.Process, str]]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    entry = {"name": "instant", "type": "openai", "endpoint": upstream, "price_in": 1, "price_out": 1}
    config = folder / "models.json"
    config.write_text(json.dumps({"models": [{**entry, "api_key": _UPSTREAM_SECRET}]}))
    (folder / "temporary").mkdir()
    settings = {
        "AUTOPICKER_CONFIG": str(config),
        "AUTOPICKER_HOME": str(folder / "home"),
        "API_KEYS_FILE": str(folder / "keys.json"),
        "DECISION_LOG": str(folder / "decisions.db"),
        "ENABLE_REDIS_CACHE": "true",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",
        "TMPDIR": str(folder / "temporary"),
    }
    command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port), "--workers", "2"]
    with start_process(command, None, f"{base}/health", settings, folder / "service.log") as (process, _):
        yield process, base


async def _traffic(
    process: psutil.Process,
    folder: Path,
    base: str,
    keys: Sequence[str],
    seconds: float,
    seed: int,
    switch_redis: Callable[[bool], None],
) -> EnduranceReport:
    import httpx

    report = EnduranceReport()
    started_at = time.monotonic()
    ends_at = started_at + seconds
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        callers = [_Caller(report, client, base, key, random.Random(seed + i)) for i, key in enumerate(keys)]
        loops: list[Awaitable[None]] = [_repeat(kind, ends_at, 0.02) for caller in callers for kind in caller.kinds()]
        loops.append(_repeat(_hostile(report, base, keys[0], seed), ends_at, 0.005))
        loops += [_hold_open(base, ends_at, data) for data in _UNFINISHED]
        loops.append(_watch(report, process, folder / "temporary", started_at, ends_at))
        loops.append(_switch(switch_redis, seconds))
        await asyncio.gather(*loops)
    report.seconds = time.monotonic() - started_at
    return report


async def _repeat(work: Callable[[], Awaitable[None]], ends_at: float, pause_s: float) -> None:
    while time.monotonic() < ends_at:
        await work()
        await asyncio.sleep(pause_s)


async def _switch(switch_redis: Callable[[bool], None], seconds: float) -> None:
    await asyncio.sleep(0.4 * seconds)
    switch_redis(False)
    await asyncio.sleep(0.2 * seconds)
    switch_redis(True)


async def _watch(
    report: EnduranceReport, process: psutil.Process, temporary: Path, started_at: float, ends_at: float
) -> None:
    while time.monotonic() < ends_at:
        await asyncio.sleep(_SAMPLE_S)
        rss = descriptors = threads = 0
        for member in tree(process):
            with suppress(psutil.NoSuchProcess):
                rss += member.memory_info().rss
                descriptors += member.num_fds()
                threads += member.num_threads()
        files = await asyncio.to_thread(_count_files, temporary)
        at_s = round(time.monotonic() - started_at, 1)
        report.samples.append(Holdings(at_s, round(rss / 2**20, 1), descriptors, threads, files))


def _count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


class _Caller:
    """One key's well-behaved traffic, and its clients that leave in the middle."""

    def __init__(self, report: EnduranceReport, client: httpx.AsyncClient, base: str, key: str, choice: random.Random):
        self._report = report
        self._client = client
        self._base = base
        self._key = key
        self._headers = {"x-api-key": key}
        self._random = choice
        self._number = itertools.count()

    def kinds(self) -> list[Callable[[], Awaitable[None]]]:
        """What it does, over and over."""
        return [self._chat, self._same_chat, self._stream, self._leave, self._file, self._socket, self._look]

    def _body(self, question: str, **fields: Any) -> dict[str, Any]:
        return {"model": "auto", "messages": [{"role": "user", "content": f"{_MARK} {question}"}], **fields}

    def _note(self, what: str, status: object, fine: Sequence[object] = (200,)) -> None:
        self._report.answers[f"{what} {status}"] += 1
        if status not in fine and len(self._report.wrong) < 20:
            self._report.wrong.append(f"{what}: {status}")

    async def _chat(self) -> None:
        body = self._body(f"Question {next(self._number)}")
        self._note(
            "chat", (await self._client.post("/v1/chat/completions", json=body, headers=self._headers)).status_code
        )

    async def _same_chat(self) -> None:
        answer = await self._client.post("/v1/chat/completions", json=self._body("Again"), headers=self._headers)
        self._note("cached chat", answer.status_code)

    async def _stream(self) -> None:
        body = self._body(f"Stream {next(self._number)}", stream=True)
        answer = await self._client.post("/v1/chat/completions", json=body, headers=self._headers)
        self._note("stream", answer.status_code if "[DONE]" in answer.text else "cut")

    async def _leave(self) -> None:
        body = self._body(f"Left {next(self._number)}", stream=True)
        async with self._client.stream("POST", "/v1/chat/completions", json=body, headers=self._headers) as answer:
            async for _ in answer.aiter_bytes():
                break
        self._note("left stream", answer.status_code)

    async def _file(self) -> None:
        boat = next(self._number) % _FILES
        text = f"The boat {boat} is electric. " * (4 * boat + 1)
        files = {"file": ("boat.txt", text.encode())}
        stored = await self._client.post("/v1/upload", files=files, headers=self._headers)
        self._note("upload", stored.status_code)
        if stored.status_code == 200:
            file_id = stored.json()["id"]
            body = self._body("Which boat?", file_ids=[file_id])
            asked = await self._client.post("/v1/chat/multimodal", json=body, headers=self._headers)
            self._note("chat with a file", asked.status_code)
            sought = {"messages": body["messages"], "file_ids": [file_id], "budget": _CONTEXT_TOKENS}
            found = await self._client.post("/api/v1/context", json=sought, headers=self._headers)
            self._note("context", found.status_code)
            deleted = await self._client.delete(f"/v1/files/{file_id}", headers=self._headers)
            self._note("delete", deleted.status_code)

    async def _socket(self) -> None:
        import websockets

        address = self._base.replace("http", "ws", 1) + "/ws/chat"
        async with websockets.connect(address, additional_headers=self._headers) as socket:
            await socket.send(json.dumps({"type": "chat", **self._body(f"Socket {next(self._number)}")}))
            kind = ""
            while kind not in ("done", "error"):
                kind = json.loads(await socket.recv())["type"]
        self._note("socket", kind, ("done",))

    async def _look(self) -> None:
        path = self._random.choice(["/health", "/metrics", "/v1/models", "/v1/files", "/api/v1/monitoring/health"])
        self._note("look", (await self._client.get(path, headers=self._headers)).status_code)
        wrong = await self._client.get("/v1/models", headers={"x-api-key": f"{self._key}x"})
        self._note("wrong key", wrong.status_code, (401, 429))


def _hostile(report: EnduranceReport, base: str, key: str, seed: int) -> Callable[[], Awaitable[None]]:
    place = urlsplit(base)
    requests = HostileRequests(place.netloc, seed, x_api_key=key)

    async def send() -> None:
        kind, data = requests.next()
        status = await status_of(place.hostname or "", place.port or 80, data, kind == "bytes")
        report.answers[f"hostile {status}"] += 1
        if (status.isdigit() and int(status) not in FINE) or status == "hung":
            report.wrong.append(f"hostile {status}: {data[:200]!r}")

    return send


_UNFINISHED = [  # what is sent over a connection that is then held open, as often as the service ends it
    b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    b"POST /v1/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
    b"",
]


async def _hold_open(base: str, ends_at: float, data: bytes) -> None:
    place = urlsplit(base)
    while time.monotonic() < ends_at:
        try:
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(data)
            async with asyncio.timeout(max(0.0, ends_at - time.monotonic())):
                await reader.read()
            writer.close()
        except (OSError, TimeoutError):
            await asyncio.sleep(0.5)
