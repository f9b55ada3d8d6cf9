"""Plots of several load reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core.figures import axes, plain_log_ticks
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.plan import Slo
    from autopicker_lab.loadtest.report import LoadReport

_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, GREY)
_LINES = ("-", "--", ":", "-.")  # one after the other when the colours are used up


def percentile_curve(reports: Mapping[str, LoadReport], ax: Axes | None = None, of: str = "latency") -> Axes:
    """Draw times (ms) by percentile, the rare ones spread out: each nine takes as much room as the one before.

    Args:
        of: one of the report's MEASURES.
    """
    target = axes(ax, (7.0, 3.5))
    for i, (name, report) in enumerate(reports.items()):
        colour, line = _COLOURS[i % len(_COLOURS)], _LINES[i // len(_COLOURS) % len(_LINES)]
        percents, times = report.times[of].curve()
        half_step = 50 / max(1, len(report.times[of]))  # of percent: the slowest request stands for the last of so many
        points = [(1 / (1 - (p - half_step) / 100), t) for p, t in zip(percents, times, strict=True)]
        if points:
            target.step([x for x, _ in points], [t for _, t in points], label=name, where="post", color=colour, ls=line)
    nines = (50, 90, 99, 99.9, 99.99)
    target.set_xscale("log")
    target.set_xticks([1 / (1 - p / 100) for p in nines], [f"{p:g}" for p in nines])
    target.minorticks_off()
    target.set(xlabel="percentile", ylabel=f"{of}, ms")
    if target.get_legend_handles_labels()[0]:
        target.legend(frameon=False)
    return target


def throughput_latency(
    points: Sequence[tuple[float, LoadReport]],
    ax: Axes | None = None,
    highest: float | None = None,
    words: str = "held",
    slo: Slo | None = None,
    unit: str = "requests a second",
) -> Axes:
    """Draw times (ms) by load: with an objective the time and the percentile that it bounds, else p50 and p95 latency.

    A load that was tried more than once has a point for each, and the line goes through the worst.

    Args:
        highest: the load at which to draw a line; `words` says what it is.
    """
    target = axes(ax, (7.0, 3.5))
    ordered = sorted(points, key=lambda point: point[0])
    measure, bound = slo.bounded if slo else ("latency", None)
    rare = 100 * slo.share if slo else 95.0
    for percent, colour in ((50.0, BLUE), (rare, ORANGE)):
        measured = [(rate, report.percentile_ms(percent, measure)) for rate, report in ordered]
        drawn = [(rate, value) for rate, value in measured if value is not None]
        worst = {rate: max(value for at, value in drawn if at == rate) for rate, _ in drawn}
        target.plot([x for x, _ in drawn], [y for _, y in drawn], "o", ms=4, color=colour)
        target.plot(list(worst), list(worst.values()), "-o", ms=4, color=colour, label=f"p{percent:g}")
    if bound is not None:
        target.axhline(1000 * bound, color=VERMILION, lw=1, ls=":", label=f"objective: {1000 * bound:g} ms")
    if highest is not None:
        most = bool(ordered) and highest >= ordered[-1][0]
        said = f"≥ {highest:,.4g}, the highest tried" if most else f"{highest:,.4g}"
        target.axvline(highest, color=GREEN, lw=1, ls="--", label=f"{words}: {said}")
    name = measure if measure == "latency" else measure.upper()
    target.set(xlabel=unit, ylabel=f"{name}, ms")
    if ordered:
        target.set_yscale("log")
        plain_log_ticks(target.yaxis)
        target.legend(frameon=False)
    return target
