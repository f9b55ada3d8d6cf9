"""Load tests as values: LoadPlan, what is to be sent, and LoadReport, what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.show import BLUE, VERMILION, axes, frame, html_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class LoadPlan:
    """A closed loop: `users` workers send `requests` requests between them, each waiting for its answer.

    Attributes:
        max_seconds: the run ends here, whatever is left.
        timeout_s: seconds until one request counts as failed.
    """

    url: str
    users: int = 5
    requests: int = 50
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    max_seconds: float = 300.0

    def __post_init__(self) -> None:
        if self.users < 1 or self.requests < 1:
            raise InvalidRequestError("users and requests must be at least 1")
        if not self.url.startswith(("http://", "https://")):
            raise InvalidRequestError(f"not an HTTP address: {self.url!r}", "start it with http:// or https://")


@dataclass(frozen=True)
class Timing:
    """One request: seconds since the run began, seconds it took, and its error's name (None: it worked)."""

    start: float
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What a load test measured. Percentiles are of the requests that worked, and None when none did."""

    plan: LoadPlan
    timings: tuple[Timing, ...]
    seconds: float
    stopped_early: bool = False

    @cached_property
    def latencies_ms(self) -> list[float]:
        """Latencies of the requests that worked, ascending, in milliseconds."""
        return sorted(t.seconds * 1000 for t in self.timings if t.error is None)

    @cached_property
    def errors(self) -> dict[str, int]:
        """How often each kind of error came, most frequent first."""
        counts: dict[str, int] = {}
        for timing in self.timings:
            if timing.error is not None:
                counts[timing.error] = counts.get(timing.error, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def percentile_ms(self, percent: float) -> float | None:
        """Nearest-rank percentile in milliseconds; None for no successful request."""
        values = self.latencies_ms
        return values[max(0, math.ceil(percent / 100 * len(values)) - 1)] if values else None

    @property
    def success_rate_percent(self) -> float | None:
        return 100 * len(self.latencies_ms) / len(self.timings) if self.timings else None

    def to_dict(self) -> dict[str, Any]:
        values = self.latencies_ms
        return {
            "success_rate_percent": _rounded(self.success_rate_percent),
            "avg_response_time_ms": _rounded(sum(values) / len(values) if values else None),
            "requests_per_second": _rounded(len(values) / self.seconds if self.seconds and values else None),
            "p50_ms": _rounded(self.percentile_ms(50)),
            "p95_ms": _rounded(self.percentile_ms(95)),
            "p99_ms": _rounded(self.percentile_ms(99)),
            "errors": self.errors,
            "total_requests": len(self.timings),
            "duration_s": _rounded(self.seconds),
            "stopped_early": self.stopped_early,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a request: start (s), seconds, error."""
        return frame({"start": t.start, "seconds": t.seconds, "error": t.error} for t in self.timings)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency of each request over time, errors marked."""
        target = axes(ax, (7.0, 3.0))
        for failed, colour, label in ((False, BLUE, "answered"), (True, VERMILION, "failed")):
            chosen = [t for t in self.timings if (t.error is not None) is failed]
            if chosen:
                xs, ys = [t.start for t in chosen], [t.seconds * 1000 for t in chosen]
                target.scatter(xs, ys, s=12, color=colour, marker="x" if failed else "o", label=label)
        target.set(xlabel="seconds into the run", ylabel="latency, ms")
        target.set_title(self.plan.url, loc="left")
        target.legend(frameon=False)
        return target

    def _repr_html_(self) -> str:
        return html_table(["", ""], list(self.to_dict().items()), self.plan.url)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
