"""What a load test measured: histograms and counts that merge exactly, and rows of single requests to look at."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.files import atomic_write
from autopicker_lab.core.show import frame, html_table
from autopicker_lab.loadtest.distribution import Distribution

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MEASURES = ("latency", "service", "ttft", "itl", "tpot", "late")
_FORMAT = 1


class RequestRow(NamedTuple):
    """One request: seconds since the run began, and seconds from there; None where there is none."""

    due: float
    late: float
    ttft: float | None
    latency: float
    tokens: int
    kind: str
    error: str | None


@dataclass
class RequestCounts:
    """Requests of one kind, or of all.

    Attributes:
        sent: that were due in the measured time; `answered` of them without an error, `good` of those within the SLO.
        finished: answers that ended in the measured time; of them, within the SLO and their tokens.
        errors: how many of each kind.
    """

    sent: int = 0
    answered: int = 0
    good: int = 0
    tokens: int = 0
    finished: int = 0
    finished_good: int = 0
    finished_tokens: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def merge(self, other: RequestCounts) -> None:
        for name in ("sent", "answered", "good", "tokens", "finished", "finished_good", "finished_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, count in other.errors.items():
            self.errors[name] = self.errors.get(name, 0) + count


@dataclass(repr=False)
class LoadReport:
    """What came of a plan. Times are of answered requests alone; what was not measured is None, never 0.

    Attributes:
        about: the kind of arrivals; `url` that was asked.
        seconds: that were measured: without warm-up and cool-down, and without waiting for the last answers where the
            run was bounded by time.
        times: Distributions by name: `latency` from when a request was due, `service` from when it was sent, `ttft`
            (from due) and `tpot` by request, `itl` by arrival of a piece (pieces that arrive together are one
            arrival), `late` from due to sent.
        kinds: counts and latencies by kind of the mix.
        rows: single requests, all of them or a fair sample of very many.
        lost, undone, truncated: pieces, streams without [DONE], streams without a finish_reason.
        cached: answers that the server took from its cache, as X-Cache says.
        unfinished: requests that were under way when the run was stopped.
        client_cpu: share of one core that the load generator used; `lag_ms`: the 99th percentile by which its event
            loop was late; `others`: share of the machine that other processes used, those under test among them.
        streams: whether answers were streams of tokens.
        has_slo: whether `good` was told by an SLO.
    """

    about: str
    url: str
    seconds: float = 0.0
    begun: str = ""
    count: RequestCounts = field(default_factory=RequestCounts)
    times: dict[str, Distribution] = field(default_factory=lambda: {name: Distribution() for name in MEASURES})
    kinds: dict[str, tuple[RequestCounts, Distribution]] = field(default_factory=dict)
    rows: list[RequestRow] = field(default_factory=list)
    lost: int = 0
    undone: int = 0
    truncated: int = 0
    unfinished: int = 0
    cached: int = 0
    held_back: int = 0
    cost_usd: float | None = None
    client_cpu: float | None = None
    lag_ms: float | None = None
    others: float | None = None
    open_loop: bool = False
    streams: bool = False
    has_slo: bool = False
    stopped_early: bool = False
    warnings: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        p50 = self.percentile_ms(50)
        half = "" if p50 is None else f", half of them within {p50:.4g} ms"
        return f"LoadReport({self.about} loop on {self.url}: {self.count.answered} of {self.count.sent} answered{half})"

    @property
    def errors(self) -> dict[str, int]:
        """How often each kind of error came, most frequent first."""
        return dict(sorted(self.count.errors.items(), key=lambda item: -item[1]))

    def percentile_ms(self, percent: float, of: str = "latency") -> float | None:
        """Percentile in milliseconds of one of MEASURES; None where nothing was measured."""
        return self.times[of].percentile_ms(percent)

    @property
    def per_second(self) -> float | None:
        """Answers a second, of those that ended in the measured time."""
        return self.count.finished / self.seconds if self.count.finished and self.seconds else None

    @property
    def goodput(self) -> float | None:
        """Requests a second that met the SLO; None without one."""
        return self.count.finished_good / self.seconds if self.has_slo and self.seconds else None

    @property
    def good_share(self) -> float | None:
        """Share of all requests that met the SLO, failed ones among those that did not; None without an SLO."""
        return self.count.good / self.count.sent if self.has_slo and self.count.sent else None

    @property
    def success_rate_percent(self) -> float | None:
        return 100 * self.count.answered / self.count.sent if self.count.sent else None

    @property
    def tokens_per_second(self) -> float | None:
        return self.count.finished_tokens / self.seconds if self.count.finished_tokens and self.seconds else None

    @property
    def client_limits(self) -> tuple[str, ...]:
        """Why these figures may be the client's and not the server's; empty where nothing says so."""
        found = []
        half, late = self.percentile_ms(50), self.percentile_ms(99, "late")
        if self.open_loop and late is not None and half is not None and late > max(5.0, 0.1 * half):
            found.append(f"one request in a hundred left {late:.0f} ms late or more")
        if self.lag_ms is not None and self.lag_ms > max(20.0, 0.2 * (half or 0.0)):
            found.append(f"the client's event loop was up to {self.lag_ms:.0f} ms late")
        if self.client_cpu is not None and self.client_cpu > 0.9 and self.seconds > 0.5:
            found.append(f"the client used {100 * self.client_cpu:.0f} % of a core")
        found += self.warnings
        if self.cached:
            found.append(f"{self.cached} of {self.count.answered} answers came from a cache")
        if self.count.sent and self.seconds < 1:
            found.append(f"it took {self.seconds:.2g} s: too short to trust rates")
        if self.held_back:
            found.append(f"{self.held_back} requests waited because max_in_flight were under way")
        return tuple(found)

    def merge(self, other: LoadReport) -> None:
        """Add another run of the same plan at the same time, from another process: rates add up."""
        self.seconds = max(self.seconds, other.seconds)
        self.begun = min(filter(None, (self.begun, other.begun)), default="")
        self.count.merge(other.count)
        for name, times in other.times.items():
            self.times[name].merge(times)
        for name, (count, times) in other.kinds.items():
            mine = self.kinds.setdefault(name, (RequestCounts(), Distribution()))
            mine[0].merge(count)
            mine[1].merge(times)
        self.rows = sorted(self.rows + other.rows, key=lambda row: row.due)
        self.warnings = list(dict.fromkeys([*self.warnings, *other.warnings]))
        for name in ("lost", "undone", "truncated", "unfinished", "cached", "held_back"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("client_cpu", "lag_ms", "others"):
            known = [value for value in (getattr(self, name), getattr(other, name)) if value is not None]
            setattr(self, name, max(known, default=None))
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + other.cost_usd
        self.stopped_early = self.stopped_early or other.stopped_early

    def to_dict(self) -> dict[str, Any]:
        """The figures; milliseconds, requests a second, percent."""
        p = self.percentile_ms
        found: dict[str, Any] = {
            "success_rate_percent": self.success_rate_percent,
            "avg_response_time_ms": self.times["latency"].mean_ms,
            "requests_per_second": self.per_second,
            "p50_ms": p(50),
            "p95_ms": p(95),
            "p99_ms": p(99),
            "p99.9_ms": p(99.9),
            "errors": self.errors,
            "total_requests": self.count.sent,
            "duration_s": self.seconds,
            "stopped_early": self.stopped_early,
            "client_limits": list(self.client_limits),
            "client_cpu": self.client_cpu,
            "others_cpu": self.others,
        }
        if self.open_loop:
            found |= {
                "requests_due_per_second": self.count.sent / self.seconds if self.seconds else None,
                "service_p50_ms": p(50, "service"),
                "service_p99_ms": p(99, "service"),
                "late_p99_ms": p(99, "late"),
            }
        if self.streams:
            found |= {f"{name}_p{k}_ms": p(k, name) for name in ("ttft", "itl", "tpot") for k in (50, 99)}
            found |= {"tokens_per_second": self.tokens_per_second}
            found |= {"lost": self.lost, "truncated": self.truncated, "without_done": self.undone}
        if self.has_slo:
            found |= {"goodput": self.goodput, "good_share": self.good_share}
        if self.cost_usd is not None:
            found["cost_usd"] = self.cost_usd
        if self.unfinished:
            found["unfinished"] = self.unfinished
        if len(self.kinds) > 1:
            found["kinds"] = {
                name: {"sent": count.sent, "answered": count.answered, **times.percentiles_ms((50, 99))}
                for name, (count, times) in self.kinds.items()
            }
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()}

    def to_frame(self) -> pd.DataFrame:
        """One row a request: due, late, ttft, latency (s), tokens, kind, error."""
        return frame(row._asdict() for row in self.rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency of each request over the run, failed ones marked."""
        from autopicker_lab.loadtest.plots import timeline

        return timeline(self, ax)

    def _repr_html_(self) -> str:
        rows = [(name, value) for name, value in self.to_dict().items() if value not in (None, False, {}, [])]
        return html_table(["", ""], rows, f"{self.about}: {self.url}")

    def save(self, path: str | Path) -> None:
        """As JSON, histograms and all; StorageError where it cannot be written."""
        body = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        body["count"] = dataclasses.asdict(self.count)
        body["times"] = {name: times.encoded() for name, times in self.times.items()}
        body["kinds"] = {n: (dataclasses.asdict(count), times.encoded()) for n, (count, times) in self.kinds.items()}
        with atomic_write(path) as scratch:
            scratch.write_text(json.dumps({"format": _FORMAT, **body}) + "\n", "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> LoadReport:
        """A report that `save` wrote; InvalidRequestError for any other file."""
        try:
            body = json.loads(Path(path).read_text("utf-8"))
            if body.pop("format") != _FORMAT:
                raise InvalidRequestError(f"'{path}' is a load report of another version", "update autopicker-lab")
            body["count"] = RequestCounts(**body["count"])
            body["times"] = {name: Distribution(text) for name, text in body["times"].items()}
            body["kinds"] = {
                n: (RequestCounts(**count), Distribution(text)) for n, (count, text) in body["kinds"].items()
            }
            body["rows"] = [RequestRow(*row) for row in body["rows"]]
            return cls(**body)
        except OSError as error:
            raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check the path") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidRequestError(
                f"'{path}' is no load report", "give one that LoadReport.save or --out has written"
            ) from None
