"""From figures to a verdict: what routing saves against one model, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.curve import mixing_quality
from autopicker_lab.tuning.dealing import p_of_dealing
from autopicker_lab.tuning.means import ResampledMeans
from autopicker_lab.tuning.verdict import Finding, Null, Saving, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval

    Array = np.ndarray[Any, Any]

WITHIN = 0.01
_PAYS = 0.01  # what pays is routed by, so that chance may say so in one of a hundred tables at most
_RANKS = 0.05


def saving_of(outcomes: OutcomeMatrix, choices: Array, seed: int) -> Saving:
    """What routing by `choices`, shape (n,) or (repeats, n), saves against the incumbent, with bootstrap intervals.

    The p-value of the excess over coins is that of the bootstrap or of dealing the choices anew, whichever is more.
    """
    import numpy as np

    best, models = outcomes.best, len(outcomes.models)

    def columns(choices: Array) -> Array:
        """Score gained and cost saved (exactly 0 where all stay), then each model's score and cost."""
        quality, cost = outcomes.routed(choices)
        gained, saved = quality - outcomes.scores[:, best], outcomes.costs[:, best] - cost
        return np.column_stack([gained, saved, outcomes.scores, outcomes.costs])

    def parts(means: Array) -> tuple[float, float, Array, Array]:
        return float(means[0]), float(means[1]), means[2 : 2 + models], means[2 + models :]

    def share(means: Array) -> float:
        _, saved, _, costs = parts(means)
        whole = float(costs[best] or costs.max())  # beside a free incumbent: of the dearest model's cost
        return saved / whole if whole else 0.0

    def over_coins(means: Array) -> float:
        gained, saved, scores, costs = parts(means)
        return gained + float(scores[best]) - mixing_quality(scores, costs, float(costs[best]) - saved)

    means = ResampledMeans([columns(each) for each in np.atleast_2d(choices)], outcomes.groups, seed)

    def measured(measure: Callable[[Array], float], null: float | None = None) -> Interval:
        interval = means.bootstrap(measure).interval(null)
        assert interval is not None  # a mean is never undefined
        return interval

    excess = measured(over_coins, null=0.0)
    p = max(excess.p or 0.0, p_of_dealing(outcomes.scores, choices, outcomes.groups, seed))
    return Saving(
        outcomes.models[best], measured(share), measured(lambda of: parts(of)[0], null=0.0), replace(excess, p=p)
    )


def conclude(
    outcomes: OutcomeMatrix,
    apgr: Interval | None,
    cpt50: float | None,
    saving: Saving | None,
    within: float | None,
    null: Null | None = None,
    looks: int = 1,
) -> Verdict:
    """The verdict on a router.

    Args:
        apgr, cpt50: how well it ranks prompts; None where the pair's lead is within noise.
        saving: of the policy; None for a score that chooses no models.
        within: mean score that may be lost against the best single model; None where something else was asked for.
        null: what it has to beat.
        looks: how many ways to choose models this one was chosen among, by these outcomes: so much smaller a p-value
            has to be (Bonferroni).
    """
    if saving is None:
        finding, keep = _ranking_finding(outcomes, apgr)
    else:
        finding, keep = _finding(outcomes, apgr, saving, within, looks)
    ranks = apgr is not None and apgr.low > 0.5 and cpt50 is not None
    if finding is Finding.NOT_SHOWN and saving is not None and keep == saving.best and ranks:
        finding = Finding.RANKS_ONLY
    size, unit = outcomes.size_text, outcomes.cost_unit
    return Verdict(finding, keep, within, saving, apgr, size, outcomes.pair, unit, cpt50, null)


def _finding(
    outcomes: OutcomeMatrix, apgr: Interval | None, saving: Saving, within: float | None, looks: int
) -> tuple[Finding, str | None]:
    """What is shown of a policy, and the model to keep instead of it."""
    ranks = len(outcomes.models) > 2 or (apgr is not None and (apgr.p or 0.0) < _RANKS)
    if beats_coins(saving, looks) and ranks and (saving.share.low > 0 or saving.quality.low > 0):
        return Finding.PAYS, None
    keep, (weak, _) = _single_model(outcomes, within or 0.0), outcomes.pair
    if not outcomes.separated and keep == weak:
        return Finding.MODELS_EQUAL, weak
    return Finding.NOT_SHOWN, keep


def beats_coins(saving: Saving, looks: int = 1) -> bool:
    """Whether more than chance is shown: a better score than of coins at the same cost, and than of choices dealt."""
    return saving.excess.p is not None and looks * saving.excess.p < _PAYS


def _ranking_finding(outcomes: OutcomeMatrix, apgr: Interval | None) -> tuple[Finding, str | None]:
    """What is shown of a score that chooses no models."""
    if apgr is None:
        return Finding.MODELS_EQUAL, _single_model(outcomes, WITHIN)
    return (Finding.SCORE_RANKS if (apgr.p or 0.0) < _RANKS else Finding.SCORE_DOES_NOT_RANK), None


def _single_model(outcomes: OutcomeMatrix, within: float) -> str:
    """The incumbent, else the cheapest model whose quality is within what may be lost of the best."""
    if outcomes.incumbent is not None:
        return outcomes.models[outcomes.incumbent]
    means, costs = outcomes.mean_scores, outcomes.mean_costs
    good = [i for i in range(len(means)) if means[i] >= means.max() - within]
    return outcomes.models[min(good, key=lambda i: costs[i])]
