"""Why the figures of a report may be the client's and not the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.loadtest.over_http import NO_CONNECTION

if TYPE_CHECKING:
    from autopicker_lab.loadtest.report import LoadReport

_COARSE_PIECES = 1.2  # tokens a piece from which the time between pieces is no time between tokens


def limits_of(report: LoadReport) -> list[str]:
    """A line for each limit; empty where nothing says that there is one."""
    limits = []
    median, delay = report.percentile_ms(50), report.percentile_ms(99, "send_delay")
    unconnected = report.count.errors.get(NO_CONNECTION, 0)
    if unconnected:
        limits.append(f"{unconnected} requests found no connection free on this machine")
    if report.open_loop and delay is not None and median is not None and delay > max(5.0, 0.1 * median):
        limits.append(f"one request in a hundred was sent {delay:.0f} ms late or more")
    if not unconnected and report.lag_ms is not None and report.lag_ms > max(20.0, 0.2 * (median or 0.0)):
        limits.append(f"the client's event loop was up to {report.lag_ms:.0f} ms late")
    if report.client_cpu is not None and report.client_cpu > 0.9 and report.seconds > 0.5:
        limits.append(f"the client used {100 * report.client_cpu:.0f} % of a core")
    limits += report.warnings
    if report.cached:
        limits.append(f"{report.cached} of {report.count.answered} answers came from a cache")
    if report.without_usage:
        counted = "their tokens are the pieces of their streams" if report.streams else "their tokens are not known"
        limits.append(f"{report.without_usage} of {report.count.answered} answers do not say their usage: {counted}")
    if (report.tokens_per_piece or 0.0) > _COARSE_PIECES:
        limits.append(f"a piece has {report.tokens_per_piece:.3g} tokens: ITL is between pieces, TPOT between tokens")
    if report.count.sent and report.seconds < 1:
        limits.append(f"it took {report.seconds:.2g} s: too short to trust rates")
    if report.queued:
        limits.append(f"{report.queued} requests waited because max_in_flight were under way")
    return limits
