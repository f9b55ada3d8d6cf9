"""Our load tester against a server of known behaviour: a stall, a stream's schedule, a capacity."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.processes import free_port, start_process
from autopicker_lab.core.show import frame
from autopicker_lab.loadtest import (
    Chat,
    Closed,
    Constant,
    LoadPlan,
    LoadReport,
    Saturation,
    Slo,
    find_saturation,
    in_thread,
    measure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_PERCENTS = (50.0, 99.0, 99.9)


@contextmanager
def reference_server(service_ms: float, **options: float) -> Iterator[str]:
    """Start a server that takes `service_ms`, on a core of its own, and give its address.

    Args:
        options: those of its command line, such as `slots`.
    """
    port = free_port()
    more = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", f"{__package__}.reference_server", str(port), str(service_ms), *more]
    with start_process(command, 1, f"http://127.0.0.1:{port}/ready"):
        yield f"http://127.0.0.1:{port}"


def stall(
    rate: float = 200.0, seconds: float = 10.0, service_ms: float = 50.0
) -> tuple[pd.DataFrame, dict[str, LoadReport]]:
    """Measure a server that answers nothing for one second of several.

    Returns:
        A table of milliseconds by percentile, and both reports. Its columns are the truth of requests that come at
        `rate`, the results of an open loop and of a closed loop with as many users as there are requests in flight on
        average, and their deviations.
    """
    half = seconds / 2
    due = [i / rate for i in range(round(rate * seconds))]
    truth = sorted((half + 1 - at if half <= at < half + 1 else 0) * 1000 + service_ms for at in due)
    users = max(1, round(rate * service_ms / 1000))
    reports = {}
    for name, arrivals in (("open loop", Constant(rate)), ("closed loop", Closed(users))):
        with reference_server(service_ms, stall_at=half) as url:
            reports[name] = measure(LoadPlan(url, arrivals, duration_s=seconds))
    rows: list[dict[str, Any]] = []
    for percent in _PERCENTS:
        true_ms = truth[min(len(truth) - 1, int(len(truth) * percent / 100))]
        row: dict[str, Any] = {"percentile": percent, "truth_ms": true_ms}
        for name, report in reports.items():
            value = _require(report.percentile_ms(percent))
            row |= {f"{name}, ms": value, f"{name}, off by": round(value / true_ms - 1, 4)}
        rows.append(row)
    return frame(rows), reports


def tokens(ttft_ms: float = 100.0, gap_ms: float = 10.0, pieces: int = 50, seconds: float = 5.0) -> pd.DataFrame:
    """Measure streams with a known schedule: medians (ms) of TTFT and ITL, and their deviations."""
    with reference_server(ttft_ms, pieces=pieces, gap_ms=gap_ms) as url:
        report = measure(LoadPlan(f"{url}/v1", Constant(5), duration_s=seconds, chat=Chat(events=pieces)))
    rows = []
    for name, true_ms in (("ttft", ttft_ms), ("itl", gap_ms)):
        value = _require(report.percentile_ms(50, name))
        rows.append({"measure": name, "truth_ms": true_ms, "median_ms": value, "off_ms": round(value - true_ms, 3)})
    return frame(rows)


def capacity(service_ms: float = 20.0, slots: int = 4, seconds: float = 50.0) -> tuple[float, Saturation]:
    """Search for the capacity of a server with `slots`: the truth (requests a second), and the result."""
    with reference_server(service_ms, slots=slots) as url:
        plan = LoadPlan(url, slo=Slo(latency_s=10 * service_ms / 1000))
        result = in_thread(lambda: find_saturation(plan, low=20, seconds=seconds, precision=0.05, shape=Constant))
    return slots / service_ms * 1000, result


def _require(value: float | None) -> float:
    if value is None:
        raise RuntimeError("the known server answered nothing")
    return value
