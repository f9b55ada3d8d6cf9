"""Pictures of load tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION, axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.report import LoadReport

_SHOWN = 5000  # points that a scatter can bear
_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, GREY)
_LINES = ("-", "--", ":", "-.")  # one after the other when the colours are used up


def timeline(report: LoadReport, ax: Axes | None = None) -> Axes:
    """Latency (ms) of each request by when it was due, failed ones marked."""
    target = axes(ax, (7.0, 3.0))
    rows = report.rows[:: math.ceil(len(report.rows) / _SHOWN) or 1]
    for failed, colour, label in ((False, BLUE, "answered"), (True, VERMILION, "failed")):
        chosen = [row for row in rows if (row.error is not None) is failed]
        if chosen:
            xs, ys = [row.due for row in chosen], [row.latency * 1000 for row in chosen]
            target.scatter(xs, ys, s=12, color=colour, marker="x" if failed else "o", label=label)
    target.set(xlabel="seconds into the run", ylabel="latency, ms")
    target.set_title(report.url, loc="left")
    if rows:
        target.legend(frameon=False)
    return target


def percentile_curve(reports: Mapping[str, LoadReport], ax: Axes | None = None, of: str = "latency") -> Axes:
    """Times (ms) by percentile, the rare ones spread out: each nine takes as much room as the one before."""
    target = axes(ax, (7.0, 3.5))
    for i, (name, report) in enumerate(reports.items()):
        colour, line = _COLOURS[i % len(_COLOURS)], _LINES[i // len(_COLOURS) % len(_LINES)]
        percents, times = report.times[of].curve()
        half = 50 / max(1, len(report.times[of]))  # the slowest stands for the last of so many
        inside = [(1 / (1 - (p - half) / 100), t) for p, t in zip(percents, times, strict=True)]
        if inside:
            target.step([x for x, _ in inside], [t for _, t in inside], label=name, where="post", color=colour, ls=line)
    nines = (50, 90, 99, 99.9, 99.99)
    target.set_xscale("log")
    target.set_xticks([1 / (1 - p / 100) for p in nines], [f"{p:g}" for p in nines])
    target.minorticks_off()
    target.set(xlabel="percentile", ylabel=f"{of}, ms")
    if target.get_legend_handles_labels()[0]:
        target.legend(frameon=False)
    return target


def throughput_latency(
    points: Sequence[tuple[float, LoadReport]], ax: Axes | None = None, held: float | None = None
) -> Axes:
    """p50 and p99 latency (ms) by arrival rate; the highest rate that was held is a line."""
    target = axes(ax, (7.0, 3.5))
    ordered = sorted(points, key=lambda point: point[0])
    for percent, colour in ((50, BLUE), (99, ORANGE)):
        known = [(rate, report.percentile_ms(percent)) for rate, report in ordered]
        shown = [(rate, value) for rate, value in known if value is not None]
        target.plot([x for x, _ in shown], [y for _, y in shown], "o-", ms=4, color=colour, label=f"p{percent}")
    if held is not None:
        target.axvline(held, color=GREEN, lw=1, ls="--", label=f"held: {held:,.4g} a second")
    target.set(xlabel="requests a second", ylabel="latency, ms")
    if ordered:
        target.set_yscale("log")
        target.legend(frameon=False)
    return target
