"""What a new model costs to get to know: each model of a table left out, and brought back by few of its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import frame
from autopicker_lab.routing import default_policy
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.routing.rule import prefer_each
from autopicker_lab.tuning import OutcomeMatrix, fitting
from autopicker_lab.tuning.new_model import add_model, next_prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.prompts import Prompts

    Array = np.ndarray[Any, Any]


def regret_of_few_rows(
    outcomes: OutcomeMatrix,
    counts: Sequence[int] = (20, 50, 100),
    *,
    weight: float = 0.0,
    z: float = 1.0,
    repeats: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """What routing loses where a model's estimates come from few rows, against all rows, in points of mean score.

    Half of the prompts (by groups) fit, a quarter is scored by the new model, and the last quarter is routed. Columns:
    model, rows (0: the policy without it), chosen (whether the rows were chosen to tell most, or drawn at random),
    regret (in worth, which is score minus `weight` times cost, against a fit of all models on the whole half), share
    (of the requests that the new model gets) and quality_error (of its estimated mean score).

    Args:
        z: standard errors by which the new model must lead; see add_model.
        repeats: draws of random rows, and pools of which rows are chosen.
    """
    import numpy as np

    parts = [test for _, test in fitting.grouped_folds(outcomes.groups, 4, seed)]
    fitted, pool, routed = np.concatenate(parts[:2]), parts[2], parts[3]
    prompts = fitting.prepare_to_fit(outcomes.questions, outcomes.groups)
    learn, held_out, asked = outcomes.at(fitted), outcomes.at(routed), prompts.at(routed)

    def fit(models: Sequence[int]) -> RoutePolicy:
        names = [outcomes.models[i] for i in models]
        return _policy(fitting.fit(prompts.at(fitted), learn.scores[:, models], names, seed), learn, weight)

    ideal = _worth(fit(range(len(outcomes.models))), held_out, asked).mean()
    rows = []
    for left_out, name in enumerate(outcomes.models):
        known = fit([i for i in range(len(outcomes.models)) if i != left_out])
        rows.append(
            {"model": name, "rows": 0, "chosen": False, "regret": ideal - _worth(known, held_out, asked).mean()}
        )
        for repeat in range(repeats):
            order = np.random.default_rng(seed + repeat).permutation(pool)
            some = order[: len(order) // 2]
            best = some[next_prompts(known, [outcomes.prompts[i] for i in some], max(counts))]
            for chosen, places in ((False, order), (True, best)):
                for count in counts:
                    policy = add_model(known, _rows(outcomes, left_out, places[:count]), z=z)
                    regret = ideal - _worth(policy, held_out, asked).mean()
                    error = policy.qualities[name] - float(held_out.scores[:, left_out].mean())
                    entry = {"model": name, "rows": count, "chosen": chosen, "regret": regret}
                    rows.append(entry | {"quality_error": error})
    return frame(rows)


def _policy(estimator: LearnedEstimator, outcomes: OutcomeMatrix, weight: float) -> RoutePolicy:
    columns = [outcomes.models.index(name) for name in estimator.models]
    return replace(
        default_policy(),
        estimator=estimator,
        qualities={outcomes.models[i]: float(outcomes.mean_scores[i]) for i in columns},
        costs={outcomes.models[i]: float(outcomes.mean_costs[i]) for i in columns},
        cost_unit=outcomes.cost_unit,
        cost_weight=weight,
    )


def _worth(policy: RoutePolicy, outcomes: OutcomeMatrix, prompts: Prompts) -> Array:
    """Score minus weighted cost of each prompt, by the policy's rule, shape (n,)."""
    import numpy as np

    assert isinstance(policy.estimator, LearnedEstimator)
    names = policy.estimator.models
    columns = np.array([outcomes.models.index(name) for name in names])
    estimates = fitting.predict(policy.estimator, prompts)
    qualities, none = np.array([policy.qualities[name] for name in names]), np.zeros(len(names))
    choices = columns[prefer_each(policy, np.zeros(len(prompts)), names, qualities, estimates, none)]
    scores, costs = outcomes.routed(choices)
    worth: Array = scores - policy.cost_weight * costs
    return worth


def _rows(outcomes: OutcomeMatrix, model: int, places: Array) -> pd.DataFrame:
    """The rows of one model as a table of outcomes."""
    some = outcomes.at(places)
    return frame(
        {"prompt_id": name, "prompt": prompt, "model": outcomes.models[model], "score": score, "cost_usd": cost}
        for name, prompt, score, cost in zip(
            some.ids, some.prompts, some.scores[:, model].tolist(), some.costs[:, model].tolist(), strict=True
        )
    )
