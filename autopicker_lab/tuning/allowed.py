"""What a setting gives against always one model: figures with intervals, the same of a tuned policy and of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.baselines import quality_of
from autopicker_lab.tuning.clusters import clustered_error, quantile
from autopicker_lab.tuning.dealing import shares_of
from autopicker_lab.tuning.decision_table import mean_interval
from autopicker_lab.tuning.judging import conclude, saving_of
from autopicker_lab.tuning.metrics import Interval, interval_of
from autopicker_lab.tuning.settings import Asked, CrossFit, Setting

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.report import TuningReport
    from autopicker_lab.tuning.verdict import Saving, Verdict

    Array = np.ndarray[Any, Any]

ALLOWANCES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)


@dataclass(frozen=True)
class SettingFigures:
    """Means over prompts, with 95 % intervals by groups of alike prompts.

    Attributes:
        quality: mean score. change: of it, against always the best single model.
        cost: of a request, in the outcomes' unit. saved: share of the best single model's cost; None where that is 0.
        seconds: of an answer; None where they were not measured.
        shares: of the requests, by model.
    """

    quality: Interval
    change: Interval
    cost: Interval
    saved: Interval | None
    seconds: Interval | None
    shares: dict[str, float]


@dataclass(frozen=True, eq=False)
class Allowed:
    """The policy that saves most within an allowance, and what it gives where other prompts chose its setting.

    Attributes:
        choices: the model (column) of each prompt, by draw of the folds, shape (repeats, n).
    """

    within: float
    setting: Setting
    choices: Array
    figures: SettingFigures
    verdict: Verdict


def setting_figures(
    outcomes: OutcomeMatrix, choices: Array, quality: Interval | None = None, saving: Saving | None = None
) -> SettingFigures:
    """The figures of choices (columns), by one or several fits, shape (n,) or (repeats, n).

    Args:
        quality, saving: where they are known already; else normal (or Student's) intervals are worked out here.
    """
    weights, best = shares_of(choices, len(outcomes.models)), outcomes.best

    def each(values: Array) -> Array:
        total: Array = (weights * values).sum(1)
        return total

    scores, costs, usual = each(outcomes.scores), each(outcomes.costs), outcomes.costs[:, best]
    groups, change = outcomes.groups, None if saving is None else saving.quality
    share = None if saving is None else saving.share
    if not usual.mean():
        share = None
    elif share is None:
        share = _share_saved(costs, usual, groups)
    return SettingFigures(
        quality or mean_interval(scores, groups, 0.0),
        change or mean_interval(scores - outcomes.scores[:, best], groups),
        mean_interval(costs, groups, 0.0),
        share,
        None if outcomes.seconds is None else mean_interval(each(outcomes.seconds), groups, 0.0),
        dict(zip(outcomes.models, weights.mean(0).tolist(), strict=True)),
    )


def allowed(report: TuningReport, within: float) -> Allowed:
    """What another allowance than the report's gives, by the estimates that it was tuned with.

    Raises:
        InvalidRequestError: the report was tuned for something else than an allowance, or has a cascade.
    """
    crossed = require_crossed(report)
    asked, seed = Asked(within, crossed.guard_z), int(report.policy.stamp.get("seed") or 0)
    outcomes, choices = report.outcomes, crossed.choices(asked)
    saving = saving_of(outcomes, choices, seed)
    verdict = conclude(outcomes, report.apgr, report.cpt50, saving, within)
    figures = setting_figures(outcomes, choices, interval_of(quality_of(outcomes, choices, seed)), saving)
    return Allowed(within, crossed.setting(asked), choices, figures, verdict)


def require_crossed(report: TuningReport) -> CrossFit:
    """The settings of each fold of a report; InvalidRequestError where it was not tuned for an allowance."""
    if report.crossed is None:
        raise InvalidRequestError(
            "this policy was not tuned for an allowance alone", "set it by hand, or tune(..., within=0.05)"
        )
    return report.crossed


def _share_saved(costs: Array, usual: Array, groups: Array) -> Interval:
    """The share of a usual cost that is saved: a ratio of means, its error by linearisation."""
    value = 1 - float(costs.mean() / usual.mean())
    apart = (usual - costs - value * usual) / usual.mean()
    half = quantile(0.975, groups) * float(clustered_error(apart[None, :], groups)[0])
    return Interval(value, value - half, min(value + half, 1.0))
