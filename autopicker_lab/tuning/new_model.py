"""A new model joins a fitted policy from few scored prompts, and which prompts tell most about it.

The policy's estimator says of a prompt how hard it is, M, and how each known model differs from the mean, D. The new
model's score is regressed on 1, M, M squared and D: a Bayesian linear regression (MacKay, "Bayesian interpolation",
1992, https://doi.org/10.1162/neco.1992.4.3.415). Its prior is how the known models relate to M (a new one is one
more of them), and no deviation; how far deviations count is what makes the rows most probable. Prompts are chosen to
take most variance off the estimates of the others (Cohn, Ghahramani and Jordan, "Active learning with statistical
models", 1996, https://arxiv.org/abs/cs/9603104), which spreads them over difficulty and disagreement.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Guard, InvalidRequestError, RoutePolicy
from autopicker_lab.routing import as_policy
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.tuning.collected import existing_rows
from autopicker_lab.tuning.conversations import question_of
from autopicker_lab.tuning.fitting import prepare, raw_estimates
from autopicker_lab.tuning.outcomes import as_outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from autopicker_lab.tuning.questions import Question

    Array = np.ndarray[Any, Any]

FEWEST = 10
Z = 1.0  # standard errors that a lead of the new model over the incumbent must have
_LIKE = 3  # coefficients that models share: of 1, M and M squared
_FLOOR = (0.2, 0.25, 0.25)  # standard deviations by which a new model may always differ from the known ones
_PULLS = (0.0, 0.1, 0.3, 1.0)  # standard deviations of the coefficients of D that are tried
_NOISE = 0.2  # variance of a score about its estimate, before there are rows
_LEAST_NOISE = 0.02
_POOL = 5000  # prompts that are weighed at once


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of a new model's coefficients; k of them, see the head of this file.

    Attributes:
        mean: shape (k,). covariance: shape (k, k). noise: variance of a score about its estimate.
    """

    mean: Array
    covariance: Array
    noise: float

    def variances(self, design: Array) -> Array:
        """Of the estimates of prompts, shape (n,)."""
        variances: Array = ((design @ self.covariance) * design).sum(1)
        return variances

    def after(self, design: Array, scores: Array, noise: Array) -> Posterior:
        """The same with rows of a design, whose scores have these variances about their estimates."""
        import numpy as np

        crossed = self.covariance @ design.T
        gain = np.linalg.solve(design @ crossed + np.diag(noise), crossed.T).T
        mean = self.mean + gain @ (scores - design @ self.mean)
        covariance = self.covariance - gain @ crossed.T
        return Posterior(mean, covariance, float(noise.mean()))


def add_model(
    policy: RoutePolicy | str | Path, table: pd.DataFrame | str | Path, *, model: str | None = None, z: float = Z
) -> RoutePolicy:
    """The policy with one more model, from its scores on some prompts; 20 to 100 do.

    What the rows leave open is carried by the policy's guard: the new model is preferred to the incumbent only for a
    lead of more than `z` standard errors of its estimate. A promise does not cover it, and is taken out.

    Args:
        policy: or the path of its file.
        table: outcomes of the new model (see read_outcomes), or the path of their file; those of others are not used.
        model: its name; None: the only one of the table that the policy does not know.

    Raises:
        InvalidRequestError: a policy without estimates, a model that it knows, fewer than ten rows, or no costs where
            the policy counts in USD.
    """
    policy, table = as_policy(policy), as_outcomes(table)
    estimator = _estimator(policy)
    name = _new_name(policy, table, model)
    rows = table[table["model"] == name]
    if len(rows) < FEWEST:
        detail = f"{len(rows)} rows of '{name}' are too few for it to join"
        raise InvalidRequestError(detail, f"collect {FEWEST} or more, better 50 (autopicker collect --next 50)")
    design = _design(estimator, [str(prompt) for prompt in rows["prompt"]])
    known = fit_new_model(estimator, design, rows["score"].to_numpy(float), _shares_of_noise(rows))
    joined = _joined(estimator, name, known.mean)
    quality = _mean_quality(policy, estimator, known.mean)
    error = float(known.variances(design).mean() ** 0.5)
    return replace(
        policy,
        estimator=joined,
        qualities={**policy.qualities, name: round(quality, 6)},
        costs={**policy.costs, name: _cost(policy, rows, name)},
        guard=_guard(policy, name, error, z),
        promise={},
        stamp={**policy.stamp, "added": [*policy.stamp.get("added", []), {"model": name, "rows": len(rows)}]},
    )


