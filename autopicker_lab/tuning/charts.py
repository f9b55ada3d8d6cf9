"""Charts of a tuning run to explore: cost and quality, calibration, the guard, what carries over to other tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core.charts import Chart, Scale
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION
from autopicker_lab.tuning.curve import oracle
from autopicker_lab.tuning.decision_table import mean_interval, share_interval
from autopicker_lab.tuning.metrics import hull
from autopicker_lab.tuning.sections import cost_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.guard import GuardCurve
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval

    Array = np.ndarray[Any, Any]

_PARTS = 10  # of a calibration


def quality_chart(outcomes: OutcomeMatrix, curve: Curve | None, width: int = 560) -> Chart:
    """Quality over cost: every single model, coins between them, an oracle, a router's curve with its 95 % band."""
    costs, means = 1000 * outcomes.mean_costs, outcomes.mean_scores
    best_costs, best_qualities = oracle(outcomes.scores, outcomes.costs)
    bands = (
        [] if curve is None else [*(curve.qualities - 1.96 * curve.errors), *(curve.qualities + 1.96 * curve.errors)]
    )
    unit = cost_words(outcomes.cost_unit)
    chart = Chart(
        Scale.around(f"cost, {unit} requests", [*costs, *1000 * best_costs]),
        Scale.around("quality, mean score", [*means, *best_qualities, *bands]),
        "quality over cost",
        width,
    )
    if curve is not None:
        x, band = 1000 * curve.costs, 1.96 * curve.errors
        chart.band(x.tolist(), (curve.qualities - band).tolist(), (curve.qualities + band).tolist(), BLUE)
        chart.line(x.tolist(), curve.qualities.tolist(), BLUE, "routed, out of fold, with its 95 % band")
        tips = [
            f"quality {q:.3f} ± {e:.3f}\n{c:.4g} {unit}\ncost weight {w:.4g}"
            for q, e, c, w in zip(curve.qualities, band, x, curve.weights, strict=True)
        ]
        chart.marks(list(zip(x.tolist(), curve.qualities.tolist(), strict=True)), BLUE, "", "none", tips, 2)
    chart.line((1000 * best_costs).tolist(), best_qualities.tolist(), GREY, "an oracle", "2 4")
    mixed = hull(costs, means)
    chart.line(mixed[0].tolist(), mixed[1].tolist(), GREY, "coins between models", "8 4", 1.5)
    points, singles = list(zip(costs.tolist(), means.tolist(), strict=True)), outcomes.models[: outcomes.singles]
    intervals = [mean_interval(outcomes.scores[:, i], outcomes.groups, 0.0) for i in range(len(singles))]
    tips = [
        f"always {n}\nquality {_spread(i)}\n{x:.4g} {unit}"
        for n, i, (x, _) in zip(singles, intervals, points, strict=False)
    ]
    chart.marks(points[: len(singles)], ORANGE, "always one model", "square", tips)
    if len(singles) <= _PARTS:
        middle = (min(costs) + max(costs)) / 2
        for name, point in zip(singles, points, strict=False):
            right = point[0] > middle
            chart.text(point, name, "end" if right else "start", (4, -12) if right else (9, 16))
    return chart


def with_setting(chart: Chart, name: str, cost: float, quality: Interval, unit: str) -> Chart:
    """Mark a setting with the interval of its quality; `cost` of a request, in the unit of the outcomes."""
    x = 1000 * cost
    chart.span((x, quality.low), (x, quality.high), VERMILION)
    tip = f"{name}\nquality {_spread(quality)}\n{x:.4g} {cost_words(unit)}"
    return chart.marks([(x, quality.value)], VERMILION, name, "diamond", [tip])


