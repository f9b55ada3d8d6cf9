"""The figures of a report for people: names, units, and only percentiles that so many requests can support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autopicker_lab.loadtest.distribution import PERCENTILES

_NAMES = {  # by the name that JSON has: what it is called, and its unit
    "success_rate_percent": ("answered", "%"),
    "avg_response_time_ms": ("mean latency", "ms"),
    "requests_per_second": ("answers", "a second"),
    "total_requests": ("requests", ""),
    "duration_s": ("measured time", "s"),
    "requests_due_per_second": ("requests due", "a second"),
    "tokens_per_second": ("tokens of answers", "a second"),
    "prompt_tokens": ("tokens of prompts", ""),
    "prefix_cached_tokens": ("of these from the server's cache of beginnings", ""),
    "without_usage": ("answers that do not say their tokens", ""),
    "lost": ("pieces that did not come", ""),
    "truncated": ("streams cut off", ""),
    "without_done": ("streams without [DONE]", ""),
    "goodput": ("goodput: answers within the objective", "a second"),
    "good_share": ("share within the objective", "%"),
    "cost_usd": ("cost", "USD"),
    "unfinished": ("unfinished when stopped", ""),
    "client_cpu": ("core used by this client", "%"),
    "others_cpu": ("machine used by others", "%"),
    "client_limits": ("what limits these figures", ""),
    "errors": ("failed", ""),
    "error_words": ("the server says", ""),
    "stopped_early": ("stopped early", ""),
    "kinds": ("by kind of request", ""),
    "failed": ("failed", ""),
    "failed_requests": ("failed", ""),
    "error_rate_percent": ("failed", "%"),
    "uptime_seconds": ("up for", "s"),
    "per_second": ("answers", "a second"),
    "rate": ("requests", "a second"),
}
_SHARES = ("good_share", "client_cpu", "others_cpu")
_TIMES = {"": "latency", "service_": "latency from when it was sent", "late_": "sent late by"}
_HIDDEN = ("supported_percentile",)


def supported_percentile(count: int) -> float:
    """The highest of PERCENTILES that `count` requests can tell: above it at least one of them has to lie; 0: none."""
    return max((percent for percent in PERCENTILES if count * (100 - percent) >= 100 - 1e-9), default=0.0)


def label_of(name: str) -> str:
    """What a figure is called, with its unit."""
    words, unit = _described(name)
    return f"{words}, {unit}" if unit else words


def told_figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of LoadReport.to_dict that were measured, without percentiles that need more answers than came."""
    supported = figures.get("supported_percentile") or 0.0
    return {
        name: value
        for name, value in figures.items()
        if value not in (None, False, {}, [], "") and name not in _HIDDEN and _percent(name) <= supported
    }


def readable_figures(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What `told_figures` gives, as names and values with units."""
    for name, value in told_figures(figures).items():
        words, unit = _described(name)
        yield words, _text(100 * value if name in _SHARES else value, unit)


def _described(name: str) -> tuple[str, str]:
    if name in _NAMES:
        return _NAMES[name]
    prefix, p, rest = name.rpartition("p")
    if p and name.endswith("_ms"):
        return f"p{rest.removesuffix('_ms')} of {_TIMES.get(prefix) or prefix.rstrip('_').upper()}", "ms"
    return name.replace("_", " "), ""


def _percent(name: str) -> float:
    """The percentile that a figure is, 0 for any other figure."""
    try:
        return float(name.rpartition("p")[2].removesuffix("_ms")) if name.endswith("_ms") else 0.0
    except ValueError:
        return 0.0


def _text(value: Any, unit: str) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(one, '')}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if value is True:
        return "yes"
    if isinstance(value, float):
        value = int(value) if value.is_integer() else value
    number = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return f"{number} {unit}".rstrip()
