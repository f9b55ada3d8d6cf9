"""Several reports as one: merged, side by side, or by rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame
from autopicker_lab.loadtest.report import LoadReport

if TYPE_CHECKING:
    import pandas as pd


def merged(reports: Sequence[LoadReport]) -> LoadReport:
    """Reports of the same plan, run at the same time by several processes, as one."""
    if not reports:
        raise InvalidRequestError("there is no report to merge")
    first = reports[0]
    found = LoadReport(first.about, first.url, open_loop=first.open_loop, streams=first.streams, has_slo=first.has_slo)
    for report in reports:
        found.merge(report)
    return found


def compared(reports: Mapping[str, LoadReport] | Iterable[LoadReport]) -> pd.DataFrame:
    """One column a report, one row a figure; the last columns are ratios to the first report."""
    require("pandas")
    import pandas

    named = dict(reports) if isinstance(reports, Mapping) else {str(i + 1): r for i, r in enumerate(reports)}
    if not named:
        raise InvalidRequestError("there is no report to compare")
    skip = ("errors", "client_limits", "kinds", "stopped_early")
    figures = {name: report.to_dict() for name, report in named.items()}
    for name, report in named.items():
        figures[name]["failed"] = report.count.sent - report.count.answered
    table = pandas.DataFrame({n: {k: v for k, v in found.items() if k not in skip} for n, found in figures.items()})
    names = list(named)
    for name in names[1:]:
        base = pandas.to_numeric(table[names[0]], errors="coerce")
        table[f"{name} / {names[0]}"] = pandas.to_numeric(table[name], errors="coerce") / base.where(base != 0)
    return table


def by_rate(points: Sequence[tuple[float, LoadReport]], held: float | None = None) -> pd.DataFrame:
    """One row a report, by its rate; with `held`, whether that is at most so high."""
    rows: list[dict[str, Any]] = [
        {
            "rate": rate,
            "held": None if held is None else rate <= held,
            "good_share": report.good_share,
            "per_second": report.per_second,
            "p50_ms": report.percentile_ms(50),
            "p99_ms": report.percentile_ms(99),
            "errors": sum(report.errors.values()),
            "sent": report.count.sent,
        }
        for rate, report in sorted(points, key=lambda point: point[0])
    ]
    return frame(rows)