def next_prompts(policy: RoutePolicy, prompts: Sequence[str], count: int, scored: Sequence[int] = ()) -> list[int]:
    """The `count` prompts (positions) whose scores would tell most about a new model, the most telling first.

    Args:
        scored: prompts (positions) that it has scores of already; they are not chosen again.

    Raises:
        InvalidRequestError: a policy without estimates.
    """
    import numpy as np

    design = _design(_estimator(policy), prompts)
    prior = _prior(_estimator(policy), 0.3)
    covariance, noise = prior.covariance, prior.noise
    for row in design[list(scored)]:
        covariance = covariance - _drop(covariance, row, noise)
    pool = design[np.random.default_rng(0).permutation(len(design))[:_POOL]]
    left = np.setdiff1d(np.arange(len(design)), np.array(scored, int))
    chosen: list[int] = []
    while len(chosen) < count and len(left):
        spread = covariance @ design[left].T
        own = (design[left].T * spread).sum(0) + noise
        told = ((pool @ spread) ** 2).sum(0) / own
        best = int(np.argmax(told))
        chosen.append(int(left[best]))
        covariance = covariance - _drop(covariance, design[left[best]], noise)
        left = np.delete(left, best)
    return chosen


def next_questions(
    policy: RoutePolicy | str | Path, questions: Sequence[Question], count: int, out: str | Path, models: Sequence[str]
) -> list[Question]:
    """The questions that would tell most about new models, without those that all of them answered in `out`."""
    rows = existing_rows(out, {question.prompt_id: question for question in questions})[1]
    answered = Counter(name for name, _ in {(row["prompt_id"], row["model"]) for row in rows if row["model"] in models})
    scored = [i for i, question in enumerate(questions) if answered[question.prompt_id] >= len(models)]
    best = next_prompts(as_policy(policy), [question.prompt for question in questions], count, scored)
    return [questions[i] for i in best]


def fit_new_model(estimator: LearnedEstimator, design: Array, scores: Array, shares: Array | None = None) -> Posterior:
    """What rows say of a new model's coefficients.

    Args:
        design: of its prompts, shape (n, k). scores: shape (n,).
        shares: of the noise of one answer that each score has, shape (n,); None: all of it.
    """
    import numpy as np

    shares = np.ones(len(scores)) if shares is None else shares
    first = _prior(estimator, 0.0).after(design, scores, _NOISE * shares)
    noise = max(float((((scores - design @ first.mean) ** 2) / shares).mean()), _LEAST_NOISE) * shares
    priors = [_prior(estimator, pull) for pull in _PULLS]
    return max(priors, key=lambda prior: _evidence(prior, design, scores, noise)).after(design, scores, noise)


def _evidence(prior: Posterior, design: Array, scores: Array, noise: Array) -> float:
    """Logarithm of how probable the scores are, but for a constant."""
    import numpy as np

    spread = design @ prior.covariance @ design.T + np.diag(noise)
    off = scores - design @ prior.mean
    return float(-0.5 * (np.linalg.slogdet(spread)[1] + off @ np.linalg.solve(spread, off)))


def _prior(estimator: LearnedEstimator, pull: float) -> Posterior:
    """A model like the known ones; `pull` is the standard deviation of the coefficients of D."""
    import numpy as np

    shared, deviations = estimator.stack[:, :_LIKE], len(estimator.models)
    covariance = np.zeros((_LIKE + deviations, _LIKE + deviations))
    covariance[:_LIKE, :_LIKE] = np.diag(np.square(_FLOOR)) + (np.cov(shared.T) if deviations > 1 else 0.0)
    covariance[_LIKE:, _LIKE:] = np.eye(deviations) * pull**2
    return Posterior(np.concatenate([shared.mean(0), np.zeros(deviations)]), covariance, _NOISE)


def _design(estimator: LearnedEstimator, prompts: Sequence[str]) -> Array:
    """1, M, M squared and D of each prompt, shape (n, 3 + models)."""
    import numpy as np

    texts = [question_of(prompt) for prompt in prompts]
    raw = raw_estimates(estimator, prepare(texts, np.zeros(len(texts), int), estimator.kind))
    mean = raw[:, :1]
    design: Array = np.hstack([np.ones_like(mean), mean, mean * mean, raw[:, 1:]])
    return design


