"""The comparison of load testers: requests a second of one process each, to the same server that answers at once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.processes import pin
from autopicker_lab.benchmark.serving.compare import upstream_server
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import install_line
from autopicker_lab.core.show import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

LOCUST = "locust>=2.40,<3"
_COMMAND = "from autopicker_lab.cli import main; main()"
_HERE = Path(__file__).parent


def compare_testers(
    testers: Sequence[str] = ("autopicker", "autopicker chat", "aiohttp", "httpx"),
    connections: int = 32,
    seconds: float = 3.0,
    repeats: int = 3,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Measure load testers: a row each with the requests a second of the best of `repeats`, and the ratio to Locust's.

    Tester and server have a core each. `wrk` has to be installed; uv fetches `locust` where it is not.
    """
    unknown = set(testers) - set(TESTERS)
    if unknown:
        raise InvalidRequestError(f"no load tester '{unknown.pop()}'", f"known: {', '.join(TESTERS)}")
    rows: list[dict[str, Any]] = []
    with upstream_server() as base:
        for name in testers:
            if progress is not None:
                progress(name)
            rates = [TESTERS[name](base, connections, seconds) for _ in range(repeats)]
            rows.append({"tester": name, "per_second": max(rates), "lowest": min(rates)})
    locust = next((row["per_second"] for row in rows if row["tester"] == "locust"), None)
    return frame({**row, "to_locust": locust and round(row["per_second"] / locust, 2)} for row in rows)


def _autopicker(base: str, connections: int, seconds: float, chat: bool = False) -> float:
    url = base if chat else f"{base}/models"
    command = ["loadtest", url, "--users", str(connections), "--duration", str(seconds), "--json"]
    command += ["--chat", "--no-stream"] if chat else []
    report = json.loads(_run([sys.executable, "-c", _COMMAND, *command]))
    return float(report["requests_per_second"])


def _library(name: str) -> Callable[[str, int, float], float]:
    def rate(base: str, connections: int, seconds: float) -> float:
        command = [sys.executable, "-m", "autopicker_lab.benchmark.loadgen.clients", name]
        return float(_run([*command, f"{base}/models", str(connections), str(seconds)]))

    return rate


def _wrk(base: str, connections: int, seconds: float) -> float:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise InvalidRequestError("wrk is not installed", "apt install wrk, or leave it out")
    output = _run([wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"{base}/models"])
    return float(re.findall(r"Requests/sec:\s*([\d.]+)", output)[0])


def _locust(base: str, connections: int, seconds: float) -> float:
    """Measure FastHttpUser, Locust's quicker kind of user, without a browser."""
    locust = shutil.which("locust", path=str(Path(sys.executable).parent))
    uv = shutil.which("uv")
    if locust is None and uv is None:
        raise InvalidRequestError("Locust is not installed", f"install it: {install_line('locust')}")
    command = [locust] if locust else [str(uv), "tool", "run", "--from", LOCUST, "locust"]
    command += ["-f", str(_HERE / "locustfile.py"), "--headless", "-u", str(connections), "-r", str(connections)]
    command += ["-t", f"{max(1, round(seconds))}s", "-H", base, "--json", "--loglevel", "ERROR", "--skip-log"]
    rows = json.loads(_run(command))
    total = sum(row["num_requests"] for row in rows)
    seconds_taken = max(row["last_request_timestamp"] for row in rows) - min(row["start_time"] for row in rows)
    return float(total / seconds_taken)


def _run(command: list[str]) -> str:
    done = subprocess.run(pin(0, command), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


TESTERS: Mapping[str, Callable[[str, int, float], float]] = {
    "autopicker": _autopicker,
    "autopicker chat": lambda base, connections, seconds: _autopicker(base, connections, seconds, chat=True),
    "aiohttp": _library("aiohttp"),
    "httpx": _library("httpx"),
    "locust": _locust,
    "wrk": _wrk,
}
