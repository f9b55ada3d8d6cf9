"""A service in a process of its own that tells how long its event loop was held, and how much memory it took.

`python -m support.watched UPSTREAM` (in tests/) serves one model "m" of an upstream; the first line it prints is its
address, and one more of its own: each GET there answers with what was seen since the one before.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import uvicorn

from autopicker_lab import Settings, Workbench
from autopicker_lab.service import create_app
from autopicker_lab.service.request import json_body
from autopicker_lab.service.server import connection_options
from autopicker_lab.settings import ModelConfig

BEAT_S = 0.002


class Seen(NamedTuple):
    """What was seen of a process: the longest hold of its event loop, and its memory, each in ms and MB."""

    held_ms: float
    peak_mb: float
    now_mb: float


@dataclass
class Watched:
    """A watched service: where it answers, and where it tells what was seen of it."""

    base: str
    control: str

    def seen(self) -> Seen:
        """What was seen since this was last asked for."""
        return Seen(**httpx.get(self.control, timeout=60).json())


@contextmanager
def watched(upstream_url: str) -> Iterator[Watched]:
    """A service before an upstream, in a process of its own."""
    command = [sys.executable, "-m", "support.watched", upstream_url]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Watched(process.stdout.readline().strip(), process.stdout.readline().strip())
        finally:
            process.terminate()


class _Heart:
    def __init__(self) -> None:
        self.held_s = 0.0

    async def beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            self.held_s = max(self.held_s, time.perf_counter() - before - BEAT_S)

    async def tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen = {"held_ms": 1e3 * self.held_s, "peak_mb": _memory_mb("VmHWM"), "now_mb": _memory_mb("VmRSS")}
        body = json.dumps(seen).encode()
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()
        self.held_s = 0.0
        _forget_peak()


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":"))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def _main(upstream_url: str) -> None:
    model = ModelConfig(name="m", type="openai", endpoint=upstream_url, context_window=10**8)
    other = ModelConfig(name="other", type="openai", endpoint=upstream_url, context_window=10**8, price_in=1.0)
    eye = ModelConfig(
        name="eye", type="openai", endpoint=upstream_url, context_window=10**8, capabilities={"multimodal"}
    )
    settings = Settings.load(models=(model, other, eye), rate_limit_requests=100_000)
    options: dict[str, Any] = connection_options(json_body.max_bytes(settings))
    app = create_app(Workbench(settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, **options))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    gc.collect()
    gc.freeze()  # as service.server.application does
    gc.set_threshold(10_000, 20, 20)
    heart = _Heart()
    control = await asyncio.start_server(heart.tell, "127.0.0.1", 0)
    beating = asyncio.create_task(heart.beat())
    for listening in (server.servers[0], control):
        sys.stdout.write(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await serving
    beating.cancel()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