def _drop(covariance: Array, row: Array, noise: float) -> Array:
    """What one more score takes off the covariance."""
    import numpy as np

    spread = covariance @ row
    dropped: Array = np.outer(spread, spread) / (float(row @ spread) + noise)
    return dropped


def _joined(estimator: LearnedEstimator, name: str, coefficients: Array) -> LearnedEstimator:
    """The estimator with one more model, whose deviation is a mixture of those of the others."""
    import numpy as np

    mixture = coefficients[_LIKE:]

    def wider(array: Array) -> Array:
        mixed = array[..., 1:].astype(np.float64) @ mixture
        return np.ascontiguousarray(np.concatenate([array, mixed[..., None]], -1), array.dtype)

    row = np.append(coefficients[:_LIKE], 1.0)
    reach = None if estimator.tail is None else float(np.abs(mixture) @ np.array(estimator.tail[1:]))
    return replace(
        estimator,
        models=(*estimator.models, name),
        weights=wider(estimator.weights),
        dense=wider(estimator.dense),
        bias=wider(estimator.bias),
        stack=np.vstack([estimator.stack, row]),
        by_language={language: term.with_model() for language, term in estimator.by_language.items()},
        tail=None if estimator.tail is None or reach is None else (*estimator.tail, reach),
    )


def _mean_quality(policy: RoutePolicy, estimator: LearnedEstimator, coefficients: Array) -> float:
    """Its mean score on the prompts of the fit, on which M and D are 0 in the mean.

    The mean of M squared is what makes the known models' stacks agree with their mean scores.
    """
    import numpy as np

    curved = estimator.stack[:, 2]
    off = np.array([policy.qualities.get(name, np.nan) for name in estimator.models]) - estimator.stack[:, 0]
    square = np.nansum(curved * off) / max(float((curved * curved).sum()), 1e-9)
    return float(np.clip(coefficients[0] + coefficients[2] * np.clip(square, 0.0, 1.0), 0.0, 1.0))


def _shares_of_noise(rows: pd.DataFrame) -> Array:
    """Of the variance of one answer's score, what each row's has: the mean of several answers has less."""
    import numpy as np

    shares = np.ones(len(rows))
    if "samples" in rows and (several := (rows["samples"] > 1).to_numpy()).any():
        within = min(float((rows.loc[several, "spread"] ** 2).mean()) / _NOISE, 0.9)
        shares[several] -= within * (1 - 1 / rows.loc[several, "samples"].to_numpy(float))
    return shares


def _guard(policy: RoutePolicy, name: str, error: float, z: float) -> Guard:
    """The policy's guard with the new model; where it has none, one that holds for the new model alone."""
    if policy.guard is not None and policy.guard.z > 0:
        return replace(policy.guard, errors={**policy.guard.errors, name: round(error * z / policy.guard.z, 6)})
    best = max(policy.qualities, key=lambda known: policy.qualities[known])
    return Guard(best, z, {**dict.fromkeys(policy.qualities, 0.0), name: round(error, 6)})


def _cost(policy: RoutePolicy, rows: pd.DataFrame, name: str) -> float:
    if policy.cost_unit != "usd":
        return 1.0
    second = float(policy.stamp.get("latency_weight", 0.0))
    cost = float(rows["cost_usd"].mean()) + (second * float(rows["latency_s"].mean()) if second else 0.0)
    if math.isnan(cost):
        raise InvalidRequestError(
            f"the policy counts in USD, and '{name}' has no costs, or no seconds", "give --prices FILE"
        )
    return cost


def _estimator(policy: RoutePolicy) -> LearnedEstimator:
    if not isinstance(policy.estimator, LearnedEstimator):
        detail = f"the policy '{policy.name}' has no estimates that a new model could lean on"
        raise InvalidRequestError(detail, "name one that was tuned (autopicker tune)")
    return policy.estimator


def _new_name(policy: RoutePolicy, table: pd.DataFrame, model: str | None) -> str:
    known = _estimator(policy).models
    new = [str(name) for name in table["model"].unique() if name not in known]
    if model is None and len(new) != 1:
        detail = f"the outcomes have {len(new)} models that the policy does not know"
        raise InvalidRequestError(
            detail, f"add one at a time: {', '.join(new)}" if new else "collect those of a new one"
        )
    if model is not None and model not in new:
        detail = f"'{model}' cannot join: " + ("the policy knows it" if model in known else "it has no outcomes")
        raise InvalidRequestError(detail, f"not known yet: {', '.join(new) or 'none'}")
    return model or new[0]
