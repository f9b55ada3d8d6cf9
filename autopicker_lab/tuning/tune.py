"""Fit a policy on outcomes, or evaluate one: the same figures, the same baselines, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity.learned import LearnedEstimator
from autopicker_lab.core import InvalidRequestError, RoutePolicy, RunStamp
from autopicker_lab.routing import default_policy
from autopicker_lab.tuning import learn
from autopicker_lab.tuning.baselines import aiq_of_curve, aiq_of_ranking, baselines, heuristic_scores, ranking
from autopicker_lab.tuning.board import Board, board
from autopicker_lab.tuning.curve import best_weight, choose_at, curve
from autopicker_lab.tuning.drift import cuts
from autopicker_lab.tuning.metrics import apgr, cpt, expected_calibration_error
from autopicker_lab.tuning.outcomes import validate
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.transfer import transfer_to_tasks
from autopicker_lab.tuning.verdict import WITHIN, cross_fitted, saving_of, verdict_of

if TYPE_CHECKING:
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
    progress: learn.Progress | None = None,
) -> TuningReport:
    """Fit estimates and a cost weight on a table (see read_outcomes), and measure them out of fold.

    Args:
        strong, weak: the pair that is routed between; None: all models, ranked by the best against the cheapest.
        within: mean score that may be lost against the best single model; the policy saves what it can within that.
        source: the file the table came from, for the policy's stamp.

    Raises:
        InvalidRequestError: see board; or more folds than groups of different prompts.
    """
    import numpy as np

    data = board(table, strong=strong, weak=weak, seed=seed)
    prompts = learn.prepare(data.prompts)
    groups = len(np.unique(prompts.groups))
    if not 2 <= folds <= groups // 10:
        detail = f"too little data for {folds} folds: {groups} groups of different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
    parts = learn.grouped_folds(prompts.groups, folds, seed)
    total = folds + 2
    step = (lambda done, _: progress(done, total)) if progress else None
    estimates = learn.out_of_fold(prompts, data.scores, parts, seed, step)
    estimator = learn.fit(prompts, data.scores, data.models, seed)
    if progress:
        progress(folds + 1, total)
    found = curve(estimates, data.scores, data.costs)
    goal = float(data.scores.mean(0).max()) - within
    order = estimates[:, data.strong] - estimates[:, data.weak]
    means, prices = data.scores.mean(0), data.costs.mean(0)
    edges, shares = cuts((50 + 50 * order).tolist())
    policy = RoutePolicy(
        id=f"tuned-{'-'.join(data.pair)}" if len(data.models) == 2 else f"tuned-{len(data.models)}-models",
        tiers=default_policy().tiers,
        qualities=dict(zip(data.models, means.round(_DIGITS).tolist(), strict=True)),
        estimator=estimator,
        pair=data.pair,
        cost_weight=best_weight(found, goal),
        costs=dict(zip(data.models, prices.tolist(), strict=True)),
        cost_unit=data.cost_unit,
        edges=edges,
        shares=shares,
        stamp=RunStamp.collect(*([source] if source else []), seed=seed).to_dict() | {"folds": folds, "within": within},
    )
    report = _report(
        data,
        policy,
        order,
        estimates,
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

    A policy with estimates is measured on the models it knows. Where the table is the one it was fitted on, the
    report warns: its figures are then too good.
    """
    import numpy as np

    table, warnings = validate(table), _in_sample(policy, source)
    if policy.estimator is None:
        data = board(table, strong=strong, weak=weak, seed=seed)
        order = heuristic_scores(data.prompts)
        return _report(data, policy, order, None, seed=seed, warnings=warnings)
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
    estimates = learn.predict(estimator, learn.prepare(data.prompts, grouped=False))[:, columns]
    order = estimates[:, data.strong] - estimates[:, data.weak]
    prices = np.array([policy.costs.get(name, 0.0) for name in data.models])
    choices = choose_at(estimates, prices, policy.cost_weight)
    return _report(data, policy, order, estimates, seed=seed, choices=choices, warnings=warnings)


def _report(
    data: Board,
    policy: RoutePolicy,
    order: Array,
    estimates: Array | None,
    *,
    seed: int,
    within: float = WITHIN,
    choices: Array | None = None,
    transfer: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
) -> TuningReport:
    weak, strong = data.scores[:, data.weak], data.scores[:, data.strong]
    found = None if estimates is None else curve(estimates, data.scores, data.costs)
    ranked = ranking(data, order, seed, null=0.5)
    saving = None if choices is None else saving_of(data, choices, seed)
    return TuningReport(
        board=data,
        policy=policy,
        scores=order,
        apgr=ranked,
        apgr_full=apgr(order, weak, strong, bins=0),
        cpt50=cpt(order, weak, strong, 0.5),
        cpt80=cpt(order, weak, strong, 0.8),
        aiq=(aiq_of_curve(data, found, seed) if found else None) or aiq_of_ranking(data, order, seed),
        baselines=baselines(data, order, seed),
        verdict=verdict_of(data, order, ranked, saving, within),
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


def _in_sample(policy: RoutePolicy, source: str | Path | None) -> list[str]:
    known = policy.stamp.get("data") or {}
    if source is None or not isinstance(known, Mapping):
        return []
    same = set(RunStamp.collect(source).data.values()) & set(known.values())
    return ["the policy was fitted on this very file: its figures here are too good"] if same else []