def calibration_chart(outcomes: OutcomeMatrix, estimates: Array, errors: Mapping[str, float]) -> Chart:
    """Measured over estimated quality in ten groups of equal size with 95 % intervals, for each model of the pair.

    Args:
        errors: expected calibration error by model.
    """
    import numpy as np

    scales = (Scale("estimated quality", -0.03, 1.03), Scale("measured quality", -0.03, 1.03))
    chart = Chart(*scales, "calibration", 460, 380)
    chart.line((0, 1), (0, 1), GREY, "as it should be", "2 4", 1.5)
    looks = ((outcomes.weak, ORANGE, "square"), (outcomes.strong, BLUE, "circle"))
    for column, colour, shape in looks:
        order = np.argsort(estimates[:, column], kind="stable")
        points, tips = [], []
        for part in np.array_split(order, min(_PARTS, len(order))):
            x = float(estimates[part, column].mean())
            measured = mean_interval(outcomes.scores[part, column], outcomes.groups[part], 0.0)
            points.append((x, measured.value))
            tips.append(
                f"{outcomes.models[column]}, {len(part):,} prompts\nestimated {x:.2f}\nmeasured {_spread(measured, 2)}"
            )
            chart.span((x, measured.low), (x, min(measured.high, 1.0)), colour, 1)
        name = outcomes.models[column]
        chart.line([x for x, _ in points], [y for _, y in points], colour, "", "", 1)
        chart.marks(points, colour, f"{name}, on average {errors.get(name, 0.0):.3f} off", shape, tips, 4)
    return chart


def guard_chart(curve: GuardCurve, z: float, width: int = 460) -> Chart:
    """What the requests lose that leave the incumbent, over their share, with its 95 % band and a mark at `z`."""
    band, x = 1.96 * curve.errors, 100 * curve.coverage
    chart = Chart(
        Scale.around("requests that leave the incumbent, %", [0.0, *x]),
        Scale.around("points lost by these", [0.0, *(100 * (curve.risk - band)), *(100 * (curve.risk + band))]),
        "what the guard keeps",
        width,
        260,
    )
    chart.band(x.tolist(), (100 * (curve.risk - band)).tolist(), (100 * (curve.risk + band)).tolist(), BLUE)
    chart.line((chart.x.low, chart.x.high), (0, 0), GREY, "", "2 4", 1)
    points = list(zip(x.tolist(), (100 * curve.risk).tolist(), strict=True))
    tips = [
        f"z = {z:g}\n{share:.0f} % leave\n{risk:+.1f} points lost ± {e:.1f}"
        for z, (share, risk), e in zip(curve.z, points, 100 * band, strict=True)
    ]
    chart.line([p[0] for p in points], [p[1] for p in points], BLUE).marks(points, BLUE, "", "circle", tips, 3)
    at = points[int(abs(curve.z - z).argmin())]
    return chart.marks([at], VERMILION, "this setting", "diamond", [f"z = {z:g}\n{at[0]:.0f} % leave"])


def transfer_chart(transfer: Sequence[Mapping[str, Any]]) -> Chart:
    """What a threshold that is to send half of the prompts up sends of tasks that the fit never saw, with intervals."""
    rows = sorted(transfer, key=lambda row: row["achieved_share"])
    names = tuple(str(row["task"]) for row in rows)
    scales = (Scale("sent to the strong model, %", -3, 103), Scale("", -0.6, len(rows) - 0.4, names=names))
    chart = Chart(*scales, "what carries over to held-out tasks", 620, 70 + 24 * max(len(rows), 1))
    chart.line((50, 50), (-0.6, len(rows) - 0.4), GREY, "what it is set to send", "2 4", 1.5)
    points, tips = [], []
    for place, row in enumerate(rows):
        share = share_interval(row["achieved_share"], row["n"])
        chart.span((100 * share.low, place), (100 * share.high, place), GREEN)
        points.append((100 * share.value, float(place)))
        apgr = "lead within noise, no APGR" if row["apgr"] is None else f"APGR {row['apgr']:.2f}"
        sent = f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
        lead = f"the strong model leads by {100 * row['gap']:.1f} points"
        tips.append(f"{row['task']}, {row['n']:,} prompts\n{sent} sent\n{lead}\n{apgr}")
    return chart.marks(points, GREEN, "sent, with its 95 % interval", "circle", tips)


def _spread(interval: Interval, digits: int = 3) -> str:
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
