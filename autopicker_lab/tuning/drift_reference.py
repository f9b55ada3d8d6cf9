"""What a policy's requests looked like when it was fitted: the distributions that drift is measured against.

Live requests are scored by one fit, which did not see them. Scores out of fold are of several fits, each with a level
and a spread of its own, so that even the very prompts of the table would differ from them. Here each prompt is
scored by the policy's own fit as it is without that prompt: its penalties and its stack, with the regressions of the
other folds. Scores of prompts that it did see are kept beside, since live requests may be some of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import gain_score
from autopicker_lab.routing.estimator import stacked
from autopicker_lab.routing.rule import with_added
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.drift import FEATURES, IS_UNFAMILIAR, decile_shares, shares_between
from autopicker_lab.tuning.grouping import copies, count
from autopicker_lab.tuning.language_terms import with_language_terms
from autopicker_lab.tuning.novelty import CALLED_NEW

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.learned import Learned

    Array = np.ndarray[Any, Any]

_FOLDS = 5


def reference_of(learned: Learned) -> tuple[tuple[float, ...], tuple[float, ...], dict[str, Any]]:
    """Edges, shares and the reference of a policy (see RoutePolicy) that routes by what was learned."""
    outcomes, estimator = learned.outcomes, learned.estimator

    def scores(estimates: Array) -> Array:
        estimates = with_added(learned.by_task, outcomes.models, estimates, outcomes.tasks.tolist())
        scored: Array = gain_score(estimates[:, outcomes.strong] - estimates[:, outcomes.weak])
        return scored

    edges, shares = decile_shares(scores(_unseen(learned)).tolist())
    seen = shares_between(edges, scores(fitting.predict(estimator, learned.prompts)).tolist())
    counted = [measure(question) for question in outcomes.questions]
    parts = {name: decile_shares([row[name] for row in counted]) for name in FEATURES}
    if estimator.novelty is not None:
        parts[IS_UNFAMILIAR] = (0.5,), (1 - CALLED_NEW, CALLED_NEW)
    reference = {
        "prompts": count(copies(outcomes.prompts)),
        "seen": seen.round(4).tolist(),
        "features": {name: {"edges": list(cuts), "shares": list(each)} for name, (cuts, each) in parts.items()},
    }
    return edges, shares, reference


def _unseen(learned: Learned) -> Array:
    """Estimates of each prompt by the policy's own fit as it is without it, shape (n, models)."""
    import numpy as np

    prompts, outcomes, estimator = learned.prompts, learned.outcomes, learned.estimator
    raw = np.empty((len(prompts), 1 + len(outcomes.models)))
    for train, test in fitting.grouped_folds(prompts.groups, _FOLDS, learned.seed):
        part = fitting.fit(prompts.at(train), outcomes.scores[train], outcomes.models, learned.seed, like=estimator)
        raw[test] = fitting.raw_estimates(part, prompts.at(test))
    return with_language_terms(stacked(raw, estimator.stack), estimator.by_language, prompts.languages)
