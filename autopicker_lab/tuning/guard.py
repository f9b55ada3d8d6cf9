"""The incumbent's guard: how sure estimates of a lead are, and whether leaving the incumbent is shown to pay at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Guard
from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREY, VERMILION, frame
from autopicker_lab.routing.rule import margins_of, prefer_by_estimates
from autopicker_lab.tuning.clusters import clustered_error, mean_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

BINS = 10
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)  # of z, on a slider


def guard_of(outcomes: OutcomeMatrix, estimates: Array, z: float) -> Guard:
    """The guard of the incumbent, by outcomes that `estimates`, shape (n, models), were not fitted on."""
    return Guard(outcomes.models[outcomes.best], z, lead_errors(outcomes, estimates))


def decided(guard: Guard, outcomes: OutcomeMatrix, estimates: Array, weight: float, within: float) -> Guard:
    """The guard, or one that never leaves the incumbent where leaving it at this cost weight is not shown to pay.

    Args:
        outcomes: that `estimates`, shape (n, models), were not fitted on.
        within: mean score that may be lost against the incumbent.
    """
    chosen = prefer_by_estimates(estimates, outcomes.mean_costs, weight, margins_of(guard, outcomes.models))
    return guard if leaving_pays(outcomes, chosen, guard.z, within) else replace(guard, errors={})


def leaving_pays(outcomes: OutcomeMatrix, choices: Array, z: float, within: float) -> bool:
    """Whether leaving the incumbent for these choices (columns), shape (n,), is shown to pay.

    It does where, z clustered standard errors (at least those of a bound at 90 %) from the mean, score is gained, or
    cost is saved and no more score lost than allowed.
    """
    import numpy as np

    scores, costs = outcomes.routed(choices)
    differences = np.stack([scores - outcomes.scores[:, outcomes.best], outcomes.costs[:, outcomes.best] - costs])
    gained, saved = (-mean_bound(-differences, outcomes.groups, least_z=z)).tolist()
    return bool(gained > 0 or (saved > 0 and gained >= -within))


def lead_errors(outcomes: OutcomeMatrix, estimates: Array) -> dict[str, float]:
    """Root mean square distance of estimated and measured lead over the incumbent, by model.

    Over ten groups of equal size by estimated lead, as the calibration error of a score; chance is part of it, since a
    lead that chance could have made is not one to leave the incumbent for.
    """
    import numpy as np

    best = outcomes.best
    errors: dict[str, float] = {}
    for column, name in enumerate(outcomes.models):
        if column != best:
            estimated = estimates[:, column] - estimates[:, best]
            excess = estimated - (outcomes.scores[:, column] - outcomes.scores[:, best])
            parts = np.array_split(np.argsort(estimated, kind="stable"), min(BINS, len(estimated)))
            squares = sum(len(part) * excess[part].mean() ** 2 for part in parts)
            errors[name] = round(float(np.sqrt(squares / len(estimated))), 6)
    return errors


@dataclass(frozen=True, eq=False)
class GuardCurve:
    """Risk over coverage: what each z leaves to other models than the incumbent, and what that loses.

    Attributes:
        z: standard errors, ascending, shape (k,).
        coverage: share of requests that leave the incumbent, shape (k,).
        risk: mean score lost against the incumbent by the requests that leave it (0 where none does), shape (k,).
        errors: standard error of each risk, shape (k,).
    """

    z: Array
    coverage: Array
    risk: Array
    errors: Array

    def to_frame(self) -> pd.DataFrame:
        """One row a z: z, coverage, risk, error."""
        rows = zip(self.z, self.coverage, self.risk, self.errors, strict=True)
        return frame(dict(zip(("z", "coverage", "risk", "error"), map(float, row), strict=True)) for row in rows)

    def plot(self, ax: Axes | None = None, z: float | None = None) -> Axes:
        """Risk over coverage with its 95 % band, and a mark at `z`."""
        target = axes(ax, (5.0, 3.5))
        band = 1.96 * self.errors
        target.plot(self.coverage, self.risk, ".-", color=BLUE)
        target.fill_between(self.coverage, self.risk - band, self.risk + band, color=BLUE, alpha=0.15, lw=0)
        target.axhline(0, color=GREY, lw=0.8)
        if z is not None:
            i = int(abs(self.z - z).argmin())
            target.plot(self.coverage[i], self.risk[i], "o", color=VERMILION, ms=9)
        target.set(xlabel="share of requests that leave the incumbent", ylabel="mean score lost by these")
        target.spines[["top", "right"]].set_visible(False)
        return target


def guard_curve(
    outcomes: OutcomeMatrix,
    estimates: Array,
    weight: float,
    steps: Sequence[float] = STEPS,
    guard: Guard | None = None,
    unfamiliar: Array | None = None,
) -> GuardCurve:
    """Risk over coverage at a cost weight, on outcomes that `estimates`, shape (n, models), were not fitted on.

    Args:
        guard: of any z, where it is known already; see `guard_of`.
        unfamiliar: whether a prompt is left to the incumbent whatever is estimated, shape (n,).
    """
    import numpy as np

    guard = guard_of(outcomes, estimates, 0.0) if guard is None else guard
    rows = []
    for z in steps:
        margins = margins_of(replace(guard, z=z), outcomes.models)
        chosen = prefer_by_estimates(estimates, outcomes.mean_costs, weight, margins)
        if unfamiliar is not None:
            chosen = np.where(unfamiliar, outcomes.best, chosen)
        left = chosen != outcomes.best
        lost = outcomes.scores[:, outcomes.best] - outcomes.routed(chosen)[0]
        share = float(left.mean())
        risk = float(lost[left].mean()) if share else 0.0
        error = clustered_error((lost - risk * left)[None, :], outcomes.groups)[0] / share if share else 0.0
        rows.append((z, share, risk, error))
    return GuardCurve(*np.array(rows, float).T)
