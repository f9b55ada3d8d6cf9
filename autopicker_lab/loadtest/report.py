"""The report of a load test: histograms and counts that merge exactly, and rows of single requests."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, VERMILION, frame, html_table
from autopicker_lab.loadtest.counts import RequestCounts, RequestRow
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.figures import readable_figures, supported_percentile
from autopicker_lab.loadtest.over_http import NO_CONNECTION
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MEASURES = ("latency", "service", "ttft", "itl", "tpot", "send_delay")
_FORMAT = 2
_FORMAT_1 = {
    "begun": "started_at",
    "undone": "without_done",
    "held_back": "queued",
    "others": "others_cpu",
}  # renamed since
_SUMS = (
    *("lost", "without_done", "truncated", "unfinished", "cached", "queued"),
    *("prompt_tokens", "prefix_cached_tokens", "pieces", "piece_tokens", "without_usage"),
)
_COARSE_PIECES = 1.2  # tokens a piece from which the time between pieces is no time between tokens
_MAX_POINTS = 5000  # that a scatter plot shows


@dataclass(repr=False)
class LoadReport:
    """What a run of a plan measured. Times are of answered requests alone; what was not measured is None, never 0.

    Attributes:
        about: the kind of arrivals.
        url: the address that was tested.
        seconds: of the measured time: without warm-up and cool-down, and without waiting for the last answers where
            the run was bounded by time.
        started_at: UTC time of the start, ISO 8601.
        times: Distributions by name: `latency` from when a request was due, `service` from when it was sent, `ttft`
            (from due) and `tpot` by request, `itl` by arrival of a piece (pieces that arrive together are one
            arrival), `send_delay` from due until sent.
        kinds: counts and latencies by kind of the mix.
        rows: single requests, all of them or a fair sample of very many.
        words: what the server said of each kind of error, the first time it said anything.
        prompt_tokens, prefix_cached_tokens: of the answered requests that say them, and of those the tokens that the
            server had worked on before.
        pieces, piece_tokens: of streams that say their usage.
        without_usage: answered chats that do not say their usage; the tokens of such a stream are its pieces.
        lost, truncated, without_done: pieces that did not come, streams without a finish_reason, streams without
            [DONE].
        unfinished: requests in flight when the run was stopped.
        cached: answers that the server took from its cache, as X-Cache says.
        queued: requests that waited in this client because `max_in_flight` were in flight.
        client_cpu: share of one core that the load generator used.
        lag_ms: the 99th percentile by which its event loop was late.
        others_cpu: share of the machine that other processes used, those under test among them.
        open_loop, streams: whether a schedule sent the requests, and whether answers were streams of tokens.
        has_slo: whether the plan had an SLO, without which nothing is `good`.
    """

    about: str
    url: str
    seconds: float = 0.0
    started_at: str = ""
    count: RequestCounts = field(default_factory=RequestCounts)
    times: dict[str, Distribution] = field(default_factory=lambda: {name: Distribution() for name in MEASURES})
    kinds: dict[str, tuple[RequestCounts, Distribution]] = field(default_factory=dict)
    rows: list[RequestRow] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    prompt_tokens: int = 0
    prefix_cached_tokens: int = 0
    pieces: int = 0
    piece_tokens: int = 0
    without_usage: int = 0
    lost: int = 0
    truncated: int = 0
    without_done: int = 0
    unfinished: int = 0
    cached: int = 0
    queued: int = 0
    cost_usd: float | None = None
    client_cpu: float | None = None
    lag_ms: float | None = None
    others_cpu: float | None = None
    open_loop: bool = False
    streams: bool = False
    has_slo: bool = False
    stopped_early: bool = False
    warnings: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        p50 = self.percentile_ms(50)
        median = "" if p50 is None else f", half of them within {p50:.4g} ms"
        return (
            f"LoadReport({self.about} loop on {self.url}: {self.count.answered} of {self.count.sent} answered{median})"
        )

    @property
    def summary(self) -> str:
        """The run in a sentence: how many were answered, how fast, how long they took, and what failed."""
        count = self.count
        if not count.sent:
            return "no request was measured"
        said = f"{count.answered:,} of {count.sent:,} requests answered"
        if self.per_second is not None:
            said += f", {self.per_second:,.4g} a second"
        half, rare = self.percentile_ms(50), supported_percentile(count.answered)
        if half is not None:
            said += f", half of them within {half:,.4g} ms"
        if rare > 50:
            said += f", {rare:g} % within {self.percentile_ms(rare):,.4g} ms"
        if self.good_share is not None:
            said += f"; {100 * self.good_share:.3g} % within the objective"
        return said + "".join(f"; {number:,} failed: {name}" for name, number in list(self.errors.items())[:1])

    @property
    def errors(self) -> dict[str, int]:
        """How many requests failed by each kind of error, most frequent first."""
        return dict(sorted(self.count.errors.items(), key=lambda item: -item[1]))

    def percentile_ms(self, percent: float, of: str = "latency") -> float | None:
        """Percentile in milliseconds of one of MEASURES; None where nothing was measured."""
        return self.times[of].percentile_ms(percent)

    def supported_ms(self, percent: float, of: str = "latency") -> float | None:
        """The percentile as `percentile_ms`; None as well where fewer were measured than it needs."""
        return self.percentile_ms(percent, of) if supported_percentile(len(self.times[of])) >= percent else None

    @property
    def per_second(self) -> float | None:
        """Answers a second, of those that ended in the measured time."""
        return self.count.finished / self.seconds if self.count.finished and self.seconds else None

    @property
    def goodput(self) -> float | None:
        """Requests a second that met the SLO, of those due in the measured time; None without one."""
        return self.count.good / self.seconds if self.has_slo and self.seconds else None

    @property
    def good_share(self) -> float | None:
        """Share of all requests that met the SLO, failed ones among those that did not; None without an SLO."""
        return self.count.good / self.count.sent if self.has_slo and self.count.sent else None

    @property
    def success_rate_percent(self) -> float | None:
        """Answered requests in percent of those sent; None where none was sent."""
        return 100 * self.count.answered / self.count.sent if self.count.sent else None

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens a second of the answers that ended in the measured time; None without any."""
        return self.count.finished_tokens / self.seconds if self.count.finished_tokens and self.seconds else None

    @property
    def tokens_per_piece(self) -> float | None:
        """Tokens in which a stream's pieces came, on average; None where no stream said its usage."""
        return self.piece_tokens / self.pieces if self.pieces else None

    @property
    def client_limits(self) -> tuple[str, ...]:
        """Why these figures may be the client's and not the server's; empty where nothing says so."""
        limits = []
        median, delay = self.percentile_ms(50), self.percentile_ms(99, "send_delay")
        unconnected = self.count.errors.get(NO_CONNECTION, 0)
        if unconnected:
            limits.append(f"{unconnected} requests found no connection free on this machine")
        if self.open_loop and delay is not None and median is not None and delay > max(5.0, 0.1 * median):
            limits.append(f"one request in a hundred was sent {delay:.0f} ms late or more")
        if not unconnected and self.lag_ms is not None and self.lag_ms > max(20.0, 0.2 * (median or 0.0)):
            limits.append(f"the client's event loop was up to {self.lag_ms:.0f} ms late")
        if self.client_cpu is not None and self.client_cpu > 0.9 and self.seconds > 0.5:
            limits.append(f"the client used {100 * self.client_cpu:.0f} % of a core")
        limits += self.warnings
        if self.cached:
            limits.append(f"{self.cached} of {self.count.answered} answers came from a cache")
        if self.without_usage:
            counted = "their tokens are the pieces of their streams" if self.streams else "their tokens are not known"
            limits.append(f"{self.without_usage} of {self.count.answered} answers do not say their usage: {counted}")
        if (self.tokens_per_piece or 0.0) > _COARSE_PIECES:
            limits.append(f"a piece has {self.tokens_per_piece:.3g} tokens: ITL is between pieces, TPOT between tokens")
        if self.count.sent and self.seconds < 1:
            limits.append(f"it took {self.seconds:.2g} s: too short to trust rates")
        if self.queued:
            limits.append(f"{self.queued} requests waited because max_in_flight were under way")
        return tuple(limits)

    def merge(self, other: LoadReport) -> None:
        """Add the report of another process that ran the same plan at the same time: rates add up."""
        self.seconds = max(self.seconds, other.seconds)
        self.started_at = min(filter(None, (self.started_at, other.started_at)), default="")
        self.count.merge(other.count)
        for name, times in other.times.items():
            self.times[name].merge(times)
        for name, (count, times) in other.kinds.items():
            own_count, own_times = self.kinds.setdefault(name, (RequestCounts(), Distribution()))
            own_count.merge(count)
            own_times.merge(times)
        self.rows = sorted(self.rows + other.rows, key=lambda row: row.due)
        self.warnings = list(dict.fromkeys([*self.warnings, *other.warnings]))
        self.words = {**other.words, **self.words}
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("client_cpu", "lag_ms", "others_cpu"):
            known = [value for value in (getattr(self, name), getattr(other, name)) if value is not None]
            setattr(self, name, max(known, default=None))
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + other.cost_usd
        self.stopped_early = self.stopped_early or other.stopped_early

    def to_dict(self) -> dict[str, Any]:
        """Figures by name, with their unit in the name; None for what was not measured."""
        p = self.percentile_ms
        figures: dict[str, Any] = {
            "success_rate_percent": self.success_rate_percent,
            "avg_response_time_ms": self.times["latency"].mean_ms,
            "requests_per_second": self.per_second,
            "p50_ms": p(50),
            "p95_ms": p(95),
            "p99_ms": p(99),
            "p99.9_ms": p(99.9),
            "supported_percentile": supported_percentile(self.count.answered),
            "errors": self.errors,
            "error_words": self.words,
            "total_requests": self.count.sent,
            "duration_s": self.seconds,
            "stopped_early": self.stopped_early,
            "client_limits": list(self.client_limits),
            "client_cpu": self.client_cpu,
            "others_cpu": self.others_cpu,
        }
        if self.open_loop:
            figures |= {
                "requests_due_per_second": self.count.sent / self.seconds if self.seconds else None,
                "service_p50_ms": p(50, "service"),
                "service_p99_ms": p(99, "service"),
                "late_p99_ms": p(99, "send_delay"),
            }
        if self.streams:
            figures |= {f"{name}_p{k}_ms": p(k, name) for name in ("ttft", "itl", "tpot") for k in (50, 99)}
            figures |= {"tokens_per_second": self.tokens_per_second}
            figures |= {"lost": self.lost, "truncated": self.truncated, "without_done": self.without_done}
        if self.prompt_tokens:
            figures |= {"prompt_tokens": self.prompt_tokens, "prefix_cached_tokens": self.prefix_cached_tokens}
        if self.without_usage:
            figures["without_usage"] = self.without_usage
        if self.has_slo:
            figures |= {"goodput": self.goodput, "good_share": self.good_share}
        if self.cost_usd is not None:
            figures["cost_usd"] = self.cost_usd
        if self.unfinished:
            figures["unfinished"] = self.unfinished
        if len(self.kinds) > 1:
            figures["kinds"] = {
                name: {"sent": count.sent, "answered": count.answered, **times.percentiles_ms((50, 99))}
                for name, (count, times) in self.kinds.items()
            }
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}

    def to_frame(self) -> pd.DataFrame:
        """Make a table with a row for each RequestRow (times in seconds)."""
        return frame(row._asdict() for row in self.rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the latency (ms) of each request by when it was due, failed ones marked."""
        target = axes(ax, (7.0, 3.0))
        rows = self.rows[:: math.ceil(len(self.rows) / _MAX_POINTS) or 1]
        for failed, colour, label in ((False, BLUE, "answered"), (True, VERMILION, "failed")):
            chosen = [row for row in rows if (row.error is not None) is failed]
            if chosen:
                xs, ys = [row.due for row in chosen], [row.latency * 1000 for row in chosen]
                target.scatter(xs, ys, s=12, color=colour, marker="x" if failed else "o", label=label)
        target.set(xlabel="seconds into the run", ylabel="latency, ms")
        target.set_title(self.url, loc="left")
        if rows:
            target.legend(frameon=False)
        return target

    def _repr_html_(self) -> str:
        limits = "".join(f"<div>the test's own limit: {escape(words)}</div>" for words in self.client_limits)
        return html_table(["", ""], readable_figures(self.to_dict()), f"{self.url}: {self.summary}") + limits

    def save(self, path: str | Path) -> None:
        """Write the report as JSON, histograms and all; StorageError where it cannot be written."""
        with atomic_write(path) as scratch:
            scratch.write_text(json.dumps(self.to_json()) + "\n", "utf-8")

    def to_json(self) -> dict[str, Any]:
        """The whole report as JSON has it; `of_json` reads it."""
        body = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        body["count"] = dataclasses.asdict(self.count)
        body["times"] = {name: times.encode() for name, times in self.times.items()}
        body["kinds"] = {n: (dataclasses.asdict(count), times.encode()) for n, (count, times) in self.kinds.items()}
        return {"format": _FORMAT, **body}

    @classmethod
    def load(cls, path: str | Path) -> LoadReport:
        """Read a report that `save` wrote, of version 0.1 as well; InvalidRequestError for any other file."""
        try:
            return cls.of_json(json.loads(Path(path).read_text("utf-8")))
        except OSError as error:
            raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check the path") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidRequestError(
                f"'{path}' is no load report", "give one that LoadReport.save or --out has written"
            ) from None

    @classmethod
    def of_json(cls, saved: dict[str, Any]) -> LoadReport:
        """Read what `to_json` made, of version 0.1 as well; ValueError, KeyError or TypeError for anything else."""
        body = dict(saved)
        version = body.pop("format")
        if version == 1:
            body = {_FORMAT_1.get(name, name): value for name, value in body.items()}
            body["times"]["send_delay"] = body["times"].pop("late")
        elif version != _FORMAT:
            raise InvalidRequestError("this is a load report of another version", "update autopicker-lab")
        body["count"] = RequestCounts.of(body["count"])
        body["times"] = {name: Distribution(text) for name, text in body["times"].items()}
        body["kinds"] = {n: (RequestCounts.of(count), Distribution(text)) for n, (count, text) in body["kinds"].items()}
        body["rows"] = [RequestRow(*row) for row in body["rows"]]
        return cls(**body)
