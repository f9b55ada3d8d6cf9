"""The comparison of gateways: each is started on a core of its own, with upstream and client on another."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from autopicker_lab.benchmark.processes import cpu_s, free_port, pin, rss_mb, start_process
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame

if TYPE_CHECKING:
    import pandas as pd

HERE = __package__
LITELLM = "litellm[proxy]==1.106.2"
KEY = "sk-benchmark"
PATH = "/v1/chat/completions"
SERVICE = (sys.executable, "-m", "autopicker_lab.service")
_Started = tuple[psutil.Process, str, float]  # process, address, seconds until it was ready


@dataclass(frozen=True)
class GatewayFigures:
    """The figures of one gateway on one core.

    Attributes:
        per_second: requests a second with 32 connections.
        cpu_ms: CPU time of its processes for a request.
        streams_per_second: streams of 50 pieces each with 32 connections.
        added_p50_ms, added_p99_ms: latency with one connection, above that of the upstream itself.
        ready_s: seconds from its start to its first answer.
        rss_mb: resident memory after load, MiB.
        errors: requests that failed, of all measurements.
        ratio, stream_ratio: medians over the rounds of the rates to those of the bare pass-through; None where that was
            not measured.
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
    ratio: float | None
    stream_ratio: float | None


def compare_gateways(
    targets: Sequence[str] = ("passthrough", "autopicker"),
    seconds: float = 2.0,
    repeats: int = 7,
    progress: Callable[[str], None] | None = None,
) -> list[GatewayFigures]:
    """Measure gateways in turn, round by round.

    Of rates the best counts, because neighbours only ever slow one down; of ratios the median of the rounds, each of
    two rates that were measured within seconds, because a machine may be slow for minutes.

    Args:
        targets: of "passthrough", "autopicker" and "litellm" (run by uv from the registry).
        seconds: of each measurement.
        repeats: how often each gateway has its turn.
        progress: called with the name of each gateway before it is started, and with each round.
    """
    unknown = set(targets) - set(_STARTS)
    if unknown:
        raise InvalidRequestError(f"no gateway '{unknown.pop()}'", f"known: {', '.join(_STARTS)}")
    tell = progress or (lambda words: None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(upstream_server())
        started: dict[str, _Started] = {}
        for name in targets:
            tell(name)
            started[name] = stack.enter_context(_STARTS[name](folder, upstream))
            ask_through(started[name][1] + PATH, 8, min(2.0, seconds), False)  # warm-up
        direct, turns = [], []
        for turn in range(repeats):
            tell(f"round {turn + 1} of {repeats}")
            direct.append(ask_through(f"{upstream}/chat/completions", 1, seconds, False))
            order = list(started) if turn % 2 else list(reversed(started))
            turns.append({name: _measure(started[name], seconds) for name in order})
        return [_figures(name, started[name], direct, turns) for name in started]


def soak(streams: int = 1000, seconds: float = 30.0, gap_ms: float = 250.0) -> dict[str, float]:
    """Hold `streams` at once through one worker: errors (a lost piece is one), and the highest memory use (MiB)."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream_server(gap_ms) as upstream,
        start_autopicker(Path(folder), upstream) as (process, base, _),
    ):
        highest = [0.0]
        finished = threading.Event()

        def watch() -> None:
            while not finished.wait(0.2):
                highest[0] = max(highest[0], rss_mb(process))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            run = ask_through(base + PATH, streams, seconds, True)
        finally:
            finished.set()
            watcher.join()
    whole = {name: run[name] for name in ("requests", "errors", "per_second", "p50_ms", "p99_ms")}
    return {"streams": streams, "seconds": seconds, **whole, "rss_mb": round(highest[0], 1)}


def to_frame(figures: Sequence[GatewayFigures]) -> pd.DataFrame:
    """Make a table with a row a gateway."""
    return frame(vars(row) for row in figures)


class _Turn(NamedTuple):
    """What the client said of a gateway in one round, and CPU time a whole answer, ms."""

    whole: dict[str, float]
    single: dict[str, float]
    streams: dict[str, float]
    cpu_ms: float


def _measure(started: _Started, seconds: float) -> _Turn:
    process, base, _ = started
    url = base + PATH
    before = cpu_s(process)
    whole = ask_through(url, 32, seconds, False)
    cpu_ms = (cpu_s(process) - before) / max(1, whole["requests"]) * 1000
    return _Turn(whole, ask_through(url, 1, seconds, False), ask_through(url, 32, seconds, True), cpu_ms)


def _figures(
    name: str, started: _Started, direct: Sequence[dict[str, float]], turns: Sequence[dict[str, _Turn]]
) -> GatewayFigures:
    process, _, ready_s = started
    own = [turn[name] for turn in turns]

    def ratio(rate: Callable[[_Turn], float]) -> float | None:
        pairs = [rate(turn[name]) / rate(turn["passthrough"]) for turn in turns if "passthrough" in turn]
        return round(median(pairs), 3) if pairs else None

    def added(percentile: str) -> float:
        return round(min(turn.single[percentile] for turn in own) - min(run[percentile] for run in direct), 3)

    return GatewayFigures(
        name,
        max(turn.whole["per_second"] for turn in own),
        round(min(turn.cpu_ms for turn in own), 4),
        max(turn.streams["per_second"] for turn in own),
        added("p50_ms"),
        added("p99_ms"),
        round(ready_s, 2),
        round(rss_mb(process), 1),
        int(sum(turn.whole["errors"] + turn.single["errors"] + turn.streams["errors"] for turn in own)),
        ratio(lambda turn: turn.whole["per_second"]),
        ratio(lambda turn: turn.streams["per_second"]),
    )


def ask_through(url: str, connections: int, seconds: float, stream: bool, first: int | None = None) -> dict[str, float]:
    """Have the client, on the other core, send requests for some seconds; with `first`, each of its own question."""
    options = [str(connections), str(seconds), str(int(stream)), KEY, *([str(first)] if first is not None else [])]
    command = [sys.executable, "-m", f"{HERE}.client", url, *options]
    done = subprocess.run(pin(1, command), capture_output=True, text=True, check=True, timeout=seconds + 60)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@contextmanager
def upstream_server(gap_ms: float = 0.0) -> Iterator[str]:
    """Start a server that answers at once, and give its address, which ends in /v1."""
    port = free_port()
    command = [sys.executable, "-m", f"{HERE}.upstream", str(port), str(gap_ms)]
    with start_process(command, 1, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}/v1"


StartedGateway = Iterator[_Started]


@contextmanager
def _passthrough(folder: Path, upstream: str) -> StartedGateway:
    require("aiohttp")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--no-access-log", "--log-level", "error"]
    command = [sys.executable, "-m", "uvicorn", f"{HERE}.passthrough:app", *options]
    with start_process(command, 0, f"{base}/health", {"UPSTREAM": upstream}) as (process, ready_s):
        yield process, base, ready_s


@contextmanager
def start_autopicker(
    folder: Path,
    upstream: str,
    models: Sequence[Mapping[str, Any]] = ({"name": "instant"},),
    more: Mapping[str, str] = MappingProxyType({}),
    program: Sequence[str] = SERVICE,
) -> StartedGateway:
    """Start our service with all it does (keys, limits, logs, metrics, routing) but the response cache.

    Args:
        models: entries of the catalogue, all asked at the upstream.
        more: settings beside those.
        program: that runs the service with these options.
    """
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = folder / "models.json"
    entries = [{"type": "openai", "endpoint": upstream, **model} for model in models]
    config.write_text(json.dumps({"models": entries}))
    settings = {
        "AUTOPICKER_CONFIG": str(config),
        "AUTOPICKER_HOME": str(folder / "home"),
        "API_KEY": KEY,
        "RATE_LIMIT_REQUESTS": "10000000",
        "CACHE_TTL": "0",
        "LOG_FORMAT": "json",
        **more,
    }
    with start_process([*program, "--port", str(port)], 0, f"{base}/health", settings) as (process, ready_s):
        yield process, base, ready_s


@contextmanager
def _litellm(folder: Path, upstream: str) -> StartedGateway:
    """Start LiteLLM with one worker, a master key and no database; uv fetches it from the registry."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = folder / "litellm.yaml"
    parameters = {"model": "openai/instant", "api_base": upstream, "api_key": "none"}
    settings: dict[str, Any] = {
        "model_list": [{"model_name": "auto", "litellm_params": parameters}],
        "general_settings": {"master_key": KEY},
    }
    config.write_text(json.dumps(settings))
    uv = shutil.which("uv")
    if uv is None:
        raise InvalidRequestError("litellm needs uv to be run", "install it: pip install uv")
    command = [uv, "tool", "run", "--from", LITELLM, "litellm", "--config", str(config), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--num_workers", "1", "--telemetry", "False"]
    variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1,localhost"}
    with start_process(command, 0, f"{base}/health/liveliness", variables) as (process, ready_s):
        yield process, base, ready_s


_STARTS: Mapping[str, Any] = {"passthrough": _passthrough, "autopicker": start_autopicker, "litellm": _litellm}
