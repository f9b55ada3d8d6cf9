"""What benchmarks/routing.ipynb measures of cascades: against routing at equal cost, on outcomes with signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab import assets
from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREY, frame
from autopicker_lab.tuning import OutcomeMatrix, fitting, read_outcomes
from autopicker_lab.tuning.forms import AUTO, compare_forms
from autopicker_lab.tuning.settings import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes


def cascades_against_routing(
    path: str | Path | None = None, allowances: Sequence[float] = (0.01, 0.03, 0.05), folds: int = 5, seed: int = 0
) -> pd.DataFrame:
    """One row an allowance and form of cascade: signal, quality, cost, seconds, share that went up, lead over routing.

    Args:
        path: of outcomes with signals; None: those that come with the project.
        allowances: mean score that may be lost against the best single model.
    """
    outcomes = OutcomeMatrix.from_table(read_outcomes(path or assets.outcomes() / "outcomes.jsonl"), seed=seed)
    parts = fitting.grouped_folds(outcomes.groups, folds, seed)
    prompts = fitting.prepare_to_fit(outcomes.questions, outcomes.groups, seed)
    estimates = fitting.out_of_fold(prompts, outcomes.scores, parts, seed)
    rows: list[dict[str, Any]] = []
    for within in allowances:
        forms = compare_forms(outcomes, estimates, parts, asked=Asked(within), mode=AUTO, seed=seed)
        rows += [{"allowance": within, **form.to_dict(), "taken": forms.taken == form.name} for form in forms.tried]
    return frame(rows)


def plot_leads(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The lead of each row of `cascades_against_routing` with its 95 % interval, in points; right of 0 it pays."""
    target = axes(ax, (7.0, 0.8 + 0.35 * len(rows)))
    for place, row in enumerate(rows.to_dict("records")):
        low, high = row["over_route_ci"]
        target.plot([100 * low, 100 * high], [place, place], color=BLUE, lw=3, solid_capstyle="butt")
        target.plot(100 * row["over_route"], place, "o", color=BLUE)
    target.axvline(0, color=GREY, lw=1)
    names = [f"{row['form']}, {row['allowance']:g} of mean score allowed" for row in rows.to_dict("records")]
    target.set_yticks(range(len(names)), names)
    target.set_ylim(len(rows) - 0.4, -0.6)
    target.set(xlabel="points of quality over routing at equal cost, with 95 % intervals")
    target.spines[["top", "right"]].set_visible(False)
    return target
