"""Fit a policy on outcomes, or evaluate one: the same figures, the same baselines, a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, RunStamp, gain_score
from autopicker_lab.routing import default_policy
from autopicker_lab.routing.estimator import LearnedEstimator
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.baselines import (
    aiq_of_curve,
    aiq_of_ranking,
    baselines,
    heuristic_scores,
    quality_of,
    ranking,
    share_for,
)
from autopicker_lab.tuning.curve import Curve, best_weight, choose_at, curve
from autopicker_lab.tuning.drift import cuts
from autopicker_lab.tuning.matrix import OutcomeMatrix, board
from autopicker_lab.tuning.metrics import apgr, expected_calibration_error, interval_of
from autopicker_lab.tuning.outcomes import validate
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.transfer import transfer_to_tasks
from autopicker_lab.tuning.verdict import WITHIN, cross_fitted, saving_of, verdict_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

_DIGITS = 6


def tune(
    table: pd.DataFrame,
    *,
    strong: str | None = None,
    weak: str | None = None,
    folds: int = 5,
    seed: int = 0,
    within: float = WITHIN,
    source: str | Path | None = None,
    progress: fitting.Progress | None = None,
) -> TuningReport:
    """Fit estimates and a cost weight on a table (see read_outcomes), and measure them out of fold.

    Args:
        strong, weak: the pair that is routed between; None: all models, ranked by the best against the cheapest.
        within: mean score that may be lost against the best single model; the policy saves what it can within that.
        source: the file the table came from, for the policy's stamp.

    Raises:
        InvalidRequestError: see board; or more folds than groups of different prompts.
    """

    data = board(table, strong=strong, weak=weak, seed=seed)
    prompts = fitting.prepare(data.prompts, data.groups)
    if not 2 <= folds <= data.different // 10:
        detail = f"too little data for {folds} folds: {data.different} different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
    parts = fitting.grouped_folds(prompts.groups, folds, seed)
    total = folds + 2
    step = (lambda done, _: progress(done, total)) if progress else None
    estimates = fitting.out_of_fold(prompts, data.scores, parts, seed, step)
    estimator = fitting.fit(prompts, data.scores, data.models, seed)
    if progress:
        progress(folds + 1, total)
    found = curve(estimates, data.scores, data.costs)
    goal = float(data.scores.mean(0).max()) - within
    order = _across_folds(estimates[:, data.strong] - estimates[:, data.weak], data, parts)
    means, prices = data.scores.mean(0), data.costs.mean(0)
    edges, shares = cuts(gain_score(order).tolist())
    policy = RoutePolicy(
        id="",
        tiers=default_policy().tiers,
        qualities=dict(zip(data.models, means.round(_DIGITS).tolist(), strict=True)),
        estimator=estimator,
        pair=data.pair,
        cost_weight=best_weight(found, goal),
        costs=dict(zip(data.models, prices.tolist(), strict=True)),
        cost_unit=data.cost_unit,
        edges=edges,
        shares=shares,
        stamp=RunStamp.collect(*([source] if source else []), seed=seed).to_dict()
        | {"folds": folds, "within": within, "prompts": data.fingerprint},
    )
    policy = replace(policy, id=_name(policy))
    report = _report(
        data,
        policy,
        order,
        estimates,
        found,
        seed=seed,
        within=within,
        choices=cross_fitted(data, estimates, parts, within),
        transfer=transfer_to_tasks(data, prompts, estimator, seed),
    )
    if progress:
        progress(total, total)
    return replace(report, policy=replace(policy, card=_card(report)))


def evaluate(
    table: pd.DataFrame,
    policy: RoutePolicy,
    *,
    strong: str | None = None,
    weak: str | None = None,
    seed: int = 0,
    source: str | Path | None = None,
) -> TuningReport:
    """Measure a policy on a table, without fitting anything.

    A policy with estimates is measured on the models it knows, by the rule it routes by. Where its prompts are those it
    was fitted on, the report warns: its figures are then too good.
    """
    table = validate(table)
    if policy.estimator is None:
        data = board(table, strong=strong, weak=weak, seed=seed)
        order = heuristic_scores(data.prompts)
        choices = choices_of(policy, data, None, order)
        return _report(data, policy, order, None, None, seed=seed, choices=choices)
    known = [name for name in table["model"].unique() if name in policy.estimator.models]
    if len(known) < 2:
        detail = f"the policy knows {', '.join(policy.estimator.models)}, the outcomes do not have two of them"
        raise InvalidRequestError(detail, "evaluate it on outcomes of its own models")
    if strong is None and weak is None and policy.pair and set(policy.pair) <= set(known) and len(known) == 2:
        weak, strong = policy.pair
    data = board(table[table["model"].isin(known)], strong=strong, weak=weak, seed=seed)
    estimator = policy.estimator
    assert isinstance(estimator, LearnedEstimator)  # the only kind there is
    columns = [estimator.models.index(name) for name in data.models]
    estimates = fitting.predict(estimator, fitting.prepare(data.prompts, data.groups))
    scores = _routing_scores(policy, estimates, data)
    estimates = estimates[:, columns]
    return _report(
        data,
        policy,
        estimates[:, data.strong] - estimates[:, data.weak],
        estimates,
        curve(estimates, data.scores, data.costs),
        seed=seed,
        within=float(policy.stamp.get("within", WITHIN)),
        choices=choices_of(policy, data, estimates, scores),
        warnings=_in_sample(policy, data, source),
    )


def _report(
    data: OutcomeMatrix,
    policy: RoutePolicy,
    order: Array,
    estimates: Array | None,
    found: Curve | None,
    *,
    seed: int,
    within: float = WITHIN,
    choices: Array | None = None,
    transfer: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
) -> TuningReport:
    import numpy as np

    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    router = ranking(data, order, seed)
    ranked = interval_of(router, null=0.5)
    routed = None if choices is None else quality_of(data, choices, seed)
    saving = None if choices is None else saving_of(data, choices, seed)
    return TuningReport(
        board=data,
        policy=policy,
        scores=order,
        apgr=ranked,
        apgr_full=apgr(order, weak, strong, bins=0) if ranked else None,
        cpt50=share_for(data, order, 0.5),
        cpt80=share_for(data, order, 0.8),
        aiq=(aiq_of_curve(data, found, seed) if found else None) or aiq_of_ranking(data, order, seed),
        baselines=baselines(data, router, routed, seed),
        verdict=verdict_of(data, order, ranked, saving, within),
        quality=interval_of(routed),
        cost=None if choices is None else float(data.costs[np.arange(len(data)), choices].mean()),
        estimates=estimates,
        curve=found,
        saving=saving,
        calibration={}
        if estimates is None
        else {
            name: round(expected_calibration_error(estimates[:, i], data.scores[:, i]), 4)
            for i, name in enumerate(data.models)
        },
        transfer=tuple(transfer),
        warnings=(*data.notes, *warnings),
    )


def _card(report: TuningReport) -> dict[str, Any]:
    """What a policy file says of itself."""
    found = report.to_dict()
    keys = ("verdict", "n", "apgr", "apgr_ci", "cpt50", "cpt80", "aiq", "saving", "calibration", "transfer")
    return {key: found[key] for key in keys}


def choices_of(policy: RoutePolicy, data: OutcomeMatrix, estimates: Array | None, scores: Array) -> Array | None:
    """The model of each prompt by the policy's own rule, shape (n,); None where it knows no quality of these models.

    Args:
        estimates: of the board's models, or None. scores: what tiers are compared with, 0 to 100.
    """
    import numpy as np

    prices = np.array([policy.costs.get(name, 0.0) for name in data.models])
    if estimates is not None and not policy.by_tiers:
        return choose_at(estimates, prices, policy.cost_weight)
    if not set(data.models) <= set(policy.qualities):
        return None
    means = np.array([policy.qualities[name] for name in data.models])
    goals = np.array([policy.wanted_quality(float(score)) for score in scores])
    order = np.lexsort((means, prices))  # the cheapest that reaches the goal, and the best where none does
    reaches = means[order][None, :] >= goals[:, None]
    picked: Array = np.where(reaches.any(1), order[reaches.argmax(1)], int(np.argmax(means)))
    return picked


def _across_folds(gains: Array, data: OutcomeMatrix, folds: Sequence[tuple[Array, Array]]) -> Array:
    """Out-of-fold gains made comparable across folds.

    The mean that a fit has learned is that of the other folds, which leans against that of the fold itself; it is taken
    out of each fold, and the mean of all is put in, which changes no order.
    """
    level = gains.copy()
    for train, test in folds:
        level[test] += data.gains.mean() - data.gains[train].mean()
    return level


def _routing_scores(policy: RoutePolicy, estimates: Array, data: OutcomeMatrix) -> Array:
    """The policy's routing score of each prompt, 0 to 100; `estimates` are of all of its models."""
    if policy.pair is None or policy.estimator is None:
        return heuristic_scores(data.prompts)
    weak, strong = (policy.estimator.models.index(name) for name in policy.pair)
    scores: Array = gain_score(estimates[:, strong] - estimates[:, weak])
    return scores


def _name(policy: RoutePolicy) -> str:
    """What a policy is called in logs: what it routes between, and eight digits of what it is."""
    assert policy.estimator is not None  # it was just fitted
    models = policy.estimator.models
    what = repr((models, policy.cost_weight, sorted(policy.costs.items()), policy.edges))
    digits = hashlib.sha256(what.encode()).hexdigest()[:8]
    return f"tuned-{'-'.join(models) if len(models) == 2 else f'{len(models)}-models'}-{digits}"


def _in_sample(policy: RoutePolicy, data: OutcomeMatrix, source: str | Path | None) -> list[str]:
    stamped = policy.stamp.get("data")
    known = set(stamped.values()) if isinstance(stamped, Mapping) else set()
    same_file = source is not None and bool(known & set(RunStamp.collect(source).data.values()))
    if same_file or policy.stamp.get("prompts") == data.fingerprint:
        return ["the policy was fitted on these very prompts: its figures here are too good"]
    return []
