"""Starts each gateway on a core of its own, with upstream and client on another, and measures it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from autopicker_lab.benchmark.processes import cpu_s, free_port, pinned, rss_mb, started
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame

if TYPE_CHECKING:
    import pandas as pd

HERE = __package__
LITELLM = "litellm[proxy]==1.106.2"
_KEY = "sk-benchmark"
_PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Figures:
    """What one gateway does, on one core.

    Attributes:
        per_second: requests with 32 connections; `streams_per_second` of 50 pieces each.
        cpu_ms: CPU time of its processes for a request.
        added_p50_ms, added_p99_ms: latency with one connection, above that of the upstream itself.
        ready_s: from its start to its first answer. `rss_mb`: resident memory after load.
        ratio, stream_ratio: of the rates to those of the bare pass-through; None where that was not measured.
    """

    name: str
    per_second: float
    cpu_ms: float
    streams_per_second: float
    added_p50_ms: float
    added_p99_ms: float
    ready_s: float
    rss_mb: float
    errors: int
    ratio: float | None = None
    stream_ratio: float | None = None


def compare(
    targets: Sequence[str] = ("passthrough", "autopicker"),
    seconds: float = 4.0,
    repeats: int = 3,
    progress: Callable[[str], None] | None = None,
) -> list[Figures]:
    """Measure gateways in turn; of several repeats the best counts, because neighbours only ever slow one down.

    Args:
        targets: of "passthrough", "autopicker" and "litellm" (run by uv from the registry).
        seconds: of each measurement.
    """
    unknown = set(targets) - set(_STARTS)
    if unknown:
        raise InvalidRequestError(f"no gateway '{unknown.pop()}'", f"known: {', '.join(_STARTS)}")
    found: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder, upstream_server() as upstream:
        direct = _best(f"{upstream}/chat/completions", 1, seconds, repeats, False)
        for name in targets:
            if progress is not None:
                progress(name)
            with _STARTS[name](Path(folder), upstream) as (process, base, ready_s):
                found.append(_measured(name, process, base + _PATH, ready_s, direct, seconds, repeats))
    bare = next((figures for figures in found if figures.name == "passthrough"), None)
    if bare is None:
        return found
    return [
        replace(
            figures,
            ratio=round(figures.per_second / bare.per_second, 3),
            stream_ratio=round(figures.streams_per_second / bare.streams_per_second, 3),
        )
        for figures in found
    ]


def soak(streams: int = 1000, seconds: float = 30.0, gap_ms: float = 250.0) -> dict[str, float]:
    """So many streams at once through one worker: errors (a lost piece is one), and resident memory (MB) at most."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream_server(gap_ms) as upstream,
        _autopicker(Path(folder), upstream) as (process, base, _),
    ):
        highest = [0.0]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.2):
                highest[0] = max(highest[0], rss_mb(process))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            run = _client(base + _PATH, streams, seconds, True)
        finally:
            over.set()
            watcher.join()
    whole = {name: run[name] for name in ("requests", "errors", "per_second", "p50_ms", "p99_ms")}
    return {"streams": streams, "seconds": seconds, **whole, "rss_mb": round(highest[0], 1)}


def to_frame(figures: Sequence[Figures]) -> pd.DataFrame:
    """One row a gateway."""
    return frame(vars(row) for row in figures)


def _measured(
    name: str,
    process: psutil.Process,
    url: str,
    ready_s: float,
    direct: Mapping[str, float],
    seconds: float,
    repeats: int,
) -> Figures:
    _client(url, 8, min(2.0, seconds), False)  # warm
    runs = []
    for _ in range(repeats):
        spent = cpu_s(process)
        run = _client(url, 32, seconds, False)
        runs.append((run, (cpu_s(process) - spent) / max(1, run["requests"]) * 1000))
    best, cpu_ms = max(runs, key=lambda pair: pair[0]["per_second"])
    alone = _best(url, 1, seconds, repeats, False)
    streams = _best(url, 32, seconds, repeats, True)
    return Figures(
        name,
        best["per_second"],
        round(cpu_ms, 4),
        streams["per_second"],
        round(alone["p50_ms"] - direct["p50_ms"], 3),
        round(alone["p99_ms"] - direct["p99_ms"], 3),
        round(ready_s, 2),
        round(rss_mb(process), 1),
        int(best["errors"] + alone["errors"] + streams["errors"]),
    )


def _best(url: str, connections: int, seconds: float, repeats: int, stream: bool) -> dict[str, float]:
    runs = [_client(url, connections, seconds, stream) for _ in range(repeats)]
    found = max(runs, key=lambda run: run["per_second"])
    return {**found, "p99_ms": min(run["p99_ms"] for run in runs)}


def _client(url: str, connections: int, seconds: float, stream: bool) -> dict[str, float]:
    command = [sys.executable, "-m", f"{HERE}.client", url, str(connections), str(seconds), str(int(stream)), _KEY]
    done = subprocess.run(pinned(1, command), capture_output=True, text=True, check=True, timeout=seconds + 60)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def upstream_server(gap_ms: float = 0.0) -> Iterator[str]:
    """The address, ending in /v1, of a server that answers at once."""
    port = free_port()
    command = [sys.executable, "-m", f"{HERE}.upstream", str(port), str(gap_ms)]
    with started(command, 1, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}/v1"


Started = Iterator[tuple[psutil.Process, str, float]]


@contextmanager
def _passthrough(folder: Path, upstream: str) -> Started:
    require("aiohttp")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--no-access-log", "--log-level", "error"]
    command = [sys.executable, "-m", "uvicorn", f"{HERE}.passthrough:app", *options]
    with started(command, 0, f"{base}/health", UPSTREAM=upstream) as (process, ready_s):
        yield process, base, ready_s


@contextmanager
def _autopicker(folder: Path, upstream: str) -> Started:
    """With authentication, rate limit, logging, metrics, scoring and routing; without the response cache."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = folder / "models.json"
    config.write_text(json.dumps({"models": [{"name": "instant", "type": "openai", "endpoint": upstream}]}))
    settings = {
        "AUTOPICKER_CONFIG": str(config),
        "AUTOPICKER_HOME": str(folder / "home"),
        "API_KEY": _KEY,
        "RATE_LIMIT_REQUESTS": "10000000",
        "CACHE_TTL": "0",
        "LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "autopicker_lab.service", "--port", str(port)]
    with started(command, 0, f"{base}/health", **settings) as (process, ready_s):
        yield process, base, ready_s


@contextmanager
def _litellm(folder: Path, upstream: str) -> Started:
    """One worker with a master key and no database, from the registry by uv."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = folder / "litellm.yaml"
    parameters = {"model": "openai/instant", "api_base": upstream, "api_key": "none"}
    settings: dict[str, Any] = {
        "model_list": [{"model_name": "auto", "litellm_params": parameters}],
        "general_settings": {"master_key": _KEY},
    }
    config.write_text(json.dumps(settings))
    uv = shutil.which("uv")
    if uv is None:
        raise InvalidRequestError("litellm needs uv to be run", "pip install uv")
    command = [uv, "tool", "run", "--from", LITELLM, "litellm", "--config", str(config), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--num_workers", "1", "--telemetry", "False"]
    known = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1,localhost"}
    with started(command, 0, f"{base}/health/liveliness", **known) as (process, ready_s):
        yield process, base, ready_s


_STARTS: Mapping[str, Any] = {"passthrough": _passthrough, "autopicker": _autopicker, "litellm": _litellm}
