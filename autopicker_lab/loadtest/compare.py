"""Several reports together: merged into one, side by side, or by rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame
from autopicker_lab.loadtest.report import LoadReport

if TYPE_CHECKING:
    import pandas as pd


def merge_reports(reports: Sequence[LoadReport]) -> LoadReport:
    """Merge the reports of one plan that several processes ran at the same time."""
    if not reports:
        raise InvalidRequestError("there is no report to merge")
    first = reports[0]
    whole = LoadReport(first.about, first.url, open_loop=first.open_loop, streams=first.streams, has_slo=first.has_slo)
    for report in reports:
        whole.merge(report)
    return whole


def compare_reports(reports: Mapping[str, LoadReport] | Iterable[LoadReport]) -> pd.DataFrame:
    """Make a table of reports: a column for each report, a row for each figure, then ratios to the first report."""
    require("pandas")
    import pandas

    named = dict(reports) if isinstance(reports, Mapping) else {str(i + 1): r for i, r in enumerate(reports)}
    if not named:
        raise InvalidRequestError("there is no report to compare")
    skip = ("errors", "error_words", "client_limits", "kinds", "stopped_early", "supported_percentile")
    figures = {name: report.to_dict() for name, report in named.items()}
    for name, report in named.items():
        figures[name]["failed"] = report.count.sent - report.count.answered
    columns = {n: {k: v for k, v in values.items() if k not in skip} for n, values in figures.items()}
    table = pandas.DataFrame(columns)
    names = list(named)
    for name in names[1:]:
        base = pandas.to_numeric(table[names[0]], errors="coerce")
        table[f"{name} / {names[0]}"] = pandas.to_numeric(table[name], errors="coerce") / base.where(base != 0)
    return table


def by_rate(
    points: Sequence[tuple[float, LoadReport]], passing_rate: float | None = None, of: str = "rate"
) -> pd.DataFrame:
    """Make a table with a row for each (rate, report); its `held` says whether a rate is at most `passing_rate`.

    Percentiles that so few answers cannot tell are left empty, and `held` is left out without a passing rate.
    """
    rows: list[dict[str, Any]] = [
        {
            of: rate,
            **({} if passing_rate is None else {"held": rate <= passing_rate}),
            "good_share": report.good_share,
            "per_second": report.per_second,
            "p50_ms": report.supported_ms(50),
            "p99_ms": report.supported_ms(99),
            "errors": sum(report.errors.values()),
            "sent": report.count.sent,
        }
        for rate, report in sorted(points, key=lambda point: point[0])
    ]
    return frame(rows)
